//! Sockets: made, closed, bound, connected.

use crate::call;
use crate::context::ContextObject;
use crate::errno::Errno;
use crate::hazard;
use crate::raw;
use crate::table::{self, Object};
use ferrozmq::{EventPublisher, Socket, SocketType};
use std::ffi::{c_char, c_int, c_void};
use std::sync::Mutex;

/// What a socket's handle stands for.
pub(crate) struct SocketObject {
    pub(crate) socket: Socket,
    pub(crate) monitor: Mutex<Option<EventPublisher>>,
}

impl Object for SocketObject {
    const KIND: u8 = 0;
    const BAD_HANDLE: Errno = Errno::NOT_A_SOCKET;
}

/// `zmq_socket(3)`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_socket(context: *mut c_void, kind: c_int) -> *mut c_void {
    call::pointer(|| {
        let context = table::find::<ContextObject>(context)?;
        let kind = SocketType::from_number(kind).ok_or(Errno::INVALID)?;
        let socket = context.context.socket(kind)?;
        table::insert(SocketObject { socket, monitor: Mutex::new(None) })
    })
}

/// `zmq_close(3)`: never waits; what was sent lingers.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_close(socket: *mut c_void) -> c_int {
    call::int(|| {
        let object = table::remove::<SocketObject>(socket)?;
        {
            let _busy = hazard::claim(hazard::NOTHING);
            object.socket.close();
            drop(object);
        }
        table::reclaim();
        Ok(0)
    })
}

/// `zmq_bind(3)`.
///
/// # Safety
/// `endpoint` leads to a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_bind(socket: *mut c_void, endpoint: *const c_char) -> c_int {
    call::on_socket(socket, |object| {
        // SAFETY: the caller's promise is the same.
        object.socket.bind(unsafe { raw::text(endpoint) }?)?;
        Ok(0)
    })
}

/// `zmq_connect(3)`.
///
/// # Safety
/// As [`zmq_bind`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_connect(socket: *mut c_void, endpoint: *const c_char) -> c_int {
    call::on_socket(socket, |object| {
        // SAFETY: the caller's promise is the same.
        object.socket.connect(unsafe { raw::text(endpoint) }?)?;
        Ok(0)
    })
}

/// `zmq_unbind(3)`.
///
/// # Safety
/// As [`zmq_bind`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_unbind(socket: *mut c_void, endpoint: *const c_char) -> c_int {
    call::on_socket(socket, |object| {
        // SAFETY: the caller's promise is the same.
        object.socket.unbind(unsafe { raw::text(endpoint) }?)?;
        Ok(0)
    })
}

/// `zmq_disconnect(3)`.
///
/// # Safety
/// As [`zmq_bind`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_disconnect(socket: *mut c_void, endpoint: *const c_char) -> c_int {
    call::on_socket(socket, |object| {
        // SAFETY: the caller's promise is the same.
        object.socket.disconnect(unsafe { raw::text(endpoint) }?)?;
        Ok(0)
    })
}
