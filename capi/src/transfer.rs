//! Sending and receiving, part by part.
//!
//! The functions return how many bytes a part has, at most `INT_MAX`.

use crate::call::{self, Outcome};
use crate::message::Msg;
use crate::raw;
use crate::socket::SocketObject;
use bytes::Bytes;
use ferrozmq::Frame;
use std::ffi::{c_int, c_void};

const ZMQ_DONTWAIT: c_int = 1;
const ZMQ_SNDMORE: c_int = 2;

/// The length of a part as C is told it.
#[inline(always)]
pub(crate) fn count(len: usize) -> c_int {
    c_int::try_from(len).unwrap_or(c_int::MAX)
}

#[inline]
fn send_frame(object: &SocketObject, frame: &mut Frame, flags: c_int) -> Outcome<()> {
    Ok(object.socket.send_part_from(frame, flags & ZMQ_SNDMORE != 0, flags & ZMQ_DONTWAIT != 0)?)
}

/// Sends the content of `msg`, which becomes empty; after a failure it is as it was.
#[inline]
pub(crate) fn send_msg(object: &SocketObject, msg: &mut Msg, flags: c_int) -> Outcome<c_int> {
    let len = msg.frame().len();
    send_frame(object, msg.frame(), flags)?;
    msg.sent();
    Ok(count(len))
}

/// Receives a part into `msg`, in place of its content.
#[inline(always)]
pub(crate) fn recv_msg(object: &SocketObject, msg: &mut Msg, flags: c_int) -> Outcome<c_int> {
    let (frame, mark) = msg.place();
    let then = |len, more| {
        mark.received(more);
        count(len)
    };
    Ok(object.socket.recv_part_then(frame, flags & ZMQ_DONTWAIT != 0, then)?)
}

/// Sends a part that is not in a message.
#[inline(always)]
pub(crate) fn send_bytes(object: &SocketObject, bytes: &[u8], flags: c_int) -> Outcome<c_int> {
    object.socket.send_part_copied(bytes, flags & ZMQ_SNDMORE != 0, flags & ZMQ_DONTWAIT != 0)?;
    Ok(count(bytes.len()))
}

/// `zmq_send(3)`: sends a copy of `len` bytes.
///
/// # Safety
/// `data` leads to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_send(
    socket: *mut c_void,
    data: *const c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    call::on_socket(socket, move |object| {
        // SAFETY: the caller's promise is the same.
        send_bytes(object, unsafe { raw::bytes(data, len) }?, flags)
    })
}

/// `zmq_send_const(3)`: sends `len` bytes that never change and are always there.
///
/// # Safety
/// `data` leads to `len` bytes that stay as they are for as long as the program runs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_send_const(
    socket: *mut c_void,
    data: *const c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    call::on_socket(socket, move |object| {
        // SAFETY: the caller's promise is the same.
        let bytes: &'static [u8] = unsafe { raw::bytes(data, len) }?;
        send_frame(object, &mut Frame::from(Bytes::from_static(bytes)), flags)?;
        Ok(count(len))
    })
}

/// `zmq_recv(3)`: receives a part into `capacity` bytes, cut to them; returns its whole length.
///
/// # Safety
/// `data` leads to `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_recv(
    socket: *mut c_void,
    data: *mut c_void,
    capacity: usize,
    flags: c_int,
) -> c_int {
    call::on_socket(socket, move |object| {
        // SAFETY: the caller's promise is the same.
        let into = unsafe { raw::place(data, capacity) }?;
        let (len, _) = object.socket.recv_part_copied(into, flags & ZMQ_DONTWAIT != 0)?;
        Ok(count(len))
    })
}

/// `zmq_msg_send(3)`: sends the content of `msg`, which becomes empty.
///
/// # Safety
/// `msg` leads to a message that was initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_send(msg: *mut Msg, socket: *mut c_void, flags: c_int) -> c_int {
    call::on_socket(socket, move |object| {
        // SAFETY: the caller's promise is the same.
        send_msg(object, unsafe { Msg::live(msg) }?, flags)
    })
}

/// `zmq_msg_recv(3)`: receives a part into `msg`, in place of its content.
///
/// # Safety
/// As [`zmq_msg_send`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_recv(msg: *mut Msg, socket: *mut c_void, flags: c_int) -> c_int {
    call::on_socket(socket, move |object| {
        // SAFETY: the caller's promise is the same.
        recv_msg(object, unsafe { Msg::live(msg) }?, flags)
    })
}

/// `zmq_sendmsg(3)`, deprecated: [`zmq_msg_send`].
///
/// # Safety
/// As [`zmq_msg_send`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_sendmsg(socket: *mut c_void, msg: *mut Msg, flags: c_int) -> c_int {
    // SAFETY: the caller's promise is the same.
    unsafe { zmq_msg_send(msg, socket, flags) }
}

/// `zmq_recvmsg(3)`, deprecated: [`zmq_msg_recv`].
///
/// # Safety
/// As [`zmq_msg_send`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_recvmsg(socket: *mut c_void, msg: *mut Msg, flags: c_int) -> c_int {
    // SAFETY: the caller's promise is the same.
    unsafe { zmq_msg_recv(msg, socket, flags) }
}
