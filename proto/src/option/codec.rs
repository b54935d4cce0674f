//! How a typed field looks as a C `int`, with the range that libzmq accepts for it.
//!
//! A [`Codec`] belongs to a meaning ("milliseconds, -1 for ever"), not to an option. Loading
//! saturates, because fields are public and may hold what an `int` cannot; storing is called with
//! values from `MIN` to `MAX` only.

use std::time::Duration;

use super::{ReconnectStop, RouterNotify};

/// A field of type [`Value`](Self::Value) as a C `int`.
pub(super) trait Codec {
    /// The field's type.
    type Value;
    /// The smallest `int` that may be stored.
    const MIN: i32;
    /// The largest `int` that may be stored.
    const MAX: i32;
    /// The field as an `int`.
    fn load(value: &Self::Value) -> i32;
    /// The field for an `int`.
    fn store(number: i32) -> Self::Value;
}

macro_rules! codec {
    ($(#[$doc:meta])* $name:ident: $value:ty, $min:expr, $max:expr, $load:expr, $store:expr) => {
        $(#[$doc])*
        pub(super) struct $name;

        impl Codec for $name {
            type Value = $value;
            const MIN: i32 = $min;
            const MAX: i32 = $max;
            fn load(value: &$value) -> i32 {
                let load: fn(&$value) -> i32 = $load;
                load(value)
            }
            fn store(number: i32) -> $value {
                let store: fn(i32) -> $value = $store;
                store(number)
            }
        }
    };
}

codec!(/// A number, 0 or more.
    Count: u32, 0, i32::MAX, |count| saturate(u64::from(*count)), |number| number.unsigned_abs());
codec!(/// A number, 1 or more.
    Positive: u32, 1, i32::MAX, |count| saturate(u64::from(*count)), |number| number.unsigned_abs());
codec!(/// A number of bytes, 1 or more.
    Size: usize, 1, i32::MAX, |size| saturate(*size as u64), |number| number.unsigned_abs() as usize);
codec!(/// A number that the system interprets.
    Raw: i32, i32::MIN, i32::MAX, |raw| *raw, |number| number);
codec!(/// -1 is left to the system.
    SystemCount: Option<u32>, -1, i32::MAX,
    |count| count.map_or(-1, |count| saturate(u64::from(count))), |number| u32::try_from(number).ok());
codec!(/// A number of bytes; -1 is left to the system.
    SystemSize: Option<usize>, -1, i32::MAX,
    |size| size.map_or(-1, |size| saturate(size as u64)), |number| usize::try_from(number).ok());
codec!(/// A switch; -1 is left to the system.
    SystemSwitch: Option<bool>, -1, 1,
    |switch| switch.map_or(-1, i32::from), |number| (number >= 0).then_some(number != 0));
codec!(/// A file descriptor; -1 is none.
    Descriptor: Option<i32>, -1, i32::MAX, |fd| fd.unwrap_or(-1), |number| (number >= 0).then_some(number));

codec!(/// A switch that libzmq sets from 0 and 1 only.
    Switch: bool, 0, 1, |switch| i32::from(*switch), |number| number != 0);
codec!(/// A switch of a pattern's, which libzmq sets from any number but a negative one.
    PatternSwitch: bool, 0, i32::MAX, |switch| i32::from(*switch), |number| number != 0);
codec!(/// A switch that libzmq sets from any number.
    LaxSwitch: bool, i32::MIN, i32::MAX, |switch| i32::from(*switch), |number| number != 0);
codec!(/// `ZMQ_IPV4ONLY`: off means on.
    Inverse: bool, 0, 1, |switch| i32::from(!*switch), |number| number == 0);

codec!(/// Milliseconds, -1 for ever (or never).
    Forever: Option<Duration>, -1, i32::MAX,
    |time| time.map_or(-1, millis), |number| u64::try_from(number).ok().map(Duration::from_millis));
codec!(/// Milliseconds, 0 for none.
    ZeroIsNone: Option<Duration>, 0, i32::MAX,
    |time| time.map_or(0, millis), |number| Some(duration(number)).filter(|time| !time.is_zero()));
codec!(/// Milliseconds, unset until it is set.
    UnsetIsNone: Option<Duration>, 0, i32::MAX,
    |time| time.map_or(-1, millis), |number| Some(duration(number)));
codec!(/// Milliseconds.
    Millis: Duration, 0, i32::MAX, |time| millis(*time), duration);
codec!(/// Milliseconds that travel as 16 bits of tenths of a second. libzmq divides before it looks at the
    /// sign, so that -99 is as good as 0.
    Deciseconds: Option<Duration>, -99, 6_553_599,
    |time| time.map_or(0, millis) / 100 * 100,
    |number| Some(duration(number / 100 * 100)).filter(|time| !time.is_zero()));

codec!(/// `ZMQ_RECONNECT_STOP`'s bits.
    StopBits: ReconnectStop, i32::MIN, i32::MAX, |stop| stop.0, ReconnectStop);
codec!(/// `ZMQ_ROUTER_NOTIFY`'s bits.
    NotifyBits: RouterNotify, 0, 3,
    |notify| i32::from(notify.connect) | i32::from(notify.disconnect) << 1,
    |number| RouterNotify { connect: number & 1 != 0, disconnect: number & 2 != 0 });

fn saturate(number: u64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

fn duration(millis: i32) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<C: Codec>(numbers: &[i32]) {
        for number in numbers {
            assert_eq!(C::load(&C::store(*number)), *number);
        }
    }

    #[test]
    fn what_is_stored_is_loaded() {
        round_trip::<Count>(&[0, 1, i32::MAX]);
        round_trip::<Positive>(&[1, i32::MAX]);
        round_trip::<Size>(&[1, i32::MAX]);
        round_trip::<Raw>(&[i32::MIN, 0, i32::MAX]);
        round_trip::<SystemCount>(&[-1, 0, i32::MAX]);
        round_trip::<SystemSize>(&[-1, 0, i32::MAX]);
        round_trip::<SystemSwitch>(&[-1, 0, 1]);
        round_trip::<Descriptor>(&[-1, 0, i32::MAX]);
        round_trip::<Switch>(&[0, 1]);
        round_trip::<Inverse>(&[0, 1]);
        round_trip::<Forever>(&[-1, 0, i32::MAX]);
        round_trip::<ZeroIsNone>(&[0, 1, i32::MAX]);
        round_trip::<UnsetIsNone>(&[0, 1, i32::MAX]);
        round_trip::<Millis>(&[0, i32::MAX]);
        round_trip::<Deciseconds>(&[0, 100, 6_553_500]);
        round_trip::<StopBits>(&[i32::MIN, -1, 7, i32::MAX]);
        round_trip::<NotifyBits>(&[0, 1, 2, 3]);
    }

    #[test]
    fn what_an_int_cannot_hold_saturates() {
        assert_eq!(Count::load(&u32::MAX), i32::MAX);
        assert_eq!(Size::load(&usize::MAX), i32::MAX);
        assert_eq!(Forever::load(&Some(Duration::MAX)), i32::MAX);
        assert_eq!(Deciseconds::load(&Some(Duration::from_millis(199))), 100);
        assert_eq!(Deciseconds::store(-99), None);
        assert_eq!(Deciseconds::store(99), None);
    }
}
