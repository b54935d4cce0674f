//! A process in the middle: what comes in at its PULL goes out at its PUSH.

use crate::{Job, Kind, Library, Line, Setup, Socket, Stretch};

/// Carries messages until the driver closes stdin; then reports and ends the process, in whatever call the proxy is.
pub fn run<L: Library>(library: &L, job: &Job) -> Result<(), String> {
    let [inward, outward] = job.bind.as_slice() else { return Err("a proxy binds twice".to_owned()) };
    let mut front = library.socket(Kind::Pull, &Setup::default())?;
    let mut back = library.socket(Kind::Push, &Setup::default())?;
    let places = vec![front.bind(inward)?, back.bind(outward)?];
    Line::Listening(places).print();
    let stretch = Stretch::begin();
    std::thread::spawn(move || {
        super::wait_for_end();
        Line::Figures(stretch.end(0)).print();
        std::process::exit(0);
    });
    library.proxy(front, back)
}
