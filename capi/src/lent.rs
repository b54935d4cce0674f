//! Memory that applications lend to messages (`zmq_msg_init_data`), and when they get it back.
//!
//! Each free function is called once. It is a stranger, and may call us again; so it never runs inside a call
//! of ours where a lock may be held, but at the end of it, or before the thread sleeps in it: a proxy's call never
//! ends. On an I/O thread it runs where no lock is held.
//!
//! Invariant: while this thread has a [`Claim`](crate::hazard::Claim) no free function runs on it, except where the engine
//! asks for what is due ([`ferrozmq::duty`]).

use crate::hazard;
use std::cell::RefCell;
use std::ffi::c_void;

/// libzmq's `zmq_free_fn`.
pub type FreeFn = unsafe extern "C" fn(data: *mut c_void, hint: *mut c_void);

/// Bytes that belong to the application until they are given back.
pub(crate) struct Lent {
    data: *const u8,
    size: usize,
    debt: Option<Debt>,
}

/// A free function that is to be called.
struct Debt {
    free: FreeFn,
    data: *mut c_void,
    hint: *mut c_void,
}

// SAFETY: the manual page says that the function is called from any thread; the memory is only read.
unsafe impl Send for Lent {}
// SAFETY: the same.
unsafe impl Sync for Lent {}

impl Lent {
    /// `bytes`, to be given back by `free`.
    pub(crate) fn new(bytes: &'static [u8], data: *mut c_void, free: FreeFn, hint: *mut c_void) -> Lent {
        Lent { data: bytes.as_ptr(), size: bytes.len(), debt: Some(Debt { free, data, hint }) }
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: they were a slice in `new`, and are lent until the free function is called.
        unsafe { std::slice::from_raw_parts(self.data, self.size) }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(debt) = self.debt.take() else { return };
        if !hazard::is_busy() {
            return debt.pay();
        }
        let mut debt = Some(debt);
        let owed = DEBTS.try_with(|debts| {
            debts.borrow_mut().extend(debt.take());
            hazard::settle_later();
        });
        if let (Err(_), Some(debt)) = (owed, debt) {
            // The thread is ending, and has no place to remember anything.
            debt.pay();
        }
    }
}

impl Debt {
    fn pay(self) {
        // SAFETY: the function and its arguments are those of the application, used once.
        unsafe { (self.free)(self.data, self.hint) }
    }
}

thread_local! {
    static DEBTS: RefCell<Vec<Debt>> = const { RefCell::new(Vec::new()) };
}

/// At the end of a call, or where the engine holds no lock: calls the free functions that waited for it.
#[cold]
pub(crate) fn settle() {
    let debts = DEBTS.try_with(|debts| std::mem::take(&mut *debts.borrow_mut())).unwrap_or_default();
    debts.into_iter().for_each(Debt::pay);
}
