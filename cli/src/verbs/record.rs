//! `zmq record`: what a socket receives, with its times, in a file.
//!
//! Whatever stands in the file when the process dies can be played back but for a last record that was cut.

use std::fs::OpenOptions;
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use ferrozmq::SocketType;

use crate::args::TypeFlag;
use crate::failure::Failure;
use crate::flags::{PlaceFlags, StopFlags, SubscribeFlags};
use crate::open::{Opened, open, subscribe};
use crate::options;
use crate::port::{Wish, earlier, is_past};
use crate::recording::Writer;
use crate::talk::Talk;

/// How long what was received may stay in this process while more comes.
const FLUSH_EVERY: Duration = Duration::from_millis(200);

/// How long after the last peer has left its messages may still be on their way to us.
const GONE_GRACE: Duration = Duration::from_millis(50);

/// Flags of `record`.
#[derive(Args, Debug)]
pub struct RecordArgs {
    #[command(flatten)]
    pub kind: TypeFlag,
    #[command(flatten)]
    pub place: PlaceFlags,
    #[command(flatten)]
    pub topics: SubscribeFlags,
    #[command(flatten)]
    pub stop: StopFlags,
    /// Replace FILE if it exists
    #[arg(long)]
    pub force: bool,
    /// The file
    #[arg(value_name = "FILE", required_unless_present = "option")]
    pub file: Option<PathBuf>,
}

/// Records until told to stop; `-n` counts messages.
///
/// # Errors
/// How the run ended, if not well.
pub fn run(args: &RecordArgs, talk: Talk) -> Result<(), Failure> {
    use SocketType::{Pub, Push, Rep, Req};
    let kind = args.kind.kind;
    if options::are_asked_for(&args.place.option) {
        return options::list(&[kind]);
    }
    if let Push | Pub | Req | Rep = kind {
        let text =
            format!("{} cannot just listen; record with sub, pull, dealer, router, pair, …", kind.name());
        return Err(Failure::Usage(text));
    }
    let Some(file) = &args.file else { return Err(Failure::Usage("record into which FILE?".into())) };
    let out =
        OpenOptions::new().write(true).create(true).create_new(!args.force).truncate(args.force).open(file);
    let out = out.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::Usage(format!("{} exists; --force replaces it", file.display()))
        }
        _ => Failure::while_doing(error, file.display()),
    })?;
    let writing = |error: std::io::Error| Failure::while_doing(error, file.display());
    let opened = open(kind, &args.place, talk)?;
    let mut tape =
        Tape { writer: Writer::new(BufWriter::new(out)).map_err(writing)?, begun: Instant::now(), count: 0 };
    let outcome = subscribe(&opened.port.socket, &args.topics.subscribe)
        .and_then(|()| listen(args, &opened, &mut tape))
        .or_else(|failure| tape.writer.flush().map_err(writing).and(Err(failure)))
        .and_then(|()| tape.writer.flush().map_err(writing));
    talk.note(format_args!("{} messages in {}", tape.count, file.display()));
    opened.close(outcome, None)
}

struct Tape {
    writer: Writer<BufWriter<std::fs::File>>,
    begun: Instant,
    count: u64,
}

fn listen(args: &RecordArgs, opened: &Opened, tape: &mut Tape) -> Result<(), Failure> {
    let writing = |error: std::io::Error| Failure::while_doing(error, "writing the recording");
    let from_now = |length: Option<Duration>| length.map(|length| Instant::now() + length);
    let end = from_now(args.stop.duration);
    let mut patience = from_now(args.stop.timeout);
    let (mut flushed, mut gone) = (Instant::now(), None);
    loop {
        opened.port.wake.check()?;
        opened.watch.check()?;
        if args.stop.count.is_some_and(|count| tape.count >= count) || is_past(end) {
            return Ok(());
        }
        if let Some(message) = opened.port.try_recv()? {
            tape.writer.add(tape.begun.elapsed(), &message).map_err(writing)?;
            tape.count += 1;
            (patience, gone) = (from_now(args.stop.timeout), None);
            if flushed.elapsed() > FLUSH_EVERY {
                tape.writer.flush().map_err(writing)?;
                flushed = Instant::now();
            }
            continue;
        }
        tape.writer.flush().map_err(writing)?;
        flushed = Instant::now();
        if is_past(patience) {
            return Err(Failure::TimedOut("nothing was received in time".into()));
        }
        gone = match args.stop.until_gone && opened.watch.all_gone() {
            true => gone.or(Some(Instant::now() + GONE_GRACE)),
            false => None,
        };
        if is_past(gone) {
            return Ok(());
        }
        opened.port.wait(Wish::RECEIVE, earlier(gone, earlier(end, patience)))?;
    }
}
