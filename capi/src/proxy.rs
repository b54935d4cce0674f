//! Proxies: two sockets joined until the context ends, or a command comes.

use crate::call::{self, Outcome};
use crate::errno::Errno;
use crate::hazard;
use crate::socket::SocketObject;
use crate::table;
use ferrozmq::{Socket, proxy, proxy_steerable};
use std::ffi::{c_int, c_void};

fn socket(handle: *mut c_void) -> Outcome<Socket> {
    Ok(table::find::<SocketObject>(handle)?.socket.clone())
}

fn optional(handle: *mut c_void) -> Outcome<Option<Socket>> {
    if handle.is_null() { Ok(None) } else { socket(handle).map(Some) }
}

fn both(front: *mut c_void, back: *mut c_void) -> Outcome<(Socket, Socket)> {
    if front.is_null() || back.is_null() {
        return Err(Errno::FAULT);
    }
    Ok((socket(front)?, socket(back)?))
}

/// `zmq_proxy(3)`: returns, with −1, when the context is terminated or a socket is closed.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_proxy(front: *mut c_void, back: *mut c_void, capture: *mut c_void) -> c_int {
    call::int(|| {
        let (front, back) = both(front, back)?;
        let capture = optional(capture)?;
        let _busy = hazard::claim(hazard::NOTHING);
        proxy(&front, &back, capture.as_ref())?;
        Ok(0)
    })
}

/// `zmq_proxy_steerable(3)`: the same until a message `TERMINATE` comes at `control`, which then is 0.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_proxy_steerable(
    front: *mut c_void,
    back: *mut c_void,
    capture: *mut c_void,
    control: *mut c_void,
) -> c_int {
    call::int(|| {
        let (front, back) = both(front, back)?;
        let capture = optional(capture)?;
        let control = optional(control)?;
        let _busy = hazard::claim(hazard::NOTHING);
        match control {
            Some(control) => proxy_steerable(&front, &back, capture.as_ref(), &control)?,
            None => proxy(&front, &back, capture.as_ref())?,
        }
        Ok(0)
    })
}

/// `zmq_device`, deprecated: [`zmq_proxy`], whatever the type.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_device(_kind: c_int, front: *mut c_void, back: *mut c_void) -> c_int {
    zmq_proxy(front, back, std::ptr::null_mut())
}
