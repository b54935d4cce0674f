//! What each participant of the demonstration does, whether it is a process or a thread.
//!
//! A participant ends by itself: after its share of the conversation, or with an error when it has
//! waited for [`PATIENCE`]. The pauses stand for work.

use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc::Sender;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use ferrozmq::{Context, ErrorKind, Message, Socket, SocketType};

use super::line::Line;
use crate::failure::Failure;
use crate::open::print_line;

/// How long a participant waits for another.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Requests of the first conversation.
pub const REQUESTS: i64 = 9;
/// Publications of the second; every other one is about [`TOPIC`].
pub const PUBLICATIONS: i64 = 12;
/// What the second subscriber wants.
pub const TOPIC: &str = "paris";
/// Tasks of the third.
pub const TASKS: i64 = 10;
/// Attempts of the fourth before the client is told that it is alone.
const ATTEMPTS_MAX: i64 = 20;

/// The request that dismisses the server of the fourth.
const GOODBYE: &str = "goodbye";

/// How long a reply may take in the fourth conversation.
const REPLY_MAX: Duration = Duration::from_millis(300);
/// The server's work for one request.
const THINKING: Duration = Duration::from_millis(60);
/// The publisher's pause.
const WEATHER_PAUSE: Duration = Duration::from_millis(80);
/// A worker's time for one unit of work.
const UNIT_OF_WORK: Duration = Duration::from_millis(50);
/// How long a participant's last messages may take to leave.
const LINGER: Duration = Duration::from_secs(2);

/// Flags of `demo-part`.
#[derive(Args, Debug, Clone)]
pub struct PartArgs {
    /// What to be
    pub role: Role,
    /// The name in the conversation
    pub name: String,
    /// Where to bind or connect
    pub endpoints: Vec<String>,
}

/// What a participant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Answers [`REQUESTS`] requests.
    Server,
    /// Asks as often.
    Client,
    /// Publishes.
    Publisher,
    /// Receives all publications.
    Subscriber,
    /// Receives those about [`TOPIC`].
    TopicSubscriber,
    /// Hands out tasks.
    Ventilator,
    /// Does them.
    Worker,
    /// Adds up.
    Sink,
    /// Answers until told that it is enough.
    LateServer,
    /// Asks until there is an answer.
    PersistentClient,
}

/// Plays the part in this process, reporting on standard output.
///
/// # Errors
/// Whatever went wrong.
pub fn take_part(args: &PartArgs) -> Result<(), Failure> {
    let context = Context::new();
    let outcome = play(args, &context, Voice::Output);
    context.term();
    outcome
}

/// Where a participant's reports go.
pub enum Voice {
    /// Standard output.
    Output,
    /// The stage, which knows us by this number.
    Stage(usize, Sender<(usize, Option<Line>)>),
}

impl Voice {
    fn report(&self, line: Line) -> Result<(), Failure> {
        match self {
            Voice::Output => print_line(&line.to_text()),
            Voice::Stage(number, sender) => {
                sender.send((*number, Some(line))).map_err(|_| Failure::Error("the stage has gone".into()))
            }
        }
    }

    fn say(&self, words: impl Into<String>) -> Result<(), Failure> {
        self.report(Line::Say(words.into()))
    }

    fn fact(&self, name: &str, number: i64) -> Result<(), Failure> {
        self.report(Line::Fact(name.to_owned(), number))
    }
}

/// Plays the part with sockets of `context`.
///
/// # Errors
/// Whatever went wrong.
pub fn play(args: &PartArgs, context: &Context, voice: Voice) -> Result<(), Failure> {
    let [first, others @ ..] = &args.endpoints[..] else {
        return Err(Failure::Usage("a participant needs an endpoint".into()));
    };
    let second = others.first().unwrap_or(first);
    let part = Part { context, voice, name: &args.name };
    match args.role {
        Role::Server => part.server(first),
        Role::LateServer => part.late_server(first),
        Role::Client => part.client(first),
        Role::PersistentClient => part.persistent_client(first),
        Role::Publisher => part.publisher(first),
        Role::Subscriber => part.subscriber(first, "", PUBLICATIONS),
        Role::TopicSubscriber => part.subscriber(first, TOPIC, PUBLICATIONS / 2),
        Role::Ventilator => part.ventilator(first, second),
        Role::Worker => part.worker(first, second),
        Role::Sink => part.sink(first),
    }
}

struct Part<'a> {
    context: &'a Context,
    voice: Voice,
    name: &'a str,
}

impl Part<'_> {
    fn bound(&self, kind: SocketType, endpoint: &str) -> Result<Socket, Failure> {
        let socket = self.context.socket(kind)?;
        socket.set_linger(Some(LINGER))?;
        let resolved = socket.bind(endpoint)?;
        self.voice.report(Line::At(resolved))?;
        Ok(socket)
    }

    fn connected(&self, kind: SocketType, endpoint: &str) -> Result<Socket, Failure> {
        let socket = self.context.socket(kind)?;
        socket.set_linger(Some(LINGER))?;
        socket.connect(endpoint)?;
        Ok(socket)
    }

    fn server(&self, endpoint: &str) -> Result<(), Failure> {
        let socket = self.bound(SocketType::Rep, endpoint)?;
        self.voice.say("ready")?;
        for number in 1..=REQUESTS {
            let request = text(&socket.recv_timeout(PATIENCE)?);
            self.voice.say(format!("received {request:?}, request {number}; answering \"world!\""))?;
            sleep(THINKING);
            socket.send_timeout("world!", PATIENCE)?;
        }
        self.voice.fact("served", REQUESTS)
    }

    /// Over inproc, requests of sockets that gave up before anybody was bound arrive too, as in libzmq: only
    /// the client knows when it has its answer.
    fn late_server(&self, endpoint: &str) -> Result<(), Failure> {
        let socket = self.bound(SocketType::Rep, endpoint)?;
        self.voice.say("here at last")?;
        loop {
            let request = text(&socket.recv_timeout(PATIENCE)?);
            socket.send_timeout(format!("{request} success"), PATIENCE)?;
            if request == GOODBYE {
                return self.voice.fact("dismissed", 1);
            }
            self.voice.say(format!("received {request:?}; answering \"{request} success\""))?;
        }
    }

    fn client(&self, endpoint: &str) -> Result<(), Failure> {
        let socket = self.connected(SocketType::Req, endpoint)?;
        let mut replies = 0;
        for number in 1..=REQUESTS {
            socket.send_timeout(format!("hello {number}"), PATIENCE)?;
            let reply = text(&socket.recv_timeout(PATIENCE)?);
            self.voice.say(format!("asked \"hello {number}\", received {reply:?}"))?;
            replies += i64::from(reply == "world!");
        }
        self.voice.fact("replies", replies)
    }

    fn persistent_client(&self, endpoint: &str) -> Result<(), Failure> {
        for attempt in 1..=ATTEMPTS_MAX {
            // A new socket for each attempt: one that waits for a reply cannot ask again.
            let socket = self.connected(SocketType::Req, endpoint)?;
            socket.set_linger(Some(Duration::ZERO))?;
            self.voice.say(format!("attempt {attempt}: asking \"ping test\""))?;
            socket.send_timeout("ping test", PATIENCE)?;
            match socket.recv_timeout(REPLY_MAX) {
                Ok(reply) => {
                    self.voice.say(format!("attempt {attempt}: received {:?}", text(&reply)))?;
                    self.voice.fact("replies", 1)?;
                    socket.send_timeout(GOODBYE, PATIENCE)?;
                    socket.recv_timeout(PATIENCE)?;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    let patience = REPLY_MAX.as_millis();
                    self.voice.say(format!("attempt {attempt}: no reply for {patience} ms; giving up"))?;
                    self.voice.fact("gave up", attempt)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::Error("no server ever came".into()))
    }

    fn publisher(&self, endpoint: &str) -> Result<(), Failure> {
        let socket = self.bound(SocketType::Pub, endpoint)?;
        self.voice.say("waiting for two subscribers")?;
        socket.wait_for_peers(2, PATIENCE)?;
        for number in 0..PUBLICATIONS {
            let place = if number % 2 == 0 { TOPIC } else { "tokyo" };
            let publication = format!("{place} {}° no. {number}", random(60) - 20);
            self.voice.say(format!("publishing {publication:?}"))?;
            socket.send_timeout(publication, PATIENCE)?;
            sleep(WEATHER_PAUSE);
        }
        self.voice.fact("published", PUBLICATIONS)
    }

    fn subscriber(&self, endpoint: &str, topic: &str, expected: i64) -> Result<(), Failure> {
        let socket = self.connected(SocketType::Sub, endpoint)?;
        socket.subscribe(topic)?;
        let (mut right, mut last) = (0, -1);
        for _ in 0..expected {
            let publication = text(&socket.recv_timeout(PATIENCE)?);
            self.voice.say(format!("received {publication:?}"))?;
            let number = publication.rsplit(' ').next().and_then(|number| number.parse::<i64>().ok());
            let in_order = number.is_some_and(|number| number > last);
            right += i64::from(in_order && publication.starts_with(topic));
            last = number.unwrap_or(last);
        }
        self.voice.fact("received", right)
    }

    fn ventilator(&self, tasks: &str, sink: &str) -> Result<(), Failure> {
        let workers = self.bound(SocketType::Push, tasks)?;
        let sink = self.connected(SocketType::Push, sink)?;
        self.voice.say("waiting for two workers")?;
        workers.wait_for_peers(2, PATIENCE)?;
        sink.send_timeout("0", PATIENCE)?;
        let mut total = 0;
        for number in 1..=TASKS {
            let load = random(5) + 1;
            total += load;
            self.voice.say(format!("task {number}: {load} unit(s) of work"))?;
            workers.send_timeout(load.to_string(), PATIENCE)?;
        }
        for _ in 0..2 {
            workers.send_timeout("end", PATIENCE)?;
        }
        self.voice.fact("total", total)
    }

    fn worker(&self, tasks: &str, sink: &str) -> Result<(), Failure> {
        let tasks = self.connected(SocketType::Pull, tasks)?;
        let sink = self.connected(SocketType::Push, sink)?;
        let mut done = 0;
        loop {
            let task = text(&tasks.recv_timeout(PATIENCE)?);
            let Ok(load) = task.parse::<u32>() else { break };
            self.voice.say(format!("working {load} unit(s)"))?;
            sleep(UNIT_OF_WORK * load.min(5));
            sink.send_timeout([self.name, &task], PATIENCE)?;
            done += 1;
        }
        self.voice.fact("tasks", done)
    }

    fn sink(&self, endpoint: &str) -> Result<(), Failure> {
        let socket = self.bound(SocketType::Pull, endpoint)?;
        socket.recv_timeout(PATIENCE)?;
        self.voice.say("counting")?;
        let start = Instant::now();
        let mut sum = 0;
        for _ in 0..TASKS {
            let result = socket.recv_timeout(PATIENCE)?;
            let load = result.last().as_str().ok().and_then(|load| load.parse::<i64>().ok()).unwrap_or(0);
            sum += load;
            self.voice.say(format!("{} finished {load} unit(s); {sum} so far", text(&result)))?;
        }
        let (took, alone) = (start.elapsed(), UNIT_OF_WORK * u32::try_from(sum).unwrap_or(0));
        let words = format!(
            "two workers took {} ms; one would have taken {} ms",
            took.as_millis(),
            alone.as_millis()
        );
        self.voice.say(words)?;
        self.voice.fact("sum", sum)
    }
}

/// The first part as text.
fn text(message: &Message) -> String {
    String::from_utf8_lossy(message.first()).into_owned()
}

/// A number from 0 to `below` − 1.
fn random(below: i64) -> i64 {
    (RandomState::new().hash_one(0) % below.unsigned_abs()).cast_signed()
}
