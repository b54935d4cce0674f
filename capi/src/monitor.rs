//! Monitors: a socket's events as messages of an inproc socket.

use crate::call::{self, Outcome};
use crate::errno::Errno;
use crate::raw;
use crate::socket::SocketObject;
use ferrozmq::{EventFormat, SocketType};
use std::ffi::{c_char, c_int, c_void};
use std::sync::PoisonError;

/// `zmq_socket_monitor(3)`: events of version 1, by a PAIR socket.
///
/// # Safety
/// `endpoint` leads to a string, or is null to end the monitor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor(
    socket: *mut c_void,
    endpoint: *const c_char,
    events: c_int,
) -> c_int {
    let events = u64::from(events.cast_unsigned());
    // SAFETY: the caller's promise is the same.
    call::on_socket(socket, |object| unsafe {
        monitor(object, endpoint, events, EventFormat::Version1, SocketType::Pair)
    })
}

/// `zmq_socket_monitor_versioned`: events of either version, by a PAIR, PUB or PUSH socket.
///
/// # Safety
/// As [`zmq_socket_monitor`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_monitor_versioned(
    socket: *mut c_void,
    endpoint: *const c_char,
    events: u64,
    version: c_int,
    kind: c_int,
) -> c_int {
    call::on_socket(socket, |object| {
        let format = match version {
            1 => EventFormat::Version1,
            2 => EventFormat::Version2,
            // Whoever ends a monitor need not know how it was begun.
            _ if endpoint.is_null() => EventFormat::Version2,
            _ => return Err(Errno::INVALID),
        };
        let kind = match SocketType::from_number(kind) {
            Some(kind) => kind,
            None if endpoint.is_null() => SocketType::Pair,
            None => return Err(Errno::INVALID),
        };
        // SAFETY: the caller's promise is the same.
        unsafe { monitor(object, endpoint, events, format, kind) }
    })
}

/// `zmq_socket_monitor_pipes_stats`: asks for an event about each peer's queues.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_socket_monitor_pipes_stats(socket: *mut c_void) -> c_int {
    call::on_socket(socket, |object| {
        let monitor = object.monitor.lock().unwrap_or_else(PoisonError::into_inner);
        monitor.as_ref().ok_or(Errno::INVALID)?.publish_queues(&object.socket)?;
        Ok(0)
    })
}

/// Begins, replaces or ends a socket's monitor.
///
/// # Safety
/// `endpoint` leads to a string, or is null.
unsafe fn monitor(
    object: &SocketObject,
    endpoint: *const c_char,
    events: u64,
    format: EventFormat,
    kind: SocketType,
) -> Outcome<c_int> {
    object.socket.events()?;
    let mut current = object.monitor.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(old) = current.take() {
        old.stop();
    }
    if !endpoint.is_null() {
        // SAFETY: the caller's promise is the same.
        let endpoint = unsafe { raw::text(endpoint) }?;
        *current = Some(object.socket.publish_events(endpoint, events, format, kind)?);
    }
    Ok(0)
}
