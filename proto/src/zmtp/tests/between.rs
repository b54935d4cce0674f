//! Somebody between two ends of CURVE who changes, repeats, swaps and cuts what they say; `FERROZMQ_SOAK_CURVE` says at compile time how often.
//!
//! Each attempt is a connection of its own with one offence. None may make its victim accept anything: no answer to a handshake's
//! command, no READY, no message that was not sent, none twice, none out of order. And the connection is to end, unless the
//! victim waits for the rest of a frame that the offence has made longer. The numbers are a fixed sequence.

use super::curve::{Transcript, finished_with};
use super::*;
use std::ops::Range;

/// Attempts when nobody says how many.
const FEW: u64 = 3000;
/// Messages of a connection; the offence is against one of them or against a command of the handshake.
const MESSAGES: usize = 3;
/// Bodies of messages have one byte more than one of these.
const LENGTHS: [usize; 5] = [0, 5, 40, 300, 9000];

/// Bytes of HELLO's frame that nobody looks at, as in libzmq.
const HELLO_PADDING: Range<usize> = 2 + 8..2 + 80;

/// What can be done to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offence {
    FlipBit,
    SetByte,
    CutTail,
    CutHead,
    Append,
    Insert,
    Zero,
    Swap,
    Repeat,
    SkipAndReturn,
    OtherConnection,
    Reflect,
    RaiseCounter,
    Splice,
    Unencrypted,
}

const OFFENCES: [Offence; 15] = [
    Offence::FlipBit,
    Offence::SetByte,
    Offence::CutTail,
    Offence::CutHead,
    Offence::Append,
    Offence::Insert,
    Offence::Zero,
    Offence::Swap,
    Offence::Repeat,
    Offence::SkipAndReturn,
    Offence::OtherConnection,
    Offence::Reflect,
    Offence::RaiseCounter,
    Offence::Splice,
    Offence::Unencrypted,
];

/// A sequence of numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) as usize % limit.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Refused,
    Waits,
    /// The offence was against bytes that say nothing: the outer frame's flags, HELLO's padding; or it changed nothing.
    Harmless,
}

#[test]
fn nothing_changed_or_repeated_is_accepted() {
    let wanted = option_env!("FERROZMQ_SOAK_CURVE").and_then(|count| count.parse().ok());
    let mut random = Random(0x0dd0_5eed_0dd0_5eed);
    let (client, _, old) = finished_with([91, 92]);
    let mut recorded = client.split().1;
    let recorded: Vec<Vec<u8>> =
        (0..MESSAGES).map(|number| seal(&mut recorded, &Message::from(vec![number as u8; 40]))).collect();
    let (mut refused, mut waiting, mut harmless) = (0_u64, 0_u64, 0_u64);
    let mut by_kind = [0_u64; OFFENCES.len()];
    while refused + waiting < wanted.unwrap_or(FEW) {
        let kind = random.below(OFFENCES.len());
        let end = if random.below(4) == 0 {
            against_handshake(&mut random, OFFENCES[kind], &old)
        } else {
            against_traffic(&mut random, OFFENCES[kind], &recorded)
        };
        match end {
            End::Refused => refused += 1,
            End::Waits => waiting += 1,
            End::Harmless => harmless += 1,
        }
        by_kind[kind] += u64::from(end != End::Harmless);
    }
    assert!(by_kind.iter().all(|count| *count > 0), "{by_kind:?}");
    println!(
        "0 of {} accepted: {refused} refused, {waiting} wait for more; beside them {harmless} said nothing",
        refused + waiting
    );
    OFFENCES.iter().zip(by_kind).for_each(|(kind, count)| println!("  {kind:?} {count}"));
}

/// An offence against one of the handshake's four commands.
fn against_handshake(random: &mut Random, kind: Offence, old: &Transcript) -> End {
    let seeds = [random.byte() % 64, 64 + random.byte() % 16];
    let target = random.below(4);
    let (mut client, mut server, good) = stopped_before(seeds, target);
    let earlier = if target > 0 { stopped_command(old, target - 1) } else { &good[..] };
    let bad = apply(random, kind, &good, earlier, stopped_command(old, target), b"");
    // A connection's first HELLO is one, whoever says it: the answer is of use to nobody but who has its key.
    let a_hello = target == 0 && bad == old.hello;
    let in_padding = target == 0 && bad.len() == good.len() && differ_within(&bad, &good, HELLO_PADDING);
    let listener = if target.is_multiple_of(2) { &mut server } else { &mut client };
    let answer = listener.feed(&bad);
    if bad == good || a_hello || in_padding {
        return End::Harmless;
    }
    match answer {
        Err(_) => End::Refused,
        Ok(_) if kind == Offence::Repeat => {
            assert!(target >= 2, "HELLO or WELCOME twice");
            let (mut receiver, _, _, mut input) =
                if target.is_multiple_of(2) { server } else { client }.split();
            assert!(receiver.receive(&mut input).is_err(), "command {target} twice");
            End::Refused
        }
        // Another form of C', the bit that X25519 ignores: its box opens, but the vouch is about the form that the client knows.
        Ok(welcome) if target == 0 && !welcome.is_empty() => {
            let initiate = client.feed(&welcome).expect("a WELCOME for its key");
            assert!(server.feed(&initiate).is_err(), "{kind:?} of HELLO was taken");
            End::Refused
        }
        Ok(sent) => {
            assert!(!listener.link.is_ready(), "{kind:?} of command {target} made it ready");
            assert!(sent.is_empty(), "{kind:?} of command {target} was answered");
            End::Waits
        }
    }
}

/// An offence against a message, in a connection that has delivered those before.
fn against_traffic(random: &mut Random, kind: Offence, recorded: &[Vec<u8>]) -> End {
    let seeds = [random.byte() % 64, 64 + random.byte() % 16];
    let (client, server, transcript) = finished_with(seeds);
    let from_client = random.below(2) == 0;
    let (one, other) =
        if from_client { (client.split(), server.split()) } else { (server.split(), client.split()) };
    let ((_, mut sender, ..), (mut receiver, mut reflector, _, mut input)) = (one, other);
    let sent: Vec<Message> = (0..MESSAGES)
        .map(|number| {
            Message::from([vec![number as u8], vec![7; LENGTHS[random.below(LENGTHS.len())]]].concat())
        })
        .collect();
    let sealed: Vec<Vec<u8>> = sent.iter().map(|message| seal(&mut sender, message)).collect();
    let target = random.below(MESSAGES);
    let other = &sealed[(target + 1) % MESSAGES];
    let foreign = if random.below(2) == 0 { &recorded[target] } else { &transcript.initiate };
    let reflected = seal(&mut reflector, &sent[target]);
    let bad = match kind {
        Offence::SkipAndReturn if target > 0 => sealed[target - 1].clone(),
        Offence::Repeat => [&sealed[target][..], &sealed[target]].concat(),
        Offence::Swap if target + 1 < MESSAGES => [&sealed[target + 1][..], &sealed[target]].concat(),
        Offence::Unencrypted => plain(&sent[target]),
        _ => apply(random, kind, &sealed[target], other, foreign, &reflected),
    };
    sealed[..target].iter().for_each(|frame| input.extend_from_slice(frame));
    let before = drain(&mut receiver, &mut input).expect("these are good");
    input.extend_from_slice(&bad);
    let (mut after, mut fault) = (Vec::new(), None);
    loop {
        match receiver.receive(&mut input) {
            Ok(Some(received)) => after.push(received),
            Ok(None) => break,
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    check_delivered(&sent, events(before).into_iter().chain(events(after)), kind);
    match fault {
        Some(_) => End::Refused,
        None if input.is_empty() && !receiver.holds_input() => End::Harmless,
        None => End::Waits,
    }
}

/// Only what was sent, in its order, none twice.
fn check_delivered(sent: &[Message], got: impl Iterator<Item = Event>, kind: Offence) {
    let mut rest = sent.iter();
    for event in got {
        let Event::Message(message) = event else { panic!("{kind:?}: nobody sent {event:?}") };
        assert!(rest.any(|known| *known == message), "{kind:?}: a message that was not sent, or not now");
    }
}

/// `good` with this offence; the other arguments are what some need.
fn apply(
    random: &mut Random,
    kind: Offence,
    good: &[u8],
    other: &[u8],
    foreign: &[u8],
    reflected: &[u8],
) -> Vec<u8> {
    let mut bad = good.to_vec();
    let place = random.below(good.len());
    match kind {
        Offence::FlipBit => bad[place] ^= 1 << random.below(8),
        Offence::SetByte => bad[place] = random.byte(),
        Offence::CutTail => bad = framed(good, |body| body.truncate(random.below(body.len()))),
        Offence::CutHead => bad = framed(good, |body| drop(body.drain(..1 + random.below(body.len() - 1)))),
        Offence::Append => {
            bad = framed(good, |body| body.resize(body.len() + 1 + random.below(40), random.byte()))
        }
        Offence::Insert => bad = framed(good, |body| body.insert(random.below(body.len()), random.byte())),
        Offence::Zero => {
            bad = framed(good, |body| {
                let place = random.below(body.len() - 8);
                body[place..place + 8].fill(0);
            })
        }
        Offence::RaiseCounter => {
            bad = framed(good, |body| {
                // MESSAGE's counter; in a handshake's commands some other byte.
                let place = (8 + random.below(8)).min(body.len() - 1);
                body[place] = body[place].wrapping_add(1);
            })
        }
        Offence::Splice => {
            let (len, place) = (good.len().min(other.len()), place.max(3));
            if place < len {
                bad[place..len].copy_from_slice(&other[place..len]);
            } else {
                bad[place] ^= 0xff;
            }
        }
        Offence::Swap | Offence::SkipAndReturn => bad = other.to_vec(),
        Offence::Repeat => bad.extend_from_slice(good),
        Offence::OtherConnection => bad = foreign.to_vec(),
        Offence::Reflect if !reflected.is_empty() => bad = reflected.to_vec(),
        Offence::Reflect => bad = other.to_vec(),
        Offence::Unencrypted => bad = ready(&[("Socket-Type", b"DEALER")]),
    }
    bad
}

/// The frame with its body changed, and a length that fits.
fn framed(frame: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let framing::Header::Frame { header_len, .. } = framing::parse_header(frame) else { panic!("a frame") };
    let mut body = frame[header_len..].to_vec();
    change(&mut body);
    let long = body.len() > 255;
    let mut out = vec![(frame[0] & !2) | if long { 2 } else { 0 }];
    if long {
        out.extend_from_slice(&(body.len() as u64).to_be_bytes());
    } else {
        out.push(body.len() as u8);
    }
    out.extend_from_slice(&body);
    out
}

fn differ_within(one: &[u8], other: &[u8], allowed: Range<usize>) -> bool {
    one.iter().zip(other).enumerate().all(|(at, (a, b))| a == b || allowed.contains(&at))
}

fn stopped_command(transcript: &Transcript, number: usize) -> &[u8] {
    [&transcript.hello, &transcript.welcome, &transcript.initiate, &transcript.ready][number]
}

/// Client and server when command `number` was said and not yet heard, and that command.
fn stopped_before(seeds: [u8; 2], number: usize) -> (Side, Side, Vec<u8>) {
    let (mut client, mut server, mut said) = super::curve::pair_with(seeds);
    for step in 0..number {
        let listener = if step % 2 == 0 { &mut server } else { &mut client };
        said = listener.feed(&said).expect("a good command");
    }
    (client, server, said)
}

fn plain(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    framing::encode(message, &mut bytes);
    bytes
}

fn seal(sender: &mut Sender, message: &Message) -> Vec<u8> {
    let mut wire = Vec::new();
    sender.seal(&plain(message), &mut wire);
    wire
}
