//! `zmq_msg_t`: a frame in 56 of its 64 bytes, and a word that marks it as one.
//!
//! Bodies up to [`Frame::INLINE_MAX`] bytes live inside; longer ones, and memory that the application lends
//! ([`zmq_msg_init_data`]), are shared by reference. The word holds a mark by which an uninitialised or closed
//! message is told from a live one, the flags, and the metadata that was asked for.
//!
//! Invariant: a marked message holds a valid frame, and its word owns what it points to.

use crate::call::{self, Outcome};
use crate::errno::Errno;
use crate::lent::{FreeFn, Lent};
use crate::metadata::Notes;
use crate::raw;
use bytes::Bytes;
use ferrozmq::{Frame, PeerInfo};
use std::alloc::Layout;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};

/// libzmq's `zmq_msg_t`.
#[repr(C)]
pub struct Msg {
    frame: Frame,
    /// Mark, flags and address of the [`Notes`], in this order from the highest bit.
    word: Word,
}

/// The word of a message.
#[repr(transparent)]
pub(crate) struct Word(AtomicU64);

const _: () = assert!(size_of::<Msg>() == 64 && align_of::<Msg>() == 8, "the header says so");

/// Twelve bits that no address, small number, or repeated byte begins with.
const MARK: u64 = 0xb5a << 52;
const MARK_BITS: u64 = 0xfff << 52;
/// Others of the same message follow this part.
const MORE: u64 = 1 << 48;
/// The body may be somebody else's too.
const SHARED: u64 = 1 << 49;
/// User space addresses have 47 bits, or 48.
const ADDRESS: u64 = (1 << 48) - 1;

const ZMQ_MORE: c_int = 1;
const ZMQ_SRCFD: c_int = 2;
const ZMQ_SHARED: c_int = 3;

impl Msg {
    fn new(frame: Frame, flags: u64) -> Msg {
        Msg { frame, word: Word(AtomicU64::new(MARK | flags)) }
    }

    /// The live message at `pointer`.
    ///
    /// # Safety
    /// A pointer that is neither null nor misaligned leads to 64 readable and writable bytes. If they look
    /// like a message they are one, and nobody else uses it during `'a`.
    #[inline]
    pub(crate) unsafe fn live<'a>(pointer: *mut Msg) -> Result<&'a mut Msg, Errno> {
        // SAFETY: the caller's promise is the same.
        unsafe { Msg::word(pointer) }?;
        // SAFETY: marked, hence a message; the rest is the caller's promise.
        Ok(unsafe { &mut *pointer })
    }

    /// The same for a call that only looks: others may do so at the same time.
    ///
    /// # Safety
    /// As [`live`](Self::live), but others may read it, and ask it for properties, during `'a`.
    #[inline]
    unsafe fn seen<'a>(pointer: *const Msg) -> Result<&'a Msg, Errno> {
        // SAFETY: the caller's promise is the same.
        unsafe { Msg::word(pointer) }?;
        // SAFETY: marked, hence a message, and nobody writes it.
        Ok(unsafe { &*pointer })
    }

    /// The word of the live message at `pointer`; an error unless one is there.
    ///
    /// # Safety
    /// A pointer that is neither null nor misaligned leads to 64 readable and writable bytes.
    #[inline(always)]
    unsafe fn word(pointer: *const Msg) -> Result<u64, Errno> {
        if pointer.is_null() || !pointer.is_aligned() {
            return Err(Errno::FAULT);
        }
        // SAFETY: an aligned integer in readable memory, by the caller's promise; what it is is asked next.
        let word = unsafe { AtomicU64::from_ptr((&raw const (*pointer).word).cast::<u64>().cast_mut()) };
        let word = word.load(Ordering::Relaxed);
        if word & MARK_BITS == MARK { Ok(word) } else { Err(Errno::FAULT) }
    }

    /// Makes a message of the memory at `pointer`, whatever was there.
    ///
    /// # Safety
    /// A pointer that is neither null nor misaligned leads to 64 writable bytes.
    unsafe fn init(pointer: *mut Msg, frame: Frame, flags: u64) -> Outcome<c_int> {
        if pointer.is_null() || !pointer.is_aligned() {
            return Err(Errno::FAULT);
        }
        // SAFETY: checked above; the rest is the caller's promise. What was there is not ours to drop.
        unsafe { pointer.write(Msg::new(frame, flags)) }
        Ok(0)
    }

    /// The content.
    #[inline]
    pub(crate) fn frame(&mut self) -> &mut Frame {
        &mut self.frame
    }

    /// A place to receive into: of the content, and of what is to be told of it.
    #[inline]
    pub(crate) fn place(&mut self) -> (&mut Frame, &mut Word) {
        (&mut self.frame, &mut self.word)
    }

    /// The content was sent.
    #[inline]
    pub(crate) fn sent(&mut self) {
        self.word.mark(0);
    }

    fn flags(&self) -> u64 {
        self.word.0.load(Ordering::Relaxed) & !(MARK_BITS | ADDRESS)
    }

    /// The property `name` of the peer that delivered the message; valid as long as it.
    fn property(&self, name: &CStr) -> Option<*const c_char> {
        let word = self.word.0.load(Ordering::Acquire);
        if let Some(known) = Notes::find(word & ADDRESS, name) {
            return Some(known);
        }
        let peer = PeerInfo::of(&self.frame)?;
        let value = match name.to_bytes() {
            b"__fd" => peer.descriptor.to_string(),
            name => peer.property(std::str::from_utf8(name).ok()?)?,
        };
        Notes::add(&self.word.0, ADDRESS, name, value)
    }
}

impl Word {
    /// The content was received.
    #[inline(always)]
    pub(crate) fn received(&mut self, more: bool) {
        self.mark(if more { MORE } else { 0 });
    }

    #[inline(always)]
    fn mark(&mut self, flags: u64) {
        Notes::free(std::mem::replace(self.0.get_mut(), MARK | flags) & ADDRESS);
    }
}

impl Drop for Word {
    fn drop(&mut self) {
        Notes::free(*self.0.get_mut() & ADDRESS);
    }
}

/// `zmq_msg_init(3)`: an empty message.
///
/// # Safety
/// `msg` leads to a `zmq_msg_t`, of any content.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init(msg: *mut Msg) -> c_int {
    // SAFETY: the caller's promise is the same.
    call::int(|| unsafe { Msg::init(msg, Frame::new(), 0) })
}

/// `zmq_msg_init_size(3)`: a message of `size` bytes, for the application to fill.
///
/// # Safety
/// As [`zmq_msg_init`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_size(msg: *mut Msg, size: usize) -> c_int {
    call::int(|| {
        let frame = blank(size)?;
        // SAFETY: the caller's promise is the same.
        unsafe { Msg::init(msg, frame, 0) }
    })
}

/// A frame of `size` bytes, all zero.
///
/// libzmq leaves there what the allocator gave. Here that would be undefined behaviour as soon as Rust looks at the body, and
/// a message that the application fills only in part would carry what was in this process's memory before to its peer.
/// Large bodies come from the system zeroed anyway; for small ones it costs nanoseconds.
fn blank(size: usize) -> Outcome<Frame> {
    if let Some(inline) = [0; Frame::INLINE_MAX].get(..size) {
        return Ok(Frame::copy_from_slice(inline));
    }
    let layout = Layout::array::<u8>(size).map_err(|_| Errno::NO_MEMORY)?;
    // SAFETY: not empty, because that fits inside.
    let body = unsafe { std::alloc::alloc_zeroed(layout) };
    if body.is_null() {
        return Err(Errno::NO_MEMORY);
    }
    // SAFETY: this allocator's, with the layout of as many bytes, all of them initialised.
    Ok(Frame::from(unsafe { Vec::from_raw_parts(body, size, size) }))
}

/// `zmq_msg_init_buffer`: a message with a copy of `size` bytes.
///
/// # Safety
/// As [`zmq_msg_init`]; `data` leads to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_buffer(msg: *mut Msg, data: *const c_void, size: usize) -> c_int {
    call::int(|| {
        // SAFETY: the caller's promise is the same.
        let frame = Frame::copy_from_slice(unsafe { raw::bytes(data, size) }?);
        // SAFETY: the caller's promise is the same.
        unsafe { Msg::init(msg, frame, 0) }
    })
}

/// `zmq_msg_init_data(3)`: a message of `size` bytes that stay where they are. `free` is called once, on any
/// thread, when they are no longer needed; without it they must stay for ever.
///
/// # Safety
/// As [`zmq_msg_init`]; `data` leads to `size` bytes that stay until `free` is called with them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_init_data(
    msg: *mut Msg,
    data: *mut c_void,
    size: usize,
    free: Option<FreeFn>,
    hint: *mut c_void,
) -> c_int {
    call::int(|| {
        if msg.is_null() || !msg.is_aligned() {
            return Err(Errno::FAULT);
        }
        // SAFETY: the caller's promise; here only the pointer and the size are looked at.
        let body: &'static [u8] = unsafe { raw::bytes(data, size) }?;
        let (bytes, flags) = match free {
            // The message itself may be small; the application expects its memory to be the body all the same.
            Some(free) => (Bytes::from_owner(Lent::new(body, data, free, hint)), 0),
            None => (Bytes::from_static(body), SHARED),
        };
        // SAFETY: the caller's promise is the same.
        unsafe { Msg::init(msg, Frame::lent(bytes), flags) }
    })
}

/// `zmq_msg_close(3)`: lets go of the content. The message must be initialised again before it is used.
///
/// # Safety
/// `msg` leads to a `zmq_msg_t` that was initialised or closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_close(msg: *mut Msg) -> c_int {
    call::int(|| {
        // SAFETY: the caller's promise is the same.
        let live = unsafe { Msg::live(msg) }?;
        let closed = std::mem::replace(live, Msg { frame: Frame::new(), word: Word(AtomicU64::new(0)) });
        // After the memory says that it is closed: a free function may look.
        drop(closed);
        Ok(0)
    })
}

/// `zmq_msg_move(3)`: gives `target` the content of `source`, which becomes empty.
///
/// # Safety
/// Both lead to messages that were initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_move(target: *mut Msg, source: *mut Msg) -> c_int {
    call::int(|| {
        // SAFETY: the caller's promise is the same.
        let from = unsafe { Msg::live(source) }?;
        if target == source {
            return Ok(0);
        }
        let moved = std::mem::replace(from, Msg::new(Frame::new(), 0));
        // SAFETY: the caller's promise is the same, and it is another message.
        match unsafe { Msg::live(target) } {
            Ok(to) => {
                *to = moved;
                Ok(0)
            }
            Err(errno) => {
                *from = moved;
                Err(errno)
            }
        }
    })
}

/// `zmq_msg_copy(3)`: gives `target` the content of `source` too; long bodies are shared.
///
/// # Safety
/// Both lead to messages that were initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_copy(target: *mut Msg, source: *mut Msg) -> c_int {
    call::int(|| {
        // SAFETY: the caller's promise is the same.
        let from = unsafe { Msg::live(source) }?;
        if target == source {
            return Ok(0);
        }
        let mut flags = from.flags();
        if from.frame.inline().is_none() {
            flags |= SHARED;
        }
        let copy = Msg::new(from.frame.clone(), flags);
        // SAFETY: the caller's promise is the same, and it is another message.
        *unsafe { Msg::live(target) }? = copy;
        // Only now, when nothing can fail any more.
        from.word.0.fetch_or(flags, Ordering::Relaxed);
        Ok(0)
    })
}

/// `zmq_msg_data(3)`: where the content is.
///
/// # Safety
/// `msg` leads to a message that was initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_data(msg: *mut Msg) -> *mut c_void {
    // SAFETY: the caller's promise is the same.
    call::pointer(|| Ok(unsafe { Msg::live(msg) }?.frame.as_mut_ptr().cast()))
}

/// `zmq_msg_size(3)`: how many bytes the content has.
///
/// # Safety
/// As [`zmq_msg_data`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_size(msg: *const Msg) -> usize {
    // SAFETY: the caller's promise is the same; nothing is written.
    call::or(0, || Ok(unsafe { Msg::seen(msg) }?.frame.len()))
}

/// `zmq_msg_more(3)`: whether others of the same message follow this received part.
///
/// # Safety
/// As [`zmq_msg_data`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_more(msg: *const Msg) -> c_int {
    // SAFETY: the caller's promise is the same; nothing is written.
    call::or(0, || Ok((unsafe { Msg::word(msg) }? & MORE != 0).into()))
}

/// `zmq_msg_get(3)`: a property of the message that is a number.
///
/// # Safety
/// As [`zmq_msg_data`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_get(msg: *const Msg, property: c_int) -> c_int {
    call::int(|| {
        // SAFETY: the caller's promise is the same; nothing is written.
        let msg = unsafe { Msg::seen(msg) }?;
        match property {
            ZMQ_MORE => Ok((msg.flags() & MORE != 0).into()),
            ZMQ_SHARED => Ok((msg.flags() & SHARED != 0).into()),
            ZMQ_SRCFD => PeerInfo::of(&msg.frame).map(|peer| peer.descriptor).ok_or(Errno::INVALID),
            _ => Err(Errno::INVALID),
        }
    })
}

/// `zmq_msg_set(3)`: there is nothing that can be set.
///
/// # Safety
/// None is needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_set(_msg: *mut Msg, _property: c_int, _value: c_int) -> c_int {
    call::int(|| Err(Errno::INVALID))
}

/// `zmq_msg_gets(3)`: a property of the message that is text, valid as long as the message.
///
/// # Safety
/// As [`zmq_msg_data`]; `property` leads to a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmq_msg_gets(msg: *const Msg, property: *const c_char) -> *const c_char {
    call::pointer(|| {
        // SAFETY: the caller's promise is the same; what is written is written atomically.
        let msg = unsafe { Msg::seen(msg) }?;
        if property.is_null() {
            return Err(Errno::INVALID);
        }
        // SAFETY: not null; the rest is the caller's promise.
        let name = unsafe { CStr::from_ptr(property) };
        msg.property(name).map(<*const c_char>::cast_mut).ok_or(Errno::INVALID)
    })
}
