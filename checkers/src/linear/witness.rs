//! Conflicts between values as anomalies: which operations prove them, and in what words.
//!
//! It never searches; it is given the values or the rows.

use histories::{AnomalyKind, Function, History, OperationId, Value};

use crate::core::anomaly::{anomaly, beside};
use crate::core::registers::{Access, INITIAL, NONE, Register, Row};
use crate::core::unexplained;
use crate::{Anomaly, Side, Step, words};

use super::chains::{Broken, Chains};
use super::staleness::Stale;

/// An anomaly of zones or chains is told with so many operations.
pub(crate) const STEPS_MAX: usize = 6;

/// Collects steps so that each operation's side stands once, in the order of the telling.
struct Telling<'h> {
    history: &'h History,
    register: &'h Register,
    steps: Vec<Step>,
}

impl<'h> Telling<'h> {
    fn new(history: &'h History, register: &'h Register) -> Self {
        Self { history, register, steps: Vec::new() }
    }

    fn row(&self, row: u32) -> Row {
        self.register.rows[row as usize]
    }

    fn id(&self, row: u32) -> OperationId {
        self.row(row).operation
    }

    fn step(&mut self, row: u32, side: Side, note: String) {
        let operation = self.id(row);
        if self.steps.iter().all(|step| step.operation != operation) {
            self.steps.push(match side {
                Side::Invoked => words::invoked(operation, note),
                Side::Completed => words::completed(self.history, operation, note),
            });
        }
    }

    /// The row that wrote what `row` saw, `row` itself where it wrote that.
    fn writer(&self, row: u32) -> u32 {
        self.register.writers[self.row(row).value as usize]
    }

    fn value(&self, row: u32) -> String {
        words::told(&self.history.as_recorded(self.id(row)))
    }

    /// What links values of a chain.
    fn links(&self) -> &'static str {
        if self.register.grows { "appends" } else { "compare-and-sets" }
    }

    fn appends(&self, row: u32) -> bool {
        self.history.operation(self.id(row)).function == Function::Append
    }

    /// `the write of 5 began after the write of 3 had been acknowledged`
    fn order(&self, before: u32, after: u32) -> String {
        let (before, after) = (self.id(before), self.id(after));
        format!("{} began after {}", words::short(self.history, after), words::done(self.history, before))
    }
}

/// A row that shows a value in force before `time`: its write if that was acknowledged by then, or else the first
/// that returned.
fn evidence(register: &Register, value: u32, time: i64) -> Option<u32> {
    let writer = register.writers[value as usize];
    if writer != NONE && register.rows[writer as usize].ret < time {
        return Some(writer);
    }
    Some(register.zones[value as usize].first_row).filter(|&row| row != NONE)
}

pub(crate) fn stale(history: &History, register: &Register, stale: Stale) -> Anomaly {
    let mut telling = Telling::new(history, register);
    let (read, newer) = (telling.row(stale.read), telling.row(stale.newer));
    let old = evidence(register, read.value, newer.call).filter(|_| read.value != INITIAL);
    let seen = evidence(register, newer.value, read.call).unwrap_or(stale.newer);
    let (value, newest) = (telling.value(stale.read), telling.value(stale.newer));
    let name = words::key(history, register.key);
    if let Some(old) = old {
        let writer = telling.writer(old);
        let made = if telling.appends(writer) { "made it" } else { "wrote" };
        telling.step(writer, Side::Completed, format!("{made} {value}"));
        telling.step(old, Side::Completed, format!("{value} was in force"));
    }
    let replaced = if telling.appends(stale.newer) { "appended" } else { "overwrote it with" };
    telling.step(stale.newer, Side::Completed, format!("{replaced} {newest}"));
    telling.step(seen, Side::Completed, format!("{newest} was in force"));
    telling.step(stale.read, Side::Invoked, format!("still returned {value}"));
    let fact = match old {
        Some(old) if telling.appends(stale.newer) => {
            format!("{value} was not all any more: {}", telling.order(old, stale.newer))
        }
        Some(old) => format!("{value} was overwritten: {}", telling.order(old, stale.newer)),
        None => format!("{name} was {} only before its first write", words::at_first(history)),
    };
    let newer_id = newer.operation;
    let after = if seen == stale.newer {
        format!("{} was acknowledged", words::noun(history, newer_id))
    } else {
        words::done(history, telling.id(seen))
    };
    let summary = format!("{} after {after}", words::clause(history, read.operation));
    let facts = vec![fact, telling.order(seen, stale.read)];
    anomaly(AnomalyKind::StaleRead, summary, register.key, telling.steps, facts, &[])
}

/// Four rows that put two values, or two chains of values, each before the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crossing {
    /// Of the first; returned before `b_called` was called.
    pub(crate) a_returned: u32,
    pub(crate) b_called: u32,
    /// Of the second; returned before `a_called` was called.
    pub(crate) b_returned: u32,
    pub(crate) a_called: u32,
}

impl Crossing {
    /// With the one that came back, or else the initial value, as the first.
    pub(crate) fn oriented(self, register: &Register) -> Self {
        let ret = |row: u32| register.rows[row as usize].ret;
        let came_back = ret(self.a_called) >= ret(self.b_called);
        if self.a_returned == NONE || (self.b_returned != NONE && came_back) {
            return self;
        }
        Self {
            a_returned: self.b_returned,
            b_called: self.a_called,
            b_returned: self.a_returned,
            a_called: self.b_called,
        }
    }
}

pub(crate) fn crossing(
    history: &History,
    register: &Register,
    crossing: Crossing,
    chains: Option<&Chains>,
) -> Anomaly {
    let mut telling = Telling::new(history, register);
    let Crossing { a_returned, b_called, b_returned, a_called } = crossing;
    let rows = [a_returned, b_called, b_returned, a_called];
    let origins = origins(register, crossing, chains);
    if chains.is_none() {
        for row in [a_called, b_called] {
            let (writer, value) = (telling.writer(row), telling.value(row));
            if writer != NONE {
                telling.step(writer, Side::Completed, format!("wrote {value}"));
            }
        }
    }
    for row in rows.into_iter().filter(|&row| row != NONE) {
        let value = telling.value(row);
        telling.step(row, Side::Completed, format!("{value} was in force"));
    }
    let (a, b) = (telling.value(a_called), telling.value(b_called));
    let from = if a_returned == NONE {
        telling.history.value_as_recorded(&Value::Null).to_string()
    } else {
        telling.value(a_returned)
    };
    let name = words::key(history, register.key);
    let linked = |row: u32, other: u32| {
        (row != NONE && telling.row(row).value != telling.row(other).value).then(|| {
            format!("{} and {} are linked by {}", telling.value(row), telling.value(other), telling.links())
        })
    };
    let first = match a_returned {
        NONE => format!("{name} was absent before anything was written, and {a} follows from that"),
        row => format!("{a} before {b}: {}", telling.order(row, b_called)),
    };
    let mut facts = vec![first, format!("{b} before {a}: {}", telling.order(b_returned, a_called))];
    facts.extend(linked(a_returned, a_called));
    facts.extend(linked(b_returned, b_called));
    let summary = format!(
        "{}, though {name} had gone from {from} on to {b} by then",
        words::clause(history, telling.id(a_called))
    );
    anomaly(AnomalyKind::Conflict, summary, register.key, telling.steps, facts, &origins)
}

/// The operations that wrote the values of a crossing, all that link them, and all that show that they happened.
fn origins(register: &Register, crossing: Crossing, chains: Option<&Chains>) -> Vec<OperationId> {
    let value = |row: u32| register.rows.get(row as usize).map_or(INITIAL, |row| row.value);
    let Crossing { a_returned, b_called, b_returned, a_called } = crossing;
    let rows: Vec<u32> = match chains {
        Some(chains) => [(a_returned, a_called), (b_returned, b_called)]
            .iter()
            .flat_map(|&(returned, called)| {
                let mut rows = chains.segment(register, value(returned), value(called));
                rows.extend(chains.proof(register, value(called)));
                rows
            })
            .collect(),
        None => [a_called, b_called].iter().map(|&row| register.writers[value(row) as usize]).collect(),
    };
    rows.into_iter().filter(|&row| row != NONE).map(|row| register.rows[row as usize].operation).collect()
}

/// Of two values in conflict, the four rows that show it earliest.
pub(crate) fn earliest_crossing(register: &Register, a: u32, b: u32) -> Option<Crossing> {
    let (zone_a, zone_b) = (register.zones[a as usize], register.zones[b as usize]);
    let first_after = |value: u32, time: i64| {
        (0..)
            .zip(&register.rows)
            .filter(|(_, row)| row.value == value && row.call > time)
            .min_by_key(|&(index, row)| (row.ret, index))
            .map(|(index, _)| index)
    };
    let b_called = first_after(b, zone_a.first_return)?;
    let a_called = first_after(a, zone_b.first_return)?;
    let rows = Crossing { a_returned: zone_a.first_row, b_called, b_returned: zone_b.first_row, a_called };
    Some(rows.oriented(register))
}

pub(crate) fn broken(
    history: &History,
    register: &Register,
    chains: Option<&Chains>,
    broken: &Broken,
) -> Anomaly {
    match broken {
        Broken::FromNowhere(unexplained, proof) => {
            let mut anomaly = unexplained::explain_cas(history, register, *unexplained);
            beside(&mut anomaly, register, proof);
            anomaly
        }
        Broken::LostUpdate(first, second, proof) => lost_update(history, register, [*first, *second], proof),
        Broken::Loop(rows, proof) => cas_loop(history, register, rows, proof),
        Broken::Order { late, early } => order(history, register, chains, *late, *early),
    }
}

fn lost_update(history: &History, register: &Register, [first, second]: [u32; 2], proof: &[u32]) -> Anomaly {
    let mut telling = Telling::new(history, register);
    let from = telling.row(first).from;
    let writer = register.writers[from as usize];
    let (a, b) = (telling.id(first), telling.id(second));
    let replaced = history.operation(a).call().as_pair().map(|(from, _)| from.clone()).unwrap_or_default();
    if writer != NONE {
        telling.step(writer, Side::Completed, format!("wrote {replaced}"));
    }
    telling.step(first, Side::Completed, format!("replaced {replaced}"));
    telling.step(second, Side::Completed, format!("replaced {replaced} too"));
    for &row in proof.iter().take(3) {
        let value = telling.value(row);
        telling.step(row, Side::Completed, format!("saw {value}, so it was written"));
    }
    let summary =
        format!("{} and {} both replaced {replaced}", words::noun(history, a), words::noun(history, b));
    let facts = vec![format!("{replaced} was written once, so only one of them can have found it")];
    let mut anomaly = anomaly(AnomalyKind::LostUpdate, summary, register.key, telling.steps, facts, &[]);
    beside(&mut anomaly, register, proof);
    anomaly
}

fn cas_loop(history: &History, register: &Register, rows: &[u32], proof: &[u32]) -> Anomaly {
    let mut telling = Telling::new(history, register);
    for &row in rows.iter().take(STEPS_MAX) {
        let value = telling.value(row);
        telling.step(row, Side::Completed, format!("needs its predecessor's value, wrote {value}"));
    }
    let name = words::key(history, register.key);
    let values: Vec<String> = rows.iter().take(STEPS_MAX).map(|&row| telling.value(row)).collect();
    let summary = format!(
        "{} of {name} replace each other's values in a circle",
        words::count(rows.len(), "compare-and-set")
    );
    let facts =
        vec![format!("no order puts each after the one whose value it replaced: {}", values.join(", "))];
    let mut anomaly = anomaly(AnomalyKind::CasLoop, summary, register.key, telling.steps, facts, &[]);
    beside(&mut anomaly, register, rows);
    beside(&mut anomaly, register, proof);
    anomaly
}

fn order(history: &History, register: &Register, chains: Option<&Chains>, late: u32, early: u32) -> Anomaly {
    let mut telling = Telling::new(history, register);
    let (first, last) = (telling.value(late), telling.value(early));
    telling.step(early, Side::Completed, format!("{last} was in force"));
    telling.step(late, Side::Invoked, format!("{first} was in force only now"));
    let (late_value, early_value) = (telling.row(late).value, telling.row(early).value);
    let linked: Vec<OperationId> = chains
        .map(|chains| chains.segment(register, late_value, early_value))
        .unwrap_or_default()
        .into_iter()
        .map(|row| telling.id(row))
        .collect();
    if register.grows && telling.row(late).access == Access::Read {
        let facts = vec![
            telling.order(early, late),
            format!("what was appended stays: {last} was there, and {first} is less"),
        ];
        let summary = format!(
            "{} after {}",
            words::clause(history, telling.id(late)),
            words::done(history, telling.id(early))
        );
        return anomaly(AnomalyKind::StaleRead, summary, register.key, telling.steps, facts, &linked);
    }
    let summary = format!(
        "{} after {}, which comes later in the chain of {}",
        words::clause(history, telling.id(late)),
        words::done(history, telling.id(early)),
        telling.links()
    );
    let facts = vec![
        telling.order(early, late),
        format!(
            "{} lead from {first} to {last} in {}",
            telling.links(),
            words::count(linked.len().saturating_sub(1), "step")
        ),
    ];
    anomaly(AnomalyKind::ChainOrder, summary, register.key, telling.steps, facts, &linked)
}
