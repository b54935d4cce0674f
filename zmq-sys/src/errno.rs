//! Error numbers: the system's, libzmq's own, and those that libzmq gives where a system lacks a name.

#![expect(missing_docs, reason = "the names are the system's and libzmq's")]

use crate::constants::ZMQ_HAUSNUMERO;

pub use libc::{
    EACCES, EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EBUSY, ECONNREFUSED, EFAULT, EHOSTUNREACH, EINPROGRESS, EINTR,
    EINVAL, EMFILE, EMSGSIZE, ENAMETOOLONG, ENETDOWN, ENOBUFS, ENODEV, ENOENT, ENOMEM, ENOTCONN, ENOTSOCK,
    ENOTSUP, EPROTO, EPROTONOSUPPORT,
};

const BASE: i32 = ZMQ_HAUSNUMERO.cast_signed();

pub const EFSM: i32 = BASE + 51;
pub const ENOCOMPATPROTO: i32 = BASE + 52;
pub const ETERM: i32 = BASE + 53;
pub const EMTHREAD: i32 = BASE + 54;

pub const ENOTSUP_ALT: i32 = BASE + 1;
pub const EPROTONOSUPPORT_ALT: i32 = BASE + 2;
pub const ENOBUFS_ALT: i32 = BASE + 3;
pub const ENETDOWN_ALT: i32 = BASE + 4;
pub const EADDRINUSE_ALT: i32 = BASE + 5;
pub const EADDRNOTAVAIL_ALT: i32 = BASE + 6;
pub const ECONNREFUSED_ALT: i32 = BASE + 7;
pub const EINPROGRESS_ALT: i32 = BASE + 8;
pub const ENOTSOCK_ALT: i32 = BASE + 9;
pub const EMSGSIZE_ALT: i32 = BASE + 10;
pub const EAFNOSUPPORT_ALT: i32 = BASE + 11;
pub const ENETUNREACH_ALT: i32 = BASE + 12;
pub const ECONNABORTED_ALT: i32 = BASE + 13;
pub const ECONNRESET_ALT: i32 = BASE + 14;
pub const ENOTCONN_ALT: i32 = BASE + 15;
pub const ETIMEDOUT_ALT: i32 = BASE + 16;
pub const EHOSTUNREACH_ALT: i32 = BASE + 17;
pub const ENETRESET_ALT: i32 = BASE + 18;
