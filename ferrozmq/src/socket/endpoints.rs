//! Binding and connecting, and undoing both.

use super::Socket;
use super::core::Core;
use super::ends::{End, WireEnd};
use super::handle::SocketState;
use super::report::EndpointReport;
use crate::SocketType;
use crate::error::{Error, ErrorKind, Result};
use crate::io::dialer::{DialPlan, Target};
use crate::io::events::{EventKind, Parties};
use crate::io::owner::says_hello;
use crate::io::thread::{IoHandle, Order, new_token};
use crate::pipe::conflates;
use crate::pipe::inproc::Party;
use crate::pipe::wire::WirePipe;
use crate::sys::own;
use crate::tasks::WakesDue;
use crate::transport::address::local_address;
use crate::transport::{Gate, ListenAddress, Listener, StreamOptions};
use ferrozmq_proto::endpoint::{Endpoint, EndpointError, Host, Problem, TcpAddress};
use ferrozmq_proto::loss::Discarded;
use ferrozmq_proto::option::Options;
use ferrozmq_proto::pattern::Attach;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::time::Duration;

/// How long an unbind waits at most for an I/O thread that does something else.
const WITHDRAWAL_MAX: Duration = Duration::from_secs(1);

/// An endpoint that was bound or connected.
pub(super) struct BoundEndpoint {
    /// As it is told to the application, and as the application wrote it.
    name: String,
    written: String,
    bound: bool,
    place: Place,
}

impl BoundEndpoint {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn report(&self) -> EndpointReport {
        EndpointReport { endpoint: self.name.clone(), bound: self.bound }
    }

    /// Whether the I/O threads know it by this number.
    pub(super) fn is_at(&self, number: u64) -> bool {
        matches!(self.place, Place::Io { endpoint, .. } if endpoint == number)
    }

    fn into_gate(self) -> Option<Gate> {
        match self.place {
            Place::Io { gate, .. } => gate,
            Place::Inproc { .. } => None,
        }
    }

    /// Whether this inproc pipe came out of connecting to it.
    pub(super) fn is_inproc_pipe(&self, id: u64) -> bool {
        matches!(self.place, Place::Inproc { pipe, .. } if pipe == Some(id))
    }
}

enum Place {
    Io { thread: Arc<IoHandle>, endpoint: u64, pipe: Option<u64>, gate: Option<Gate> },
    Inproc { name: String, pipe: Option<u64> },
}

impl SocketState {
    pub(super) fn bind(&self, written: &str) -> Result<String> {
        let endpoint = Endpoint::parse_bind(written).map_err(|error| from_endpoint_error(&error))?;
        let mut core = self.enter()?;
        check_transport(self.kind, &endpoint)?;
        let (name, place) = match endpoint {
            Endpoint::Inproc(name) => {
                let party = party(self.kind, &core.options);
                self.context.inproc.bind(&name, party, &self.mailbox)?;
                core.read_signals(&self.mailbox);
                (written.to_owned(), Place::Inproc { name, pipe: None })
            }
            Endpoint::Tcp(_) | Endpoint::Ipc(_) => {
                let address = ListenAddress::of(&endpoint, core.options.ipv6);
                let address = address.map_err(|error| no_address(written, &error))?;
                self.listen(&core, written, &address)?
            }
        };
        core.last_endpoint.clone_from(&name);
        core.endpoints.push(BoundEndpoint {
            name: name.clone(),
            written: written.to_owned(),
            bound: true,
            place,
        });
        Ok(name)
    }

    fn listen(&self, core: &Core, written: &str, address: &ListenAddress) -> Result<(String, Place)> {
        let owner = core.owner()?;
        let listener = Listener::bind(address, StreamOptions::from(&core.options)).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or(libc::EIO) as u64;
            let parties = Parties::bound(written);
            owner.events.post(EventKind::BindFailed, errno, parties, Some(error.to_string()));
            Error::os(format_args!("binding {written}"), &error)
        })?;
        let name = listener.endpoint().to_owned();
        let thread = self.context.io_thread(core.options.affinity)?;
        let (endpoint, gate) = (new_token(), listener.gate());
        let fd = listener.as_fd().as_raw_fd() as u64;
        owner.events.post(EventKind::Listening, fd, Parties::bound(&name), None);
        thread.order(Order::Listen {
            endpoint,
            owner: Arc::clone(owner),
            listener: Box::new(listener),
            options: Arc::new(core.options.clone()),
        });
        Ok((name, Place::Io { thread, endpoint, pipe: None, gate }))
    }

    pub(super) fn connect(&self, written: &str) -> Result<()> {
        let endpoint = Endpoint::parse_connect(written).map_err(|error| from_endpoint_error(&error))?;
        let mut core = self.enter()?;
        check_transport(self.kind, &endpoint)?;
        let place = match endpoint {
            Endpoint::Inproc(name) => {
                let end = self.context.inproc.connect(&name, &party(self.kind, &core.options), &self.mailbox);
                let pipe = Some(end.id());
                let routing_id = core.options.connect_routing_id.take();
                core.attach_inproc(end, Attach { routing_id, local: true });
                core.read_signals(&self.mailbox);
                Place::Inproc { name, pipe }
            }
            Endpoint::Tcp(_) | Endpoint::Ipc(_) if self.is_repeated_connect(&core, written) => return Ok(()),
            Endpoint::Tcp(tcp) => {
                let target = dial_tcp(&tcp, core.options.ipv6, written)?;
                self.dial(&mut core, written, target)?
            }
            Endpoint::Ipc(ipc) => self.dial(&mut core, written, Target::Ipc(ipc))?,
        };
        written.clone_into(&mut core.last_endpoint);
        core.endpoints.push(BoundEndpoint {
            name: written.to_owned(),
            written: written.to_owned(),
            bound: false,
            place,
        });
        Ok(())
    }

    /// For these types libzmq silently ignores a second connect to the same endpoint.
    fn is_repeated_connect(&self, core: &Core, written: &str) -> bool {
        use SocketType::{Dealer, Pub, Req, Sub};
        matches!(self.kind, Dealer | Pub | Req | Sub)
            && core.endpoints.iter().any(|known| !known.bound && known.written == written)
    }

    fn dial(&self, core: &mut Core, written: &str, target: Target) -> Result<Place> {
        let thread = self.context.io_thread(core.options.affinity)?;
        let owner = Arc::clone(core.owner()?);
        let routing_id = core.options.connect_routing_id.take();
        let pipe = (!core.options.immediate).then(|| {
            WirePipe::new(
                Arc::clone(thread.desk()),
                Arc::clone(&self.mailbox),
                core.options.sndhwm as usize,
                core.options.rcvhwm as usize,
                conflates(self.kind, &core.options),
            )
        });
        let endpoint = new_token();
        let id = pipe.as_ref().map(|pipe| pipe.id());
        if let Some(pipe) = &pipe {
            pipe.limit_bytes(&core.options.limits);
            pipe.belongs_to(endpoint);
            if owner.never_reads() {
                pipe.discard_input(Discarded::Unsolicited);
            }
            let end = WireEnd::new(Arc::clone(pipe), conflates(self.kind, &core.options));
            let slot = core.ends.add(End::Wire(end));
            core.attach(slot, Attach { routing_id: routing_id.clone(), local: true });
        }
        let plan = DialPlan {
            owner,
            target,
            name: written.to_owned(),
            options: Arc::new(core.options.clone()),
            stream: StreamOptions::from(&core.options),
            pipe,
            routing_id,
        };
        thread.order(Order::Dial { endpoint, plan: Box::new(plan) });
        Ok(Place::Io { thread, endpoint, pipe: id, gate: None })
    }

    /// Undoes a bind (`bound`) or a connect; all connects to `name` if there were several, as libzmq does.
    pub(super) fn withdraw(&self, name: &str, bound: bool) -> Result<()> {
        let mut core = self.enter()?;
        let is_meant = |known: &BoundEndpoint| {
            // Like libzmq: what was bound by a wildcard is known by what the system chose.
            let as_written = known.written == name && !(bound && is_wildcard(name));
            known.bound == bound && (known.name == name || as_written)
        };
        if !core.endpoints.iter().any(is_meant) {
            return Err(not_withdrawable(name, bound));
        }
        while let Some(index) = core.endpoints.iter().position(is_meant) {
            let place = core.endpoints.swap_remove(index).place;
            self.leave(&mut core, place, bound);
        }
        Ok(())
    }

    fn leave(&self, core: &mut Core, place: Place, bound: bool) {
        match place {
            Place::Io { thread, endpoint, pipe, gate: _ } => {
                if let Some(id) = pipe.and_then(|pipe| core.ends.find(pipe)) {
                    core.retire(id);
                }
                core.ends.flush_all();
                let (done, is_done) = std::sync::mpsc::channel();
                let done = bound.then_some(done);
                thread.order(Order::Withdraw { endpoint, linger: core.options.linger, done });
                // An endpoint that is unbound takes nobody in, and what peers send to it from now on does not arrive.
                // (The I/O thread waits for no guard.)
                let _ = is_done.recv_timeout(WITHDRAWAL_MAX);
            }
            Place::Inproc { name, pipe } => {
                if bound {
                    self.context.inproc.unbind(&name, &self.mailbox);
                }
                if let Some(id) = pipe.and_then(|pipe| core.ends.find(pipe)) {
                    core.ends.finished.push(id);
                    core.finish_ended();
                }
            }
        }
    }

    /// Closes the socket; what is queued lingers in the I/O threads.
    pub(super) fn close(&self) {
        if self.is_inherited() {
            return own::settle();
        }
        // Dropped last: peers are told, and futures here, and the owner's end is an event.
        let _due = WakesDue;
        if let Some(window) = &self.context.window {
            // Before the guard: who looks takes it after the roster's lock.
            window.roster.strike(self);
        }
        let mut core = self.core.lock();
        let Some(owner) = core.owner.take() else { return };
        core.abandon_unfinished();
        core.ends.flush_all();
        self.context.inproc.unbind_all(&self.mailbox);
        core.close_ends();
        self.mailbox.ledger().enter(&core.ends.close_books());
        self.mailbox.ledger().leave_lingering(core.ends.lingering());
        for thread in self.context.started_threads() {
            thread.order(Order::Close { owner: Arc::clone(&owner), linger: core.options.linger });
        }
        self.lease.give_back();
        // The I/O threads close listeners when they come to it; a path is free for its next owner now.
        core.endpoints.drain(..).filter_map(BoundEndpoint::into_gate).for_each(|gate| gate.shut());
        drop(core);
        self.mailbox.close();
        // Threads that wait in the socket find it closed.
        self.mailbox.waker().wake_unconditionally();
    }
}

impl Socket {
    /// Where the last bind or connect went: what the kernel chose is filled in (`ZMQ_LAST_ENDPOINT`).
    #[must_use]
    #[doc(alias = "ZMQ_LAST_ENDPOINT")]
    pub fn last_endpoint(&self) -> String {
        if self.state.is_inherited() {
            return String::new();
        }
        self.state.core.lock().last_endpoint.clone()
    }
}

fn check_transport(kind: SocketType, endpoint: &Endpoint) -> Result<()> {
    if kind == SocketType::Stream && !matches!(endpoint, Endpoint::Tcp(_)) {
        let text = "a STREAM socket speaks raw TCP: give a tcp:// endpoint";
        return Err(Error::new(ErrorKind::Incompatible, text));
    }
    Ok(())
}

/// Why `name` cannot be unbound or disconnected: it is no endpoint, or not one of this socket's. Like libzmq it takes
/// anything behind a transport's name for an endpoint that somebody else may have.
fn not_withdrawable(name: &str, bound: bool) -> Error {
    let is_endpoint =
        name.split_once("://").is_some_and(|(transport, place)| !transport.is_empty() && !place.is_empty());
    if let Err(error) = Endpoint::parse(name)
        && (!is_endpoint || matches!(error.problem, Problem::UnknownTransport | Problem::Absent(_)))
    {
        return from_endpoint_error(&error);
    }
    let done = if bound { "bound" } else { "connected" };
    let text = format!("this socket is not {done} to {name}; give the endpoint as last_endpoint told it");
    Error::new(ErrorKind::NotFound, text)
}

fn from_endpoint_error(error: &EndpointError) -> Error {
    let kind = match error.problem {
        Problem::Absent(_) | Problem::UnknownTransport => ErrorKind::ProtocolNotSupported,
        Problem::TooLong(_) => ErrorKind::NameTooLong,
        Problem::Malformed(_) => ErrorKind::Invalid,
    };
    Error::new(kind, error.to_string())
}

/// Whether binding to `endpoint` leaves the port or the path to the system.
fn is_wildcard(endpoint: &str) -> bool {
    endpoint == "ipc://*"
        || endpoint.starts_with("tcp://") && (endpoint.ends_with(":*") || endpoint.ends_with(":0"))
}

fn party(kind: SocketType, options: &Options) -> Party {
    Party {
        kind,
        conflate: conflates(kind, options),
        sndhwm: options.sndhwm as usize,
        rcvhwm: options.rcvhwm as usize,
        routing_id: options.routing_id.clone(),
        hello: options.hello_msg.clone().filter(|hello| says_hello(kind) && !hello.is_empty()),
    }
}

fn no_address(written: &str, error: &io::Error) -> Error {
    if error.raw_os_error() == Some(libc::ENODEV) {
        let text = format!("{written}: no interface or address of this machine has that name");
        return Error::new(ErrorKind::NoDevice, text);
    }
    Error::os(format_args!("finding the address of {written}"), error)
}

/// Whom `written` says to connect to over the network or ipc; `None` for inproc.
pub(crate) fn target(written: &str, ipv6: bool) -> Result<Option<Target>> {
    let endpoint = Endpoint::parse_connect(written).map_err(|error| from_endpoint_error(&error))?;
    Ok(match endpoint {
        Endpoint::Tcp(tcp) => Some(dial_tcp(&tcp, ipv6, written)?),
        Endpoint::Ipc(ipc) => Some(Target::Ipc(ipc)),
        Endpoint::Inproc(_) => None,
    })
}

fn dial_tcp(tcp: &TcpAddress, ipv6: bool, written: &str) -> Result<Target> {
    let source = tcp.source.as_ref().map(|at| local_address(&at.host, at.port, ipv6)).transpose();
    let source = source.map_err(|error| no_address(written, &error))?;
    let host = match &tcp.host {
        Host::Ip { address, zone: Some(zone) } => format!("{address}%{zone}"),
        Host::Ip { address, zone: None } => address.to_string(),
        Host::Name(name) => name.clone(),
        Host::Wildcard => {
            return Err(Error::new(ErrorKind::Invalid, format!("{written}: connecting needs a host, not *")));
        }
    };
    Ok(Target::Tcp { host, port: tcp.port, source })
}
