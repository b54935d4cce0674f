//! Setting and reading options by number or by name: the table's rules applied to [`Options`].
//!
//! What is refused changes nothing, and says which option, what was wrong and what would be right.
//! Options about living things (subscriptions, events) are handed back to the socket, as
//! [`Change`] and [`Reading`]; nothing here touches one.

use bytes::Bytes;

use super::entry;
use super::security;
use super::table::{ClearedBy, Effect, Field, Live, Row, normal_name};
use super::text;
use super::{OptionError, Options, TABLE, Value, Wrong};
use crate::SocketType;
use crate::mechanism::KEY_LEN;

/// What setting an option means for the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Change {
    /// Stored. Living connections and the pattern must heed it now.
    Now,
    /// Stored, for binds and connects to come.
    Later,
    /// Nothing stored: the socket must subscribe to this topic.
    Subscribe(Bytes),
    /// Nothing stored: the socket must take back one subscription to this topic.
    Unsubscribe(Bytes),
}

/// What reading an option gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The value.
    Value(Value),
    /// Only the socket knows. The buffer suffices for an int; for
    /// [`LastEndpoint`](Live::LastEndpoint) the socket must check.
    Ask(Live),
}

impl Options {
    /// Sets option `number` of a socket of type `kind` to the C value `value`, as
    /// `zmq_setsockopt(3)`: `None` is a NULL pointer, which clears what can be cleared.
    ///
    /// Strings may end with a NUL, which is dropped; libzmq keeps it.
    ///
    /// # Errors
    /// No such option, not for this type of socket, wrong length, out of range, or not available here.
    pub fn set<'a>(
        &mut self,
        kind: SocketType,
        number: i32,
        value: impl Into<Option<&'a [u8]>>,
    ) -> Result<Change, OptionError> {
        let row = Row::by_number(number).ok_or_else(|| OptionError::unknown_number(number))?;
        self.set_row(row, kind, value.into())
    }

    /// Sets the option called `name` of a socket of type `kind` from what a person wrote: times like
    /// `250ms`, `1.5s`, `forever`, sizes like `64k`, `on` and `off`, names of bits joined by `|`.
    ///
    /// # Errors
    /// As [`set`](Self::set), and text that cannot be understood. An unknown name is answered with
    /// the one most like it.
    pub fn set_text(&mut self, kind: SocketType, name: &str, text: &str) -> Result<Change, OptionError> {
        let row = Row::by_name(name).ok_or_else(|| unknown_name(name))?;
        row.check_writer(kind)?;
        let bytes = row.encode_text(text)?;
        self.set_row(row, kind, Some(&bytes))
    }

    /// Changes option `number` of a socket of type `kind` by its typed field, which is what `change` does: for callers that
    /// have no bytes but a value that the field can hold.
    ///
    /// # Errors
    /// No such option, not for this type of socket, not available here, or out of range; then nothing was changed.
    pub fn change(
        &mut self,
        kind: SocketType,
        number: i32,
        change: impl FnOnce(&mut Options),
    ) -> Result<Change, OptionError> {
        let row = Row::by_number(number).ok_or_else(|| OptionError::unknown_number(number))?;
        row.check_writer(kind)?;
        let before = self.clone();
        change(self);
        if let (Field::Int { min, max, .. }, Some(Value::Int(value))) = (row.field, row.load(self, kind))
            && !(min..=max).contains(&value)
            && row.load(&before, kind) != Some(Value::Int(value))
        {
            *self = before;
            return Err(OptionError::value(row, Wrong::Range(value.to_string())));
        }
        Ok(row.change())
    }

    /// Reads option `number` of a socket of type `kind`, as `zmq_getsockopt(3)` with a buffer of
    /// `capacity` bytes; `None` is a buffer of the right size.
    ///
    /// # Errors
    /// No such option, not to be read, not available here, or a buffer of the wrong size.
    pub fn read(
        &self,
        kind: SocketType,
        number: i32,
        capacity: Option<usize>,
    ) -> Result<Reading, OptionError> {
        let row = Row::by_number(number).ok_or_else(|| OptionError::unknown_number(number))?;
        row.check_reader(kind)?;
        if let Field::Live(live) = row.field {
            let too_small = |capacity: &usize| *capacity < size_of::<i32>() && live != Live::LastEndpoint;
            return match capacity.filter(too_small) {
                Some(capacity) => Err(row.capacity(capacity)),
                None => Ok(Reading::Ask(live)),
            };
        }
        if let (Field::Key { load, .. }, None | Some(KEY_LEN)) = (row.field, capacity) {
            return Ok(Reading::Value(Value::Binary(Bytes::copy_from_slice(&*load(self)))));
        }
        let value = row.load(self, kind).ok_or_else(|| row.write_only())?;
        match capacity {
            Some(capacity) if !row.fits(&value, capacity) => Err(row.capacity(capacity)),
            _ => Ok(Reading::Value(value)),
        }
    }

    fn set_row(&mut self, row: &Row, kind: SocketType, value: Option<&[u8]>) -> Result<Change, OptionError> {
        row.check_writer(kind)?;
        if let Field::Topic { wanted } = row.field {
            if kind != SocketType::Sub && !self.xpub_manual {
                let wrong = Wrong::State("this socket does not decide about subscriptions");
                return Err(OptionError::refused(row, wrong, "set xpub_manual first".into()));
            }
            let topic = Bytes::copy_from_slice(value.unwrap_or_default());
            return Ok(if wanted { Change::Subscribe(topic) } else { Change::Unsubscribe(topic) });
        }
        row.store(self, value).map_err(|wrong| OptionError::value(row, wrong))?;
        Ok(row.change())
    }
}

impl Row {
    /// What a new value means for the socket.
    fn change(&self) -> Change {
        match self.effect {
            Effect::Immediately => Change::Now,
            Effect::NextBindOrConnect => Change::Later,
        }
    }

    /// The row's value in `options`, whoever may read it; `None` where none is kept there.
    #[must_use]
    pub fn load(&self, options: &Options, kind: SocketType) -> Option<Value> {
        Some(match self.field {
            Field::Int { load, .. } => Value::Int(load(options)),
            Field::U64 { load, .. } => Value::U64(load(options)),
            Field::I64 { load, .. } => Value::I64(load(options)),
            Field::Text { load, .. } => Value::Text(load(options).to_owned()),
            Field::Key { load, .. } => Value::Text(security::key_text(&load(options))),
            Field::Binary { load, .. } => Value::Binary(load(options)),
            Field::Fixed { load, .. } => Value::Int(load(kind)),
            Field::Derived(load) => Value::Int(load(options)),
            Field::Ids { load, .. } => Value::Text(entry::joined(load(options))),
            Field::AcceptFilter => Value::Text(entry::filters_text(&options.tcp_accept_filters)),
            Field::Metadata => Value::Text(entry::metadata_text(&options.metadata)),
            Field::Topic { .. } | Field::Live(_) | Field::Absent(_) => return None,
        })
    }

    fn store(&self, options: &mut Options, value: Option<&[u8]>) -> Result<(), Wrong> {
        match self.field {
            Field::Int { min, max, store, .. } => {
                let number = i32::from_ne_bytes(exactly(value)?);
                if !(min..=max).contains(&number) {
                    return Err(Wrong::Range(number.to_string()));
                }
                store(options, number);
            }
            Field::U64 { store, .. } => store(options, u64::from_ne_bytes(exactly(value)?)),
            Field::I64 { store, .. } => store(options, i64::from_ne_bytes(exactly(value)?)),
            Field::Text { max, cleared_by, store, .. } => match (value, cleared_by) {
                (None, ClearedBy::Null | ClearedBy::NullOrEmpty) => store(options, None),
                (Some([]), ClearedBy::NullOrEmpty) => store(options, None),
                (value, _) => store(options, Some(entry::text(value.unwrap_or_default(), max)?)),
            },
            Field::Key { store, .. } => store(options, security::key(value.unwrap_or_default())?),
            Field::Binary { min, max, store, .. } => {
                let bytes = value.unwrap_or_default();
                if !(min..=max).contains(&bytes.len()) {
                    return Err(Wrong::Length(bytes.len()));
                }
                store(options, Bytes::copy_from_slice(bytes));
            }
            Field::Ids { add, clear, .. } => match value {
                None => clear(options),
                some => add(options, exactly(some)?),
            },
            Field::AcceptFilter => match value {
                None => options.tcp_accept_filters.clear(),
                Some(bytes) => options.tcp_accept_filters.push(entry::network(bytes)?),
            },
            Field::Metadata => entry::add_property(&mut options.metadata, value.unwrap_or_default())?,
            Field::Topic { .. } | Field::Fixed { .. } | Field::Derived(_) | Field::Live(_) => {
                return Err(Wrong::ReadOnly);
            }
            Field::Absent(reason) => return Err(Wrong::Absent(reason)),
        }
        Ok(())
    }

    /// The C value that `text` means for this option.
    fn encode_text(&self, text: &str) -> Result<Vec<u8>, OptionError> {
        let malformed = |what| OptionError::value(self, Wrong::Malformed(what));
        let out_of_range = |_| OptionError::value(self, Wrong::Range(text.trim().to_owned()));
        Ok(match self.field {
            Field::Int { .. } => {
                let number = text::number(text, self.unit).map_err(malformed)?;
                i32::try_from(number).map_err(out_of_range)?.to_ne_bytes().to_vec()
            }
            Field::I64 { .. } => text::number(text, self.unit).map_err(malformed)?.to_ne_bytes().to_vec(),
            Field::U64 { .. } => text::bitmap(text).map_err(malformed)?.to_ne_bytes().to_vec(),
            Field::Ids { .. } => {
                let number = text::number(text, self.unit).map_err(malformed)?;
                u32::try_from(number).map_err(out_of_range)?.to_ne_bytes().to_vec()
            }
            _ => text.as_bytes().to_vec(),
        })
    }

    fn check_writer(&self, kind: SocketType) -> Result<(), OptionError> {
        self.check_present()?;
        match () {
            () if self.writers.contains(kind) => Ok(()),
            () if self.writers == super::Kinds::NONE => {
                Err(OptionError::refused(self, Wrong::ReadOnly, "it can only be read".into()))
            }
            () => {
                let expected = format!("it is for {}", self.writers);
                Err(OptionError::refused(self, Wrong::SocketType(kind), expected))
            }
        }
    }

    fn check_reader(&self, kind: SocketType) -> Result<(), OptionError> {
        self.check_present()?;
        match () {
            () if self.readers.contains(kind) => Ok(()),
            () if self.readers == super::Kinds::NONE => Err(self.write_only()),
            () => {
                let expected = format!("it is for {}", self.readers);
                Err(OptionError::refused(self, Wrong::SocketType(kind), expected))
            }
        }
    }

    fn check_present(&self) -> Result<(), OptionError> {
        match self.field {
            Field::Absent(reason) => Err(OptionError::refused(self, Wrong::Absent(reason), String::new())),
            _ => Ok(()),
        }
    }

    fn write_only(&self) -> OptionError {
        OptionError::refused(self, Wrong::WriteOnly, String::new())
    }

    /// Whether a C buffer of `capacity` bytes suits `value`: libzmq wants numbers to fit exactly.
    fn fits(&self, value: &Value, capacity: usize) -> bool {
        let needed = value.to_c_bytes().len();
        match self.field {
            Field::Int { .. }
            | Field::U64 { .. }
            | Field::I64 { .. }
            | Field::Derived(_)
            | Field::Key { .. }
            | Field::Fixed { exact: true, .. } => capacity == needed,
            _ => capacity >= needed,
        }
    }

    fn capacity(&self, capacity: usize) -> OptionError {
        let expected = match self.value_type() {
            super::ValueType::Int => "give it 4 bytes",
            super::ValueType::U64 | super::ValueType::I64 => "give it 8 bytes",
            _ if matches!(self.field, Field::Key { .. }) => "give it 32 bytes, or 41 for Z85",
            super::ValueType::Text => "give it 256 bytes",
            super::ValueType::Binary => "give it 255 bytes",
        };
        OptionError::refused(self, Wrong::Capacity(capacity), expected.into())
    }
}

fn exactly<const N: usize>(value: Option<&[u8]>) -> Result<[u8; N], Wrong> {
    let bytes = value.unwrap_or_default();
    bytes.try_into().map_err(|_| Wrong::Length(bytes.len()))
}

/// The error for a name that is not in the table, with the name most like it.
fn unknown_name(name: &str) -> OptionError {
    /// More of a name than this is not worth comparing or repeating.
    const NAME_MAX: usize = 64;
    let shown: String = name.chars().take(NAME_MAX).collect();
    let normal: Vec<char> = normal_name(&shown).chars().collect();
    let steps_max = 1 + normal.len() / 4;
    // Each letter too many or too few is a step: most rows need no closer look.
    let similar = TABLE.iter().filter(|row| row.name.len().abs_diff(normal.len()) <= steps_max);
    let nearest = similar.map(|row| (distance(row.name, &normal), row.name)).min();
    let expected = match nearest {
        Some((steps, nearest)) if steps <= steps_max => format!("did you mean {nearest}?"),
        _ => String::new(),
    };
    OptionError { option: shown.into(), wrong: Wrong::Unknown, expected }
}

/// How many letters must be inserted, removed or replaced to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b) {
            let here = (diagonal + usize::from(from != *to)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
