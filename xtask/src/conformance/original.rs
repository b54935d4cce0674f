//! The original built from its source: everything that this machine can have, drafts too, so that no test program is without
//! its other side.
//!
//! CURVE is by the tree's own TweetNaCl where it has one, else left out. What is built is kept until the tree changes its place.

use super::pool::{in_parallel, processors};
use super::tree::{Tree, make_folder};
use super::workshop;
use crate::step;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What a `configure` run would have found out on any Linux of today.
const PLATFORM: &str = "\
#define HAVE_ACCEPT4
#define HAVE_CLOCK_GETTIME
#define HAVE_FORK
#define HAVE_IF_NAMETOINDEX
#define HAVE_MKDTEMP
#define HAVE_POSIX_MEMALIGN 1
#define HAVE_STRNLEN
#define ZMQ_CACHELINE_SIZE 64
#define ZMQ_HAVE_EVENTFD
#define ZMQ_HAVE_EVENTFD_CLOEXEC
#define ZMQ_HAVE_GETRANDOM
#define ZMQ_HAVE_IFADDRS
#define ZMQ_HAVE_IPC
#define ZMQ_HAVE_LINUX
#define ZMQ_HAVE_NOEXCEPT
#define ZMQ_HAVE_O_CLOEXEC
#define ZMQ_HAVE_PPOLL
#define ZMQ_HAVE_PTHREAD_SETNAME_2
#define ZMQ_HAVE_PTHREAD_SET_AFFINITY
#define ZMQ_HAVE_SOCK_CLOEXEC
#define ZMQ_HAVE_SO_BINDTODEVICE
#define ZMQ_HAVE_SO_KEEPALIVE
#define ZMQ_HAVE_SO_PEERCRED
#define ZMQ_HAVE_SO_PRIORITY
#define ZMQ_HAVE_STRUCT_SOCKADDR_UN
#define ZMQ_HAVE_TCP_KEEPCNT
#define ZMQ_HAVE_TCP_KEEPIDLE
#define ZMQ_HAVE_TCP_KEEPINTVL
#define ZMQ_HAVE_UIO
#define ZMQ_HAVE_WS
#define ZMQ_IOTHREAD_POLLER_USE_EPOLL
#define ZMQ_IOTHREAD_POLLER_USE_EPOLL_CLOEXEC
#define ZMQ_POLL_BASED_ON_POLL
#define ZMQ_USE_BUILTIN_SHA1
#define ZMQ_USE_CV_IMPL_STL11
#define ZMQ_USE_RADIX_TREE
";

/// CURVE by the implementation that older trees carry.
const TWEETNACL: &str = "#define ZMQ_HAVE_CURVE\n#define ZMQ_USE_TWEETNACL\n";

/// Sources that need what not every machine has: GnuTLS.
const LEFT_OUT: [&str; 2] = ["wss_address.cpp", "wss_engine.cpp"];

/// The original, ready to be loaded.
pub struct Original {
    /// The folder in which `libzmq.so.5` is.
    pub folder: PathBuf,
    /// The folder in which `platform.hpp` is, which the test programs include too.
    pub include: PathBuf,
}

impl Original {
    /// The tree called `name`, and its library. One suite at a time makes them for all.
    ///
    /// # Errors
    /// If the tree cannot be fetched, or with what the compiler says.
    pub fn of(name: &str) -> Result<(Tree, Original), String> {
        make_folder(&workshop())?;
        let turn = workshop().join("originals.lock");
        let turn = File::create(&turn).map_err(|error| format!("{}: {error}", turn.display()))?;
        turn.lock().map_err(|error| format!("originals.lock: {error}"))?;
        let tree = Tree::fetch(name)?;
        let original = Original::build(&tree)?;
        Ok((tree, original))
    }

    /// Builds the library of `tree`, unless that was done before.
    fn build(tree: &Tree) -> Result<Original, String> {
        let folder = workshop().join(tree.name).join("original");
        let original = Original { include: folder.join("include"), folder };
        let library = original.folder.join("libzmq.so.5");
        if library.exists() {
            return Ok(original);
        }
        make_folder(&original.include)?;
        let platform = original.include.join("platform.hpp");
        let curve = if has_tweetnacl(tree) { TWEETNACL } else { "" };
        std::fs::write(&platform, format!("{PLATFORM}{curve}")).map_err(|error| error.to_string())?;
        let sources = sources(tree)?;
        eprintln!("==> building the original ({} files)", sources.len());
        let begin = Instant::now();
        let objects = compile_all(tree, &original, &sources, &[])?;
        link(&objects, &library)?;
        eprintln!("    the original: {:.1} s", begin.elapsed().as_secs_f64());
        Ok(original)
    }
}

/// Whether the tree has CURVE without another library.
pub fn has_tweetnacl(tree: &Tree) -> bool {
    tree.root.join("src/tweetnacl.c").exists()
}

/// Compiles each source; answers the objects, in their order.
///
/// # Errors
/// With what the compiler says about the first that fails.
pub fn compile_all(
    tree: &Tree,
    original: &Original,
    sources: &[PathBuf],
    extra: &[String],
) -> Result<Vec<PathBuf>, String> {
    let objects = original.folder.join("objects");
    make_folder(&objects)?;
    let compile_one = |source: &PathBuf| compile(tree, original, source, extra, &objects);
    in_parallel(sources, processors(), compile_one).into_iter().collect()
}

fn compile(
    tree: &Tree,
    original: &Original,
    source: &Path,
    extra: &[String],
    folder: &Path,
) -> Result<PathBuf, String> {
    let name = source.file_name().unwrap_or_default();
    let object = folder.join(name).with_extension("o");
    let c = source.extension().is_some_and(|extension| extension == "c");
    let mut compiler = Command::new(if c { "gcc" } else { "g++" });
    if !c {
        compiler.arg("-std=gnu++11");
    }
    compiler.args(["-O2", "-g1", "-fPIC", "-pthread", "-w", "-D_GNU_SOURCE", "-D_REENTRANT"]);
    compiler.args(["-DZMQ_CUSTOM_PLATFORM_HPP", "-DZMQ_BUILD_DRAFT_API=1"]).args(extra);
    compiler.arg("-I").arg(&original.include);
    for include in ["include", "src", "external/unity"] {
        compiler.arg("-I").arg(tree.root.join(include));
    }
    compiler.arg("-c").arg(source).arg("-o").arg(&object);
    step::output(&source.display().to_string(), &mut compiler)?;
    Ok(object)
}

fn sources(tree: &Tree) -> Result<Vec<PathBuf>, String> {
    let folder = tree.root.join("src");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut sources: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "cpp"))
        .filter(|path| !LEFT_OUT.iter().any(|left_out| path.ends_with(left_out)))
        .collect();
    sources.push(tree.root.join("external/sha1/sha1.c"));
    if has_tweetnacl(tree) {
        sources.push(folder.join("tweetnacl.c"));
    }
    sources.sort();
    Ok(sources)
}

fn link(objects: &[PathBuf], library: &Path) -> Result<(), String> {
    let mut linker = Command::new("g++");
    linker.args(["-shared", "-pthread", "-Wl,-soname,libzmq.so.5", "-o"]).arg(library).args(objects);
    step::output("linking the original", linker.arg("-lrt"))?;
    Ok(())
}
