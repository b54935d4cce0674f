//! The rule of the map: every path that ARCHITECTURE.md shows in backticks exists.

use super::Complaint;
use super::source::Source;

/// The file whose paths are checked.
const MAP: &str = "ARCHITECTURE.md";
/// What a path begins with: our top folders. `target/` comes and goes.
const TOP: [&str; 10] =
    ["proto/", "ferrozmq/", "capi/", "zmq-sys/", "cli/", "conformance/", "bench/", "fuzz/", "xtask/", ".ci/"];

/// Checks the paths of the map with `exists`, which answers for paths from the repository's root.
pub fn check(source: &Source, exists: &dyn Fn(&str) -> bool, complaints: &mut Vec<Complaint>) {
    if source.path != MAP {
        return;
    }
    for (number, line) in source.numbered() {
        for path in line.split('`').skip(1).step_by(2).filter(|quoted| is_path(quoted)) {
            if !exists(path) {
                complaints.push(Complaint::new(&source.path, number, format!("`{path}` does not exist")));
            }
        }
    }
}

/// Placeholders in capitals, as in `fuzz/corpus/TARGET`, name no path.
fn is_path(quoted: &str) -> bool {
    let made_of = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    TOP.iter().any(|top| quoted.starts_with(top))
        && quoted.chars().all(made_of)
        && !quoted.rsplit('/').any(|part| part.len() > 1 && part.chars().all(|c| c.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_paths_are_seen_and_other_code_is_not() {
        let text =
            "| `proto/src/gone.rs` | `proto/src/here.rs` |\n`cargo xtask tidy` and `fuzz/corpus/TARGET`\n";
        let mut found = Vec::new();
        check(&Source::new("ARCHITECTURE.md", text), &|path| path.ends_with("here.rs"), &mut found);
        assert_eq!(found, [Complaint::new("ARCHITECTURE.md", 1, "`proto/src/gone.rs` does not exist")]);
    }
}
