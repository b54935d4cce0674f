//! The decision about a peer, as a pure function of the rules and of what it said.
//!
//! Networks come first: a denied one keeps out, and where some are allowed the others are denied. Then the mechanism: a user
//! needs a line in the table, a key has to be on the list, and who has neither (NULL) is let in only where networks are what
//! is decided by. So a forgotten rule keeps out, and none lets in.

use super::{AccessAnswer, AccessRequest, Certificate, Credentials, Network, Users};
use crate::mechanism::KEY_LEN;
use crate::z85;
use std::collections::HashMap;

/// Who is let in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Networks that peers have to come from; empty is any.
    pub allowed: Vec<Network>,
    /// Networks that nobody may come from.
    pub denied: Vec<Network>,
    /// Keys of clients.
    pub keys: Keys,
    /// Users and their passwords.
    pub users: Users,
}

/// The keys that clients may have, with what is known of their owners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Every key will do.
    pub any: bool,
    listed: HashMap<[u8; KEY_LEN], Vec<(String, String)>>,
}

impl Keys {
    /// Lets clients with this key in.
    pub fn allow(&mut self, key: [u8; KEY_LEN]) {
        self.listed.entry(key).or_default();
    }

    /// Lets the owner of a certificate in, whose messages then carry its metadata.
    pub fn allow_owner(&mut self, certificate: Certificate) {
        self.listed.insert(certificate.public_key, certificate.metadata);
    }

    fn find(&self, key: &[u8; KEY_LEN]) -> Option<&[(String, String)]> {
        let listed = self.listed.get(key).map(Vec::as_slice);
        listed.or(self.any.then_some(&[]))
    }
}

/// What the rules say of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// This.
    Answer(AccessAnswer),
    /// That its password decides. `None` for a user nobody knows, whose refusal should take as long.
    Check {
        /// The hash that the password must have.
        hash: Option<String>,
    },
}

impl Rules {
    /// Decides about a peer.
    #[must_use]
    pub fn decide(&self, request: &AccessRequest) -> Ruling {
        let deny = |reason: &str| Ruling::Answer(AccessAnswer::deny(reason));
        let from = |networks: &[Network]| networks.iter().any(|network| network.contains(&request.address));
        if from(&self.denied) {
            return deny("its network is denied");
        }
        if !self.allowed.is_empty() && !from(&self.allowed) {
            return deny("its network is not among the allowed ones");
        }
        match &request.credentials {
            Credentials::Null if self.allowed.is_empty() && self.denied.is_empty() => {
                deny("it offers neither key nor password, and no rule is about networks")
            }
            Credentials::Null => Ruling::Answer(AccessAnswer::grant("")),
            Credentials::Plain { .. } if self.users.is_empty() => deny("there is no table of users"),
            Credentials::Plain { username, .. } => {
                Ruling::Check { hash: self.users.hash(username).map(str::to_owned) }
            }
            Credentials::Curve { public_key } => match self.keys.find(public_key) {
                Some(metadata) => Ruling::Answer(owner(public_key, metadata)),
                None => deny("its key is not among the allowed ones"),
            },
        }
    }
}

/// The key is the user id, as PyZMQ's and CZMQ's authenticators have it.
fn owner(key: &[u8; KEY_LEN], metadata: &[(String, String)]) -> AccessAnswer {
    let answer = AccessAnswer::grant(z85::encode(key).unwrap_or_default());
    metadata.iter().fold(answer, |answer, (name, value)| answer.with_property(name.clone(), value.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn peer(address: &str, credentials: Credentials) -> AccessRequest {
        AccessRequest {
            domain: String::new(),
            address: address.into(),
            routing_id: Bytes::new(),
            credentials,
        }
    }

    fn anna() -> Credentials {
        Credentials::Plain { username: "anna".into(), password: "sesame".into() }
    }

    fn granted(rules: &Rules, address: &str, credentials: Credentials) -> bool {
        match rules.decide(&peer(address, credentials)) {
            Ruling::Answer(answer) => answer.is_granted(),
            Ruling::Check { .. } => panic!("a password decides"),
        }
    }

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| Network::parse(text).unwrap()).collect()
    }

    #[test]
    fn no_rule_lets_nobody_in() {
        let rules = Rules::default();
        for credentials in [Credentials::Null, anna(), Credentials::Curve { public_key: [1; 32] }] {
            assert!(!granted(&rules, "127.0.0.1", credentials));
        }
    }

    #[test]
    fn networks_come_before_everything() {
        let mut rules =
            Rules { allowed: networks(&["10.0.0.0/8"]), denied: networks(&["10.6.6.6"]), ..Rules::default() };
        rules.keys.any = true;
        for credentials in [Credentials::Null, Credentials::Curve { public_key: [1; 32] }] {
            assert!(granted(&rules, "10.0.0.1", credentials.clone()));
            assert!(!granted(&rules, "10.6.6.6", credentials.clone()));
            assert!(!granted(&rules, "11.0.0.1", credentials.clone()));
            assert!(!granted(&rules, "localhost:0:0:1", credentials));
        }
        let rules = Rules { denied: networks(&["ipc"]), ..Rules::default() };
        assert!(granted(&rules, "::1", Credentials::Null) && !granted(&rules, "", Credentials::Null));
        assert!(!granted(&rules, "::1", Credentials::Curve { public_key: [1; 32] }));
    }

    #[test]
    fn a_key_is_on_the_list_or_not() {
        let mut rules = Rules::default();
        rules.keys.allow([1; 32]);
        rules.keys.allow_owner(Certificate {
            public_key: [2; 32],
            secret_key: None,
            metadata: vec![("name".into(), "anna".into())],
        });
        let curve = |key| Credentials::Curve { public_key: [key; 32] };
        assert!(granted(&rules, "::1", curve(1)) && !granted(&rules, "::1", curve(3)));
        let expected = AccessAnswer::grant(z85::encode(&[2; 32]).unwrap()).with_property("name", "anna");
        assert_eq!(rules.decide(&peer("::1", curve(2))), Ruling::Answer(expected));
        assert!(!granted(&rules, "::1", Credentials::Null) && !granted(&rules, "::1", anna()));
    }

    #[test]
    fn a_user_is_checked_whether_known_or_not() {
        let rules = Rules { users: Users::parse(b"anna:$argon2id$x").unwrap(), ..Rules::default() };
        let hash = Some("$argon2id$x".to_owned());
        assert_eq!(rules.decide(&peer("::1", anna())), Ruling::Check { hash });
        let bob = Credentials::Plain { username: "bob".into(), password: "".into() };
        assert_eq!(rules.decide(&peer("::1", bob)), Ruling::Check { hash: None });
    }
}
