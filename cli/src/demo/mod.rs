//! `zmq demo`: ZeroMQ's four classic conversations, live.
//!
//! Each runs over tcp and ipc between processes (this program again, with a hidden verb) and over inproc
//! between threads. [`parts`] holds what each participant does, the same for both; [`stage`] starts
//! participants and hears them; [`plays`] says who takes part and what must have come out. The
//! exit code is 1 if any conversation came out wrong.

mod line;
mod parts;
mod plays;
mod screen;
mod stage;

use std::time::Instant;

use clap::{Args, ValueEnum};

use crate::bench::Transport;
use crate::failure::Failure;
use crate::talk::Talk;
pub use parts::{PartArgs, take_part};
use screen::Screen;
use stage::Stage;

/// Flags of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// The conversations to watch; all without it
    #[arg(value_name = "CONVERSATION")]
    pub plays: Vec<Play>,
    /// Over these transports only (several, separated by commas)
    #[arg(long, value_name = "TRANSPORT", value_delimiter = ',', default_value = "tcp,ipc,inproc")]
    pub over: Vec<Transport>,
}

/// A conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Play {
    /// A client asks, a server answers.
    Request,
    /// A publisher, and two subscribers that want different things.
    Publish,
    /// A ventilator hands ten tasks to two workers, a sink adds up.
    Pipeline,
    /// A client without a server gives up, tries again, and succeeds when there is one.
    Retry,
}

impl Play {
    const ALL: [Play; 4] = [Play::Request, Play::Publish, Play::Pipeline, Play::Retry];

    fn title(self) -> &'static str {
        match self {
            Play::Request => "request–reply",
            Play::Publish => "publish–subscribe",
            Play::Pipeline => "pipeline",
            Play::Retry => "time-out and retry",
        }
    }
}

/// Shows the conversations.
///
/// # Errors
/// [`Failure::Error`], if one came out wrong.
pub fn run(args: &DemoArgs, talk: Talk) -> Result<(), Failure> {
    let start = Instant::now();
    let mut screen = Screen::new(talk);
    let mut stage = Stage::new()?;
    let plays = if args.plays.is_empty() { &Play::ALL[..] } else { &args.plays };
    let mut results = Vec::new();
    for &play in plays {
        for &transport in &args.over {
            screen.heading(play.title(), transport)?;
            let outcome = plays::perform(play, transport, &mut stage, &mut screen);
            stage.clear();
            let complaint = match outcome {
                Ok(()) => None,
                Err(Failure::Error(text) | Failure::TimedOut(text)) => Some(text),
                Err(other) => return Err(other),
            };
            screen.verdict(complaint.as_deref())?;
            results.push((play, transport, complaint.is_none()));
        }
    }
    screen.summary(&results, start.elapsed())?;
    match results.iter().filter(|(_, _, right)| !right).count() {
        0 => Ok(()),
        wrong => Err(Failure::Error(format!("{wrong} of {} conversations came out wrong", results.len()))),
    }
}
