//! JSON as text, written member by member: enough for reports, so that they need no library.
//!
//! Invariant: what was written so far is well-formed but for the brackets that are open.

use std::fmt::{Display, Write};

/// A text that grows.
#[derive(Default)]
pub(super) struct Json {
    text: String,
    /// Something stands before, in this object or list.
    follows: bool,
}

impl Json {
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// An object whose members `write` writes.
    pub(super) fn object(&mut self, write: impl FnOnce(&mut Json)) {
        self.bracket('{', '}', write);
    }

    /// A member that is an object.
    pub(super) fn member(&mut self, name: &str, write: impl FnOnce(&mut Json)) {
        self.name(name);
        self.object(write);
    }

    /// A member that is a list of objects.
    pub(super) fn list<T>(&mut self, name: &str, items: &[T], write: impl Fn(&mut Json, &T)) {
        self.name(name);
        self.bracket('[', ']', |json| {
            for item in items {
                json.separate();
                json.object(|json| write(json, item));
            }
        });
    }

    pub(super) fn number(&mut self, name: &str, number: impl Display) {
        self.name(name);
        let _ = write!(self.text, "{number}");
    }

    pub(super) fn truth(&mut self, name: &str, truth: bool) {
        self.number(name, truth);
    }

    pub(super) fn null(&mut self, name: &str) {
        self.number(name, "null");
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.string(text);
    }

    fn bracket(&mut self, open: char, close: char, write: impl FnOnce(&mut Json)) {
        self.text.push(open);
        self.follows = false;
        write(self);
        self.text.push(close);
        self.follows = true;
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.string(name);
        self.text.push(':');
    }

    fn separate(&mut self) {
        if std::mem::replace(&mut self.follows, true) {
            self.text.push(',');
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for character in text.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                control if u32::from(control) < 0x20 => {
                    let _ = write!(self.text, "\\u{:04x}", u32::from(control));
                }
                other => self.text.push(other),
            }
        }
        self.text.push('"');
    }
}

/// `text` as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    let mut json = Json::default();
    json.string(text);
    json.into_text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_lists_and_odd_characters() {
        let mut json = Json::default();
        json.object(|json| {
            json.text("a\"b", "c\\\n\u{1}é");
            json.list("list", &[1, 2], |json, item| json.number("n", item));
            json.list("none", &[0; 0], |_, _| {});
            json.member("o", |json| json.truth("t", true));
            json.null("z");
        });
        let expected =
            r#"{"a\"b":"c\\\u000a\u0001é","list":[{"n":1},{"n":2}],"none":[],"o":{"t":true},"z":null}"#;
        assert_eq!(json.into_text(), expected);
    }
}
