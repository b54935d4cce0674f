//! Looking up host names away from the I/O threads.
//!
//! A few threads, started when needed and gone when idle, call the system's resolver, which may take
//! half a minute for one name. Numeric addresses need no thread.
//!
//! Invariant: one name occupies at most one thread, however many ask for it, so that a dead name takes
//! at most one of [`MAX_THREADS`]. Nothing waits for a lookup: dropping the [`Resolver`] leaves a hanging
//! one to finish into the void, and the process's exit cuts it off.
//!
//! Not here: caching (the system's), and when to ask again (at each reconnect, by the caller).

use crate::sys::{cpu, fork};
use crate::transport::address;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Names looked up at the same time.
pub const MAX_THREADS: usize = 4;

/// Questions waiting for an answer; more are answered with an error of kind `WouldBlock`.
pub const MAX_WAITING: usize = 16_384;

/// Addresses of one name that are passed on, in the system's order of preference.
pub const MAX_ADDRESSES: usize = 32;

/// Called once with the addresses, at least one and none twice, or with an error.
pub type Done = Box<dyn FnOnce(io::Result<Vec<SocketAddr>>) + Send>;

/// Looks up names; one per context.
pub struct Resolver {
    shared: Arc<Shared>,
    /// The process whose threads these are.
    born: u64,
}

impl Default for Resolver {
    fn default() -> Self {
        Self::new()
    }
}

impl Resolver {
    /// A resolver that asks the system. No thread is started yet.
    pub fn new() -> Self {
        Self::with_lookup(|host| Ok((host, 0).to_socket_addrs()?.collect()))
    }

    /// A resolver that asks `lookup`, which may block; ports in its answers do not matter.
    pub fn with_lookup(lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Self {
        let shared = Shared { state: Mutex::default(), work: Condvar::new(), lookup: Box::new(lookup) };
        Self { shared: Arc::new(shared), born: fork::generation() }
    }

    /// Finds the addresses of `host`, IPv6 ones only with `ipv6`, and calls `done` with them: at once on
    /// this thread if `host` is numeric or there is no way to ask, else later on another. `done` must not
    /// block. After the resolver is dropped it may not be called at all.
    pub fn resolve(&self, host: &str, port: u16, ipv6: bool, done: Done) {
        if let Some(numeric) = numeric(host, port) {
            return done(numeric.and_then(|address| select(&[address], port, ipv6)));
        }
        let mut state = self.shared.lock();
        if state.waiting_count >= MAX_WAITING {
            drop(state);
            return done(Err(io::ErrorKind::WouldBlock.into()));
        }
        state.add(host, Waiter { port, ipv6, done });
        let needs_thread = state.queue.len() > state.idle && state.threads < MAX_THREADS;
        state.threads += usize::from(needs_thread);
        drop(state);
        self.shared.work.notify_one();
        if needs_thread {
            self.start_thread();
        }
    }

    fn start_thread(&self) {
        let shared = Arc::clone(&self.shared);
        let body = move || {
            // The application's signal handlers run in the application's threads.
            let _ = cpu::block_signals();
            shared.work();
        };
        if let Err(error) = thread::Builder::new().name(THREAD_NAME.into()).spawn(body) {
            let mut state = self.shared.lock();
            state.threads -= 1;
            // As long as there is another thread, it will come to everything.
            let stranded = if state.threads == 0 { state.take_all() } else { Vec::new() };
            drop(state);
            stranded.into_iter().for_each(|waiter| (waiter.done)(Err(copy(&error))));
        }
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        if fork::in_child(self.born) {
            // The threads are not here, and one of them may have held the lock.
            return;
        }
        let mut state = self.shared.lock();
        state.is_closed = true;
        let abandoned = state.take_all();
        drop(state);
        self.shared.work.notify_all();
        drop(abandoned);
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

/// Fits the kernel's 15 bytes.
const THREAD_NAME: &str = "ferrozmq-dns";

/// How long a thread waits for another name before it ends.
const IDLE: Duration = Duration::from_secs(5);

type Lookup = Box<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    lookup: Lookup,
}

#[derive(Default)]
struct State {
    /// Names that no thread has taken up yet, once each.
    queue: VecDeque<String>,
    /// Who asked, by name: queued ones and those being looked up.
    waiting: HashMap<String, Vec<Waiter>>,
    waiting_count: usize,
    threads: usize,
    /// Threads that wait for a name.
    idle: usize,
    is_closed: bool,
}

struct Waiter {
    port: u16,
    ipv6: bool,
    done: Done,
}

impl State {
    fn add(&mut self, host: &str, waiter: Waiter) {
        self.waiting_count += 1;
        if let Some(waiters) = self.waiting.get_mut(host) {
            waiters.push(waiter);
        } else {
            self.waiting.insert(host.to_owned(), vec![waiter]);
            self.queue.push_back(host.to_owned());
        }
    }

    fn take(&mut self, host: &str) -> Vec<Waiter> {
        let waiters = self.waiting.remove(host).unwrap_or_default();
        self.waiting_count = self.waiting_count.saturating_sub(waiters.len());
        waiters
    }

    fn take_all(&mut self) -> Vec<Waiter> {
        self.queue.clear();
        self.waiting_count = 0;
        self.waiting.drain().flat_map(|(_, waiters)| waiters).collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread's life.
    fn work(&self) {
        while let Some(host) = self.next() {
            // A panic would be our bug, or a custom lookup's; its waiters are dropped, the pool lives on.
            let outcome = catch_unwind(AssertUnwindSafe(|| (self.lookup)(&host)));
            let waiters = self.lock().take(&host);
            let outcome = outcome.unwrap_or_else(|_| Err(io::Error::other("the lookup panicked")));
            for Waiter { port, ipv6, done } in waiters {
                let answer = match &outcome {
                    Ok(found) => select(found, port, ipv6),
                    Err(error) => Err(copy(error)),
                };
                let _ = catch_unwind(AssertUnwindSafe(|| done(answer)));
            }
        }
    }

    /// The next name, or `None` when this thread is to end.
    fn next(&self) -> Option<String> {
        let mut state = self.lock();
        let mut is_tired = false;
        loop {
            let next = if state.is_closed { None } else { state.queue.pop_front() };
            if next.is_some() || state.is_closed || is_tired {
                state.threads -= usize::from(next.is_none());
                return next;
            }
            state.idle += 1;
            let (guard, timeout) =
                self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            state.idle -= 1;
            is_tired = timeout.timed_out();
        }
    }
}

/// The address that `host` spells out, if it does.
fn numeric(host: &str, port: u16) -> Option<io::Result<SocketAddr>> {
    match host.split_once('%') {
        None => host.parse().ok().map(|ip| Ok(SocketAddr::new(ip, port))),
        Some((ip, zone)) => {
            let ip: IpAddr = ip.parse().ok()?;
            Some(address::numeric(ip, Some(zone), port))
        }
    }
}

/// The usable ones of the addresses found, with the port that was asked for.
fn select(found: &[SocketAddr], port: u16, ipv6: bool) -> io::Result<Vec<SocketAddr>> {
    let mut usable: Vec<SocketAddr> = Vec::new();
    for address in found.iter().filter(|address| ipv6 || address.is_ipv4()) {
        let mut address = *address;
        address.set_port(port);
        if usable.len() < MAX_ADDRESSES && !usable.contains(&address) {
            usable.push(address);
        }
    }
    match usable.is_empty() {
        false => Ok(usable),
        true if ipv6 => Err(io::Error::new(io::ErrorKind::NotFound, "the host has no address")),
        true => Err(io::Error::new(io::ErrorKind::NotFound, "the host has no IPv4 address and IPv6 is off")),
    }
}

/// An error for each of several waiters.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(errno) => io::Error::from_raw_os_error(errno),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    type Answer = io::Result<Vec<SocketAddr>>;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn ask(resolver: &Resolver, host: &str, ipv6: bool) -> mpsc::Receiver<Answer> {
        let (sender, receiver) = mpsc::channel();
        resolver.resolve(host, 80, ipv6, Box::new(move |answer| drop(sender.send(answer))));
        receiver
    }

    fn answer(receiver: &mpsc::Receiver<Answer>) -> Answer {
        receiver.recv_timeout(PATIENCE).expect("an answer")
    }

    fn text(answer: Answer) -> String {
        answer.unwrap().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    /// A resolver that knows some names, and one, "slow…", that hangs until the sender is dropped.
    fn scripted() -> (Resolver, mpsc::Sender<()>, Arc<AtomicUsize>) {
        let (release, gate) = mpsc::channel::<()>();
        let (gate, asked) = (Mutex::new(gate), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&asked);
        let resolver = Resolver::with_lookup(move |host| {
            count.fetch_add(1, Ordering::SeqCst);
            match host {
                "both" => Ok(vec!["[fd00::1]:7".parse().unwrap(), "192.0.2.1:7".parse().unwrap()]),
                "twice" => Ok(vec!["192.0.2.1:7".parse().unwrap(); 2]),
                "many" => Ok((0..50).map(|n| SocketAddr::from(([192, 0, 2, n], 0))).collect()),
                "panic" => panic!("on purpose"),
                _ if host.starts_with("slow") => {
                    let _ = gate.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    Ok(vec!["192.0.2.9:7".parse().unwrap()])
                }
                _ => Err(io::Error::other("no such name")),
            }
        });
        (resolver, release, asked)
    }

    #[test]
    fn numbers_need_no_thread() {
        let resolver = Resolver::with_lookup(|_| unreachable!("numeric"));
        let at_once = |host, ipv6| ask(&resolver, host, ipv6).try_recv().unwrap();
        assert_eq!(text(at_once("127.0.0.1", false)), "127.0.0.1:80");
        assert_eq!(text(at_once("::1", true)), "[::1]:80");
        assert_eq!(text(at_once("fe80::1%lo", true)), "[fe80::1%1]:80");
        assert_eq!(at_once("::1", false).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(at_once("fe80::1%nosuch", true).is_err());
        assert_eq!(resolver.shared.lock().threads, 0);
    }

    #[test]
    fn the_system_knows_localhost() {
        let found = text(answer(&ask(&Resolver::new(), "localhost", false)));
        assert!(found.contains("127.0.0.1:80"), "{found}");
    }

    #[test]
    fn answers_keep_order_and_fit_the_question() {
        let (resolver, _release, _) = scripted();
        assert_eq!(text(answer(&ask(&resolver, "both", true))), "[fd00::1]:80 192.0.2.1:80");
        assert_eq!(text(answer(&ask(&resolver, "both", false))), "192.0.2.1:80");
        assert_eq!(text(answer(&ask(&resolver, "twice", false))), "192.0.2.1:80");
        assert_eq!(answer(&ask(&resolver, "many", false)).unwrap().len(), MAX_ADDRESSES);
        assert_eq!(answer(&ask(&resolver, "other", true)).unwrap_err().to_string(), "no such name");
    }

    /// F8.
    #[test]
    fn a_hanging_name_takes_one_thread() {
        let (resolver, release, asked) = scripted();
        let slow: Vec<_> = (0..20).map(|_| ask(&resolver, "slow", true)).collect();
        assert_eq!(text(answer(&ask(&resolver, "both", false))), "192.0.2.1:80");
        assert!(slow.iter().all(|receiver| receiver.try_recv().is_err()));
        drop(release);
        for receiver in &slow {
            assert_eq!(text(answer(receiver)), "192.0.2.9:80");
        }
        assert_eq!(asked.load(Ordering::SeqCst), 2, "twenty questions, one lookup");
    }

    #[test]
    fn beyond_the_pool_names_wait_their_turn() {
        let (resolver, release, _) = scripted();
        let slow: Vec<_> = (0..MAX_THREADS + 2).map(|n| ask(&resolver, &format!("slow{n}"), true)).collect();
        let quick = ask(&resolver, "both", false);
        assert_eq!(resolver.shared.lock().threads, MAX_THREADS);
        drop(release);
        for receiver in &slow {
            assert_eq!(text(answer(receiver)), "192.0.2.9:80");
        }
        assert_eq!(text(answer(&quick)), "192.0.2.1:80");
    }

    #[test]
    fn too_many_questions_are_refused() {
        let (resolver, _release, _) = scripted();
        for _ in 0..MAX_WAITING {
            resolver.resolve("slow", 80, true, Box::new(drop));
        }
        let error = ask(&resolver, "slow", true).try_recv().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(text(ask(&resolver, "127.0.0.1", true).try_recv().unwrap()), "127.0.0.1:80");
    }

    #[test]
    fn dropping_waits_for_nobody() {
        let (resolver, release, _) = scripted();
        let hanging = ask(&resolver, "slow", true);
        drop(resolver);
        assert!(hanging.recv_timeout(PATIENCE).is_err(), "its question is dropped, not answered");
        drop(release);
    }

    #[test]
    fn a_panic_is_an_error() {
        let (resolver, _release, _) = scripted();
        assert!(answer(&ask(&resolver, "panic", true)).is_err());
        resolver.resolve("other", 80, true, Box::new(|_| panic!("on purpose")));
        assert_eq!(text(answer(&ask(&resolver, "twice", true))), "192.0.2.1:80");
    }
}
