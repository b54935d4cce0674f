//! The functions of a C library that the contender calls, written from libzmq's manual pages and found when the program starts.
//!
//! Every library, the original too, is called through the same pointers: a difference between two of them is none of the caller's.

use std::ffi::{c_char, c_int, c_void};
use std::path::Path;

pub const ZMQ_PUB: c_int = 1;
pub const ZMQ_SUB: c_int = 2;
pub const ZMQ_REQ: c_int = 3;
pub const ZMQ_REP: c_int = 4;
pub const ZMQ_DEALER: c_int = 5;
pub const ZMQ_ROUTER: c_int = 6;
pub const ZMQ_PULL: c_int = 7;
pub const ZMQ_PUSH: c_int = 8;

pub const ZMQ_SUBSCRIBE: c_int = 6;
pub const ZMQ_BACKLOG: c_int = 19;
pub const ZMQ_SNDHWM: c_int = 23;
pub const ZMQ_LAST_ENDPOINT: c_int = 32;
pub const ZMQ_CURVE_SERVER: c_int = 47;
pub const ZMQ_CURVE_PUBLICKEY: c_int = 48;
pub const ZMQ_CURVE_SECRETKEY: c_int = 49;
pub const ZMQ_CURVE_SERVERKEY: c_int = 50;
pub const ZMQ_XPUB_NODROP: c_int = 69;

/// A context's option.
pub const ZMQ_MAX_SOCKETS: c_int = 2;
/// A flag of sends.
pub const ZMQ_SNDMORE: c_int = 2;

/// `zmq_msg_t`: 64 bytes that only the library understands.
#[repr(C, align(8))]
pub struct Msg([u8; 64]);

impl Msg {
    /// Room for a message; `msg_init` makes it one.
    pub const fn room() -> Msg {
        Msg([0; 64])
    }
}

/// A table of functions, filled from a library by their names with `zmq_` before them.
macro_rules! functions {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {
        /// The library's functions.
        pub struct Library {
            $($(#[$doc])* pub $name: unsafe extern "C" fn($($argument: $kind),*) $(-> $result)?,)*
        }

        impl Library {
            /// Loads the library at `path`, for the rest of this process's life.
            ///
            /// # Errors
            /// A sentence that names what is missing.
            pub fn load(path: &Path) -> Result<Library, String> {
                let sentence = |error: libloading::Error| format!("{}: {error}", path.display());
                // SAFETY: a library of messages runs nothing at its loading but its own initialisers.
                let library = Box::leak(Box::new(unsafe { libloading::Library::new(path) }.map_err(sentence)?));
                // SAFETY: the types are those of the manual pages, and the library is never unloaded.
                Ok(Library { $($name: unsafe { *library.get(concat!("zmq_", stringify!($name)).as_bytes()).map_err(sentence)? },)* })
            }
        }
    };
}

functions! {
    fn ctx_new() -> *mut c_void;
    fn ctx_set(context: *mut c_void, option: c_int, value: c_int) -> c_int;
    fn ctx_term(context: *mut c_void) -> c_int;
    fn socket(context: *mut c_void, kind: c_int) -> *mut c_void;
    fn close(socket: *mut c_void) -> c_int;
    fn bind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    fn connect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    fn getsockopt(socket: *mut c_void, option: c_int, value: *mut c_void, length: *mut usize) -> c_int;
    fn setsockopt(socket: *mut c_void, option: c_int, value: *const c_void, length: usize) -> c_int;
    fn send(socket: *mut c_void, body: *const c_void, length: usize, flags: c_int) -> c_int;
    fn msg_init(message: *mut Msg) -> c_int;
    fn msg_recv(message: *mut Msg, socket: *mut c_void, flags: c_int) -> c_int;
    fn msg_send(message: *mut Msg, socket: *mut c_void, flags: c_int) -> c_int;
    fn msg_more(message: *const Msg) -> c_int;
    fn msg_data(message: *mut Msg) -> *mut c_void;
    fn msg_size(message: *const Msg) -> usize;
    fn msg_close(message: *mut Msg) -> c_int;
    fn proxy(front: *mut c_void, back: *mut c_void, capture: *mut c_void) -> c_int;
    fn errno() -> c_int;
    fn strerror(number: c_int) -> *const c_char;
}
