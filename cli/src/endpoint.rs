//! Endpoints as people write them at a terminal.
//!
//! A text with `://` is an endpoint already and passes unchanged; the shorthands below become one.
//! Whether the endpoint itself is right is for the library to say.

/// What an endpoint is for; a bare port means something else to a bind than to a connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Peers come to us.
    Bind,
    /// We go to a peer.
    Connect,
}

/// The full endpoint that `text` is short for.
///
/// `:5555` and `5555` (every interface to bind, this machine to connect), `host:5555`,
/// `/path` and `./path` (a Unix socket file), `@name` (an abstract Unix socket).
///
/// # Errors
/// A sentence that says what could be written instead.
pub fn expand(text: &str, purpose: Use) -> Result<String, String> {
    if text.contains("://") {
        return Ok(text.to_owned());
    }
    if text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text.starts_with('@') {
        return Ok(format!("ipc://{text}"));
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    if !is_port(port) {
        return Err(format!(
            "{text:?} is not an endpoint; write tcp://host:port, ipc://path, inproc://name, or for short \
             :port, host:port, /path, @name"
        ));
    }
    let host = match (host, purpose) {
        ("", Use::Bind) => "*",
        ("", Use::Connect) => "127.0.0.1",
        (host, _) => host,
    };
    Ok(format!("tcp://{host}:{port}"))
}

/// Whether the system chooses the port of this endpoint, so that the user has to be told.
pub fn is_wildcard(endpoint: &str) -> bool {
    endpoint.ends_with(":*") || endpoint.ends_with(":0") || endpoint == "ipc://*"
}

fn is_port(text: &str) -> bool {
    text == "*" || text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorthands_become_endpoints() {
        let cases = [
            (":5555", "tcp://*:5555", "tcp://127.0.0.1:5555"),
            ("5555", "tcp://*:5555", "tcp://127.0.0.1:5555"),
            ("host:5555", "tcp://host:5555", "tcp://host:5555"),
            ("[::1]:5555", "tcp://[::1]:5555", "tcp://[::1]:5555"),
            ("*:*", "tcp://*:*", "tcp://*:*"),
            ("/run/feed", "ipc:///run/feed", "ipc:///run/feed"),
            ("./feed", "ipc://./feed", "ipc://./feed"),
            ("@feed", "ipc://@feed", "ipc://@feed"),
            ("tcp://a:1", "tcp://a:1", "tcp://a:1"),
            ("weird://a", "weird://a", "weird://a"),
        ];
        for (text, bound, connected) in cases {
            assert_eq!(expand(text, Use::Bind).as_deref(), Ok(bound));
            assert_eq!(expand(text, Use::Connect).as_deref(), Ok(connected));
        }
    }

    #[test]
    fn what_is_no_endpoint_is_said_to_be_none() {
        for text in ["", "host", "host:", ":99999", "host:http", "a b"] {
            assert!(expand(text, Use::Bind).unwrap_err().contains("is not an endpoint"), "{text}");
        }
    }

    #[test]
    fn chosen_ports_are_recognized() {
        for text in ["tcp://*:*", "tcp://127.0.0.1:0", "ipc://*"] {
            assert!(is_wildcard(text), "{text}");
        }
        assert!(!is_wildcard("tcp://*:5550"));
    }
}
