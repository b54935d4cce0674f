//! What libzmq has not: functions whose names begin with `ferrozmq_`, declared in a header of their own (`ferrozmq.h`).

use crate::call;
use crate::errno::Errno;
use crate::raw;
use std::ffi::{c_char, c_int, c_void};

/// `ferrozmq_socket_stats_json`: what a socket has counted, as JSON with a NUL behind it. `size` is the room at `buffer`,
/// and then what the text takes.
///
/// # Safety
/// `size` leads to a number; a `buffer` that is not null leads to `*size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ferrozmq_socket_stats_json(
    socket: *mut c_void,
    buffer: *mut c_char,
    size: *mut usize,
) -> c_int {
    call::on_socket(socket, |object| {
        if size.is_null() || !size.is_aligned() {
            return Err(Errno::FAULT);
        }
        // Whether it may be used at all.
        object.socket.events()?;
        let mut text = object.socket.report().to_json();
        text.push('\0');
        // SAFETY: not null and aligned; the rest is the caller's promise.
        let capacity = unsafe { size.replace(text.len()) };
        if capacity < text.len() {
            return Err(Errno::NO_ROOM);
        }
        if buffer.is_null() {
            return Err(Errno::FAULT);
        }
        // SAFETY: the caller's promise is the same.
        unsafe { raw::copy_out(text.as_bytes(), buffer.cast(), capacity) };
        Ok(0)
    })
}
