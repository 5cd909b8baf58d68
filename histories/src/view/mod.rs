//! A history seen through a window, or in other words: what a checker is given when it shall look at less, or when the
//! operations do not say what they are.
//!
//! It never makes a history harder to explain than the whole is: what is left out only asked more of it.

mod excerpt;
pub mod hints;
pub(crate) mod initial;
pub(crate) mod kinds;
mod narrow;
mod object;
#[cfg(test)]
mod tests;
pub(crate) mod whole;

pub use excerpt::Excerpts;
pub use kinds::settled;
pub use object::Object;

use self::whole::Whole;
use crate::{Accounts, Conflict, Function, History, Nanos, Value};

/// What to look at, and what to take it for. By default everything, as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// What keys hold: functions get the names that this object has for them.
    pub object: Option<Object>,
    /// What becomes of concurrent writes, where the header does not tell or tells something else.
    pub conflict: Option<Conflict>,
    /// What is known of a bank's accounts, beside what the header tells.
    pub bank: Accounts,
    /// What every key holds before the first write. From here on null stands for it.
    pub initial: Option<Value>,
    /// The only key that is looked at.
    pub key: Option<String>,
    /// Reads that ended before are left out. What changes state stays, because later reads rest on it, and so do dumps.
    pub from: Option<Nanos>,
    /// The history ends here: reads that were invoked later are left out. What was still open has no completion, and what
    /// was to change state later may happen or not.
    pub to: Option<Nanos>,
}

/// Why a history cannot be seen that way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViewError {
    #[error("the operation {function}{place} is none of a {object}'s: {}", object.functions().join(", "))]
    NotOfObject { object: Object, function: Function, place: String },
    #[error("an initial value is for registers and counters; the operation {function}{place} is of neither")]
    NoInitial { function: Function, place: String },
    #[error("a counter begins with a number, not with {0}")]
    CounterBegins(Value),
    #[error("no operation is on a key called {key:?}; the keys are {known}")]
    NoSuchKey { key: String, known: String },
    #[error(
        "the operations are on no key; where values are [key value] tuples of Jepsen's, --independent says so"
    )]
    NoKeys,
    #[error("the history has no times; only the order within each session is known")]
    NoTimes,
    #[error("the window ends at {to}, before it begins at {from}")]
    EmptyWindow { from: Nanos, to: Nanos },
}

impl View {
    /// The history as this view shows it.
    pub fn of(&self, mut history: History) -> Result<History, ViewError> {
        history.header.conflict = self.conflict.or(history.header.conflict);
        if self.bank != Accounts::default() {
            history.header.bank = Some(history.header.bank.unwrap_or_default().and(&self.bank));
        }
        if let Some(object) = self.object {
            object::rename(&mut history, object)?;
            history.told.object = Some(object);
        }
        if let Some(initial) = &self.initial {
            initial::begin_with(&mut history, initial)?;
        }
        kinds::settle(&mut history);
        let has_window = self.from.is_some() || self.to.is_some();
        if has_window && !history.has_real_time() {
            return Err(ViewError::NoTimes);
        }
        if self.key.is_some() || has_window {
            Whole::note(&mut history);
        }
        if let Some(key) = &self.key {
            narrow::to_key(&mut history, key)?;
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && to < from
        {
            return Err(ViewError::EmptyWindow { from, to });
        }
        if let Some(to) = self.to {
            narrow::end_at(&mut history, to);
        }
        if let Some(from) = self.from {
            narrow::read_from(&mut history, from);
        }
        Ok(history)
    }
}

/// ` on line 7`, where the history was in a file.
fn place(history: &History, event: u32) -> String {
    history.line(event).map_or_else(String::new, |line| format!(" on line {line}"))
}

/// The micro-operations of a transaction, each with another value where `change` gives one.
fn map_items(items: &Value, change: impl Fn(&str, &Value, &Value) -> Option<Value>) -> Value {
    let Some(list) = items.as_list() else { return items.clone() };
    Value::list(list.iter().map(|item| match item.as_list() {
        Some([Value::Text(name), key, value]) => match change(name, key, value) {
            Some(value) => Value::list([Value::word(name), key.clone(), value]),
            None => item.clone(),
        },
        _ => item.clone(),
    }))
    .compact()
}
