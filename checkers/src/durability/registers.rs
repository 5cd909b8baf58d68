//! Registers at the end: what became of each acknowledged write.
//!
//! The last final read decides: of several that overlap each may be the last, and where they disagree it is open whether a
//! write is lost. Where there are dumps, no write is lost that what any node holds may have replaced.

use std::collections::BTreeSet;

use histories::{AnomalyKind, Function, History, KeyId, OperationId, Value};
use rustc_hash::FxHashMap;

use crate::core::final_state::{FinalState, Seen};
use crate::core::registers::{Access, NEVER, NONE, Register};
use crate::words;

use super::{Gone, Tally};

pub(super) fn weigh(tally: &mut Tally<'_>, state: &FinalState<'_>, key: Option<KeyId>, register: &Register) {
    let seen = state.seen(key);
    let writes = || (0..).zip(&register.rows).filter(|(_, row)| row.access != Access::Read);
    if seen.is_empty() {
        if writes().any(|(_, row)| row.ret < NEVER) {
            tally.undecide(key, "nobody read it at the end");
        }
        return;
    }
    strange(tally, key, register, &seen);
    let ids = value_ids(tally.history, register);
    let last = state.last(key);
    // Each of them may be the one that decides.
    let alternatives: Vec<Finals> = if state.has_dumps() {
        vec![Finals::of(&ids, &last)]
    } else {
        last.iter().map(|seen| Finals::of(&ids, std::slice::from_ref(seen))).collect()
    };
    let hidden = state.may_hide(key);
    let (mut lost, mut is_open) = (Vec::new(), false);
    for (index, row) in writes() {
        let fates: Vec<Fate> = alternatives.iter().map(|finals| finals.fate(register, index)).collect();
        let fate = fates.iter().copied().min().unwrap_or(Fate::Present);
        let known = register.zones[row.value as usize].first_return < NEVER;
        is_open |= known && fate != Fate::Lost && fates.contains(&Fate::Lost);
        if row.ret < NEVER {
            tally.counts.acknowledged += 1;
            match fate {
                Fate::Present => {}
                Fate::Superseded => tally.counts.superseded += 1,
                Fate::Discarded => tally.counts.discarded += 1,
                Fate::Lost => tally.counts.lost += u64::from(hidden.is_none()),
            }
        }
        if fate == Fate::Lost && known {
            lost.push(index);
        }
    }
    if is_open {
        tally.undecide(key, "the last reads of it overlap, and disagree");
    }
    match hidden.filter(|_| !lost.is_empty()) {
        Some(why) => tally.undecide(key, why),
        None => report(tally, key, register, &lost, &last[0]),
    }
}

/// What stands there at the end although its write failed, or nobody wrote it at all.
fn strange(tally: &mut Tally<'_>, key: Option<KeyId>, register: &Register, seen: &[Seen]) {
    if register.failed.is_empty() && register.rows.iter().all(|row| row.access == Access::Read) {
        return;
    }
    let ids = value_ids(tally.history, register);
    let mut told: BTreeSet<&Value> = BTreeSet::new();
    let strange = seen.iter().filter(|seen| !seen.value.is_null() && !ids.contains_key(&seen.value));
    for now in strange.filter(|seen| told.insert(&seen.value)) {
        let (kind, operation) = match failed_write(tally.history, register, &now.value) {
            Some(failed) => (AnomalyKind::Revived, failed),
            None => (AnomalyKind::PhantomRead, now.operation),
        };
        tally.gone.push(Gone { kind, key, operation, shown: None, now: now.clone() });
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

/// What became of a write; what says most of it comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
}

impl Finals {
    fn of(ids: &FxHashMap<Value, u32>, seen: &[Seen]) -> Self {
        let mut finals = Self { values: Vec::new(), strange: false };
        for seen in seen.iter().filter(|seen| !seen.value.is_null()) {
            match ids.get(&seen.value) {
                Some(&value) => finals.values.push(value),
                None => finals.strange = true,
            }
        }
        finals.values.sort_unstable();
        finals.values.dedup();
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
