//! Messages that a pattern makes or uses up by itself: what an exact account needs besides those sent, received and lost.

/// How messages began or ended otherwise than by being sent, received or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Entry {
    /// Went out though the application had not sent it: one more copy for one more peer, or a greeting.
    Added,
    /// Was sent and went out as something else: an XSUB's subscription, the request to close a raw connection.
    Command,
    /// Is for the application to receive though no peer had sent it: a notice about a peer.
    Notice,
    /// Arrived and was something else: subscriptions.
    Consumed,
}
