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
    let arrow = if event.dialed { "→" } else { "←" };
    let places = match (event.local.as_str(), event.remote.as_str()) {
        ("", place) | (place, "") => place.to_owned(),
        (local, remote) => format!("{local} {arrow} {remote}"),
    };
    let mut text = format!("{} {places}", phrase(event.kind)).trim_end().to_owned();
    if event.kind == EventKind::ConnectRetried {
        text.push_str(&format!(" in {} ms", event.value));
    }
    let reason = event.reason.as_deref().or(match event.kind {
        EventKind::HandshakeFailedProtocol => Some("the peer does not speak our protocol"),
        EventKind::HandshakeFailedNoDetail => Some("the connection ended before it was over"),
        _ => None,
    });
    if let Some(reason) = reason {
        text.push_str(&format!(": {reason}"));
    }
    text
}

fn phrase(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Connected => "connected",
        EventKind::ConnectDelayed => "connecting",
        EventKind::ConnectRetried => "trying again to reach",
        EventKind::Listening => "listening",
        EventKind::BindFailed => "cannot bind",
        EventKind::Accepted => "accepted",
        EventKind::AcceptFailed => "cannot accept",
        EventKind::Closed => "no longer listening or connecting",
        EventKind::CloseFailed => "cannot close",
        EventKind::Disconnected => "disconnected",
        EventKind::MonitorStopped => "stopped watching",
        EventKind::HandshakeFailedNoDetail => "handshake failed",
        EventKind::HandshakeSucceeded => "ready",
        EventKind::HandshakeFailedProtocol => "handshake failed",
        EventKind::HandshakeFailedAuth => "refused by security",
        _ => "something happened",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrozmq::{Context, SocketType};

    /// What was told until an event of this kind, each in words.
    fn told(monitor: ferrozmq::Monitor, last: EventKind) -> Vec<String> {
        let mut lines = Vec::new();
        for event in monitor {
            lines.push(describe(&event));
            if event.kind == last {
                break;
            }
        }
        lines
    }

    #[test]
    fn each_end_is_told_who_came_to_whom() {
        let context = Context::new();
        let (pull, push) =
            (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
        let (bound, dialing) = (pull.monitor().unwrap(), push.monitor().unwrap());
        let at = pull.bind("tcp://127.0.0.1:*").unwrap();
        push.connect(&at).unwrap();
        let bound = told(bound, EventKind::HandshakeSucceeded);
        let dialing = told(dialing, EventKind::HandshakeSucceeded);
        assert_eq!(bound[0], format!("listening {at}"));
        assert!(bound.last().unwrap().starts_with(&format!("ready {at} ← tcp://")), "{bound:?}");
        assert!(dialing.last().unwrap().ends_with(&format!(" → {at}")), "{dialing:?}");
    }

    #[test]
    fn a_peer_that_is_not_there_is_told_with_the_reason() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = format!("tcp://{}", listener.local_addr().unwrap());
        drop(listener);
        let context = Context::new();
        let push = context.socket(SocketType::Push).unwrap();
        let monitor = push.monitor().unwrap();
        push.connect(&at).unwrap();
        let lines = told(monitor, EventKind::ConnectRetried);
        let last = lines.last().unwrap();
        assert!(last.starts_with(&format!("trying again to reach {at} in ")), "{lines:?}");
        assert!(last.contains(": "), "{lines:?}");
    }
}
