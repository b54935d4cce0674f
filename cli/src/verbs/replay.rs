//! `zmq replay`: sends what `zmq record` has stored, at the pace at which it came, or another.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use clap::Args;
use ferrozmq::SocketType;

use super::job::{await_peers, pause_until};
use crate::args::TypeFlag;
use crate::failure::Failure;
use crate::flags::PlaceFlags;
use crate::open::{Opened, open};
use crate::options;
use crate::port::is_past;
use crate::recording::{Broken, Reader};
use crate::talk::{Level, Talk};
use crate::template::time_stamp;
use crate::units;

/// Flags of `replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    #[command(flatten)]
    pub kind: TypeFlag,
    #[command(flatten)]
    pub place: PlaceFlags,
    /// So many times as fast as it was recorded: 2x, 0.5x, or "max" for as fast as it goes
    #[arg(short = 'x', long, value_name = "N", default_value = "1x", value_parser = speed)]
    pub speed: Speed,
    /// Never pause longer than this between two messages
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub max_pause: Option<Duration>,
    /// Play the recording N times; 0 is without end
    #[arg(long = "loop", value_name = "N", default_value = "1", value_parser = units::count)]
    pub rounds: u64,
    /// Stop after N messages
    #[arg(short = 'n', long = "max", value_name = "N", value_parser = units::count)]
    pub max: Option<u64>,
    /// Wait for this many peers before the first message
    #[arg(long, value_name = "N", default_value = "1")]
    pub wait_peer: usize,
    /// Give up, with exit code 3, when nobody comes, or nobody takes a message, for this long
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    pub timeout: Option<Duration>,
    /// The recording
    #[arg(value_name = "FILE", required_unless_present = "option")]
    pub file: Option<PathBuf>,
}

/// How fast a recording is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many times as fast as it was recorded.
    Times(f64),
    /// As fast as it goes.
    Max,
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    let number = text.strip_suffix('x').unwrap_or(text).parse().unwrap_or(f64::NAN);
    match number > 0.0 && f64::is_finite(number) {
        true => Ok(Speed::Times(number)),
        false => Err(format!("{text:?} is no speed; write 2x, 0.5x or max")),
    }
}

impl Speed {
    /// How long after the beginning a message is due that was recorded so long after it.
    fn due(self, at: Duration) -> Duration {
        match self {
            Speed::Times(times) => {
                Duration::try_from_secs_f64(at.as_secs_f64() / times).unwrap_or(Duration::MAX)
            }
            Speed::Max => Duration::ZERO,
        }
    }
}

/// Plays the recording.
///
/// # Errors
/// How the run ended, if not well. A recording whose end is missing is played as far as it goes, which is a warning.
pub fn run(args: &ReplayArgs, talk: Talk) -> Result<(), Failure> {
    use SocketType::{Pull, Rep, Req, Sub};
    let kind = args.kind.kind;
    if options::are_asked_for(&args.place.option) {
        return options::list(&[kind]);
    }
    if let Pull | Sub | Req | Rep = kind {
        return Err(Failure::Usage(format!(
            "{} cannot just send; replay with pub, push, dealer, …",
            kind.name()
        )));
    }
    let Some(file) = &args.file else { return Err(Failure::Usage("replay which FILE?".into())) };
    // Before anybody is let in, so that what is no recording is told at once.
    let begun = UNIX_EPOCH + reader(file)?.begun();
    talk.say(Level::Events, format_args!("recorded at {}", time_stamp(begun)));
    let opened = open(kind, &args.place, talk)?;
    let mut player = Player { args, opened: &opened, talk, sent: 0 };
    let outcome = player.play(file);
    talk.note(format_args!("{} messages sent", player.sent));
    opened.close(outcome, None)
}

fn reader(file: &Path) -> Result<Reader<BufReader<File>>, Failure> {
    let input = File::open(file).map_err(|error| Failure::while_doing(error, file.display()))?;
    Reader::new(BufReader::new(input)).map_err(|broken| Failure::while_doing(broken, file.display()))
}

struct Player<'a> {
    args: &'a ReplayArgs,
    opened: &'a Opened,
    talk: Talk,
    sent: u64,
}

impl Player<'_> {
    fn play(&mut self, file: &Path) -> Result<(), Failure> {
        let patience = self.patience();
        await_peers(self.opened, self.args.wait_peer, patience, self.talk, || Ok(false))?;
        let mut round = 0;
        while self.args.rounds == 0 || round < self.args.rounds {
            let before = self.sent;
            if !self.play_once(reader(file)?)? || self.sent == before {
                break;
            }
            round += 1;
        }
        Ok(())
    }

    /// Plays it once; says whether there may be another round.
    fn play_once(&mut self, mut reader: Reader<BufReader<File>>) -> Result<bool, Failure> {
        let begin = Instant::now();
        // What pauses that were too long have saved.
        let (mut last, mut skipped) = (Duration::ZERO, Duration::ZERO);
        loop {
            if self.args.max.is_some_and(|max| self.sent >= max) {
                return Ok(false);
            }
            let record = match reader.next() {
                Ok(Some(record)) => record,
                Ok(None) => return Ok(true),
                Err(broken @ Broken::Truncated(_)) => {
                    self.talk.warn(format_args!("{broken}; what came before it was sent"));
                    return Ok(true);
                }
                Err(broken) => return Err(Failure::Error(broken.to_string())),
            };
            let due = self.args.speed.due(record.at);
            if let Some(longest) = self.args.max_pause {
                skipped += due.saturating_sub(last).saturating_sub(longest);
            }
            last = due;
            let time = begin.checked_add(due.saturating_sub(skipped)).filter(|time| !is_past(Some(*time)));
            if let Some(time) = time {
                pause_until(&self.opened.port, time)?;
            }
            self.opened.watch.check()?;
            self.opened.port.send_by(record.message, self.patience())?;
            self.sent += 1;
        }
    }

    fn patience(&self) -> Option<Instant> {
        self.args.timeout.map(|length| Instant::now() + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_factors() {
        assert_eq!(speed("2x"), Ok(Speed::Times(2.0)));
        assert_eq!(speed("0.5"), Ok(Speed::Times(0.5)));
        assert_eq!(speed("max"), Ok(Speed::Max));
        for text in ["", "x", "0x", "-1x", "inf", "fast"] {
            assert!(speed(text).is_err(), "{text}");
        }
        let at = Duration::from_secs(3);
        assert_eq!(Speed::Times(2.0).due(at), Duration::from_millis(1500));
        assert_eq!(Speed::Times(1e-300).due(at), Duration::MAX);
        assert_eq!(Speed::Max.due(at), Duration::ZERO);
    }
}
