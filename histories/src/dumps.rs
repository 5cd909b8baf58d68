//! What the dumps of all nodes show together: what each holds of a key, and whether they agree.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Function, Header, History, Node, Value};

/// What the dumps of a round show of a key, of which each holds a value or none. Where a key is kept on some nodes only
/// (the header's `copies`) and enough of them hold it, the others show nothing; else it is absent where it is not held.
pub fn shown<'v>(header: &Header, held: &[Option<&'v Value>]) -> Vec<Option<&'v Value>> {
    static ABSENT: Value = Value::Null;
    let holders = held.iter().flatten().count();
    let elsewhere = header.copies.is_some_and(|copies| holders >= usize::from(copies));
    held.iter().map(|value| if elsewhere { *value } else { Some(value.unwrap_or(&ABSENT)) }).collect()
}

/// Whether dumps show the same of every key, but for the order of elements.
pub fn agree(header: &Header, states: &[&BTreeMap<String, Value>]) -> bool {
    let unordered = |value: &Value| match value {
        Value::List(items) => {
            let mut items = items.to_vec();
            items.sort_unstable();
            Value::list(items)
        }
        other => other.clone(),
    };
    let names: BTreeSet<&String> = states.iter().flat_map(|state| state.keys()).collect();
    names.into_iter().all(|name| {
        let held: Vec<Option<&Value>> = states.iter().map(|state| state.get(name)).collect();
        let mut values = shown(header, &held).into_iter().flatten().map(unordered);
        let first = values.next();
        values.all(|other| Some(other) == first)
    })
}

/// Whether the last dumps of a history's nodes differ in some key.
pub(crate) fn last_ones_differ(history: &History) -> bool {
    let mut last: BTreeMap<Node, &BTreeMap<String, Value>> = BTreeMap::new();
    for op in history.operations().iter().filter(|op| op.function == Function::Dump && op.is_ok()) {
        if let (Some(node), Some(state)) = (op.node, op.reply().as_map()) {
            last.insert(node, state);
        }
    }
    !agree(&history.header, &last.into_values().collect::<Vec<_>>())
}
