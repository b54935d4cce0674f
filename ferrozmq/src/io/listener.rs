//! Accepting peers at one bound endpoint.
//!
//! When descriptors run out, the listener sheds one waiting peer by means of a reserved descriptor,
//! and pauses instead of spinning, longer each time; it resumes by itself.
//!
//! Of too many handshakes in progress one is dropped at random, so that a flood of silent peers does not keep others from getting
//! in; the same where a socket has all the connections it may have. If all of those are done, the newcomer is refused.

use crate::io::connection::Origin;
use crate::io::events::{EventKind, Parties};
use crate::io::owner::Owner;
use crate::io::thread::{Due, Io, new_token};
use crate::io::timer::{self, TimerKey};
use crate::sys::epoll::Interest;
use crate::sys::random;
use crate::transport::{AcceptError, Listener};
use ferrozmq_proto::option::Options;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

/// Peers accepted per visit, so that a storm does not keep connections waiting.
const ACCEPT_BATCH: usize = 64;
/// The first and the longest pause without descriptors.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// A listener at work.
pub(super) struct Listening {
    owner: Arc<Owner>,
    listener: Listener,
    options: Arc<Options>,
    pause: Duration,
    timer: Option<TimerKey>,
    /// Connections from here that have not finished their handshake.
    handshakes: Vec<u64>,
    /// Connections that the socket may have accepted at a time.
    connections_max: u64,
}

impl Listening {
    pub(super) fn owner(&self) -> &Arc<Owner> {
        &self.owner
    }

    /// Whether the socket has accepted as many connections as it may have.
    fn is_full(&self) -> bool {
        self.owner.accepted.count() >= self.connections_max
    }

    /// Whether more handshakes are in progress than there may be.
    fn has_excess(&self) -> bool {
        self.handshakes.len() > self.options.limits.handshakes as usize
    }

    fn post(&self, kind: EventKind, value: u64, reason: Option<String>) {
        let endpoint = self.listener.endpoint();
        self.owner.events.post(kind, value, Parties::bound(endpoint), reason);
    }
}

impl Io {
    pub(super) fn listen(
        &mut self,
        endpoint: u64,
        owner: Arc<Owner>,
        listener: Listener,
        options: Arc<Options>,
    ) {
        // Now, while there is a descriptor for it: the first peer should not fail for want of one.
        let _ = self.set_of(&owner);
        let added = self.handle.desk().epoll().add(&listener, Interest::READABLE, endpoint);
        let connections_max = options.limits.connections.unwrap_or(u64::MAX).min(descriptors_to_spare());
        let listening = Listening {
            owner,
            listener,
            options,
            pause: PAUSE_MIN,
            timer: None,
            handshakes: Vec::new(),
            connections_max,
        };
        match added {
            Ok(()) => {
                self.listeners.insert(endpoint, listening);
            }
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(libc::EIO) as u64;
                listening.post(EventKind::AcceptFailed, errno, Some(error.to_string()));
            }
        }
    }

    pub(super) fn accept(&mut self, endpoint: u64) {
        for _ in 0..ACCEPT_BATCH {
            let Some(listening) = self.listeners.get_mut(&endpoint) else { return };
            if listening.owner.mailbox.is_crowded() {
                return self.pause_listening(endpoint);
            }
            match listening.listener.accept() {
                Ok(None) => return,
                Ok(Some(stream)) => {
                    listening.pause = PAUSE_MIN;
                    if listening.is_full() && !self.make_place(endpoint) {
                        let text = "the socket has as many connections as it may have (max_connections)";
                        self.accept_failed(endpoint, libc::EMFILE as u64, text.to_owned());
                        continue;
                    }
                    let Some(listening) = self.listeners.get_mut(&endpoint) else { return };
                    let origin = Origin {
                        owner: Arc::clone(&listening.owner),
                        options: Arc::clone(&listening.options),
                        endpoint,
                        dialed: false,
                        pipe: None,
                    };
                    let token = new_token();
                    listening.handshakes.push(token);
                    let adopted = self.contain(token, |io| io.adopt(token, stream, origin));
                    if let Some(Err(error)) = adopted {
                        let errno = error.raw_os_error().unwrap_or(libc::EIO) as u64;
                        self.accept_failed(endpoint, errno, error.to_string());
                    }
                    if self.listeners.get(&endpoint).is_some_and(Listening::has_excess) {
                        self.make_place(endpoint);
                    }
                }
                Err(AcceptError::Refused { peer }) => {
                    let text = format!("the accept filters refuse {peer}");
                    self.accept_failed(endpoint, libc::EPERM as u64, text);
                }
                Err(AcceptError::Connection(_)) => {}
                Err(AcceptError::Ended) => return self.stop_listening(endpoint),
                Err(AcceptError::Exhausted(error)) => {
                    let errno = error.raw_os_error().unwrap_or(libc::EMFILE) as u64;
                    self.accept_failed(endpoint, errno, error.to_string());
                    if let Some(listening) = self.listeners.get_mut(&endpoint) {
                        listening.listener.shed();
                    }
                    return self.pause_listening(endpoint);
                }
                Err(AcceptError::Listener(error)) => {
                    let errno = error.raw_os_error().unwrap_or(libc::EIO) as u64;
                    self.accept_failed(endpoint, errno, error.to_string());
                    return self.stop_listening(endpoint);
                }
            }
        }
    }

    /// A connection from here has finished its handshake, or has ended.
    pub(super) fn handshake_over(&mut self, endpoint: u64, token: u64) {
        let Some(listening) = self.listeners.get_mut(&endpoint) else { return };
        if let Some(index) = listening.handshakes.iter().position(|known| *known == token) {
            listening.handshakes.swap_remove(index);
        }
    }

    /// Gives up a handshake in progress, at random: whoever floods us has the most, and so loses the most. Says whether there was one.
    fn make_place(&mut self, endpoint: u64) -> bool {
        let Some(listening) = self.listeners.get(&endpoint) else { return false };
        let index = random::number() % (listening.handshakes.len().max(1) as u64);
        let Some(excess) = listening.handshakes.get(index as usize).copied() else { return false };
        self.contain(excess, |io| io.crowd_out(excess));
        true
    }

    fn accept_failed(&mut self, endpoint: u64, errno: u64, reason: String) {
        if let Some(listening) = self.listeners.get(&endpoint) {
            listening.post(EventKind::AcceptFailed, errno, Some(reason));
        }
    }

    fn pause_listening(&mut self, endpoint: u64) {
        let Some(listening) = self.listeners.get_mut(&endpoint) else { return };
        let _ = self.handle.desk().epoll().modify(&listening.listener, Interest::NONE, endpoint);
        listening.timer = Some(self.timers.add(timer::after(listening.pause), Due::Listener(endpoint)));
        listening.pause = (listening.pause * 2).min(PAUSE_MAX);
    }

    pub(super) fn resume_listening(&mut self, endpoint: u64) {
        let Some(listening) = self.listeners.get_mut(&endpoint) else { return };
        listening.timer = None;
        let _ = self.handle.desk().epoll().modify(&listening.listener, Interest::READABLE, endpoint);
    }

    pub(super) fn stop_listening(&mut self, endpoint: u64) {
        let Some(mut listening) = self.listeners.remove(&endpoint) else { return };
        self.cancel(&mut listening.timer);
        let _ = self.handle.desk().epoll().delete(&listening.listener);
        let fd = listening.listener.as_fd().as_raw_fd() as u64;
        listening.post(EventKind::Closed, fd, None);
    }
}

/// The descriptors that connections may take: the process needs some for itself.
fn descriptors_to_spare() -> u64 {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.map_or(u64::MAX, |limit| limit - limit / 10)
}
