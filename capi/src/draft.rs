//! Draft functions.
//!
//! Those that belong to socket types which do not exist here check what they are given as libzmq does for a socket of
//! another type, and then say that it is not supported. A message has no group and no routing id of its own.

use crate::call;
use crate::errno::Errno;
use crate::message::Msg;
use crate::raw;
use std::ffi::{c_char, c_int, c_void};

const ZMQ_POLLOUT: c_int = 2;

/// `zmq_join`: for DISH sockets only.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_join(socket: *mut c_void, _group: *const c_char) -> c_int {
    call::on_socket(socket, |_| Err(Errno::NOT_SUPPORTED))
}

/// `zmq_leave`: for DISH sockets only.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_leave(socket: *mut c_void, _group: *const c_char) -> c_int {
    call::on_socket(socket, |_| Err(Errno::NOT_SUPPORTED))
}

/// `zmq_connect_peer`: for PEER sockets only. Returns 0, which is no routing id.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_connect_peer(socket: *mut c_void, _endpoint: *const c_char) -> u32 {
    call::on_socket(socket, |_| Err(Errno::NOT_SUPPORTED));
    0
}

/// `zmq_disconnect_peer`: for PEER sockets only.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_disconnect_peer(socket: *mut c_void, _routing_id: u32) -> c_int {
    call::on_socket(socket, |_| Err(Errno::NOT_SUPPORTED))
}

/// `zmq_socket_get_peer_state`: `ZMQ_POLLOUT` if a ROUTER socket would take a message for the peer with this routing
/// id, else 0. Whether the peer has sent something it does not tell, and neither does libzmq.
///
/// # Safety
/// `routing_id` leads to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_socket_get_peer_state(
    socket: *mut c_void,
    routing_id: *const c_void,
    size: usize,
) -> c_int {
    call::on_socket(socket, |object| {
        // SAFETY: the caller's promise is the same.
        let routing_id = unsafe { raw::bytes(routing_id, size) }?;
        Ok(if object.socket.has_room_for(routing_id)? { ZMQ_POLLOUT } else { 0 })
    })
}

/// `zmq_msg_set_routing_id`: not supported; 0 is invalid in any case.
///
/// # Safety
/// `msg` leads to a message that was initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set_routing_id(msg: *mut Msg, routing_id: u32) -> c_int {
    call::int(|| {
        // SAFETY: the caller's promise is the same.
        unsafe { Msg::live(msg) }?;
        Err(if routing_id == 0 { Errno::INVALID } else { Errno::NOT_SUPPORTED })
    })
}

/// `zmq_msg_routing_id`: 0, which is none.
///
/// # Safety
/// As [`zmq_msg_set_routing_id`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_routing_id(msg: *mut Msg) -> u32 {
    // SAFETY: the caller's promise is the same.
    call::or(0, || unsafe { Msg::live(msg) }.map(|_| 0))
}

/// `zmq_msg_set_group`: not supported.
///
/// # Safety
/// As [`zmq_msg_set_routing_id`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set_group(msg: *mut Msg, _group: *const c_char) -> c_int {
    call::int(|| {
        // SAFETY: the caller's promise is the same.
        unsafe { Msg::live(msg) }?;
        Err(Errno::NOT_SUPPORTED)
    })
}

/// `zmq_msg_group`: the empty string, which is none.
///
/// # Safety
/// As [`zmq_msg_set_routing_id`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_group(msg: *mut Msg) -> *const c_char {
    // SAFETY: the caller's promise is the same.
    call::pointer(|| unsafe { Msg::live(msg) }.map(|_| c"".as_ptr().cast_mut()))
}
