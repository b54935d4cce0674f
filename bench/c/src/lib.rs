//! The contender that is a C library with libzmq's functions, with all its defaults: one I/O thread, high-water marks of 1000.

mod library;

use ferrozmq_bench::{CLIENT_KEYS, Curve, Kind, SERVER_KEYS, Setup, Socket};
use library::{Library, Msg};
use std::ffi::{CStr, CString, c_int, c_void};
use std::path::Path;
use std::process::ExitCode;
use std::ptr::null_mut;
use std::sync::OnceLock;

/// The library of this process.
static LIBRARY: OnceLock<Library> = OnceLock::new();

/// The variable that names the library's file.
const VARIABLE: &str = "FERROZMQ_BENCH_LIBRARY";

/// The `main` of a contender that is the library at `path`.
#[must_use]
pub fn run(path: &Path) -> ExitCode {
    with(path, ferrozmq_bench::run::<CLibrary>)
}

/// The `main` of a program that does something with the library whose file [`VARIABLE`] names.
#[must_use]
pub fn with_named(act: fn() -> ExitCode) -> ExitCode {
    match std::env::var_os(VARIABLE) {
        Some(path) => with(Path::new(&path), act),
        None => {
            eprintln!("{VARIABLE} must name the C library to measure");
            ExitCode::FAILURE
        }
    }
}

fn with(path: &Path, act: fn() -> ExitCode) -> ExitCode {
    match Library::load(path) {
        Ok(library) => {
            LIBRARY.get_or_init(|| library);
            act()
        }
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn library() -> &'static Library {
    LIBRARY.get().expect("run() loads it before it opens a contender")
}

/// A context.
pub struct CLibrary(*mut c_void);

// SAFETY: a context may be used by any thread (zmq_ctx_new(3)).
unsafe impl Sync for CLibrary {}

/// A socket, and a message that is reused for every receive; the library frees what it held before.
pub struct CSocket {
    library: &'static Library,
    socket: *mut c_void,
    message: Msg,
}

// SAFETY: a socket may be handed to another thread with a full fence between (zmq_socket(3)); a thread's start is one.
unsafe impl Send for CSocket {}

impl ferrozmq_bench::Library for CLibrary {
    type Socket = CSocket;

    fn open(sockets: usize) -> Result<CLibrary, String> {
        // SAFETY: no arguments.
        let context = unsafe { (library().ctx_new)() };
        check(if context.is_null() { -1 } else { 0 })?;
        let sockets = c_int::try_from(sockets).map_err(|error| error.to_string())?;
        // SAFETY: the context is open.
        check(unsafe { (library().ctx_set)(context, library::ZMQ_MAX_SOCKETS, sockets) })?;
        Ok(CLibrary(context))
    }

    fn socket(&self, kind: Kind, setup: &Setup) -> Result<CSocket, String> {
        let kind = match kind {
            Kind::Req => library::ZMQ_REQ,
            Kind::Rep => library::ZMQ_REP,
            Kind::Push => library::ZMQ_PUSH,
            Kind::Pull => library::ZMQ_PULL,
            Kind::Dealer => library::ZMQ_DEALER,
            Kind::Router => library::ZMQ_ROUTER,
            Kind::Pub => library::ZMQ_PUB,
            Kind::Sub => library::ZMQ_SUB,
        };
        let mut message = Msg::room();
        // SAFETY: the context is open, the message has its place.
        let socket = unsafe {
            check((library().msg_init)(&mut message))?;
            (library().socket)(self.0, kind)
        };
        check(if socket.is_null() { -1 } else { 0 })?;
        let socket = CSocket { library: library(), socket, message };
        socket.set_up(setup)?;
        Ok(socket)
    }

    fn proxy(&self, front: CSocket, back: CSocket) -> Result<(), String> {
        // SAFETY: both sockets are open.
        check(unsafe { (library().proxy)(front.socket, back.socket, null_mut()) })
    }

    fn close(self) -> Result<(), String> {
        // SAFETY: nothing uses the context afterwards.
        check(unsafe { (library().ctx_term)(self.0) })
    }
}

impl CSocket {
    fn set_up(&self, setup: &Setup) -> Result<(), String> {
        if let Some(backlog) = setup.backlog {
            self.set(library::ZMQ_BACKLOG, &backlog.to_ne_bytes())?;
        }
        if setup.no_drop {
            self.set(library::ZMQ_XPUB_NODROP, &1_i32.to_ne_bytes())?;
        }
        if setup.no_mark {
            self.set(library::ZMQ_SNDHWM, &0_i32.to_ne_bytes())?;
        }
        match setup.curve {
            Some(Curve::Server) => {
                self.set(library::ZMQ_CURVE_SERVER, &1_i32.to_ne_bytes())?;
                self.set(library::ZMQ_CURVE_SECRETKEY, SERVER_KEYS[1].as_bytes())
            }
            Some(Curve::Client) => {
                self.set(library::ZMQ_CURVE_SERVERKEY, SERVER_KEYS[0].as_bytes())?;
                self.set(library::ZMQ_CURVE_PUBLICKEY, CLIENT_KEYS[0].as_bytes())?;
                self.set(library::ZMQ_CURVE_SECRETKEY, CLIENT_KEYS[1].as_bytes())
            }
            None => Ok(()),
        }
    }

    fn set(&self, option: c_int, value: &[u8]) -> Result<(), String> {
        // SAFETY: the socket is open, the value as long as is said.
        check(unsafe { (self.library.setsockopt)(self.socket, option, value.as_ptr().cast(), value.len()) })
    }

    fn last_endpoint(&self) -> Result<String, String> {
        let mut text = [0_u8; 1024];
        let mut length = text.len();
        let option = library::ZMQ_LAST_ENDPOINT;
        // SAFETY: the socket is open, the buffer as long as `length` says.
        check(unsafe {
            (self.library.getsockopt)(self.socket, option, text.as_mut_ptr().cast(), &mut length)
        })?;
        let text = CStr::from_bytes_until_nul(&text).map_err(|error| error.to_string())?;
        Ok(text.to_string_lossy().into_owned())
    }

    fn send_one(&self, body: &[u8], flags: c_int) -> Result<(), String> {
        // SAFETY: the socket is open; the library copies the body before it returns.
        check(unsafe { (self.library.send)(self.socket, body.as_ptr().cast(), body.len(), flags) })
    }

    /// Receives one part; whether more follow.
    fn recv_one(&mut self) -> Result<bool, String> {
        // SAFETY: the socket is open and the message initialised.
        unsafe {
            check((self.library.msg_recv)(&mut self.message, self.socket, 0))?;
            Ok((self.library.msg_more)(&self.message) != 0)
        }
    }
}

impl Socket for CSocket {
    fn bind(&mut self, endpoint: &str) -> Result<String, String> {
        let text = CString::new(endpoint).map_err(|error| error.to_string())?;
        // SAFETY: the socket is open, the text lives through the call.
        check(unsafe { (self.library.bind)(self.socket, text.as_ptr()) })?;
        self.last_endpoint()
    }

    fn connect(&mut self, endpoint: &str) -> Result<(), String> {
        let text = CString::new(endpoint).map_err(|error| error.to_string())?;
        // SAFETY: the socket is open, the text lives through the call.
        check(unsafe { (self.library.connect)(self.socket, text.as_ptr()) })
    }

    fn subscribe(&mut self, topic: &[u8]) -> Result<(), String> {
        self.set(library::ZMQ_SUBSCRIBE, topic)
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        self.send_one(body, 0)
    }

    fn send_parts(&mut self, body: &[u8], parts: usize) -> Result<(), String> {
        for _ in 1..parts {
            self.send_one(body, library::ZMQ_SNDMORE)?;
        }
        self.send_one(body, 0)
    }

    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        while self.recv_one()? {}
        // SAFETY: the message holds what was received, until the next receive.
        unsafe {
            let length = (self.library.msg_size)(&self.message);
            let data = (self.library.msg_data)(&mut self.message).cast::<u8>();
            Ok(look(std::slice::from_raw_parts(data, length)))
        }
    }

    fn echo(&mut self) -> Result<(), String> {
        loop {
            let more = self.recv_one()?;
            let flags = if more { library::ZMQ_SNDMORE } else { 0 };
            // SAFETY: the message holds what was received; sent, it is empty and may be received into again.
            check(unsafe { (self.library.msg_send)(&mut self.message, self.socket, flags) })?;
            if !more {
                return Ok(());
            }
        }
    }

    fn close(mut self) -> Result<(), String> {
        // SAFETY: nothing uses message or socket afterwards.
        unsafe {
            check((self.library.msg_close)(&mut self.message))?;
            check((self.library.close)(self.socket))
        }
    }
}

/// An error for a result below zero, in the library's words.
fn check(result: c_int) -> Result<(), String> {
    if result >= 0 { Ok(()) } else { Err(last_error()) }
}

#[cold]
fn last_error() -> String {
    // SAFETY: both functions may be called at any time; the text is static.
    let text = unsafe { CStr::from_ptr((library().strerror)((library().errno)())) };
    text.to_string_lossy().into_owned()
}
