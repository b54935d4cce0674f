//! What a contender is asked to do: its command line, `CONTENDER ROLE [NAME=VALUE]…`, or several of them with `--` between, which
//! one process then plays in threads.

use crate::library::{Curve, Kind};
use std::fmt;

/// What one process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Gives back what it receives.
    Echo,
    /// Sends, waits, and measures each round trip.
    Ask,
    /// Receives as fast as it can.
    Pull,
    /// Sends as fast as it can.
    Push,
    /// Receives, and measures how long each message was on its way.
    TimedPull,
    /// Sends at a rate, computing between its calls.
    PacedPush,
    /// Publishes.
    Publish,
    /// Subscribes, with many sockets.
    Subscribe,
    /// Carries messages from one socket to another.
    Proxy,
    /// Connects, asks once, closes, and again.
    Shake,
}

impl Role {
    /// Every role with its name on the command line.
    pub const ALL: [(&'static str, Role); 10] = [
        ("echo", Role::Echo),
        ("ask", Role::Ask),
        ("pull", Role::Pull),
        ("push", Role::Push),
        ("timed-pull", Role::TimedPull),
        ("paced-push", Role::PacedPush),
        ("publish", Role::Publish),
        ("subscribe", Role::Subscribe),
        ("proxy", Role::Proxy),
        ("shake", Role::Shake),
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Role::ALL, *self))
    }
}

/// The part of one process in a measurement.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to do.
    pub role: Role,
    /// Which socket does it.
    pub kind: Kind,
    /// Where to bind: `tcp://127.0.0.1:*`, `ipc://PATH`, or `inproc://NAME`.
    pub bind: Vec<String>,
    /// Where to connect.
    pub connect: Vec<String>,
    /// Length of each part in bytes.
    pub size: usize,
    /// Parts of each message.
    pub parts: usize,
    /// How many messages or round trips are measured.
    pub count: u64,
    /// Sockets of a subscriber or sender, or peers that a router expects.
    pub ends: usize,
    /// Messages in flight.
    pub window: u64,
    /// Messages a second.
    pub rate: f64,
    /// Messages that are due at the same moment.
    pub burst: u64,
    /// Topics that a subscriber wants; 0 is all messages.
    pub topics: usize,
    /// Encrypted, and which side.
    pub curve: Option<Curve>,
    /// Prints no figures: another one in the same process does, and has them all.
    pub silent: bool,
}

/// Stands between two jobs of one process.
const AND: &str = "--";

impl Job {
    /// The job of `role` with nothing else said.
    #[must_use]
    pub fn new(role: Role, kind: Kind) -> Job {
        Job {
            role,
            kind,
            bind: Vec::new(),
            connect: Vec::new(),
            size: 64,
            parts: 1,
            count: 1,
            ends: 1,
            window: 1,
            rate: 0.0,
            burst: 1,
            topics: 0,
            curve: None,
            silent: false,
        }
    }

    /// The jobs that this process's arguments describe, at least one.
    ///
    /// # Errors
    /// A sentence if they describe none.
    pub fn from_arguments() -> Result<Vec<Job>, String> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        arguments.split(|argument| argument == AND).map(Job::from_words).collect()
    }

    fn from_words(words: &[String]) -> Result<Job, String> {
        let (role, words) = words.split_first().ok_or_else(usage)?;
        let mut job = Job::new(find(&Role::ALL, role).ok_or_else(usage)?, Kind::Req);
        for argument in words {
            job.take(argument).ok_or_else(|| format!("{argument}: {}", usage()))?;
        }
        Ok(job)
    }

    fn take(&mut self, argument: &str) -> Option<()> {
        let (name, value) = argument.split_once('=')?;
        match name {
            "kind" => self.kind = find(&Kind::ALL, value)?,
            "bind" => self.bind.push(value.to_owned()),
            "connect" => self.connect.push(value.to_owned()),
            "size" => self.size = value.parse().ok()?,
            "parts" => self.parts = value.parse().ok()?,
            "count" => self.count = value.parse().ok()?,
            "ends" => self.ends = value.parse().ok()?,
            "window" => self.window = value.parse().ok()?,
            "rate" => self.rate = value.parse().ok()?,
            "burst" => self.burst = value.parse().ok()?,
            "topics" => self.topics = value.parse().ok()?,
            "curve" => self.curve = Some(if value == "server" { Curve::Server } else { Curve::Client }),
            "silent" => self.silent = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }

    /// The words that make this job again.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mut words = vec![self.role.to_string(), format!("kind={}", name_of(&Kind::ALL, self.kind))];
        words.extend(self.bind.iter().map(|endpoint| format!("bind={endpoint}")));
        words.extend(self.connect.iter().map(|endpoint| format!("connect={endpoint}")));
        words.push(format!("size={}", self.size));
        words.push(format!("parts={}", self.parts));
        words.push(format!("count={}", self.count));
        words.push(format!("ends={}", self.ends));
        words.push(format!("window={}", self.window));
        words.push(format!("rate={}", self.rate));
        words.push(format!("burst={}", self.burst));
        words.push(format!("topics={}", self.topics));
        let side = |curve| if curve == Curve::Server { "server" } else { "client" };
        words.extend(self.curve.map(|curve| format!("curve={}", side(curve))));
        words.push(format!("silent={}", self.silent));
        words
    }

    /// The words that make all of `jobs` again, for one process.
    #[must_use]
    pub fn arguments_of(jobs: &[&Job]) -> Vec<String> {
        jobs.iter().map(|job| job.arguments()).collect::<Vec<_>>().join(&AND.to_owned())
    }
}

fn find<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

fn name_of<T: Copy + PartialEq>(table: &[(&'static str, T)], wanted: T) -> &'static str {
    table.iter().find(|(_, value)| *value == wanted).map_or("?", |(name, _)| name)
}

fn usage() -> String {
    let roles: Vec<&str> = Role::ALL.iter().map(|(name, _)| *name).collect();
    format!("usage: CONTENDER {} [kind=… bind=… connect=… size=… count=… …] [-- …]", roles.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_survives_its_command_line() {
        let mut job = Job::new(Role::Publish, Kind::Pub);
        job.bind.push("tcp://127.0.0.1:*".to_owned());
        (job.size, job.count, job.topics, job.curve) = (16, 7, 1000, Some(Curve::Server));
        let words = job.arguments();
        let mut again = Job::new(Role::Publish, Kind::Req);
        for word in &words[1..] {
            again.take(word).unwrap();
        }
        assert_eq!(again.arguments(), words);
        assert!(again.take("colour=red").is_none());
    }

    #[test]
    fn several_jobs_share_a_command_line() {
        let mut second = Job::new(Role::Echo, Kind::Rep);
        second.silent = true;
        let words = Job::arguments_of(&[&Job::new(Role::Ask, Kind::Req), &second]);
        let jobs: Result<Vec<Job>, String> = words.split(|word| word == AND).map(Job::from_words).collect();
        let jobs = jobs.unwrap();
        assert_eq!((jobs[0].role, jobs[1].role), (Role::Ask, Role::Echo));
        assert!(!jobs[0].silent && jobs[1].silent);
        assert!(Job::from_words(&[]).is_err());
    }
}
