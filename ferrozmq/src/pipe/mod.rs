//! What joins the side of messages to the side of bytes, or two sockets of one process.
//!
//! `ring` and `lock` are unsafe rooms, checked by loom and by a sanitizer.

pub mod lock;
pub mod ring;
