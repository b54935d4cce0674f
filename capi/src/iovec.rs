//! A message from, or into, an array of buffers: two undocumented functions.

use crate::call::{self, Outcome};
use crate::errno::Errno;
use crate::raw;
use crate::socket::SocketObject;
use crate::transfer::send_bytes;
use libc::iovec;
use std::ffi::{c_int, c_void};

const ZMQ_DONTWAIT: c_int = 1;
const ZMQ_SNDMORE: c_int = 2;

/// `zmq_sendiov`: sends each buffer as a part; with `ZMQ_SNDMORE` others follow the last. Returns the length of
/// the last part.
///
/// # Safety
/// `parts` leads to `count` buffers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_sendiov(
    socket: *mut c_void,
    parts: *mut iovec,
    count: usize,
    flags: c_int,
) -> c_int {
    call::on_socket(socket, |object| {
        if count == 0 || parts.is_null() {
            return Err(Errno::INVALID);
        }
        // SAFETY: the caller's promise is the same.
        let parts = unsafe { raw::values(parts, count) }?;
        let mut sent = 0;
        for (index, part) in parts.iter().enumerate() {
            let flags = if index + 1 < count { flags | ZMQ_SNDMORE } else { flags };
            // SAFETY: the caller's promise is the same.
            let bytes = unsafe { raw::bytes(part.iov_base, part.iov_len) }?;
            sent = send_bytes(object, bytes, flags)?;
        }
        Ok(sent)
    })
}

/// `zmq_recviov`: receives at most `*count` parts of one message into buffers made by `malloc`, which the
/// caller frees. `*count` becomes the number of parts, which is returned.
///
/// # Safety
/// `count` leads to the number of buffers that `parts` leads to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_recviov(
    socket: *mut c_void,
    parts: *mut iovec,
    count: *mut usize,
    flags: c_int,
) -> c_int {
    call::on_socket(socket, |object| {
        if count.is_null() || parts.is_null() {
            return Err(Errno::INVALID);
        }
        // SAFETY: the caller's promise is the same.
        let count = unsafe { raw::value(count) }?;
        if *count == 0 {
            return Err(Errno::INVALID);
        }
        // SAFETY: the caller's promise is the same.
        let parts = unsafe { raw::values(parts, *count) }?;
        *count = 0;
        for part in parts {
            let more = receive(object, part, flags)?;
            *count += 1;
            if !more {
                break;
            }
        }
        Ok(crate::transfer::count(*count))
    })
}

/// Receives one part into `part`; whether others follow.
fn receive(object: &SocketObject, part: &mut iovec, flags: c_int) -> Outcome<bool> {
    let (frame, more) = object.socket.recv_part(flags & ZMQ_DONTWAIT != 0)?;
    // SAFETY: takes a number; the memory is given to the caller.
    let memory = unsafe { libc::malloc(frame.len().max(1)) };
    if memory.is_null() {
        return Err(Errno::NO_MEMORY);
    }
    // SAFETY: fresh memory of this size.
    unsafe { raw::copy_out(&frame, memory, frame.len()) };
    *part = iovec { iov_base: memory, iov_len: frame.len() };
    Ok(more)
}
