//! Opening a socket as the flags say, and closing it so that nothing is lost for want of a moment.
//!
//! The order is fixed: options, monitor, binds, connects, subscriptions. Closing waits for messages
//! that are still to leave, at most as long as `--linger` says; after a failure or Ctrl-C only [`PARTING`].

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;
use std::time::Duration;

use ferrozmq::{Context, Message, Socket, SocketType};

use crate::endpoint::{Use, expand, is_wildcard};
use crate::escape::bytes_or_hex;
use crate::failure::Failure;
use crate::flags::PlaceFlags;
use crate::output::Printer;
use crate::port::Port;
use crate::talk::Talk;
use crate::wake::Wake;
use crate::watch::Watch;

/// How long messages may take to leave after a failure or Ctrl-C: whoever lives still gets them.
const PARTING: Duration = Duration::from_millis(200);

/// An open socket with everything around it.
pub struct Opened {
    context: Context,
    /// The socket and its bell.
    pub port: Port,
    /// What is known of its connections.
    pub watch: Arc<Watch>,
    linger: Duration,
}

/// Opens a socket of type `kind`.
///
/// # Errors
/// [`Failure::Usage`] for flags that make no sense, and whatever the library reports.
pub fn open(kind: SocketType, place: &PlaceFlags, talk: Talk) -> Result<Opened, Failure> {
    let endpoints = Endpoints::of(place)?;
    let wake = Wake::new()?;
    wake.listen_for_signals(|| {})?;
    let context = place.security.context()?;
    let socket = context.socket(kind)?;
    set_up(&socket, place)?;
    let watch = Watch::begin(&socket, &wake, talk)?;
    endpoints.attach(&socket, place.print_endpoint, talk)?;
    Ok(Opened {
        context,
        port: Port { socket, wake, watch: Some(Arc::clone(&watch)) },
        watch,
        linger: place.linger,
    })
}

/// Sets the options that flags ask for.
///
/// # Errors
/// [`Failure::Usage`], naming the option.
pub fn set_up(socket: &Socket, place: &PlaceFlags) -> Result<(), Failure> {
    let usage = |error: ferrozmq::Error| Failure::Usage(error.to_string());
    socket.set_linger(Some(place.linger)).map_err(usage)?;
    socket.set_text("maxmsgsize", &place.max_size.to_string()).map_err(usage)?;
    if socket.socket_type() == SocketType::Router {
        // A message for nobody is a mistake that a person wants to hear of.
        socket.set_text("router_mandatory", "1").map_err(usage)?;
    }
    place.security.apply(socket, !place.bind.is_empty())?;
    if let Some(id) = &place.id {
        socket.set_routing_id(&bytes_or_hex(id).map_err(Failure::Usage)?).map_err(usage)?;
    }
    for option in &place.option {
        let (name, value) =
            option.split_once('=').ok_or_else(|| Failure::Usage(format!("-o {option}: write NAME=VALUE")))?;
        socket.set_text(name, value).map_err(usage)?;
    }
    Ok(())
}

/// Where to bind and connect, shorthands expanded.
pub struct Endpoints {
    bind: Vec<String>,
    connect: Vec<String>,
}

impl Endpoints {
    /// The endpoints that the flags name.
    ///
    /// # Errors
    /// [`Failure::Usage`], if there are none or one is no endpoint.
    pub fn of(place: &PlaceFlags) -> Result<Endpoints, Failure> {
        if place.bind.is_empty() && place.connect.is_empty() {
            return Err(Failure::Usage("say where: -b ENDPOINT to bind or -c ENDPOINT to connect".into()));
        }
        Endpoints::expand(&place.bind, &place.connect)
    }

    /// These endpoints.
    ///
    /// # Errors
    /// [`Failure::Usage`], if one is no endpoint.
    pub fn expand(bind: &[String], connect: &[String]) -> Result<Endpoints, Failure> {
        let all = |texts: &[String], purpose| -> Result<Vec<String>, Failure> {
            texts.iter().map(|text| expand(text, purpose).map_err(Failure::Usage)).collect()
        };
        Ok(Endpoints { bind: all(bind, Use::Bind)?, connect: all(connect, Use::Connect)? })
    }

    /// Binds and connects `socket`; says which endpoint the system chose where it was to choose.
    ///
    /// # Errors
    /// Whatever the library reports.
    pub fn attach(&self, socket: &Socket, print: bool, talk: Talk) -> Result<(), Failure> {
        for endpoint in &self.bind {
            let resolved = socket.bind(endpoint)?;
            if print {
                print_line(&resolved)?;
            } else if is_wildcard(endpoint) {
                talk.note(format_args!("bound {resolved}"));
            }
        }
        for endpoint in &self.connect {
            socket.connect(endpoint)?;
        }
        Ok(())
    }
}

/// Prints one line of data at once.
///
/// # Errors
/// If standard output takes no more.
pub fn print_line(line: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| Failure::from_output(&error))
}

/// Subscribes to `topics`; a SUB to everything if there are none.
///
/// # Errors
/// Whatever the library reports.
pub fn subscribe(socket: &Socket, topics: &[OsString]) -> Result<(), Failure> {
    let everything = [OsString::new()];
    let topics =
        if topics.is_empty() && socket.socket_type() == SocketType::Sub { &everything } else { topics };
    for topic in topics {
        match socket.socket_type() {
            SocketType::XSub => {
                let subscription = [&[1], topic.as_bytes()].concat();
                socket.send(Message::from(subscription))?;
            }
            _ => socket.subscribe(topic.as_bytes())?,
        }
    }
    Ok(())
}

impl Opened {
    /// Closes the socket and waits for what is still to leave. `outcome` is handed through, but for
    /// output that could not be written, and for what the connections tell of a time-out's cause.
    ///
    /// # Errors
    /// Those of `outcome`; of the last output; of the library.
    pub fn close(self, outcome: Result<(), Failure>, printer: Option<&mut Printer>) -> Result<(), Failure> {
        let flushed = printer.map_or(Ok(()), Printer::flush);
        let outcome = outcome.and(flushed).map_err(|failure| self.watch.explain(failure));
        if outcome.is_err() {
            self.port.socket.set_linger(Some(self.linger.min(PARTING)))?;
        }
        self.port.wake.leave();
        drop(self.port);
        self.context.term();
        outcome
    }
}
