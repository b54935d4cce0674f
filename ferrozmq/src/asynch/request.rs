//! A request with its reply: time-out, retries, and no REQ socket that is stuck.
//!
//! Each request carries a number, which servers send back with the reply (`ZMQ_REQ_CORRELATE`; any REP and any ROUTER that returns the
//! envelope does). So a reply that comes too late is told from the one that is waited for, and thrown away. A request that is given
//! up, by its time-out or by dropping its future, leaves the socket ready for the next, and takes itself back if it has
//! not left this process.

use crate::Message;
use crate::error::{Error, ErrorKind, Result};
use crate::socket::Socket;
use crate::socket::ask::Asked;
use crate::socket::typed::Req;
use crate::sys::clock;
use crate::tasks::Place;
use crate::{IntoMessage, socket::wait::Patience};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

impl Req {
    /// A request, to be sent and answered by `.await` or by [`call`](Request::call).
    ///
    /// ```
    /// use ferrozmq::{Context, Rep, Req};
    /// use std::time::Duration;
    /// # fn main() -> ferrozmq::Result<()> {
    /// let context = Context::new();
    /// let client = Req::new(&context)?;
    /// client.connect("inproc://greetings")?;
    /// let nobody = client.request("hello").timeout(Duration::from_millis(5)).retries(2).call();
    /// assert!(nobody.unwrap_err().is_timeout());
    ///
    /// // The socket is as good as new.
    /// let server = Rep::new(&context)?;
    /// server.bind("inproc://greetings")?;
    /// std::thread::spawn(move || while let Ok(request) = server.recv() {
    ///     server.send(request).unwrap();
    /// });
    /// let reply = client.request("hello again").timeout(Duration::from_secs(5)).call()?;
    /// assert_eq!(&reply[0], "hello again");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// From the first on, all requests of the socket carry a number (`req_correlate`). A socket has one request open at a time: a
    /// second is an error ([`WrongState`](ErrorKind::WrongState)), as a second [`send`](Req::send) is.
    pub fn request(&self, message: impl IntoMessage) -> Request<'_> {
        let mut whole = Message::new();
        message.put_into(&mut whole);
        Request { socket: self.as_socket(), message: whole, timeout: None, retries: 0 }
    }
}

/// A request that has not been sent yet; made by [`Req::request`].
#[must_use = "a request is sent by `.await` or by `call`"]
#[derive(Debug)]
pub struct Request<'a> {
    socket: &'a Socket,
    message: Message,
    timeout: Option<Duration>,
    retries: u32,
}

impl Request<'_> {
    /// How long to wait for the reply of each try, and for a peer to send it to; for ever unless this is called.
    ///
    /// An awaited request with a time-out needs one of the context's I/O threads, which wakes it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How often the request is sent again when the time is over; never unless this is called. A server may get it more than
    /// once then.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// Sends the request and waits for its reply.
    ///
    /// # Errors
    /// A [time-out](Error::is_timeout) after the last try, [`WrongState`](ErrorKind::WrongState) while another request is open,
    /// [`Terminated`](ErrorKind::Terminated), [`Closed`](ErrorKind::Closed), [`Interrupted`](ErrorKind::Interrupted).
    pub fn call(self) -> Result<Message> {
        for _ in 0..=self.retries {
            match self.call_once() {
                Err(error) if error.is_timeout() => {}
                answered => return answered,
            }
        }
        Err(unanswered(self.timeout, self.retries))
    }

    fn call_once(&self) -> Result<Message> {
        let patience = Patience::from_timeout(self.timeout).begun();
        let state = self.socket.state();
        let asked = state.ask(&mut self.message.clone(), patience)?;
        let mut reply = Message::new();
        let answered = state.await_reply(&mut reply, asked, patience);
        answered.map(|()| reply).inspect_err(|_| state.give_up(asked))
    }
}

impl<'a> IntoFuture for Request<'a> {
    type Output = Result<Message>;
    type IntoFuture = Reply<'a>;

    fn into_future(self) -> Reply<'a> {
        let left = self.retries;
        Reply { request: self, left, deadline: None, asked: None, over: false, place: Place::default() }
    }
}

/// Future of a [`Request`].
///
/// Cancel-safe: dropped, it gives the request up. The server may have got it; its reply will be thrown away.
#[must_use = "a future does nothing unless it is polled"]
#[derive(Debug)]
pub struct Reply<'a> {
    request: Request<'a>,
    left: u32,
    /// When this try is over.
    deadline: Option<Instant>,
    asked: Option<Asked>,
    /// It has been answered, or given up.
    over: bool,
    place: Place,
}

impl Reply<'_> {
    /// Sends if that is due, then looks for the reply.
    fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message>> {
        let state = self.request.socket.state();
        let asked = match self.asked {
            Some(asked) => asked,
            None => {
                let mut message = self.request.message.clone();
                let asked = ready!(state.poll_ask(&mut message, &mut self.place, cx))?;
                *self.asked.insert(asked)
            }
        };
        let mut reply = Message::new();
        ready!(state.poll_reply(&mut reply, asked, &mut self.place, cx))?;
        self.asked = None;
        Poll::Ready(Ok(reply))
    }

    fn give_up(&mut self) {
        if let Some(asked) = self.asked.take() {
            self.request.socket.state().give_up(asked);
        }
    }
}

impl Future for Reply<'_> {
    type Output = Result<Message>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Message>> {
        let this = &mut *self;
        if this.over {
            let text = "this request is over; make another";
            return Poll::Ready(Err(Error::new(ErrorKind::WrongState, text)));
        }
        let polled = this.poll_tries(cx);
        this.over = polled.is_ready();
        polled
    }
}

impl Reply<'_> {
    fn poll_tries(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message>> {
        loop {
            if let Poll::Ready(answered) = self.poll_once(cx) {
                return Poll::Ready(answered);
            }
            let Some(timeout) = self.request.timeout else { return Poll::Pending };
            let deadline = match self.deadline {
                Some(deadline) => deadline,
                None => match clock::now().checked_add(timeout) {
                    Some(deadline) => *self.deadline.insert(deadline),
                    None => return Poll::Pending,
                },
            };
            if clock::now() < deadline {
                self.request.socket.state().wake_futures_at(deadline)?;
                return Poll::Pending;
            }
            self.give_up();
            self.deadline = None;
            if self.left == 0 {
                return Poll::Ready(Err(unanswered(self.request.timeout, self.request.retries)));
            }
            self.left -= 1;
        }
    }
}

impl Drop for Reply<'_> {
    fn drop(&mut self) {
        self.give_up();
        self.request.socket.state().stop_waiting(&mut self.place);
    }
}

fn unanswered(timeout: Option<Duration>, retries: u32) -> Error {
    let times = match retries {
        0 => "once".to_owned(),
        retries => format!("{} times", u64::from(retries) + 1),
    };
    let text = match timeout {
        Some(timeout) => format!("no reply came; asked {times}, and waited {timeout:?} each time"),
        None => format!("no reply came; asked {times}"),
    };
    Error::new(ErrorKind::WouldBlock, text)
}
