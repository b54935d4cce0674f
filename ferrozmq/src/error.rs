//! The one error of the Rust API, and its number in the C one.
//!
//! An [`Error`] says in a sentence what was wrong and what would be right; its [`ErrorKind`] is
//! what a program decides by, and [`Error::errno`] is what libzmq's functions would report.

use crate::Message;
use ferrozmq_proto::option::{ErrorClass, OptionError};
use ferrozmq_proto::pattern::Refusal;
use std::borrow::Cow;
use std::fmt;
use std::io;

/// The result of this crate's calls.
pub type Result<T> = std::result::Result<T, Error>;

/// libzmq's base for error numbers that the system does not have (`ZMQ_HAUSNUMERO`).
const HAUSNUMERO: i32 = 156_384_712;

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call would have to wait, or waited as long as it may (`EAGAIN`).
    WouldBlock,
    /// The context was terminated or shut down (`ETERM`).
    Terminated,
    /// Not now: the socket type's protocol demands another call first (`EFSM`).
    WrongState,
    /// This socket type cannot do that (`ENOTSUP`).
    NotSupported,
    /// An argument is malformed or out of range (`EINVAL`).
    Invalid,
    /// No peer has the routing id (`EHOSTUNREACH`).
    Unroutable,
    /// The address is taken (`EADDRINUSE`).
    AddressInUse,
    /// The address is not one of this machine's (`EADDRNOTAVAIL`).
    AddressNotAvailable,
    /// No such network interface (`ENODEV`).
    NoDevice,
    /// No such endpoint (`ENOENT`).
    NotFound,
    /// The transport is unknown or not built (`EPROTONOSUPPORT`).
    ProtocolNotSupported,
    /// The transport does not go with this socket type (`ENOCOMPATPROTO`).
    Incompatible,
    /// No more sockets or descriptors (`EMFILE`).
    TooManySockets,
    /// An ipc path is too long (`ENAMETOOLONG`).
    NameTooLong,
    /// A signal interrupted the call (`EINTR`).
    Interrupted,
    /// The socket is closed (`ENOTSOCK`).
    Closed,
    /// The context has no I/O thread for this transport (`EMTHREAD`).
    NoIoThread,
    /// Something else the operating system reported.
    Io,
}

/// What went wrong, in a sentence.
///
/// Two words: results with it travel in registers, and what is expected (to have to wait) allocates nothing.
#[derive(Clone)]
pub struct Error(Repr);

#[derive(Clone)]
enum Repr {
    Expected(&'static Facts),
    Boxed(Box<Facts>),
}

/// What an error says; of what is expected to happen, a constant.
#[derive(Clone)]
pub(crate) struct Facts {
    kind: ErrorKind,
    errno: i32,
    text: Cow<'static, str>,
}

impl Facts {
    pub(crate) const fn expected(kind: ErrorKind, text: &'static str) -> Facts {
        Facts { kind, errno: errno_of(kind), text: Cow::Borrowed(text) }
    }
}

impl Error {
    /// An error of this kind; `text` says what was wrong and what would be right.
    #[cold]
    pub(crate) fn new(kind: ErrorKind, text: impl Into<Cow<'static, str>>) -> Error {
        Error(Repr::Boxed(Box::new(Facts { kind, errno: errno_of(kind), text: text.into() })))
    }

    /// The error that says this.
    pub(crate) fn expected(facts: &'static Facts) -> Error {
        Error(Repr::Expected(facts))
    }

    fn facts(&self) -> &Facts {
        match &self.0 {
            Repr::Expected(facts) => facts,
            Repr::Boxed(facts) => facts,
        }
    }

    /// The operating system's `error` while doing `what`.
    pub(crate) fn os(what: impl fmt::Display, error: &io::Error) -> Error {
        let errno = error.raw_os_error().unwrap_or(libc::EIO);
        Error::new(kind_of(errno), format!("{what}: {error}")).with_errno(errno)
    }

    /// The same error under another number.
    pub(crate) fn with_errno(self, errno: i32) -> Error {
        Error(Repr::Boxed(Box::new(Facts { errno, ..self.facts().clone() })))
    }

    pub(crate) fn would_block() -> Error {
        static FACTS: Facts = Facts::expected(
            ErrorKind::WouldBlock,
            "the call would have to wait, or waited as long as it may",
        );
        Error::expected(&FACTS)
    }

    /// The same; if time ran out, in words about what had come true by then.
    pub(crate) fn while_waiting(self, found: impl FnOnce() -> String) -> Error {
        if self.is_would_block() { Error::new(ErrorKind::WouldBlock, found()) } else { self }
    }

    /// The same error, with what probably caused it.
    pub(crate) fn because(self, why: &str) -> Error {
        let text = format!("{}; the last handshake failed: {why}", self.facts().text);
        Error(Repr::Boxed(Box::new(Facts { text: text.into(), ..self.facts().clone() })))
    }

    pub(crate) fn terminated() -> Error {
        Error::new(ErrorKind::Terminated, "the context was terminated")
    }

    pub(crate) fn closed() -> Error {
        Error::new(ErrorKind::Closed, "the socket is closed")
    }

    /// For what a fork's child inherited: [`Terminated`](ErrorKind::Terminated) for contexts,
    /// [`Closed`](ErrorKind::Closed) for sockets.
    pub(crate) fn inherited(kind: ErrorKind) -> Error {
        Error::new(kind, "it belongs to the process that forked this one; make a new context here")
    }

    pub(crate) fn interrupted() -> Error {
        Error::new(ErrorKind::Interrupted, "a signal interrupted the call")
    }

    pub(crate) fn from_option(error: OptionError) -> Error {
        let kind = match error.class() {
            ErrorClass::Invalid => ErrorKind::Invalid,
            ErrorClass::NotSupported => ErrorKind::NotSupported,
        };
        // libzmq's number for both is EINVAL.
        Error::new(kind, error.to_string()).with_errno(libc::EINVAL)
    }

    pub(crate) fn from_refusal(refusal: Refusal) -> Error {
        match refusal {
            Refusal::WouldBlock => Error::would_block(),
            Refusal::Unroutable => Error::new(
                ErrorKind::Unroutable,
                "no connected peer has the routing id in the message's first part",
            ),
            Refusal::WrongState(text) => Error::new(ErrorKind::WrongState, text),
            Refusal::NotSupported => {
                Error::new(ErrorKind::NotSupported, "this socket type does not send or receive that way")
            }
            Refusal::Invalid(text) => Error::new(ErrorKind::Invalid, text),
        }
    }

    /// What kind of error this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.facts().kind
    }

    /// The number libzmq's functions leave in `errno` for this error.
    #[must_use]
    pub fn errno(&self) -> i32 {
        self.facts().errno
    }

    /// Whether the call would have to wait, or its time ran out.
    #[must_use]
    pub fn is_would_block(&self) -> bool {
        self.kind() == ErrorKind::WouldBlock
    }

    /// The same as [`is_would_block`](Self::is_would_block): libzmq does not tell them apart either.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.is_would_block()
    }

    /// Whether the context was terminated.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.kind() == ErrorKind::Terminated
    }

    /// Whether a signal interrupted the call; it may be repeated.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.kind() == ErrorKind::Interrupted
    }
}

const fn errno_of(kind: ErrorKind) -> i32 {
    match kind {
        ErrorKind::WouldBlock => libc::EAGAIN,
        ErrorKind::Terminated => HAUSNUMERO + 53,
        ErrorKind::WrongState => HAUSNUMERO + 51,
        ErrorKind::Incompatible => HAUSNUMERO + 52,
        ErrorKind::NoIoThread => HAUSNUMERO + 54,
        ErrorKind::NotSupported => libc::ENOTSUP,
        ErrorKind::Invalid => libc::EINVAL,
        ErrorKind::Unroutable => libc::EHOSTUNREACH,
        ErrorKind::AddressInUse => libc::EADDRINUSE,
        ErrorKind::AddressNotAvailable => libc::EADDRNOTAVAIL,
        ErrorKind::NoDevice => libc::ENODEV,
        ErrorKind::NotFound => libc::ENOENT,
        ErrorKind::ProtocolNotSupported => libc::EPROTONOSUPPORT,
        ErrorKind::TooManySockets => libc::EMFILE,
        ErrorKind::NameTooLong => libc::ENAMETOOLONG,
        ErrorKind::Interrupted => libc::EINTR,
        ErrorKind::Closed => libc::ENOTSOCK,
        ErrorKind::Io => libc::EIO,
    }
}

fn kind_of(errno: i32) -> ErrorKind {
    match errno {
        libc::EAGAIN => ErrorKind::WouldBlock,
        libc::EINVAL => ErrorKind::Invalid,
        libc::EADDRINUSE => ErrorKind::AddressInUse,
        libc::EADDRNOTAVAIL => ErrorKind::AddressNotAvailable,
        libc::ENODEV => ErrorKind::NoDevice,
        libc::ENOENT => ErrorKind::NotFound,
        libc::EPROTONOSUPPORT => ErrorKind::ProtocolNotSupported,
        libc::EMFILE | libc::ENFILE => ErrorKind::TooManySockets,
        libc::ENAMETOOLONG => ErrorKind::NameTooLong,
        libc::EINTR => ErrorKind::Interrupted,
        _ => ErrorKind::Io,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.facts().text)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind())
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match error.kind() {
            ErrorKind::WouldBlock => io::ErrorKind::WouldBlock,
            ErrorKind::Invalid => io::ErrorKind::InvalidInput,
            ErrorKind::AddressInUse => io::ErrorKind::AddrInUse,
            ErrorKind::AddressNotAvailable => io::ErrorKind::AddrNotAvailable,
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::Interrupted => io::ErrorKind::Interrupted,
            ErrorKind::NotSupported | ErrorKind::ProtocolNotSupported => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// A message that was not sent, and why; nothing of it went anywhere.
pub struct SendError(Box<(Message, Error)>);

impl SendError {
    pub(crate) fn new(message: Message, error: Error) -> SendError {
        SendError(Box::new((message, error)))
    }

    /// The same for what has not been made a message yet.
    #[cold]
    pub(crate) fn giving_back(message: impl crate::IntoMessage, error: Error) -> SendError {
        let mut whole = Message::new();
        message.put_into(&mut whole);
        SendError::new(whole, error)
    }

    /// Why the message was not sent.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.0.1
    }

    /// The message, whole, to be sent again or elsewhere.
    #[must_use]
    pub fn into_message(self) -> Message {
        self.0.0
    }

    /// The message and the error.
    #[must_use]
    pub fn into_parts(self) -> (Message, Error) {
        *self.0
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.error(), f)
    }
}

impl fmt::Debug for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SendError").field(self.error()).finish_non_exhaustive()
    }
}

impl std::error::Error for SendError {}

impl From<SendError> for Error {
    fn from(error: SendError) -> Error {
        error.into_parts().1
    }
}

impl From<SendError> for io::Error {
    fn from(error: SendError) -> io::Error {
        Error::from(error).into()
    }
}
