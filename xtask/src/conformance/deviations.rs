//! The deviations that we know of: a file of tables, each a test's name and the reason why it fails on our library.
//!
//! It is TOML, of which only what these files need is understood: comments, `[[deviation]]`, and keys with strings on one line.

use std::collections::BTreeMap;
use std::path::Path;

/// Known deviations: from a test's name to the reason.
#[derive(Debug, Default, PartialEq)]
pub struct Deviations {
    reasons: BTreeMap<String, Reason>,
}

/// Why a test may fail on our library.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// A sentence for the reader.
    pub text: String,
    /// It does not always fail: passing is no news.
    pub sometimes: bool,
}

impl Deviations {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read, or says something else than deviations with reasons.
    pub fn read(path: &Path) -> Result<Deviations, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Deviations::parse(&text).map_err(|(line, reason)| format!("{}:{line}: {reason}", path.display()))
    }

    /// The reason for the test called `name`; where there is none, that for one of the groups it belongs to. A group is the part
    /// of the name before one of its `separator`s.
    pub fn reason(&self, name: &str, separator: &str) -> Option<(&str, &Reason)> {
        let ends = name.match_indices(separator).map(|(end, _)| end);
        let mut ends: Vec<usize> = ends.chain([name.len()]).collect();
        ends.reverse();
        ends.into_iter().find_map(|end| {
            let (name, reason) = self.reasons.get_key_value(&name[..end])?;
            Some((name.as_str(), reason))
        })
    }

    /// All names that have a reason, with it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Reason)> {
        self.reasons.iter().map(|(name, reason)| (name.as_str(), reason))
    }

    fn parse(text: &str) -> Result<Deviations, (usize, String)> {
        let mut deviations = Deviations::default();
        let mut table = Table::default();
        let mut number = 0;
        for line in text.lines() {
            number += 1;
            let line = line.trim();
            if line == "[[deviation]]" {
                deviations.take(std::mem::take(&mut table)).map_err(|reason| (number, reason))?;
            } else if !line.is_empty() && !line.starts_with('#') {
                let (key, value) = entry(line).ok_or((number, format!("not understood: {line}")))?;
                table.set(key, value).map_err(|reason| (number, reason))?;
            }
        }
        deviations.take(table).map_err(|reason| (number, reason))?;
        Ok(deviations)
    }

    fn take(&mut self, table: Table) -> Result<(), String> {
        if table.tests.is_empty() && table.reason.is_none() {
            return Ok(());
        }
        let text = table.reason.ok_or("a deviation without a reason")?;
        for test in table.tests {
            let reason = Reason { text: text.clone(), sometimes: table.sometimes };
            if self.reasons.insert(test.clone(), reason).is_some() {
                return Err(format!("{test} has two reasons"));
            }
        }
        Ok(())
    }
}

/// One `[[deviation]]` as far as it was read.
#[derive(Default)]
struct Table {
    tests: Vec<String>,
    reason: Option<String>,
    sometimes: bool,
}

impl Table {
    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match (key, value) {
            ("tests", value) => self.tests.extend(strings(value).ok_or("tests is a list of strings")?),
            ("reason", value) => self.reason = Some(string(value).ok_or("reason is a string")?.to_owned()),
            ("sometimes", "true") => self.sometimes = true,
            _ => return Err(format!("no such key or value: {key} = {value}")),
        }
        Ok(())
    }
}

fn entry(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    Some((key.trim(), value.trim()))
}

fn strings(value: &str) -> Option<Vec<String>> {
    let inside = value.strip_prefix('[')?.strip_suffix(']')?;
    inside.split(',').map(|part| string(part.trim()).map(str::to_owned)).collect()
}

fn string(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"').filter(|inside| !inside.contains(['"', '\\']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
        # What is not built yet.
        [[deviation]]
        tests = ["ws", "curve:keys"]
        reason = "not built = not there"
        [[deviation]]
        tests = ["ws:slow"]
        reason = "timing"
        sometimes = true
    "#;

    #[test]
    fn the_narrowest_name_gives_the_reason() {
        let deviations = Deviations::parse(FILE).unwrap();
        let reason = |name: &str| deviations.reason(name, ":").map(|(name, reason)| (name, reason.sometimes));
        assert_eq!(reason("ws"), Some(("ws", false)));
        assert_eq!(reason("ws:fast"), Some(("ws", false)));
        assert_eq!(reason("ws:slow"), Some(("ws:slow", true)));
        assert_eq!(reason("curve"), None);
        assert_eq!(deviations.iter().count(), 3);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let refused = |text: &str| Deviations::parse(text).unwrap_err().0;
        assert_eq!(refused("[[deviation]]\ntests = [\"a\"]\n[[deviation]]"), 3);
        assert_eq!(refused("reason = \"x\"\ntests = [a]"), 2);
        assert_eq!(refused("\nwhy"), 2);
        let twice = "[[deviation]]\ntests = [\"a\", \"a\"]\nreason = \"x\"";
        assert_eq!(refused(twice), 3);
    }
}
