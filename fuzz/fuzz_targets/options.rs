//! A socket's options set and read by a careless program: numbers, lengths, values and names of any kind.
//!
//! A refusal changes nothing; what was accepted can be read and set again to the same effect; a
//! buffer that is too small is refused; errors are short; memory is bounded by what was handed over.
//!
//! The input is a socket type, then records: what to do, a number, the value's length, the value.
#![no_main]

use ferrozmq_fuzz::input::Input;
use ferrozmq_fuzz::memory;
use ferrozmq_proto::SocketType;
use ferrozmq_proto::option::{ContextOptions, OWN_OPTIONS, Options, Reading, Row, Value};
use ferrozmq_proto::z85;
use libfuzzer_sys::fuzz_target;

/// Longest error text, in bytes, for values of up to 255 bytes.
const ERROR_MAX: usize = 2048;
/// Records of one input. Every one is compared with all that was set before, so that many cost the square of their number.
const RECORDS_MAX: usize = 32;
/// One input in so many may have a name that no option has. The search for the option most like it costs more than all the rest
/// and does not depend on what was set before, so that one name in one of these inputs is enough.
const STRANGER_EVERY: u8 = 8;
/// `ZMQ_PLAIN_USERNAME` and `ZMQ_PLAIN_PASSWORD`.
const PLAIN_CREDENTIALS: [i32; 2] = [45, 46];

fuzz_target!(|bytes: &[u8]| {
    // Filters and properties cost an entry of some forty bytes for each record of four.
    memory::bounded(16 * bytes.len(), || run(Input::new(bytes)));
});

fn run(mut input: Input<'_>) {
    let first = input.byte();
    let kind = SocketType::ALL[usize::from(first) % SocketType::ALL.len()];
    let mut options = Options::new(kind);
    let mut context = ContextOptions::new();
    let mut stranger_allowed = first % STRANGER_EVERY == 0;
    for _ in 0..RECORDS_MAX {
        if input.is_empty() {
            return;
        }
        let action = input.byte();
        // Of two hundred and above there are only options of our own.
        let number = match i32::from(input.byte()) {
            own @ 200.. => OWN_OPTIONS + own,
            libzmqs => libzmqs,
        };
        let length = usize::from(input.byte());
        let value = input.take(length);
        match action % 6 {
            0 | 1 => set(&mut options, kind, number, Some(value)),
            2 => set(&mut options, kind, number, None),
            3 => {
                let text = String::from_utf8_lossy(value);
                let (name, value) = text.split_once('=').unwrap_or((&text, ""));
                if Row::by_name(name).is_some() || std::mem::take(&mut stranger_allowed) {
                    set_text(&mut options, kind, name, value);
                }
            }
            4 => read(&options, kind, number, length),
            _ => set_context(&mut context, number, value),
        }
    }
}

fn set(options: &mut Options, kind: SocketType, number: i32, value: Option<&[u8]>) {
    let before = options.clone();
    match options.set(kind, number, value) {
        // NULL ends PLAIN and forgets neither name nor password, as in libzmq: to set what is read begins it again.
        Ok(_) if value.is_none() && PLAIN_CREDENTIALS.contains(&number) => {}
        Ok(_) => set_again(options, kind, number),
        Err(error) => {
            assert_eq!(*options, before, "{error}");
            assert!(error.to_string().len() <= ERROR_MAX);
        }
    }
}

/// What can be read can be set, and changes nothing then.
fn set_again(options: &Options, kind: SocketType, number: i32) {
    let row = Row::by_number(number).expect("what can be set is in the table");
    if let (Ok(Reading::Value(value)), true) = (options.read(kind, number, None), row.writers.contains(kind))
    {
        let mut again = options.clone();
        if again.set(kind, number, &value.to_c_bytes()[..]).is_ok() {
            assert_eq!(again, *options, "{}", row.name);
        }
    }
}

fn set_text(options: &mut Options, kind: SocketType, name: &str, value: &str) {
    let before = options.clone();
    if let Err(error) = options.set_text(kind, name, value) {
        assert_eq!(*options, before, "{error}");
        assert!(error.to_string().len() <= ERROR_MAX);
    }
}

fn read(options: &Options, kind: SocketType, number: i32, capacity: usize) {
    let (unlimited, limited) = (options.read(kind, number, None), options.read(kind, number, Some(capacity)));
    match (unlimited, limited) {
        (Ok(Reading::Value(value)), Ok(limited)) => {
            let Reading::Value(limited) = limited else { panic!("a value without limit, none with it") };
            assert!(limited.to_c_bytes().len() <= capacity);
            // A key has two forms, and the buffer's length says which one is meant.
            assert!(limited == value || key(&limited).is_some_and(|bytes| Some(bytes) == key(&value)));
        }
        (Ok(Reading::Ask(live)), Ok(limited)) => assert_eq!(limited, Reading::Ask(live)),
        (_, Err(error)) => assert!(error.to_string().len() <= ERROR_MAX),
        (Err(error), Ok(_)) => panic!("{error}, but with a buffer it can be read"),
    }
}

/// The key that a value is, as bytes or as Z85.
fn key(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Binary(bytes) if bytes.len() == 32 => Some(bytes.to_vec()),
        Value::Text(text) if text.len() == 40 => z85::decode(text.as_bytes()).ok(),
        _ => None,
    }
}

fn set_context(context: &mut ContextOptions, number: i32, value: &[u8]) {
    let before = context.clone();
    match context.set_bytes(number, value) {
        Ok(()) => assert!(context.read(number).is_ok() || [7, 8].contains(&number)),
        Err(error) => assert_eq!(*context, before, "{error}"),
    }
}
