//! Registers at the end: what became of each acknowledged write.
//!
//! It never calls a write lost where any of the final observations may have come after it.

use histories::{AnomalyKind, Function, History, KeyId, OperationId, Value};
use rustc_hash::FxHashMap;

use crate::final_state::{FinalState, Seen};
use crate::registers::{Access, NEVER, NONE, Register};
use crate::words;

use super::{Gone, Tally};

pub(super) fn weigh(tally: &mut Tally<'_>, state: &FinalState<'_>, key: Option<KeyId>, register: &Register) {
    let seen = state.seen(key);
    let Some(now) = seen.first() else {
        if register.rows.iter().any(|row| row.access != Access::Read && row.ret < NEVER) {
            tally.undecide(key, "nobody read it at the end");
        }
        return;
    };
    let finals = Finals::of(tally.history, register, &seen);
    for (operation, now) in &finals.revived {
        let (operation, now) = (*operation, now.clone());
        tally.gone.push(Gone { kind: AnomalyKind::Revived, key, operation, shown: None, now });
    }
    let hidden = state.may_hide(key);
    let mut lost: Vec<u32> = Vec::new();
    for (index, row) in (0..).zip(&register.rows).filter(|(_, row)| row.access != Access::Read) {
        let fate = finals.fate(register, index);
        if row.ret < NEVER {
            tally.counts.acknowledged += 1;
            match fate {
                Fate::Present => {}
                Fate::Superseded => tally.counts.superseded += 1,
                Fate::Discarded => tally.counts.discarded += 1,
                Fate::Lost => tally.counts.lost += u64::from(hidden.is_none()),
            }
        }
        if fate == Fate::Lost && register.zones[row.value as usize].first_return < NEVER {
            lost.push(index);
        }
    }
    match hidden.filter(|_| !lost.is_empty()) {
        Some(why) => tally.undecide(key, why),
        None => report(tally, key, register, &lost, now),
    }
}

/// Of the writes that are gone, those that no other of them had replaced.
fn report(tally: &mut Tally<'_>, key: Option<KeyId>, register: &Register, lost: &[u32], now: &Seen) {
    let latest_call = lost.iter().map(|&row| register.rows[row as usize].call).max().unwrap_or(NEVER);
    for &index in lost {
        let row = &register.rows[index as usize];
        let zone = &register.zones[row.value as usize];
        if zone.first_return.max(row.call) < latest_call {
            continue;
        }
        let acknowledged = row.ret < NEVER;
        let shown = (!acknowledged).then(|| register.rows[zone.first_row as usize].operation);
        let kind = if acknowledged || now.value.is_null() {
            AnomalyKind::LostWrite
        } else {
            AnomalyKind::Resurrected
        };
        tally.gone.push(Gone { kind, key, operation: row.operation, shown, now: now.clone() });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Present,
    Superseded,
    Discarded,
    Lost,
}

/// The values that stand in a register at the end, in one place or another.
struct Finals {
    values: Vec<u32>,
    /// A value that no write in the history explains.
    strange: bool,
    /// Writes that failed and whose value was seen all the same, each with the first who saw it.
    revived: Vec<(OperationId, Seen)>,
}

impl Finals {
    fn of(history: &History, register: &Register, seen: &[Seen]) -> Self {
        let ids = value_ids(history, register);
        let mut finals = Self { values: Vec::new(), strange: false, revived: Vec::new() };
        for seen in seen.iter().filter(|seen| !seen.value.is_null()) {
            if let Some(&value) = ids.get(&seen.value) {
                finals.values.push(value);
            } else {
                finals.strange = true;
                let failed = failed_write(history, register, &seen.value);
                finals.revived.extend(failed.map(|operation| (operation, seen.clone())));
            }
        }
        finals.values.sort_unstable();
        finals.values.dedup();
        finals.revived.sort_by_key(|(operation, _)| *operation);
        finals.revived.dedup_by_key(|(operation, _)| *operation);
        finals
    }

    fn fate(&self, register: &Register, index: u32) -> Fate {
        let row = &register.rows[index as usize];
        if self.values.contains(&row.value) || self.strange {
            return Fate::Present;
        }
        let own = &register.zones[row.value as usize];
        let mut fate = Fate::Lost;
        for &value in &self.values {
            let writer = &register.rows[register.writers[value as usize] as usize];
            if register.zones[value as usize].first_return < row.call {
                continue;
            }
            if own.first_return < writer.call {
                return Fate::Superseded;
            }
            fate = Fate::Discarded;
        }
        fate
    }
}

/// Of the values that were written, or may have been.
fn value_ids(history: &History, register: &Register) -> FxHashMap<Value, u32> {
    (0..)
        .zip(&register.writers)
        .filter(|&(_, &writer)| writer != NONE)
        .map(|(value, &writer)| {
            let operation = register.rows[writer as usize].operation;
            (words::value(history.operation(operation)), value)
        })
        .collect()
}

fn failed_write(history: &History, register: &Register, value: &Value) -> Option<OperationId> {
    let wrote = |op: &histories::Operation| match op.function {
        Function::Cas => op.call().as_pair().is_some_and(|(_, to)| to == value),
        _ => op.call() == value,
    };
    register.failed.values().copied().filter(|&id| wrote(history.operation(id))).min()
}
