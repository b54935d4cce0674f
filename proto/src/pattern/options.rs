//! The options that change what a pattern does.
//!
//! Plain data, already validated: ranges, numbers and names are the option table's business.

use crate::option::RouterNotify;
use bytes::Bytes;

/// What an application may set about a socket's pattern; [`Default`] gives libzmq's defaults.
///
/// Every field names libzmq's option without `ZMQ_`; its meaning is that of `zmq_setsockopt(3)`
/// unless the comment says otherwise. Empty bytes mean the same as none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one of libzmq's switches")]
pub struct PatternOptions {
    /// ROUTER: an unroutable message is refused instead of dropped.
    pub router_mandatory: bool,
    /// ROUTER: a peer that announces a routing id in use takes it over.
    pub router_handover: bool,
    /// ROUTER: peers are raw TCP connections, as with STREAM.
    pub router_raw: bool,
    /// ROUTER: an empty message tells of each new or lost peer.
    pub router_notify: RouterNotify,
    /// REQ, REP, DEALER, ROUTER: send an empty message to each new peer.
    pub probe_router: bool,
    /// REQ: match replies to requests by a request id.
    pub req_correlate: bool,
    /// REQ: a new request may be sent before the reply to the last has come.
    pub req_relaxed: bool,
    /// XPUB: pass on duplicate subscriptions.
    pub xpub_verbose: bool,
    /// XPUB: pass on duplicate subscriptions and every unsubscription.
    pub xpub_verboser: bool,
    /// PUB, XPUB: refuse to send instead of dropping at the high-water mark.
    pub xpub_nodrop: bool,
    /// PUB, XPUB: the application decides about subscriptions.
    pub xpub_manual: bool,
    /// The same, and a message sent right after a subscription goes to that subscriber alone.
    pub xpub_manual_last_value: bool,
    /// PUB, XPUB: sent to each new subscriber.
    pub xpub_welcome_msg: Option<Bytes>,
    /// PUB, XPUB, SUB: what matches is not delivered, what does not match is.
    pub invert_matching: bool,
    /// XPUB, XSUB: only a message's first part can make it a subscription.
    pub only_first_subscribe: bool,
    /// XSUB: pass on unsubscriptions that are not the last of their topic.
    pub xsub_verbose_unsubscribe: bool,
    /// STREAM: an empty message tells of each connection and its end.
    pub stream_notify: bool,
    /// ROUTER: received when an accepted peer is gone.
    pub disconnect_msg: Option<Bytes>,
    /// DEALER: received when a connection that we made is lost.
    pub hiccup_msg: Option<Bytes>,
    /// PUB, XPUB: the topics that one peer may be subscribed to; `None` for no limit.
    pub max_subscriptions: Option<u64>,
    /// PUB, XPUB: what they may cost, in bytes, each with 256 more than its topic; `None` for no limit.
    pub max_subscription_bytes: Option<u64>,
}

impl Default for PatternOptions {
    fn default() -> PatternOptions {
        PatternOptions {
            router_mandatory: false,
            router_handover: false,
            router_raw: false,
            router_notify: RouterNotify::default(),
            probe_router: false,
            req_correlate: false,
            req_relaxed: false,
            xpub_verbose: false,
            xpub_verboser: false,
            xpub_nodrop: false,
            xpub_manual: false,
            xpub_manual_last_value: false,
            xpub_welcome_msg: None,
            invert_matching: false,
            only_first_subscribe: false,
            xsub_verbose_unsubscribe: false,
            stream_notify: true,
            disconnect_msg: None,
            hiccup_msg: None,
            max_subscriptions: None,
            max_subscription_bytes: Some(1 << 30),
        }
    }
}
