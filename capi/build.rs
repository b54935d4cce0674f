//! How the shared library is linked: under libzmq's name, and never unloaded.
//!
//! What it exports needs no list here: rustc exports the functions of this crate that are `#[no_mangle]`, and nothing else.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Programs that were linked with libzmq ask for this name.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libzmq.so.5");
    // I/O threads and thread-local destructors run this code; `dlclose` must not take it from under them.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
