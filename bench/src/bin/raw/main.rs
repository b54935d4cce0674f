//! The contender that is no library: the price of the kernel alone, or, over inproc, of memory alone.
//!
//! It knows no peers, patterns, queues or reconnects, and runs what needs none of them. `FERROZMQ_BENCH_RAW` changes it: `spin`
//! asks the kernel again and again instead of sleeping; `reno` and `cubic` are the congestion control of its TCP connections.

mod kernel;
mod memory;

use ferrozmq_bench::{CANNOT, Kind, Library, Setup, Socket};
use kernel::Kernel;
use memory::{Memory, Place};
use std::process::ExitCode;
use std::sync::Mutex;

fn main() -> ExitCode {
    ferrozmq_bench::run::<Raw>()
}

/// What stands for a context: the place where the two ends of a ring meet.
struct Raw(Place);

/// A socket, or an end of a pair of rings, as its endpoint says.
struct RawSocket {
    place: Place,
    end: End,
    /// What was received and goes back.
    spare: Vec<u8>,
}

enum End {
    Nothing,
    Kernel(Kernel),
    Memory(Memory),
}

impl Library for Raw {
    type Socket = RawSocket;

    fn open(_sockets: usize) -> Result<Raw, String> {
        Ok(Raw(Place::new(Mutex::new(None))))
    }

    fn socket(&self, kind: Kind, setup: &Setup) -> Result<RawSocket, String> {
        if matches!(kind, Kind::Pub | Kind::Sub) || setup.curve.is_some() || setup.backlog.is_some() {
            return Err(format!("{CANNOT} do more than carry bytes between two ends"));
        }
        Ok(RawSocket { place: Place::clone(&self.0), end: End::Nothing, spare: Vec::new() })
    }

    fn proxy(&self, _front: RawSocket, _back: RawSocket) -> Result<(), String> {
        Err(format!("{CANNOT} be a proxy"))
    }

    fn close(self) -> Result<(), String> {
        Ok(())
    }
}

impl RawSocket {
    fn kernel(&mut self) -> Result<&mut Kernel, String> {
        match &mut self.end {
            End::Kernel(kernel) => Ok(kernel),
            _ => Err("neither bound nor connected".to_owned()),
        }
    }
}

impl Socket for RawSocket {
    fn bind(&mut self, endpoint: &str) -> Result<String, String> {
        if endpoint.starts_with("inproc://") {
            self.end = End::Memory(Memory::bind(&self.place)?);
            return Ok(endpoint.to_owned());
        }
        let (kernel, place) = Kernel::bind(endpoint)?;
        self.end = End::Kernel(kernel);
        Ok(place)
    }

    fn connect(&mut self, endpoint: &str) -> Result<(), String> {
        self.end = match endpoint.starts_with("inproc://") {
            true => End::Memory(Memory::connect(&self.place)?),
            false => End::Kernel(Kernel::connect(endpoint)?),
        };
        Ok(())
    }

    fn subscribe(&mut self, _topic: &[u8]) -> Result<(), String> {
        Err(format!("{CANNOT} subscribe"))
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        if let End::Memory(memory) = &mut self.end {
            return memory.send(body);
        }
        let kernel = self.kernel()?;
        kernel.gather(body)?;
        kernel.flush()
    }

    fn send_parts(&mut self, _body: &[u8], _parts: usize) -> Result<(), String> {
        Err(format!("{CANNOT} tell parts apart"))
    }

    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String> {
        match &mut self.end {
            End::Memory(memory) => memory.recv(look),
            _ => self.kernel()?.recv(look),
        }
    }

    fn echo(&mut self) -> Result<(), String> {
        let mut body = std::mem::take(&mut self.spare);
        self.recv(|received| {
            body.clear();
            body.extend_from_slice(received);
        })?;
        self.send(&body)?;
        self.spare = body;
        Ok(())
    }

    fn send_run(&mut self, body: &[u8], count: u64) -> Result<(), String> {
        for _ in 0..count {
            match &mut self.end {
                End::Memory(memory) => memory.send(std::hint::black_box(body))?,
                End::Kernel(kernel) => kernel.gather(std::hint::black_box(body))?,
                End::Nothing => return Err("neither bound nor connected".to_owned()),
            }
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), String> {
        match &mut self.end {
            End::Kernel(kernel) => kernel.flush(),
            _ => Ok(()),
        }
    }

    fn close(self) -> Result<(), String> {
        Ok(())
    }
}
