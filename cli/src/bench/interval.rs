//! The ratio of two libraries with its confidence interval.
//!
//! Turns are paired, and the mean is that of the ratios' logarithms: twice as fast and half as fast cancel out, and what slows the
//! machine down for both of a pair is not in it.

/// A ratio and the bounds between which it lies 19 times of 20.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The geometric mean of the pairs' ratios.
    pub ratio: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Student's t for 95 %, two-sided, by degrees of freedom from 1 on.
const STUDENT: [f64; 12] =
    [12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179];
/// What is near enough for more of them.
const STUDENT_BEYOND: f64 = 2.16;

/// An interval whose bounds are so many times apart is refused instead of told.
const TOO_WIDE: f64 = 4.0;

impl Interval {
    /// Of the pairs of `ours` and `theirs`; `None` for fewer than two, or figures that are not positive.
    pub fn of(ours: &[f64], theirs: &[f64]) -> Option<Interval> {
        let logarithms: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| (a / b).ln()).collect();
        let freedom = logarithms.len().checked_sub(1).filter(|freedom| *freedom > 0)?;
        let count = logarithms.len() as f64;
        let mean = logarithms.iter().sum::<f64>() / count;
        let variance = logarithms.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / freedom as f64;
        let reach = STUDENT.get(freedom - 1).unwrap_or(&STUDENT_BEYOND) * (variance / count).sqrt();
        let interval = Interval { ratio: mean.exp(), low: (mean - reach).exp(), high: (mean + reach).exp() };
        [interval.low, interval.high].iter().all(|bound| bound.is_finite()).then_some(interval)
    }

    /// Whether the interval is so wide that its middle says nothing.
    pub fn is_useless(&self) -> bool {
        self.high > self.low * TOO_WIDE
    }

    /// Whether the interval has 1 in it: then the pairs do not show which one is ahead.
    pub fn is_open(&self) -> bool {
        self.low <= 1.0 && self.high >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ratios_leave_no_doubt() {
        let interval = Interval::of(&[2.0, 4.0, 6.0], &[1.0, 2.0, 3.0]).unwrap();
        assert!((interval.ratio - 2.0).abs() < 1e-9 && (interval.high - interval.low).abs() < 1e-9);
        assert!(!interval.is_open() && !interval.is_useless());
    }

    #[test]
    fn what_cancels_out_is_open() {
        let interval = Interval::of(&[2.0, 1.0], &[1.0, 2.0]).unwrap();
        assert!((interval.ratio - 1.0).abs() < 1e-9);
        assert!(interval.is_open() && interval.is_useless());
        assert!(Interval::of(&[1.0], &[1.0]).is_none());
        assert!(Interval::of(&[1.0, 0.0], &[1.0, 1.0]).is_none());
    }
}
