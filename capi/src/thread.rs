//! Threads for C programs that have no other way to portable ones.

use crate::call;
use crate::errno::Errno;
use crate::table::{self, Object};
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::sync::Mutex;
use std::thread::{Builder, JoinHandle};

/// libzmq's `zmq_thread_fn`.
pub type ThreadFn = unsafe extern "C" fn(argument: *mut c_void);

/// What a thread's handle stands for.
struct Thread(Mutex<Option<JoinHandle<()>>>);

impl Object for Thread {
    const KIND: u8 = 5;
    const BAD_HANDLE: Errno = Errno::FAULT;
}

/// What the new thread needs.
struct Task {
    function: ThreadFn,
    argument: *mut c_void,
}

// SAFETY: that the function may use its argument in another thread is what the caller asks for.
unsafe impl Send for Task {}

impl Task {
    fn run(self) {
        block_signals();
        // SAFETY: the function and its argument are those of the caller, used once.
        unsafe { (self.function)(self.argument) }
    }
}

/// `zmq_threadstart`: runs `function` in a new thread, to which no signals are delivered.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_threadstart(function: Option<ThreadFn>, argument: *mut c_void) -> *mut c_void {
    call::pointer(|| {
        let task = Task { function: function.ok_or(Errno::FAULT)?, argument };
        let started = Builder::new().name("ZMQapp".to_owned()).spawn(move || task.run());
        let thread = started.map_err(|error| Errno(error.raw_os_error().unwrap_or(libc::EAGAIN)))?;
        table::insert(Thread(Mutex::new(Some(thread))))
    })
}

/// `zmq_threadclose`: waits until the thread has ended. A thread that closes itself goes on without a handle.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_threadclose(thread: *mut c_void) {
    call::or((), || {
        let object = table::remove::<Thread>(thread)?;
        let thread = object.0.lock().ok().and_then(|mut thread| thread.take());
        drop(object);
        table::reclaim();
        if thread.as_ref().is_some_and(|thread| thread.thread().id() == std::thread::current().id()) {
            return Err(Errno(libc::EDEADLK));
        }
        match thread.map(JoinHandle::join) {
            Some(Err(panic)) => {
                std::mem::forget(panic);
                Err(Errno::BROKEN)
            }
            _ => Ok(()),
        }
    });
}

fn block_signals() {
    let mut all = MaybeUninit::uninit();
    // SAFETY: `sigfillset` initialises the set, which outlives both calls; the old mask is not wanted.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), std::ptr::null_mut());
    }
}
