//! A process in the middle: what comes in at its PULL goes out at its PUSH.

use crate::{Job, Kind, Library, Setup, Socket, Stretch};

/// The two sockets, bound.
pub fn open<L: Library>(library: &L, job: &Job) -> Result<Vec<L::Socket>, String> {
    let [inward, outward] = job.bind.as_slice() else { return Err("a proxy binds twice".to_owned()) };
    let mut front = library.socket(Kind::Pull, &Setup::default())?;
    let mut back = library.socket(Kind::Push, &Setup::default())?;
    super::tell_of(vec![front.bind(inward)?, back.bind(outward)?]);
    Ok(vec![front, back])
}

/// Carries messages until the driver closes stdin; then reports and ends the process, in whatever call the proxy is.
pub fn run<L: Library>(library: &L, job: &Job, sockets: Vec<L::Socket>) -> Result<(), String> {
    let Ok([front, back]) = <[L::Socket; 2]>::try_from(sockets) else {
        return Err("a proxy has two sockets".to_owned());
    };
    let stretch = Stretch::begin();
    let job = job.clone();
    std::thread::spawn(move || {
        super::wait_for_end();
        super::report(&job, stretch.end(0));
        std::process::exit(0);
    });
    library.proxy(front, back)
}
