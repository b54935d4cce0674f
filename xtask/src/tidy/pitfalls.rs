//! The rule of the pitfalls: each mistake of others that `conformance/pitfalls.toml` tells of has a test that exists here, or a
//! reason why it cannot be made.

use super::Complaint;
use super::source::Source;

/// The file whose tests are looked for.
const TABLE: &str = "conformance/pitfalls.toml";

/// Checks the table; `has` says whether the file at a path defines a function of a name.
pub fn check(source: &Source, has: &dyn Fn(&str, &str) -> bool, complaints: &mut Vec<Complaint>) {
    if source.path != TABLE {
        return;
    }
    let mut complain = |line, text: String| complaints.push(Complaint::new(TABLE, line, text));
    // The line of an entry that has no answer yet.
    let mut open = None;
    for (number, line) in source.numbered() {
        if line == "[[pitfall]]" {
            if let Some(line) = open.replace(number) {
                complain(line, "no test and no reason".to_owned());
            }
        } else if line.starts_with("tests = ") {
            open = None;
            for quoted in line.split('"').skip(1).step_by(2) {
                let Some((path, name)) = quoted.split_once(": ") else {
                    complain(number, format!("write \"PATH: TEST\" in place of \"{quoted}\""));
                    continue;
                };
                if !has(path, name) {
                    complain(number, format!("there is no test {name} in {path}"));
                }
            }
        } else if line.starts_with("because = ") {
            open = None;
        }
    }
    if let Some(line) = open {
        complain(line, "no test and no reason".to_owned());
    }
}

/// Whether `source` defines a function of this name.
pub fn defines(source: &Source, name: &str) -> bool {
    let (rust, generic) = (format!("fn {name}("), format!("fn {name}<"));
    source.text.contains(&rust) || source.text.contains(&generic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_without_an_answer_and_tests_that_are_gone_are_seen() {
        let text = "[[pitfall]]\nwhat = \"a\"\n[[pitfall]]\nwhat = \"b\"\ntests = [\"x.rs: here\", \"x.rs: gone\"]\n\
                    [[pitfall]]\nwhat = \"c\"\nbecause = \"d\"\n[[pitfall]]\nwhat = \"e\"\n";
        let mut found = Vec::new();
        check(&Source::new(TABLE, text), &|_, name| name == "here", &mut found);
        let lines: Vec<usize> = found.iter().map(|complaint| complaint.line).collect();
        assert_eq!(lines, [1, 5, 9], "{found:?}");
        assert!(defines(&Source::new("x.rs", "fn here() {}"), "here"));
    }
}
