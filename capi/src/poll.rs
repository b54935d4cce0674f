//! `zmq_poll`: an array of sockets and descriptors, once.

use crate::call::{self, Outcome};
use crate::hazard;
use crate::raw;
use crate::socket::SocketObject;
use crate::table;
use ferrozmq::{Events, PollItem, SignalMask, Socket, poll, poll_masked};
use std::ffi::{c_int, c_long, c_short, c_void};
use std::time::Duration;

/// libzmq's `zmq_pollitem_t`.
#[repr(C)]
pub struct Item {
    socket: *mut c_void,
    fd: c_int,
    events: c_short,
    revents: c_short,
}

const _: () = assert!(size_of::<Item>() == 16, "the header says so");

/// `zmq_poll(3)`: waits for at most `timeout` milliseconds, for ever if it is negative.
///
/// # Safety
/// `items` leads to `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poll(items: *mut Item, count: c_int, timeout: c_long) -> c_int {
    call::int(|| {
        let count = usize::try_from(count).map_err(|_| crate::errno::Errno::INVALID)?;
        // SAFETY: the caller's promise is the same.
        let items = unsafe { raw::values(items, count) }?;
        poll_items(items, |polled| Ok(poll(polled, duration(timeout))?))
    })
}

/// `zmq_ppoll`: the same, with the signals blocked that are in `mask` and no others; null leaves them as they are.
///
/// # Safety
/// As [`zmq_poll`]; `mask` leads to a `sigset_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_ppoll(
    items: *mut Item,
    count: c_int,
    timeout: c_long,
    mask: *const c_void,
) -> c_int {
    let Some(set) = std::ptr::NonNull::new(mask.cast_mut()) else {
        // SAFETY: the caller's promise is the same.
        return unsafe { zmq_poll(items, count, timeout) };
    };
    call::int(|| {
        let count = usize::try_from(count).map_err(|_| crate::errno::Errno::INVALID)?;
        // SAFETY: the caller's promise is the same.
        let items = unsafe { raw::values(items, count) }?;
        // SAFETY: the caller's promise is the same.
        let is_blocked = |signal: &c_int| unsafe { libc::sigismember(set.as_ptr().cast(), *signal) == 1 };
        let mask = SignalMask::blocking((1..=libc::SIGRTMAX()).filter(is_blocked));
        poll_items(items, |polled| Ok(poll_masked(polled, duration(timeout), &mask)?))
    })
}

/// Milliseconds as C gives them: negative is for ever.
pub(crate) fn duration(milliseconds: c_long) -> Option<Duration> {
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

fn poll_items(
    items: &mut [Item],
    poll: impl FnOnce(&mut [PollItem<'_>]) -> Outcome<usize>,
) -> Outcome<c_int> {
    let sockets = sockets(items)?;
    let mut polled: Vec<PollItem<'_>> = items
        .iter()
        .zip(&sockets)
        .map(|(item, socket)| {
            let wanted = Events::from_bits(item.events.into());
            match socket {
                Some(socket) => PollItem::socket(socket, wanted),
                None => PollItem::raw_fd(item.fd, wanted),
            }
        })
        .collect();
    let _busy = hazard::claim(hazard::NOTHING);
    let ready = poll(&mut polled)?;
    for (item, polled) in items.iter_mut().zip(&polled) {
        item.revents = polled.ready().bits() as c_short;
    }
    Ok(crate::transfer::count(ready))
}

/// The sockets among `items`, held while they are polled; the others are descriptors.
fn sockets(items: &mut [Item]) -> Outcome<Vec<Option<Socket>>> {
    let held = items.iter_mut().map(|item| {
        item.revents = 0;
        if item.socket.is_null() {
            return Ok(None);
        }
        Ok(Some(table::find::<SocketObject>(item.socket)?.socket.clone()))
    });
    held.collect()
}
