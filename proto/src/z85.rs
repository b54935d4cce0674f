//! Z85 (RFC 32): four bytes as five printable characters. CURVE keys travel between people this way.
//!
//! Nothing is padded: only multiples of four bytes, and of five characters, have a Z85 form.

use std::fmt;

/// Why something has no Z85 form, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Z85Error {
    /// So many bytes are not a multiple of four.
    ByteCount(usize),
    /// So many characters are not a positive multiple of five.
    CharacterCount(usize),
    /// The character at this place is not one of Z85's.
    Character(usize),
    /// The five characters from this place on mean more than four bytes can hold.
    Overflow(usize),
}

/// `bytes` as Z85.
///
/// # Errors
/// [`Z85Error::ByteCount`] unless the length is a multiple of four.
///
/// ```
/// let hello = [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b];
/// assert_eq!(ferrozmq_proto::z85::encode(&hello).as_deref(), Ok("HelloWorld"));
/// ```
pub fn encode(bytes: &[u8]) -> Result<String, Z85Error> {
    let (groups, []) = bytes.as_chunks::<4>() else {
        return Err(Z85Error::ByteCount(bytes.len()));
    };
    let mut text = String::with_capacity(groups.len() * 5);
    for group in groups {
        let mut divisor = 85_u32.pow(4);
        for _ in 0..5 {
            let digit = u32::from_be_bytes(*group) / divisor % 85;
            text.push(char::from(CHARACTERS[digit as usize]));
            divisor /= 85;
        }
    }
    Ok(text)
}

/// The bytes that `text` stands for.
///
/// # Errors
/// Not a positive multiple of five characters, a character that Z85 has not, or five characters that
/// mean more than `2^32 - 1`.
pub fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, Z85Error> {
    let text = text.as_ref();
    let (groups, []) = text.as_chunks::<5>() else {
        return Err(Z85Error::CharacterCount(text.len()));
    };
    if groups.is_empty() {
        return Err(Z85Error::CharacterCount(0)); // as libzmq, for which no key is not a key
    }
    let mut bytes = Vec::with_capacity(groups.len() * 4);
    for (index, group) in groups.iter().enumerate() {
        let mut value = 0_u32;
        for (place, character) in group.iter().enumerate() {
            let digit = DIGITS[usize::from(*character)];
            if digit == NO_DIGIT {
                return Err(Z85Error::Character(index * 5 + place));
            }
            value = value
                .checked_mul(85)
                .and_then(|value| value.checked_add(u32::from(digit)))
                .ok_or(Z85Error::Overflow(index * 5))?;
        }
        bytes.extend_from_slice(&value.to_be_bytes());
    }
    Ok(bytes)
}

const CHARACTERS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

const NO_DIGIT: u8 = 0xff;

/// The digit that each byte is in Z85.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < CHARACTERS.len() {
        digits[CHARACTERS[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

impl fmt::Display for Z85Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Z85Error::ByteCount(count) => write!(f, "Z85 wants a multiple of 4 bytes, not {count}"),
            Z85Error::CharacterCount(count) => write!(f, "Z85 wants a multiple of 5 characters, not {count}"),
            Z85Error::Character(place) => write!(f, "the character at position {place} is not one of Z85's"),
            Z85Error::Overflow(place) => write!(f, "the five characters at position {place} are too large"),
        }
    }
}

impl std::error::Error for Z85Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_rfc() {
        assert_eq!(decode("HelloWorld"), Ok(vec![0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]));
        let key = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
        let bytes = [
            0x8e, 0x0b, 0xdd, 0x69, 0x76, 0x28, 0xb9, 0x1d, 0x8f, 0x24, 0x55, 0x87, 0xee, 0x95, 0xc5, 0xb0,
            0x4d, 0x48, 0x96, 0x3f, 0x79, 0x25, 0x98, 0x77, 0xb4, 0x9c, 0xd9, 0x06, 0x3a, 0xea, 0xd3, 0xb7,
        ];
        assert_eq!(decode(key).as_deref(), Ok(&bytes[..]));
        assert_eq!(encode(&bytes).as_deref(), Ok(key));
    }

    #[test]
    fn what_is_not_z85_is_refused_at_its_place() {
        assert_eq!(encode(b"abc"), Err(Z85Error::ByteCount(3)));
        assert_eq!(encode(b"").as_deref(), Ok(""));
        assert_eq!(decode(""), Err(Z85Error::CharacterCount(0)));
        assert_eq!(decode("Hello1"), Err(Z85Error::CharacterCount(6)));
        assert_eq!(decode("Hello World"), Err(Z85Error::CharacterCount(11)));
        assert_eq!(decode("HelloWo ld"), Err(Z85Error::Character(7)));
        assert_eq!(decode(b"\xff\xff\xff\xff\xff"), Err(Z85Error::Character(0)));
        assert_eq!(decode("%nSc0"), Ok(vec![0xff; 4]));
        assert_eq!(decode("%nSc1"), Err(Z85Error::Overflow(0)));
        assert_eq!(decode("00000#####"), Err(Z85Error::Overflow(5)));
    }

    proptest! {
        #[test]
        fn bytes_come_back(words in proptest::collection::vec(any::<[u8; 4]>(), 1..20)) {
            let bytes = words.concat();
            prop_assert_eq!(decode(encode(&bytes).unwrap()), Ok(bytes));
        }

        #[test]
        fn whatever_decodes_is_what_encodes(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes).unwrap().into_bytes(), text);
            }
        }
    }
}
