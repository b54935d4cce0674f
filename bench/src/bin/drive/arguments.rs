//! The driver's own command line.

use crate::plan::{self, Placement};

/// What to run.
pub struct Arguments {
    /// Programs beside this one, in the order of their turns.
    pub contenders: Vec<String>,
    /// Rows with such a name, or else whose name contains it; all if there are none.
    pub filters: Vec<String>,
    /// How the two processes share the cores.
    pub placements: Vec<Placement>,
    /// Runs per contender, row and placement.
    pub rounds: usize,
    /// How long a run shall take, more or less.
    pub seconds: f64,
    /// Where to write the results as JSON.
    pub json: Option<String>,
}

const USAGE: &str = "\
usage: cargo xtask bench [FLAGS] [ROW…]

  ROW                   only the row with this name, or rows whose name contains it; --list shows them
  --contenders A,B      raw, libzmq, ours (default: all three)
  --placement WHICH     one-core, free or both (default); where the sender computes it is always one core each
  --rounds N            runs of each contender, in turns (default 5)
  --seconds S           length of a run (default 0.7)
  --quick               3 rounds of 0.2 s
  --json FILE           also write everything there
  --list                print the rows' names";

impl Arguments {
    /// Reads them.
    ///
    /// # Errors
    /// A sentence, or the usage text.
    pub fn parse(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments {
            contenders: ["raw", "libzmq", "ours"].map(str::to_owned).to_vec(),
            filters: Vec::new(),
            placements: vec![Placement::OneCore, Placement::Free],
            rounds: 5,
            seconds: 0.7,
            json: None,
        };
        while let Some(flag) = given.next() {
            let mut value = || given.next().ok_or_else(|| format!("{flag} needs a value\n\n{USAGE}"));
            match flag.as_str() {
                "--contenders" => arguments.contenders = value()?.split(',').map(str::to_owned).collect(),
                "--placement" => arguments.placements = placements(&value()?)?,
                "--rounds" => arguments.rounds = value()?.parse().map_err(|_| USAGE)?,
                "--seconds" => arguments.seconds = value()?.parse().map_err(|_| USAGE)?,
                "--json" => arguments.json = Some(value()?),
                "--quick" => (arguments.rounds, arguments.seconds) = (3, 0.2),
                "--list" => {
                    let names: Vec<String> = plan::rows().iter().map(plan::Row::name).collect();
                    return Err(names.join("\n"));
                }
                other if other.starts_with('-') => return Err(USAGE.to_owned()),
                row => arguments.filters.push(row.to_owned()),
            }
        }
        if arguments.rounds == 0 { Err("--rounds must be at least 1".to_owned()) } else { Ok(arguments) }
    }

    /// Whether the row called `name` is asked for.
    pub fn wants(&self, name: &str) -> bool {
        let wanted = |filter: &String| match plan::rows().iter().any(|row| row.name() == *filter) {
            true => name == filter,
            false => name.contains(filter.as_str()),
        };
        self.filters.is_empty() || self.filters.iter().any(wanted)
    }
}

fn placements(word: &str) -> Result<Vec<Placement>, String> {
    match word {
        "one-core" => Ok(vec![Placement::OneCore]),
        "free" => Ok(vec![Placement::Free]),
        "both" => Ok(vec![Placement::OneCore, Placement::Free]),
        _ => Err(USAGE.to_owned()),
    }
}
