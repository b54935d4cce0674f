//! What a messaging verb is asked to do: its flags, whichever verb they came from.

use std::ffi::OsString;
use std::time::Instant;

use ferrozmq::{Frame, Message, SocketType};

use crate::escape::bytes_or_hex;
use crate::exec::Program;
use crate::failure::Failure;
use crate::flags::{FramingFlags, PlaceFlags, SendFlags, ShowFlags, StopFlags};
use crate::open::Opened;
use crate::output::{Details, Look, Printer, Style};
use crate::peer::Peer;
use crate::port::{Port, Wish, is_past};
use crate::talk::{Level, Talk};

/// One messaging verb's task.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The socket's type.
    pub kind: SocketType,
    /// Where it is.
    pub place: &'a PlaceFlags,
    /// How streams are cut.
    pub framing: &'a FramingFlags,
    /// When it is over.
    pub stop: &'a StopFlags,
    /// What to send; `None` for a task that only receives.
    pub send: Option<&'a SendFlags>,
    /// How to show what is received; `None` for a task that only sends.
    pub show: Option<&'a ShowFlags>,
    /// The command for each message.
    pub exec: Option<&'a str>,
    /// Whether messages are sent back.
    pub echo: bool,
    /// The routing id to send to.
    pub to: Option<&'a str>,
    /// What to subscribe to.
    pub topics: &'a [OsString],
    /// The voice.
    pub talk: Talk,
}

impl<'a> Job<'a> {
    /// A task that neither sends nor receives yet.
    pub fn new(
        kind: SocketType,
        place: &'a PlaceFlags,
        framing: &'a FramingFlags,
        stop: &'a StopFlags,
        talk: Talk,
    ) -> Job<'a> {
        let nothing = (None, None, None, None);
        let (send, show, exec, to) = nothing;
        Job { kind, place, framing, stop, send, show, exec, echo: false, to, topics: &[], talk }
    }

    /// How many peers must be there before the first message.
    pub fn awaited_peers(&self) -> usize {
        let in_turn = matches!(self.kind, SocketType::Req | SocketType::Rep);
        self.send.map_or(0, |send| if in_turn { send.wait_peer.unwrap_or(0) } else { send.awaited_peers() })
    }

    /// The routing id to send to, as bytes.
    ///
    /// # Errors
    /// [`Failure::Usage`] for hexadecimal that is none.
    pub fn envelope(&self) -> Result<Option<Frame>, Failure> {
        self.to.map(|to| bytes_or_hex(to).map(Frame::from).map_err(Failure::Usage)).transpose()
    }

    /// When the run ends by itself, if it began now.
    pub fn end(&self) -> Option<Instant> {
        self.stop.duration.map(|length| Instant::now() + length)
    }

    /// When patience ends, if nothing happens from now on.
    pub fn patience(&self) -> Option<Instant> {
        self.stop.timeout.map(|length| Instant::now() + length)
    }

    /// What is done with received messages.
    ///
    /// # Errors
    /// [`Failure::Usage`] for escapes that make no sense.
    pub fn inbox(&self) -> Result<Inbox, Failure> {
        let look = self.show.map(|show| show.look(self.framing)).transpose()?;
        let printer = look.map(Printer::to_stdout);
        let program = self.exec.map(|command| Program::new(command, self.talk));
        Ok(Inbox { printer, program, received: 0, talk: self.talk })
    }

    /// Waits for the peers that the task wants to be there.
    ///
    /// # Errors
    /// [`Failure::TimedOut`], [`Failure::Interrupted`], [`Failure::Refused`].
    pub fn await_peers(&self, opened: &Opened) -> Result<(), Failure> {
        await_peers(opened, self.awaited_peers(), self.patience(), self.talk, || Ok(false))
    }
}

/// Waits for so many peers, until `patience` ends. Calls `meanwhile` now and then, and waits no longer when that says that all is done.
///
/// # Errors
/// [`Failure::TimedOut`], [`Failure::Interrupted`], [`Failure::Refused`].
pub fn await_peers(
    opened: &Opened,
    wanted: usize,
    patience: Option<Instant>,
    talk: Talk,
    mut meanwhile: impl FnMut() -> Result<bool, Failure>,
) -> Result<(), Failure> {
    if wanted == 0 {
        return Ok(());
    }
    for slice in 1_u64.. {
        match opened.port.socket.wait_for_peers(wanted, WAIT_SLICE) {
            Ok(()) => break,
            Err(error) if error.is_timeout() || error.is_interrupted() => {}
            Err(error) => return Err(error.into()),
        }
        opened.port.wake.check()?;
        opened.watch.check()?;
        if meanwhile()? {
            break;
        }
        if is_past(patience) {
            return Err(Failure::TimedOut(match wanted {
                1 => "no peer came in time".into(),
                _ => format!("fewer than {wanted} peers came in time"),
            }));
        }
        if slice == NOTICE_AFTER {
            talk.note(format_args!("waiting for {wanted} peer(s); --wait-peer=0 would not"));
        }
    }
    Ok(())
}

/// How long one wait for peers takes before signals are looked at again.
const WAIT_SLICE: std::time::Duration = std::time::Duration::from_millis(100);

/// After so many slices the user is told what is being waited for.
const NOTICE_AFTER: u64 = 10;

/// What is done with received messages.
pub struct Inbox {
    /// Prints them.
    pub printer: Option<Printer>,
    /// Is run for them.
    pub program: Option<Program>,
    /// How many there were.
    pub received: u64,
    talk: Talk,
}

impl Inbox {
    /// Counts `message` and finds out whose it is, if that is to be said.
    pub fn admit(&mut self, port: &Port, message: &Message) -> Details {
        self.received += 1;
        self.talk.say(Level::Messages, format_args!("received {message:?}"));
        let named = self.program.is_some() || self.printer.as_ref().is_some_and(Printer::names_peer);
        Details::from_peer(self.received, if named { Peer::of(&port.socket, message) } else { None })
    }

    /// Shows `message`.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub fn print(&mut self, message: &Message, details: &Details) -> Result<(), Failure> {
        self.printer.as_mut().map_or(Ok(()), |printer| printer.print(message, details))
    }

    /// Hands what was shown to the reader.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.printer.as_mut().map_or(Ok(()), Printer::flush)
    }

    /// Closes the socket after a run that ended with `outcome`.
    ///
    /// # Errors
    /// See [`Opened::close`]; [`Failure::Exec`], if the command failed.
    pub fn close(mut self, opened: Opened, outcome: Result<(), Failure>) -> Result<(), Failure> {
        opened.close(outcome, self.printer.as_mut())?;
        self.program.as_ref().map_or(Ok(()), Program::verdict)
    }
}

/// Waits, doing nothing, until `time`.
///
/// # Errors
/// [`Failure::Interrupted`].
pub fn pause_until(port: &Port, time: Instant) -> Result<(), Failure> {
    while !is_past(Some(time)) {
        port.wait(Wish::NOTHING, Some(time))?;
    }
    Ok(())
}

impl ShowFlags {
    fn look(&self, framing: &FramingFlags) -> Result<Look, Failure> {
        let style = match self {
            _ if framing.json => Style::Json,
            _ if framing.length_prefix => Style::LengthPrefix,
            ShowFlags { quote: true, .. } => Style::Quoted,
            ShowFlags { ascii: true, .. } => Style::Ascii,
            ShowFlags { hex: true, .. } => Style::Hex,
            ShowFlags { base64: true, .. } => Style::Base64,
            ShowFlags { raw: true, .. } => Style::Raw,
            ShowFlags { format: Some(format), .. } => Style::Format(format.clone()),
            _ => Style::Text,
        };
        Ok(Look { style, separator: framing.separator()?, end: framing.end()? })
    }
}
