//! Tables of PLAIN's users: a line for each, `name:hash`, as `zmq passwd` prints it.
//!
//! A hash is the text that says how it was made (`$argon2id$…`). A password as it is typed is refused: who reads such a file could
//! use it. What is between name and hash is the first colon; names have none.

use super::LineError;
use bytes::Bytes;
use std::collections::HashMap;
use std::fmt;

/// What every hash begins with: Argon2, in the form that RFC 9106's reference program prints.
const HASH_PREFIX: &str = "$argon2";
/// Longest name, in bytes (RFC 24), and longest hash.
const NAME_MAX: usize = 255;
const HASH_MAX: usize = 256;

/// Users and the hashes of their passwords.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Users {
    hashes: HashMap<Bytes, String>,
}

impl Users {
    /// Reads a table; empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// The first line that is not `name:hash`, or the second that names a user.
    pub fn parse(text: &[u8]) -> Result<Users, LineError> {
        let mut users = Users::default();
        for (index, bytes) in text.split(|byte| *byte == b'\n').enumerate() {
            let wrong = |what: &str| LineError { line: index + 1, what: what.to_owned() };
            let line = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, hash) = line.split_once(':').ok_or_else(|| wrong("write NAME:HASH"))?;
            if name.is_empty() || name.len() > NAME_MAX {
                return Err(wrong("a name has 1 to 255 bytes"));
            }
            if !hash.starts_with(HASH_PREFIX) || hash.len() > HASH_MAX {
                return Err(wrong("after the colon comes the password's hash; `zmq passwd NAME` makes one"));
            }
            let former = users.hashes.insert(Bytes::copy_from_slice(name.as_bytes()), hash.to_owned());
            if former.is_some() {
                return Err(wrong("this user has a line already"));
            }
        }
        Ok(users)
    }

    /// The hash of this user's password.
    #[must_use]
    pub fn hash(&self, username: &[u8]) -> Option<&str> {
        self.hashes.get(username).map(String::as_str)
    }

    /// Adds the users of `other`; those that are here already stay as they are.
    pub fn merge(&mut self, other: Users) {
        for (name, hash) in other.hashes {
            self.hashes.entry(name).or_insert(hash);
        }
    }

    /// Whether there is nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.hashes.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_line_for_each_user() {
        let users =
            Users::parse(b"# who\n\nanna:$argon2id$v=19$m=8,t=1,p=1$aa$bb\r\nbob:$argon2id$x:y\n").unwrap();
        assert_eq!(users.hash(b"anna"), Some("$argon2id$v=19$m=8,t=1,p=1$aa$bb"));
        assert_eq!(users.hash(b"bob"), Some("$argon2id$x:y"));
        assert_eq!((users.hash(b"carl"), users.is_empty()), (None, false));
        assert!(!format!("{users:?}").contains("argon2"));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let long = format!("{}:$argon2id$", "x".repeat(256));
        let lines =
            ["anna", "anna:sesame", "anna:", ":$argon2id$", &long, "a:$argon2id$\na:$argon2id$", "a:$2y$10$"];
        for text in lines {
            assert!(Users::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(Users::parse(b"a:$argon2id$\n\xff\n").unwrap_err().line, 2);
    }

    #[test]
    fn the_first_of_two_tables_decides() {
        let mut users = Users::parse(b"a:$argon2id$1").unwrap();
        users.merge(Users::parse(b"a:$argon2id$2\nb:$argon2id$3").unwrap());
        assert_eq!((users.hash(b"a"), users.hash(b"b")), (Some("$argon2id$1"), Some("$argon2id$3")));
    }
}
