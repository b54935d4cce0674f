//! Contexts: made, set, shut down, terminated.

use crate::call;
use crate::errno::Errno;
use crate::raw;
use crate::table::{self, Object};
use ferrozmq::Context;
use ferrozmq::option::Value;
use std::ffi::{c_int, c_void};

/// What a context's handle stands for.
pub(crate) struct ContextObject {
    pub(crate) context: Context,
}

impl Object for ContextObject {
    const KIND: u8 = 1;
    const BAD_HANDLE: Errno = Errno::FAULT;
}

/// A context as programs get it that do not know of this library: with libzmq's defaults, for it and for its sockets.
fn new_context() -> Context {
    Context::builder().libzmq_compat().access_rules_from_environment().build()
}

const ZMQ_IO_THREADS: c_int = 1;

/// `zmq_ctx_new(3)`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_new() -> *mut c_void {
    call::pointer(|| table::insert(ContextObject { context: new_context() }))
}

/// `zmq_ctx_term(3)`: waits until all sockets are closed and have lingered; a signal ends the wait with `EINTR`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_term(context: *mut c_void) -> c_int {
    call::int(|| {
        table::find::<ContextObject>(context)?.context.try_term()?;
        // Another thread may have waited, too, and been faster.
        drop(table::remove::<ContextObject>(context));
        table::reclaim();
        Ok(0)
    })
}

/// `zmq_ctx_shutdown(3)`: ends every call in every socket.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_shutdown(context: *mut c_void) -> c_int {
    call::int(|| {
        table::find::<ContextObject>(context)?.context.shutdown();
        Ok(0)
    })
}

/// `zmq_ctx_set(3)`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_set(context: *mut c_void, option: c_int, value: c_int) -> c_int {
    call::int(|| {
        table::find::<ContextObject>(context)?.context.set_raw(option, &value.to_ne_bytes())?;
        Ok(0)
    })
}

/// `zmq_ctx_get(3)`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_get(context: *mut c_void, option: c_int) -> c_int {
    call::int(|| {
        match table::find::<ContextObject>(context)?.context.read_raw(option, size_of::<c_int>())? {
            Value::Int(value) => Ok(value),
            _ => Err(Errno::INVALID),
        }
    })
}

/// `zmq_ctx_set_ext`: sets an option that may be text.
///
/// # Safety
/// `value` leads to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_set_ext(
    context: *mut c_void,
    option: c_int,
    value: *const c_void,
    size: usize,
) -> c_int {
    call::int(|| {
        let held = table::find::<ContextObject>(context)?;
        // SAFETY: the caller's promise is the same.
        held.context.set_raw(option, unsafe { raw::bytes(value, size) }?)?;
        Ok(0)
    })
}

/// `zmq_ctx_get_ext`: reads an option that may be text.
///
/// # Safety
/// `size` leads to the size of the buffer that `value` leads to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ctx_get_ext(
    context: *mut c_void,
    option: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    call::int(|| {
        let held = table::find::<ContextObject>(context)?;
        // SAFETY: the caller's promise is the same.
        let size = unsafe { raw::value(size) }?;
        if value.is_null() {
            return Err(Errno::FAULT);
        }
        let answer = held.context.read_raw(option, *size)?.to_c_bytes();
        // SAFETY: the caller's promise is the same.
        unsafe { raw::copy_out(&answer, value, *size) };
        *size = answer.len();
        Ok(0)
    })
}

/// `zmq_init(3)`, deprecated: a context with so many I/O threads.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_init(io_threads: c_int) -> *mut c_void {
    call::pointer(|| {
        let context = new_context();
        context.set_raw(ZMQ_IO_THREADS, &io_threads.to_ne_bytes())?;
        table::insert(ContextObject { context })
    })
}

/// `zmq_term(3)`, deprecated: [`zmq_ctx_term`].
#[unsafe(no_mangle)]
pub extern "C" fn zmq_term(context: *mut c_void) -> c_int {
    zmq_ctx_term(context)
}

/// `zmq_ctx_destroy(3)`, deprecated: [`zmq_ctx_term`].
#[unsafe(no_mangle)]
pub extern "C" fn zmq_ctx_destroy(context: *mut c_void) -> c_int {
    zmq_ctx_term(context)
}
