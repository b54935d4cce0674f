//! Certificates in CZMQ's format (`zcert`): a text of names and values in which CURVE keys travel between people.
//!
//! ```text
//! #   a comment
//! metadata
//!     name = "anna"
//! curve
//!     public-key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
//!     secret-key = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"
//! ```
//! What it says beside keys and metadata is passed over, as CZMQ passes it over. Whether the two keys belong together is not
//! this file's business.

use super::LineError;
use crate::mechanism::{KEY_LEN, SecretKey, SecretText};
use crate::z85;
use zeroize::Zeroizing;

/// Most lines of metadata that are kept, and the longest value of one, in bytes.
const METADATA_MAX: usize = 64;
const VALUE_MAX: usize = 255;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The public key.
    pub public_key: [u8; KEY_LEN],
    /// The secret key, in the file that only its owner has.
    pub secret_key: Option<SecretKey>,
    /// What the owner is called, and the like.
    pub metadata: Vec<(String, String)>,
}

/// Why a text is no certificate.
pub type CertificateError = LineError;

/// The part of a certificate that a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Metadata,
    Curve,
    Other,
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// The first line that is wrong: a key that is none, a quotation that does not end; or that there is no public key.
    pub fn parse(text: &[u8]) -> Result<Certificate, CertificateError> {
        let mut section = Section::Other;
        let (mut public_key, mut secret_key, mut metadata) = (None, None, Vec::new());
        let mut number = 0;
        for bytes in text.split(|byte| *byte == b'\n') {
            number += 1;
            let wrong = |what: &str| LineError { line: number, what: what.to_owned() };
            let line = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?;
            let Some((name, value)) = pair(line).map_err(wrong)? else { continue };
            let indented = line.starts_with([' ', '\t']);
            match (indented, section, name) {
                (false, ..) => section = section_of(name),
                (true, Section::Curve, "public-key") => public_key = Some(*key(value).map_err(wrong)?),
                (true, Section::Curve, "secret-key") => {
                    secret_key = Some(SecretKey::new(*key(value).map_err(wrong)?));
                }
                (true, Section::Metadata, name) if metadata.len() < METADATA_MAX => {
                    let fits = name.len() <= VALUE_MAX && value.len() <= VALUE_MAX;
                    metadata.extend(fits.then(|| (name.to_owned(), value.to_owned())));
                }
                _ => {}
            }
        }
        let public_key = public_key.ok_or(LineError {
            line: number,
            what: "there is no public-key under curve; it should be 40 characters of Z85".to_owned(),
        })?;
        Ok(Certificate { public_key, secret_key, metadata })
    }

    /// The certificate as text, with the secret key if it has one; wiped when it is dropped. Begins with `comment`, each line of
    /// which becomes one.
    #[must_use]
    pub fn to_text(&self, comment: &str) -> SecretText {
        use std::fmt::Write as _;
        let text_of = |key: &[u8; KEY_LEN]| Zeroizing::new(z85::encode(key).unwrap_or_default());
        // Room for all of it: what a growing string leaves behind would not be wiped.
        let mut text =
            Zeroizing::new(String::with_capacity(1024 + comment.len() + 600 * self.metadata.len()));
        // Writing to a String cannot fail.
        for line in comment.lines() {
            let _ = writeln!(text, "#   {line}");
        }
        text.push_str("\nmetadata\n");
        for (name, value) in &self.metadata {
            let _ = writeln!(text, "    {name} = \"{value}\"");
        }
        let _ = write!(text, "curve\n    public-key = \"{}\"\n", *text_of(&self.public_key));
        if let Some(secret) = &self.secret_key {
            let _ = writeln!(text, "    secret-key = \"{}\"", *text_of(secret.expose()));
        }
        SecretText::of(text)
    }
}

fn section_of(name: &str) -> Section {
    match name {
        "metadata" => Section::Metadata,
        "curve" => Section::Curve,
        _ => Section::Other,
    }
}

/// Name and value of a line; nothing if it is empty or a comment.
fn pair(line: &str) -> Result<Option<(&str, &str)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    // A name has no such characters, so that the first of them ends it.
    let (name, rest) = line.split_once(['=', '#']).unwrap_or((line, ""));
    let assigned = line.as_bytes().get(name.len()) == Some(&b'=');
    let value = if assigned { unquoted(rest.trim())? } else { "" };
    Ok(Some((name.trim(), value)))
}

/// The value of `"value" # comment`, whichever quotes it has; without any it ends where the comment begins.
fn unquoted(text: &str) -> Result<&str, &'static str> {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            let end = rest.split_once(quote).map(|(value, _)| value);
            return end.ok_or("the quotation does not end in this line");
        }
    }
    Ok(text.split_once('#').map_or(text, |(value, _)| value).trim())
}

fn key(text: &str) -> Result<Zeroizing<[u8; KEY_LEN]>, &'static str> {
    let bytes = z85::decode(text).map(Zeroizing::new).ok();
    let key = bytes.and_then(|bytes| <[u8; KEY_LEN]>::try_from(bytes.as_slice()).ok());
    key.map(Zeroizing::new).ok_or("a key of CURVE is 40 characters of Z85")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
    const SECRET: &str = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";

    fn parse(text: &str) -> Result<Certificate, LineError> {
        Certificate::parse(text.as_bytes())
    }

    /// As `zcert_save(3)` of CZMQ 4 writes it.
    #[test]
    fn czmqs_own_files_are_read() {
        let text = format!(
            "#   ****  Generated on 2026-11-29 20:00:00 by CZMQ  ****\n#   ZeroMQ CURVE **Secret** Certificate\n\
             #   DO NOT PROVIDE THIS FILE TO OTHER USERS nor change its permissions.\n\nmetadata\n    name = \"anna\"\n    \
             team = 'blue # green'\ncurve\n    public-key = \"{PUBLIC}\"\n    secret-key = \"{SECRET}\"\n"
        );
        let certificate = parse(&text).unwrap();
        assert_eq!(z85::encode(&certificate.public_key).unwrap(), PUBLIC);
        assert_eq!(z85::encode(certificate.secret_key.as_ref().unwrap().expose()).unwrap(), SECRET);
        let metadata =
            [("name", "anna"), ("team", "blue # green")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(certificate.metadata, metadata);
        assert_eq!(parse(&certificate.to_text("hello\nworld")).unwrap(), certificate);
        assert!(!format!("{certificate:?}").contains("JTKVSB"));
    }

    /// PyZMQ writes tabs and no metadata.
    #[test]
    fn pyzmqs_files_are_read() {
        let text = format!("#   comment\r\nmetadata\r\ncurve\r\n\tpublic-key = \"{PUBLIC}\"\r\n");
        let certificate = parse(&text).unwrap();
        assert!(certificate.secret_key.is_none() && certificate.metadata.is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line() {
        let cases: [(&str, usize, &str); 6] = [
            ("", 1, "no public-key"),
            ("curve\n    public-key = \"short\"\n", 2, "40 characters"),
            ("curve\n    public-key = \"open\n", 2, "does not end"),
            (&format!("curve\npublic-key = \"{PUBLIC}\"\n"), 3, "no public-key"),
            (&format!("other\n    public-key = \"{PUBLIC}\"\n"), 3, "no public-key"),
            (&format!("curve\n    public-key = \"{PUBLIC}\"\n    secret-key = \"{PUBLIC}x\"\n"), 3, "40"),
        ];
        for (text, line, what) in cases {
            let error = parse(text).unwrap_err();
            assert!(error.line == line && error.what.contains(what), "{text:?}: {error}");
        }
        assert_eq!(Certificate::parse(b"curve\n\xff").unwrap_err().line, 2);
    }
}
