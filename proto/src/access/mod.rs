//! Who may come in, without a ZAP handler: the question about a peer, the rules that answer it, and the files they are written in.
//!
//! All of it is pure: files are text that somebody else has read, and hashing a password is somebody else's work ([`Ruling::Check`]).
//! Invariant: whoever is not let in by a rule stays out, and nothing here prints a password.

mod certificate;
mod network;
mod rulebook;
mod rules;
mod users;

pub use certificate::{Certificate, CertificateError};
pub use network::Network;
pub use rulebook::{Rule, Rulebook};
pub use rules::{Keys, Rules, Ruling};
pub use users::Users;

use crate::mechanism::{AuthRequest, KEY_LEN, Mechanism, Verdict};
use bytes::Bytes;
use std::fmt;

/// The largest file of any of these formats that is read, in bytes.
pub const FILE_MAX: usize = 1 << 20;

/// A peer that wants in: what a ZAP handler would be asked (RFC 27).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessRequest {
    /// `ZMQ_ZAP_DOMAIN` of the socket it came to.
    pub domain: String,
    /// The peer's address, numeric and without port; `localhost:uid:gid:pid` over ipc.
    pub address: String,
    /// The routing id of the socket it came to.
    pub routing_id: Bytes,
    /// What it says of itself.
    pub credentials: Credentials,
}

/// What a peer offers to be known by.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing: its mechanism is NULL.
    Null,
    /// A name and a password, in the clear.
    Plain {
        /// The user's name, at most 255 bytes of anything.
        username: Bytes,
        /// The password, likewise.
        password: Bytes,
    },
    /// A key; that it has the secret one, too, is proved.
    Curve {
        /// The public key.
        public_key: [u8; KEY_LEN],
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Credentials::Null => f.write_str("Null"),
            Credentials::Plain { username, .. } => {
                f.debug_struct("Plain").field("username", username).finish_non_exhaustive()
            }
            Credentials::Curve { public_key } => {
                f.debug_struct("Curve").field("public_key", public_key).finish()
            }
        }
    }
}

impl AccessRequest {
    /// The question that a handshake asks, `None` if its credentials are not those of its mechanism.
    #[must_use]
    pub fn new(
        domain: &str,
        address: &str,
        routing_id: &Bytes,
        question: &AuthRequest,
    ) -> Option<AccessRequest> {
        let credentials = match (question.mechanism, question.credentials.as_slice()) {
            (Mechanism::Null, []) => Credentials::Null,
            (Mechanism::Plain, [username, password]) => {
                Credentials::Plain { username: username.clone(), password: password.clone() }
            }
            (Mechanism::Curve, [key]) => Credentials::Curve { public_key: key.as_ref().try_into().ok()? },
            _ => return None,
        };
        let (domain, address) = (domain.to_owned(), address.to_owned());
        Some(AccessRequest { domain, address, routing_id: routing_id.clone(), credentials })
    }
}

/// Whether a peer may come in.
///
/// ```
/// use ferrozmq_proto::access::AccessAnswer;
/// let answer = AccessAnswer::grant("anna").with_property("Team", "blue");
/// assert!(answer.is_granted() && !AccessAnswer::deny("not today").is_granted());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessAnswer {
    verdict: Verdict,
    reason: Option<String>,
}

impl AccessAnswer {
    /// It may. Its messages carry `user_id` as their property `User-Id`.
    #[must_use]
    pub fn grant(user_id: impl Into<Bytes>) -> AccessAnswer {
        let verdict = Verdict::Granted { user_id: user_id.into(), properties: Vec::new() };
        AccessAnswer { verdict, reason: None }
    }

    /// The same, and its messages carry this property as well. Changes nothing in a refusal.
    #[must_use]
    pub fn with_property(mut self, name: impl Into<String>, value: impl Into<Bytes>) -> AccessAnswer {
        if let Verdict::Granted { properties, .. } = &mut self.verdict {
            properties.push((name.into(), value.into()));
        }
        self
    }

    /// It may not: it is told so with status 400, and we are told the `reason`.
    #[must_use]
    pub fn deny(reason: impl Into<String>) -> AccessAnswer {
        AccessAnswer { verdict: Verdict::Denied { status: 400 }, reason: Some(reason.into()) }
    }

    /// It may not now (status 300): it is told nothing, so that it tries again.
    #[must_use]
    pub fn later(reason: impl Into<String>) -> AccessAnswer {
        AccessAnswer { verdict: Verdict::Denied { status: 300 }, reason: Some(reason.into()) }
    }

    /// Nobody can tell, for a fault of ours (status 500).
    #[must_use]
    pub fn fail(reason: impl Into<String>) -> AccessAnswer {
        AccessAnswer { verdict: Verdict::Denied { status: 500 }, reason: Some(reason.into()) }
    }

    /// Whether it may come in.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        matches!(self.verdict, Verdict::Granted { .. })
    }

    /// What the handshake is told, and why in words where it was refused.
    #[must_use]
    pub fn into_parts(self) -> (Verdict, Option<String>) {
        (self.verdict, self.reason)
    }
}

/// The first line of `text` that is wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// Its number, from 1.
    pub line: usize,
    /// What was wrong and what would be right.
    pub what: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for LineError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_has_the_credentials_of_its_mechanism() {
        let ask = |mechanism, credentials: &[&'static [u8]]| {
            let credentials = credentials.iter().map(|bytes| Bytes::from_static(bytes)).collect();
            AccessRequest::new("d", "::1", &Bytes::new(), &AuthRequest { mechanism, credentials })
        };
        assert_eq!(ask(Mechanism::Null, &[]).unwrap().credentials, Credentials::Null);
        assert!(ask(Mechanism::Null, &[b"x"]).is_none() && ask(Mechanism::Plain, &[b"x"]).is_none());
        assert!(ask(Mechanism::Curve, &[b"short"]).is_none());
        let asked = ask(Mechanism::Plain, &[b"anna", b"sesame"]).unwrap();
        assert!(!format!("{asked:?}").contains("sesame"));
        let asked = ask(Mechanism::Curve, &[&[7; 32]]).unwrap();
        assert_eq!(asked.credentials, Credentials::Curve { public_key: [7; 32] });
    }

    #[test]
    fn refusals_keep_status_and_reason() {
        for (answer, status) in [
            (AccessAnswer::deny("why"), 400),
            (AccessAnswer::later("why"), 300),
            (AccessAnswer::fail("why"), 500),
        ] {
            let (verdict, reason) = answer.with_property("a", "b").into_parts();
            assert_eq!((verdict, reason.as_deref()), (Verdict::Denied { status }, Some("why")));
        }
    }
}
