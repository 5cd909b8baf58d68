//! Which sequential object the operations of a key belong to.
//!
//! It looks at the operations alone, never at their order.

use std::collections::BTreeSet;

use histories::{Function, History, KeyId, Operation, OperationId, Value};

/// What a key holds, by the operations that clients issue on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    Register,
    /// A string: put, append, get.
    Text,
    List,
    Set,
    Counter,
    Queue,
    Stack,
    Mutex,
    /// Registers that are read and written together.
    Transactions,
}

/// The operations of one key, or those without a key.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) key: Option<KeyId>,
    pub(crate) operations: Vec<OperationId>,
    /// Why there is none is said in words.
    pub(crate) object: Result<Object, String>,
}

/// The parts of a history that can be decided one by one: locality lets each key have an order of its own.
pub(crate) fn parts(history: &History) -> Vec<Part> {
    let mut groups: Vec<Vec<OperationId>> = vec![Vec::new(); history.keys().len() + 1];
    let keyless = groups.len() - 1;
    for (id, op) in history.iter().filter(|(_, op)| op.function != Function::Dump) {
        groups[op.key.map_or(keyless, |key| key.0 as usize)].push(id);
    }
    let transactional =
        groups[keyless].iter().any(|&id| history.operation(id).function == Function::Txn) && groups.len() > 1;
    // Where some strings are appended to, those that happen not to be are of the same kind: empty at first.
    let strings =
        history.operations().iter().any(|op| op.function == Function::Append && op.call.as_text().is_some());
    let mut parts: Vec<Part> = (0..)
        .zip(groups)
        .filter(|(_, operations)| !operations.is_empty())
        .map(|(i, operations)| Part {
            key: (i as usize != keyless).then_some(KeyId(i)),
            object: object(history, &operations, strings),
            operations,
        })
        .collect();
    if transactional && parts.len() > 1 {
        for part in &mut parts {
            part.object = Err("transactions may touch the key as well".to_owned());
        }
    }
    parts
}

fn object(history: &History, operations: &[OperationId], strings: bool) -> Result<Object, String> {
    let ops = || operations.iter().map(|&id| history.operation(id));
    let names: BTreeSet<&str> = ops().map(|op| op.function.name()).collect();
    let only = |allowed: &[&str]| names.iter().all(|name| allowed.contains(name));
    let seen = |holds: fn(&Value) -> bool| ops().any(|op| is_read(op) && op.is_ok() && holds(&op.reply));
    let is_text = |op: &Operation| {
        if is_read(op) {
            !op.is_ok() || op.reply.is_null() || op.reply.as_text().is_some()
        } else {
            op.call.as_text().is_some()
        }
    };
    if strings && only(&["read", "write"]) && ops().all(is_text) {
        Ok(Object::Text)
    } else if only(&["read", "write", "cas"]) {
        Ok(Object::Register)
    } else if only(&["append", "read", "read-all", "write"]) {
        let text = ops().all(|op| is_read(op) || op.call.as_text().is_some());
        Ok(if text && !seen(|value| value.as_list().is_some()) { Object::Text } else { Object::List })
    } else if only(&["add", "remove", "read", "read-all"]) {
        Ok(if seen(|value| value.as_int().is_some()) { Object::Counter } else { Object::Set })
    } else if only(&["increment", "decrement", "add", "read"]) {
        Ok(Object::Counter)
    } else if only(&["enqueue", "dequeue", "drain"]) {
        Ok(Object::Queue)
    } else if only(&["push", "pop"]) {
        Ok(Object::Stack)
    } else if only(&["acquire", "release"]) {
        Ok(Object::Mutex)
    } else if only(&["txn"]) {
        Ok(Object::Transactions)
    } else {
        let list = names.into_iter().collect::<Vec<_>>().join(", ");
        Err(format!("no sequential object has the operations {list}"))
    }
}

pub(crate) fn is_read(op: &Operation) -> bool {
    matches!(op.function, Function::Read | Function::ReadAll)
}
