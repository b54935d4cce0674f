//! A text file as the rules see it: Rust's comments and string contents blanked, lines and columns kept.
//!
//! The scanner knows line and nested block comments, strings, raw strings, byte strings, characters and lifetimes. It knows no
//! macros: what a macro makes out of a string is not seen.

/// A file of the repository.
pub struct Source {
    /// Path from the repository's root, with `/`.
    pub path: String,
    /// The text as it stands.
    pub text: String,
    /// For Rust the text without comments and string contents; else the text.
    pub code: String,
}

impl Source {
    /// The file at `path`, which holds `text`.
    pub fn new(path: &str, text: &str) -> Source {
        let code = if path.ends_with(".rs") { blank(text) } else { text.to_owned() };
        Source { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// Whether this is a Rust file.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// The number of the first line (counted from 1) that only tests are made of; tests stand last in a file.
    pub fn first_test_line(&self) -> usize {
        if self.path.contains("/tests/") || self.path.ends_with("/tests.rs") {
            return 1;
        }
        let is_gate = |line: &str| {
            let line = line.trim();
            line.starts_with("#[cfg(")
                && line.contains("test")
                && !line.contains("not(test")
                && !line.contains("feature")
        };
        self.code.lines().position(is_gate).map_or(usize::MAX, |index| index + 1)
    }

    /// The lines of code with their numbers from 1.
    pub fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// Whether `line` has `word` between characters that cannot belong to a name.
pub fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && !after.is_some_and(is_name)
    })
}

/// What the scanner is inside of.
enum State {
    Code,
    Line,
    Block(usize),
    Text,
    Raw(usize),
}

/// `text` with comments and string contents replaced by spaces; line breaks stay.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut state = State::Code;
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let (taken, keep, next) = match state {
            State::Code => in_code(rest, at.checked_sub(1).map(|before| chars[before])),
            State::Line if rest[0] == '\n' => (1, true, State::Code),
            State::Line => (1, false, State::Line),
            State::Block(depth) if rest.starts_with(&['/', '*']) => (2, false, State::Block(depth + 1)),
            State::Block(1) if rest.starts_with(&['*', '/']) => (2, false, State::Code),
            State::Block(depth) if rest.starts_with(&['*', '/']) => (2, false, State::Block(depth - 1)),
            State::Block(depth) => (1, false, State::Block(depth)),
            State::Text if rest[0] == '\\' => (2, false, State::Text),
            State::Text if rest[0] == '"' => (1, true, State::Code),
            State::Text => (1, false, State::Text),
            State::Raw(hashes) if closes_raw(rest, hashes) => (1 + hashes, true, State::Code),
            State::Raw(hashes) => (1, false, State::Raw(hashes)),
        };
        for &c in rest.iter().take(taken) {
            out.push(if keep || c == '\n' { c } else { ' ' });
        }
        at += taken;
        state = next;
    }
    out
}

/// How many characters of code to take, whether to keep them, and what comes after.
fn in_code(rest: &[char], before: Option<char>) -> (usize, bool, State) {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    if rest.starts_with(&['/', '/']) {
        return (2, false, State::Line);
    }
    if rest.starts_with(&['/', '*']) {
        return (2, false, State::Block(1));
    }
    if rest[0] == 'r' && !before.is_some_and(|c| is_name(c) && c != 'b' && c != 'c') {
        let hashes = rest[1..].iter().take_while(|&&c| c == '#').count();
        if rest.get(1 + hashes) == Some(&'"') {
            return (2 + hashes, true, State::Raw(hashes));
        }
    }
    match rest {
        ['"', ..] => (1, true, State::Text),
        ['\'', '\\', ..] => {
            let end = rest.iter().skip(3).position(|&c| c == '\'').map_or(rest.len(), |index| index + 4);
            (end, false, State::Code)
        }
        ['\'', _, '\'', ..] => (3, false, State::Code),
        _ => (1, true, State::Code),
    }
}

fn closes_raw(rest: &[char], hashes: usize) -> bool {
    rest[0] == '"' && rest.len() > hashes && rest[1..=hashes].iter().all(|&c| c == '#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_lines_kept() {
        let text =
            "a // unsafe\nb /* x /* y */\n z */ c \"un\\\"safe\" d r#\"q\"q\"# '\"' e 'f' &'g h '\\'' i";
        let code = blank(text);
        assert_eq!(code.lines().count(), text.lines().count());
        assert_eq!(code.chars().count(), text.chars().count());
        let words: Vec<&str> = code.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "c", "\"", "\"", "d", "r#\"", "\"#", "e", "&'g", "h", "i"]);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("unsafe { }", "unsafe"));
        assert!(!has_word("deny(unsafe_code)", "unsafe"));
        assert!(!has_word("not_unsafe", "unsafe"));
    }

    #[test]
    fn tests_begin_at_their_gate() {
        let source = Source::new("a/src/b.rs", "//! b\nfn f() {}\n#[cfg(test)]\nmod tests {}\n");
        assert_eq!(source.first_test_line(), 3);
        assert_eq!(Source::new("a/tests/it/b.rs", "").first_test_line(), 1);
        assert_eq!(Source::new("a/src/b.rs", "fn f() {}").first_test_line(), usize::MAX);
    }
}
