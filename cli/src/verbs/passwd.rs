//! `zmq passwd USER`: a line for a table of PLAIN's users, `USER:HASH`.
//!
//! The password is in `ZMQ_CLI_PASSWORD`, or the first line of standard input; a person who types it does not see it.

use std::io::{BufRead as _, IsTerminal as _, stdin};
use std::process::Command;

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::open::print_line;

/// The variable with the password.
const PASSWORD_VARIABLE: &str = "ZMQ_CLI_PASSWORD";

/// Prints the line.
///
/// # Errors
/// [`Failure::Usage`] for a name or password that PLAIN cannot carry.
pub fn run(user: &str) -> Result<(), Failure> {
    if user.is_empty() || user.len() > 255 || user.contains([':', '\n']) {
        return Err(Failure::Usage("a user's name has 1 to 255 bytes, and no colon".into()));
    }
    let password = match std::env::var(PASSWORD_VARIABLE) {
        Ok(password) => Zeroizing::new(password),
        Err(_) => typed()?,
    };
    if password.is_empty() {
        return Err(Failure::Usage("an empty password protects nothing".into()));
    }
    let hash = ferrozmq::hash_password(&password).map_err(|error| Failure::Usage(error.to_string()))?;
    print_line(&format!("{user}:{hash}"))
}

fn typed() -> Result<Zeroizing<String>, Failure> {
    let _silence = stdin().is_terminal().then(|| {
        eprint!("Password: ");
        Silence::begin()
    });
    let mut line = Zeroizing::new(String::new());
    stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| Failure::while_doing(error, "reading the password"))?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A terminal that does not show what is typed, until it is dropped.
struct Silence;

impl Silence {
    fn begin() -> Silence {
        echo("-echo");
        Silence
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        echo("echo");
        eprintln!();
    }
}

/// Without `stty` the password shows, which is no reason to go without.
fn echo(how: &str) {
    let _ = Command::new("stty").arg(how).status();
}
