//! Transactions in sessions, without times: each becomes an invocation and a completion.
//!
//! It never claims an order that the file does not tell. A session is a process, its transactions follow each
//! other, and every event is at time 0: intervals are closed, so that all sessions are concurrent with each other
//! and only the order within each session is left.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use rustc_hash::FxBuildHasher;

use crate::micros::{Micros, Verb};
use crate::packed::{self, Packed};
use crate::raw::{InitialReads, RawEvent, RawProcess};
use crate::read::intake::Intake;
use crate::{Diagnostic, Function, Kind, Value};

/// Gathers micro-operations into transactions.
pub(crate) struct Transactions<'s> {
    intake: Intake<'s>,
    open: IndexMap<u32, Open, FxBuildHasher>,
    /// Where among the open ones the last micro-operation went, as the next one mostly does.
    last: usize,
    closed: Ranges,
    /// Room for the micro-operations of transactions to come.
    spare: Vec<Vec<u8>>,
    /// What may be the initial value, where it was written and who read it.
    initial: InitialReads,
    /// Operations sent on.
    sent: u32,
    /// Memory of the micro-operations' room, the spare included.
    room_bytes: u64,
    /// Memory of everything that is held here, when that was last looked at.
    looked_at_bytes: u64,
}

/// How much more may be held before memory is looked at again.
const LOOK_BYTES: u64 = 64 << 10;

/// The value that a key has before its first write, where a format says so.
const INITIAL: i64 = 0;

struct Open {
    transaction: u64,
    /// What was answered, packed.
    items: Vec<u8>,
    /// Whether a read saw what may be the initial value.
    saw_initial: bool,
    line: u64,
    /// 0 where the line is enough.
    column: u64,
    kind: Kind,
}

impl Open {
    fn new(transaction: u64, items: Vec<u8>, line: u64) -> Self {
        Self { transaction, items, saw_initial: false, line, column: 0, kind: Kind::Ok }
    }

    /// Says how many bytes more are held.
    fn push(&mut self, micro: Micro, initial: &mut InitialReads) -> u64 {
        match micro {
            Micro::Write(key, INITIAL) => drop(initial.written_to.insert(key)),
            Micro::Read(_, INITIAL) => self.saw_initial = true,
            _ => {}
        }
        let (verb, key, value) = micro.item();
        let room = self.items.capacity();
        packed::push(&mut self.items, verb, key, value);
        (self.items.capacity() - room) as u64
    }
}

/// A micro-operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Micro {
    Read(i64, i64),
    Write(i64, i64),
    /// A read of what nobody wrote.
    ReadInitial(i64),
}

impl Micro {
    fn item(self) -> (Verb, i64, Option<i64>) {
        match self {
            Self::Write(key, value) => (Verb::Write, key, Some(value)),
            Self::Read(key, value) => (Verb::Read, key, Some(value)),
            Self::ReadInitial(key) => (Verb::Read, key, None),
        }
    }
}

impl<'s> Transactions<'s> {
    pub(crate) fn new(intake: Intake<'s>) -> Self {
        Self {
            intake,
            open: IndexMap::default(),
            last: 0,
            closed: Ranges::default(),
            spare: Vec::new(),
            initial: InitialReads { value: INITIAL, written_to: BTreeSet::new(), operations: Vec::new() },
            sent: 0,
            room_bytes: 0,
            looked_at_bytes: 0,
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
        if !self.goes_on(session, transaction) {
            self.close(session)?;
            self.begin(session, transaction, line)?;
        }
        if let Some((_, open)) = self.open.get_index_mut(self.last) {
            self.room_bytes += open.push(micro, &mut self.initial);
        }
        self.hold(line)
    }

    /// Whether the session has the transaction open, which is the last then.
    fn goes_on(&mut self, session: u32, transaction: u64) -> bool {
        if self.open.get_index(self.last).is_none_or(|(last, _)| *last != session) {
            let Some(place) = self.open.get_index_of(&session) else { return false };
            self.last = place;
        }
        self.open.get_index(self.last).is_some_and(|(_, open)| open.transaction == transaction)
    }

    /// Refuses what is open, and what is remembered of the rest, where it takes too much memory.
    fn hold(&mut self, line: u64) -> Result<(), Diagnostic> {
        let entries = self.open.len() + self.closed.runs.len() + self.initial.written_to.len();
        let bytes = self.room_bytes + 64 * entries as u64 + 4 * self.initial.operations.len() as u64;
        if bytes < self.looked_at_bytes + LOOK_BYTES {
            return Ok(());
        }
        self.looked_at_bytes = bytes;
        self.intake.holds(bytes).map_err(|message| self.intake.wrong(line, u64::from(line > 0), message))
    }

    pub(crate) fn begin(&mut self, session: u32, transaction: u64, line: u64) -> Result<(), Diagnostic> {
        if !self.closed.insert(transaction) {
            let message = format!("transaction {transaction} goes on here, after its session began another");
            return Err(self.intake.wrong(line, u64::from(line > 0), message));
        }
        let items = self.spare.pop().unwrap_or_default();
        self.last = self.open.insert_full(session, Open::new(transaction, items, line)).0;
        Ok(())
    }

    /// In which column of its line the session's open transaction begins, where lines hold several.
    pub(crate) fn begins_at(&mut self, session: u32, column: u64) {
        if let Some(open) = self.open.get_mut(&session) {
            open.column = column;
        }
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
        let items = self.spare.pop().unwrap_or_default();
        let mut open = Open { kind: Kind::Fail, ..Open::new(0, items, line) };
        self.room_bytes += open.push(Micro::Write(key, value), &mut self.initial);
        self.emit(session, open)
    }

    /// Sends what the client asked, without answers, and what it got.
    fn emit(&mut self, session: u32, mut open: Open) -> Result<(), Diagnostic> {
        if open.saw_initial {
            self.initial.operations.push(self.sent);
        }
        let answer = Packed::of_bytes(&open.items);
        for (kind, micros) in [(Kind::Invoke, answer.question()), (open.kind, answer)] {
            let value = Value::Txn(Micros::packed(micros).into());
            let mut event = RawEvent::new(RawProcess::Number(session), kind, Function::Txn, value);
            let (line, column) = (open.line, open.column.max(u64::from(open.line > 0)));
            let told = self.intake.event(&mut event, line, open.column);
            told.map_err(|message| self.intake.wrong(line, column, message))?;
        }
        self.sent += 1;
        open.items.clear();
        self.spare.push(open.items);
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
        self.intake.initial(&self.initial);
        self.intake.end()
    }
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
