//! Operations on a timeline in plain characters: a lane for each client, time to the right.
//!
//! A column stands for a moment at which something began or ended. Widths say nothing about durations.

use std::collections::BTreeMap;

use histories::{FaultWindow, History, Nanos, OperationId, Outcome, printable};

use super::explain;

/// The least number of columns that a band of the drawing gets, however long the lanes' names are.
const BAND_MIN: usize = 24;
/// Labels of faults are cut to this many characters.
const FAULT_CHARACTERS_MAX: usize = 28;

/// What is drawn as one box: an operation, or a fault while it was in force.
struct Span {
    lane: Lane,
    label: String,
    from: Nanos,
    /// `None` where it never ended.
    to: Option<Nanos>,
    failed: bool,
    /// The columns of its first and its last character.
    columns: (usize, usize),
}

/// Clients in the order of their numbers, then the faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Client(u32),
    Fault,
}

/// One row of characters, with the name that stands before it.
struct Row {
    name: String,
    characters: Vec<char>,
}

/// The operations, in at most `width` columns where their labels allow it. What does not fit beside each other goes on
/// below. Empty where there are no operations.
pub(crate) fn draw(history: &History, operations: &[OperationId], width: usize) -> String {
    let mut spans: Vec<Span> = operations.iter().map(|&id| operation(history, id)).collect();
    let (first, last) = spans.iter().fold((Nanos::MAX, Nanos::ZERO), |(first, last), span| {
        (first.min(span.from), last.max(span.to.unwrap_or(span.from)))
    });
    let windows = history.fault_windows();
    spans.extend(
        windows.iter().filter(|window| window.overlaps(first, last)).map(|window| fault(window, first)),
    );
    let total = place(&mut spans);
    let rows = rows(&spans, total);
    let margin = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0) + 2;
    let room = width.saturating_sub(margin).max(BAND_MIN);
    let bands = bands(&spans, total, room);
    let drawn = bands.windows(2).map(|band| {
        let lines = rows.iter().map(|row| {
            let part: String = row.characters[band[0]..band[1]].iter().collect();
            format!("{:margin$}{part}", row.name).trim_end().to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    drawn.collect::<Vec<_>>().join("\n\n")
}

fn operation(history: &History, id: OperationId) -> Span {
    let operation = &*history.as_recorded(id);
    Span {
        lane: Lane::Client(operation.process),
        label: explain::brief(history, operation),
        from: operation.invoked,
        to: operation
            .has_completion()
            .then_some(operation.completed)
            .filter(|_| operation.outcome != Outcome::Info),
        failed: operation.outcome == Outcome::Fail,
        columns: (0, 0),
    }
}

/// A fault that began before the first operation is drawn from there on.
fn fault(window: &FaultWindow, first: Nanos) -> Span {
    let what: String = window.what.chars().take(FAULT_CHARACTERS_MAX).collect();
    Span {
        lane: Lane::Fault,
        label: printable(&what).into_owned(),
        from: window.from.max(first),
        to: (window.to != Nanos::MAX).then_some(window.to),
        failed: false,
        columns: (0, 0),
    }
}

/// Gives each span its columns and returns how many there are. Moments stand in the order of time; what begins in the
/// moment in which something else ends is concurrent with it, so beginnings come first.
fn place(spans: &mut [Span]) -> usize {
    let mut moments: Vec<(Nanos, bool)> = spans.iter().map(|span| (span.from, false)).collect();
    moments.extend(spans.iter().filter_map(|span| Some((span.to?, true))));
    moments.sort_unstable();
    moments.dedup();
    let mut columns: BTreeMap<(Nanos, bool), usize> = BTreeMap::new();
    let mut next = 0;
    for moment in moments {
        let ended = spans.iter().filter(|span| moment.1 && span.to == Some(moment.0));
        let needed = ended.filter_map(|span| Some(columns.get(&(span.from, false))? + least(span) - 1));
        let column = needed.max().unwrap_or(0).max(next);
        columns.insert(moment, column);
        next = column + 2;
    }
    let mut total = next;
    for span in &mut *spans {
        let from = columns.get(&(span.from, false)).copied().unwrap_or(0);
        let to = span.to.and_then(|to| columns.get(&(to, true)).copied());
        span.columns = (from, to.unwrap_or(from + least(span)));
        total = total.max(span.columns.1 + 1);
    }
    for span in spans.iter_mut().filter(|span| span.to.is_none()) {
        span.columns.1 = total - 1;
    }
    total
}

/// The columns that a span's label and its two ends take.
fn least(span: &Span) -> usize {
    span.label.chars().count() + 2 + usize::from(span.failed)
}

/// A lane has more than one row where its spans overlap.
fn rows(spans: &[Span], total: usize) -> Vec<Row> {
    let mut order: Vec<&Span> = spans.iter().collect();
    order.sort_by_key(|span| (span.lane, span.columns));
    let mut rows: Vec<(Lane, Row)> = Vec::new();
    for span in order {
        let (from, to) = span.columns;
        let is_free = |(lane, row): &(Lane, Row)| {
            *lane == span.lane && row.characters[from..=to].iter().all(|&character| character == ' ')
        };
        let place = rows.iter().position(is_free).unwrap_or_else(|| {
            let is_first = rows.iter().all(|(lane, _)| *lane != span.lane);
            let name = if is_first { name(span.lane) } else { String::new() };
            rows.push((span.lane, Row { name, characters: vec![' '; total] }));
            rows.len() - 1
        });
        fill(&mut rows[place].1.characters[from..=to], span);
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

fn name(lane: Lane) -> String {
    match lane {
        Lane::Client(process) => format!("client {process}"),
        Lane::Fault => "fault".to_owned(),
    }
}

/// `[write x 1 ---]`; `?` in place of the end where the outcome is unknown or the fault goes on, `!]` where it failed.
fn fill(cells: &mut [char], span: &Span) {
    let end = cells.len() - 1;
    cells.fill('-');
    cells[0] = '[';
    cells[end] = if span.to.is_some() { ']' } else { '?' };
    if span.failed {
        cells[end - 1] = '!';
    }
    let label = span.label.chars().count();
    for (cell, character) in cells[1..end].iter_mut().zip(span.label.chars()) {
        *cell = character;
    }
    if let Some(gap) = cells[..end].get_mut(1 + label).filter(|gap| **gap == '-') {
        *gap = ' ';
    }
}

/// Where bands begin, and the end of the last: each at most `room` columns, and none cuts a label in two where that can
/// be helped.
fn bands(spans: &[Span], total: usize, room: usize) -> Vec<usize> {
    let splits = |column: usize| {
        spans.iter().any(|span| span.columns.0 < column && column < span.columns.0 + least(span))
    };
    let mut starts = vec![0];
    let mut start = 0;
    while total - start > room {
        let whole = (start + BAND_MIN / 2..=start + room).rev().find(|&column| !splits(column));
        start = whole.unwrap_or(start + room);
        starts.push(start);
    }
    starts.push(total);
    starts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::explain::tests::stale_history;

    fn all(history: &History) -> Vec<OperationId> {
        history.iter().map(|(id, _)| id).collect()
    }

    #[test]
    fn clients_are_lanes_and_time_goes_to_the_right() {
        let history = stale_history();
        insta::assert_snapshot!(draw(&history, &all(&history), 100));
    }

    #[test]
    fn what_is_too_wide_goes_on_below_and_no_label_is_cut() {
        let history = stale_history();
        let drawn = draw(&history, &all(&history), 44);
        insta::assert_snapshot!(drawn);
        assert!(drawn.lines().all(|line| line.chars().count() <= 44));
    }

    #[test]
    fn operations_of_one_client_that_overlap_and_failures_are_told_apart() {
        let text = r#"{"partita":1}
{"index":0,"time":0,"process":1,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":1,"process":1,"type":"info","f":"write","key":"x","value":1}
{"index":2,"time":2,"process":1,"type":"invoke","f":"write","key":"x","value":2}
{"index":3,"time":3,"process":1,"type":"fail","f":"write","key":"x","value":2}
{"index":4,"time":3,"process":2,"type":"invoke","f":"read","key":"x","value":null}
{"index":5,"time":4,"process":2,"type":"ok","f":"read","key":"x","value":1}
"#;
        let history = histories::read::read(text.as_bytes(), "a.jsonl").unwrap();
        insta::assert_snapshot!(draw(&history, &all(&history), 80));
        assert_eq!(draw(&history, &[], 80), "");
    }
}
