//! Durations, sizes, counts and rates as people write them.
//!
//! Each function is a parser for one flag's value; its error is a sentence for the user.

use std::time::Duration;

/// A duration: `500ms`, `1.5s`, `2m`, `1h`; a bare number is seconds.
///
/// # Errors
/// A sentence that shows how to write one.
pub fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let seconds = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "" | "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => f64::NAN,
    };
    let value = number.parse::<f64>().unwrap_or(f64::NAN) * seconds;
    Duration::try_from_secs_f64(value)
        .ok()
        .filter(|length| *length <= LONGEST)
        .ok_or_else(|| format!("{text:?} is not a duration; write 500ms, 1.5s, 2m or 1h (at most 1000d)"))
}

/// The longest duration accepted: adding it to a clock never overflows.
const LONGEST: Duration = Duration::from_secs(1000 * 86_400);

/// A number of bytes: `512`, `64k`, `8M`, `1G` (powers of 1024).
///
/// # Errors
/// A sentence that shows how to write one.
pub fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => Some(0),
        "k" | "kb" | "kib" => Some(10),
        "m" | "mb" | "mib" => Some(20),
        "g" | "gb" | "gib" => Some(30),
        _ => None,
    };
    shift
        .zip(number.parse::<u64>().ok())
        .and_then(|(shift, value)| value.checked_mul(1 << shift))
        .ok_or_else(|| format!("{text:?} is not a size; write 512, 64k, 8M or 1G"))
}

/// A number of messages: `1000`, `10k`, `5M` (powers of 1000).
///
/// # Errors
/// A sentence that shows how to write one.
pub fn count(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" => Some(1),
        "k" => Some(1000),
        "m" => Some(1_000_000),
        _ => None,
    };
    factor
        .zip(number.parse::<u64>().ok())
        .and_then(|(factor, value)| value.checked_mul(factor))
        .ok_or_else(|| format!("{text:?} is not a number of messages; write 1000, 10k or 5M"))
}

/// The time between two messages at a rate: `100` or `100/s`, `10k/s`, `6/m`, `1/h`.
///
/// # Errors
/// A sentence that shows how to write one.
pub fn rate(text: &str) -> Result<Duration, String> {
    let (amount, per) = text.split_once('/').unwrap_or((text, "s"));
    let seconds = match per {
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => f64::NAN,
    };
    let messages = count(amount).map_or(f64::NAN, |number| number as f64);
    Duration::try_from_secs_f64(seconds / messages)
        .ok()
        .filter(|interval| messages >= 1.0 && !interval.is_zero())
        .ok_or_else(|| format!("{text:?} is not a rate; write 100, 10k/s or 6/m"))
}

/// A number with its magnitude, such as `1.23 M`; for people, so three digits suffice.
pub fn si(value: f64) -> String {
    let (scaled, prefix) = match value {
        1e9.. => (value / 1e9, " G"),
        1e6.. => (value / 1e6, " M"),
        1e3.. => (value / 1e3, " k"),
        _ => (value, " "),
    };
    let digits = match scaled {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    format!("{scaled:.digits$}{prefix}")
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in
            [("1", 1000), ("0.5", 500), ("250ms", 250), ("1.5s", 1500), ("2m", 120_000), ("0", 0)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "-1", "s", "1x", "1e99", "NaN", "inf", "1.2.3", "99999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_counts() {
        assert_eq!(size("64k"), Ok(65_536));
        assert_eq!(size("1GiB"), Ok(1 << 30));
        assert_eq!(count("10k"), Ok(10_000));
        for text in ["", "k", "-1", "1.5k", "99999999999999999999", "20000000000G", "1t"] {
            assert!(size(text).is_err(), "{text}");
            assert!(count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(rate("10k/s"), Ok(Duration::from_micros(100)));
        assert_eq!(rate("4"), Ok(Duration::from_millis(250)));
        assert_eq!(rate("6/m"), Ok(Duration::from_secs(10)));
        for text in ["0", "", "x", "1/fortnight", "-3/s", "1/"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn magnitudes() {
        assert_eq!(si(0.5), "0.50 ");
        assert_eq!(si(1234.0), "1.23 k");
        assert_eq!(si(56_700_000.0), "56.7 M");
    }
}
