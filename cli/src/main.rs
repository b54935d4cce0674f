//! The command `zmq`: ZeroMQ from a terminal.
//!
//! `args` and `flags` say what the command line looks like, `verbs` what each verb does; `input`, `records`,
//! `json` and `template` make messages, `output`, `format` and `escape` show them; `open`, `port`, `wake` and
//! `watch` stand between the loops and the library. Standard output carries data only, standard error talk
//! only, and the exit codes are those of `failure`. Nothing here knows the protocol: the library does.

mod args;
mod bench;
mod demo;
mod endpoint;
mod escape;
mod exec;
mod failure;
mod flags;
mod format;
mod input;
mod json;
mod open;
mod options;
mod output;
mod peer;
mod port;
mod recording;
mod records;
mod security;
mod talk;
mod template;
mod top;
mod units;
mod verbs;
mod wake;
mod watch;

use std::process::ExitCode;

use failure::Failure;
use talk::Talk;

fn main() -> ExitCode {
    let cli = args::Cli::from_command_line();
    let talk = Talk::new(cli.talk.quiet, cli.talk.verbose, cli.talk.color);
    let Err(failure) = verbs::run(cli, talk) else { return ExitCode::SUCCESS };
    match &failure {
        Failure::Interrupted(_) | Failure::OutputClosed => {}
        failure => talk.fail(failure),
    }
    ExitCode::from(failure.exit_code())
}
