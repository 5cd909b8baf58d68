//! Two dumps differ, or one was not answered.
//!
//! It never looks for the best explanation: what counts is that no later round of dumps was completed, and that the
//! replicas had their time.

use std::collections::BTreeSet;

use finding::Anomaly;
use histories::{AnomalyKind, Function, History, Nanos, Node, Operation, Value};

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), String> {
    let dumps: Vec<&Operation> = anomaly.witness.operations.iter().map(|&id| history.operation(id)).collect();
    if dumps.iter().any(|dump| dump.function != Function::Dump) {
        return Err("the witness names something else than dumps".into());
    }
    let Some(last) = dumps.iter().max_by_key(|dump| dump.call_event) else {
        return Err("the witness names no dump".into());
    };
    if dumps.iter().any(|dump| !dump.has_completion()) {
        return Err("a dump of the witness was still open at the end".into());
    }
    if dumps.iter().any(|dump| superseded(history, dump)) {
        return Err("every node was dumped again".into());
    }
    if !had_their_time(history, last) {
        return Err("the history ends while replicas were still being asked".into());
    }
    match anomaly.kind {
        AnomalyKind::MissingReplica
            if dumps.iter().any(|dump| dump.is_ok() && dump.reply().as_map().is_some()) =>
        {
            Err("the replica answered".into())
        }
        AnomalyKind::MissingReplica if answered_later(history, last) => {
            Err("the replica answered later".into())
        }
        AnomalyKind::MissingReplica => Ok(()),
        _ => {
            let key = anomaly.key.map(|key| history.key(key).as_str());
            let value = |dump: &&Operation| {
                let map = dump.reply().as_map()?;
                Some(sorted(key.and_then(|key| map.get(key)), is_set(history, anomaly)))
            };
            if dumps.iter().any(|dump| says_nothing(history, dump, key)) {
                return Err("a dump that lacks the key says nothing: it is kept elsewhere".into());
            }
            match (dumps.first().and_then(value), dumps.get(1).and_then(value)) {
                (Some(first), Some(second)) if first != second => Ok(()),
                // A key that no client ever touched has no id: then the states as a whole differ.
                (Some(_), Some(_)) if key.is_none() && dumps[0].reply() != dumps[1].reply() => Ok(()),
                _ => Err("the dumps hold the same".into()),
            }
        }
    }
}

/// The key is not here, and in the same round on as many other nodes as it is kept on.
fn says_nothing(history: &History, dump: &Operation, key: Option<&str>) -> bool {
    let holds =
        |op: &Operation| op.reply().as_map().is_some_and(|map| key.is_some_and(|key| map.contains_key(key)));
    let rounds = rounds(history);
    let own = rounds.iter().find(|round| is_in(round, dump));
    let holders = own.map_or(0, |round| round.iter().filter(|op| op.is_ok() && holds(op)).count());
    !holds(dump) && history.header.copies.is_some_and(|copies| holders >= usize::from(copies))
}

fn dumps(history: &History) -> impl Iterator<Item = &Operation> {
    history.operations().iter().filter(|op| op.function == Function::Dump)
}

/// The dumps since all was quiet. A round ends before the first node that is asked again.
fn rounds(history: &History) -> Vec<Vec<&Operation>> {
    let since = quiet(history);
    let mut rounds: Vec<Vec<&Operation>> = Vec::new();
    for op in dumps(history).filter(|op| op.invoked >= since) {
        match rounds.last_mut().filter(|round| round.iter().all(|other| other.node != op.node)) {
            Some(round) => round.push(op),
            None => rounds.push(vec![op]),
        }
    }
    rounds
}

fn is_in(round: &[&Operation], dump: &Operation) -> bool {
    round.iter().any(|op| op.call_event == dump.call_event)
}

/// Whether a later round of dumps has one of every node, and each came to an end.
fn superseded(history: &History, dump: &Operation) -> bool {
    let nodes: BTreeSet<Option<Node>> = dumps(history).map(|op| op.node).collect();
    let rounds = rounds(history);
    let mut later = rounds.iter().skip_while(|round| !is_in(round, dump)).skip(1);
    later.any(|round| round.len() == nodes.len() && round.iter().all(|op| op.has_completion()))
}

fn answered_later(history: &History, last: &Operation) -> bool {
    dumps(history).any(|op| op.node == last.node && op.is_ok() && op.call_event > last.call_event)
}

/// When the last update ended, and the nemesis did its last.
fn quiet(history: &History) -> Nanos {
    let nemesis = history.nemesis().iter().map(|event| event.time);
    nemesis.chain(history.last_update()).max().unwrap_or_default()
}

/// Reads came after the dumps, or dumps went on for five seconds.
fn had_their_time(history: &History, last: &Operation) -> bool {
    let since = quiet(history);
    let asked = dumps(history).map(|op| op.invoked).find(|&time| time >= since).unwrap_or(last.invoked);
    let ended = dumps(history).filter(|op| op.has_completion()).map(|op| op.completed).max();
    let read_later =
        history.operations().iter().any(|op| op.function.is_read() && op.call_event > last.reply_event);
    read_later || ended.unwrap_or_default().since(asked) >= Nanos::from_secs(5)
}

fn is_set(history: &History, anomaly: &Anomaly) -> bool {
    let changes = |op: &Operation| matches!(op.function, Function::Add | Function::Remove);
    history.operations().iter().any(|op| op.key == anomaly.key && changes(op))
}

fn sorted(value: Option<&Value>, is_set: bool) -> Vec<Value> {
    match value {
        Some(Value::List(items)) if is_set => {
            let mut items = items.to_vec();
            items.sort();
            items
        }
        Some(value) => vec![value.clone()],
        None => vec![Value::Null],
    }
}
