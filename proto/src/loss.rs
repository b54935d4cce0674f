//! The ways in which a message may not reach the application it was meant for, and their counts.
//!
//! Two tables: what is [`Dropped`] on its way out, at the sender, and what is [`Discarded`] on its way in, at the
//! receiver. Each message that is lost is counted once, at one end, under one reason. Nothing here decides.

/// An enum of reasons, and a struct with a count for each.
macro_rules! losses {
    (
        $(#[$on_reason:meta])* $reason:ident;
        $(#[$on_counts:meta])* $counts:ident;
        $( $(#[$doc:meta])* $variant:ident = $field:ident, )+
    ) => {
        $(#[$on_reason])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $reason { $( $(#[$doc])* $variant, )+ }

        impl $reason {
            /// Every reason, in the order in which they are told.
            pub const ALL: &[$reason] = &[$( $reason::$variant, )+];

            /// Its name in reports: short, in lower case, and the same for ever.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $( $reason::$variant => stringify!($field), )+ }
            }
        }

        $(#[$on_counts])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $counts { $( $(#[$doc])* pub $field: u64, )+ }

        impl $counts {
            /// Counts `count` more messages that were lost for this reason.
            pub fn note(&mut self, why: $reason, count: u64) {
                match why { $( $reason::$variant => self.$field += count, )+ }
            }

            /// How many were lost for this reason.
            #[must_use]
            pub fn of(&self, why: $reason) -> u64 {
                match why { $( $reason::$variant => self.$field, )+ }
            }

            /// All of them together.
            #[must_use]
            pub fn total(&self) -> u64 {
                0 $( + self.$field )+
            }

            /// Each reason's name, and how many were lost for it.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$( (stringify!($field), self.$field), )+].into_iter()
            }
        }

        impl std::ops::AddAssign for $counts {
            fn add_assign(&mut self, other: $counts) {
                $( self.$field += other.$field; )+
            }
        }
    };
}

losses! {
    /// Why a message that a send call had accepted was dropped before it left.
    Dropped;
    /// Messages that send calls had accepted and that were dropped before they left, by reason.
    Drops;
    /// The peer's high-water mark was reached, and the socket's type drops then.
    HighWaterMark = hwm,
    /// There was no peer, and the socket's type drops then.
    NoPeer = no_peer,
    /// A publisher's message that no peer has subscribed to.
    Unmatched = unmatched,
    /// No peer has this routing id.
    Unroutable = unroutable,
    /// The peer was gone for good while the message waited for it.
    Disconnected = disconnected,
    /// The socket was closed, and its linger was over before the message could leave.
    Linger = linger,
    /// A newer one took its place (`ZMQ_CONFLATE`).
    Conflated = conflated,
    /// The request was given up, by its time-out or by whoever asked, before there was a peer to send it to.
    Withdrawn = withdrawn,
    /// It is not what the pattern demands: nothing behind the routing id.
    Malformed = malformed,
    /// The socket was closed before the message's last part was sent.
    Unfinished = unfinished,
}

losses! {
    /// Why a message that had arrived was discarded before a receive call returned it.
    Discarded;
    /// Messages that had arrived and that were discarded before a receive call returned them, by reason.
    Discards;
    /// No subscription matches.
    Filtered = filtered,
    /// Its envelope is not what the pattern demands (RFC 28).
    Malformed = malformed,
    /// Nobody waits for it: a late reply, or a message to a socket that never receives.
    Unsolicited = unsolicited,
    /// A newer one took its place (`ZMQ_CONFLATE`).
    Conflated = conflated,
    /// The socket was closed, or its endpoint withdrawn, before the message was received.
    Closed = closed,
    /// It came from a peer that may not take part: a second one of a PAIR, one with a routing id in use.
    Refused = refused,
    /// One of the socket's own notices about its peers, of which too many wait to be received.
    Overflow = overflow,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_and_a_count_of_its_own() {
        let mut drops = Drops::default();
        for (n, why) in Dropped::ALL.iter().enumerate() {
            drops.note(*why, n as u64 + 1);
        }
        for (n, (why, told)) in Dropped::ALL.iter().zip(drops.iter()).enumerate() {
            assert_eq!((told, drops.of(*why)), ((why.name(), n as u64 + 1), n as u64 + 1));
        }
        let mut twice = drops;
        twice += drops;
        assert_eq!(twice.total(), 2 * drops.total());
        assert_eq!(Discards::default().iter().count(), Discarded::ALL.len());
    }
}
