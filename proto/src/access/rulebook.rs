//! The file that tells a program without a ZAP handler whom to let in: a rule a line, in the words of the command's flags.
//!
//! ```text
//! # whoever has one of these keys
//! allow rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7
//! allow clients/
//! # or is in this table
//! plain-users users.txt
//! # and comes from here
//! allow-net 10.0.0.0/8
//! deny-net 10.6.6.6
//! ```
//! Paths are as they are written: relative to what is the reader's business.

use super::{LineError, Network};
use crate::mechanism::KEY_LEN;
use crate::z85;

/// What stands for every key.
const ANY: &str = "any";

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `allow KEY`: clients with this key.
    AllowKey([u8; KEY_LEN]),
    /// `allow any`: clients with whatever key.
    AllowAnyKey,
    /// `allow PATH`: clients whose certificate is this file, or in this directory.
    AllowCertificates(String),
    /// `plain-users PATH`: users in this table.
    PlainUsers(String),
    /// `allow-net NETWORK`: peers from this network, and from no other that is not named so.
    AllowNetwork(Network),
    /// `deny-net NETWORK`: no peers from this network.
    DenyNetwork(Network),
}

impl Rule {
    /// The rule called `name` with this value.
    ///
    /// # Errors
    /// What was wrong, and what would be right.
    pub fn new(name: &str, value: &str) -> Result<Rule, String> {
        let network = || Network::parse(value).ok_or("write ADDRESS, ADDRESS/BITS or ipc");
        Ok(match name {
            _ if value.is_empty() => return Err(format!("{name} needs a value")),
            "allow" if value == ANY => Rule::AllowAnyKey,
            "allow" => match key(value) {
                Some(key) => Rule::AllowKey(key),
                None => Rule::AllowCertificates(value.to_owned()),
            },
            "plain-users" => Rule::PlainUsers(value.to_owned()),
            "allow-net" => Rule::AllowNetwork(network()?),
            "deny-net" => Rule::DenyNetwork(network()?),
            _ => return Err("a rule is allow, plain-users, allow-net or deny-net".to_owned()),
        })
    }
}

/// The key that 40 characters of Z85 are; anything else is a path.
fn key(text: &str) -> Option<[u8; KEY_LEN]> {
    z85::decode(text).ok()?.as_slice().try_into().ok()
}

/// Rules in the order of their lines.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Rulebook {
    /// The rules.
    pub rules: Vec<Rule>,
}

impl Rulebook {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first line that is no rule.
    pub fn parse(text: &[u8]) -> Result<Rulebook, LineError> {
        let mut rules = Vec::new();
        for (index, bytes) in text.split(|byte| *byte == b'\n').enumerate() {
            let wrong = |what: String| LineError { line: index + 1, what };
            let line = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".into()))?.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            rules.push(Rule::new(name, value.trim()).map_err(wrong)?);
        }
        Ok(Rulebook { rules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_is_a_rule() {
        let text = b"# rules\n\nallow rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7\r\n allow  clients/ of ours\nallow any\n\
            plain-users /etc/users\nallow-net 10.0.0.0/8\ndeny-net\t::1\ndeny-net ipc";
        let [Rule::AllowKey(_), rest @ ..] = &Rulebook::parse(text).unwrap().rules[..] else {
            panic!("a key is a key")
        };
        let expected = [
            Rule::AllowCertificates("clients/ of ours".into()),
            Rule::AllowAnyKey,
            Rule::PlainUsers("/etc/users".into()),
            Rule::AllowNetwork(Network::parse("10.0.0.0/8").unwrap()),
            Rule::DenyNetwork(Network::parse("::1").unwrap()),
            Rule::DenyNetwork(Network::Ipc),
        ];
        assert_eq!(rest, expected);
    }

    #[test]
    fn what_is_no_rule_is_told_by_its_line() {
        for text in ["allow", "permit x", "allow-net example.org", "deny-net 1.2.3.4/40", "plain-users"] {
            let error = Rulebook::parse(format!("allow any\n{text}\n").as_bytes()).unwrap_err();
            assert_eq!(error.line, 2, "{text}");
        }
        assert!(Rulebook::parse(b"\xff").is_err());
        assert_eq!(Rulebook::parse(b"").unwrap(), Rulebook::default());
    }
}
