//! Cuts a fuzzer's bytes into numbers and slices, without ever failing: an input that has run out gives zeros and nothing.

/// What is left of an input.
#[derive(Clone, Debug)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(bytes)
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// The next four bytes as a number.
    pub fn int(&mut self) -> i32 {
        self.take(4).iter().fold(0, |number, byte| number << 8 | i32::from(*byte))
    }

    /// The next `length` bytes, or as many as there are.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// All the rest.
    pub fn rest(&mut self) -> &'a [u8] {
        self.take(usize::MAX)
    }
}
