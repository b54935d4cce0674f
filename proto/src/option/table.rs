//! What the option table is made of: a [`Row`] for each option, and who, when and how much.
//!
//! A row is the only place that knows an option's number, name, type, range, writers and meaning;
//! setting, reading, text on a command line, documentation and tests are all derived from it. The
//! rows themselves are in `rows.rs`. Rows hold no values: those are in [`Options`].

use std::fmt;

use bytes::Bytes;

use super::codec::Codec;
use super::{Options, Profile, TABLE};
use crate::SocketType;
use crate::mechanism::KEY_LEN;
use zeroize::Zeroizing;

/// One option: everything there is to know about it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// libzmq's number, the one that `zmq_setsockopt(3)` takes.
    pub number: i32,
    /// The name in lower case, such as `"sndhwm"`; see [`c_name`](Self::c_name).
    pub name: &'static str,
    /// Older names of the same option.
    pub aliases: &'static [&'static str],
    /// What it does, in one line.
    pub doc: &'static str,
    /// What its number counts.
    pub unit: Unit,
    /// The socket types that may write it.
    pub writers: Kinds,
    /// The socket types that may read it.
    pub readers: Kinds,
    /// When a new value is heeded.
    pub effect: Effect,
    /// Where this library's sockets begin with another value than libzmq's.
    pub departure: Option<Departure>,
    pub(super) field: Field,
}

/// The second column of defaults: what [`Profile::Native`] has in place of libzmq's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The value, as the `int` or `int64_t` that sets it.
    pub value: i64,
    /// The socket types that begin with it.
    pub kinds: Kinds,
    /// Why, in one line.
    pub why: &'static str,
}

/// When a new value of an option is heeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// At once, on living connections too.
    Immediately,
    /// By binds and connects that come later.
    NextBindOrConnect,
}

/// What the number in an option counts. It decides which suffixes a text may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nothing in particular.
    Plain,
    /// Messages, connections, probes.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// On or off.
    Switch,
    /// A sum of named bits.
    Bits(&'static [(&'static str, i32)]),
}

/// The type of an option's value, as `zmq_setsockopt(3)` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// `int`, 4 bytes.
    Int,
    /// `uint64_t`, 8 bytes.
    U64,
    /// `int64_t`, 8 bytes.
    I64,
    /// A character string.
    Text,
    /// Binary data.
    Binary,
}

/// Whether an option works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It does what libzmq's manual says.
    Works,
    /// What it is about does not exist here; setting or reading it is an error with this reason.
    Absent(&'static str),
}

/// What only a living socket can say; [`Options::read`] hands the question back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Live {
    /// `ZMQ_RCVMORE`: whether parts of the message being received are left (int).
    RcvMore,
    /// `ZMQ_FD`: the descriptor to poll (int).
    Fd,
    /// `ZMQ_EVENTS`: whether the socket can send or receive (int).
    Events,
    /// `ZMQ_LAST_ENDPOINT`: where the last bind or connect went (text).
    LastEndpoint,
    /// `ZMQ_TOPICS_COUNT`: how many subscriptions there are (int).
    TopicsCount,
}

/// A set of socket types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u16);

/// Where and how a row's value is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    /// A C `int`, from `min` to `max`.
    Int { min: i32, max: i32, load: fn(&Options) -> i32, store: fn(&mut Options, i32) },
    /// A `uint64_t` of any value.
    U64 { load: fn(&Options) -> u64, store: fn(&mut Options, u64) },
    /// An `int64_t` of any value.
    I64 { load: fn(&Options) -> i64, store: fn(&mut Options, i64) },
    /// 1 to `max` bytes of UTF-8, or what clears it.
    Text {
        max: usize,
        cleared_by: ClearedBy,
        load: fn(&Options) -> &str,
        store: fn(&mut Options, Option<&str>),
    },
    /// A key of 32 bytes, or as Z85.
    Key { load: fn(&Options) -> Zeroizing<[u8; KEY_LEN]>, store: fn(&mut Options, [u8; KEY_LEN]) },
    /// `min` to `max` bytes; with `min` 0, NULL is the empty value.
    Binary { min: usize, max: usize, load: fn(&Options) -> Bytes, store: fn(&mut Options, Bytes) },
    /// Numbers of the system's (4 bytes each), added one at a time; NULL clears.
    Ids { load: fn(&Options) -> Vec<i64>, add: fn(&mut Options, [u8; 4]), clear: fn(&mut Options) },
    /// `ZMQ_TCP_ACCEPT_FILTER`: networks, added one at a time; NULL clears.
    AcceptFilter,
    /// `ZMQ_METADATA`: properties, added one at a time.
    Metadata,
    /// `ZMQ_SUBSCRIBE` and `ZMQ_UNSUBSCRIBE`.
    Topic { wanted: bool },
    /// A number that never changes, or follows from the socket's type.
    Fixed { exact: bool, load: fn(SocketType) -> i32 },
    /// A number that follows from other options.
    Derived(fn(&Options) -> i32),
    /// The socket answers.
    Live(Live),
    /// Not here, because …
    Absent(&'static str),
}

/// What clears a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClearedBy {
    /// Nothing: once set, it can only be replaced.
    Nothing,
    /// A NULL pointer.
    Null,
    /// A NULL pointer or an empty string.
    NullOrEmpty,
}

impl Row {
    /// The row of libzmq's option `number`.
    #[must_use]
    pub fn by_number(number: i32) -> Option<&'static Row> {
        TABLE.binary_search_by_key(&number, |row| row.number).ok().and_then(|index| TABLE.get(index))
    }

    /// The row of the option called `name`: any case, `-` or `_`, with or without `ZMQ_`, old names too.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Row> {
        let name = normal_name(name);
        TABLE.iter().find(|row| row.name == name || row.aliases.contains(&name.as_str()))
    }

    /// The name as C spells it, such as `"ZMQ_SNDHWM"`; one that only this library has is `FERROZMQ_…`.
    #[must_use]
    pub fn c_name(&self) -> String {
        let library = if self.is_libzmqs() { "ZMQ" } else { "FERROZMQ" };
        format!("{library}_{}", self.name.to_ascii_uppercase())
    }

    /// Whether libzmq has it, too.
    #[must_use]
    pub fn is_libzmqs(&self) -> bool {
        self.number < OWN_OPTIONS
    }

    /// The type of its value.
    #[must_use]
    pub fn value_type(&self) -> ValueType {
        match self.field {
            Field::U64 { .. } => ValueType::U64,
            Field::I64 { .. } => ValueType::I64,
            Field::Text { .. } | Field::AcceptFilter | Field::Metadata | Field::Live(Live::LastEndpoint) => {
                ValueType::Text
            }
            Field::Binary { .. } | Field::Key { .. } | Field::Topic { .. } => ValueType::Binary,
            Field::Int { .. }
            | Field::Ids { .. }
            | Field::Fixed { .. }
            | Field::Derived(_)
            | Field::Live(_)
            | Field::Absent(_) => ValueType::Int,
        }
    }

    /// Whether it works here.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.field {
            Field::Absent(reason) => Status::Absent(reason),
            _ => Status::Works,
        }
    }

    /// The values it takes, in words.
    #[must_use]
    pub fn range(&self) -> String {
        match self.field {
            Field::Int { min, max, .. } => int_range(min, max, self.unit),
            Field::U64 { .. } => "any 64-bit number".into(),
            Field::I64 { .. } => format!("any number{}, negative for no limit", self.unit.suffix()),
            Field::Text { max, cleared_by: ClearedBy::Nothing, .. } => {
                format!("1 to {max} bytes of UTF-8 text")
            }
            Field::Text { max, .. } => format!("1 to {max} bytes of UTF-8 text, or NULL to clear it"),
            Field::Key { .. } => "32 bytes, or 40 characters of Z85".into(),
            Field::Binary { min, max: usize::MAX, .. } => format!("{min} or more bytes"),
            Field::Binary { min, max, .. } => format!("{min} to {max} bytes"),
            Field::Ids { .. } => "a number to add, or NULL to remove all".into(),
            Field::AcceptFilter => "an address or address/prefix to add, or NULL to remove all".into(),
            Field::Metadata => "X-name:value, the name at most 255 characters".into(),
            Field::Topic { .. } => "any bytes".into(),
            Field::Fixed { .. } | Field::Derived(_) | Field::Live(_) | Field::Absent(_) => "nothing".into(),
        }
    }

    /// What a new socket of type `kind` has in this profile, as text; empty where there is nothing.
    #[must_use]
    pub fn default_text(&self, kind: SocketType, profile: Profile) -> String {
        match self.load(&Options::of(kind, profile), kind) {
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}

impl Row {
    /// A row that every socket type may write and read, heeded by the next bind or connect.
    pub(super) const fn new(
        number: i32,
        name: &'static str,
        field: Field,
        unit: Unit,
        doc: &'static str,
    ) -> Row {
        Row {
            number,
            name,
            aliases: &[],
            doc,
            unit,
            writers: Kinds::ALL,
            readers: Kinds::ALL,
            effect: Effect::NextBindOrConnect,
            departure: None,
            field,
        }
    }

    /// These sockets begin with `value` in this library's own profile.
    pub(super) const fn native(self, value: i64, kinds: Kinds, why: &'static str) -> Row {
        Row { departure: Some(Departure { value, kinds, why }), ..self }
    }

    /// Sets what this library's own profile has in place of libzmq's value.
    pub(super) fn depart(&self, options: &mut Options, kind: SocketType) {
        let Some(departure) = self.departure.filter(|departure| departure.kinds.contains(kind)) else {
            return;
        };
        match self.field {
            Field::Int { min, max, store, .. } => {
                let value = i32::try_from(departure.value).unwrap_or(max);
                store(options, value.clamp(min, max));
            }
            Field::I64 { store, .. } => store(options, departure.value),
            _ => debug_assert!(false, "{}: only numbers depart", self.name),
        }
    }

    pub(super) const fn aliases(self, aliases: &'static [&'static str]) -> Row {
        Row { aliases, ..self }
    }

    /// Heeded at once.
    pub(super) const fn now(self) -> Row {
        Row { effect: Effect::Immediately, ..self }
    }

    /// Written by these only, read by nobody.
    pub(super) const fn written_by(self, writers: Kinds) -> Row {
        Row { writers, readers: Kinds::NONE, ..self }
    }

    /// Written by nobody, read by these only.
    pub(super) const fn read_by(self, readers: Kinds) -> Row {
        Row { readers, writers: Kinds::NONE, ..self }
    }

    /// Written by these only, read by all.
    pub(super) const fn only_for(self, writers: Kinds) -> Row {
        Row { writers, ..self }
    }
}

/// The row of an `int` kept in `load`'s field as `C` says.
pub(super) const fn int<C: Codec>(load: fn(&Options) -> i32, store: fn(&mut Options, i32)) -> Field {
    Field::Int { min: C::MIN, max: C::MAX, load, store }
}

impl Unit {
    /// What follows a number of this unit in a sentence.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Unit::Plain | Unit::Switch | Unit::Bits(_) | Unit::Count => "",
            Unit::Bytes => " bytes",
            Unit::Milliseconds => " ms",
            Unit::Seconds => " s",
        }
    }
}

/// Numbers from here on are options of this library's own, which libzmq does not know.
pub const OWN_OPTIONS: i32 = 10_000;

impl Kinds {
    /// No socket type.
    pub const NONE: Kinds = Kinds(0);
    /// Every socket type.
    pub const ALL: Kinds = Kinds((1 << SocketType::ALL.len()) - 1);

    /// These socket types.
    #[must_use]
    pub const fn of(kinds: &[SocketType]) -> Kinds {
        let mut bits = 0;
        let mut index = 0;
        while index < kinds.len() {
            bits |= 1 << (kinds[index] as u8);
            index += 1;
        }
        Kinds(bits)
    }

    /// All others.
    #[must_use]
    pub const fn except(self) -> Kinds {
        Kinds(Kinds::ALL.0 & !self.0)
    }

    /// Whether `kind` is among them.
    #[must_use]
    pub const fn contains(self, kind: SocketType) -> bool {
        self.0 & (1 << (kind as u8)) != 0
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Kinds::ALL => f.write_str("every socket type"),
            Kinds::NONE => f.write_str("no socket type"),
            some => {
                let names: Vec<&str> = SocketType::ALL
                    .into_iter()
                    .filter(|kind| some.contains(*kind))
                    .map(SocketType::name)
                    .collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// `name` as the table spells names.
pub(super) fn normal_name(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase().replace('-', "_");
    name.strip_prefix("zmq_").map(str::to_owned).unwrap_or(name)
}

pub(super) fn int_range(min: i32, max: i32, unit: Unit) -> String {
    let suffix = unit.suffix();
    match (min, max) {
        _ if matches!(unit, Unit::Bits(_)) && max != i32::MAX => format!("a sum of bits from {min} to {max}"),
        (i32::MIN, i32::MAX) => "any number".into(),
        (0, 1) => "0 or 1".into(),
        (-1, 1) => "-1, 0 or 1".into(),
        (-1, i32::MAX) => format!("-1 or more{suffix}"),
        (min, i32::MAX) => format!("{min} or more{suffix}"),
        (min, max) => format!("{min} to {max}{suffix}"),
    }
}
