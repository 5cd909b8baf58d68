//! Two insertions of one key, each of which found no row of it, both succeeded.

use finding::Anomaly;
use histories::{History, OperationId};

use crate::Unconfirmed;

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    match anomaly.witness.operations[..] {
        [one, other] if one != other => {
            let (one, other) = (inserted(history, one), inserted(history, other));
            if one.is_some() && one == other {
                return Ok(());
            }
        }
        _ => {}
    }
    Err("the witness is no two insertions of one key that succeeded".into())
}

/// The key of an insertion that succeeded: `insert [key [first second]]`, or `[first second]` of a key, one of them null.
fn inserted(history: &History, id: OperationId) -> Option<String> {
    let op = history.operation(id);
    let (key, rows) = match op.key {
        Some(key) => (history.key(key).as_str().to_owned(), op.call()),
        None => op.call().as_pair().map(|(key, rows)| (key.to_string(), rows))?,
    };
    let (first, second) = rows.as_pair()?;
    let is_insert = op.is_ok() && op.function.name() == "insert";
    (is_insert && first.is_null() != second.is_null()).then_some(key)
}
