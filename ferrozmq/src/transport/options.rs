//! What a transport needs to know of a socket's options: a plain snapshot, taken when an endpoint is
//! bound or connected.
//!
//! Invariant: nothing here changes afterwards, so that a listener and the connections it accepts agree.
//! Checking ranges is not done here; values the kernel dislikes come back as its errors.

use ferrozmq_proto::option::Options;
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::sync::OnceLock;
use std::time::Duration;

/// The send buffer of ipc connections whose application chose none, in bytes. Unix sockets charge the
/// sender for every queued buffer, and the kernel's default stalls a fast sender early; the kernel caps
/// this at `net.core.wmem_max`.
pub const IPC_SEND_BUFFER: Choice<usize> = Choice(1024 * 1024);

/// Options of listeners and streams, with libzmq's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    /// `SO_SNDBUF` in bytes (`ZMQ_SNDBUF`); `None` is the kernel's choice (ipc: `ipc_sndbuf`).
    pub sndbuf: Option<usize>,
    /// What `sndbuf` is for ipc if it is not set; `None` is the kernel's choice.
    pub ipc_sndbuf: Option<usize>,
    /// `SO_RCVBUF` in bytes (`ZMQ_RCVBUF`).
    pub rcvbuf: Option<usize>,
    /// `IP_TOS` and `IPV6_TCLASS` (`ZMQ_TOS`); 0 leaves them alone.
    pub tos: u32,
    /// `SO_PRIORITY` (`ZMQ_PRIORITY`); 0 leaves it alone.
    pub priority: u32,
    /// `SO_BUSY_POLL` in microseconds (`ZMQ_BUSY_POLL`); 0 leaves it alone.
    pub busy_poll: i32,
    /// `SO_BINDTODEVICE` (`ZMQ_BINDTODEVICE`).
    pub bind_to_device: Option<String>,
    /// `SO_KEEPALIVE` and its times (`ZMQ_TCP_KEEPALIVE*`).
    pub keepalive: Keepalive,
    /// `TCP_USER_TIMEOUT` (`ZMQ_TCP_MAXRT`), in whole milliseconds.
    pub tcp_maxrt: Option<Duration>,
    /// `TCP_NOTSENT_LOWAT` in bytes: how much unsent output the kernel takes before it says "full", so
    /// that the rest waits where high-water marks count it. `None` is the kernel's choice.
    pub notsent_lowat: Option<u32>,
    /// Whether IPv6 may be used (`ZMQ_IPV6`).
    pub ipv6: bool,
    /// Connections the kernel completes ahead of [`accept`](super::Listener::accept) (`ZMQ_BACKLOG`).
    pub backlog: u32,
    /// A bound socket to listen with instead of making one (`ZMQ_USE_FD`); it becomes ours.
    pub use_fd: Option<RawFd>,
    /// Networks that may connect by tcp (`ZMQ_TCP_ACCEPT_FILTER`); none means all.
    pub accept_filters: Vec<(IpAddr, u8)>,
    /// Processes that may connect by ipc (`ZMQ_IPC_FILTER_PID`); see [`Self::ipc_filter_gids`].
    pub ipc_filter_pids: Vec<i32>,
    /// Users that may connect by ipc (`ZMQ_IPC_FILTER_UID`); see [`Self::ipc_filter_gids`].
    pub ipc_filter_uids: Vec<u32>,
    /// Groups whose members may connect by ipc (`ZMQ_IPC_FILTER_GID`). A peer passes if it matches any
    /// of the three lists, or if all three are empty.
    pub ipc_filter_gids: Vec<u32>,
    /// The SOCKS5 proxy to connect through (`ZMQ_SOCKS_PROXY` …).
    pub socks: Option<SocksProxy>,
    /// The congestion control of tcp connections within this host; `None` is the kernel's choice. A
    /// host-wide default made for long paths (bbr) paces its output and halves loopback's bandwidth.
    pub loopback_congestion: Option<&'static str>,
}

/// `SO_KEEPALIVE` and its times; `None` is the kernel's choice each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keepalive {
    /// Whether to probe an idle peer. The times below count only if this is on.
    pub on: Option<bool>,
    /// Unanswered probes before the connection is dead.
    pub count: Option<u32>,
    /// Seconds of silence before the first probe.
    pub idle_s: Option<u32>,
    /// Seconds between probes.
    pub interval_s: Option<u32>,
}

/// A SOCKS5 proxy. Its own address is resolved like any other.
#[derive(Clone, PartialEq, Eq)]
pub struct SocksProxy {
    /// `host:port`.
    pub address: String,
    /// User name; empty means no authentication.
    pub username: String,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for SocksProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the password: this ends up in logs.
        f.debug_struct("SocksProxy").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Loopback does best with the least clever one; `reno` is in every kernel and stands in for it.
pub const LOOPBACK_CONGESTION: Choice<&str> = Choice("cubic");

/// Something that nobody asked for, chosen because it is faster, unless the environment forbids it.
#[derive(Clone, Copy, Debug)]
pub struct Choice<T>(pub T);

impl<T> Choice<T> {
    /// The choice; `None`, which leaves it to the kernel, in an environment with [`SYSTEM_SOCKETS`].
    pub fn chosen(self) -> Option<T> {
        static LEFT_ALONE: OnceLock<bool> = OnceLock::new();
        let left_alone = LEFT_ALONE.get_or_init(|| forbids(std::env::var(SYSTEM_SOCKETS).ok().as_deref()));
        (!left_alone).then_some(self.0)
    }
}

/// The variable of the environment that, unless it is empty or 0, leaves congestion control and buffers of sockets to the system.
const SYSTEM_SOCKETS: &str = "FERROZMQ_SYSTEM_SOCKETS";

/// What the variable's value means.
fn forbids(value: Option<&str>) -> bool {
    value.is_some_and(|value| !matches!(value.trim(), "" | "0"))
}

/// libzmq's `ZMQ_BACKLOG`.
pub const DEFAULT_BACKLOG: u32 = 100;

impl From<&Options> for StreamOptions {
    fn from(options: &Options) -> Self {
        Self {
            sndbuf: options.sndbuf,
            ipc_sndbuf: IPC_SEND_BUFFER.chosen(),
            rcvbuf: options.rcvbuf,
            tos: options.tos,
            priority: options.priority,
            busy_poll: options.busy_poll,
            bind_to_device: options.bind_to_device.clone(),
            keepalive: Keepalive {
                on: options.tcp_keepalive,
                count: options.tcp_keepalive_cnt,
                idle_s: options.tcp_keepalive_idle,
                interval_s: options.tcp_keepalive_intvl,
            },
            tcp_maxrt: options.tcp_maxrt,
            notsent_lowat: (1..=SMALL_MARK).contains(&options.sndhwm).then_some(UNSENT_MAX),
            ipv6: options.ipv6,
            backlog: options.backlog,
            use_fd: options.use_fd,
            accept_filters: options.tcp_accept_filters.clone(),
            ipc_filter_pids: options.ipc_filter_pid.clone(),
            ipc_filter_uids: options.ipc_filter_uid.clone(),
            ipc_filter_gids: options.ipc_filter_gid.clone(),
            socks: options.socks_proxy.as_ref().map(|address| SocksProxy {
                address: address.clone(),
                username: options.socks_username.clone(),
                password: options.socks_password.clone(),
            }),
            loopback_congestion: LOOPBACK_CONGESTION.chosen(),
        }
    }
}

/// With a high-water mark up to this the application means to hold few messages back: the kernel shall not hold many more.
const SMALL_MARK: u32 = 64;
/// Bytes that the kernel then keeps unsent.
const UNSENT_MAX: u32 = 64 * 1024;

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            sndbuf: None,
            ipc_sndbuf: IPC_SEND_BUFFER.chosen(),
            rcvbuf: None,
            tos: 0,
            priority: 0,
            busy_poll: 0,
            bind_to_device: None,
            keepalive: Keepalive::default(),
            tcp_maxrt: None,
            notsent_lowat: None,
            ipv6: false,
            backlog: DEFAULT_BACKLOG,
            use_fd: None,
            accept_filters: Vec::new(),
            ipc_filter_pids: Vec::new(),
            ipc_filter_uids: Vec::new(),
            ipc_filter_gids: Vec::new(),
            socks: None,
            loopback_congestion: LOOPBACK_CONGESTION.chosen(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferrozmq_proto::SocketType;

    #[test]
    fn only_a_variable_that_says_something_forbids() {
        assert!(!forbids(None) && !forbids(Some("")) && !forbids(Some(" 0 ")));
        assert!(forbids(Some("1")) && forbids(Some("yes")));
    }

    #[test]
    fn defaults_agree_with_the_sockets() {
        assert_eq!(StreamOptions::from(&Options::new(SocketType::Dealer)), StreamOptions::default());
    }
}
