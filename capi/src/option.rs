//! Socket options: bytes in, bytes out; the engine's table knows what they mean.

use crate::call;
use crate::errno::Errno;
use crate::raw;
use ferrozmq::option::Value;
use std::ffi::{c_int, c_void};

/// `zmq_setsockopt(3)`.
///
/// # Safety
/// `value` leads to `size` bytes, or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_setsockopt(
    socket: *mut c_void,
    option: c_int,
    value: *const c_void,
    size: usize,
) -> c_int {
    call::on_socket(socket, |object| {
        match value.is_null() {
            true if size == 0 => object.socket.clear_raw(option)?,
            true => return Err(Errno::INVALID),
            // SAFETY: the caller's promise is the same.
            false => object.socket.set_raw(option, unsafe { raw::bytes(value, size) }?)?,
        }
        Ok(0)
    })
}

/// `zmq_getsockopt(3)`: what is left of a larger buffer is zeroed, and `*size` becomes the value's size.
///
/// # Safety
/// `size` leads to the size of the buffer that `value` leads to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_getsockopt(
    socket: *mut c_void,
    option: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    call::on_socket(socket, |object| {
        if value.is_null() || size.is_null() {
            return Err(Errno::FAULT);
        }
        // SAFETY: the caller's promise is the same. Strangers do not always align.
        let capacity = unsafe { size.read_unaligned() };
        let answer = object.socket.read_value(option, capacity)?;
        let long;
        let number;
        let bytes = match answer {
            Value::Int(int) => {
                number = int.to_ne_bytes();
                &number[..]
            }
            other => {
                long = other.to_c_bytes();
                &long[..]
            }
        };
        if bytes.len() > capacity {
            return Err(Errno::INVALID);
        }
        // SAFETY: the caller's promise is the same, and the value fits.
        unsafe {
            value.cast::<u8>().write_bytes(0, capacity);
            raw::copy_out(bytes, value, capacity);
            size.write_unaligned(bytes.len());
        }
        Ok(0)
    })
}
