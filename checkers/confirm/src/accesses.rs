//! What an operation read and wrote of registers, one access after another, whichever function it was.

use histories::{Function, History, Operation, Outcome, Value};

/// One access of an operation to a register. A read whose answer the client never learned is none.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) what: What,
    /// The register's name, empty for the one register of a history without keys.
    pub(crate) key: String,
    /// What was seen or written.
    pub(crate) value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Read,
    Write,
    /// An access to another data type.
    Other,
}

/// Everything that an operation did, or would do if it happened. An operation whose value is malformed has no more
/// accesses than those before the fault.
pub(crate) fn accesses(history: &History, op: &Operation) -> Vec<Access> {
    let own = |what, value: &Value| {
        let key = op.key.map(|key| history.key(key).to_string()).unwrap_or_default();
        Access { what, key, value: value.clone() }
    };
    match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => vec![own(What::Read, op.reply())],
        (Function::Write, Outcome::Ok | Outcome::Info) => vec![own(What::Write, op.call())],
        (Function::Cas, Outcome::Ok | Outcome::Info) => match op.call().as_pair() {
            Some((from, to)) => vec![own(What::Read, from), own(What::Write, to)],
            None => Vec::new(),
        },
        (Function::Cas, Outcome::Fail) if op.seen().is_some() => vec![own(What::Read, op.reply())],
        (Function::Txn, Outcome::Ok) => transaction(op.reply()),
        (Function::Txn, Outcome::Info) => {
            let all = transaction(op.call()).into_iter();
            all.filter(|access| access.what != What::Read).collect()
        }
        _ => Vec::new(),
    }
}

fn transaction(micros: &Value) -> Vec<Access> {
    let micros = micros.micros().into_iter().flatten().map_while(Result::ok);
    micros
        .map(|micro| Access {
            what: match micro.function {
                "r" => What::Read,
                "w" => What::Write,
                _ => What::Other,
            },
            key: match &*micro.key {
                Value::Text(text) => text.to_string(),
                other => other.to_string(),
            },
            value: micro.value.into_owned(),
        })
        .collect()
}
