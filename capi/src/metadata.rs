//! The properties that were asked of a message, as C strings that live as long as it.
//!
//! They are made when they are asked for, and form a list that only grows until the message is closed; so
//! threads that ask the same message at once need no lock.

use std::ffi::{CStr, CString, c_char};
use std::sync::atomic::{AtomicU64, Ordering};

/// One property of one message, and those that were asked for before.
pub(crate) struct Notes {
    name: CString,
    value: CString,
    earlier: u64,
}

impl Notes {
    /// The value of `name` in the list at `address`.
    pub(crate) fn find(address: u64, name: &CStr) -> Option<*const c_char> {
        let mut notes = Self::at(address);
        while let Some(this) = notes {
            if this.name.as_c_str() == name {
                return Some(this.value.as_ptr());
            }
            notes = Self::at(this.earlier);
        }
        None
    }

    /// Adds a property to the list whose address is in the `mask` bits of `word`. `None` if the value is no C
    /// string.
    pub(crate) fn add(word: &AtomicU64, mask: u64, name: &CStr, value: String) -> Option<*const c_char> {
        let value = CString::new(value).ok()?;
        let text = value.as_ptr();
        let notes = Box::into_raw(Box::new(Notes { name: name.to_owned(), value, earlier: 0 }));
        let address = notes.expose_provenance() as u64;
        debug_assert_eq!(address & !mask, 0, "a user space address");
        let mut seen = word.load(Ordering::Acquire);
        loop {
            // SAFETY: not in the list yet, so nobody else has it.
            unsafe { (*notes).earlier = seen & mask };
            match word.compare_exchange(seen, seen & !mask | address, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(text),
                Err(other) => seen = other,
            }
        }
    }

    /// Frees the list at `address`, which nothing refers to any more.
    #[inline]
    pub(crate) fn free(mut address: u64) {
        while address != 0 {
            // SAFETY: made by `Box::into_raw` in `add`, and taken out of its word by the caller.
            let notes = unsafe { Box::from_raw(pointer(address)) };
            address = notes.earlier;
        }
    }

    fn at<'a>(address: u64) -> Option<&'a Notes> {
        // SAFETY: null, or a list that lives as long as the message that was asked.
        unsafe { pointer(address).as_ref() }
    }
}

fn pointer(address: u64) -> *mut Notes {
    std::ptr::with_exposed_provenance_mut(address as usize)
}
