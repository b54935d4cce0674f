//! How long to wait before a lost or refused connection is dialled anew.
//!
//! The pause doubles from `ZMQ_RECONNECT_IVL` up to `ZMQ_RECONNECT_IVL_MAX`, and is drawn at random
//! from an interval, so that a thousand clients of a server that restarted do not return in step.
//! Randomness is an argument, time is not needed. It does not know what failed: a refused dial and
//! a failed handshake are the same to it, and only a handshake that succeeded starts it over.

use std::time::Duration;

use crate::Options;

/// The pauses between the dials of one endpoint.
///
/// Call [`pause`](Self::pause) after each failure and [`reset`](Self::reset) when a connection
/// reached READY, not earlier: a peer that accepts and then refuses must not be hammered. libzmq
/// starts over at each dial, and has no jitter while it doubles.
#[derive(Clone, Debug)]
pub struct Backoff {
    initial: Option<Duration>,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// The shortest pause whatever was asked for: an interval of 0 must not become a busy loop.
    pub const SHORTEST: Duration = Duration::from_millis(1);

    /// Pauses from `initial` (`None`: never dial anew) that double up to `max`; a `max` that is not
    /// above `initial` means no doubling.
    #[must_use]
    pub fn new(initial: Option<Duration>, max: Duration) -> Backoff {
        Backoff { initial: initial.map(|initial| initial.max(Self::SHORTEST)), max, failures: 0 }
    }

    /// The pauses that a socket's options ask for.
    #[must_use]
    pub fn from_options(options: &Options) -> Backoff {
        Backoff::new(options.reconnect_ivl, options.reconnect_ivl_max)
    }

    /// The pause after one more failure; `None` is never. `random` is any uniformly random number.
    ///
    /// Without doubling it lies in `initial .. 2 * initial`, as libzmq's. With doubling, after `n`
    /// failures before, in `initial * 2^n .. initial * 2^(n + 1)`, and in the end in `max / 2 ..= max`.
    #[must_use]
    pub fn pause(&mut self, random: u64) -> Option<Duration> {
        let initial = self.initial?;
        let (low, high) = if self.max <= initial {
            (initial, initial.saturating_mul(2))
        } else {
            let base = initial.saturating_mul(2_u32.saturating_pow(self.failures));
            (base.min(self.max / 2).max(initial), base.saturating_mul(2).min(self.max))
        };
        self.failures = self.failures.saturating_add(1);
        Some(low.saturating_add(share(high.saturating_sub(low), random)))
    }

    /// Starts over: a connection reached READY.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// How many failures there were since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

/// `span` times `random / 2^64`.
fn share(span: Duration, random: u64) -> Duration {
    let span = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    let product = u128::from(span) * u128::from(random);
    Duration::from_nanos(u64::try_from(product >> 64).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn bounds(backoff: &mut Backoff) -> (u128, u128) {
        let low = backoff.clone().pause(0).unwrap().as_millis();
        (low, backoff.pause(u64::MAX).unwrap().as_micros().div_ceil(1000))
    }

    #[test]
    fn without_a_maximum_the_pause_stays_between_one_and_two_intervals() {
        for max in [ms(0), ms(50), ms(100)] {
            let mut backoff = Backoff::new(Some(ms(100)), max);
            for _ in 0..100 {
                assert_eq!(bounds(&mut backoff), (100, 200));
            }
        }
    }

    #[test]
    fn with_a_maximum_it_doubles_and_keeps_its_jitter_at_the_top() {
        let mut backoff = Backoff::new(Some(ms(100)), ms(1000));
        let seen: Vec<_> = (0..6).map(|_| bounds(&mut backoff)).collect();
        assert_eq!(seen, [(100, 200), (200, 400), (400, 800), (500, 1000), (500, 1000), (500, 1000)]);
        assert_eq!(backoff.failures(), 6);
        backoff.reset();
        assert_eq!(bounds(&mut backoff), (100, 200));
        assert_eq!(bounds(&mut Backoff::new(Some(ms(100)), ms(150))), (100, 150));
    }

    #[test]
    fn never_is_never_and_zero_is_not_a_busy_loop() {
        assert_eq!(Backoff::new(None, ms(1000)).pause(7), None);
        assert_eq!(Backoff::new(Some(ms(0)), ms(0)).pause(0), Some(Backoff::SHORTEST));
        let mut options = Options::new(crate::SocketType::Req);
        assert!(Backoff::from_options(&options).pause(0) == Some(ms(100)));
        options.reconnect_ivl = None;
        assert_eq!(Backoff::from_options(&options).pause(0), None);
    }

    proptest! {
        #[test]
        fn no_pause_is_shorter_than_the_interval_or_longer_than_the_maximum(
            initial in 0..u64::MAX / 4, max in any::<u64>(), rounds in 1..200_u32, random: u64,
        ) {
            let (initial, max) = (Duration::from_nanos(initial), Duration::from_nanos(max));
            let mut backoff = Backoff::new(Some(initial), max);
            for _ in 0..rounds {
                let pause = backoff.pause(random).unwrap();
                let initial = initial.max(Backoff::SHORTEST);
                prop_assert!(pause >= initial && pause <= max.max(initial * 2), "{pause:?}");
            }
        }
    }
}
