//! C escapes: bytes as text that a terminal can show and a person can type.
//!
//! [`escape_into`] and [`unescape`] are inverse to each other on every byte string. Valid UTF-8 that
//! is printable stays as it is; control characters and stray bytes never reach a terminal raw.

/// Appends `bytes` to `out`, with `\n`, `\t`, `\r`, `\\`, `\xNN` for what cannot be shown, and a
/// backslash before each of `also`.
pub fn escape_into(out: &mut Vec<u8>, bytes: &[u8], also: &[char]) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            escape_char(out, c, also);
        }
        for byte in chunk.invalid() {
            hex_escape(out, *byte);
        }
    }
}

fn escape_char(out: &mut Vec<u8>, c: char, also: &[char]) {
    let mut buffer = [0; 4];
    match c {
        '\n' => out.extend_from_slice(b"\\n"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\\' => out.extend_from_slice(b"\\\\"),
        c if c.is_control() || is_invisible(c) => {
            c.encode_utf8(&mut buffer).bytes().for_each(|byte| hex_escape(out, byte));
        }
        c => {
            if also.contains(&c) {
                out.push(b'\\');
            }
            out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
    }
}

/// Characters that change how the text around them is shown: a peer could disguise its output.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn hex_escape(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS[usize::from(nibble & 15)];
    out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte)]);
}

/// The bytes that `text` stands for: `\n \t \r \0 \a \b \e \f \v \\ \" \' \xNN`.
///
/// # Errors
/// A sentence naming the escape that means nothing.
pub fn unescape(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match rest.next() {
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'0') => 0,
            Some(b'a') => 7,
            Some(b'b') => 8,
            Some(b'e') => 27,
            Some(b'f') => 12,
            Some(b'v') => 11,
            Some(b'x') => hex_pair(rest.next(), rest.next()).ok_or("\\x needs two hexadecimal digits")?,
            Some(c) if c.is_ascii_punctuation() => c,
            Some(c) => {
                return Err(format!("\\{} is not an escape; write \\\\ for a backslash", c.escape_ascii()));
            }
            None => return Err("a backslash at the end escapes nothing; write \\\\ for a backslash".into()),
        });
    }
    Ok(out)
}

fn hex_pair(high: Option<u8>, low: Option<u8>) -> Option<u8> {
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// The bytes that `text` stands for after `0x`, for routing ids; other text stands for itself.
///
/// # Errors
/// A sentence, if what follows `0x` is not pairs of hexadecimal digits.
pub fn bytes_or_hex(text: &str) -> Result<Vec<u8>, String> {
    let Some(digits) = text.strip_prefix("0x") else { return Ok(text.as_bytes().to_vec()) };
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| hex_pair(pair.first().copied(), pair.get(1).copied()))
        .collect();
    bytes
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| format!("{text:?} is not pairs of hexadecimal digits"))
}

/// `bytes` in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}"); // writing to a String cannot fail
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn escaped(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        escape_into(&mut out, bytes, &['"']);
        out
    }

    #[test]
    fn text_stays_text_and_the_rest_is_spelled_out() {
        assert_eq!(escaped("Zürich 5°".as_bytes()), "Zürich 5°".as_bytes());
        assert_eq!(escaped(b"a\tb\n\x1b[31m\xff\\\""), br#"a\tb\n\x1b[31m\xff\\\""#);
        assert_eq!(escaped("\u{202e}".as_bytes()), br"\xe2\x80\xae");
        assert_eq!(unescape(br"\0\e\x41").unwrap(), b"\0\x1bA");
        for wrong in [&br"\q"[..], br"\", br"\x4", br"\xzz"] {
            assert!(unescape(wrong).is_err());
        }
    }

    #[test]
    fn routing_ids() {
        assert_eq!(bytes_or_hex("alice").unwrap(), b"alice");
        assert_eq!(bytes_or_hex("0x00ff").unwrap(), [0, 255]);
        for wrong in ["0x", "0x1", "0xzz"] {
            assert!(bytes_or_hex(wrong).is_err());
        }
        assert_eq!(hex(&[0, 255]), "00ff");
    }

    proptest! {
        #[test]
        fn unescape_undoes_escape(bytes: Vec<u8>) {
            prop_assert_eq!(unescape(&escaped(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn nothing_escaped_can_move_a_cursor(bytes: Vec<u8>) {
            prop_assert!(String::from_utf8(escaped(&bytes)).unwrap().chars().all(|c| !c.is_control()));
        }
    }
}
