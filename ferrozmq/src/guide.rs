//! The guide: what a reference cannot tell.
//!
//! The pages are Markdown under `ferrozmq/docs/`; every snippet in them is compiled, and run, as a test of this crate.

/// Which defaults differ from libzmq's, and why.
pub mod defaults {
    #![doc = include_str!("../docs/defaults.md")]
}

/// The pages beside what they speak of.
#[cfg(test)]
mod tests {
    use ferrozmq_proto::option::TABLE;

    #[test]
    fn the_page_of_defaults_tells_of_each_departure() {
        let page = include_str!("../docs/defaults.md");
        let told = |name: &str| page.lines().any(|line| line.starts_with(&format!("| `{name}` |")));
        for row in TABLE {
            assert_eq!(told(row.name), row.departure.is_some(), "{}", row.name);
        }
    }
}
