//! Transactions in sessions, without times: each becomes an invocation and a completion.
//!
//! It never claims an order that the file does not tell. A session is a process, its transactions follow each
//! other, and every event is at time 0: intervals are closed, so that all sessions are concurrent with each other
//! and only the order within each session is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::raw::{InitialReads, RawEvent, RawProcess};
use crate::read::intake::Intake;
use crate::{Diagnostic, Function, Kind, Value};

/// Gathers micro-operations into transactions.
pub(crate) struct Transactions<'s> {
    intake: Intake<'s>,
    name: String,
    open: IndexMap<u32, Open, FxBuildHasher>,
    closed: Ranges,
    reads: FxHashMap<i64, Read>,
    /// Room for the micro-operations of transactions to come.
    spare: Vec<Vec<Micro>>,
    /// What may be the initial value, where it was written and who read it.
    initial: InitialReads,
    /// Operations sent on.
    sent: u32,
}

/// The value that a key has before its first write, where a format says so.
const INITIAL: i64 = 0;

/// A read of a key: before it has its answer, and with the last one that it got, which the next mostly gets, too.
struct Read {
    asked: Value,
    seen: i64,
    answered: Value,
}

struct Open {
    transaction: u64,
    items: Vec<Micro>,
    line: u64,
    kind: Kind,
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
        Self {
            intake,
            name: name.to_owned(),
            open: IndexMap::default(),
            closed: Ranges::default(),
            reads: FxHashMap::default(),
            spare: Vec::new(),
            initial: InitialReads { value: INITIAL, written_to: BTreeSet::new(), operations: Vec::new() },
            sent: 0,
        }
    }

    /// The next micro-operation of a session. A session's transaction ends where its next one begins.
    pub(crate) fn operation(
        &mut self,
        session: u32,
        transaction: u64,
        micro: Micro,
        line: u64,
    ) -> Result<(), Diagnostic> {
        if let Some(open) = self.open.get_mut(&session) {
            if open.transaction == transaction {
                open.items.push(micro);
                return Ok(());
            }
            self.close(session)?;
        }
        self.begin(session, transaction, line)?;
        if let Some(open) = self.open.get_mut(&session) {
            open.items.push(micro);
        }
        Ok(())
    }

    pub(crate) fn begin(&mut self, session: u32, transaction: u64, line: u64) -> Result<(), Diagnostic> {
        if !self.closed.insert(transaction) {
            let message = format!("transaction {transaction} goes on here, after its session began another");
            return Err(Diagnostic::at(&self.name, line, u64::from(line > 0), message));
        }
        let items = self.spare.pop().unwrap_or_default();
        self.open.insert(session, Open { transaction, items, line, kind: Kind::Ok });
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
        let items = vec![Micro::Write(key, value)];
        self.emit(session, Open { transaction: 0, items, line, kind: Kind::Fail })
    }

    fn emit(&mut self, session: u32, mut open: Open) -> Result<(), Diagnostic> {
        let (call, reply) = self.values(&open.items);
        for (kind, value) in [(Kind::Invoke, call), (open.kind, reply)] {
            let mut event = RawEvent::new(RawProcess::Number(session), kind, Function::Txn, value);
            self.intake.event_on(&mut event, open.line, &self.name)?;
        }
        self.sent += 1;
        open.items.clear();
        self.spare.push(open.items);
        Ok(())
    }

    /// What the client asked, without answers, and what it got.
    fn values(&mut self, items: &[Micro]) -> (Value, Value) {
        let mut asked = Vec::with_capacity(items.len());
        let only_writes = items.iter().all(|micro| matches!(micro, Micro::Write(..)));
        let answered = Value::list(items.iter().map(|micro| {
            let (call, reply) = self.item(*micro);
            if !only_writes {
                asked.push(call);
            }
            reply
        }));
        if only_writes { (answered.clone(), answered) } else { (Value::List(Arc::new(asked)), answered) }
    }

    fn item(&mut self, micro: Micro) -> (Value, Value) {
        let (key, seen) = match micro {
            Micro::Write(key, value) => {
                if value == INITIAL {
                    self.initial.written_to.insert(key);
                }
                let item = micro_operation("w", key, value.into());
                return (item.clone(), item);
            }
            Micro::ReadInitial(key) => {
                let read = self.reads.entry(key).or_insert_with(|| Read::of(key));
                return (read.asked.clone(), read.asked.clone());
            }
            Micro::Read(key, value) => (key, value),
        };
        if seen == INITIAL && self.initial.operations.last() != Some(&self.sent) {
            self.initial.operations.push(self.sent);
        }
        let read = self.reads.entry(key).or_insert_with(|| Read::of(key));
        if read.seen != seen || read.answered.is_null() {
            (read.seen, read.answered) = (seen, micro_operation("r", key, seen.into()));
        }
        (read.asked.clone(), read.answered.clone())
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
        self.intake.initial(&self.initial);
        Ok(())
    }
}

impl Read {
    fn of(key: i64) -> Self {
        Self { asked: micro_operation("r", key, Value::Null), seen: INITIAL, answered: Value::Null }
    }
}

fn micro_operation(name: &str, key: i64, value: Value) -> Value {
    Value::list([Value::word(name), key.into(), value])
}

/// A set of numbers that mostly come in runs.
#[derive(Default)]
struct Ranges {
    /// From the first number of each run to the last.
    runs: BTreeMap<u64, u64>,
    /// The run that was last added to, which the next number mostly continues; it is in no other run.
    current: Option<(u64, u64)>,
}

impl Ranges {
    /// Adds a number; false where it was there.
    fn insert(&mut self, number: u64) -> bool {
        if let Some((_, last)) = &mut self.current
            && last.checked_add(1) == Some(number)
            && !self.runs.contains_key(&number)
        {
            *last = number;
            return true;
        }
        if let Some((first, last)) = self.current.take() {
            self.runs.insert(first, last);
        }
        let before = self.runs.range(..=number).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, last)| number <= last) {
            return false;
        }
        let joins = before.filter(|(_, last)| last.checked_add(1) == Some(number)).map(|(first, _)| first);
        let after = number.checked_add(1).and_then(|next| self.runs.remove(&next));
        let run = (joins.unwrap_or(number), after.unwrap_or(number));
        self.runs.remove(&run.0);
        self.current = Some(run);
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
        assert!(!ranges.insert(6));
        assert_eq!(ranges.runs, BTreeMap::from([(0, 0), (5, 8), (u64::MAX - 1, u64::MAX)]));
    }
}
