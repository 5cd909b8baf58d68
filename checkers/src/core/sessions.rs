//! All sessions of a history: what each read and wrote, in its own order.
//!
//! It never compares sessions; it drops what nobody knows to have happened.

use histories::{Function, History, KeyId, OperationId};

use super::anomaly::beside;
use super::happened::Happened;
use super::registers::{Access, Beyond, INITIAL, NEVER, NONE, Register, Registers, Uncertain};
use super::unexplained::{self, Order};
use crate::{Anomaly, Budget, Exhausted, words};

/// A value of a key, dense over all keys. What follows from a read of an absent key is decided apart.
pub(crate) type Write = u32;

/// Which write an operation read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadFrom {
    /// It read nothing.
    Nothing,
    /// The key was absent.
    Initial,
    Written(Write),
}

/// One operation of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act {
    pub(crate) operation: OperationId,
    pub(crate) process: u32,
    /// Dense.
    pub(crate) key: u32,
    pub(crate) seen: ReadFrom,
    pub(crate) wrote: Option<Write>,
    /// Whether the session learned that it happened.
    pub(crate) acknowledged: bool,
}

#[derive(Debug)]
pub(crate) struct Table {
    /// Session by session, each in its order.
    pub(crate) acts: Vec<Act>,
    pub(crate) keys: Vec<Option<KeyId>>,
    pub(crate) writes: u32,
    /// By write, the operation; [`NONE`] where the write is no write.
    pub(crate) writers: Vec<u32>,
    /// Why some operations are not among the acts, or say less than they might: what held is undecided then.
    pub(crate) left_out: Option<String>,
}

/// Why there is no table.
#[derive(Debug)]
pub(crate) enum NoTable {
    NotApplicable(String),
    Exhausted,
    /// A read that no write explains: no guarantee admits it.
    Unexplained(Box<Anomaly>),
}

impl Table {
    pub(crate) fn of(history: &History, budget: &Budget) -> Result<Self, NoTable> {
        let registers = Registers::of(history);
        if registers.groups.is_empty() {
            return Err(NoTable::NotApplicable("no operation reads or writes a register".into()));
        }
        let mut table =
            Self { acts: Vec::new(), keys: Vec::new(), writes: 0, writers: Vec::new(), left_out: None };
        let mut unexplained: Option<Box<Anomaly>> = None;
        let mut groups = 0;
        for group in &registers.groups {
            let register = match group.compile_certain(history, budget) {
                Ok(register) => register,
                Err(Beyond::Exhausted) => return Err(NoTable::Exhausted),
                Err(beyond) => {
                    table.left_out.get_or_insert_with(|| beyond_words(history, group.key, &beyond));
                    continue;
                }
            };
            groups += 1;
            if let Some(uncertain) = &register.uncertain {
                table.left_out.get_or_insert_with(|| uncertain_words(history, uncertain));
            }
            match explained(history, &register) {
                Ok(happened) => table.add(history, &register, &happened),
                Err(new) => {
                    if unexplained.as_ref().is_none_or(|old| new.witness.operations < old.witness.operations)
                    {
                        unexplained = Some(new);
                    }
                }
            }
        }
        if let Some(anomaly) = unexplained {
            return Err(NoTable::Unexplained(anomaly));
        }
        if let Some(why) = table.left_out.take_if(|_| groups == 0) {
            return Err(NoTable::NotApplicable(why));
        }
        table.acts.sort_unstable_by_key(|act| (act.process, act.operation));
        Ok(table)
    }

    fn add(&mut self, history: &History, register: &Register, happened: &Happened) {
        let base = self.writes;
        let key = self.keys.len() as u32;
        self.keys.push(register.key);
        self.writes += register.zones.len() as u32;
        self.writers.extend(
            register
                .writers
                .iter()
                .map(|&row| register.rows.get(row as usize).map_or(NONE, |row| row.operation.0)),
        );
        let seen = |value: u32| match value {
            NONE => ReadFrom::Nothing,
            INITIAL => ReadFrom::Initial,
            value => ReadFrom::Written(base + value),
        };
        for row in register.rows.iter().filter(|row| happened.known[row.value as usize]) {
            let reads = row.access == Access::Read;
            self.acts.push(Act {
                operation: row.operation,
                process: history.operation(row.operation).process,
                key,
                seen: seen(if reads { row.value } else { row.from }),
                wrote: (!reads).then_some(base + row.value),
                acknowledged: row.ret < NEVER,
            });
        }
    }

    pub(crate) fn writer(&self, write: Write) -> OperationId {
        OperationId(self.writers[write as usize])
    }
}

/// Which values were in force, or a read that no write explains.
fn explained(history: &History, register: &Register) -> Result<Happened, Box<Anomaly>> {
    if let Some(unexplained) = unexplained::unexplained(register, Order::None) {
        return Err(Box::new(unexplained::explain(history, register, unexplained)));
    }
    Happened::of(register).map_err(|(unexplained, proof)| {
        let mut anomaly = unexplained::explain_cas(history, register, unexplained);
        beside(&mut anomaly, register, &proof);
        Box::new(anomaly)
    })
}

/// Why a key has no acts.
fn beyond_words(history: &History, key: Option<KeyId>, beyond: &Beyond) -> String {
    let key = words::key(history, key);
    match beyond {
        Beyond::Repeats(value) => {
            format!("{key} is given {} more than once", history.value_as_recorded(value))
        }
        Beyond::Malformed(_) => format!("a compare-and-set of {key} has no pair [from, to]"),
        Beyond::Mixed(function) => format!("{key} may also be changed by {function}"),
        Beyond::Exhausted => Exhausted.to_string(),
    }
}

fn uncertain_words(history: &History, uncertain: &Uncertain) -> String {
    let op = history.as_recorded(uncertain.first);
    let seen = match (op.call().as_pair(), op.seen()) {
        (Some((from, _)), None) if op.function == Function::Cas => from,
        _ => op.reply(),
    };
    words::several_writers(uncertain.operations, &format!("{} = {seen}", words::key(history, op.key)))
}
