//! The definition, tried out on every log that there could be: each send put at some offset or at none.

use histories::{History, Operation, Outcome, Value};

/// Offsets are below this.
pub(super) const OFFSETS: i64 = 6;

/// Partition `p` of a history: what each operation sends, and what it was told.
struct Send<'h> {
    op: &'h Operation,
    value: &'h Value,
    told: Option<i64>,
}

type Row<'h> = (i64, &'h Value);

fn micros<'h>(value: &'h Value, name: &str) -> Vec<&'h [Value]> {
    let list = value.as_list().unwrap_or_default().iter().filter_map(Value::as_list);
    list.filter(|micro| micro.first().and_then(Value::as_text) == Some(name)).collect()
}

fn sends(history: &History) -> Vec<Send<'_>> {
    let mut sends = Vec::new();
    for op in history.operations() {
        let told = if op.is_ok() { micros(op.reply(), "send") } else { Vec::new() };
        for (place, micro) in micros(op.call(), "send").into_iter().enumerate() {
            let told = told.get(place).and_then(|micro| micro[2].as_pair()).and_then(|(at, _)| at.as_int());
            sends.push(Send { op, value: &micro[2], told });
        }
    }
    sends
}

/// The polls of an operation, each in its order.
fn polls(op: &Operation) -> Vec<Vec<Row<'_>>> {
    if !op.is_ok() {
        return Vec::new();
    }
    let shown = micros(op.reply(), "poll").into_iter().filter_map(|micro| micro.get(1)?.as_map()?.get("p"));
    shown
        .map(|list| {
            let rows = list.as_list().unwrap_or_default().iter();
            rows.map(|row| (row.as_pair().unwrap().0.as_int().unwrap(), row.as_pair().unwrap().1)).collect()
        })
        .collect()
}

/// Whether some log explains everything.
pub(super) fn holds(history: &History) -> bool {
    let sends = sends(history);
    let mut log: Vec<Option<usize>> = vec![None; OFFSETS as usize];
    place(history, &sends, 0, &mut log)
}

/// Puts each send from `next` on wherever it can be.
fn place(history: &History, sends: &[Send<'_>], next: usize, log: &mut Vec<Option<usize>>) -> bool {
    let Some(send) = sends.get(next) else { return explains(history, sends, log) };
    if send.op.outcome != Outcome::Ok && place(history, sends, next + 1, log) {
        return true;
    }
    if send.op.outcome == Outcome::Fail {
        return false;
    }
    for offset in 0..log.len() {
        if log[offset].is_some() || send.told.is_some_and(|told| told != offset as i64) {
            continue;
        }
        log[offset] = Some(next);
        let found = place(history, sends, next + 1, log);
        log[offset] = None;
        if found {
            return true;
        }
    }
    false
}

fn explains(history: &History, sends: &[Send<'_>], log: &[Option<usize>]) -> bool {
    let at = |send: usize| log.iter().position(|other| *other == Some(send));
    let ordered = (0..sends.len()).all(|one| {
        (one + 1..sends.len()).all(|other| {
            let (first, second) = (&sends[one], &sends[other]);
            let same = first.op.call_event == second.op.call_event;
            let waits = same || first.op.process == second.op.process && first.op.is_ok();
            let (Some(first), Some(second)) = (at(one), at(other)) else { return true };
            !waits || first < second
        })
    });
    let record = |offset: i64| log.get(offset as usize).copied().flatten();
    let fits = |op: &Operation, row: &Row<'_>| {
        record(row.0).is_some_and(|send| sends[send].value == row.1 && sends[send].op.invoked <= op.completed)
    };
    let all_fit = history.operations().iter().all(|op| polls(op).concat().iter().all(|row| fits(op, row)));
    ordered && all_fit && read_in_order(history, log) && nothing_lost(history, sends, log)
}

/// Whether no consumer passes over what is in the log, or goes back.
fn read_in_order(history: &History, log: &[Option<usize>]) -> bool {
    let mut consumers = std::collections::BTreeMap::<u32, (bool, Option<i64>)>::new();
    history.operations().iter().all(|op| {
        let (assigned, last) = consumers.entry(op.process).or_default();
        match op.function.name() {
            "assign" => (*assigned, *last) = (op.is_ok(), None),
            "subscribe" => (*assigned, *last) = (false, None),
            _ if !op.is_ok() => *last = None,
            _ => {
                for poll in polls(op) {
                    let mut before = last.filter(|_| *assigned);
                    for (offset, _) in poll {
                        let next = |from: i64| {
                            (from + 1..=OFFSETS).find(|at| log.get(*at as usize).is_none_or(Option::is_some))
                        };
                        if before.is_some_and(|before| next(before) != Some(offset)) {
                            return false;
                        }
                        before = Some(offset);
                    }
                    *last = before.or(*last);
                }
            }
        }
        true
    })
}

/// Whether every record that was acknowledged at an offset, and behind which one was polled, was polled itself, or may have
/// been.
fn nothing_lost(history: &History, sends: &[Send<'_>], log: &[Option<usize>]) -> bool {
    let rows: Vec<Row<'_>> = history.operations().iter().flat_map(|op| polls(op).concat()).collect();
    let asks = |op: &&Operation| !micros(op.call(), "poll").is_empty();
    let unknown = history.operations().iter().filter(asks).any(|op| op.outcome == Outcome::Info);
    let furthest = rows.iter().map(|row| row.0).max();
    unknown
        || (0..).zip(log).all(|(offset, send)| {
            let acknowledged = send.is_some_and(|send| sends[send].told.is_some());
            !acknowledged || Some(offset) > furthest || rows.iter().any(|row| row.0 == offset)
        })
}
