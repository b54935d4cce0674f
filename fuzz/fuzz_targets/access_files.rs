//! Files of access control: certificates, tables of users, rules. People write them, and programs that people did not read.
//!
//! The first byte chooses the format. What can be read can be written and read again; a key is on a list only if its text is in the
//! file; nobody is let in by a file that cannot be read.
#![no_main]

use ferrozmq_fuzz::memory;
use ferrozmq_proto::access::{Certificate, Rule, Rulebook, Rules, Users};
use ferrozmq_proto::z85;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((format, text)) = bytes.split_first() else { return };
    memory::bounded(64 * text.len(), || match format % 3 {
        0 => certificate(text),
        1 => users(text),
        _ => rules(text),
    });
});

fn certificate(text: &[u8]) {
    let Ok(certificate) = Certificate::parse(text) else { return };
    let key = z85::encode(&certificate.public_key).expect("a key has a text");
    assert!(text.windows(key.len()).any(|window| window == key.as_bytes()));
    let quotes =
        certificate.metadata.iter().any(|(name, value)| [name, value].iter().any(|t| t.contains('"')));
    let odd = certificate.metadata.iter().any(|(name, _)| name.is_empty());
    if !quotes && !odd {
        let written = certificate.to_text("again");
        assert_eq!(Certificate::parse(written.as_bytes()).as_ref(), Ok(&certificate));
    }
    let mut rules = Rules::default();
    rules.keys.allow_owner(certificate);
}

fn users(text: &[u8]) {
    let Ok(users) = Users::parse(text) else { return };
    let lines = text.split(|byte| *byte == b'\n').filter(|line| line.contains(&b'$')).count();
    assert!(users.is_empty() || lines > 0);
    assert!(users.hash(b"").is_none());
}

fn rules(text: &[u8]) {
    let Ok(book) = Rulebook::parse(text) else { return };
    for rule in book.rules {
        match rule {
            Rule::AllowKey(key) => {
                let key = z85::encode(&key).expect("a key has a text");
                assert!(text.windows(key.len()).any(|window| window == key.as_bytes()));
            }
            Rule::AllowNetwork(network) | Rule::DenyNetwork(network) => {
                let name = network.to_string();
                assert!(Rule::new("allow-net", &name) == Ok(Rule::AllowNetwork(network)));
            }
            Rule::AllowAnyKey => assert!(text.windows(3).any(|window| window == b"any")),
            Rule::AllowCertificates(path) | Rule::PlainUsers(path) => assert!(!path.is_empty()),
        }
    }
}
