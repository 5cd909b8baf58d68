//! Plume's text, for reads, writes, compare-and-sets and transactions of reads and writes.
//!
//! It never writes what may not have happened as if it had. A session is a process; an operation on a register is a
//! transaction of its own. The format has no word for an indefinite outcome: such a transaction is written if a
//! successful one read what it wrote, which proves that it happened, and left out if none did, which nobody can tell
//! from never having happened. Real time is lost, because the format has none.

use std::collections::BTreeSet;
use std::io::Write;

use indexmap::IndexSet;

use super::WriteError;
use crate::read::Format;
use crate::{Function, History, Operation, Outcome, Value};

pub(crate) fn history(history: &History, out: &mut impl Write) -> Result<(), WriteError> {
    let mut transactions = Vec::with_capacity(history.operations().len());
    for operation in history.operations() {
        transactions.push(micros(history, operation)?);
    }
    let keys = Keys::of(transactions.iter().flatten());
    refuse_ambiguous_zero(&transactions)?;
    let seen: BTreeSet<(&Value, i64)> = history
        .operations()
        .iter()
        .zip(&transactions)
        .filter(|(operation, _)| operation.is_ok())
        .flat_map(|(_, micros)| micros.iter().filter(|micro| !micro.write))
        .filter_map(|micro| micro.value.map(|value| (&micro.key, value)))
        .collect();
    for ((number, operation), micros) in (0_i64..).zip(history.operations()).zip(&transactions) {
        let happened = match operation.outcome {
            Outcome::Ok => true,
            Outcome::Fail => false,
            Outcome::Info => micros.iter().any(|micro| {
                micro.write && micro.value.is_some_and(|value| seen.contains(&(&micro.key, value)))
            }),
        };
        if operation.outcome == Outcome::Info && !happened {
            continue;
        }
        for micro in micros {
            let (number, letter) = (if happened { number } else { -1 }, if micro.write { 'w' } else { 'r' });
            let known = operation.is_ok() || micro.write || operation.function == Function::Cas;
            if known && (happened || micro.write) {
                let (key, value) = (keys.number(&micro.key), micro.value.unwrap_or(0));
                writeln!(out, "{letter}({key},{value},{},{number})", operation.process)?;
            }
        }
    }
    Ok(())
}

struct Micro {
    write: bool,
    key: Value,
    /// `None` is the initial state.
    value: Option<i64>,
}

fn unsupported(what: String) -> WriteError {
    WriteError::Unsupported { format: Format::Plume, what }
}

/// What an operation did, or may have done.
fn micros(history: &History, operation: &Operation) -> Result<Vec<Micro>, WriteError> {
    let key = || match operation.key {
        Some(key) => Value::text(history.key(key).as_str()),
        None => Value::text("register"),
    };
    let micro = |write, key, value: &Value| Ok::<_, WriteError>(Micro { write, key, value: number(value)? });
    match &operation.function {
        Function::Read => Ok(vec![micro(false, key(), operation.reply())?]),
        Function::Write => Ok(vec![micro(true, key(), operation.call())?]),
        Function::Cas => {
            let Some((from, to)) = operation.call().as_pair() else {
                return Err(unsupported(format!("the compare-and-set of {}", operation.call())));
            };
            Ok(vec![micro(false, key(), from)?, micro(true, key(), to)?])
        }
        Function::Txn => {
            let value = if operation.is_ok() { operation.reply() } else { operation.call() };
            let items = value.micros().into_iter().flatten();
            items
                .map(|item| match item {
                    Ok(item) if item.function == "r" => micro(false, item.key.into_owned(), &item.value),
                    Ok(item) if item.function == "w" => micro(true, item.key.into_owned(), &item.value),
                    Ok(item) => {
                        let item = Value::list([
                            item.function.into(),
                            item.key.into_owned(),
                            item.value.into_owned(),
                        ]);
                        Err(unsupported(format!("the micro-operation {item}; it holds r and w")))
                    }
                    Err(_) => Err(unsupported(format!("the transaction {value}; it holds r and w"))),
                })
                .collect()
        }
        other => Err(unsupported(format!("the operation {other}; it holds reads, writes, cas and txn"))),
    }
}

fn number(value: &Value) -> Result<Option<i64>, WriteError> {
    match value {
        Value::Null => Ok(None),
        Value::Int(int) => Ok(Some(*int)),
        other => Err(unsupported(format!("the value {other}; its values are whole numbers"))),
    }
}

/// 0 is the initial state, unless it is written; both at once cannot be told apart.
fn refuse_ambiguous_zero(transactions: &[Vec<Micro>]) -> Result<(), WriteError> {
    let all = || transactions.iter().flatten();
    let initial: BTreeSet<_> = all().filter(|micro| micro.value.is_none()).map(|micro| &micro.key).collect();
    match all().find(|micro| micro.write && micro.value == Some(0) && initial.contains(&micro.key)) {
        Some(micro) => {
            Err(unsupported(format!("a write of 0 to key {}, of which a read saw nothing", micro.key)))
        }
        None => Ok(()),
    }
}

/// Keys as numbers: as they are, where all are numbers, otherwise in the order in which they occur.
struct Keys {
    places: Option<IndexSet<Value>>,
}

fn numeric(key: &Value) -> Option<i64> {
    key.as_int().or_else(|| key.as_text().and_then(|text| text.parse().ok()))
}

impl Keys {
    fn of<'a>(micros: impl Iterator<Item = &'a Micro>) -> Self {
        let keys: IndexSet<Value> = micros.map(|micro| micro.key.clone()).collect();
        let numbers: BTreeSet<_> = keys.iter().filter_map(numeric).collect();
        Self { places: (numbers.len() != keys.len()).then_some(keys) }
    }

    fn number(&self, key: &Value) -> i64 {
        let place = self.places.as_ref().and_then(|places| places.get_index_of(key));
        place.map_or_else(|| numeric(key).unwrap_or_default(), |place| place as i64)
    }
}
