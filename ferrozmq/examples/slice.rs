//! scratch
use ferrozmq::{Context, SocketType, Message};
use std::time::Instant;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let ctx = Context::new();
    let (mode, ep, size, n) = (a[1].as_str(), a[2].as_str(), a[3].parse::<usize>().unwrap(), a[4].parse::<u64>().unwrap());
    let body = vec![b'x'; size];
    match mode {
        "push" => { let s = ctx.socket(SocketType::Push).unwrap(); s.connect(ep).unwrap(); let t = Instant::now(); for _ in 0..n { s.send(&body[..]).unwrap(); } eprintln!("push {:?}", t.elapsed()); s.close(); ctx.term(); }
        "pull" => { let s = ctx.socket(SocketType::Pull).unwrap(); s.bind(ep).unwrap(); s.recv().unwrap(); let t = Instant::now(); for _ in 1..n { s.recv().unwrap(); } let e = t.elapsed(); println!("pull {n} in {e:?}: {:.2} M/s", n as f64 / e.as_secs_f64() / 1e6); }
        "rep" => { let s = ctx.socket(SocketType::Pair).unwrap(); s.bind(ep).unwrap(); for _ in 0..n { let m: Message = s.recv().unwrap(); s.send(m).unwrap(); } s.close(); ctx.term(); }
        "req" => { let s = ctx.socket(SocketType::Pair).unwrap(); s.connect(ep).unwrap(); for _ in 0..1000 { s.send(&body[..]).unwrap(); s.recv().unwrap(); } let t = Instant::now(); for _ in 1000..n { s.send(&body[..]).unwrap(); s.recv().unwrap(); } let e = t.elapsed(); println!("rtt {:.2} us", e.as_secs_f64() * 1e6 / (n - 1000) as f64);
          let u = unsafe { let mut u: libc::rusage = std::mem::zeroed(); libc::getrusage(libc::RUSAGE_SELF, &mut u); u }; println!("vcsw/rtt {:.3}", u.ru_nvcsw as f64 / n as f64); }
        _ => {}
    }
}
