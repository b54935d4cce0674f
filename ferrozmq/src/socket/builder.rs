//! Settings of a socket before there is one.
//!
//! The setters are those of sockets, made from the same list in `setters.rs`; the first that fails is what [`build`](SocketBuilder::build)
//! reports. Binding and connecting comes after: most options are heeded by later binds and connects only.

use super::Socket;
use crate::SocketType;
use crate::context::Context;
use crate::error::Result;
use ferrozmq_proto::option::Profile;
use std::fmt;

/// Settings of a socket that is to be made; `S` is what [`build`](Self::build) makes.
///
/// ```
/// use ferrozmq::{Context, Push};
/// use std::time::Duration;
/// # fn main() -> ferrozmq::Result<()> {
/// let context = Context::new();
/// let push = Push::builder(&context)
///     .sndhwm(10)
///     .linger(Some(Duration::ZERO))
///     .send_timeout(Some(Duration::from_secs(1)))
///     .build()?;
/// push.bind("tcp://127.0.0.1:*")?;
/// # Ok(())
/// # }
/// ```
#[must_use = "call build() to make the socket"]
pub struct SocketBuilder<S = Socket> {
    context: Context,
    kind: SocketType,
    profile: Option<Profile>,
    steps: Vec<Step>,
    wrap: fn(Socket) -> S,
}

type Step = Box<dyn FnOnce(&Socket) -> Result<()> + Send>;

impl SocketBuilder {
    pub(crate) fn new(context: &Context, kind: SocketType) -> SocketBuilder {
        SocketBuilder {
            context: context.clone(),
            kind,
            profile: None,
            steps: Vec::new(),
            wrap: |socket| socket,
        }
    }

    /// The same for a socket in other clothes.
    pub(super) fn wrapped<S>(self, wrap: fn(Socket) -> S) -> SocketBuilder<S> {
        let SocketBuilder { context, kind, profile, steps, wrap: _ } = self;
        SocketBuilder { context, kind, profile, steps, wrap }
    }
}

impl<S> SocketBuilder<S> {
    /// Begins with libzmq's defaults, whatever the context's sockets begin with ([what differs](crate::guide::defaults)).
    pub fn libzmq_compat(mut self) -> Self {
        self.profile = Some(Profile::Libzmq);
        self
    }

    /// An option by its name and a value as people write it, as [`Socket::set_text`].
    pub fn text(self, name: &str, value: &str) -> Self {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.with(move |socket| socket.set_text(&name, &value))
    }

    /// An option by libzmq's number, as [`Socket::set_raw`].
    pub fn raw(self, number: i32, value: &[u8]) -> Self {
        let value = value.to_vec();
        self.with(move |socket| socket.set_raw(number, &value))
    }

    pub(super) fn with(mut self, step: impl FnOnce(&Socket) -> Result<()> + Send + 'static) -> Self {
        self.steps.push(Box::new(step));
        self
    }

    /// Makes the socket.
    ///
    /// # Errors
    /// Those of [`Context::socket`], and of the first setting that is wrong.
    pub fn build(self) -> Result<S> {
        let socket = match self.profile {
            Some(profile) => self.context.socket_with_profile(self.kind, profile)?,
            None => self.context.socket(self.kind)?,
        };
        self.steps.into_iter().try_for_each(|step| step(&socket))?;
        Ok((self.wrap)(socket))
    }
}

impl<S> fmt::Debug for SocketBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SocketBuilder");
        shown.field("kind", &self.kind).field("profile", &self.profile).field("settings", &self.steps.len());
        shown.finish_non_exhaustive()
    }
}
