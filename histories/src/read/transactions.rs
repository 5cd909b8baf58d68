//! Transactions in sessions, without times: each becomes an invocation and a completion.
//!
//! It never claims an order that the file does not tell. A session is a process, its transactions follow each
//! other, and every event is at time 0: intervals are closed, so that all sessions are concurrent with each other
//! and only the order within each session is left.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::raw::{RawEvent, RawProcess};
use crate::read::intake::Intake;
use crate::{Diagnostic, Function, Kind, Value};

/// Gathers micro-operations into transactions.
pub(crate) struct Transactions<'s> {
    intake: Intake<'s>,
    name: String,
    open: IndexMap<u32, Open>,
    closed: Ranges,
    words: Words,
}

struct Open {
    transaction: u64,
    items: Vec<Value>,
    reads: bool,
    line: u64,
    kind: Kind,
}

/// The names of micro-operations, shared by all.
struct Words {
    read: Value,
    write: Value,
}

/// A micro-operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Micro {
    Read(i64, i64),
    Write(i64, i64),
    /// A read of what nobody wrote.
    ReadInitial(i64),
}

impl<'s> Transactions<'s> {
    pub(crate) fn new(intake: Intake<'s>, name: &str) -> Self {
        let words = Words { read: Value::text("r"), write: Value::text("w") };
        Self { intake, name: name.to_owned(), open: IndexMap::new(), closed: Ranges::default(), words }
    }

    /// The next micro-operation of a session. A session's transaction ends where its next one begins.
    pub(crate) fn operation(
        &mut self,
        session: u32,
        transaction: u64,
        micro: Micro,
        line: u64,
    ) -> Result<(), Diagnostic> {
        if self.open.get(&session).is_some_and(|open| open.transaction != transaction) {
            self.close(session)?;
        }
        if !self.open.contains_key(&session) {
            self.begin(session, transaction, line)?;
        }
        let item = match micro {
            Micro::Read(key, value) => [self.words.read.clone(), key.into(), value.into()],
            Micro::ReadInitial(key) => [self.words.read.clone(), key.into(), Value::Null],
            Micro::Write(key, value) => [self.words.write.clone(), key.into(), value.into()],
        };
        if let Some(open) = self.open.get_mut(&session) {
            open.reads |= !matches!(micro, Micro::Write(..));
            open.items.push(Value::list(item));
        }
        Ok(())
    }

    pub(crate) fn begin(&mut self, session: u32, transaction: u64, line: u64) -> Result<(), Diagnostic> {
        if !self.closed.insert(transaction) {
            let message = format!("transaction {transaction} goes on here, after its session began another");
            return Err(Diagnostic::at(&self.name, line, 0, message));
        }
        let open = Open { transaction, items: Vec::new(), reads: false, line, kind: Kind::Ok };
        self.open.insert(session, open);
        Ok(())
    }

    /// How the session's open transaction ends, `Kind::Ok` unless this says otherwise.
    pub(crate) fn ends_as(&mut self, session: u32, kind: Kind) {
        if let Some(open) = self.open.get_mut(&session) {
            open.kind = kind;
        }
    }

    pub(crate) fn close(&mut self, session: u32) -> Result<(), Diagnostic> {
        let Some(open) = self.open.swap_remove(&session) else { return Ok(()) };
        self.emit(session, open)
    }

    /// A transaction of one write that was rolled back.
    pub(crate) fn aborted(
        &mut self,
        session: u32,
        key: i64,
        value: i64,
        line: u64,
    ) -> Result<(), Diagnostic> {
        let item = Value::list([self.words.write.clone(), key.into(), value.into()]);
        let open = Open { transaction: 0, items: vec![item], reads: false, line, kind: Kind::Fail };
        self.emit(session, open)
    }

    fn emit(&mut self, session: u32, open: Open) -> Result<(), Diagnostic> {
        let reply = Value::list(open.items);
        let call = if open.reads { asked(&reply) } else { reply.clone() };
        for (kind, value) in [(Kind::Invoke, call), (open.kind, reply)] {
            let mut event = RawEvent::new(RawProcess::Number(session), kind, Function::Txn, value);
            self.intake.event_on(&mut event, open.line, &self.name)?;
        }
        Ok(())
    }

    pub(crate) fn cut_off_at(&mut self, at: Diagnostic) {
        self.intake.cut_off_at(at);
    }

    /// Ends what is open, in the order in which the sessions began it. Where the file broke off in the midst of a
    /// session's transaction, that one is indefinite.
    pub(crate) fn finish(mut self, broken: Option<u32>) -> Result<(), Diagnostic> {
        for (session, mut open) in std::mem::take(&mut self.open) {
            if broken == Some(session) {
                open.kind = Kind::Info;
            }
            self.emit(session, open)?;
        }
        self.intake.initial(0);
        Ok(())
    }
}

/// What the client knew when it asked: no answers yet.
fn asked(reply: &Value) -> Value {
    let items = reply.as_list().unwrap_or_default();
    Value::list(items.iter().map(|item| match item.as_list() {
        Some([f, key, _]) if f.as_text() == Some("r") => Value::list([f.clone(), key.clone(), Value::Null]),
        _ => item.clone(),
    }))
}

/// A set of numbers that mostly come in runs.
#[derive(Default)]
struct Ranges {
    /// From the first number of each run to the last.
    runs: BTreeMap<u64, u64>,
}

impl Ranges {
    /// Adds a number; false where it was there.
    fn insert(&mut self, number: u64) -> bool {
        let before = self.runs.range(..=number).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| number <= last) {
            return false;
        }
        let joins = before.filter(|(_, last)| last.checked_add(1) == Some(number)).map(|(first, _)| first);
        let after = number.checked_add(1).and_then(|next| self.runs.remove(&next));
        self.runs.insert(joins.unwrap_or(number), after.unwrap_or(number));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_sets() {
        let mut ranges = Ranges::default();
        for number in [5, 7, 6, 0, u64::MAX, 8, u64::MAX - 1] {
            assert!(ranges.insert(number));
            assert!(!ranges.insert(number));
        }
        assert_eq!(ranges.runs, BTreeMap::from([(0, 0), (5, 8), (u64::MAX - 1, u64::MAX)]));
    }
}
