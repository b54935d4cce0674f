//! `--exec CMD`: a command run by the shell for each message.
//!
//! The message's last part is its standard input; the parts and what is known of the message are in its
//! environment. A command that fails is said to have failed and counted; the run goes on.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Stdio};

use ferrozmq::{Frame, Message};

use crate::failure::Failure;
use crate::output::Details;
use crate::records::RECORD_MAX;
use crate::talk::Talk;

/// The most parts handed over in the environment.
const ENV_PARTS_MAX: usize = 64;

/// The longest part handed over in the environment, in bytes; the system refuses longer variables.
const ENV_PART_MAX: usize = 64 * 1024;

/// A command to run for each message.
pub struct Program {
    command: String,
    failures: u64,
    talk: Talk,
}

impl Program {
    /// The command `command`.
    pub fn new(command: &str, talk: Talk) -> Program {
        Program { command: command.to_owned(), failures: 0, talk }
    }

    /// Runs the command for `message`; what it prints goes to our standard output.
    ///
    /// # Errors
    /// [`Failure::Exec`], if it cannot be started.
    pub fn run(&mut self, message: &Message, details: &Details) -> Result<(), Failure> {
        let child = self.start(message, details, Stdio::inherit())?;
        self.finish(child, message.last()).map(drop)
    }

    /// Runs the command for `message` and gives what it prints; a command that fails gives nothing.
    ///
    /// # Errors
    /// [`Failure::Exec`], if it cannot be started.
    pub fn ask(&mut self, message: &Message, details: &Details) -> Result<Frame, Failure> {
        let child = self.start(message, details, Stdio::piped())?;
        let printed = self.finish(child, message.last())?;
        Ok(printed.map(Frame::from).unwrap_or_default())
    }

    /// How the run ends as far as the command is concerned.
    ///
    /// # Errors
    /// [`Failure::Exec`], if the command has ever failed.
    pub fn verdict(&self) -> Result<(), Failure> {
        match self.failures {
            0 => Ok(()),
            n => Err(Failure::Exec(format!("the command given by --exec failed for {n} message(s)"))),
        }
    }

    fn start(&self, message: &Message, details: &Details, stdout: Stdio) -> Result<Child, Failure> {
        let mut command = Command::new("sh");
        command.arg("-c").arg(&self.command).stdin(Stdio::piped()).stdout(stdout);
        command.env("ZMQ_CLI_FRAMES", message.len().to_string());
        command.env("ZMQ_CLI_N", details.number.to_string());
        command.env("ZMQ_CLI_TIME", details.time_stamp());
        command.env("ZMQ_CLI_PEER", details.peer_id().unwrap_or_default());
        command.env("ZMQ_CLI_ADDR", details.peer_address().unwrap_or_default());
        for (index, part) in message.iter().enumerate().take(ENV_PARTS_MAX) {
            if part.len() <= ENV_PART_MAX && !part.contains(&0) {
                command.env(format!("ZMQ_CLI_FRAME_{}", index + 1), OsStr::from_bytes(part));
            }
        }
        command.spawn().map_err(|error| Failure::Exec(format!("cannot run the shell: {error}")))
    }

    /// Feeds the child, collects what it prints, and waits for it; `None` if it failed.
    fn finish(&mut self, mut child: Child, input: &Frame) -> Result<Option<Vec<u8>>, Failure> {
        let mut printed = Vec::new();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let read = std::thread::scope(|scope| {
            // Fed beside the reading: a command may print before it has read everything.
            scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input))); // it need not read all of it
            stdout.map_or(Ok(0), |stdout| stdout.take(RECORD_MAX).read_to_end(&mut printed))
        });
        let status =
            child.wait().map_err(|error| Failure::Exec(format!("cannot wait for the command: {error}")))?;
        match read {
            Ok(_) if status.success() => Ok(Some(printed)),
            Ok(_) => Ok(self.failed(&status.to_string())),
            Err(error) => Ok(self.failed(&error.to_string())),
        }
    }

    fn failed(&mut self, how: &str) -> Option<Vec<u8>> {
        self.failures += 1;
        self.talk.warn(format_args!("{}: {how}", self.command));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::talk::Color;

    fn program(command: &str) -> Program {
        Program::new(command, Talk::new(true, 0, Color::Never))
    }

    #[test]
    fn a_command_answers() {
        let message = Message::from(["topic", "hello"]);
        let mut upper = program("tr a-z A-Z");
        assert_eq!(upper.ask(&message, &Details::new(1)).unwrap(), "HELLO");
        let mut parts = program("printf %s \"$ZMQ_CLI_FRAME_1 $ZMQ_CLI_FRAMES $ZMQ_CLI_N\"");
        assert_eq!(parts.ask(&message, &Details::new(7)).unwrap(), "topic 2 7");
        assert!(parts.verdict().is_ok());
    }

    #[test]
    fn a_command_that_fails_gives_an_empty_answer_and_is_remembered() {
        let mut failing = program("echo no; exit 3");
        assert_eq!(failing.ask(&Message::from("x"), &Details::new(1)).unwrap(), "");
        assert_eq!(failing.verdict().unwrap_err().exit_code(), 5);
    }

    #[test]
    fn large_input_to_a_command_that_prints_first_does_not_deadlock() {
        let large = Message::from(vec![b'x'; 1 << 20]);
        assert_eq!(program("cat; cat").ask(&large, &Details::new(1)).unwrap().len(), 1 << 20);
        assert_eq!(program("true").ask(&large, &Details::new(1)).unwrap(), "");
    }
}
