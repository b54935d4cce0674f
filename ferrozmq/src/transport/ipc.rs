//! Making ipc (Unix stream) sockets, and the files that name them.
//!
//! Invariant: a file is removed only if it is a socket nobody listens on, or the very file this listener
//! made for a wildcard. Regular files, symbolic links, live sockets and other people's replacements
//! survive.
//!
//! A socket file bound by path stays behind when its listener closes, as with libzmq 4.3.5: by then the
//! name may belong to a successor. The next bind clears it.

use super::address::unix_address;
use super::filter::Credentials;
use super::options::StreamOptions;
use super::tcp;
use crate::sys::fork::{self, PerProcess};
use crate::sys::{random, sockopt};
use ferrozmq_proto::endpoint::IpcAddress;
use rustix::fs::{FileType, lstat};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketType};
use std::fs::DirBuilder;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A listening socket bound to `address`, and the file to remove with it, if it is ours to remove.
pub(super) fn listen(
    address: &IpcAddress,
    options: &StreamOptions,
) -> io::Result<(OwnedFd, Option<WildcardFile>)> {
    match address {
        IpcAddress::Path(path) => Ok((listen_at_path(Path::new(path), address, options)?, None)),
        IpcAddress::Abstract(_) => {
            let fd = open(options)?;
            net::bind(&fd, &unix_address(address)?)?;
            net::listen(&fd, tcp::backlog(options))?;
            Ok((fd, None))
        }
        IpcAddress::Wildcard => {
            let mut file = WildcardFile::new()?;
            let fd = listen_at_path(&file.path, &file.address()?, options)?;
            file.identity = Identity::of(&file.path);
            Ok((fd, Some(file)))
        }
    }
}

/// Connects, which never takes time on a Unix socket. `EAGAIN` if the listener's backlog is full.
pub(super) fn connect(address: &IpcAddress, options: &StreamOptions) -> io::Result<OwnedFd> {
    let address = unix_address(address)?;
    let fd = open(options)?;
    net::connect(&fd, &address)?;
    Ok(fd)
}

/// Options of a connection, connecting or accepted.
pub(super) fn tune(fd: impl AsFd, options: &StreamOptions) -> io::Result<()> {
    let fd = fd.as_fd();
    if let (None, Some(bytes)) = (options.sndbuf, options.ipc_sndbuf) {
        net::sockopt::set_socket_send_buffer_size(fd, bytes)?;
    }
    tcp::apply_buffers(fd, options)
}

/// Who is at the other end.
pub(super) fn credentials(fd: impl AsFd) -> io::Result<Credentials> {
    sockopt::peer_credentials(fd).map(|(pid, uid, gid)| Credentials { pid, uid, gid })
}

/// A file in a private directory of its own, both removed on drop.
#[derive(Debug)]
pub(super) struct WildcardFile {
    directory: PathBuf,
    path: PathBuf,
    /// The file as it was bound; none before that.
    identity: Option<Identity>,
    /// The process that owns it: a fork's child has a copy of this value, but not of the file.
    born: u64,
}

impl WildcardFile {
    /// Makes the directory, for this user's eyes only, under `TMPDIR` (or the system's).
    fn new() -> io::Result<Self> {
        let parent = std::env::temp_dir();
        let mut attempts = 0;
        loop {
            let directory = parent.join(format!("ferrozmq-{:016x}", random::number()));
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => {
                    let path = directory.join("socket");
                    return Ok(Self { directory, path, identity: None, born: fork::generation() });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts < MAX_ATTEMPTS => {
                    attempts += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// `EINVAL` for a temporary directory whose name no endpoint can spell.
    fn address(&self) -> io::Result<IpcAddress> {
        let path = self.path.to_str().ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?;
        Ok(IpcAddress::Path(path.to_owned()))
    }
}

impl Drop for WildcardFile {
    fn drop(&mut self) {
        if fork::in_child(self.born) {
            return;
        }
        if self.identity.is_some() && self.identity == Identity::of(&self.path) {
            let _ = std::fs::remove_file(&self.path);
        }
        // Fails, rightly, if somebody put something else there.
        let _ = std::fs::remove_dir(&self.directory);
    }
}

/// Tries to find a free name, or to outrun others on one, before giving up.
const MAX_ATTEMPTS: usize = 8;

/// One bind at a time in this process: between another thread's `bind` and `listen` its socket would look
/// abandoned. (Between processes the window remains; it is microseconds.)
static BINDING: PerProcess<Mutex<()>> = PerProcess::new(Mutex::default);

fn listen_at_path(path: &Path, address: &IpcAddress, options: &StreamOptions) -> io::Result<OwnedFd> {
    let address = unix_address(address)?;
    let _binding = BINDING.value().lock().unwrap_or_else(PoisonError::into_inner);
    let mut attempts = 0;
    let fd = open(options)?;
    loop {
        match net::bind(&fd, &address) {
            Ok(()) => break,
            Err(Errno::ADDRINUSE) if attempts < MAX_ATTEMPTS && clear_abandoned(path, &address) => {
                attempts += 1
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    net::listen(&fd, tcp::backlog(options))?;
    Ok(fd)
}

/// Removes a socket file that nobody listens on; `true` if the name may be free now.
fn clear_abandoned(path: &Path, address: &SocketAddrUnix) -> bool {
    // lstat: what a symbolic link points to is not ours to judge.
    let Some(before) = Identity::of(path) else { return true };
    if !before.is_socket {
        return false;
    }
    let Ok(probe) = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, tcp::FLAGS, None) else {
        return false;
    };
    // Anything but a refusal (a full backlog, another socket type, no permission) means a live owner.
    match net::connect(&probe, address) {
        Err(Errno::NOENT) => true,
        Err(Errno::CONNREFUSED) => Identity::of(path) == Some(before) && std::fs::remove_file(path).is_ok(),
        _ => false,
    }
}

/// Which file a path names right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    is_socket: bool,
}

impl Identity {
    fn of(path: &Path) -> Option<Self> {
        let stat = lstat(path).ok()?;
        let is_socket = FileType::from_raw_mode(stat.st_mode) == FileType::Socket;
        Some(Self { device: stat.st_dev, inode: stat.st_ino, is_socket })
    }
}

fn open(options: &StreamOptions) -> io::Result<OwnedFd> {
    let fd = net::socket_with(AddressFamily::UNIX, SocketType::STREAM, tcp::FLAGS, None)?;
    tune(&fd, options)?;
    Ok(fd)
}
