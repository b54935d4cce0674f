//! Subscriptions that XPUB's application has not read yet.
//!
//! Bounded per peer and in total, so that a peer that subscribes and cancels in a loop, or that comes and goes, cannot
//! fill the memory. Invariant: `bytes` is the cost of the queue, `accounts[pipe].bytes` that of the present peer's share.

use super::PipeId;
use crate::Message;
use std::collections::VecDeque;

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Notices {
    queue: VecDeque<Notice>,
    bytes: usize,
    /// By pipe.
    accounts: Vec<Account>,
}

/// One unread subscription or cancellation.
#[derive(Debug)]
struct Notice {
    /// Whose it is, and which in a row of peers at that pipe; `None` if the socket itself made it.
    from: Option<(PipeId, u32)>,
    message: Message,
}

#[derive(Clone, Copy, Debug, Default)]
struct Account {
    bytes: usize,
    generation: u32,
}

impl Notices {
    /// Most bytes of unread notices from one peer, each counted with [`COST`](Self::COST) more.
    pub const BYTES_PER_PEER: usize = 256 << 20;
    /// The same from all peers, gone ones included.
    pub const BYTES: usize = 1 << 30;
    /// The same with the cancellations that follow from the loss of peers.
    pub const BYTES_WITH_LOST: usize = 1536 << 20;
    /// What a notice costs beside its topic's own length, in bytes.
    pub const COST: usize = 128;

    /// Adds what the peer at `pipe` asked for; `false` if too much is unread.
    #[must_use]
    pub fn push(&mut self, pipe: PipeId, message: Message) -> bool {
        let cost = cost(&message);
        let index = pipe.0 as usize;
        if self.accounts.len() <= index {
            self.accounts.resize(index + 1, Account::default());
        }
        let account = &mut self.accounts[index];
        if account.bytes + cost > Self::BYTES_PER_PEER || self.bytes + cost > Self::BYTES {
            return false;
        }
        account.bytes += cost;
        self.bytes += cost;
        self.queue.push_back(Notice { from: Some((pipe, account.generation)), message });
        true
    }

    /// Adds what follows from the loss of a peer; `false` if too much is unread.
    #[must_use]
    pub fn push_own(&mut self, message: Message) -> bool {
        let cost = cost(&message);
        let space = self.bytes + cost <= Self::BYTES_WITH_LOST;
        if space {
            self.bytes += cost;
            self.queue.push_back(Notice { from: None, message });
        }
        space
    }

    /// The oldest notice, and whose it is if that peer is still there.
    pub fn pop(&mut self) -> Option<(Option<PipeId>, Message)> {
        let Notice { from, message } = self.queue.pop_front()?;
        let cost = cost(&message);
        self.bytes -= cost;
        let Some((pipe, generation)) = from else { return Some((None, message)) };
        let account = self.accounts.get_mut(pipe.0 as usize).filter(|own| own.generation == generation);
        let Some(account) = account else { return Some((None, message)) };
        account.bytes -= cost;
        Some((Some(pipe), message))
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The peer at `pipe` is gone: its unread notices stay, but are nobody's.
    pub fn orphan(&mut self, pipe: PipeId) {
        if let Some(account) = self.accounts.get_mut(pipe.0 as usize) {
            *account = Account { bytes: 0, generation: account.generation.wrapping_add(1) };
        }
    }
}

fn cost(message: &Message) -> usize {
    message.size() + Notices::COST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_floods_is_told_apart_from_the_others() {
        let mut notices = Notices::default();
        let shared = Message::from(vec![1; 64 << 20]);
        let mut accepted = 0;
        while notices.push(PipeId(1), shared.clone()) {
            accepted += 1;
        }
        assert_eq!(accepted, 3, "256 MiB hold three topics of 64 MiB and their overhead");
        assert!(notices.push(PipeId(2), Message::from("a")));
        for _ in 0..accepted {
            assert_eq!(notices.pop().unwrap().0, Some(PipeId(1)));
        }
        assert!(notices.push(PipeId(1), shared.clone()));
    }

    #[test]
    fn notices_of_a_lost_peer_stay_and_do_not_burden_its_successor() {
        let mut notices = Notices::default();
        assert!(notices.push(PipeId(1), Message::from("a")));
        notices.orphan(PipeId(1));
        assert!(notices.push(PipeId(1), Message::from("b")));
        assert_eq!(notices.pop(), Some((None, Message::from("a"))));
        assert_eq!(notices.pop(), Some((Some(PipeId(1)), Message::from("b"))));
        assert!(notices.is_empty());
        assert_eq!((notices.bytes, notices.accounts[1].bytes), (0, 0));
    }
}
