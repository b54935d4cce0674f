//! The guide: what a reference cannot tell.
//!
//! The pages are Markdown under `ferrozmq/docs/`; every snippet in them is compiled, and run, as a test of this crate.

/// The patterns, each with an example.
pub mod patterns {
    #![doc = include_str!("../docs/patterns.md")]
}

/// What a successful send means, and what is lost when.
pub mod delivery {
    #![doc = include_str!("../docs/delivery.md")]
}

/// Which defaults differ from libzmq's, and why.
pub mod defaults {
    #![doc = include_str!("../docs/defaults.md")]
}

/// All options, with both columns of defaults.
pub mod options {
    #![doc = include_str!("../docs/options.md")]
}

/// For those who come from C: which function is which method.
pub mod from_c {
    #![doc = include_str!("../docs/from-c.md")]
}

/// For those who come from the crate `zmq`.
pub mod from_zmq {
    #![doc = include_str!("../docs/from-zmq.md")]
}

/// For those who come from the crate `tmq`.
pub mod from_tmq {
    #![doc = include_str!("../docs/from-tmq.md")]
}

/// For those who come from the crate `zeromq`.
pub mod from_zeromq {
    #![doc = include_str!("../docs/from-zeromq.md")]
}

/// The repository's own front page, whose snippets are compiled, too.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The pages beside what they speak of.
#[cfg(test)]
mod tests {
    use crate::socket::setters;
    use ferrozmq_proto::SocketType;
    use ferrozmq_proto::option::{Effect, Kinds, Profile, Row, Status, TABLE};
    use std::fmt::Write as _;

    /// The reference of options is made of the table; `FERROZMQ_WRITE_DOCS=1` writes it anew.
    #[test]
    fn the_page_of_options_is_what_the_table_says() {
        let page = options_page();
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/options.md");
        if std::env::var_os("FERROZMQ_WRITE_DOCS").is_some() {
            std::fs::write(path, &page).expect("it can be written");
        }
        let written = std::fs::read_to_string(path).expect("it is there");
        assert!(written == page, "docs/options.md is out of date: run this test with FERROZMQ_WRITE_DOCS=1");
    }

    fn options_page() -> String {
        let mut page = String::from(
            "All options: names, values, defaults, and when they are heeded. Made from the table; the test that makes it says how.\n\n\
             The methods are those of [`Socket`](crate::Socket); [`SocketBuilder`](crate::SocketBuilder) has the same without `set_`. \
             Where two defaults are given the first is this crate's and the second libzmq's ([why](crate::guide::defaults)). \"At once\" means that living \
             connections heed a new value too, \"later\" that binds and connects after it do.\n\n\
             | C | method | what | values | default | heeded | for |\n|---|---|---|---|---|---|---|\n",
        );
        for row in TABLE.iter().filter(|row| row.status() == Status::Works) {
            let (method, for_whom) = (method(row), row.writers.to_string());
            let heeded = match (row.writers, row.effect) {
                (Kinds::NONE, _) => "read only",
                (_, Effect::Immediately) => "at once",
                (_, Effect::NextBindOrConnect) => "later",
            };
            let (values, for_whom) = match row.writers {
                Kinds::NONE => (String::new(), row.readers.to_string()),
                _ => (row.range(), for_whom),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(
                page,
                "| `{}` | {method} | {} | {values} | {} | {heeded} | {for_whom} |",
                row.c_name(),
                row.doc,
                defaults(row)
            );
        }
        page.push_str("\n# Not here\n\nSetting or reading one of these is an error that says so.\n\n| C | why |\n|---|---|\n");
        for row in TABLE {
            if let Status::Absent(why) = row.status() {
                let _ = writeln!(page, "| `{}` | {why} |", row.c_name());
            }
        }
        page
    }

    fn method(row: &Row) -> String {
        let link = |name: &str| format!("[`{name}`](crate::Socket::{name})");
        let setter = setters::listed().find(|(number, ..)| *number == row.number);
        match (setter, row.name) {
            (Some((_, _, name)), _) => link(name),
            (None, "events" | "last_endpoint" | "topics_count") => link(row.name),
            (None, "type") => link("socket_type"),
            (None, "rcvmore") => link("recv_part"),
            (None, _) if row.writers == Kinds::NONE => link("read_raw"),
            (None, _) => link("set_raw"),
        }
    }

    /// The default of most types, and what differs from it.
    fn defaults(row: &Row) -> String {
        let of = |profile| {
            let mut texts: Vec<(String, Vec<&str>)> = Vec::new();
            let users = if row.writers == Kinds::NONE { row.readers } else { row.writers };
            for kind in SocketType::ALL.into_iter().filter(|kind| users.contains(*kind)) {
                let text = row.default_text(kind, profile);
                match texts.iter_mut().find(|(known, _)| *known == text) {
                    Some((_, kinds)) => kinds.push(kind.name()),
                    None => texts.push((text, vec![kind.name()])),
                }
            }
            texts.sort_by_key(|(_, kinds)| std::cmp::Reverse(kinds.len()));
            texts
        };
        let show = |texts: Vec<(String, Vec<&str>)>| {
            let mut shown = String::new();
            for (index, (text, kinds)) in texts.iter().enumerate() {
                let text = if text.is_empty() { "none" } else { text };
                let _ = match index {
                    0 => write!(shown, "{text}"),
                    _ => write!(shown, ", {text} for {}", kinds.join(" ")),
                };
            }
            shown
        };
        if row.name == "type" || row.name.starts_with("curve_") && row.name.ends_with("key") {
            return String::new();
        }
        let (ours, libzmqs) = (of(Profile::Native), of(Profile::Libzmq));
        if ours == libzmqs { show(ours) } else { format!("{}; libzmq: {}", show(ours), show(libzmqs)) }
    }

    #[test]
    fn the_page_of_defaults_tells_of_each_departure() {
        let page = include_str!("../docs/defaults.md");
        let told = |name: &str| page.lines().any(|line| line.starts_with(&format!("| `{name}` |")));
        for row in TABLE {
            assert_eq!(told(row.name), row.departure.is_some(), "{}", row.name);
        }
    }

    #[test]
    fn the_header_for_c_has_the_numbers_of_our_own_options() {
        let header = concat!(env!("CARGO_MANIFEST_DIR"), "/../capi/include/ferrozmq.h");
        let Ok(header) = std::fs::read_to_string(header) else {
            eprintln!("skipped: there is no header beside a crate that was packed");
            return;
        };
        for row in TABLE.iter().filter(|row| !row.is_libzmqs()) {
            let line = format!("#define {} {}", row.c_name(), row.number);
            assert!(header.lines().any(|known| known == line), "{line}");
        }
    }

    /// Names of functions, in the repository's header.
    #[test]
    fn the_page_for_c_knows_every_function() {
        let header = concat!(env!("CARGO_MANIFEST_DIR"), "/../capi/include/zmq.h");
        let Ok(header) = std::fs::read_to_string(header) else {
            eprintln!("skipped: there is no header beside a crate that was packed");
            return;
        };
        let page = include_str!("../docs/from-c.md");
        let words = header.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let mut functions: Vec<&str> = words
            .filter(|word| word.starts_with("zmq_") && header.contains(&format!("{word} (")))
            .filter(|word| !word.ends_with("_t") && !word.ends_with("_fn"))
            .collect();
        functions.sort_unstable();
        functions.dedup();
        assert!(functions.len() > 90, "{functions:?}");
        let missing: Vec<_> = functions.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
