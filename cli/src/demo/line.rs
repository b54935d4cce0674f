//! What a participant reports to the stage: words to show, facts to check, and where it is.
//!
//! Between threads a report travels as it is; a process prints it, one a line, in the form below.

/// One report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// To be shown.
    Say(String),
    /// To be checked: a name and a number.
    Fact(String, i64),
    /// The endpoint at which the participant is bound.
    At(String),
}

impl Line {
    /// The report as a line of text, without the line feed.
    pub fn to_text(&self) -> String {
        match self {
            Line::Say(words) => format!("say {words}"),
            Line::Fact(name, number) => format!("fact {name} {number}"),
            Line::At(endpoint) => format!("at {endpoint}"),
        }
    }

    /// The report in a line of text. Anything else is shown as it is.
    pub fn from_text(text: &str) -> Line {
        let fact = |rest: &str| {
            let (name, number) = rest.rsplit_once(' ')?;
            Some(Line::Fact(name.to_owned(), number.parse().ok()?))
        };
        let parsed = match text.split_once(' ') {
            Some(("say", words)) => Some(Line::Say(words.to_owned())),
            Some(("fact", rest)) => fact(rest),
            Some(("at", endpoint)) => Some(Line::At(endpoint.to_owned())),
            _ => None,
        };
        parsed.unwrap_or_else(|| Line::Say(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_survive_being_printed() {
        let lines =
            [Line::Say("hello there".into()), Line::Fact("sum".into(), -3), Line::At("ipc:///a b".into())];
        for line in lines {
            assert_eq!(Line::from_text(&line.to_text()), line);
        }
        assert_eq!(Line::from_text("fact x"), Line::Say("fact x".into()));
    }
}
