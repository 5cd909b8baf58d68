//! Values that more than one operation wrote, so that a read of one does not tell which write it read.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Function, History, Operation, Outcome, Value};

use super::names::key_text;

/// By key, the repeated values that some transaction reads.
#[derive(Debug)]
pub(super) struct Repeated(BTreeMap<String, BTreeSet<Value>>);

/// The operations that wrote a value.
#[derive(Default)]
struct Writers {
    count: usize,
    /// Whether one of them may have committed: what others alone wrote is no part of what a key holds.
    is_part: bool,
}

impl Repeated {
    /// `shown`: the values that are read, each with its key; `dirty`: whether a read may show what did not commit.
    pub(super) fn of<'s>(
        shown: impl Iterator<Item = (&'s str, &'s Value)>,
        history: &History,
        dirty: bool,
    ) -> Self {
        let mut writers: BTreeMap<String, BTreeMap<Value, Writers>> = BTreeMap::new();
        for (key, value) in shown {
            writers.entry(key.to_owned()).or_default().insert(value.clone(), Writers::default());
        }
        let may_be_read = |operation: &&Operation| dirty || operation.outcome != Outcome::Fail;
        for operation in history.operations().iter().filter(may_be_read) {
            // An operation that writes a value twice is one writer.
            let mut counted = BTreeSet::new();
            let mut count = |key: &str, value: &Value| {
                let Some(of_value) = writers.get_mut(key).and_then(|values| values.get_mut(value)) else {
                    return;
                };
                if counted.insert((key.to_owned(), value.clone())) {
                    of_value.count += 1;
                    of_value.is_part |= operation.is_ok() || !dirty;
                }
            };
            match (&operation.function, operation.key) {
                (Function::Txn, _) => {
                    let told = if operation.is_ok() { operation.reply() } else { operation.call() };
                    for micro in told.micros().into_iter().flatten().flatten().filter(|m| m.function != "r") {
                        count(&key_text(&micro.key), &micro.value);
                    }
                }
                (Function::Write | Function::Append, Some(key)) => {
                    count(history.key(key).as_str(), operation.call());
                }
                _ => {}
            }
        }
        let several = |values: BTreeMap<Value, Writers>| {
            let repeated = values.into_iter().filter(|(_, writers)| writers.is_part && writers.count > 1);
            repeated.map(|(value, _)| value).collect()
        };
        Self(writers.into_iter().map(|(key, values)| (key, several(values))).collect())
    }

    pub(super) fn holds(&self, key: &str, value: &Value) -> bool {
        self.0.get(key).is_some_and(|values| values.contains(value))
    }
}
