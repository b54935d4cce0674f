//! Monitors.

use crate::call;
use crate::errno::Errno;
use std::ffi::{c_char, c_int, c_void};

/// `zmq_socket_monitor(3)`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_socket_monitor(socket: *mut c_void, _endpoint: *const c_char, _events: c_int) -> c_int {
    call::on_socket(socket, |_| Err(Errno::NOT_SUPPORTED))
}
