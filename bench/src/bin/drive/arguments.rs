//! The driver's own command line.

use crate::contender;
use crate::plan::{self, Placement};

/// The argument with which the driver starts itself to keep a core busy.
pub const SPIN: &str = "--spin";

/// What to run.
pub struct Arguments {
    /// In the order of their turns.
    pub contenders: Vec<String>,
    /// Somebody named them.
    pub chosen: bool,
    /// Rows whose name has these words beside each other; all if there are none.
    pub filters: Vec<String>,
    /// How the processes share the cores; each row's own if there are none.
    pub placements: Vec<Placement>,
    /// Runs per contender, row and placement.
    pub rounds: usize,
    /// How long a run shall take, more or less.
    pub seconds: f64,
    /// The results as JSON; what is measured again is replaced there.
    pub json: Option<String>,
    /// A table for readers.
    pub markdown: Option<String>,
    /// A folder for charts.
    pub charts: Option<String>,
    /// Measure nothing, only show what the JSON holds.
    pub show: bool,
    /// Leave out what the JSON holds already.
    pub resume: bool,
    /// Begin no row after so many seconds.
    pub budget: Option<f64>,
    /// Compare with the targets.
    pub check: bool,
    /// One line for each row instead of one for each contender.
    pub summary: bool,
    /// Our C library.
    pub ours_c: String,
}

const USAGE: &str = "\
usage: cargo xtask bench [FLAGS] [ROW…]

  ROW                   rows whose name has these words: lat, thr/64, pub/32, ipc …; --list shows the names
  --contenders A,B      raw raw-spin raw-cubic libzmq ours ours-plain ours-async ours-c omq zeromq rzmq, or c:FILE;
                        +VARIABLE=VALUE behind a name is its environment (default: raw,libzmq,ours,ours-c);
                        ours-plain has all off that is chosen on the user's behalf
  --all-contenders      those, and omq, zeromq, rzmq as far as they can be built
  --placement A,B       one-core, free, apart, awake, busy (default: each row's own)
  --rounds N            runs of each contender, in turns (default 5)
  --seconds S           length of a run (default 0.7)
  --quick               3 rounds of 0.2 s
  --json FILE           keep everything there; what is measured again is replaced
  --resume              leave out what FILE holds already
  --budget S            begin no row after so many seconds; the exit code is then 3
  --show                measure nothing, show FILE
  --markdown FILE       write the table there instead of printing it
  --charts FOLDER       draw SVG charts there
  --check               measure the rows, placements and contenders of the targets this project has set itself,
                        as long as nothing else is asked for, and compare
  --summary             a line for each row instead of one for each contender
  --ours-c FILE         our C library (default: target/release/libzmq.so)
  --list                print the rows' names";

impl Arguments {
    /// Reads them.
    ///
    /// # Errors
    /// A sentence, or the usage text.
    pub fn parse(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let mut arguments = Arguments {
            contenders: Vec::new(),
            chosen: false,
            filters: Vec::new(),
            placements: Vec::new(),
            rounds: 5,
            seconds: 0.7,
            json: None,
            markdown: None,
            charts: None,
            show: false,
            resume: false,
            budget: None,
            check: false,
            summary: false,
            ours_c: our_library()?,
        };
        let mut everybody = false;
        while let Some(flag) = given.next() {
            let mut value = || given.next().ok_or_else(|| format!("{flag} needs a value\n\n{USAGE}"));
            match flag.as_str() {
                "--contenders" => {
                    arguments.contenders = value()?.split(',').map(str::to_owned).collect();
                    arguments.chosen = true;
                }
                "--all-contenders" => everybody = true,
                "--placement" => arguments.placements = placements(&value()?)?,
                "--rounds" => arguments.rounds = value()?.parse().map_err(|_| USAGE)?,
                "--seconds" => arguments.seconds = value()?.parse().map_err(|_| USAGE)?,
                "--quick" => (arguments.rounds, arguments.seconds) = (3, 0.2),
                "--json" => arguments.json = Some(value()?),
                "--markdown" => arguments.markdown = Some(value()?),
                "--charts" => arguments.charts = Some(value()?),
                "--budget" => arguments.budget = Some(value()?.parse().map_err(|_| USAGE)?),
                "--ours-c" => arguments.ours_c = value()?,
                "--show" => arguments.show = true,
                "--resume" => arguments.resume = true,
                "--summary" => arguments.summary = true,
                "--check" => arguments.check = true,
                "--list" => {
                    let names: Vec<String> = plan::rows().into_iter().map(|row| row.name).collect();
                    return Err(names.join("\n"));
                }
                other if other.starts_with('-') => return Err(USAGE.to_owned()),
                row => arguments.filters.push(row.to_owned()),
            }
        }
        if !arguments.chosen {
            let usual: &[&str] = if arguments.check { &contender::CHECKED } else { &contender::USUAL };
            arguments.contenders = usual.iter().copied().map(str::to_owned).collect();
        }
        if everybody {
            arguments.contenders.extend(contender::RELATIVES.map(str::to_owned));
        }
        if arguments.rounds == 0 {
            return Err("--rounds must be at least 1".to_owned());
        }
        if (arguments.show || arguments.resume) && arguments.json.is_none() {
            return Err("--show and --resume need --json FILE".to_owned());
        }
        Ok(arguments)
    }

    /// Whether the row called `name` is asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| has_words(name, filter))
    }
}

/// Whether the words of `filter` stand beside each other in `name`; words end at slashes.
fn has_words(name: &str, filter: &str) -> bool {
    let (name, filter): (Vec<&str>, Vec<&str>) = (name.split('/').collect(), filter.split('/').collect());
    name.windows(filter.len()).any(|words| words == filter)
}

fn placements(words: &str) -> Result<Vec<Placement>, String> {
    let find = |word: &str| Placement::ALL.iter().find(|(name, _)| *name == word).map(|(_, found)| *found);
    words.split(',').map(|word| find(word).ok_or_else(|| USAGE.to_owned())).collect()
}

/// Where the workspace's cargo puts the C library, seen from this program in the bench's own target folder.
fn our_library() -> Result<String, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    let root = here.ancestors().nth(4).ok_or("the driver is not in its target folder")?;
    Ok(root.join("target/release/libzmq.so").display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_whole_words() {
        assert!(has_words("thr/64/tcp", "thr"));
        assert!(has_words("thr/64/tcp", "64/tcp"));
        assert!(has_words("thr/64/tcp", "thr/64/tcp"));
        assert!(!has_words("thr/64Ki/tcp", "thr/64"));
        assert!(!has_words("thr/64/tcp", "thr/tcp"));
    }
}
