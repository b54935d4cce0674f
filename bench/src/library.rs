//! What a library under measurement is: a handful of calls, the ones that a program would make.
//!
//! A contender implements [`Library`] and [`Socket`] and nothing else: loops, clocks and figures are the same code for all, so that a
//! difference between two figures is a difference between two libraries. What a contender cannot do it says in a sentence that
//! begins with [`CANNOT`], and its cell stays empty.

use std::hint::black_box;

/// How the sentence begins with which a contender declines.
pub const CANNOT: &str = "cannot";

/// The socket types that the rows need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sends, then receives.
    Req,
    /// Receives, then sends.
    Rep,
    /// Only sends.
    Push,
    /// Only receives.
    Pull,
    /// Sends and receives as it likes.
    Dealer,
    /// The same, with many peers that it tells apart.
    Router,
    /// Sends to all who subscribed.
    Pub,
    /// Subscribes.
    Sub,
}

impl Kind {
    /// Every type with its name on the command line.
    pub const ALL: [(&'static str, Kind); 8] = [
        ("req", Kind::Req),
        ("rep", Kind::Rep),
        ("push", Kind::Push),
        ("pull", Kind::Pull),
        ("dealer", Kind::Dealer),
        ("router", Kind::Router),
        ("pub", Kind::Pub),
        ("sub", Kind::Sub),
    ];
}

/// Which end of CURVE a socket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// Has the key that the others know.
    Server,
    /// Knows the server's key.
    Client,
}

/// The keys of the manual page `zmq_curve_keypair(3)`, public then secret, in Z85: everybody's, and therefore only for measuring.
pub const SERVER_KEYS: [&str; 2] =
    ["rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"];
/// The same for the client.
pub const CLIENT_KEYS: [&str; 2] =
    ["Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"];

/// What a row asks of a socket beyond its defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// CURVE, and which side.
    pub curve: Option<Curve>,
    /// Connections that may wait to be accepted.
    pub backlog: Option<i32>,
    /// A publisher waits instead of dropping, so that what is counted is what was sent.
    pub no_drop: bool,
    /// A subscriber may have sent any number of subscriptions that its peer has not yet read; libzmq drops those beyond its mark.
    pub no_mark: bool,
}

/// A context of a library.
pub trait Library: Sized + Sync {
    /// Its sockets.
    type Socket: Socket;

    /// Makes the context, with room for `sockets` sockets.
    ///
    /// # Errors
    /// A sentence, as of all the functions here.
    fn open(sockets: usize) -> Result<Self, String>;

    /// Makes a socket.
    ///
    /// # Errors
    /// A sentence.
    fn socket(&self, kind: Kind, setup: &Setup) -> Result<Self::Socket, String>;

    /// Carries messages between two sockets, for ever.
    ///
    /// # Errors
    /// A sentence.
    fn proxy(&self, front: Self::Socket, back: Self::Socket) -> Result<(), String>;

    /// Ends the context; all sockets are closed.
    ///
    /// # Errors
    /// A sentence.
    fn close(self) -> Result<(), String>;
}

/// A socket of a library.
pub trait Socket: Send {
    /// Binds, and answers where.
    ///
    /// # Errors
    /// A sentence.
    fn bind(&mut self, endpoint: &str) -> Result<String, String>;

    /// Connects.
    ///
    /// # Errors
    /// A sentence.
    fn connect(&mut self, endpoint: &str) -> Result<(), String>;

    /// Subscribes.
    ///
    /// # Errors
    /// A sentence.
    fn subscribe(&mut self, topic: &[u8]) -> Result<(), String>;

    /// Sends one message of one part, waiting if it must.
    ///
    /// # Errors
    /// A sentence.
    fn send(&mut self, body: &[u8]) -> Result<(), String>;

    /// Sends one message whose `parts` parts are `body`.
    ///
    /// # Errors
    /// A sentence.
    fn send_parts(&mut self, body: &[u8], parts: usize) -> Result<(), String>;

    /// Waits for one message and shows its last part to `look`.
    ///
    /// # Errors
    /// A sentence.
    fn recv<R>(&mut self, look: impl FnOnce(&[u8]) -> R) -> Result<R, String>;

    /// Waits for one message and gives it back as it is.
    ///
    /// # Errors
    /// A sentence.
    fn echo(&mut self) -> Result<(), String>;

    /// Puts into the kernel what the last sends left behind, if the contender has nobody who does it unasked.
    ///
    /// # Errors
    /// A sentence.
    fn flush(&mut self) -> Result<(), String> {
        Ok(())
    }

    /// Sends `body` so many times. Here and below: a library whose calls are futures stays in its runtime for the whole run.
    ///
    /// # Errors
    /// A sentence.
    fn send_run(&mut self, body: &[u8], count: u64) -> Result<(), String> {
        for _ in 0..count {
            self.send(black_box(body))?;
        }
        self.flush()
    }

    /// Receives so many messages and shows each to `look`.
    ///
    /// # Errors
    /// A sentence.
    fn recv_run(&mut self, count: u64, mut look: impl FnMut(&[u8])) -> Result<(), String> {
        for _ in 0..count {
            self.recv(|body| look(black_box(body)))?;
        }
        Ok(())
    }

    /// Gives so many messages back.
    ///
    /// # Errors
    /// A sentence.
    fn echo_run(&mut self, count: u64) -> Result<(), String> {
        for _ in 0..count {
            self.echo()?;
        }
        Ok(())
    }

    /// Keeps `window` messages in flight until `count` have come back, each shown with its length.
    ///
    /// # Errors
    /// A sentence.
    fn ask_run(
        &mut self,
        body: &[u8],
        window: u64,
        count: u64,
        mut back: impl FnMut(usize),
    ) -> Result<(), String> {
        for _ in 0..window.min(count) {
            self.send(body)?;
        }
        for number in 0..count {
            let length = self.recv(<[u8]>::len)?;
            back(length);
            if number + window < count {
                self.send(body)?;
            }
        }
        Ok(())
    }

    /// Closes the socket.
    ///
    /// # Errors
    /// A sentence.
    fn close(self) -> Result<(), String>;
}
