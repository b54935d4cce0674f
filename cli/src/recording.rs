//! Recordings: messages in a file, with the times at which they came.
//!
//! All numbers are little-endian.
//!
//! ```text
//! file    = magic "ZMQREC\r\n"   version u16 = 1   reserved u16 = 0   begun u64 (µs since 1970)   *record
//! record  = length u64 (of the payload)   checksum u32 (CRC-32 of the payload, as zlib's)   payload
//! payload = time u64 (ns since begun)   parts u32   *part
//! part    = length u64   bytes
//! ```
//!
//! A record is whole or worth nothing: a file that was cut anywhere gives all its records but the last. Invariant: what a
//! file claims never makes the reader reserve more memory than the file has bytes.

use std::io::{self, Read, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ferrozmq::{Frame, Message};

const MAGIC: &[u8; 8] = b"ZMQREC\r\n";

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u16 = 1;

const HEADER: usize = 20;
const RECORD_HEADER: usize = 12;
const PAYLOAD_MIN: usize = 12;

/// Writes a recording.
pub struct Writer<W: Write> {
    out: W,
    payload: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Begins a recording.
    ///
    /// # Errors
    /// Whatever `out` reports.
    pub fn new(mut out: W) -> io::Result<Writer<W>> {
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64;
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&[0; 2]);
        header.extend_from_slice(&begun.to_le_bytes());
        out.write_all(&header)?;
        Ok(Writer { out, payload: Vec::new() })
    }

    /// Adds `message`, which came `at` after the beginning.
    ///
    /// # Errors
    /// Whatever `out` reports.
    pub fn add(&mut self, at: Duration, message: &Message) -> io::Result<()> {
        let payload = &mut self.payload;
        payload.clear();
        payload.extend_from_slice(&u64::try_from(at.as_nanos()).unwrap_or(u64::MAX).to_le_bytes());
        payload.extend_from_slice(&(message.len() as u32).to_le_bytes());
        for part in message.iter() {
            payload.extend_from_slice(&(part.len() as u64).to_le_bytes());
            payload.extend_from_slice(part);
        }
        self.out.write_all(&(payload.len() as u64).to_le_bytes())?;
        self.out.write_all(&crc32(payload).to_le_bytes())?;
        self.out.write_all(payload)
    }

    /// Hands all that was added to the system.
    ///
    /// # Errors
    /// Whatever `out` reports.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads a recording.
pub struct Reader<R: Read> {
    input: R,
    /// Bytes read so far: where the next record begins.
    place: u64,
    begun: Duration,
}

/// A message and when it came, since the beginning.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Duration,
    /// What.
    pub message: Message,
}

/// Why there is no next record.
#[derive(Debug)]
pub enum Broken {
    /// The file ends in the middle of a record, which begins at this byte: whoever wrote it was cut short.
    Truncated(u64),
    /// The record that begins at this byte is not what was written.
    Damaged(u64, &'static str),
    /// The file cannot be read.
    Io(io::Error),
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Broken::Truncated(place) => write!(f, "the recording is cut off in the record at byte {place}"),
            Broken::Damaged(place, how) => write!(f, "the recording is damaged at byte {place}: {how}"),
            Broken::Io(error) => write!(f, "{error}"),
        }
    }
}

impl<R: Read> Reader<R> {
    /// Reads the beginning.
    ///
    /// # Errors
    /// If this is no recording, or one of a later version.
    pub fn new(mut input: R) -> Result<Reader<R>, Broken> {
        let mut header = Vec::new();
        read_up_to(&mut input, HEADER as u64, &mut header)?;
        if header.get(..8) != Some(MAGIC) {
            return Err(Broken::Damaged(0, "it does not begin as a recording does"));
        }
        if header.len() < HEADER {
            return Err(Broken::Truncated(0));
        }
        if header[8..10] != VERSION.to_le_bytes() {
            return Err(Broken::Damaged(8, "it is of a version that this program does not know"));
        }
        let begun = Duration::from_micros(number(&header[12..]));
        Ok(Reader { input, place: HEADER as u64, begun })
    }

    /// When the recording was begun, since 1970.
    pub fn begun(&self) -> Duration {
        self.begun
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// If what follows is no whole record. Nothing can be read after that.
    pub fn next(&mut self) -> Result<Option<Record>, Broken> {
        let place = self.place;
        let mut header = Vec::new();
        match read_up_to(&mut self.input, RECORD_HEADER as u64, &mut header)? {
            0 => return Ok(None),
            RECORD_HEADER => {}
            _ => return Err(Broken::Truncated(place)),
        }
        let length = number(&header);
        let mut payload = Vec::new();
        if read_up_to(&mut self.input, length, &mut payload)? as u64 != length {
            return Err(Broken::Truncated(place));
        }
        if header[8..] != crc32(&payload).to_le_bytes() {
            return Err(Broken::Damaged(place, "the checksum is wrong"));
        }
        self.place += RECORD_HEADER as u64 + length;
        let record = parse(&payload).ok_or(Broken::Damaged(place, "the parts do not fill the record"))?;
        Ok(Some(record))
    }
}

/// Reads `wanted` bytes, or what there is; says how many.
fn read_up_to(input: &mut impl Read, wanted: u64, into: &mut Vec<u8>) -> Result<usize, Broken> {
    input.take(wanted).read_to_end(into).map_err(Broken::Io)
}

fn parse(payload: &[u8]) -> Option<Record> {
    if payload.len() < PAYLOAD_MIN {
        return None;
    }
    let (head, mut rest) = payload.split_at(PAYLOAD_MIN);
    let mut parts = Vec::new();
    for _ in 0..u32::from_le_bytes(head[8..].try_into().ok()?) {
        let (length, after) = rest.split_at_checked(8)?;
        let (part, after) = after.split_at_checked(usize::try_from(number(length)).ok()?)?;
        parts.push(Frame::copy_from_slice(part));
        rest = after;
    }
    let message = Message::from_parts(parts).filter(|_| rest.is_empty())?;
    Some(Record { at: Duration::from_nanos(number(head)), message })
}

/// The number in the first eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < 256 {
        let mut crc = n as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0xedb8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
};

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| CRC_TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(records: &[Record]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out).unwrap();
        records.iter().for_each(|record| writer.add(record.at, &record.message).unwrap());
        out
    }

    /// All whole records, and what came after them.
    fn read(bytes: &[u8]) -> (Vec<Record>, Option<Broken>) {
        let mut records = Vec::new();
        let mut reader = match Reader::new(bytes) {
            Ok(reader) => reader,
            Err(broken) => return (records, Some(broken)),
        };
        loop {
            match reader.next() {
                Ok(Some(record)) => records.push(record),
                Ok(None) => return (records, None),
                Err(broken) => return (records, Some(broken)),
            }
        }
    }

    fn record() -> impl Strategy<Value = Record> {
        let part = proptest::collection::vec(any::<u8>(), 0..60);
        (any::<u64>(), proptest::collection::vec(part, 1..5)).prop_map(|(nanos, parts)| Record {
            at: Duration::from_nanos(nanos),
            message: Message::from_parts(parts.into_iter().map(Frame::from)).unwrap(),
        })
    }

    #[test]
    fn the_checksum_is_that_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn what_is_no_recording_or_claims_too_much_is_refused() {
        assert!(matches!(read(b"hello, world, how are you?"), (_, Some(Broken::Damaged(0, _)))));
        let mut bytes = written(&[]);
        bytes[8] = 2;
        assert!(matches!(read(&bytes), (_, Some(Broken::Damaged(8, _)))));
        let mut bytes = written(&[]);
        bytes.extend_from_slice(&u64::MAX.to_le_bytes());
        bytes.extend_from_slice(&[0; 100]);
        assert!(matches!(read(&bytes), (_, Some(Broken::Truncated(20)))));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_written_is_read(records in proptest::collection::vec(record(), 0..8)) {
            let (read, broken) = read(&written(&records));
            prop_assert!(broken.is_none());
            prop_assert_eq!(read, records);
        }

        #[test]
        fn a_cut_costs_the_record_that_it_cuts(records in proptest::collection::vec(record(), 1..6), at in 0.0..1.0) {
            let bytes = written(&records);
            let cut = HEADER + (((bytes.len() - HEADER) as f64) * at) as usize;
            let whole = (0..=records.len()).rev().find(|n| written(&records[..*n]).len() <= cut).unwrap();
            let (read, broken) = read(&bytes[..cut]);
            let place = written(&records[..whole]).len();
            prop_assert_eq!(&read[..], &records[..whole]);
            match broken {
                None => prop_assert_eq!(place, cut),
                Some(Broken::Truncated(at)) => prop_assert_eq!(at, place as u64),
                other => prop_assert!(false, "{:?}", other),
            }
        }

        #[test]
        fn a_changed_byte_is_noticed(records in proptest::collection::vec(record(), 1..4), at in any::<prop::sample::Index>(), change in 1..=255_u8) {
            let mut bytes = written(&records);
            let place = HEADER + at.index(bytes.len() - HEADER);
            bytes[place] ^= change;
            let (read, broken) = read(&bytes);
            prop_assert!(broken.is_some());
            prop_assert!(records.starts_with(&read));
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), whole in any::<bool>()) {
            let mut file = if whole { written(&[]) } else { Vec::new() };
            file.extend(bytes);
            let _ = read(&file);
        }
    }
}
