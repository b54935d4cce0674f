//! A C library with libzmq's functions, loaded by its file's name: the only unsafe code of the command.
//!
//! It is loaded into processes that do nothing else and are ended by whoever started them (`end`): nothing is ever unloaded, no socket
//! closed. The functions' types are those of the manual pages; a file that has them by these names with other types is no such
//! library, and whoever names it here has run it as much as if they had started it.

use std::error::Error as _;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;

use ferrozmq::SocketType;

use super::wire::{Library, Wire};
use crate::failure::Failure;

const ZMQ_LAST_ENDPOINT: c_int = 32;

/// `zmq_msg_t`: 64 bytes that only the library understands.
#[repr(C, align(8))]
struct Msg([u8; 64]);

/// A table of functions, filled from a library by their names with `zmq_` before them.
macro_rules! functions {
    ($(fn $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {
        struct Functions {
            $($name: unsafe extern "C" fn($($argument: $kind),*) $(-> $result)?,)*
        }

        impl Functions {
            fn load(path: &Path) -> Result<Functions, String> {
                // SAFETY: loading runs the library's initialisers, as starting a program that is linked with it would.
                let library = unsafe { libloading::Library::new(path) };
                let library = library.map_err(|error| {
                    // What the loader says is what the error stems from.
                    let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                    format!("cannot be loaded: {said}")
                })?;
                let library = Box::leak(Box::new(library));
                $(
                    let name = concat!("zmq_", stringify!($name));
                    // SAFETY: the type is that of the manual page, and the library is never unloaded.
                    let found = unsafe { library.get(name.as_bytes()) };
                    let $name = *found.map_err(|_| format!("has no function {name}: it is no libzmq"))?;
                )*
                Ok(Functions { $($name,)* })
            }
        }
    };
}

functions! {
    fn version(major: *mut c_int, minor: *mut c_int, patch: *mut c_int);
    fn ctx_new() -> *mut c_void;
    fn socket(context: *mut c_void, kind: c_int) -> *mut c_void;
    fn bind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    fn connect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    fn getsockopt(socket: *mut c_void, option: c_int, value: *mut c_void, length: *mut usize) -> c_int;
    fn send(socket: *mut c_void, body: *const c_void, length: usize, flags: c_int) -> c_int;
    fn msg_init(message: *mut Msg) -> c_int;
    fn msg_recv(message: *mut Msg, socket: *mut c_void, flags: c_int) -> c_int;
    fn msg_send(message: *mut Msg, socket: *mut c_void, flags: c_int) -> c_int;
    fn msg_size(message: *const Msg) -> usize;
    fn errno() -> c_int;
    fn strerror(number: c_int) -> *const c_char;
}

/// A library and its context, both for the rest of this process's life.
pub struct Foreign {
    functions: &'static Functions,
    context: *mut c_void,
}

// SAFETY: a context may be used by any thread (zmq_ctx_new(3)), and functions by all.
unsafe impl Sync for Foreign {}

/// One of its sockets.
pub struct ForeignWire {
    functions: &'static Functions,
    socket: *mut c_void,
    message: Msg,
}

// SAFETY: a socket may be handed to another thread with a full fence between (zmq_socket(3)); a thread's start is one.
unsafe impl Send for ForeignWire {}

impl Foreign {
    /// Loads the library at `path`.
    ///
    /// # Errors
    /// If there is none, or a function is missing.
    pub fn load(path: &Path) -> Result<Foreign, Failure> {
        let functions =
            Functions::load(path).map_err(|reason| Failure::Error(format!("{} {reason}", path.display())))?;
        let functions: &'static Functions = Box::leak(Box::new(functions));
        // SAFETY: no arguments.
        let context = unsafe { (functions.ctx_new)() };
        check(functions, if context.is_null() { -1 } else { 0 })?;
        Ok(Foreign { functions, context })
    }

    /// What the library says of its version.
    pub fn version(&self) -> String {
        let [mut major, mut minor, mut patch] = [0; 3];
        // SAFETY: the three places are there.
        unsafe { (self.functions.version)(&mut major, &mut minor, &mut patch) };
        format!("{major}.{minor}.{patch}")
    }
}

impl Library for Foreign {
    type Wire = ForeignWire;

    fn wire(&self, kind: SocketType) -> Result<ForeignWire, Failure> {
        let functions = self.functions;
        let mut message = Msg([0; 64]);
        // SAFETY: the context is open, the message has its place.
        let socket = unsafe {
            check(functions, (functions.msg_init)(&mut message))?;
            (functions.socket)(self.context, number(kind))
        };
        check(functions, if socket.is_null() { -1 } else { 0 })?;
        Ok(ForeignWire { functions, socket, message })
    }
}

/// libzmq's number of the types that are compared.
fn number(kind: SocketType) -> c_int {
    match kind {
        SocketType::Req => 3,
        SocketType::Rep => 4,
        SocketType::Pull => 7,
        SocketType::Push => 8,
        other => unreachable!("no comparison uses {other:?}"),
    }
}

impl Wire for ForeignWire {
    fn bind(&mut self, endpoint: &str) -> Result<String, Failure> {
        let text = text(endpoint)?;
        // SAFETY: the socket is open, the text lives through the call.
        check(self.functions, unsafe { (self.functions.bind)(self.socket, text.as_ptr()) })?;
        let mut place = [0_u8; 1024];
        let mut length = place.len();
        // SAFETY: the socket is open, the buffer as long as `length` says.
        let result = unsafe {
            let into = place.as_mut_ptr().cast();
            (self.functions.getsockopt)(self.socket, ZMQ_LAST_ENDPOINT, into, &mut length)
        };
        check(self.functions, result)?;
        let place = CStr::from_bytes_until_nul(&place).map_err(|error| Failure::Error(error.to_string()))?;
        Ok(place.to_string_lossy().into_owned())
    }

    fn connect(&mut self, endpoint: &str) -> Result<(), Failure> {
        let text = text(endpoint)?;
        // SAFETY: the socket is open, the text lives through the call.
        check(self.functions, unsafe { (self.functions.connect)(self.socket, text.as_ptr()) })
    }

    fn send(&mut self, body: &[u8]) -> Result<(), Failure> {
        // SAFETY: the socket is open; the library copies the body before it returns.
        let result = unsafe { (self.functions.send)(self.socket, body.as_ptr().cast(), body.len(), 0) };
        check(self.functions, result)
    }

    fn recv(&mut self) -> Result<usize, Failure> {
        // SAFETY: the socket is open, the message initialised.
        unsafe {
            check(self.functions, (self.functions.msg_recv)(&mut self.message, self.socket, 0))?;
            Ok((self.functions.msg_size)(&self.message))
        }
    }

    fn echo(&mut self) -> Result<(), Failure> {
        self.recv()?;
        // SAFETY: the message holds what was received; sent, it is empty and may be received into again.
        check(self.functions, unsafe { (self.functions.msg_send)(&mut self.message, self.socket, 0) })
    }
}

fn text(endpoint: &str) -> Result<CString, Failure> {
    CString::new(endpoint).map_err(|error| Failure::Usage(error.to_string()))
}

/// An error for a result below zero, in the library's words.
fn check(functions: &Functions, result: c_int) -> Result<(), Failure> {
    if result >= 0 {
        return Ok(());
    }
    // SAFETY: both functions may be called at any time; the text is static.
    let text = unsafe { CStr::from_ptr((functions.strerror)((functions.errno)())) };
    Err(Failure::Error(text.to_string_lossy().into_owned()))
}
