//! News of a socket's connections: how many there are, what is said of them, and refusals.
//!
//! A thread reads the socket's monitor until the socket has closed. It never touches the socket.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ferrozmq::{EventKind, MonitorEvent, Socket};

use crate::failure::Failure;
use crate::talk::{Level, Talk};
use crate::wake::{self, Wake};

/// What is known of a socket's connections.
#[derive(Debug, Default)]
pub struct Watch {
    living: AtomicUsize,
    had_peers: AtomicBool,
    refused: Mutex<Option<String>>,
    /// Why the last attempt to reach a peer failed, until one succeeds.
    trouble: Mutex<Option<String>>,
}

impl Watch {
    /// Begins to watch `socket`; news ring `wake`.
    ///
    /// # Errors
    /// If the socket cannot be monitored or no thread can be had.
    pub fn begin(socket: &Socket, wake: &Arc<Wake>, talk: Talk) -> Result<Arc<Watch>, Failure> {
        let monitor = socket.monitor()?;
        let watch = Arc::new(Watch::default());
        let (seen, wake) = (Arc::clone(&watch), Arc::clone(wake));
        wake::spawn("watch", move || {
            for event in monitor {
                talk.say(level_of(event.kind), describe(&event));
                seen.learn(&event);
                wake.raise();
                if event.kind == EventKind::MonitorStopped {
                    break;
                }
            }
        })?;
        Ok(watch)
    }

    /// Whether there have been peers, and all of them have left.
    pub fn all_gone(&self) -> bool {
        self.had_peers.load(Ordering::SeqCst) && self.living.load(Ordering::SeqCst) == 0
    }

    /// Whether to go on.
    ///
    /// # Errors
    /// [`Failure::Refused`], if security has refused us before any peer was there.
    pub fn check(&self) -> Result<(), Failure> {
        if self.had_peers.load(Ordering::SeqCst) {
            return Ok(());
        }
        note(&self.refused).as_ref().map_or(Ok(()), |reason| Err(Failure::Refused(reason.clone())))
    }

    /// `failure`, with what is known of its cause: who waited in vain hears that nobody could be reached.
    pub fn explain(&self, failure: Failure) -> Failure {
        match (failure, &*note(&self.trouble)) {
            (Failure::TimedOut(text), Some(trouble)) => Failure::TimedOut(format!("{text} ({trouble})")),
            (failure, _) => failure,
        }
    }

    fn learn(&self, event: &MonitorEvent) {
        match event.kind {
            EventKind::HandshakeSucceeded => {
                self.living.fetch_add(1, Ordering::SeqCst);
                self.had_peers.store(true, Ordering::SeqCst);
                *note(&self.trouble) = None;
            }
            EventKind::Disconnected => {
                // A connection may be lost before its handshake is done: it was never counted.
                let _ = self.living.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
            }
            // Whom we refuse is no reason to end.
            EventKind::HandshakeFailedAuth if event.dialed => *note(&self.refused) = Some(describe(event)),
            EventKind::HandshakeFailedProtocol | EventKind::HandshakeFailedNoDetail => {
                *note(&self.trouble) = Some(describe(event));
            }
            EventKind::ConnectRetried => {
                // Without a reason it is a connection that was there, and whose end has been told.
                if let Some(reason) = &event.reason {
                    *note(&self.trouble) = Some(format!("{}: {reason}", event.remote));
                }
            }
            _ => {}
        }
    }
}

fn note(what: &Mutex<Option<String>>) -> MutexGuard<'_, Option<String>> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

fn level_of(kind: EventKind) -> Level {
    match kind {
        EventKind::HandshakeSucceeded
        | EventKind::Disconnected
        | EventKind::Listening
        | EventKind::BindFailed
        | EventKind::HandshakeFailedProtocol
        | EventKind::HandshakeFailedAuth => Level::Events,
        _ => Level::Handshakes,
    }
}

/// The event in words.
pub fn describe(event: &MonitorEvent) -> String {
    let mut text = phrase(event.kind).to_owned();
    for place in [event.local.to_string(), event.remote.to_string()] {
        if !place.is_empty() {
            text.push(' ');
            text.push_str(&place);
        }
    }
    if event.kind == EventKind::ConnectRetried {
        text.push_str(&format!(" in {} ms", event.value));
    }
    if let Some(reason) = &event.reason {
        text.push_str(&format!(": {reason}"));
    }
    text
}

fn phrase(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Connected => "connected",
        EventKind::ConnectDelayed => "connecting",
        EventKind::ConnectRetried => "connection failed; trying again",
        EventKind::Listening => "listening",
        EventKind::BindFailed => "cannot bind",
        EventKind::Accepted => "accepted",
        EventKind::AcceptFailed => "cannot accept",
        EventKind::Closed => "closed",
        EventKind::CloseFailed => "cannot close",
        EventKind::Disconnected => "disconnected",
        EventKind::MonitorStopped => "stopped watching",
        EventKind::HandshakeFailedNoDetail => "handshake failed",
        EventKind::HandshakeSucceeded => "ready",
        EventKind::HandshakeFailedProtocol => "handshake failed: the peer does not speak our protocol",
        EventKind::HandshakeFailedAuth => "refused by security",
        _ => "something happened",
    }
}
