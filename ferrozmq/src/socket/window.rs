//! A window into this process: what its contexts count, for `zmq top` and whoever else may look.
//!
//! A context that asks for it ([`ContextBuilder::window`](crate::ContextBuilder::window), or `FERROZMQ_TOP=1` in the
//! environment) is seen through a socket file named by the process, in a folder that only its owner may enter. Whoever
//! connects is given one line of JSON and is let go; nothing that is sent there is read. One thread does it for all
//! contexts of the process; without such a context there is neither thread nor file.
//!
//! Invariant: the thread holds sockets only under their roster's lock, and a socket strikes itself from it before it
//! closes. So no socket and no context ever ends in this thread, and what lingers is waited for where it should be.

use super::handle::SocketState;
use super::json::quoted;
use super::report::{ContextStats, REPORT_VERSION, context_stats};
use crate::pipe::ledger::Books;
use crate::sync::Mutex;
use crate::sys::cpu;
use crate::sys::fork::PerProcess;
use crate::sys::own::Own;
use crate::tasks;
use rustix::net;
use std::fs::{self, DirBuilder};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

/// Any value but nothing and 0 makes all contexts visible that do not say otherwise.
const VARIABLE: &str = "FERROZMQ_TOP";

/// Who does not read in this time is let go.
const PATIENCE: Duration = Duration::from_secs(1);

/// No report is longer, in bytes.
const REPORT_MAX: u64 = 256 << 20;

const SUFFIX: &str = ".window";

/// The sockets of one context that has a window.
pub(crate) struct Roster {
    sockets: Mutex<Vec<Weak<SocketState>>>,
    books: Arc<Books>,
}

impl Roster {
    pub(crate) fn enlist(&self, socket: &Arc<SocketState>) {
        self.sockets.lock().push(Arc::downgrade(socket));
    }

    /// The socket closes: from now on it is not looked at.
    pub(crate) fn strike(&self, gone: &SocketState) {
        self.sockets
            .lock()
            .retain(|socket| socket.strong_count() > 0 && !std::ptr::eq(socket.as_ptr(), gone));
    }

    fn stats(&self) -> ContextStats {
        let _wakers = tasks::postpone();
        let sockets = self.sockets.lock();
        context_stats(sockets.iter().filter_map(Weak::upgrade), &self.books)
    }
}

/// One context's share in the window; ends with the context.
pub(crate) struct Window {
    pub(crate) roster: Arc<Roster>,
}

type Rosters = Arc<Mutex<Vec<Arc<Roster>>>>;

struct Service {
    rosters: Rosters,
    path: PathBuf,
    listener: Arc<Own>,
    thread: JoinHandle<()>,
}

static SERVICE: PerProcess<Mutex<Option<Service>>> = PerProcess::new(|| Mutex::new(None));

impl Window {
    /// Opens the window for one more context, if that is wanted; `asked` is what the program itself says. Where it
    /// cannot be opened there is none: whoever looks is told so, and the program goes on.
    pub(crate) fn open(asked: Option<bool>, books: &Arc<Books>) -> Option<Window> {
        let wanted = || std::env::var_os(VARIABLE).is_some_and(|value| !value.is_empty() && value != "0");
        if !asked.unwrap_or_else(wanted) {
            return None;
        }
        let roster = Arc::new(Roster { sockets: Mutex::new(Vec::new()), books: Arc::clone(books) });
        let mut service = SERVICE.value().lock();
        if service.is_none() {
            *service = Some(Service::start().ok()?);
        }
        service.as_ref()?.rosters.lock().push(Arc::clone(&roster));
        Some(Window { roster })
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let mut service = SERVICE.value().lock();
        let Some(running) = service.as_ref() else { return };
        let mut rosters = running.rosters.lock();
        rosters.retain(|roster| !Arc::ptr_eq(roster, &self.roster));
        let last = rosters.is_empty();
        drop(rosters);
        if last && let Some(ended) = service.take() {
            ended.stop();
        }
    }
}

impl Service {
    fn start() -> io::Result<Service> {
        let folder = folder();
        prepare(&folder)?;
        let path = folder.join(format!("{}{SUFFIX}", std::process::id()));
        // Another process of that number may have left it.
        let _ = fs::remove_file(&path);
        let listener = Arc::new(Own::new(OwnedFd::from(UnixListener::bind(&path)?)));
        let rosters = Rosters::default();
        let (told, shown) = (Arc::clone(&listener), Arc::clone(&rosters));
        let thread = std::thread::Builder::new().name("ZMQ/window".into()).spawn(move || {
            let _ = cpu::block_signals();
            serve(&told, &shown);
        })?;
        Ok(Service { rosters, path, listener, thread })
    }

    fn stop(self) {
        // Ends the accept that the thread waits in.
        let _ = net::shutdown(&*self.listener, net::Shutdown::Both);
        let _ = self.thread.join();
        let _ = fs::remove_file(&self.path);
    }
}

fn serve(listener: &Own, rosters: &Rosters) {
    loop {
        match net::accept_with(listener, net::SocketFlags::CLOEXEC) {
            Ok(visitor) => {
                let _ = show(UnixStream::from(visitor), rosters);
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
            // Descriptors may be short for a while.
            Err(
                rustix::io::Errno::MFILE
                | rustix::io::Errno::NFILE
                | rustix::io::Errno::NOBUFS
                | rustix::io::Errno::NOMEM,
            ) => {
                std::thread::sleep(PATIENCE);
            }
            Err(_) => return,
        }
    }
}

fn show(mut visitor: UnixStream, rosters: &Rosters) -> io::Result<()> {
    visitor.set_write_timeout(Some(PATIENCE))?;
    let rosters: Vec<_> = rosters.lock().clone();
    let contexts: Vec<_> = rosters.iter().map(|roster| roster.stats().to_json()).collect();
    let name = quoted(&program());
    let pid = std::process::id();
    let contexts = contexts.join(",");
    writeln!(
        visitor,
        r#"{{"version":{REPORT_VERSION},"pid":{pid},"program":{name},"contexts":[{contexts}]}}"#
    )
}

/// The name of the program that runs here.
fn program() -> String {
    let name = fs::read("/proc/self/comm").unwrap_or_default();
    String::from_utf8_lossy(&name).trim_end().to_owned()
}

/// Where the windows of this user's processes are.
fn folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    match runtime.filter(|path| path.is_dir()) {
        Some(path) => path.join("ferrozmq"),
        None => PathBuf::from(format!("/tmp/ferrozmq-{}", rustix::process::geteuid().as_raw())),
    }
}

/// Makes the folder, or makes sure that it is ours and nobody else's.
fn prepare(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    let ours = found.is_dir() && found.uid() == rustix::process::geteuid().as_raw();
    if !ours || found.mode() & 0o077 != 0 {
        let text = format!("{} is not a folder that only its owner may enter", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    Ok(())
}

/// The processes of this user that can be [looked into](look_into), by number. Files that processes left behind when they
/// were killed are removed.
///
/// # Errors
/// If the folder exists and cannot be read, or is not this user's alone.
pub fn windows() -> io::Result<Vec<u32>> {
    let folder = folder();
    let files = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files?,
    };
    prepare(&folder)?;
    let mut found = Vec::new();
    for file in files {
        let file = file?;
        let name = file.file_name();
        let number =
            name.to_str().and_then(|name| name.strip_suffix(SUFFIX)).and_then(|pid| pid.parse().ok());
        let Some(pid) = number else { continue };
        match UnixStream::connect(file.path()) {
            Ok(_) => found.push(pid),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                drop(fs::remove_file(file.path()))
            }
            Err(_) => {}
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// What the contexts of the process `pid` count, as one line of JSON: its `contexts` are those of
/// [`ContextStats::to_json`]. Waits for the answer, a second at most.
///
/// # Errors
/// If that process has no window, or does not answer.
pub fn look_into(pid: u32) -> io::Result<String> {
    let mut window = UnixStream::connect(folder().join(format!("{pid}{SUFFIX}")))?;
    window.set_read_timeout(Some(PATIENCE))?;
    let mut report = String::new();
    (&mut window).take(REPORT_MAX).read_to_string(&mut report)?;
    match report.strip_suffix('\n') {
        Some(line) => Ok(line.to_owned()),
        None => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("process {pid} ended while it answered"),
        )),
    }
}
