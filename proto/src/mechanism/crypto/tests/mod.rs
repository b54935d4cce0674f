//! Each provider against published vectors, and against the other one.

mod differential;
mod vectors;

use super::*;

/// Both, by name.
const PROVIDERS: [(&str, &dyn CurveCrypto); 2] =
    [("dryoc", &super::dryoc::Dryoc), ("crypto_box", &super::rustcrypto::RustCrypto)];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).expect("a digit") as u8).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4) | pair[1]).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().expect("as long as it should be")
}
