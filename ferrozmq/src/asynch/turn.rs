//! How long a task may go on without giving way.
//!
//! A future that is ready at once keeps its task running, and a task that is never kept waiting, by a peer who sends without pause maybe,
//! would keep its thread from all others. So a thread that completes [`TURN`] of our futures in a row gives its executor a turn: the
//! next future does nothing, says that it is to be polled again, and returns.

use std::cell::Cell;
use std::task::{Context, Poll};

/// Futures completed in a row. Giving way costs up to a microsecond.
const TURN: u32 = 256;

thread_local! {
    static LEFT: Cell<u32> = const { Cell::new(TURN) };
}

/// Pending, and woken, if it is the others' turn. Ask before anything is done.
#[inline]
pub(super) fn poll_proceed(cx: &mut Context<'_>) -> Poll<()> {
    match LEFT.get() {
        0 => {
            waited();
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        left => {
            LEFT.set(left - 1);
            Poll::Ready(())
        }
    }
}

/// A future has to wait: its executor has a turn anyway.
#[inline]
pub(super) fn waited() {
    LEFT.set(TURN);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    #[test]
    fn one_poll_in_so_many_gives_way() {
        let mut cx = Context::from_waker(Waker::noop());
        waited();
        let proceeded = (0..=TURN).filter(|_| poll_proceed(&mut cx).is_ready()).count();
        assert_eq!(proceeded, TURN as usize);
        assert!(poll_proceed(&mut cx).is_ready());
    }
}
