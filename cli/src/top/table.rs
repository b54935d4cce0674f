//! The table as text: which columns there are, and how its numbers are written.

use super::sample::{Row, State};
use crate::units::si;

/// The names of the columns, and whether each is a number.
pub const COLUMNS: [(&str, bool); 10] = [
    ("PROCESS", false),
    ("SOCKET", false),
    ("STATE", false),
    ("QUEUE OUT", true),
    ("QUEUE IN", true),
    ("OUT/s", true),
    ("IN/s", true),
    ("LOST", true),
    ("WHY", false),
    ("ENDPOINT OR PEER", false),
];

/// What stands in each column.
pub fn cells(row: &Row) -> [String; COLUMNS.len()] {
    let process = format!("{} {}", row.pid, row.program);
    let (process, socket) = match row.is_peer {
        true => (String::new(), "  └".to_owned()),
        false => (process, row.socket.clone()),
    };
    let lost = match (row.lost, row.lost_per_s > 0.0) {
        (0, _) => "0".to_owned(),
        (lost, true) => format!("{} +{}/s", number(lost as f64), number(row.lost_per_s)),
        (lost, false) => number(lost as f64),
    };
    let mut why = row.why.clone();
    if row.in_doubt > 0 {
        why.push_str(&format!(
            "{}≤{} in doubt",
            if why.is_empty() { "" } else { ", " },
            number(row.in_doubt as f64)
        ));
    }
    let place = match row.round_trip {
        Some(time) => format!("{} (heartbeat {:.1} ms)", row.place, time.as_secs_f64() * 1e3),
        None => row.place.clone(),
    };
    [
        process,
        socket,
        state(&row.state),
        number(row.queued_out as f64),
        number(row.queued_in as f64),
        number(row.out_per_s),
        number(row.in_per_s),
        lost,
        why,
        place,
    ]
}

fn state(state: &State) -> String {
    match state {
        State::Ok => "ok".to_owned(),
        State::Waiting => "no peer".to_owned(),
        State::Unread => "UNREAD".to_owned(),
        State::Full => "FULL".to_owned(),
        State::Stranded(since) => format!("NO PEER {:.0}s", since.as_secs_f64()),
        State::Gone(ago) => format!("GONE {:.0}s", ago.as_secs_f64()),
        State::Stalled(since) => format!("STALLED {:.0}s", since.as_secs_f64()),
    }
}

/// Whole below a thousand, then with a letter.
fn number(value: f64) -> String {
    if value < 1000.0 { format!("{value:.0}") } else { si(value).replace(' ', "") }
}

/// How wide each column has to be.
pub fn widths(table: &[[String; COLUMNS.len()]]) -> [usize; COLUMNS.len()] {
    let mut widths = COLUMNS.map(|(name, _)| name.chars().count());
    for cells in table {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

/// The table in plain lines.
pub fn plain(rows: &[Row]) -> String {
    let table: Vec<_> = rows.iter().map(cells).collect();
    let widths = widths(&table);
    let names = COLUMNS.map(|(name, _)| name.to_owned());
    let lines = std::iter::once(&names).chain(&table).map(|cells| {
        let padded = cells.iter().zip(widths).zip(COLUMNS).map(|((cell, width), (_, number))| match number {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_short() {
        assert_eq!([0.0, 999.4, 1234.0, 2.5e6].map(number), ["0", "999", "1.23k", "2.50M"]);
    }
}
