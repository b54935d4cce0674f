//! PLAIN (RFC 24): the client sends user name and password, a ZAP handler decides.
//!
//! ```text
//! client  Hello ──HELLO──► Welcomed? ◄──WELCOME── Initiate ──INITIATE──► Ready? ◄──READY── Done
//! server  Hello? ──► Asking ──poll_auth──► Asked ──handle_grant──► Welcome ──► Initiate? ──► Ready ──► Done
//! ```
//! The server always asks, because PLAIN without anybody to look at the password proves nothing. Errors are those of
//! libzmq 4.3.5, command by command. Nothing is encrypted.

use super::{AuthRequest, Mechanism, SecretText};
use crate::PeerError;
use crate::zmtp::Command;
use crate::zmtp::command::{self, split_name};
use bytes::Bytes;

/// The client's side.
#[derive(Debug)]
pub(crate) struct Client {
    username: String,
    password: SecretText,
    state: ClientState,
    theirs: Option<Bytes>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientState {
    SendingHello,
    AwaitingWelcome,
    SendingInitiate,
    AwaitingReady,
    Done,
}

impl Client {
    pub(super) fn new(username: &str, password: &SecretText) -> Client {
        let (username, password) = (username.to_owned(), password.clone());
        Client { username, password, state: ClientState::SendingHello, theirs: None }
    }

    pub(super) fn transmit(&mut self, ours: &[u8], out: &mut Vec<u8>) {
        match self.state {
            ClientState::SendingHello => {
                let (username, password) =
                    (cut(self.username.as_bytes()), cut(self.password.expose().as_bytes()));
                let lengths = [[username.len() as u8], [password.len() as u8]];
                command::frame(b"\x05HELLO", &[&lengths[0], username, &lengths[1], password], out);
                self.state = ClientState::AwaitingWelcome;
            }
            ClientState::SendingInitiate => {
                command::frame(b"\x08INITIATE", &[ours], out);
                self.state = ClientState::AwaitingReady;
            }
            ClientState::AwaitingWelcome | ClientState::AwaitingReady | ClientState::Done => {}
        }
    }

    pub(super) fn handle_command(&mut self, body: &[u8]) -> Result<(), PeerError> {
        match (split_name(body)?, self.state) {
            ((b"WELCOME", rest), ClientState::AwaitingWelcome) => {
                if !rest.is_empty() {
                    return Err(PeerError::MalformedWelcome);
                }
                self.state = ClientState::SendingInitiate;
                Ok(())
            }
            ((b"READY", properties), ClientState::AwaitingReady) => {
                self.theirs = Some(Bytes::copy_from_slice(properties));
                self.state = ClientState::Done;
                Ok(())
            }
            _ => Err(PeerError::UnexpectedCommand),
        }
    }

    pub(super) fn wants_command(&self) -> bool {
        matches!(self.state, ClientState::AwaitingWelcome | ClientState::AwaitingReady)
    }

    pub(super) fn awaits(&self) -> &'static str {
        match self.state {
            ClientState::SendingHello | ClientState::AwaitingWelcome => "WELCOME",
            _ => "READY",
        }
    }

    pub(super) fn finish(&mut self) -> Option<Bytes> {
        self.theirs.take()
    }
}

/// The server's side.
#[derive(Debug)]
pub(crate) struct Server {
    state: ServerState,
    theirs: Option<Bytes>,
}

#[derive(Debug, PartialEq, Eq)]
enum ServerState {
    AwaitingHello,
    Asking { username: Bytes, password: Bytes },
    Asked,
    SendingWelcome,
    AwaitingInitiate,
    SendingReady,
    Done,
}

impl Server {
    pub(super) fn new() -> Server {
        Server { state: ServerState::AwaitingHello, theirs: None }
    }

    pub(super) fn transmit(&mut self, ours: &[u8], out: &mut Vec<u8>) {
        match self.state {
            ServerState::SendingWelcome => {
                command::frame(b"\x07WELCOME", &[], out);
                self.state = ServerState::AwaitingInitiate;
            }
            ServerState::SendingReady => {
                Command::Ready(ours).encode(out);
                self.state = ServerState::Done;
            }
            _ => {}
        }
    }

    pub(super) fn handle_command(&mut self, body: &[u8]) -> Result<(), PeerError> {
        match (split_name(body)?, &self.state) {
            ((b"HELLO", rest), ServerState::AwaitingHello) => {
                let (username, rest) = credential(rest).ok_or(PeerError::MalformedHello)?;
                let (password, rest) = credential(rest).ok_or(PeerError::MalformedHello)?;
                if !rest.is_empty() {
                    return Err(PeerError::MalformedHello);
                }
                self.state = ServerState::Asking { username, password };
                Ok(())
            }
            ((b"INITIATE", properties), ServerState::AwaitingInitiate) => {
                self.theirs = Some(Bytes::copy_from_slice(properties));
                self.state = ServerState::SendingReady;
                Ok(())
            }
            _ => Err(PeerError::UnexpectedCommand),
        }
    }

    pub(super) fn poll_auth(&mut self) -> Option<AuthRequest> {
        let ServerState::Asking { username, password } = &mut self.state else { return None };
        let credentials = vec![std::mem::take(username), std::mem::take(password)];
        self.state = ServerState::Asked;
        Some(AuthRequest { mechanism: Mechanism::Plain, credentials })
    }

    pub(super) fn handle_grant(&mut self) {
        if self.state == ServerState::Asked {
            self.state = ServerState::SendingWelcome;
        }
    }

    pub(super) fn wants_command(&self) -> bool {
        matches!(self.state, ServerState::AwaitingHello | ServerState::AwaitingInitiate)
    }

    pub(super) fn awaits(&self) -> &'static str {
        match self.state {
            ServerState::AwaitingHello => "HELLO",
            ServerState::Asking { .. } | ServerState::Asked => "answer from access control",
            _ => "INITIATE",
        }
    }

    pub(super) fn finish(&mut self) -> Option<Bytes> {
        if self.state == ServerState::Done { self.theirs.take() } else { None }
    }
}

/// How libzmq's PLAIN spells ERROR, by a mistake in its source: `^` for the length and the E. Its clients understand nothing else,
/// so that servers have to make the same mistake for theirs to tell a refusal from a broken protocol; clients take both.
const MISSPELT_ERROR: &[u8; 5] = b"^RROR";

/// Appends the server's refusal.
pub(super) fn refuse(reason: &[u8], out: &mut Vec<u8>) {
    command::frame(MISSPELT_ERROR, &[&[reason.len() as u8], reason], out);
}

/// The reason in a refusal that is spelt so.
pub(super) fn misspelt_reason(body: &[u8]) -> Option<&[u8]> {
    let (length, reason) = body.strip_prefix(MISSPELT_ERROR)?.split_first()?;
    (usize::from(*length) == reason.len()).then_some(reason)
}

/// As much of a user name or password as its length byte can tell; options keep them that short.
fn cut(text: &[u8]) -> &[u8] {
    &text[..text.len().min(usize::from(u8::MAX))]
}

/// A user name or password behind its length.
fn credential(bytes: &[u8]) -> Option<(Bytes, &[u8])> {
    let (len, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*len))?;
    Some((Bytes::copy_from_slice(text), rest))
}
