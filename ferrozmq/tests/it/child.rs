//! Tests that need a process of their own: the test binary runs itself again, with one test.

use std::process::{Child, Command, Stdio};

const MARK: &str = "FERROZMQ_TEST_CHILD";

/// Whether this is the process of its own.
pub fn child() -> bool {
    std::env::var_os(MARK).is_some()
}

/// What the parent gave the process of its own to know.
pub fn argument() -> String {
    std::env::var(MARK).unwrap()
}

/// Starts the test `name` in a process of its own.
pub fn start_child(name: &str, argument: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(MARK, argument);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs the test `name` in a process of its own, and fails if it fails.
pub fn run_child(name: &str) {
    let output = start_child(name, "1").wait_with_output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", said(&output.stdout), said(&output.stderr));
    assert!(said(&output.stdout).contains("1 passed"), "no such test: {name}");
}

/// Sends a signal to it.
pub fn signal(child: &Child, signal: libc::c_int) {
    // SAFETY: sends a signal to a child that is not reaped yet.
    assert_eq!(unsafe { libc::kill(child.id() as libc::pid_t, signal) }, 0);
}

/// Stops it, until it is continued or killed.
pub fn stop(child: &Child) {
    signal(child, libc::SIGSTOP);
    let mut status = 0;
    // SAFETY: waits for a change of our own child; the status outlives the call.
    let pid = unsafe { libc::waitpid(child.id() as libc::pid_t, &raw mut status, libc::WUNTRACED) };
    assert!(pid > 0 && libc::WIFSTOPPED(status));
}
