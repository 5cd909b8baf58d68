//! The reads of a witness on a list or a string contradict each other, or its operations admit no order.
//!
//! It reads each text from the left, piece by piece, and gives up where more than one piece fits. A witness that has
//! the writer of all that it read can be judged alone; an append whose predecessor is outside counts as a plain write.

use std::collections::{BTreeMap, BTreeSet};

use finding::Anomaly;
use histories::{Function, History, KeyId, Operation, OperationId, Outcome, Value};

use crate::action::Action;
use crate::register::{decided, timed};

use super::Unconfirmed;

/// Whether a key holds a list or a string that is appended to, or is read as a whole.
pub(super) fn is_sequence(history: &History, key: Option<KeyId>) -> bool {
    let is_of_one = |op: &&Operation| matches!(op.function, Function::Append | Function::ReadAll);
    let is_of_another =
        |op: &Operation| !matches!(op.function, Function::Read | Function::Write | Function::Dump);
    let on_key = || history.operations().iter().filter(|op| op.key == key);
    on_key().any(|op| is_of_one(&op)) && !on_key().any(|op| is_of_another(op) && !is_of_one(&op))
}

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let inside: BTreeSet<OperationId> = anomaly.witness.operations.iter().copied().collect();
    if let Some(&id) = inside.iter().find(|id| history.operation(**id).key != anomaly.key) {
        return Err(format!("operation {} is on another key", id.0).into());
    }
    let pieces = Pieces::of(history, anomaly.key);
    let mut places = Places::default();
    let mut seen = BTreeMap::new();
    let reads = inside.iter().filter(|id| is_read(history.operation(**id)));
    for &read in reads {
        let Some(made_by) = pieces.made_by(&items(history.operation(read).reply()))? else { return Ok(()) };
        if !places.fit(history, &made_by) {
            return Ok(());
        }
        seen.insert(read, made_by.last().copied());
    }
    let mut operations = Vec::new();
    for &id in &inside {
        let op = history.operation(id);
        let action = match (&op.function, op.outcome) {
            (_, Outcome::Fail) => continue,
            (Function::Write, _) => Action::Put(value(Some(id))),
            (Function::Append, _) => match places.before.get(&id) {
                Some(&before) if before.is_none_or(|before| inside.contains(&before)) => {
                    Action::Swap { from: value(before), to: value(Some(id)) }
                }
                _ => Action::Put(value(Some(id))),
            },
            (_, Outcome::Info) => continue,
            // A read whose writer is outside shows where appends stand, and no more.
            (_, Outcome::Ok) => match seen.get(&id).copied().flatten() {
                Some(last) if !inside.contains(&last) => continue,
                last => Action::Show(value(last)),
            },
        };
        operations.push(timed(op, action));
    }
    decided(operations)
}

fn is_read(op: &Operation) -> bool {
    op.function.is_read() && op.is_ok()
}

/// What is there after an operation, by the operation: each is done once.
fn value(last: Option<OperationId>) -> Value {
    last.map_or(Value::Null, |id| Value::Int(id.0.into()))
}

/// A list's elements, or a string's characters.
fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => Vec::new(),
        Value::List(items) => items.to_vec(),
        Value::Text(text) => text.chars().map(|char| Value::Int(i64::from(u32::from(char)))).collect(),
        other => vec![other.clone()],
    }
}

/// What is written or appended to a list or a string, each with who does it.
pub struct Pieces {
    by_items: BTreeMap<Vec<Value>, Vec<(OperationId, bool)>>,
    lengths: BTreeSet<usize>,
    /// Whether nothing is written: then it is not known when there is nothing.
    resets: bool,
}

impl Pieces {
    pub fn of(history: &History, key: Option<KeyId>) -> Self {
        let mut pieces = Self { by_items: BTreeMap::new(), lengths: BTreeSet::new(), resets: false };
        let on_key = history.iter().filter(|(_, op)| op.key == key && op.outcome != Outcome::Fail);
        let is_text = history.operations().iter().any(|op| op.key == key && op.reply().as_text().is_some());
        for (id, op) in on_key {
            let (piece, is_append) = match op.function {
                Function::Write => (items(op.call()), false),
                Function::Append if is_text => (items(op.call()), true),
                Function::Append => (vec![op.call().clone()], true),
                _ => continue,
            };
            if piece.is_empty() {
                pieces.resets |= !is_append;
                continue;
            }
            pieces.lengths.insert(piece.len());
            pieces.by_items.entry(piece).or_default().push((id, is_append));
        }
        pieces
    }

    /// The operations that made what a read was answered; `None` where none can have, or more than one may have.
    pub fn of_reply(&self, reply: &Value) -> Option<Vec<OperationId>> {
        self.made_by(&items(reply)).ok().flatten()
    }

    /// The operations that made a text, in order; `None` where none can have. Errs where more than one may have.
    fn made_by(&self, whole: &[Value]) -> Result<Option<Vec<OperationId>>, String> {
        let (mut made_by, mut at) = (Vec::new(), 0);
        let mut is_from_nothing = true;
        while at < whole.len() {
            let rest = &whole[at..];
            let fitting: Vec<(usize, OperationId, bool)> = self
                .lengths
                .iter()
                .filter_map(|&length| Some((length, self.by_items.get(rest.get(..length)?)?)))
                .flat_map(|(length, by)| by.iter().map(move |&(id, is_append)| (length, id, is_append)))
                .filter(|&(_, _, is_append)| is_append || at == 0)
                .collect();
            match fitting.as_slice() {
                [] => return Ok(None),
                &[(length, id, is_append)] => {
                    is_from_nothing &= is_append;
                    made_by.push(id);
                    at += length;
                }
                _ => return Err("what a read saw can have been made in more than one way".into()),
            }
        }
        if is_from_nothing && self.resets {
            return Err("nothing was written, so that it is not known when what was read began".into());
        }
        Ok(Some(made_by))
    }
}

/// Where operations stand, by what reads saw.
#[derive(Default)]
struct Places {
    before: BTreeMap<OperationId, Option<OperationId>>,
    after: BTreeMap<Option<OperationId>, OperationId>,
}

impl Places {
    /// Adds what one read saw. Whether each operation still stands in one place, with one append right after it.
    fn fit(&mut self, history: &History, made_by: &[OperationId]) -> bool {
        let mut before = None;
        let mut here = BTreeSet::new();
        made_by.iter().all(|&id| {
            let is_append = history.operation(id).function == Function::Append;
            let fits = here.insert(id)
                && *self.before.entry(id).or_insert(before) == before
                && (!is_append || *self.after.entry(before).or_insert(id) == id);
            before = Some(id);
            fits
        })
    }
}
