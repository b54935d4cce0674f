//! The stage: starts participants as processes or threads, and hears what they report.
//!
//! A process reports on its standard output, a thread over the channel; from there on there is no
//! difference. Clearing the stage leaves nobody behind: processes are killed, threads are woken by
//! the end of their context and joined.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use ferrozmq::Context;

use super::line::Line;
use super::parts::{PATIENCE, PartArgs, Role, Voice, play};
use super::screen::Screen;
use crate::bench::Transport;
use crate::failure::Failure;
use crate::wake::{self, Wake};

/// How often a signal is looked for while participants are silent.
const LOOK: Duration = Duration::from_millis(100);

/// Everybody who takes part in one conversation.
pub struct Stage {
    wake: Arc<Wake>,
    sender: Sender<(usize, Option<Line>)>,
    receiver: Receiver<(usize, Option<Line>)>,
    cast: Vec<Participant>,
    /// Number of the first of the cast; reports of earlier ones are ignored.
    base: usize,
    context: Context,
}

struct Participant {
    name: String,
    body: Body,
    facts: Vec<(String, i64)>,
    endpoint: Option<String>,
    ended: bool,
}

enum Body {
    Process(Child),
    Thread(Option<JoinHandle<Result<(), Failure>>>),
}

impl Stage {
    /// An empty stage.
    ///
    /// # Errors
    /// If the system refuses what it needs.
    pub fn new() -> Result<Stage, Failure> {
        let wake = Wake::new()?;
        wake.listen_for_signals(|| {})?;
        let (sender, receiver) = channel();
        Ok(Stage { wake, sender, receiver, cast: Vec::new(), base: 0, context: Context::new() })
    }

    /// Starts a participant called `name`.
    ///
    /// # Errors
    /// If the system has no process or thread to give.
    pub fn start(
        &mut self,
        transport: Transport,
        role: Role,
        name: &str,
        endpoints: &[&str],
    ) -> Result<(), Failure> {
        let number = self.base + self.cast.len();
        let endpoints = endpoints.iter().map(|endpoint| (*endpoint).to_owned()).collect();
        let args = PartArgs { role, name: name.to_owned(), endpoints };
        let body = match transport {
            Transport::Inproc => self.start_thread(number, args)?,
            _ => self.start_process(number, &args)?,
        };
        self.cast.push(Participant { name: name.into(), body, facts: vec![], endpoint: None, ended: false });
        Ok(())
    }

    fn start_thread(&self, number: usize, args: PartArgs) -> Result<Body, Failure> {
        let (context, sender) = (self.context.clone(), self.sender.clone());
        let thread = std::thread::Builder::new().name(args.name.clone()).spawn(move || {
            let outcome = play(&args, &context, Voice::Stage(number, sender.clone()));
            let _ = sender.send((number, None)); // the stage may have gone
            outcome
        });
        let thread = thread.map_err(|error| Failure::while_doing(error, "cannot start a thread"))?;
        Ok(Body::Thread(Some(thread)))
    }

    fn start_process(&self, number: usize, args: &PartArgs) -> Result<Body, Failure> {
        let failed = |error| Failure::while_doing(error, "cannot start a process");
        let role = args.role.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["demo-part", &role, &args.name]).args(&args.endpoints);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let (stdout, sender) = (child.stdout.take(), self.sender.clone());
        wake::spawn("reports", move || {
            for line in
                stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines()).map_while(Result::ok)
            {
                if sender.send((number, Some(Line::from_text(&line)))).is_err() {
                    return;
                }
            }
            let _ = sender.send((number, None)); // the stage may have gone
        })?;
        Ok(Body::Process(child))
    }

    /// Hears reports until participant `name` has said where it is bound.
    ///
    /// # Errors
    /// If that does not happen in time.
    pub fn endpoint_of(&mut self, name: &str, screen: &mut Screen) -> Result<String, Failure> {
        self.hear_until(screen, |stage| stage.find(name).is_some_and(|found| found.endpoint.is_some()))?;
        let endpoint = self.find(name).and_then(|found| found.endpoint.clone());
        endpoint.ok_or_else(|| Failure::Error(format!("{name} is bound nowhere")))
    }

    /// Hears reports until participant `name` has reported `fact` with the value `number`.
    ///
    /// # Errors
    /// If that does not happen in time.
    pub fn hear_fact(
        &mut self,
        name: &str,
        fact: &str,
        number: i64,
        screen: &mut Screen,
    ) -> Result<(), Failure> {
        self.hear_until(screen, |stage| stage.fact(name, fact) == Some(number))
    }

    /// Hears reports until everybody has ended.
    ///
    /// # Errors
    /// If somebody failed, or did not end in time.
    pub fn finish(&mut self, screen: &mut Screen) -> Result<(), Failure> {
        self.hear_until(screen, |stage| stage.cast.iter().all(|participant| participant.ended))
    }

    /// The last value of `fact` that participant `name` reported.
    pub fn fact(&self, name: &str, fact: &str) -> Option<i64> {
        let facts = &self.find(name)?.facts;
        facts.iter().rev().find(|(known, _)| known == fact).map(|(_, number)| *number)
    }

    /// Sends everybody home, and makes room for the next conversation.
    pub fn clear(&mut self) {
        self.context.shutdown();
        for participant in &mut self.cast {
            participant.body.end();
        }
        self.base += self.cast.len();
        self.cast.clear();
        self.context = Context::new();
    }

    fn find(&self, name: &str) -> Option<&Participant> {
        self.cast.iter().find(|participant| participant.name == name)
    }

    fn hear_until(&mut self, screen: &mut Screen, done: impl Fn(&Stage) -> bool) -> Result<(), Failure> {
        let mut heard = Instant::now();
        while !done(self) {
            self.wake.check()?;
            match self.receiver.recv_timeout(LOOK) {
                Ok((number, line)) => {
                    heard = Instant::now();
                    self.take_down(number, line, screen)?;
                }
                Err(RecvTimeoutError::Timeout) if heard.elapsed() < PATIENCE * 2 => {}
                Err(_) => return Err(Failure::TimedOut("nobody has said anything for a long time".into())),
            }
        }
        Ok(())
    }

    fn take_down(&mut self, number: usize, line: Option<Line>, screen: &mut Screen) -> Result<(), Failure> {
        let index = number.checked_sub(self.base);
        let Some((index, participant)) = index.and_then(|index| Some((index, self.cast.get_mut(index)?)))
        else {
            return Ok(()); // somebody from an earlier conversation
        };
        match line {
            Some(Line::Say(words)) => screen.say(index, &participant.name, &words),
            Some(Line::Fact(name, value)) => {
                participant.facts.push((name, value));
                Ok(())
            }
            Some(Line::At(endpoint)) => {
                participant.endpoint = Some(endpoint);
                Ok(())
            }
            None => {
                participant.ended = true;
                participant
                    .body
                    .outcome()
                    .map_err(|error| Failure::Error(format!("{}: {error}", participant.name)))
            }
        }
    }
}

impl Body {
    /// How a participant that has stopped reporting ended.
    fn outcome(&mut self) -> Result<(), String> {
        match self {
            Body::Process(child) => match child.wait() {
                Ok(status) if status.success() => Ok(()),
                Ok(status) => Err(status.to_string()),
                Err(error) => Err(error.to_string()),
            },
            Body::Thread(thread) => match thread.take().map(JoinHandle::join) {
                None | Some(Ok(Ok(()))) => Ok(()),
                Some(Ok(Err(failure))) => Err(failure.to_string()),
                Some(Err(_)) => Err("it panicked".into()),
            },
        }
    }

    fn end(&mut self) {
        match self {
            Body::Process(child) => {
                let _ = child.kill(); // it may have ended by itself
                let _ = child.wait();
            }
            Body::Thread(thread) => drop(thread.take().map(JoinHandle::join)),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.clear();
    }
}
