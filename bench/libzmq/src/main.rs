//! The contender that is libzmq 4.3.5, with all its defaults: one I/O thread, high-water marks of 1000.

mod ffi;

use ferrozmq_bench::{Contender, Job, Pattern};
use std::ffi::{CStr, CString, c_int, c_void};
use std::process::ExitCode;

fn main() -> ExitCode {
    ferrozmq_bench::run::<Libzmq>()
}

/// One context with one socket.
struct Libzmq {
    context: *mut c_void,
    socket: *mut c_void,
    /// Reused for every receive; libzmq frees what it held before.
    message: ffi::Msg,
}

impl Contender for Libzmq {
    fn open(job: &Job) -> Result<(Libzmq, String), String> {
        let kind = match job.mode.pattern() {
            Pattern::Req => ffi::ZMQ_REQ,
            Pattern::Rep => ffi::ZMQ_REP,
            Pattern::Push => ffi::ZMQ_PUSH,
            Pattern::Pull => ffi::ZMQ_PULL,
        };
        let endpoint = CString::new(job.endpoint.as_str()).map_err(|error| error.to_string())?;
        let mut message = ffi::Msg::room();
        // SAFETY: the context and socket are used only here and closed in `finish`; the string lives through the calls.
        unsafe {
            let context = ffi::zmq_ctx_new();
            let socket = ffi::zmq_socket(context, kind);
            check(if socket.is_null() { -1 } else { 0 })?;
            let result = match job.mode.binds() {
                true => ffi::zmq_bind(socket, endpoint.as_ptr()),
                false => ffi::zmq_connect(socket, endpoint.as_ptr()),
            };
            check(result)?;
            check(ffi::zmq_msg_init(&mut message))?;
            let endpoint = last_endpoint(socket)?;
            Ok((Libzmq { context, socket, message }, endpoint))
        }
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        // SAFETY: the socket is open; libzmq copies the body before it returns.
        check(unsafe { ffi::zmq_send(self.socket, body.as_ptr().cast(), body.len(), 0) })
    }

    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        // SAFETY: the socket is open and the message initialised; the body is valid until the next receive.
        unsafe {
            check(ffi::zmq_msg_recv(&mut self.message, self.socket, 0))?;
            let length = ffi::zmq_msg_size(&self.message);
            let data = ffi::zmq_msg_data(&mut self.message).cast::<u8>();
            Ok(look(std::slice::from_raw_parts(data, length)))
        }
    }

    fn finish(mut self) -> Result<(), String> {
        // SAFETY: nothing uses message, socket or context afterwards.
        unsafe {
            check(ffi::zmq_msg_close(&mut self.message))?;
            check(ffi::zmq_close(self.socket))?;
            check(ffi::zmq_ctx_term(self.context))
        }
    }
}

/// # Safety
/// `socket` is an open socket.
unsafe fn last_endpoint(socket: *mut c_void) -> Result<String, String> {
    let mut text = [0_u8; 1024];
    let mut length = text.len();
    // SAFETY: the buffer is as long as `length` says.
    check(unsafe {
        ffi::zmq_getsockopt(socket, ffi::ZMQ_LAST_ENDPOINT, text.as_mut_ptr().cast(), &mut length)
    })?;
    let text = CStr::from_bytes_until_nul(&text).map_err(|error| error.to_string())?;
    Ok(text.to_string_lossy().into_owned())
}

/// An error for a result below zero, in libzmq's words.
fn check(result: c_int) -> Result<(), String> {
    if result >= 0 {
        return Ok(());
    }
    // SAFETY: both functions may be called at any time; the text is static.
    let text = unsafe { CStr::from_ptr(ffi::zmq_strerror(ffi::zmq_errno())) };
    Err(text.to_string_lossy().into_owned())
}
