//! How the demonstration looks: a heading for each conversation, a label for each participant.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use super::Play;
use crate::bench::Transport;
use crate::failure::Failure;
use crate::open::print_line;
use crate::talk::Talk;

/// The colours of participants, in the order in which they appear.
const COLORS: [&str; 4] = ["36", "33", "35", "32"];

/// Standard output, as the demonstration uses it.
pub struct Screen {
    color: bool,
    start: Instant,
    transport: &'static str,
}

impl Screen {
    /// An empty screen, whose clock begins now.
    pub fn new(talk: Talk) -> Screen {
        let color = talk.color().applies(io::stdout().is_terminal());
        Screen { color, start: Instant::now(), transport: "" }
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub fn heading(&mut self, title: &str, transport: Transport) -> Result<(), Failure> {
        self.transport = transport.name();
        let among = if transport == Transport::Inproc { "threads" } else { "processes" };
        print_line("")?;
        print_line(&self.paint("1", &format!("{title} between {among} over {}", self.transport)))
    }

    /// Shows what participant number `index`, called `name`, says.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub fn say(&self, index: usize, name: &str, words: &str) -> Result<(), Failure> {
        let time = self.start.elapsed().as_secs_f64();
        let color = COLORS[index % COLORS.len()];
        let label = self.paint(color, &format!("{name:<12}"));
        print_line(&format!("{time:7.3}  {:<6}  {label}  {words}", self.transport))
    }

    /// Says how a conversation came out.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub fn verdict(&self, complaint: Option<&str>) -> Result<(), Failure> {
        print_line(&match complaint {
            None => self.paint("32", "✓ every message arrived"),
            Some(complaint) => self.paint("31", &format!("✗ {complaint}")),
        })
    }

    /// Says how everything came out.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub fn summary(&self, results: &[(Play, Transport, bool)], time: Duration) -> Result<(), Failure> {
        print_line("")?;
        for play in Play::ALL {
            let marks: Vec<String> = results
                .iter()
                .filter(|(played, _, _)| *played == play)
                .map(|(_, transport, right)| format!("{} {:<6}", self.mark(*right), transport.name()))
                .collect();
            if !marks.is_empty() {
                print_line(&format!("{:<20} {}", play.title(), marks.join("  ").trim_end()))?;
            }
        }
        print_line(&format!("{:.1} s", time.as_secs_f64()))
    }

    fn mark(&self, right: bool) -> String {
        if right { self.paint("32", "✓") } else { self.paint("31", "✗") }
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.color { format!("\x1b[{color}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
