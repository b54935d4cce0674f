//! Numbers as people write them: durations, sizes, switches and names of bits.
//!
//! Only what [`Options::set_text`](super::Options::set_text) needs; ranges are checked by it.

use super::table::Unit;

/// The number that `text` means in `unit`, or why there is none.
pub(super) fn number(text: &str, unit: Unit) -> Result<i64, String> {
    let text = text.trim();
    match unit {
        Unit::Switch => switch(text).map_or_else(|| plain(text, "on, off or a number"), Ok),
        Unit::Bits(names) => bits(text, names),
        Unit::Milliseconds => duration_ms(text, 1),
        Unit::Seconds => Ok(match duration_ms(text, 1000)? {
            negative @ ..0 => negative,
            millis if millis % 1000 == 0 => millis / 1000,
            _ => return Err(format!("{text:?} is not a whole number of seconds")),
        }),
        Unit::Bytes => unlimited(text).map_or_else(|| scaled(text, BYTES, 1, "a size such as 64k"), Ok),
        Unit::Count => unlimited(text).map_or_else(|| scaled(text, COUNTS, 1, "a number such as 10k"), Ok),
        Unit::Plain => plain(text, "a number"),
    }
}

/// As [`number`], for bitmaps: decimal, or hexadecimal after `0x`.
pub(super) fn bitmap(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("{text:?} is not a number"))
}

const BYTES: &[(&str, i64)] = &[
    ("b", 1),
    ("k", 1 << 10),
    ("kb", 1 << 10),
    ("kib", 1 << 10),
    ("m", 1 << 20),
    ("mb", 1 << 20),
    ("mib", 1 << 20),
    ("g", 1 << 30),
    ("gb", 1 << 30),
    ("gib", 1 << 30),
];
const COUNTS: &[(&str, i64)] = &[("k", 1000), ("m", 1_000_000)];
const MILLISECONDS: &[(&str, i64)] = &[
    ("ms", 1),
    ("s", 1000),
    ("sec", 1000),
    ("m", 60_000),
    ("min", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

fn switch(text: &str) -> Option<i64> {
    match text.to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" => Some(1),
        "off" | "false" | "no" => Some(0),
        _ => None,
    }
}

/// -1 for the words that mean there is no limit.
fn unlimited(text: &str) -> Option<i64> {
    let words = ["forever", "never", "infinite", "unlimited", "none", "default"];
    words.iter().any(|word| text.eq_ignore_ascii_case(word)).then_some(-1)
}

fn duration_ms(text: &str, bare: i64) -> Result<i64, String> {
    match unlimited(text) {
        Some(number) => Ok(number),
        None if text.starts_with('-') => plain(text, "a time such as 250ms or 1.5s"),
        None => scaled(text, MILLISECONDS, bare, "a time such as 250ms or 1.5s"),
    }
}

fn plain(text: &str, wanted: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("{text:?} is not {wanted}"))
}

/// A number, perhaps with a fraction, times its suffix's worth, or times `bare` without one.
fn scaled(text: &str, suffixes: &[(&str, i64)], bare: i64, wanted: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not {wanted}");
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (digits, suffix) = text.split_at_checked(end).ok_or_else(wrong)?;
    let suffix = suffix.to_ascii_lowercase();
    let worth = match suffixes.iter().find(|(name, _)| *name == suffix) {
        Some((_, worth)) => *worth,
        None if suffix.is_empty() => bare,
        None => return Err(wrong()),
    };
    let digits = digits.trim_end();
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole: i64 = whole.parse().map_err(|_| wrong())?;
    let fraction = fraction_of(worth, fraction).ok_or_else(wrong)?;
    let whole = whole.checked_mul(worth).ok_or_else(wrong)?;
    if whole < 0 { Ok(whole) } else { whole.checked_add(fraction).ok_or_else(wrong) }
}

/// `0.digits` of `worth`, rounded down. More digits than nine are more than any unit here has.
fn fraction_of(worth: i64, digits: &str) -> Option<i64> {
    if digits.len() > 9 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (mut numerator, mut denominator) = (0, 1);
    for digit in digits.bytes() {
        numerator = numerator * 10 + i128::from(digit - b'0');
        denominator *= 10;
    }
    i64::try_from(i128::from(worth) * numerator / denominator).ok()
}

fn bits(text: &str, names: &[(&str, i32)]) -> Result<i64, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    let mut sum = 0;
    for word in text.split(['|', ',', '+']).map(str::trim).filter(|word| *word != "none") {
        let bit = names.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            format!("{word:?} is not one of {}", names.join(", "))
        })?;
        sum |= i64::from(bit.1);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let ms = |text| number(text, Unit::Milliseconds);
        assert_eq!(ms("250"), Ok(250));
        assert_eq!(ms("250ms"), Ok(250));
        assert_eq!(ms(" 1.5 s "), Ok(1500));
        assert_eq!(ms("2m"), Ok(120_000));
        assert_eq!(ms("-1"), Ok(-1));
        assert_eq!(ms("forever"), Ok(-1));
        for wrong in [
            "",
            "s",
            "1x",
            "1.5.1s",
            "-1.5s",
            "1e3",
            "99999999999999999999",
            "9223372036854775807h",
            "1.x",
            "é",
            "1é",
        ] {
            assert!(ms(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(number("2m", Unit::Seconds), Ok(120));
        assert_eq!(number("7", Unit::Seconds), Ok(7));
        assert!(number("500ms", Unit::Seconds).is_err());
    }

    #[test]
    fn sizes_counts_switches_and_bits() {
        assert_eq!(number("64k", Unit::Bytes), Ok(65_536));
        assert_eq!(number("1.5MiB", Unit::Bytes), Ok(1_572_864));
        assert_eq!(number("none", Unit::Bytes), Ok(-1));
        assert_eq!(number("-1", Unit::Bytes), Ok(-1));
        assert_eq!(number("10k", Unit::Count), Ok(10_000));
        assert_eq!(number("Yes", Unit::Switch), Ok(1));
        assert_eq!(number("off", Unit::Switch), Ok(0));
        assert_eq!(number("-1", Unit::Switch), Ok(-1));
        assert!(number("maybe", Unit::Switch).is_err());
        let names = Unit::Bits(&[("connect", 1), ("disconnect", 2)]);
        assert_eq!(number("connect|disconnect", names), Ok(3));
        assert_eq!(number("2", names), Ok(2));
        assert_eq!(number("none", names), Ok(0));
        assert!(number("connect,x", names).is_err());
        assert_eq!(bitmap("0xff"), Ok(255));
        assert_eq!(bitmap("18446744073709551615"), Ok(u64::MAX));
        assert!(bitmap("-1").is_err());
    }
}
