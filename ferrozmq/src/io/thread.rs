//! One I/O thread: its loop, and who it works for.
//!
//! The thread sleeps in one epoll set. In it are the thread's own event descriptor and timers, the
//! listeners, connections that are still dialing or shaking hands, descriptors whose output is
//! blocked, and one inner set per socket with the input of that socket's ready connections.
//!
//! Others reach it through its [`IoHandle`] (orders, from sockets) and its
//! [`Desk`](crate::pipe::errand::Desk) (errands, from pipes). It never takes a socket's guard and
//! never waits for anything but its set.

use crate::io::alarm::Alarm;
use crate::io::connection::Conn;
use crate::io::dialer::{DialPlan, Dialer};
use crate::io::lease::{Lease, Ticker};
use crate::io::listener::Listening;
use crate::io::owner::Owner;
use crate::io::timer::{TimerKey, Timers};
use crate::pipe::errand::{Desk, Errand};
use crate::pipe::wire::WirePipe;
use crate::resolver::Resolver;
use crate::sync::Mutex;
use crate::sys::clock;
use crate::sys::epoll::{Epoll, Events, Interest};
use crate::tasks;
use ferrozmq_proto::option::Options;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

/// Tokens below this are the thread's own descriptors.
const EVENT: u64 = 0;
const BACKSTOP: u64 = 1;
const TICK: u64 = 2;
const FIRST_TOKEN: u64 = 16;

/// Inner-set events taken per visit, so that one socket does not keep the others waiting.
const SET_EVENTS: usize = 64;

static NEXT_TOKEN: AtomicU64 = AtomicU64::new(FIRST_TOKEN);

/// A number for an endpoint, a connection or a set, never used twice in this process.
pub(crate) fn new_token() -> u64 {
    NEXT_TOKEN.fetch_add(1, Ordering::Relaxed)
}

/// Something a socket wants done.
pub(crate) enum Order {
    /// Accept peers; `endpoint` names the listener from now on.
    Listen {
        endpoint: u64,
        owner: Arc<Owner>,
        listener: Box<crate::transport::Listener>,
        options: Arc<Options>,
    },
    /// Connect, and reconnect; `endpoint` names the dialer from now on.
    Dial { endpoint: u64, plan: Box<DialPlan> },
    /// Stop listening or dialing at `endpoint`, and end its connections after they have lingered. Then drop `done`.
    Withdraw { endpoint: u64, linger: Option<Duration>, done: Option<Sender<()>> },
    /// The socket is closed: end all that is its, after it has lingered.
    Close { owner: Arc<Owner>, linger: Option<Duration> },
    /// A name was resolved for the dialer `endpoint`.
    Resolved { endpoint: u64, result: io::Result<Vec<SocketAddr>> },
    /// Ring at this time.
    Alarm(Arc<Alarm>, Instant),
    /// There is nothing to do any more.
    Stop,
}

/// How others reach an I/O thread.
pub(crate) struct IoHandle {
    desk: Arc<Desk>,
    ticker: Arc<Ticker>,
    orders: Mutex<Vec<Order>>,
    load: AtomicUsize,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Set by the thread itself.
    id: OnceLock<ThreadId>,
}

impl IoHandle {
    /// Starts a thread called `name`.
    pub(crate) fn start(
        name: &str,
        resolver: Arc<Resolver>,
        prepare: impl FnOnce() + Send + 'static,
    ) -> io::Result<Arc<IoHandle>> {
        let handle = Arc::new(IoHandle {
            desk: Arc::new(Desk::new()?),
            ticker: Arc::new(Ticker::new()?),
            orders: Mutex::new(Vec::new()),
            load: AtomicUsize::new(0),
            thread: Mutex::new(None),
            id: OnceLock::new(),
        });
        let desk = &handle.desk;
        desk.epoll().add(desk.event(), Interest::READABLE, EVENT)?;
        desk.epoll().add(desk.timer(), Interest::READABLE, BACKSTOP)?;
        desk.epoll().add(handle.ticker.timer(), Interest::READABLE, TICK)?;
        let mut io = Io::new(Arc::clone(&handle), resolver);
        let own = Arc::clone(&handle);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            own.id.get_or_init(|| std::thread::current().id());
            drop(own);
            prepare();
            io.run();
        })?;
        *handle.thread.lock() = Some(thread);
        Ok(handle)
    }

    /// Gives the thread an order and wakes it.
    pub(crate) fn order(&self, order: Order) {
        self.orders.lock().push(order);
        self.desk.wake();
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    pub(crate) fn ticker(&self) -> &Arc<Ticker> {
        &self.ticker
    }

    /// Endpoints and connections the thread looks after.
    pub(crate) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// Whether the calling thread is this one.
    pub(crate) fn is_current(&self) -> bool {
        self.id.get().is_some_and(|id| *id == std::thread::current().id())
    }

    /// Ends the thread and waits for it.
    pub(crate) fn stop(&self) {
        self.order(Order::Stop);
        if let Some(thread) = self.thread.lock().take() {
            // Its panics were caught inside; what is left could not be acted upon here.
            let _ = thread.join();
        }
        // What still waits for the thread holds on to it in turn: leases, pipes, endpoints.
        self.ticker.retire();
        self.desk.retire();
        let orders = std::mem::take(&mut *self.orders.lock());
        drop(orders);
    }
}

/// What is due at a time.
pub(super) enum Due {
    /// A handshake's or heartbeat's deadline of a connection.
    Conn(u64),
    /// A dialer tries again, or gives up an attempt.
    Dialer(u64),
    /// A listener that ran out of descriptors accepts again.
    Listener(u64),
    /// A connection or dialer has lingered long enough.
    LingerEnd(u64),
    /// Futures of a socket have waited long enough.
    Alarm(Arc<Alarm>),
}

/// What a token of the set stands for.
pub(super) enum Watched {
    Set(Weak<Epoll>, Weak<Lease>),
    Dialing(u64),
}

/// The thread's own state.
pub(super) struct Io {
    pub(super) handle: Arc<IoHandle>,
    pub(super) resolver: Arc<Resolver>,
    pub(super) timers: Timers<Due>,
    pub(super) listeners: HashMap<u64, Listening>,
    pub(super) dialers: HashMap<u64, Dialer>,
    pub(super) conns: HashMap<u64, Conn>,
    pub(super) watched: HashMap<u64, Watched>,
    /// Pipes of connections that are up, by pipe.
    pub(super) pipes: HashMap<u64, Arc<WirePipe>>,
}

impl Io {
    fn new(handle: Arc<IoHandle>, resolver: Arc<Resolver>) -> Io {
        Io {
            handle,
            resolver,
            timers: Timers::new(),
            listeners: HashMap::new(),
            dialers: HashMap::new(),
            conns: HashMap::new(),
            watched: HashMap::new(),
            pipes: HashMap::new(),
        }
    }

    fn run(&mut self) {
        let mut events = Events::with_capacity(256);
        let mut running = true;
        while running {
            let now = clock::now();
            let timeout = self.timers.next().map(|at| at.saturating_duration_since(now));
            // An interrupted wait is a wait that found nothing; other errors cannot happen to a valid set.
            let _ = self.handle.desk.epoll().wait(&mut events, timeout);
            for event in events.iter() {
                let readable = event.readable || event.closed;
                running &= self.contain(event.token, |io| io.dispatch(event.token, readable)).unwrap_or(true);
                self.run_due_wakes();
            }
            let now = clock::now();
            while let Some(due) = self.timers.pop(now) {
                let token = match due {
                    Due::Conn(token) | Due::Dialer(token) | Due::Listener(token) | Due::LingerEnd(token) => {
                        token
                    }
                    Due::Alarm(_) => 0,
                };
                self.contain(token, |io| io.on_due(due, now));
                self.run_due_wakes();
            }
            self.handle
                .load
                .store(self.conns.len() + self.dialers.len() + self.listeners.len(), Ordering::Relaxed);
        }
    }

    /// Runs the wakers of futures that the last step made due. One that panics costs only itself.
    fn run_due_wakes(&self) {
        while catch_unwind(tasks::run_due).is_err() {}
    }

    /// One event; `false` when the thread is to end.
    fn dispatch(&mut self, token: u64, readable: bool) -> bool {
        match token {
            EVENT => {
                self.handle.desk.event().drain();
                self.run_errands();
                self.flush_handed_over();
                return self.run_orders();
            }
            BACKSTOP => self.flush_stragglers(),
            TICK => self.handle.ticker.tick(),
            token if self.conns.contains_key(&token) => self.conn_event(token, readable),
            token if self.listeners.contains_key(&token) => self.accept(token),
            token => match self.watched.get(&token) {
                Some(Watched::Set(set, lease)) => {
                    if let (Some(set), Some(lease)) = (set.upgrade(), lease.upgrade()) {
                        self.read_set(&set, &lease);
                    }
                }
                Some(Watched::Dialing(endpoint)) => {
                    let endpoint = *endpoint;
                    self.contain(endpoint, |io| io.dial_progress(endpoint));
                }
                // An event of something that ended in this round.
                None => {}
            },
        }
        true
    }

    /// Reads the connections of a socket whose application is elsewhere.
    fn read_set(&mut self, set: &Epoll, lease: &Lease) {
        if lease.is_held() {
            return;
        }
        let mut events = Events::with_capacity(SET_EVENTS);
        let _ = set.wait(&mut events, Some(Duration::ZERO));
        for event in events.iter() {
            if let Some(pipe) = self.pipes.get(&event.token).cloned() {
                // What a panic in it costs, the pipe settles itself.
                self.contain(0, |_| pipe.fill(true));
            }
        }
    }

    fn flush_stragglers(&mut self) {
        for straggler in self.handle.desk.take_backstops() {
            if self.contain(0, |_| straggler.flush_straggler()) == Some(true) {
                self.handle.desk.backstop(straggler);
            }
        }
    }

    /// Writes what publishers to many left to this thread.
    fn flush_handed_over(&mut self) {
        for pipe in self.handle.desk.take_handed_over() {
            self.contain(0, |_| pipe.flush_handed_over());
        }
    }

    fn run_errands(&mut self) {
        for errand in self.handle.desk.take() {
            let token = match &errand {
                Errand::Broken(token)
                | Errand::HungUp(token, _)
                | Errand::Released(token)
                | Errand::Pinged(token)
                | Errand::Answered(token)
                | Errand::Unwatched(token) => *token,
            };
            self.contain(token, |io| match errand {
                Errand::Broken(token) => io.conn_broken(token),
                Errand::HungUp(token, fault) => io.conn_hung_up(token, fault),
                Errand::Released(token) => io.conn_released(token),
                Errand::Pinged(token) => io.conn_pinged(token),
                Errand::Answered(token) => io.conn_answered(token),
                Errand::Unwatched(token) => io.conn_unwatched(token),
            });
        }
    }

    fn run_orders(&mut self) -> bool {
        let orders = std::mem::take(&mut *self.handle.orders.lock());
        let mut go_on = true;
        for order in orders {
            match order {
                Order::Listen { endpoint, owner, listener, options } => {
                    self.contain(endpoint, |io| io.listen(endpoint, owner, *listener, options));
                }
                Order::Dial { endpoint, plan } => {
                    self.contain(endpoint, |io| io.dial(endpoint, *plan));
                }
                Order::Withdraw { endpoint, linger, done } => {
                    self.contain(endpoint, |io| io.withdraw(endpoint, linger));
                    drop(done);
                }
                Order::Close { owner, linger } => self.close_for_good(&owner, linger),
                Order::Resolved { endpoint, result } => {
                    self.contain(endpoint, |io| io.dial_resolved(endpoint, result));
                }
                Order::Alarm(alarm, at) => {
                    self.timers.add(at, Due::Alarm(alarm));
                }
                Order::Stop => go_on = false,
            }
        }
        go_on
    }

    /// A context that terminates waits for this; so what a panic left behind is closed once more, without linger.
    fn close_for_good(&mut self, owner: &Arc<Owner>, linger: Option<Duration>) {
        if self.contain(0, |io| io.close_owner(owner, linger)).is_none() {
            self.contain(0, |io| io.close_owner(owner, Some(Duration::ZERO)));
        }
    }

    fn withdraw(&mut self, endpoint: u64, linger: Option<Duration>) {
        self.stop_listening(endpoint);
        self.linger_dialer(endpoint, linger);
        let from_here = |conn: &Conn| conn.endpoint() == endpoint;
        self.linger_conns(from_here, linger);
    }

    fn close_owner(&mut self, owner: &Arc<Owner>, linger: Option<Duration>) {
        let of_owner = |other: &Arc<Owner>| Arc::ptr_eq(other, owner);
        let listeners: Vec<u64> =
            self.listeners.iter().filter(|(_, l)| of_owner(l.owner())).map(|(token, _)| *token).collect();
        listeners.into_iter().for_each(|token| self.stop_listening(token));
        let dialers: Vec<u64> =
            self.dialers.iter().filter(|(_, d)| of_owner(d.owner())).map(|(token, _)| *token).collect();
        dialers.into_iter().for_each(|token| self.linger_dialer(token, linger));
        self.linger_conns(|conn| of_owner(conn.owner()), linger);
    }

    fn on_due(&mut self, due: Due, now: Instant) {
        match due {
            Due::Conn(token) => self.conn_due(token, now),
            Due::Dialer(endpoint) => self.dialer_due(endpoint, now),
            Due::Listener(token) => self.resume_listening(token),
            Due::LingerEnd(token) => self.linger_over(token),
            Due::Alarm(alarm) => alarm.ring(),
        }
    }

    /// Takes one step. A panic is a bug of ours: it costs what the step was about, which `token` names, and
    /// never the thread. `None` after a panic.
    pub(super) fn contain<R>(&mut self, token: u64, step: impl FnOnce(&mut Io) -> R) -> Option<R> {
        let outcome = catch_unwind(AssertUnwindSafe(|| step(self)));
        if outcome.is_err() {
            // Each on its own: one that panics again must not spare the others.
            let endings = [Io::abandon_conn, Io::abandon_dialer, Io::stop_listening];
            for end in endings {
                let _ = catch_unwind(AssertUnwindSafe(|| end(self, token)));
            }
        }
        outcome.ok()
    }

    pub(super) fn cancel(&mut self, timer: &mut Option<TimerKey>) {
        if let Some(key) = timer.take() {
            self.timers.cancel(key);
        }
    }

    /// The set in which connections of `owner` are watched in this thread.
    pub(super) fn set_of(&mut self, owner: &Owner) -> io::Result<Arc<Epoll>> {
        let (set, new) = owner.lease.set(&self.handle.desk, new_token)?;
        if let Some(token) = new {
            self.watched
                .retain(|_, watched| !matches!(watched, Watched::Set(set, _) if set.strong_count() == 0));
            self.watched.insert(token, Watched::Set(Arc::downgrade(&set), Arc::downgrade(&owner.lease)));
        }
        Ok(set)
    }
}
