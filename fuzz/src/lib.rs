//! What the fuzz targets share: the oracle of bounded memory, and cutting inputs to pieces.
//!
//! Each target panics on what must not happen; libFuzzer adds that nothing may hang or crash.

pub mod input;
pub mod memory;
