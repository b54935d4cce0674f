//! Heartbeats: when to send a PING, and when a silent peer is dead (RFC 37).
//!
//! Any bytes from the peer are a sign of life. Death is declared only after the connection has been read
//! once more ([`Action::CheckOnce`]), so a reader that was late, not a peer that was silent, ends no connection; after
//! a pause of our own (a stopped process, a suspended machine) the peer gets its time anew.
//!
//! It sends nothing itself, and does not know whether the peer understands PING: the
//! [`Sender`](crate::zmtp::Sender) writes none to a peer older than ZMTP 3. While we do not read from the peer on
//! purpose (our high-water mark is reached), call [`Heartbeat::seen`] instead of
//! [`Heartbeat::handle_timeout`].

use super::config::HeartbeatConfig;
use std::time::{Duration, Instant};

/// What the owner of a [`Heartbeat`] must do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Nothing.
    None,
    /// Send a PING, then call [`Heartbeat::ping_sent`].
    SendPing,
    /// Read the connection once, call [`Heartbeat::seen`] if anything came, then
    /// [`Heartbeat::handle_timeout`] again.
    CheckOnce,
    /// Close the connection ([`PeerError::HeartbeatTimeout`](crate::PeerError::HeartbeatTimeout)).
    Dead,
}

/// One connection's heartbeat; begins at READY.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    interval: Option<Duration>,
    timeout: Duration,
    next_ping: Option<Instant>,
    /// Our time-out after a PING, or the peer's wish in its own PING.
    pong: Deadline,
    ttl: Deadline,
    /// Silence after a PING is death.
    strict: bool,
    /// A read was asked for since the last sign of life.
    checked: bool,
}

/// A time by which a sign of life must come, and the silence that it allows.
#[derive(Clone, Copy, Debug, Default)]
struct Deadline {
    at: Option<Instant>,
    allowance: Duration,
    /// It was put off once because we noticed it far too late ourselves.
    excused: bool,
}

impl Heartbeat {
    /// The heartbeat of a connection that became ready `now`; the first PING is due one interval later.
    #[must_use]
    pub fn new(config: HeartbeatConfig, now: Instant) -> Heartbeat {
        let interval = config.interval.filter(|interval| !interval.is_zero());
        Heartbeat {
            interval,
            timeout: config.timeout.or(interval).unwrap_or_default(),
            next_ping: interval.and_then(|interval| now.checked_add(interval)),
            pong: Deadline::default(),
            ttl: Deadline::default(),
            strict: !config.lenient,
            checked: false,
        }
    }

    /// Something came from the peer.
    #[inline]
    pub fn seen(&mut self, _now: Instant) {
        self.pong.at = None;
        self.ttl.at = None;
        self.checked = false;
    }

    /// A PING went out.
    pub fn ping_sent(&mut self, now: Instant) {
        self.next_ping = self.interval.and_then(|interval| now.checked_add(interval));
        if self.strict && self.pong.at.is_none() && !self.timeout.is_zero() {
            self.pong = Deadline::new(now, self.timeout);
        }
    }

    /// The peer sent a PING, and so will send others. It asked for signs of life at least every `ttl`; zero asks for nothing.
    ///
    /// As in libzmq, the wish lasts until the peer's next bytes; each PING renews it. Call it after
    /// [`seen`](Self::seen) for the bytes that held the PING.
    pub fn ping_received(&mut self, now: Instant, ttl: Duration) {
        self.strict = true;
        if !ttl.is_zero() {
            self.ttl = Deadline::new(now, ttl);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) should be called; `None` for never.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        [self.next_ping, self.pong.at, self.ttl.at].into_iter().flatten().min()
    }

    /// What is to be done at `now`; call it again until it says [`Action::None`].
    pub fn handle_timeout(&mut self, now: Instant) -> Action {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.pong.at) || due(self.ttl.at) {
            if !self.checked {
                self.checked = true;
                return Action::CheckOnce;
            }
            let pong_over = self.pong.is_over(now);
            let ttl_over = self.ttl.is_over(now);
            if pong_over || ttl_over {
                return Action::Dead;
            }
            self.checked = false;
        }
        if due(self.next_ping) {
            // Re-armed here too, lest a PING that cannot be sent now be asked for in a loop.
            self.next_ping = self.interval.and_then(|interval| now.checked_add(interval));
            return Action::SendPing;
        }
        Action::None
    }
}

impl Deadline {
    fn new(now: Instant, allowance: Duration) -> Deadline {
        Deadline { at: now.checked_add(allowance), allowance, excused: false }
    }

    /// Whether the deadline passed; puts it off once if it is noticed later than its whole allowance.
    fn is_over(&mut self, now: Instant) -> bool {
        let Some(at) = self.at.filter(|at| *at <= now) else { return false };
        let late = now.saturating_duration_since(at);
        if self.excused || late <= self.allowance {
            return true;
        }
        *self = Deadline { excused: true, ..Deadline::new(now, self.allowance) };
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn config(interval: u32, timeout: Option<u32>) -> HeartbeatConfig {
        HeartbeatConfig {
            interval: Some(interval * MS),
            timeout: timeout.map(|timeout| timeout * MS),
            ..HeartbeatConfig::default()
        }
    }

    #[test]
    fn the_first_ping_is_due_after_one_interval_and_death_after_the_timeout() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(config(100, Some(250)), start);
        assert_eq!(heartbeat.poll_timeout(), Some(start + 100 * MS));
        assert_eq!(heartbeat.handle_timeout(start + 99 * MS), Action::None);
        for tick in [100, 200, 300] {
            let now = start + tick * MS;
            assert_eq!(heartbeat.poll_timeout(), Some(now));
            assert_eq!(heartbeat.handle_timeout(now), Action::SendPing);
            heartbeat.ping_sent(now);
            assert_eq!(heartbeat.handle_timeout(now), Action::None);
        }
        let end = start + 350 * MS;
        assert_eq!(heartbeat.poll_timeout(), Some(end));
        assert_eq!(heartbeat.handle_timeout(end), Action::CheckOnce);
        assert_eq!(heartbeat.handle_timeout(end), Action::Dead);
    }

    #[test]
    fn any_sign_of_life_counts() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(config(100, None), start);
        for tick in 1..50 {
            let now = start + tick * 100 * MS;
            assert_eq!(heartbeat.handle_timeout(now), Action::SendPing, "{tick}");
            heartbeat.ping_sent(now);
            heartbeat.seen(now + 99 * MS);
        }
    }

    #[test]
    fn a_last_read_saves_the_peer() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(config(1000, Some(10)), start);
        heartbeat.ping_sent(start);
        let now = start + 15 * MS;
        assert_eq!(heartbeat.handle_timeout(now), Action::CheckOnce);
        heartbeat.seen(now);
        assert_eq!(heartbeat.handle_timeout(now), Action::None);
    }

    #[test]
    fn the_peers_wish_counts_without_an_interval_of_our_own() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(HeartbeatConfig::default(), start);
        assert_eq!(heartbeat.poll_timeout(), None);
        heartbeat.ping_received(start, Duration::ZERO);
        assert_eq!(heartbeat.poll_timeout(), None);
        heartbeat.ping_received(start, 300 * MS);
        let end = start + 300 * MS;
        assert_eq!(heartbeat.poll_timeout(), Some(end));
        assert_eq!(heartbeat.handle_timeout(end), Action::CheckOnce);
        assert_eq!(heartbeat.handle_timeout(end), Action::Dead);
        heartbeat.seen(end);
        assert_eq!(heartbeat.poll_timeout(), None);
    }

    #[test]
    fn a_lenient_one_gives_up_only_peers_that_were_heard_to_ping() {
        let start = Instant::now();
        let config = HeartbeatConfig { lenient: true, ..config(100, Some(250)) };
        let mut heartbeat = Heartbeat::new(config, start);
        for tick in 1..50 {
            let now = start + tick * 100 * MS;
            assert_eq!(heartbeat.handle_timeout(now), Action::SendPing, "{tick}");
            heartbeat.ping_sent(now);
        }
        let start = start + 4_950 * MS;
        heartbeat.seen(start);
        heartbeat.ping_received(start, Duration::ZERO);
        let ping = start + 50 * MS;
        assert_eq!(heartbeat.handle_timeout(ping), Action::SendPing);
        heartbeat.ping_sent(ping);
        let end = ping + 250 * MS;
        assert_eq!(heartbeat.handle_timeout(end), Action::CheckOnce);
        assert_eq!(heartbeat.handle_timeout(end), Action::Dead);
    }

    #[test]
    fn after_a_pause_of_our_own_the_peer_gets_its_time_anew_but_once() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(config(100, Some(100)), start);
        heartbeat.ping_sent(start);
        let late = start + 60_000 * MS;
        assert_eq!(heartbeat.handle_timeout(late), Action::CheckOnce);
        assert_eq!(heartbeat.handle_timeout(late), Action::SendPing);
        heartbeat.ping_sent(late);
        assert_eq!(heartbeat.handle_timeout(late), Action::None);
        let later = late + 60_000 * MS;
        assert_eq!(heartbeat.handle_timeout(later), Action::CheckOnce);
        assert_eq!(heartbeat.handle_timeout(later), Action::Dead);
    }

    #[test]
    fn extreme_durations_do_not_overflow() {
        let start = Instant::now();
        let config = HeartbeatConfig {
            interval: Some(Duration::MAX),
            ttl: Duration::MAX,
            timeout: Some(Duration::MAX),
            lenient: false,
        };
        let mut heartbeat = Heartbeat::new(config, start);
        heartbeat.ping_sent(start);
        heartbeat.ping_received(start, Duration::MAX);
        assert_eq!(heartbeat.poll_timeout(), None);
    }
}
