//! This library in conversation with libzmq, and with peers of older protocols.
//!
//! What needs libzmq needs a Python with PyZMQ, whose path is in `FERROZMQ_PYTHON` (`cargo xtask test` sets it); what needs the seed
//! programs, their folder in `FERROZMQ_SEED`. Without them those tests are skipped, and say so on stderr.

mod doors;
mod old_peers;
mod pairs;
mod part;
mod program;
pub mod python;
mod security;
mod seed;
mod side;
