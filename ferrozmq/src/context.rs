//! What sockets share: the I/O threads, the inproc names, and the end of it all.
//!
//! I/O threads start with the first endpoint that needs them. Terminating interrupts every call in
//! every socket at once, and waits until the sockets are closed and have lingered.

use crate::SocketType;
use crate::authenticator::{AccessRules, Authenticator};
use crate::error::{Error, ErrorKind, Result};
use crate::inproc::Registry;
use crate::io::events::EventSink;
use crate::io::lease::{Lease, Ticker};
use crate::io::owner::{Alive, Owner, Seats};
use crate::io::thread::IoHandle;
use crate::pipe::ledger::{Books, Ledger};
use crate::pipe::signal::Mailbox;
use crate::resolver::Resolver;
use crate::socket::Socket;
use crate::socket::builder::SocketBuilder;
use crate::socket::handle::SocketState;
use crate::socket::window::Window;
use crate::sync::Mutex;
use crate::sys::{cpu, fork, membarrier, own, random};
use crate::zap::Access;
use ferrozmq_proto::access::{AccessAnswer, AccessRequest};
use ferrozmq_proto::option::{ContextOptions, Profile, Value};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// Sockets live in a context; inproc names are known within one (`zmq_ctx_new(3)`).
///
/// Cheap to clone; all clones are the same context. Its I/O threads end with the last clone and the
/// last socket, after what was sent has lingered: dropping the last of them may wait. Use
/// [`term`](Context::term) to wait explicitly, and set linger to bound the wait.
///
/// A thread that waits looks for a few microseconds before it sleeps, where that has paid lately and the process may use more than one
/// processor. The environment variable `FERROZMQ_SPIN_US` shortens that for the whole process: `0` is never.
///
/// ```
/// use ferrozmq::{Context, SocketType};
/// # fn main() -> ferrozmq::Result<()> {
/// let context = Context::new();
/// let socket = context.socket(SocketType::Pair)?;
/// socket.bind("inproc://example")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Context {
    state: Arc<ContextState>,
}

/// Settings of a context that is to be made.
#[derive(Clone)]
#[must_use = "call build() to make the context"]
pub struct ContextBuilder {
    options: ContextOptions,
    window: Option<bool>,
    authenticator: Option<Authenticator>,
}

/// Environment variable with the path of a file of access rules, for programs that know nothing of them.
const ACCESS_RULES_VARIABLE: &str = "FERROZMQ_ACCESS_RULES";
/// `ZMQ_ACCESS_RULES`, an option of a context that only this library has: the path of a file of access rules.
const ACCESS_RULES: i32 = 10_001;

/// The state behind all clones of a context.
pub(crate) struct ContextState {
    options: Mutex<ContextOptions>,
    pub(crate) inproc: Arc<Registry>,
    access: Arc<Access>,
    alive: Arc<Alive>,
    terminated: AtomicBool,
    threads: Mutex<Vec<Arc<IoHandle>>>,
    resolver: Arc<Resolver>,
    sockets: Mutex<Vec<Weak<SocketState>>>,
    books: Arc<Books>,
    /// Where others look at the sockets, if they may.
    pub(crate) window: Option<Window>,
    /// The process it belongs to. A fork's child has a copy without threads, and with locks that nobody releases.
    born: u64,
}

impl Context {
    /// A context with one I/O thread, whose sockets begin with this crate's defaults ([`Profile::Native`]).
    #[must_use]
    pub fn new() -> Context {
        Context::builder().build()
    }

    /// The context that `socket` lives in.
    pub(crate) fn of(socket: &Socket) -> Context {
        Context { state: Arc::clone(socket.state().context()) }
    }

    /// The sockets that are not gone.
    pub(crate) fn live_sockets(&self) -> Vec<Arc<SocketState>> {
        if self.state.is_inherited() {
            return Vec::new();
        }
        self.state.sockets.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// What has ended in it.
    pub(crate) fn books(&self) -> &Books {
        &self.state.books
    }

    /// Settings for a context.
    pub fn builder() -> ContextBuilder {
        ContextBuilder {
            options: ContextOptions { profile: Profile::Native, ..ContextOptions::new() },
            window: None,
            authenticator: None,
        }
    }

    fn appoint(&self, authenticator: Authenticator) {
        self.state.access.appoint(authenticator);
    }

    /// Has these rules decide about peers that come from now on and that no ZAP handler decides about. See
    /// [`ContextBuilder::access_rules`].
    pub fn set_access_rules(&self, rules: AccessRules) {
        self.appoint(Authenticator::by_rules(rules));
    }

    /// Makes a socket.
    ///
    /// # Errors
    /// [`TooManySockets`](ErrorKind::TooManySockets) beyond the limit or without descriptors,
    /// [`Terminated`](ErrorKind::Terminated) after [`shutdown`](Self::shutdown).
    pub fn socket(&self, kind: SocketType) -> Result<Socket> {
        self.make_socket(kind, None)
    }

    /// Settings for a socket of this type, before there is one.
    pub fn socket_builder(&self, kind: SocketType) -> SocketBuilder {
        SocketBuilder::new(self, kind)
    }

    /// Makes a socket that begins with the defaults of `profile`, whatever the context's is.
    ///
    /// # Errors
    /// As [`socket`](Self::socket).
    ///
    /// ```
    /// use ferrozmq::option::Profile;
    /// use ferrozmq::{Context, SocketType};
    /// # fn main() -> ferrozmq::Result<()> {
    /// let context = Context::new();
    /// let silent = context.socket_with_profile(SocketType::Router, Profile::Libzmq)?;
    /// silent.send(["nobody", "is told nothing"])?;
    /// let router = context.socket(SocketType::Router)?;
    /// assert!(router.send(["nobody", "is an error"]).is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn socket_with_profile(&self, kind: SocketType, profile: Profile) -> Result<Socket> {
        self.make_socket(kind, Some(profile))
    }

    fn make_socket(&self, kind: SocketType, profile: Option<Profile>) -> Result<Socket> {
        let context = &self.state;
        if context.is_inherited() {
            return Err(Error::inherited(ErrorKind::Terminated));
        }
        if context.terminated.load(Ordering::Acquire) {
            return Err(Error::terminated());
        }
        let (max_sockets, options) = {
            let options = context.options.lock();
            (options.max_sockets, options.socket_options(kind, profile.unwrap_or(options.profile)))
        };
        let Some(alive) = context.alive.ticket(max_sockets) else {
            let text = format!("the context has {max_sockets} sockets already (max_sockets)");
            return Err(Error::new(ErrorKind::TooManySockets, text));
        };
        let mailbox = Arc::new(Mailbox::new(Ledger::new(Arc::clone(&context.books))));
        // Here, and not in the first call that waits, is where a program expects to run out of descriptors.
        mailbox.waker().event_fd().map_err(|error| Error::os("creating an event descriptor", &error))?;
        let lease = Lease::new(context.ticker()?);
        let owner = Arc::new(Owner {
            kind,
            mailbox: Arc::clone(&mailbox),
            events: Arc::new(EventSink::default()),
            subscriptions: Arc::default(),
            lease: Arc::clone(&lease),
            access: Arc::clone(&context.access),
            last_failure: Mutex::new(None),
            accepted: Seats::default(),
            _alive: alive,
        });
        let state = SocketState::new(kind, options, owner, Arc::clone(context), random::number());
        let mut sockets = context.sockets.lock();
        sockets.retain(|socket| socket.strong_count() > 0);
        sockets.push(Arc::downgrade(&state));
        drop(sockets);
        if let Some(window) = &context.window {
            window.roster.enlist(&state);
        }
        if context.terminated.load(Ordering::Acquire) {
            state.terminate();
        }
        Ok(Socket::new(state))
    }

    /// Ends every call in every socket with [`Terminated`](ErrorKind::Terminated), now and later;
    /// sockets can only be closed after this (`zmq_ctx_shutdown(3)`). Does not wait.
    pub fn shutdown(&self) {
        if !self.state.is_inherited() {
            self.state.shutdown();
        }
    }

    /// Shuts down, and waits until every socket is closed and what it sent has left, or its linger
    /// is over (`zmq_ctx_term(3)`). In a fork's child there is nothing to wait for: there it closes the
    /// descriptors inherited from the parent's contexts. On an I/O thread of its own it only shuts down.
    pub fn term(&self) {
        while self.try_term().is_err_and(|error| error.kind() == ErrorKind::Interrupted) {}
    }

    /// [`term`](Self::term), unless a signal handler runs in this thread while it waits. Then the context is shut down,
    /// and the call may be repeated to wait for the rest.
    ///
    /// # Errors
    /// [`Interrupted`](ErrorKind::Interrupted). [`WrongState`](ErrorKind::WrongState) on an I/O thread of the context, such
    /// as in a callback that gives memory back: it cannot wait for its own end. The context is shut down all the same.
    pub fn try_term(&self) -> Result<()> {
        if self.state.is_inherited() {
            own::settle();
            return Ok(());
        }
        self.state.shutdown();
        if self.state.started_threads().iter().any(|thread| thread.is_current()) {
            let text = "an I/O thread cannot wait for its own end: terminate the context on another";
            return Err(Error::new(ErrorKind::WrongState, text));
        }
        if self.state.finish() { Ok(()) } else { Err(Error::interrupted()) }
    }

    /// Sets an option by libzmq's number, from the bytes a C program would give (`zmq_ctx_set(3)`,
    /// `zmq_ctx_set_ext(3)`). Options of the I/O threads are heeded until the first socket is made.
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) option or value.
    pub fn set_raw(&self, number: i32, value: &[u8]) -> Result<()> {
        if self.state.is_inherited() {
            return Err(Error::inherited(ErrorKind::Terminated));
        }
        if number == ACCESS_RULES {
            let path = value.strip_suffix(b"\0").unwrap_or(value);
            self.set_access_rules(
                AccessRules::from_file(OsStr::from_bytes(path))
                    .map_err(|error| error.with_errno(libc::EINVAL))?,
            );
            return Ok(());
        }
        self.state.options.lock().set_bytes(number, value).map_err(Error::from_option)
    }

    /// Reads an option by libzmq's number into a buffer of `capacity` bytes: four for all that are
    /// numbers (`zmq_ctx_get(3)`, `zmq_ctx_get_ext(3)`).
    ///
    /// # Errors
    /// [`Invalid`](ErrorKind::Invalid) option or capacity.
    pub fn read_raw(&self, number: i32, capacity: usize) -> Result<Value> {
        if self.state.is_inherited() {
            return Err(Error::inherited(ErrorKind::Terminated));
        }
        self.state.options.lock().read_bytes(number, capacity).map_err(Error::from_option)
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        if self.state.is_inherited() {
            own::settle();
            // Its destructors would join threads that are not here, and take locks that nobody releases.
            std::mem::forget(Arc::clone(&self.state));
        }
    }
}

impl std::fmt::Debug for ContextBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContextBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Default for Context {
    fn default() -> Context {
        Context::new()
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl ContextBuilder {
    /// Number of I/O threads (`ZMQ_IO_THREADS`), 1 by default; 0 allows inproc only.
    pub fn io_threads(mut self, count: usize) -> Self {
        self.options.io_threads = saturated(count);
        self
    }

    /// Most sockets at a time (`ZMQ_MAX_SOCKETS`), 1023 by default.
    pub fn max_sockets(mut self, count: usize) -> Self {
        self.options.max_sockets = saturated(count);
        self
    }

    /// Whether sockets use IPv6 unless told otherwise (`ZMQ_IPV6`), off by default.
    pub fn ipv6(mut self, on: bool) -> Self {
        self.options.ipv6 = on;
        self
    }

    /// Gives sockets the defaults of libzmq 4.3.5, exactly, in place of this crate's own: closed sockets linger for ever,
    /// what a ROUTER cannot route is dropped in silence, nobody sends heartbeats. For programs translated from C, and for
    /// comparisons.
    ///
    /// ```
    /// use ferrozmq::{Context, Push};
    /// # fn main() -> ferrozmq::Result<()> {
    /// let context = Context::builder().libzmq_compat().build();
    /// const ZMQ_LINGER: i32 = 17;
    /// let linger = Push::new(&context)?.as_socket().read_raw(ZMQ_LINGER)?;
    /// assert_eq!(linger, (-1_i32).to_ne_bytes());
    /// # Ok(())
    /// # }
    /// ```
    pub fn libzmq_compat(mut self) -> Self {
        self.options.profile = Profile::Libzmq;
        self
    }

    /// Whether sockets linger unless told otherwise (`ZMQ_BLOCKY`), on by default; off makes their default linger zero.
    pub fn blocky(mut self, on: bool) -> Self {
        self.options.blocky = on;
        self
    }

    /// CPUs that the I/O threads may use (`ZMQ_THREAD_AFFINITY_CPU_ADD`); all by default.
    pub fn thread_affinity(mut self, cpus: impl IntoIterator<Item = usize>) -> Self {
        self.options.thread_affinity_cpus = cpus.into_iter().map(saturated).collect();
        self
    }

    /// What the I/O threads' names begin with (`ZMQ_THREAD_NAME_PREFIX`).
    pub fn thread_name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.options.thread_name_prefix = prefix.into();
        self
    }

    /// Scheduling policy and priority of the I/O threads (`ZMQ_THREAD_SCHED_POLICY`,
    /// `ZMQ_THREAD_PRIORITY`); a negative number leaves one to the system.
    ///
    /// By default both are the system's, and on Linux 6.12 and later the threads ask for short turns, so that they run soon after they are
    /// woken. Whoever gives a policy or a priority has said all there is to say: `thread_scheduling(0, -1)` is the system's way alone.
    pub fn thread_scheduling(mut self, policy: i32, priority: i32) -> Self {
        self.options.thread_sched_policy = u32::try_from(policy).ok();
        self.options.thread_priority = u32::try_from(priority).ok();
        self
    }

    /// Whether other processes of the same user may see what the context's sockets count and hold, as `zmq top` does; never
    /// what is in messages. Unless said here, if the environment has `FERROZMQ_TOP=1`. It costs a thread of its own.
    pub fn window(mut self, open: bool) -> Self {
        self.window = Some(open);
        self
    }

    /// Has these rules decide about every peer that comes to a socket of the context over a network or ipc, unless a ZAP handler is
    /// bound and decides. Without rules and handler libzmq's rules hold: PLAIN lets nobody in, NULL and CURVE everybody.
    ///
    /// Peers that speak ZMTP 1.0 or 2.0 cannot be decided about, and are refused; STREAM sockets have no handshake.
    pub fn access_rules(mut self, rules: AccessRules) -> Self {
        self.authenticator = Some(Authenticator::by_rules(rules));
        self
    }

    /// The same, with a closure to decide. It runs on a thread of its own, one peer after the other, so that it may take its
    /// time; a peer whose handshake is over in the meantime is gone. If it panics, the peer is refused.
    ///
    /// ```
    /// use ferrozmq::{AccessAnswer, Context, Credentials};
    /// let context = Context::builder()
    ///     .access(|request| match &request.credentials {
    ///         Credentials::Curve { public_key } if public_key[0] == 7 => AccessAnswer::grant("lucky"),
    ///         _ => AccessAnswer::deny("its key does not begin with a seven"),
    ///     })
    ///     .build();
    /// ```
    pub fn access(mut self, decide: impl Fn(&AccessRequest) -> AccessAnswer + Send + Sync + 'static) -> Self {
        self.authenticator = Some(Authenticator::by_closure(Box::new(decide)));
        self
    }

    /// Takes the access rules in the file that the environment variable `FERROZMQ_ACCESS_RULES` names, if it names one, as contexts
    /// of C programs do. Rules that cannot be read let nobody in, and say so in the monitor's events.
    pub fn access_rules_from_environment(mut self) -> Self {
        if let Some(path) = std::env::var_os(ACCESS_RULES_VARIABLE).filter(|path| !path.is_empty()) {
            self.authenticator = Some(Authenticator::by_file(path.into()));
        }
        self
    }

    /// Makes the context. Threads start when they are needed.
    #[must_use]
    pub fn build(self) -> Context {
        self.build_with(Resolver::new())
    }

    /// The same, asking `resolver` for names.
    fn build_with(self, resolver: Resolver) -> Context {
        membarrier::register();
        // In a fork's child before anything is opened: it may be given a number that is still marked as the parent's.
        own::settle();
        let inproc = Arc::<Registry>::default();
        let books = Arc::<Books>::default();
        let window = Window::open(self.window, &books);
        let access = Arc::new(Access::new(Arc::clone(&inproc)));
        if let Some(authenticator) = self.authenticator {
            access.appoint(authenticator);
        }
        Context {
            state: Arc::new(ContextState {
                options: Mutex::new(self.options),
                access,
                inproc,
                alive: Arc::default(),
                terminated: AtomicBool::new(false),
                threads: Mutex::new(Vec::new()),
                resolver: Arc::new(resolver),
                sockets: Mutex::new(Vec::new()),
                books,
                window,
                born: fork::generation(),
            }),
        }
    }
}

impl ContextState {
    /// Whether this is a fork's child, and the context its parent's.
    #[inline]
    pub(crate) fn is_inherited(&self) -> bool {
        fork::in_child(self.born)
    }

    /// The least busy I/O thread among those that `affinity` allows (0: all).
    pub(crate) fn io_thread(&self, affinity: u64) -> Result<Arc<IoHandle>> {
        self.start_threads()?;
        let threads = self.threads.lock();
        let allowed = |index: usize| affinity == 0 || index < 64 && affinity >> index & 1 == 1;
        let found = threads.iter().enumerate().filter(|(index, _)| allowed(*index));
        found.min_by_key(|(_, thread)| thread.load()).map(|(_, thread)| Arc::clone(thread)).ok_or_else(|| {
            let text =
                "no I/O thread may serve this socket; give the context io_threads, or widen the affinity";
            Error::new(ErrorKind::NoIoThread, text)
        })
    }

    /// What takes a socket's lease back. A context without I/O threads has no connections to lease.
    fn ticker(&self) -> Result<Arc<Ticker>> {
        if self.options.lock().io_threads == 0 {
            let ticker = Ticker::new().map_err(|error| Error::os("creating a timer", &error))?;
            return Ok(Arc::new(ticker));
        }
        Ok(Arc::clone(self.io_thread(0)?.ticker()))
    }

    /// The I/O threads that run.
    pub(crate) fn started_threads(&self) -> Vec<Arc<IoHandle>> {
        self.threads.lock().clone()
    }

    fn start_threads(&self) -> Result<()> {
        let options = self.options.lock().clone();
        let mut threads = self.threads.lock();
        while threads.len() < options.io_threads as usize {
            let prefix = match options.thread_name_prefix.as_str() {
                "" => String::new(),
                prefix => format!("{prefix}/"),
            };
            let name = format!("{prefix}ZMQbg/IO/{}", threads.len());
            let affinity = options.thread_affinity_cpus.clone();
            let as_number = |number: Option<u32>| number.and_then(|number| i32::try_from(number).ok());
            let policy = as_number(options.thread_sched_policy);
            let priority = as_number(options.thread_priority);
            let prepare = move || {
                // Signals are the application's; its wishes for threads it does not own are best effort.
                let _ = cpu::block_signals();
                if !affinity.is_empty() {
                    let _ = cpu::set_affinity(affinity.into_iter().map(|cpu| cpu as usize));
                }
                if policy.is_some() || priority.is_some() {
                    let _ = cpu::set_scheduling(policy, priority);
                } else {
                    let _ = cpu::ask_for_short_turns();
                }
            };
            let started = IoHandle::start(&name, Arc::clone(&self.resolver), prepare);
            threads.push(started.map_err(|error| Error::os("starting an I/O thread", &error))?);
        }
        Ok(())
    }

    fn shutdown(&self) {
        self.terminated.store(true, Ordering::Release);
        let sockets: Vec<_> = self.sockets.lock().iter().filter_map(Weak::upgrade).collect();
        sockets.iter().for_each(|socket| socket.terminate());
    }

    /// Waits for the last socket and ends the threads; `false` if a signal came first.
    fn finish(&self) -> bool {
        if !self.alive.wait_for_none() {
            return false;
        }
        let threads = std::mem::take(&mut *self.threads.lock());
        threads.iter().for_each(|thread| thread.stop());
        true
    }
}

impl Drop for ContextState {
    fn drop(&mut self) {
        while !self.finish() {}
    }
}

fn saturated(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{EventKind, Message};
    use std::net::SocketAddr;
    use std::time::Duration;

    const SOON: Duration = Duration::from_secs(20);

    /// A context that knows `moving.example` by the addresses that `known` holds when it looks.
    fn context_that_knows(known: &Arc<Mutex<Vec<SocketAddr>>>) -> Context {
        let known = Arc::clone(known);
        let lookup = move |host: &str| {
            assert_eq!(host, "moving.example");
            Ok(known.lock().clone())
        };
        Context::builder().build_with(Resolver::with_lookup(lookup))
    }

    #[test]
    fn a_name_is_looked_up_for_every_connection_and_each_of_its_addresses_is_tried() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        // With IPv6 on; nobody listens at the first two.
        let known = Arc::new(Mutex::new(addresses(&["[::1]:0", "127.0.0.3:0", "127.0.0.1:0"])));
        let context = context_that_knows(&known);
        let (pull, push) =
            (context.socket(SocketType::Pull).unwrap(), context.socket(SocketType::Push).unwrap());
        push.set_text("ipv6", "1").unwrap();
        push.set_text("reconnect_ivl", "5ms").unwrap();
        let monitor = push.monitor().unwrap();
        let before = pull.bind("tcp://127.0.0.1:*").unwrap();
        let port = before.rsplit(':').next().unwrap();
        push.connect(&format!("tcp://moving.example:{port}")).unwrap();
        push.send("here").unwrap();
        assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("here"));
        // The server moves.
        *known.lock() = addresses(&["127.0.0.2:0"]);
        pull.unbind(&before).unwrap();
        while monitor.recv_timeout(SOON).expect("an event").kind != EventKind::Disconnected {}
        pull.bind(&format!("tcp://127.0.0.2:{port}")).unwrap();
        push.send("there").unwrap();
        assert_eq!(pull.recv_timeout(SOON).unwrap(), Message::from("there"));
    }
}
