//! The dozen functions of libzmq that the contender calls, written from its manual pages.

use std::ffi::{c_char, c_int, c_void};

pub const ZMQ_REQ: c_int = 3;
pub const ZMQ_REP: c_int = 4;
pub const ZMQ_PULL: c_int = 7;
pub const ZMQ_PUSH: c_int = 8;
pub const ZMQ_LAST_ENDPOINT: c_int = 32;

/// `zmq_msg_t`: 64 bytes that only libzmq understands.
#[repr(C, align(8))]
pub struct Msg([u8; 64]);

impl Msg {
    /// Room for a message; `zmq_msg_init` makes it one.
    pub const fn room() -> Msg {
        Msg([0; 64])
    }
}

unsafe extern "C" {
    pub fn zmq_ctx_new() -> *mut c_void;
    pub fn zmq_ctx_term(context: *mut c_void) -> c_int;
    pub fn zmq_socket(context: *mut c_void, kind: c_int) -> *mut c_void;
    pub fn zmq_close(socket: *mut c_void) -> c_int;
    pub fn zmq_bind(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub fn zmq_connect(socket: *mut c_void, endpoint: *const c_char) -> c_int;
    pub fn zmq_getsockopt(
        socket: *mut c_void,
        option: c_int,
        value: *mut c_void,
        length: *mut usize,
    ) -> c_int;
    pub fn zmq_send(socket: *mut c_void, body: *const c_void, length: usize, flags: c_int) -> c_int;
    pub fn zmq_msg_init(message: *mut Msg) -> c_int;
    pub fn zmq_msg_recv(message: *mut Msg, socket: *mut c_void, flags: c_int) -> c_int;
    pub fn zmq_msg_data(message: *mut Msg) -> *mut c_void;
    pub fn zmq_msg_size(message: *const Msg) -> usize;
    pub fn zmq_msg_close(message: *mut Msg) -> c_int;
    pub fn zmq_errno() -> c_int;
    pub fn zmq_strerror(number: c_int) -> *const c_char;
}
