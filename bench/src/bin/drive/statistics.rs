//! Medians, quartiles, and ratios that are refused when the runs do not agree.

use serde::Serialize;

/// A ratio is refused when its upper quartile is this many times its lower one.
pub const REFUSE_BEYOND: f64 = 1.6;

/// The middle of several runs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Spread {
    /// A quarter of the runs is below.
    pub low: f64,
    /// Half of the runs is below.
    pub median: f64,
    /// A quarter of the runs is above.
    pub high: f64,
}

impl Spread {
    /// The spread of `runs`; `None` if there are none.
    pub fn of(runs: &[f64]) -> Option<Spread> {
        let mut sorted = runs.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (sorted.len().checked_sub(1)?) as f64;
            let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            Some(below + (above - below) * place.fract())
        };
        Some(Spread { low: at(0.25)?, median: at(0.5)?, high: at(0.75)? })
    }

    /// Distance of the quartiles in percent of the median.
    pub fn percent(&self) -> f64 {
        100.0 * (self.high - self.low) / self.median.max(f64::MIN_POSITIVE)
    }

    /// `ours` divided by `theirs`, turn by turn: what slows the machine down for a while slows both of a turn down.
    pub fn of_ratios(ours: &[f64], theirs: &[f64]) -> Option<Spread> {
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
        Spread::of(&ratios).filter(|spread| spread.median.is_finite())
    }

    /// Whether the turns agree well enough for the median to mean something.
    pub fn is_clear(&self) -> bool {
        self.high <= self.low * REFUSE_BEYOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_the_runs() {
        let spread = Spread::of(&[5.0, 1.0, 4.0, 2.0, 3.0]).unwrap();
        assert_eq!((spread.low, spread.median, spread.high), (2.0, 3.0, 4.0));
        let spread = Spread::of(&[1.0, 2.0]).unwrap();
        assert_eq!((spread.low, spread.median, spread.high), (1.25, 1.5, 1.75));
        assert!(Spread::of(&[]).is_none());
    }

    #[test]
    fn a_ratio_of_turns_that_disagree_is_refused() {
        let steady = Spread::of_ratios(&[10.0, 20.0, 30.0], &[1.0, 2.0, 3.0]).unwrap();
        assert!(steady.is_clear() && (steady.median - 10.0).abs() < 1e-9);
        let wild = Spread::of_ratios(&[1.0, 5.0, 9.0], &[1.0, 1.0, 1.0]).unwrap();
        assert!(!wild.is_clear());
        assert!(Spread::of_ratios(&[1.0], &[0.0]).is_none());
    }
}
