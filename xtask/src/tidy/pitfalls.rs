//! The rule of the traces: each mistake of others that `conformance/pitfalls.toml` tells of, and each threat and fault of
//! `conformance/threats.toml`, has a test that exists here, or a reason why it cannot be. Of the latter none is left out.

use super::Complaint;
use super::source::Source;

/// The files whose tests are looked for, and what an entry of each begins with.
const TABLES: [(&str, &str); 2] = [("conformance/pitfalls.toml", "[[pitfall]]"), (THREATS, "[[threat]]")];

const THREATS: &str = "conformance/threats.toml";
/// The threats, the faults, and the aims, numbered from 1: each has an entry.
const SERIES: [(char, usize); 3] = [('T', 37), ('F', 27), ('R', 15)];

/// Checks a table; `has` says whether the file at a path defines a function of a name.
pub fn check(source: &Source, has: &dyn Fn(&str, &str) -> bool, complaints: &mut Vec<Complaint>) {
    let Some((table, entry)) = TABLES.iter().find(|(table, _)| *table == source.path) else { return };
    check_entries(source, entry, has, complaints);
    if *table == THREATS {
        check_series(source, complaints);
    }
}

/// Every threat, fault and aim has one entry.
fn check_series(source: &Source, complaints: &mut Vec<Complaint>) {
    let told: Vec<&str> =
        source.text.lines().filter_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"')).collect();
    for (letter, last) in SERIES {
        for number in 1..=last {
            let id = format!("{letter}{number}");
            let entries = told.iter().filter(|known| **known == id).count();
            if entries != 1 {
                complaints.push(Complaint::new(
                    &source.path,
                    0,
                    format!("{id} has {entries} entries in place of one"),
                ));
            }
        }
    }
}

fn check_entries(
    source: &Source,
    entry: &str,
    has: &dyn Fn(&str, &str) -> bool,
    complaints: &mut Vec<Complaint>,
) {
    let mut complain = |line, text: String| complaints.push(Complaint::new(&source.path, line, text));
    // The line of an entry that has no answer yet.
    let mut open = None;
    for (number, line) in source.numbered() {
        if line == entry {
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
        check(&Source::new(TABLES[0].0, text), &|_, name| name == "here", &mut found);
        let lines: Vec<usize> = found.iter().map(|complaint| complaint.line).collect();
        assert_eq!(lines, [1, 5, 9], "{found:?}");
        assert!(defines(&Source::new("x.rs", "fn here() {}"), "here"));
    }

    #[test]
    fn a_threat_left_out_or_told_twice_is_seen() {
        let mut text = String::new();
        for (letter, last) in SERIES {
            for number in 1..=last {
                text.push_str(&format!("[[threat]]\nid = \"{letter}{number}\"\nbecause = \"so\"\n"));
            }
        }
        let complaints = |text: &str| {
            let mut found = Vec::new();
            check(&Source::new(THREATS, text), &|_, _| true, &mut found);
            found.into_iter().map(|complaint| complaint.text).collect::<Vec<_>>()
        };
        assert_eq!(complaints(&text), [""; 0]);
        assert_eq!(complaints(&text.replace("\"T7\"", "\"T8\"")).len(), 2);
        assert_eq!(complaints(&text.replacen("because = \"so\"\n", "", 1)), ["no test and no reason"]);
    }
}
