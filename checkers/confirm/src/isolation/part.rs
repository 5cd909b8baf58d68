//! The transactions of a witness, read from the history step by step.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Function, History, Operation, OperationId, Outcome, Value};

use super::names::key_text;
use super::repeated::Repeated;

/// What a transaction did to a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// A register's value; null where it has none.
    Read(String, Value),
    /// All elements of a list.
    ReadList(String, Vec<Value>),
    Write(String, Value),
    Append(String, Value),
}

#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) process: u32,
    pub(super) invoked: u64,
    /// `u64::MAX` where its client never learned that it committed.
    pub(super) returned: u64,
    pub(super) steps: Vec<Step>,
}

impl Transaction {
    pub(super) fn is_definite(&self) -> bool {
        self.returned != u64::MAX
    }

    /// The last value written to each key, or the elements appended to it.
    pub(super) fn written(&self, key: &str) -> Vec<&Value> {
        let written = |step| match step {
            &Step::Write(ref other, ref value) | &Step::Append(ref other, ref value) if other == key => {
                Some(value)
            }
            _ => None,
        };
        self.steps.iter().filter_map(written).collect()
    }

    /// Leaves out reads of values that several operations wrote, but for those that follow a write of its own.
    fn leave_out(&mut self, repeated: &Repeated) {
        let mut own = BTreeSet::new();
        self.steps.retain(|step| match step {
            Step::Write(key, _) | Step::Append(key, _) => {
                own.insert(key.clone());
                true
            }
            Step::Read(key, value) => own.contains(key) || !repeated.holds(key, value),
            Step::ReadList(key, values) => !values.iter().any(|value| repeated.holds(key, value)),
        });
    }

    pub(super) fn keys_written(&self) -> BTreeSet<&str> {
        let key = |step| match step {
            &Step::Write(ref key, _) | &Step::Append(ref key, _) => Some(key.as_str()),
            _ => None,
        };
        self.steps.iter().filter_map(key).collect()
    }

    /// Registers and lists read before the transaction wrote them itself.
    pub(super) fn external(&self) -> Vec<&Step> {
        let mut own = BTreeSet::new();
        let mut reads = Vec::new();
        for step in &self.steps {
            match step {
                Step::Write(key, _) | Step::Append(key, _) => drop(own.insert(key)),
                Step::Read(key, _) | Step::ReadList(key, _) if !own.contains(key) => reads.push(step),
                _ => {}
            }
        }
        reads
    }
}

#[derive(Clone, Debug)]
pub(super) struct Part {
    /// In the order of their invocations.
    pub(super) transactions: Vec<Transaction>,
    /// Keys that are appended to, or read as lists and never written.
    lists: BTreeSet<String>,
}

impl Part {
    pub(super) fn of(history: &History, operations: &[OperationId]) -> Self {
        let lists = lists(history);
        let mut operations = operations.to_vec();
        operations.sort_unstable();
        let transactions = operations.iter().map(|&id| {
            let operation = history.operation(id);
            Transaction {
                process: operation.process,
                invoked: operation.invoked.0,
                returned: operation.returned().0,
                steps: steps(history, operation, &lists),
            }
        });
        Self { transactions: transactions.collect(), lists }
    }

    /// Without the reads that do not tell what they read.
    pub(super) fn telling(&self, repeated: &Repeated) -> Self {
        let mut part = self.clone();
        part.transactions.iter_mut().for_each(|t| t.leave_out(repeated));
        part
    }

    fn wrote(&self, key: &str, value: &Value) -> Vec<&Transaction> {
        self.transactions.iter().filter(|t| t.written(key).contains(&value)).collect()
    }

    /// All that was read, element by element.
    pub(super) fn shown(&self) -> Vec<(&Transaction, &str, &Value)> {
        let mut shown = Vec::new();
        for t in self.transactions.iter().filter(|t| t.is_definite()) {
            for step in &t.steps {
                match step {
                    Step::Read(key, value) if !value.is_null() => shown.push((t, key.as_str(), value)),
                    Step::ReadList(key, values) => {
                        shown.extend(values.iter().map(|value| (t, key.as_str(), value)));
                    }
                    _ => {}
                }
            }
        }
        shown
    }

    pub(super) fn reads_out_of_nowhere(&self, history: &History) -> bool {
        let written = |key: &str, value: &Value| writes(history, &self.lists, key, value).next().is_some();
        self.shown().into_iter().any(|(_, key, value)| !written(key, value))
    }

    pub(super) fn reads_aborted(&self, history: &History) -> bool {
        self.shown().into_iter().any(|(_, key, value)| {
            let mut outcomes = writes(history, &self.lists, key, value).peekable();
            outcomes.peek().is_some() && outcomes.all(|outcome| outcome == Outcome::Fail)
        })
    }

    /// What a transaction read last of a key was not the last that its writer wrote to it.
    pub(super) fn reads_intermediate(&self) -> bool {
        self.transactions.iter().filter(|t| t.is_definite()).any(|reader| {
            reader.external().into_iter().any(|step| {
                let (key, value) = match step {
                    Step::Read(key, value) => (key, Some(value)),
                    // What a transaction that failed appended is no part of the list.
                    Step::ReadList(key, values) => {
                        (key, values.iter().rev().find(|value| !self.wrote(key, value).is_empty()))
                    }
                    _ => return false,
                };
                let Some(value) = value else { return false };
                let writers = self.wrote(key, value);
                let is_other = |writer: &&Transaction| !std::ptr::eq(*writer, reader);
                writers.iter().any(is_other) && writers.iter().all(|w| w.written(key).last() != Some(&value))
            })
        })
    }

    /// A transaction did not read what it had written, or read what it wrote only later.
    pub(super) fn contradicts_itself(&self, repeated: &Repeated) -> bool {
        self.transactions.iter().filter(|t| t.is_definite()).any(|t| {
            (0..t.steps.len()).any(|at| {
                let written: Vec<&Value> =
                    t.steps[..at].iter().filter_map(|step| own(step, &t.steps[at])).collect();
                let later: Vec<&Value> =
                    t.steps[at..].iter().filter_map(|step| own(step, &t.steps[at])).collect();
                match &t.steps[at] {
                    Step::Read(key, value) => match written.last() {
                        Some(last) => *last != value,
                        None => later.contains(&value) && !repeated.holds(key, value),
                    },
                    Step::ReadList(_, values) => {
                        let ends_so = values.iter().rev().zip(written.iter().rev()).all(|(a, b)| a == *b);
                        let base = values.len().checked_sub(written.len());
                        !ends_so || base.is_none() || later.iter().any(|value| values.contains(value))
                    }
                    _ => false,
                }
            })
        })
    }

    pub(super) fn shows_twice(&self, repeated: &Repeated) -> bool {
        self.list_reads().any(|(key, values)| {
            (1..values.len())
                .any(|at| values[..at].contains(&values[at]) && !repeated.holds(key, &values[at]))
        })
    }

    pub(super) fn shows_two_orders(&self) -> bool {
        self.list_reads().any(|(key, one)| {
            self.list_reads().any(|(other, two)| {
                key == other && one.len() <= two.len() && one.iter().zip(two).any(|(a, b)| a != b)
            })
        })
    }

    /// A read shows a transaction's appends in another order than it made them, or not from its first.
    pub(super) fn shows_disorder(&self) -> bool {
        self.list_reads().any(|(key, values)| {
            self.transactions.iter().any(|t| {
                let appended = t.written(key);
                let shown: Vec<&Value> = values.iter().filter(|value| appended.contains(value)).collect();
                !appended.starts_with(&shown)
            })
        })
    }

    pub(super) fn list_reads(&self) -> impl Iterator<Item = (&str, &[Value])> {
        let definite = self.transactions.iter().filter(|t| t.is_definite());
        definite.flat_map(|t| &t.steps).filter_map(|step| match step {
            Step::ReadList(key, values) => Some((key.as_str(), values.as_slice())),
            _ => None,
        })
    }

    /// A committed element stands behind one of a transaction that failed.
    pub(super) fn rests_on_aborted(&self, history: &History) -> bool {
        self.list_reads().any(|(key, values)| {
            let failed = |value: &Value| {
                let mut outcomes = writes(history, &self.lists, key, value).peekable();
                outcomes.peek().is_some() && outcomes.all(|outcome| outcome == Outcome::Fail)
            };
            let first = values.iter().position(failed);
            first.is_some_and(|first| values[first..].iter().any(|value| !self.wrote(key, value).is_empty()))
        })
    }

    pub(super) fn reads_two_versions(&self) -> bool {
        self.transactions.iter().filter(|t| t.is_definite()).any(|t| {
            let reads = t.external();
            let changed = (0..t.steps.len()).any(|at| appends_elsewhere(&t.steps, at));
            changed
                || reads.iter().any(|one| {
                    reads.iter().any(|two| match (one, two) {
                        (Step::Read(a, x), Step::Read(b, y)) => a == b && x != y,
                        (Step::ReadList(a, x), Step::ReadList(b, y)) => a == b && x != y,
                        _ => false,
                    })
                })
        })
    }
}

/// Whether a read of a list shows own appends behind another number of elements than the read of it before.
fn appends_elsewhere(steps: &[Step], at: usize) -> bool {
    let Step::ReadList(key, values) = &steps[at] else { return false };
    let is_read = |step: &&Step| matches!(step, Step::ReadList(other, _) if other == key);
    let Some(place) = steps[..at].iter().rposition(|step| is_read(&step)) else { return false };
    let Step::ReadList(_, before) = &steps[place] else { return false };
    let has_written = steps[..at].iter().any(|step| own(step, &steps[at]).is_some());
    let since = steps[place..at].iter().filter_map(|step| own(step, &steps[at])).count();
    has_written && before.len() + since != values.len()
}

/// What a step wrote to the key that another read.
fn own<'s>(step: &'s Step, read: &Step) -> Option<&'s Value> {
    match (step, read) {
        (
            Step::Write(key, value) | Step::Append(key, value),
            Step::Read(other, _) | Step::ReadList(other, _),
        ) => (key == other).then_some(value),
        _ => None,
    }
}

/// The outcomes of all operations that write a value to a key.
fn writes<'a>(
    history: &'a History,
    lists: &'a BTreeSet<String>,
    key: &'a str,
    value: &'a Value,
) -> impl Iterator<Item = Outcome> + 'a {
    history.operations().iter().filter_map(move |operation| {
        let written = steps(history, operation, lists).into_iter().any(|step| match step {
            Step::Write(other, new) | Step::Append(other, new) => other == key && new == *value,
            _ => false,
        });
        written.then_some(operation.outcome)
    })
}

fn lists(history: &History) -> BTreeSet<String> {
    let mut kinds: BTreeMap<String, (bool, bool)> = BTreeMap::new();
    for operation in history.operations() {
        for (function, key, value) in micros(history, operation) {
            let (appended, written) = kinds.entry(key).or_default();
            *appended |= function == "append" || (function == "r" && matches!(value, Value::List(_)));
            *written |= function == "w";
        }
    }
    kinds.into_iter().filter(|(_, (appended, written))| *appended && !written).map(|(key, _)| key).collect()
}

fn steps(history: &History, operation: &Operation, lists: &BTreeSet<String>) -> Vec<Step> {
    let steps =
        micros(history, operation).into_iter().map(|(function, key, value)| match function.as_str() {
            "w" => Step::Write(key, value),
            "append" => Step::Append(key, value),
            _ if lists.contains(&key) => {
                let values = match &value {
                    Value::Null => Vec::new(),
                    Value::List(values) => values.to_vec(),
                    other => vec![other.clone()],
                };
                Step::ReadList(key, values)
            }
            _ => Step::Read(key, value),
        });
    let definite = operation.is_ok();
    steps.filter(|step| definite || !matches!(step, Step::Read(..) | Step::ReadList(..))).collect()
}

/// Function, key and value of everything that an operation did or was to do.
fn micros(history: &History, operation: &Operation) -> Vec<(String, String, Value)> {
    let told = if operation.is_ok() { operation.reply() } else { operation.call() };
    let function = match operation.function {
        Function::Read => "r",
        Function::Write => "w",
        Function::Append => "append",
        Function::Txn => {
            let items = told.micros().into_iter().flatten().flatten();
            return items
                .map(|m| (m.function.to_owned(), key_text(&m.key).into_owned(), m.value.into_owned()))
                .collect();
        }
        _ => return Vec::new(),
    };
    let Some(key) = operation.key else { return Vec::new() };
    let value = if function == "r" { operation.reply() } else { operation.call() };
    vec![(function.to_owned(), history.key(key).as_str().to_owned(), value.clone())]
}
