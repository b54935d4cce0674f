//! The four conversations: who takes part, where, and what must have come out.

use std::net::TcpListener;
use std::path::PathBuf;

use super::Play;
use super::parts::{PUBLICATIONS, REQUESTS, Role, TASKS};
use super::screen::Screen;
use super::stage::Stage;
use crate::bench::Transport;
use crate::failure::Failure;

/// Failed attempts of the client before the server is started in the fourth conversation.
const FAILURES_FIRST: i64 = 2;

/// Performs `play` over `transport` and checks what came out.
///
/// # Errors
/// What came out wrong.
pub fn perform(
    play: Play,
    transport: Transport,
    stage: &mut Stage,
    screen: &mut Screen,
) -> Result<(), Failure> {
    let mut scene = Scene { transport, place: Place::new(transport)?, stage, screen };
    match play {
        Play::Request => scene.request(),
        Play::Publish => scene.publish(),
        Play::Pipeline => scene.pipeline(),
        Play::Retry => scene.retry(),
    }
}

struct Scene<'a> {
    transport: Transport,
    place: Place,
    stage: &'a mut Stage,
    screen: &'a mut Screen,
}

impl Scene<'_> {
    fn request(&mut self) -> Result<(), Failure> {
        let server = self.start_bound(Role::Server, "server", &[])?;
        self.start(Role::Client, "client", &[&server])?;
        self.stage.finish(self.screen)?;
        self.expect("server", "served", REQUESTS)?;
        self.expect("client", "replies", REQUESTS)
    }

    fn publish(&mut self) -> Result<(), Failure> {
        let publisher = self.start_bound(Role::Publisher, "publisher", &[])?;
        self.start(Role::Subscriber, "subscriber 1", &[&publisher])?;
        self.start(Role::TopicSubscriber, "subscriber 2", &[&publisher])?;
        self.stage.finish(self.screen)?;
        self.expect("publisher", "published", PUBLICATIONS)?;
        self.expect("subscriber 1", "received", PUBLICATIONS)?;
        self.expect("subscriber 2", "received", PUBLICATIONS / 2)
    }

    fn pipeline(&mut self) -> Result<(), Failure> {
        let sink = self.start_bound(Role::Sink, "sink", &[])?;
        let tasks = self.start_bound(Role::Ventilator, "ventilator", &[&sink])?;
        self.start(Role::Worker, "worker 1", &[&tasks, &sink])?;
        self.start(Role::Worker, "worker 2", &[&tasks, &sink])?;
        self.stage.finish(self.screen)?;
        self.expect("worker 1", "tasks", TASKS / 2)?;
        self.expect("worker 2", "tasks", TASKS / 2)?;
        let total = self.stage.fact("ventilator", "total").unwrap_or(-1);
        self.expect("sink", "sum", total)
    }

    fn retry(&mut self) -> Result<(), Failure> {
        let endpoint = self.place.known_in_advance()?;
        self.start(Role::PersistentClient, "client", &[&endpoint])?;
        self.stage.hear_fact("client", "gave up", FAILURES_FIRST, self.screen)?;
        self.start(Role::LateServer, "server", &[&endpoint])?;
        self.stage.finish(self.screen)?;
        self.expect("server", "dismissed", 1)?;
        self.expect("client", "replies", 1)
    }

    fn start(&mut self, role: Role, name: &str, endpoints: &[&str]) -> Result<(), Failure> {
        self.stage.start(self.transport, role, name, endpoints)
    }

    /// Starts a participant that binds; where it is.
    fn start_bound(&mut self, role: Role, name: &str, others: &[&str]) -> Result<String, Failure> {
        let wanted = self.place.endpoint(name);
        let endpoints: Vec<&str> = std::iter::once(&wanted[..]).chain(others.iter().copied()).collect();
        self.start(role, name, &endpoints)?;
        self.stage.endpoint_of(name, self.screen)
    }

    fn expect(&self, name: &str, fact: &str, number: i64) -> Result<(), Failure> {
        match self.stage.fact(name, fact) {
            Some(found) if found == number => Ok(()),
            Some(found) => Err(Failure::Error(format!("{name}: {fact} {found}, not {number}"))),
            None => Err(Failure::Error(format!("{name} did not say how many it {fact}"))),
        }
    }
}

/// Where a conversation takes place; its socket files vanish with it.
enum Place {
    Tcp,
    Ipc(PathBuf),
    Inproc,
}

impl Place {
    fn new(transport: Transport) -> Result<Place, Failure> {
        Ok(match transport {
            Transport::Tcp => Place::Tcp,
            Transport::Inproc => Place::Inproc,
            Transport::Ipc => {
                let folder = std::env::temp_dir().join(format!("zmq-demo-{}", std::process::id()));
                std::fs::create_dir_all(&folder)
                    .map_err(|error| Failure::while_doing(error, folder.display()))?;
                Place::Ipc(folder)
            }
        })
    }

    fn endpoint(&self, name: &str) -> String {
        let name = name.replace(' ', "-");
        match self {
            Place::Tcp => "tcp://127.0.0.1:*".into(),
            Place::Ipc(folder) => format!("ipc://{}", folder.join(name).display()),
            Place::Inproc => format!("inproc://{name}"),
        }
    }

    /// An endpoint that a client can connect to before anybody is bound there.
    fn known_in_advance(&self) -> Result<String, Failure> {
        if !matches!(self, Place::Tcp) {
            return Ok(self.endpoint("server"));
        }
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        free.map(|address| format!("tcp://{address}"))
            .map_err(|error| Failure::while_doing(error, "cannot find a free port"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Place::Ipc(folder) = self {
            let _ = std::fs::remove_dir_all(folder); // it is ours, in the folder for temporary files
        }
    }
}
