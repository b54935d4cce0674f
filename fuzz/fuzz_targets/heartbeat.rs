//! A heartbeat with any configuration, at any times: it asks for an end of asking, and kills nobody who was just heard.
//!
//! The input is interval, ttl and time-out, then records of a time that passes and what happens after it.
#![no_main]

use ferrozmq_fuzz::input::Input;
use ferrozmq_proto::zmtp::{Action, Heartbeat, HeartbeatConfig};
use libfuzzer_sys::fuzz_target;
use std::time::{Duration, Instant};

/// More than it may ask of its owner at one time.
const PATIENCE: usize = 8;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let time = |number: u8| Duration::from_millis(u64::from(number) * u64::from(number));
    let config = HeartbeatConfig {
        interval: Some(time(input.byte())).filter(|interval| !interval.is_zero()),
        ttl: time(input.byte()),
        timeout: Some(time(input.byte())).filter(|timeout| !timeout.is_zero()),
        lenient: input.byte() & 1 != 0,
    };
    let mut now = Instant::now();
    let mut heartbeat = Heartbeat::new(config, now);
    while !input.is_empty() {
        let (passed, what) = (time(input.byte()), input.byte());
        now += passed;
        let heard = what & 1 != 0;
        if heard {
            heartbeat.seen(now);
        }
        if what & 2 != 0 {
            heartbeat.ping_received(now, time(what >> 2));
        }
        if ask(&mut heartbeat, now, heard) {
            return;
        }
        assert!(heartbeat.poll_timeout().is_none_or(|at| at > now), "it wakes its owner for nothing");
    }
});

/// Does what it asks for; whether it gave the peer up.
fn ask(heartbeat: &mut Heartbeat, now: Instant, heard: bool) -> bool {
    for _ in 0..PATIENCE {
        match heartbeat.handle_timeout(now) {
            Action::None => return false,
            Action::SendPing => heartbeat.ping_sent(now),
            Action::CheckOnce => assert!(!heard || heartbeat.poll_timeout().is_some()),
            Action::Dead => {
                assert!(!heard, "it was heard a moment ago");
                return true;
            }
        }
    }
    panic!("it asks without end");
}
