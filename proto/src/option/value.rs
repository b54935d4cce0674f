//! An option's value on its way out: typed, as C's bytes, or as text.

use std::fmt;

use bytes::Bytes;

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A C `int`.
    Int(i32),
    /// A `uint64_t`.
    U64(u64),
    /// An `int64_t`.
    I64(i64),
    /// A string; C gets it with a closing NUL.
    Text(String),
    /// Binary data.
    Binary(Bytes),
}

impl Value {
    /// The bytes that `zmq_getsockopt(3)` writes, in this machine's byte order.
    #[must_use]
    pub fn to_c_bytes(&self) -> Vec<u8> {
        match self {
            Value::Int(number) => number.to_ne_bytes().to_vec(),
            Value::U64(number) => number.to_ne_bytes().to_vec(),
            Value::I64(number) => number.to_ne_bytes().to_vec(),
            Value::Text(text) => [text.as_bytes(), b"\0"].concat(),
            Value::Binary(bytes) => bytes.to_vec(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(number) => number.fmt(f),
            Value::U64(number) => number.fmt(f),
            Value::I64(number) => number.fmt(f),
            Value::Text(text) => f.write_str(text),
            Value::Binary(bytes) => write!(f, "{}", bytes.escape_ascii()),
        }
    }
}
