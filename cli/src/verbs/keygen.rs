//! `zmq keygen NAME`: a new pair of CURVE keys, as two certificate files in CZMQ's format.
//!
//! `NAME` has the public key and may be read by everybody; `NAME_secret` has both, and only its owner may read it. Files that
//! exist are never written over. Without a name the keys are printed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ferrozmq::KeyPair;

use crate::failure::Failure;
use crate::open::print_line;

/// What both files begin with.
const COMMENT: &str = "CURVE certificate for ZeroMQ, made by zmq keygen";
const PUBLIC_MODE: u32 = 0o644;
const SECRET_MODE: u32 = 0o600;

/// Makes the keys and writes them.
///
/// # Errors
/// [`Failure::Error`], if a file exists already or cannot be written.
pub fn run(name: Option<&Path>) -> Result<(), Failure> {
    let pair = KeyPair::generate().map_err(|error| Failure::Error(error.to_string()))?;
    let Some(name) = name else {
        print_line(&format!("public-key = \"{}\"", pair.public_text()))?;
        return print_line(&format!("secret-key = \"{}\"", pair.secret_text().expose()));
    };
    let secret = secret_path(name);
    if name.exists() {
        return Err(Failure::Error(format!(
            "{}: exists already; keys are never written over",
            name.display()
        )));
    }
    // The secret one first: a public key whose secret is lost is of no use.
    let warning = format!("{COMMENT}\nDO NOT hand this file out: it has the SECRET key.");
    write_new(&secret, &pair.certificate(true, &warning), SECRET_MODE)?;
    write_new(name, &pair.certificate(false, COMMENT), PUBLIC_MODE)?;
    print_line(&format!("{}  {}", name.display(), pair.public_text()))
}

fn secret_path(name: &Path) -> PathBuf {
    let mut path = name.as_os_str().to_owned();
    path.push("_secret");
    path.into()
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::Error(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_certificate_is_beside_the_public_one() {
        assert_eq!(secret_path(Path::new("a/b.cert")), Path::new("a/b.cert_secret"));
    }
}
