//! Compiles libzmq 4.3.5 with libsodium, optimised, with what its own configure step would find on Linux, and links it as a shared
//! library, whose path the program gets as `ORIGINAL_LIBZMQ`.
//!
//! The crate that carries the source defines only what it needs. Without the definitions here libzmq would wake its threads through
//! socket pairs instead of eventfds, and a comparison with it would flatter us.

use std::path::{Path, PathBuf};
use std::process::Command;

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
    // Hidden, as its own build hides them: else libzmq would call its own functions through the linker's table.
    // SAFETY: this program has one thread.
    unsafe { std::env::set_var("CXXFLAGS", format!("-fPIC -fvisibility=hidden {}", flags.join(" "))) };
    let sodium = folder("DEP_SODIUM_LIB");
    let location = zeromq_src::LibLocation::new(&sodium, folder("DEP_SODIUM_INCLUDE"));
    zeromq_src::Build::new().with_libsodium(Some(location)).build();
    let out = folder("OUT_DIR");
    let library = out.join("libzmq.so.5");
    link(&out.join("lib/libzmq.a"), &sodium.join("libsodium.a"), &library);
    println!("cargo:rustc-env=ORIGINAL_LIBZMQ={}", library.display());
}

/// The folder that cargo tells us in the variable `name`.
fn folder(name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}")))
}

/// Makes a shared library of all of `archive`, and of what it needs of `sodium`.
fn link(archive: &Path, sodium: &Path, library: &Path) {
    let mut linker = Command::new("g++");
    linker.args(["-shared", "-Wl,-soname,libzmq.so.5", "-Wl,--exclude-libs,libsodium.a", "-o"]).arg(library);
    linker.arg("-Wl,--whole-archive").arg(archive).arg("-Wl,--no-whole-archive").arg(sodium);
    linker.args(["-lpthread", "-lrt"]);
    let status = linker.status().expect("zeromq-src has just used g++");
    assert!(status.success(), "g++ does not link libzmq as a shared library: {status}");
}
