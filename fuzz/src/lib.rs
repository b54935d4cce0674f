//! What the fuzz targets share: the oracle of bounded memory, cutting inputs to pieces, and the engine's part of a connection.
//!
//! Each target panics on what must not happen; libFuzzer adds that nothing may hang or crash.

pub mod connection;
pub mod forger;
pub mod input;
pub mod memory;
pub mod mock;
pub mod queues;
