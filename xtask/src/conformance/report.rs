//! What came out: each case on our library beside the same case on the original, judged by the list of deviations.

use super::deviations::Deviations;
use super::trial::{END, Trial, Verdict};
use std::collections::BTreeSet;

/// What there is to say about a case.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// As on the original.
    Same,
    /// It fails on ours, and the list says why; the name in the list.
    Deviates(String),
    /// It fails on both.
    FailsOnBoth,
    /// It fails on ours only, and the list does not say why.
    Unexpected,
}

/// The trials of one program.
pub struct Comparison {
    /// The program.
    pub name: String,
    /// On the original.
    pub original: Trial,
    /// On our library, once or repeatedly.
    pub ours: Vec<Trial>,
}

/// Between a program's name and a case's.
const SEPARATOR: &str = ":";

impl Comparison {
    /// Each case and what there is to say about it, for one of our trials.
    pub fn judge(&self, ours: &Trial, deviations: &Deviations) -> Vec<(String, Judgement)> {
        let names: BTreeSet<&String> = self.original.cases.keys().chain(ours.cases.keys()).collect();
        let judge = |case: &String| {
            let name = format!("{}{SEPARATOR}{case}", self.name);
            let judgement = match (ours.cases.get(case), self.original.cases.get(case)) {
                (Some(Verdict::Passed), _) => Judgement::Same,
                (Some(Verdict::Skipped), Some(Verdict::Skipped | Verdict::Failed)) => Judgement::Same,
                // A case that the original did not come to is not known to pass there.
                (_, Some(Verdict::Failed) | None) => Judgement::FailsOnBoth,
                _ => match deviations.reason(&name, SEPARATOR) {
                    Some((listed, _)) => Judgement::Deviates(listed.to_owned()),
                    None => Judgement::Unexpected,
                },
            };
            (name, judgement)
        };
        names.into_iter().map(judge).collect()
    }
}

/// Prints the table and what went wrong, and answers how many unexpected things there are.
pub fn print(comparisons: &[Comparison], deviations: &Deviations) -> usize {
    let mut unexpected = 0;
    let mut seen_to_fail = BTreeSet::new();
    let mut totals = [0usize; 4];
    for comparison in comparisons {
        for (round, ours) in comparison.ours.iter().enumerate() {
            let judged = comparison.judge(ours, deviations);
            count(&judged, &mut totals);
            seen_to_fail.extend(judged.iter().filter_map(|(name, judgement)| match judgement {
                Judgement::Deviates(listed) => Some(listed.clone()),
                // It failed, but so did the original this time: that is no reason to strike it from the list.
                Judgement::FailsOnBoth => {
                    deviations.reason(name, SEPARATOR).map(|(listed, _)| listed.to_owned())
                }
                _ => None,
            }));
            let failed = judged.iter().filter(|(_, judgement)| *judgement == Judgement::Unexpected);
            let failed: Vec<&str> = failed.map(|(name, _)| name.as_str()).collect();
            println!("{}", line(comparison, ours, &judged));
            if !failed.is_empty() {
                unexpected += failed.len();
                println!("  UNEXPECTED in round {}: {}", round + 1, failed.join(", "));
                print_output(ours);
            }
        }
    }
    unexpected += print_outdated(comparisons, deviations, &seen_to_fail);
    if !comparisons
        .iter()
        .any(|comparison| comparison.original.cases.values().any(|verdict| *verdict == Verdict::Passed))
    {
        println!("NOTHING passes on the original: the suite itself does not run here");
        unexpected += 1;
    }
    let [same, deviating, both, wrong] = totals;
    println!(
        "cases: {same} as on the original, {deviating} known deviations, {both} that fail on the original, {wrong} unexpected"
    );
    unexpected
}

fn count(judged: &[(String, Judgement)], totals: &mut [usize; 4]) {
    for (_, judgement) in judged {
        let index = match judgement {
            Judgement::Same => 0,
            Judgement::Deviates(_) => 1,
            Judgement::FailsOnBoth => 2,
            Judgement::Unexpected => 3,
        };
        totals[index] += 1;
    }
}

fn line(comparison: &Comparison, ours: &Trial, judged: &[(String, Judgement)]) -> String {
    let of =
        |wanted: fn(&Judgement) -> bool| judged.iter().filter(|(_, judgement)| wanted(judgement)).count();
    let mark = if of(|judgement| *judgement == Judgement::Unexpected) > 0 {
        "FAIL"
    } else if of(|judgement| matches!(judgement, Judgement::Deviates(_))) > 0 {
        "dev "
    } else if of(|judgement| *judgement == Judgement::FailsOnBoth) > 0 {
        "both"
    } else {
        "ok  "
    };
    format!(
        "{mark} {:34} ours {:>9} {:5.1} s   original {:>9} {:5.1} s",
        comparison.name,
        tally(ours),
        ours.took.as_secs_f64(),
        tally(&comparison.original),
        comparison.original.took.as_secs_f64(),
    )
}

/// How many of the cases passed.
fn tally(trial: &Trial) -> String {
    if trial.cases.get(END) == Some(&Verdict::Skipped)
        || trial.cases.values().all(|verdict| *verdict == Verdict::Skipped)
    {
        return "skipped".into();
    }
    let own = trial.cases.iter().filter(|(name, _)| *name != END);
    let (mut passed, mut all) = (0, 0);
    for (_, verdict) in own {
        all += 1;
        passed += usize::from(*verdict == Verdict::Passed);
    }
    let end = if trial.cases.get(END) == Some(&Verdict::Failed) { " †" } else { "" };
    format!("{passed}/{all}{end}")
}

/// The end of what a program printed: enough to see why, not so much that nobody reads it.
fn print_output(trial: &Trial) {
    const LINES: usize = 12;
    let lines: Vec<&str> = trial.output.lines().filter(|line| !line.ends_with(":PASS")).collect();
    for line in &lines[lines.len().saturating_sub(LINES)..] {
        println!("    | {line}");
    }
    println!("    | {}", trial.end);
}

/// Deviations that never showed although their program ran.
fn print_outdated(comparisons: &[Comparison], deviations: &Deviations, seen: &BTreeSet<String>) -> usize {
    let ran = |name: &str| {
        comparisons.iter().any(|comparison| {
            let program = name.split(SEPARATOR).next().unwrap_or(name);
            program == comparison.name && comparison.original.cases.get(END) != Some(&Verdict::Skipped)
        })
    };
    let mut outdated = 0;
    for (name, reason) in deviations.iter() {
        if !reason.sometimes && ran(name) && !seen.contains(name) {
            println!("NO LONGER TRUE: {name} passes, although \"{}\"", reason.text);
            outdated += 1;
        }
    }
    outdated
}
