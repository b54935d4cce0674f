//! The rule of manifests: which of our crates may depend on which.
//!
//! Only the lines of `[dependencies]`-like tables are read. Versions and features are cargo's business.

use super::Complaint;
use super::source::Source;

/// A crate's manifest and those of our crates that it may not name.
const FORBIDDEN: [(&str, &[&str]); 4] = [
    ("proto/Cargo.toml", &["ferrozmq", "ferrozmq-cli", "ferrozmq-capi", "libc", "rustix", "socket2"]),
    ("ferrozmq/Cargo.toml", &["ferrozmq-cli", "ferrozmq-capi"]),
    ("cli/Cargo.toml", &["ferrozmq-proto", "ferrozmq-capi", "libc", "rustix", "socket2"]),
    ("capi/Cargo.toml", &["ferrozmq-cli"]),
];

/// Checks the manifest, if `source` is one with a rule.
pub fn check(source: &Source, complaints: &mut Vec<Complaint>) {
    let Some((_, forbidden)) = FORBIDDEN.iter().find(|(path, _)| *path == source.path) else { return };
    let mut in_dependencies = false;
    for (number, line) in source.numbered() {
        let line = line.trim();
        if line.starts_with('[') {
            // Tests may use what the crate may not.
            in_dependencies = line.contains("dependencies") && !line.contains("dev-dependencies");
            continue;
        }
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
        if in_dependencies && forbidden.contains(&name) {
            let text = format!("`{name}` may not be a dependency here (cli, capi → ferrozmq → proto)");
            complaints.push(Complaint::new(&source.path, number, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_that_lead_the_wrong_way_are_seen() {
        let text =
            "[dependencies]\nferrozmq.workspace = true\nbytes = \"1\"\n[dev-dependencies]\nlibc = \"0.2\"\n";
        let mut found = Vec::new();
        check(&Source::new("proto/Cargo.toml", text), &mut found);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 2);
        check(&Source::new("bench/Cargo.toml", text), &mut found);
        assert_eq!(found.len(), 1);
    }
}
