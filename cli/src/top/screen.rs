//! The live view: the table on a terminal, refreshed and sorted, until `q`.
//!
//! It takes the terminal over, and gives it back as it was however it ends.

use std::io;
use std::time::{Duration, Instant};

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Row as TableRow, Table};

use super::sample::{History, Row, State};
use super::table::{COLUMNS, cells, widths};
use super::{HOW, TopArgs, look, processes};
use crate::failure::Failure;
use crate::talk::Talk;

/// Shows the table until the user has seen enough.
///
/// # Errors
/// If the terminal fails, or a process that was asked for cannot be looked into.
pub fn run(args: &TopArgs, talk: Talk) -> Result<(), Failure> {
    // What cannot be looked into is told before the terminal is taken over.
    look(&args.pids)?;
    let mut terminal = ratatui::try_init().map_err(|error| Failure::while_doing(error, "the terminal"))?;
    let outcome = show(args, talk, &mut terminal);
    ratatui::restore();
    outcome
}

struct View {
    rows: Vec<Row>,
    paused: bool,
    first: usize,
    ended: Option<String>,
}

enum Key {
    Quit,
    Pause,
    Scroll(isize),
    Other,
}

fn show(args: &TopArgs, talk: Talk, terminal: &mut DefaultTerminal) -> Result<(), Failure> {
    let mut history = History::default();
    let mut view = View { rows: Vec::new(), paused: false, first: 0, ended: None };
    // The second look comes soon, so that there are rates.
    let mut next = Instant::now();
    let mut wait = Duration::from_millis(300).min(args.interval);
    loop {
        if !view.paused && Instant::now() >= next {
            match look(&args.pids) {
                Ok(reports) => {
                    view.rows = history.rows(&processes(&reports, talk), Instant::now());
                    view.ended = None;
                }
                Err(failure) => view.ended = Some(failure.to_string()),
            }
            next = Instant::now() + std::mem::replace(&mut wait, args.interval);
        }
        terminal.draw(|frame| draw(frame, &view, args)).map_err(terminal_failed)?;
        let patience = next.saturating_duration_since(Instant::now()).min(args.interval);
        if !event::poll(patience).map_err(terminal_failed)? {
            continue;
        }
        match key(&event::read().map_err(terminal_failed)?) {
            Key::Quit => return Ok(()),
            Key::Pause => view.paused = !view.paused,
            Key::Scroll(by) => {
                view.first = view.first.saturating_add_signed(by).min(view.rows.len().saturating_sub(1));
            }
            Key::Other => {}
        }
    }
}

fn terminal_failed(error: io::Error) -> Failure {
    Failure::while_doing(error, "the terminal")
}

fn key(event: &Event) -> Key {
    let Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) = event else {
        return Key::Other;
    };
    match code {
        KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Key::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char('p' | ' ') => Key::Pause,
        KeyCode::Up | KeyCode::Char('k') => Key::Scroll(-1),
        KeyCode::Down | KeyCode::Char('j') => Key::Scroll(1),
        KeyCode::PageUp => Key::Scroll(-20),
        KeyCode::PageDown => Key::Scroll(20),
        KeyCode::Home => Key::Scroll(isize::MIN),
        _ => Key::Other,
    }
}

fn draw(frame: &mut ratatui::Frame<'_>, view: &View, args: &TopArgs) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)])
            .areas(frame.area());
    frame.render_widget(headline(view), head);
    frame.render_widget(table(view), body);
    let paused = if view.paused { "PAUSED   " } else { "" };
    let keys = format!("{paused}q quit   p pause   ↑↓ scroll   every {:?}", args.interval);
    frame.render_widget(Line::from(keys).dim(), foot);
}

fn headline(view: &View) -> Line<'static> {
    if let Some(why) = &view.ended {
        return Line::from(why.clone()).red().bold();
    }
    if view.rows.is_empty() {
        return Line::from(format!("nothing to see yet: {HOW}"));
    }
    let sockets = view.rows.iter().filter(|row| !row.is_peer).count();
    let trouble = view.rows.iter().filter(|row| row.is_peer && row.state > State::Waiting).count();
    let text = format!("zmq top   {sockets} sockets, {} peers", view.rows.len() - sockets);
    match trouble {
        0 => Line::from(text).bold(),
        trouble => Line::from(format!("{text}, {trouble} IN TROUBLE")).red().bold(),
    }
}

fn table(view: &View) -> Table<'static> {
    let all: Vec<_> = view.rows.iter().map(cells).collect();
    let widths = widths(&all).map(|width| Constraint::Length(u16::try_from(width).unwrap_or(u16::MAX)));
    let names = TableRow::new(COLUMNS.map(|(name, number)| cell(name.to_owned(), number))).bold();
    let rows = view.rows.iter().zip(all).skip(view.first).map(|(row, cells)| {
        let mut at = COLUMNS.iter();
        let cells = cells.map(|text| cell(text, at.next().is_some_and(|(_, number)| *number)));
        TableRow::new(cells).style(style(row))
    });
    Table::new(rows, widths).header(names).column_spacing(2)
}

fn cell(text: String, is_number: bool) -> Cell<'static> {
    let line = Line::from(text);
    Cell::from(if is_number { line.right_aligned() } else { line })
}

fn style(row: &Row) -> Style {
    let style = match row.state {
        State::Stalled(_) | State::Gone(_) | State::Stranded(_) => Style::new().fg(Color::Red),
        State::Full | State::Unread => Style::new().fg(Color::Yellow),
        State::Waiting | State::Ok if row.lost_per_s > 0.0 => Style::new().fg(Color::Yellow),
        State::Waiting => Style::new().add_modifier(ratatui::style::Modifier::DIM),
        State::Ok => Style::new(),
    };
    if row.is_peer { style } else { style.add_modifier(ratatui::style::Modifier::BOLD) }
}
