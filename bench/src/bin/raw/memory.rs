//! The limit of inproc: two rings of slots between two threads that never sleep.
//!
//! A thread that finds nothing looks again a little later each time: asking for every message as soon as it is there makes two cores
//! take the same cache line from each other for each of them. A message is copied into its slot and out of it; one longer than a slot is declined.

use ferrozmq_bench::CANNOT;
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::{Arc, Mutex};

/// The longest message.
const LONGEST: usize = 64;
/// Slots of each ring: as many as libzmq's two default high-water marks allow.
const SLOTS: usize = 2048;
/// The longest pause between two looks, in spins.
const LONGEST_PAUSE: u32 = 256;

/// Where the end that connects finds what the end that bound has left for it.
pub type Place = Arc<Mutex<Option<Memory>>>;

#[derive(Clone, Copy)]
struct Slot {
    length: u8,
    body: [u8; LONGEST],
}

/// One end.
pub struct Memory {
    outward: Producer<Slot>,
    inward: Consumer<Slot>,
}

impl Memory {
    /// Makes both ends, keeps one and leaves the other at `place`.
    pub fn bind(place: &Place) -> Result<Memory, String> {
        let (here, there) = (RingBuffer::new(SLOTS), RingBuffer::new(SLOTS));
        let other = Memory { outward: there.0, inward: here.1 };
        *place.lock().map_err(|error| error.to_string())? = Some(other);
        Ok(Memory { outward: here.0, inward: there.1 })
    }

    /// The other end.
    pub fn connect(place: &Place) -> Result<Memory, String> {
        place.lock().map_err(|error| error.to_string())?.take().ok_or_else(|| "nobody has bound".to_owned())
    }

    /// Waits for a slot and fills it.
    pub fn send(&mut self, body: &[u8]) -> Result<(), String> {
        if body.len() > LONGEST {
            return Err(format!("{CANNOT} carry more than {LONGEST} bytes in a slot"));
        }
        let mut slot = Slot { length: body.len() as u8, body: [0; LONGEST] };
        slot.body[..body.len()].copy_from_slice(body);
        let mut pause = 1;
        while self.outward.push(slot).is_err() {
            wait(&mut pause);
        }
        Ok(())
    }

    /// Waits for a full slot and shows it.
    pub fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        let mut pause = 1;
        loop {
            if let Ok(slot) = self.inward.pop() {
                return Ok(look(&slot.body[..usize::from(slot.length)]));
            }
            wait(&mut pause);
        }
    }
}

fn wait(pause: &mut u32) {
    (0..*pause).for_each(|_| std::hint::spin_loop());
    *pause = (*pause * 2).min(LONGEST_PAUSE);
}
