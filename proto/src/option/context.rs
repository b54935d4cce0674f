//! Options of a context: `zmq_ctx_set(3)` and `zmq_ctx_get(3)`, by the same kind of table.
//!
//! All are `int`s but one, a prefix for the names of threads. This file stores them; what a context
//! does with them, and until when they can matter, is the engine's business.

use std::borrow::Cow;
use std::collections::BTreeSet;

use bytes::Bytes;

use super::table::{Unit, int_range, normal_name};
use super::{OptionError, Options, Profile, Value, Wrong, entry, text};
use crate::SocketType;

/// One context's options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextOptions {
    /// Whose defaults new sockets begin with.
    pub profile: Profile,
    /// How many I/O threads the context starts; 0 serves inproc only.
    pub io_threads: u32,
    /// Most sockets open at a time.
    pub max_sockets: u32,
    /// New sockets use IPv6 beside IPv4.
    pub ipv6: bool,
    /// New sockets linger as their defaults say; otherwise not at all.
    pub blocky: bool,
    /// Largest message in bytes. Kept for programs that read it back; libzmq heeds it no more than we do.
    pub max_msg_size: u32,
    /// Received messages may refer to the receive buffer instead of a copy.
    pub zero_copy_recv: bool,
    /// Scheduling priority of the I/O threads; `None` leaves it to the system.
    pub thread_priority: Option<u32>,
    /// Scheduling policy of the I/O threads (`SCHED_…`); `None` leaves it to the system.
    pub thread_sched_policy: Option<u32>,
    /// The processors on which I/O threads may run; empty is all.
    pub thread_affinity_cpus: BTreeSet<u32>,
    /// What the names of the context's threads begin with.
    pub thread_name_prefix: String,
}

/// Stores an `int` that is not below the row's smallest.
type Store = fn(&mut ContextOptions, i32);

/// One option of a context.
#[derive(Clone, Copy, Debug)]
pub struct ContextRow {
    /// libzmq's number, the one that `zmq_ctx_set(3)` takes.
    pub number: i32,
    /// The name in lower case, such as `"io_threads"`.
    pub name: &'static str,
    /// What it does, in one line.
    pub doc: &'static str,
    unit: Unit,
    load: Option<fn(&ContextOptions) -> i32>,
    store: Option<(i32, Store)>,
}

impl ContextOptions {
    /// libzmq's default of the number of I/O threads.
    pub const DEFAULT_IO_THREADS: u32 = 1;
    /// libzmq's default of the most sockets open at a time.
    pub const DEFAULT_MAX_SOCKETS: u32 = 1023;
    /// The most that `max_sockets` need ever be, as `ZMQ_SOCKET_LIMIT` tells.
    pub const SOCKET_LIMIT: i32 = 65_535;
    /// Longest prefix of thread names, in bytes.
    pub const THREAD_NAME_PREFIX_MAX: usize = 16;

    /// libzmq's defaults, for the context and for its sockets.
    #[must_use]
    pub fn new() -> ContextOptions {
        ContextOptions {
            profile: Profile::Libzmq,
            io_threads: Self::DEFAULT_IO_THREADS,
            max_sockets: Self::DEFAULT_MAX_SOCKETS,
            ipv6: false,
            blocky: true,
            max_msg_size: i32::MAX as u32,
            zero_copy_recv: true,
            thread_priority: None,
            thread_sched_policy: None,
            thread_affinity_cpus: BTreeSet::new(),
            thread_name_prefix: String::new(),
        }
    }

    /// The options of a new socket of type `kind` in this context, with the defaults of `profile`.
    #[must_use]
    pub fn socket_options(&self, kind: SocketType, profile: Profile) -> Options {
        let mut options = Options::of(kind, profile);
        options.ipv6 = self.ipv6;
        if !self.blocky {
            options.linger = Some(std::time::Duration::ZERO);
        }
        options
    }

    /// Sets option `number` to `value`, as `zmq_ctx_set(3)`.
    ///
    /// # Errors
    /// No such option, only to be read, or out of range.
    pub fn set(&mut self, number: i32, value: i32) -> Result<(), OptionError> {
        let row = ContextRow::by_number(number)?;
        let Some((min, store)) = row.store else { return Err(row.error(Wrong::ReadOnly)) };
        let absent_cpu =
            number == AFFINITY_CPU_REMOVE && !self.thread_affinity_cpus.contains(&value.cast_unsigned());
        if value < min || absent_cpu {
            return Err(row.error(Wrong::Range(value.to_string())));
        }
        store(self, value);
        Ok(())
    }

    /// Sets option `number` to the C value `value`, as `zmq_ctx_set_ext(3)`: four bytes are an
    /// `int`; the prefix of thread names also takes a text of up to 16 bytes.
    ///
    /// # Errors
    /// As [`set`](Self::set), and a value of the wrong length.
    pub fn set_bytes(&mut self, number: i32, value: &[u8]) -> Result<(), OptionError> {
        let row = ContextRow::by_number(number)?;
        match <[u8; 4]>::try_from(value) {
            Ok(bytes) => self.set(number, i32::from_ne_bytes(bytes)),
            Err(_) if number == THREAD_NAME_PREFIX => {
                let prefix =
                    entry::text(value, Self::THREAD_NAME_PREFIX_MAX).map_err(|wrong| row.error(wrong))?;
                self.thread_name_prefix = prefix.to_owned();
                Ok(())
            }
            Err(_) => Err(row.error(Wrong::Length(value.len()))),
        }
    }

    /// Sets the option called `name` from what a person wrote.
    ///
    /// # Errors
    /// As [`set`](Self::set), and text that cannot be understood.
    pub fn set_text(&mut self, name: &str, value: &str) -> Result<(), OptionError> {
        let row = ContextRow::by_name(name)?;
        if row.number == THREAD_NAME_PREFIX {
            let prefix = entry::text(value.as_bytes(), Self::THREAD_NAME_PREFIX_MAX);
            self.thread_name_prefix = prefix.map_err(|wrong| row.error(wrong))?.to_owned();
            return Ok(());
        }
        let number = text::number(value, row.unit).map_err(|what| row.error(Wrong::Malformed(what)))?;
        let number = i32::try_from(number).map_err(|_| row.error(Wrong::Range(value.trim().to_owned())))?;
        self.set(row.number, number)
    }

    /// Reads option `number`, as `zmq_ctx_get(3)`.
    ///
    /// # Errors
    /// No such option, or only to be set.
    pub fn read(&self, number: i32) -> Result<i32, OptionError> {
        let row = ContextRow::by_number(number)?;
        row.load.map(|load| load(self)).ok_or_else(|| row.error(Wrong::WriteOnly))
    }

    /// Reads option `number` into a buffer of `capacity` bytes, as `zmq_ctx_get_ext(3)`: an `int` if
    /// it has four. The prefix of thread names is read as text, without a NUL, into any other.
    ///
    /// # Errors
    /// As [`read`](Self::read), and a buffer of the wrong length.
    pub fn read_bytes(&self, number: i32, capacity: usize) -> Result<Value, OptionError> {
        let row = ContextRow::by_number(number)?;
        let prefix = &self.thread_name_prefix;
        match capacity {
            4 => self.read(number).map(Value::Int),
            _ if number == THREAD_NAME_PREFIX && capacity >= prefix.len() => {
                Ok(Value::Binary(Bytes::copy_from_slice(prefix.as_bytes())))
            }
            _ => Err(row.error(Wrong::Capacity(capacity))),
        }
    }
}

impl Default for ContextOptions {
    fn default() -> ContextOptions {
        ContextOptions::new()
    }
}

const AFFINITY_CPU_REMOVE: i32 = 8;
const THREAD_NAME_PREFIX: i32 = 9;

/// Every context option of libzmq's, in the order of their numbers. Number 3 has two names: it is
/// one option when set and another when read.
#[rustfmt::skip] // a table reads as a table
pub static CONTEXT_TABLE: &[ContextRow] = &[
    ContextRow {
        number: 1, name: "io_threads", doc: "how many I/O threads the context starts", unit: Unit::Count,
        load: Some(|context| to_int(context.io_threads)),
        store: Some((0, |context, number| context.io_threads = number.unsigned_abs())),
    },
    ContextRow {
        number: 2, name: "max_sockets", doc: "most sockets open at a time", unit: Unit::Count,
        load: Some(|context| to_int(context.max_sockets)),
        store: Some((1, |context, number| context.max_sockets = number.unsigned_abs())),
    },
    ContextRow {
        number: 3, name: "socket_limit", doc: "the most that max_sockets need ever be", unit: Unit::Count,
        load: Some(|_| ContextOptions::SOCKET_LIMIT), store: None,
    },
    ContextRow {
        number: 3, name: "thread_priority", doc: "scheduling priority of the I/O threads", unit: Unit::Plain,
        load: None, store: Some((0, |context, number| context.thread_priority = Some(number.unsigned_abs()))),
    },
    ContextRow {
        number: 4, name: "thread_sched_policy", doc: "scheduling policy of the I/O threads", unit: Unit::Plain,
        load: Some(|context| context.thread_sched_policy.map_or(-1, to_int)),
        store: Some((0, |context, number| context.thread_sched_policy = Some(number.unsigned_abs()))),
    },
    ContextRow {
        number: 5, name: "max_msgsz", doc: "kept and read back only, as in libzmq", unit: Unit::Bytes,
        load: Some(|context| to_int(context.max_msg_size)),
        store: Some((0, |context, number| context.max_msg_size = number.unsigned_abs())),
    },
    ContextRow {
        number: 6, name: "msg_t_size", doc: "size of a zmq_msg_t", unit: Unit::Bytes, load: Some(|_| 64), store: None,
    },
    ContextRow {
        number: 7, name: "thread_affinity_cpu_add", doc: "let I/O threads run on this processor", unit: Unit::Plain,
        load: None,
        store: Some((0, |context, cpu| { context.thread_affinity_cpus.insert(cpu.unsigned_abs()); })),
    },
    ContextRow {
        number: AFFINITY_CPU_REMOVE, name: "thread_affinity_cpu_remove", doc: "take this processor back", unit: Unit::Plain,
        load: None,
        store: Some((0, |context, cpu| { context.thread_affinity_cpus.remove(&cpu.unsigned_abs()); })),
    },
    ContextRow {
        number: THREAD_NAME_PREFIX, name: "thread_name_prefix", doc: "what the names of threads begin with", unit: Unit::Plain,
        load: Some(|context| context.thread_name_prefix.parse().unwrap_or(0)),
        store: Some((i32::MIN, |context, number| context.thread_name_prefix = number.to_string())),
    },
    ContextRow {
        number: 10, name: "zero_copy_recv", doc: "messages may refer to the receive buffer", unit: Unit::Switch,
        load: Some(|context| i32::from(context.zero_copy_recv)),
        store: Some((0, |context, number| context.zero_copy_recv = number != 0)),
    },
    ContextRow {
        number: 42, name: "ipv6", doc: "new sockets use IPv6 beside IPv4", unit: Unit::Switch,
        load: Some(|context| i32::from(context.ipv6)),
        store: Some((0, |context, number| context.ipv6 = number != 0)),
    },
    ContextRow {
        number: 70, name: "blocky", doc: "new sockets linger as their defaults say, else not at all", unit: Unit::Switch,
        load: Some(|context| i32::from(context.blocky)),
        store: Some((0, |context, number| context.blocky = number != 0)),
    },
];

impl ContextRow {
    /// Whether it can be read.
    #[must_use]
    pub fn readable(&self) -> bool {
        self.load.is_some()
    }

    /// Whether it can be set.
    #[must_use]
    pub fn writable(&self) -> bool {
        self.store.is_some()
    }

    /// Both halves of `number`, should it have two, in one row.
    fn by_number(number: i32) -> Result<ContextRow, OptionError> {
        let mut halves = CONTEXT_TABLE.iter().filter(|row| row.number == number);
        let first = halves.next().ok_or_else(|| OptionError::unknown_number(number))?;
        Ok(halves.fold(*first, |row, half| ContextRow {
            load: row.load.or(half.load),
            store: row.store.or(half.store),
            ..row
        }))
    }

    fn by_name(name: &str) -> Result<&'static ContextRow, OptionError> {
        let normal = normal_name(name);
        let row = CONTEXT_TABLE.iter().find(|row| row.name == normal);
        row.ok_or_else(|| OptionError {
            option: normal.chars().take(64).collect::<String>().into(),
            wrong: Wrong::Unknown,
            expected: String::new(),
        })
    }

    fn error(&self, wrong: Wrong) -> OptionError {
        let expected = match (&wrong, self.store) {
            (Wrong::Range(_) | Wrong::Malformed(_) | Wrong::Length(_), Some((min, _))) => {
                format!("give {}", int_range(min, i32::MAX, self.unit))
            }
            (Wrong::Capacity(_), _) => "give it 4 bytes".into(),
            _ => String::new(),
        };
        OptionError { option: Cow::Borrowed(self.name), wrong, expected }
    }
}

fn to_int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number, default read (if readable), smallest value accepted (if writable): measured of libzmq 4.3.5.
    const MEASURED: &[(i32, Option<i32>, Option<i32>)] = &[
        (1, Some(1), Some(0)),
        (2, Some(1023), Some(1)),
        (3, Some(65_535), Some(0)),
        (4, Some(-1), Some(0)),
        (5, Some(i32::MAX), Some(0)),
        (6, Some(64), None),
        (7, None, Some(0)),
        (8, None, Some(0)),
        (9, Some(0), Some(i32::MIN)),
        (10, Some(1), Some(0)),
        (42, Some(0), Some(0)),
        (70, Some(1), Some(0)),
    ];

    #[test]
    fn every_option_has_libzmqs_default_and_range() {
        for (number, default, min) in MEASURED {
            let fresh = ContextOptions::new();
            assert_eq!(fresh.read(*number).ok(), *default, "{number}");
            for value in [i32::MIN, -1, 0, 1, 2, i32::MAX] {
                let mut context = fresh.clone();
                context.thread_affinity_cpus = [0, 1, 2, i32::MAX as u32].into();
                let accepted = context.set(*number, value).is_ok();
                assert_eq!(accepted, min.is_some_and(|min| value >= min), "{number} {value}");
                let switch = [10, 42, 70].contains(number);
                if accepted && default.is_some() && *number != 3 {
                    let expected = if switch { i32::from(value != 0) } else { value };
                    assert_eq!(context.read(*number), Ok(expected));
                }
            }
        }
        assert!(CONTEXT_TABLE.iter().all(|row| MEASURED.iter().any(|(number, ..)| *number == row.number)));
        for unknown in [i32::MIN, -1, 0, 11, 43, i32::MAX] {
            assert_eq!(ContextOptions::new().read(unknown).unwrap_err().wrong, Wrong::Unknown);
            assert_eq!(ContextOptions::new().set(unknown, 1).unwrap_err().wrong, Wrong::Unknown);
        }
    }

    #[test]
    fn processors_are_added_and_taken_back_once() {
        let mut context = ContextOptions::new();
        context.set(7, 3).unwrap();
        assert_eq!(context.set(8, 2).unwrap_err().wrong, Wrong::Range("2".into()));
        context.set(8, 3).unwrap();
        assert!(context.set(8, 3).is_err());
    }

    #[test]
    fn the_prefix_of_thread_names_is_an_int_or_a_text() {
        let mut context = ContextOptions::new();
        context.set(9, 1234).unwrap();
        assert_eq!(context.thread_name_prefix, "1234");
        assert_eq!(context.read(9), Ok(1234));
        context.set_bytes(9, b"worker").unwrap();
        assert_eq!(context.read(9), Ok(0));
        assert_eq!(context.read_bytes(9, 16), Ok(Value::Binary("worker".into())));
        assert!(context.read_bytes(9, 5).is_err() && context.read_bytes(1, 8).is_err());
        assert!(context.set_bytes(9, &[b'a'; 17]).is_err() && context.set_bytes(9, b"").is_err());
        assert!(context.set_bytes(1, b"12345").is_err());
        context.set_bytes(1, &4_i32.to_ne_bytes()).unwrap();
        assert_eq!(context.io_threads, 4);
    }

    #[test]
    fn names_and_texts_and_the_sockets_they_beget() {
        let mut context = ContextOptions::new();
        context.set_text("ZMQ_IO_THREADS", "2").unwrap();
        context.set_text("blocky", "off").unwrap();
        context.set_text("ipv6", "on").unwrap();
        context.set_text("thread-name-prefix", "abcd").unwrap();
        assert_eq!((context.io_threads, context.thread_name_prefix.as_str()), (2, "abcd"));
        let options = context.socket_options(SocketType::Push, Profile::Native);
        assert!(options.ipv6 && options.linger == Some(std::time::Duration::ZERO));
        let error = context.set_text("io_threads", "-1").unwrap_err();
        assert_eq!(error.to_string(), "option io_threads: -1 is out of range; give 0 or more");
        let error = context.set_text("msg_t_size", "1").unwrap_err();
        assert_eq!(error.to_string(), "option msg_t_size: it cannot be set");
        assert!(context.set_text("nothing", "1").is_err());
    }
}
