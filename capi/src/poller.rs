//! `zmq_poller`: a set of sockets and descriptors that is polled again and again.
//!
//! Not for several threads at once, says its manual page; here they take turns.

use crate::call::{self, Outcome};
use crate::errno::Errno;
use crate::poll::duration;
use crate::raw;
use crate::socket::SocketObject;
use crate::table::{self, Object};
use ferrozmq::{Events, PollItem, Socket, poll};
use std::ffi::{c_int, c_long, c_short, c_void};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// libzmq's `zmq_poller_event_t`.
#[repr(C)]
pub struct Event {
    socket: *mut c_void,
    fd: c_int,
    user_data: *mut c_void,
    events: c_short,
}

const _: () = assert!(size_of::<Event>() == 32, "the header says so");

/// What a poller's handle stands for.
struct PollerObject(Mutex<Vec<Member>>);

impl Object for PollerObject {
    const KIND: u8 = 6;
    const BAD_HANDLE: Errno = Errno::FAULT;
}

/// A socket or a descriptor in the set.
#[derive(Clone)]
struct Member {
    /// With its handle.
    socket: Option<(usize, Socket)>,
    fd: c_int,
    /// Not looked at.
    user_data: usize,
    events: Events,
}

impl Member {
    fn is_socket(&self, handle: usize) -> bool {
        self.socket.as_ref().is_some_and(|(known, _)| *known == handle)
    }

    fn is_fd(&self, fd: c_int) -> bool {
        self.socket.is_none() && self.fd == fd
    }

    fn item(&self) -> PollItem<'_> {
        match &self.socket {
            Some((_, socket)) => PollItem::socket(socket, self.events),
            None => PollItem::raw_fd(self.fd, self.events),
        }
    }

    fn event(&self, ready: Events) -> Event {
        Event {
            socket: std::ptr::without_provenance_mut(self.socket.as_ref().map_or(0, |(handle, _)| *handle)),
            // As libzmq, whose events about sockets have no descriptor.
            fd: self.fd,
            user_data: std::ptr::with_exposed_provenance_mut(self.user_data),
            events: ready.bits() as c_short,
        }
    }
}

/// No descriptor.
const NO_FD: c_int = -1;
/// Bits that an application may ask for.
const KNOWN_EVENTS: c_short = 0xf;

impl PollerObject {
    fn members(&self) -> MutexGuard<'_, Vec<Member>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, member: Member, is_same: impl Fn(&Member) -> bool) -> Outcome<c_int> {
        let mut members = self.members();
        if members.iter().any(is_same) {
            return Err(Errno::INVALID);
        }
        members.push(member);
        Ok(0)
    }

    fn modify(&self, events: Events, is_meant: impl Fn(&Member) -> bool) -> Outcome<c_int> {
        self.members().iter_mut().find(|member| is_meant(member)).ok_or(Errno::INVALID)?.events = events;
        Ok(0)
    }

    fn remove(&self, is_meant: impl Fn(&Member) -> bool) -> Outcome<c_int> {
        let mut members = self.members();
        let index = members.iter().position(is_meant).ok_or(Errno::INVALID)?;
        members.remove(index);
        Ok(0)
    }

    /// Waits, and fills `events` from the front; returns how many were filled.
    fn wait(&self, events: &mut [Event], timeout: c_long) -> Outcome<c_int> {
        let members = self.members().clone();
        if members.is_empty() && timeout < 0 {
            // Nothing would ever happen.
            return Err(Errno::FAULT);
        }
        let mut items: Vec<PollItem<'_>> = members.iter().map(Member::item).collect();
        if poll(&mut items, duration(timeout))? == 0 {
            return Err(Errno::WOULD_BLOCK);
        }
        let ready = members.iter().zip(&items).filter(|(_, item)| !item.ready().is_empty());
        let mut filled = 0;
        for ((member, item), event) in ready.zip(events.iter_mut()) {
            *event = member.event(item.ready());
            filled += 1;
        }
        Ok(filled)
    }
}

fn wanted(events: c_short) -> Outcome<Events> {
    if events & !KNOWN_EVENTS != 0 { Err(Errno::INVALID) } else { Ok(Events::from_bits(events.into())) }
}

/// `zmq_poller_new`: an empty set.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_new() -> *mut c_void {
    call::pointer(|| table::insert(PollerObject(Mutex::new(Vec::new()))))
}

/// `zmq_poller_destroy`: frees the set, and makes the pointer null.
///
/// # Safety
/// `poller` leads to a poller's pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_destroy(poller: *mut *mut c_void) -> c_int {
    call::int(|| {
        // SAFETY: the caller's promise is the same.
        let handle = unsafe { raw::value(poller) }?;
        drop(table::remove::<PollerObject>(*handle)?);
        *handle = std::ptr::null_mut();
        table::reclaim();
        Ok(0)
    })
}

/// `zmq_poller_size`: how many are in the set.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_size(poller: *mut c_void) -> c_int {
    call::int(|| Ok(crate::transfer::count(table::find::<PollerObject>(poller)?.members().len())))
}

/// `zmq_poller_add`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_add(
    poller: *mut c_void,
    socket: *mut c_void,
    user_data: *mut c_void,
    events: c_short,
) -> c_int {
    call::int(|| {
        let poller = table::find::<PollerObject>(poller)?;
        let handle = socket.addr();
        let socket = table::find::<SocketObject>(socket)?.socket.clone();
        let user_data = user_data.expose_provenance();
        let member = Member { socket: Some((handle, socket)), fd: NO_FD, user_data, events: wanted(events)? };
        poller.add(member, |known| known.is_socket(handle))
    })
}

/// `zmq_poller_modify`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_modify(poller: *mut c_void, socket: *mut c_void, events: c_short) -> c_int {
    call::int(|| {
        let poller = table::find::<PollerObject>(poller)?;
        table::find::<SocketObject>(socket)?;
        poller.modify(wanted(events)?, |known| known.is_socket(socket.addr()))
    })
}

/// `zmq_poller_remove`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_remove(poller: *mut c_void, socket: *mut c_void) -> c_int {
    call::int(|| {
        let poller = table::find::<PollerObject>(poller)?;
        table::find::<SocketObject>(socket)?;
        poller.remove(|known| known.is_socket(socket.addr()))
    })
}

/// `zmq_poller_add_fd`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_add_fd(
    poller: *mut c_void,
    fd: c_int,
    user_data: *mut c_void,
    events: c_short,
) -> c_int {
    call::int(|| {
        let poller = table::find::<PollerObject>(poller)?;
        let fd = descriptor(fd)?;
        let user_data = user_data.expose_provenance();
        let member = Member { socket: None, fd, user_data, events: wanted(events)? };
        poller.add(member, |known| known.is_fd(fd))
    })
}

/// `zmq_poller_modify_fd`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_modify_fd(poller: *mut c_void, fd: c_int, events: c_short) -> c_int {
    call::int(|| {
        let poller = table::find::<PollerObject>(poller)?;
        let fd = descriptor(fd)?;
        poller.modify(wanted(events)?, |known| known.is_fd(fd))
    })
}

/// `zmq_poller_remove_fd`.
#[unsafe(no_mangle)]
pub extern "C" fn zmq_poller_remove_fd(poller: *mut c_void, fd: c_int) -> c_int {
    call::int(|| {
        let poller = table::find::<PollerObject>(poller)?;
        let fd = descriptor(fd)?;
        poller.remove(|known| known.is_fd(fd))
    })
}

fn descriptor(fd: c_int) -> Outcome<c_int> {
    if fd == NO_FD { Err(Errno(libc::EBADF)) } else { Ok(fd) }
}

/// `zmq_poller_wait`: waits for one event; `EAGAIN` after the time-out.
///
/// # Safety
/// `event` leads to an event.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_wait(poller: *mut c_void, event: *mut Event, timeout: c_long) -> c_int {
    call::int(|| {
        let poller = table::find::<PollerObject>(poller)?;
        // SAFETY: the caller's promise is the same.
        let event = unsafe { raw::value(event) }?;
        let waited = poller.wait(std::slice::from_mut(event), timeout);
        if waited.is_err() {
            let fd = NO_FD;
            *event = Event { socket: std::ptr::null_mut(), fd, user_data: std::ptr::null_mut(), events: 0 };
        }
        waited.map(|_| 0)
    })
}

/// `zmq_poller_wait_all`: waits for at least one event; returns how many of `events` were filled.
///
/// # Safety
/// `events` leads to `count` events.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_wait_all(
    poller: *mut c_void,
    events: *mut Event,
    count: c_int,
    timeout: c_long,
) -> c_int {
    call::int(|| {
        let poller = table::find::<PollerObject>(poller)?;
        if events.is_null() {
            return Err(Errno::FAULT);
        }
        let count = usize::try_from(count).map_err(|_| Errno::INVALID)?;
        // SAFETY: the caller's promise is the same.
        poller.wait(unsafe { raw::values(events, count) }?, timeout)
    })
}

/// `zmq_poller_fd`: only a set with a socket that libzmq calls thread-safe has a descriptor, and there are none.
///
/// # Safety
/// None is needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_poller_fd(poller: *mut c_void, fd: *mut c_int) -> c_int {
    call::int(|| {
        table::find::<PollerObject>(poller)?;
        Err(if fd.is_null() { Errno::FAULT } else { Errno::INVALID })
    })
}
