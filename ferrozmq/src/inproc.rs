//! The names that sockets of one context bind for each other.
//!
//! A connect that comes before its bind waits here; the messages sent meanwhile wait in its pipe.

use crate::SocketType;
use crate::error::{Error, ErrorKind, Result};
use crate::pipe::inproc::{InprocEnd, Party, Told, Unbound, pair};
use crate::pipe::signal::Mailbox;
use crate::sync::Mutex;
use std::collections::HashMap;
use std::sync::{Arc, Weak};

/// One context's inproc names.
#[derive(Default)]
pub(crate) struct Registry {
    names: Mutex<Names>,
}

#[derive(Default)]
struct Names {
    bound: HashMap<String, Binding>,
    waiting: HashMap<String, Vec<Unbound>>,
}

struct Binding {
    party: Party,
    mailbox: Weak<Mailbox>,
}

impl Registry {
    /// Binds `name` for the socket with this mailbox, and joins it with the connects that waited.
    pub(crate) fn bind(&self, name: &str, party: Party, mailbox: &Arc<Mailbox>) -> Result<()> {
        let mut names = self.names.lock();
        if names.bound.get(name).is_some_and(|binding| binding.mailbox.strong_count() > 0) {
            let text = format!("inproc://{name} is bound already; unbind it first, or choose another name");
            return Err(Error::new(ErrorKind::AddressInUse, text));
        }
        for unbound in names.waiting.remove(name).unwrap_or_default() {
            unbound.bind(&party, mailbox);
        }
        names.bound.insert(name.to_owned(), Binding { party, mailbox: Arc::downgrade(mailbox) });
        Ok(())
    }

    /// Connects to `name`; the pipe is there at once, its peer when somebody binds.
    pub(crate) fn connect(&self, name: &str, party: &Party, mailbox: &Arc<Mailbox>) -> InprocEnd {
        let (near, unbound) = pair(party, Told::Socket(Arc::clone(mailbox)));
        let mut names = self.names.lock();
        let bound = names.bound.get(name).and_then(|b| Some((&b.party, b.mailbox.upgrade()?)));
        match bound {
            Some((binding, mailbox)) => unbound.bind(binding, &mailbox),
            None => names.waiting.entry(name.to_owned()).or_default().push(unbound),
        }
        near
    }

    /// Takes back what was sent at this end of a pipe, as long as nobody has bound its name.
    pub(crate) fn withdraw(&self, near: &mut InprocEnd) {
        let mut names = self.names.lock();
        let found = names.waiting.values_mut().flatten().find_map(|unbound| unbound.withdraw(near.id()));
        near.note_withdrawn(found.unwrap_or_default());
    }

    /// Connects something that is no socket to `name`, if a socket is bound there that answers requests.
    pub(crate) fn inquire(&self, name: &str, party: &Party, told: Told) -> Option<InprocEnd> {
        let names = self.names.lock();
        let binding = names.bound.get(name)?;
        if !matches!(binding.party.kind, SocketType::Rep | SocketType::Router) {
            return None;
        }
        let mailbox = binding.mailbox.upgrade()?;
        let (near, unbound) = pair(party, told);
        unbound.bind(&binding.party, &mailbox);
        Some(near)
    }

    /// Frees `name` if it is bound by the socket with this mailbox.
    pub(crate) fn unbind(&self, name: &str, mailbox: &Arc<Mailbox>) -> bool {
        let mut names = self.names.lock();
        let ours = names.bound.get(name).is_some_and(|b| b.mailbox.as_ptr() == Arc::as_ptr(mailbox));
        if ours {
            names.bound.remove(name);
        }
        ours
    }

    /// Frees all names bound by the socket with this mailbox.
    pub(crate) fn unbind_all(&self, mailbox: &Arc<Mailbox>) {
        self.names.lock().bound.retain(|_, b| b.mailbox.as_ptr() != Arc::as_ptr(mailbox));
    }
}
