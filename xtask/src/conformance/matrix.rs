//! The runs of a suite: every program on the original once and on our library as often as asked, several at once.

use super::pool::in_parallel;
use super::report::Comparison;
use super::trial::Trial;

/// Which library a program is run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The original.
    Original,
    /// Ours.
    Ours,
}

/// Runs all programs on both libraries; `run` is called for one run each, by `width` threads.
///
/// The two runs of a program lie far apart, so that they seldom compete for what the program is hungry for.
///
/// # Errors
/// The first that `run` has.
pub fn compare(
    names: &[String],
    repeat: usize,
    width: usize,
    run: impl Fn(&str, Side) -> Result<Trial, String> + Sync,
) -> Result<Vec<Comparison>, String> {
    let rounds = std::iter::once(Side::Original).chain(std::iter::repeat_n(Side::Ours, repeat));
    let runs: Vec<(&String, Side)> =
        rounds.flat_map(|side| names.iter().map(move |name| (name, side))).collect();
    let trials = in_parallel(&runs, width, |(name, side)| run(name, *side));
    let mut trials = trials.into_iter().collect::<Result<Vec<Trial>, String>>()?.into_iter();
    let mut comparisons: Vec<Comparison> = names
        .iter()
        .zip(&mut trials)
        .map(|(name, original)| Comparison { name: name.clone(), original, ours: Vec::new() })
        .collect();
    for (trial, index) in trials.zip((0..names.len()).cycle()) {
        comparisons[index].ours.push(trial);
    }
    Ok(comparisons)
}

#[cfg(test)]
mod tests {
    use super::super::trial::{END, Verdict};
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_program_has_its_own_runs() {
        let names = ["a".to_owned(), "b".to_owned()];
        let run = |name: &str, side| {
            let cases = [(END.to_owned(), Verdict::Passed)].into();
            Ok(Trial { cases, end: String::new(), output: format!("{name} {side:?}"), took: Duration::ZERO })
        };
        let compared = compare(&names, 2, 3, run).unwrap();
        for (comparison, name) in compared.iter().zip(&names) {
            assert_eq!(comparison.name, *name);
            assert_eq!(comparison.original.output, format!("{name} Original"));
            let ours: Vec<&str> = comparison.ours.iter().map(|trial| trial.output.as_str()).collect();
            assert_eq!(ours, [format!("{name} Ours"), format!("{name} Ours")]);
        }
        assert_eq!(compared.len(), 2);
    }
}
