//! Compiles libzmq 4.3.5, optimised, with what its own configure step would find on Linux.
//!
//! The crate that carries the source defines only what it needs. Without the definitions here libzmq would wake its threads through
//! socket pairs instead of eventfds, and a comparison with it would flatter us.

/// What libzmq's configure step defines here and `zeromq-src` does not.
const LINUX: [&str; 12] = [
    "NDEBUG",
    "HAVE_ACCEPT4",
    "HAVE_CLOCK_GETTIME",
    "HAVE_FORK",
    "ZMQ_HAVE_EVENTFD",
    "ZMQ_HAVE_EVENTFD_CLOEXEC",
    "ZMQ_HAVE_IFADDRS",
    "ZMQ_HAVE_O_CLOEXEC",
    "ZMQ_HAVE_SOCK_CLOEXEC",
    "ZMQ_HAVE_SO_KEEPALIVE",
    "ZMQ_HAVE_SO_PEERCRED",
    "ZMQ_CACHELINE_SIZE=64",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let flags: Vec<String> = LINUX.iter().map(|name| format!("-D{name}")).collect();
    // SAFETY: this program has one thread.
    unsafe { std::env::set_var("CXXFLAGS", flags.join(" ")) };
    zeromq_src::Build::new().build();
}
