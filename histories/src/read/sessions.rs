//! Whole transactions in sessions, of keys and values of any kind: each becomes an invocation and a completion.
//!
//! It claims no order but that of each session, as [`super::transactions`] does, which gathers transactions on whole
//! numbers operation by operation.

use std::collections::BTreeSet;

use crate::micros::{Micros, Row, Verb};
use crate::raw::{InitialReads, RawEvent, RawProcess};
use crate::read::intake::Intake;
use crate::{Diagnostic, Function, Kind, Value};

/// The value that a register has before its first write, where no transaction writes it.
const INITIAL: i64 = 0;

/// A transaction as its client saw it.
pub(super) struct Transaction<'a> {
    pub(super) session: RawProcess<'a>,
    pub(super) rows: Vec<Row>,
    pub(super) kind: Kind,
    /// When the database says that it committed, in whatever it counts.
    pub(super) version: Option<u64>,
}

/// Sends transactions on.
pub(super) struct Sessions<'s> {
    intake: Intake<'s>,
    initial: InitialReads,
    /// Transactions sent on.
    sent: u32,
}

impl<'s> Sessions<'s> {
    pub(super) fn new(intake: Intake<'s>) -> Self {
        let initial = InitialReads { value: INITIAL, written_to: BTreeSet::new(), operations: Vec::new() };
        Self { intake, initial, sent: 0 }
    }

    /// Adds a transaction, which begins on a line, at a column; 0 where the line is enough.
    pub(super) fn push(
        &mut self,
        transaction: Transaction<'_>,
        (line, column): (u64, u64),
    ) -> Result<(), Diagnostic> {
        self.note_initial(&transaction.rows);
        let answer = Value::Txn(Micros::new(transaction.rows).into());
        let question = if let Value::Txn(micros) = &answer { micros.question().clone() } else { Value::Null };
        for (kind, value) in [(Kind::Invoke, question), (transaction.kind, answer)] {
            let mut event = RawEvent::new(transaction.session.clone(), kind, Function::Txn, value);
            event.version = transaction.version.filter(|_| kind == Kind::Ok);
            let told = self.intake.event(&mut event, line, column);
            told.map_err(|message| self.intake.wrong(line, column.max(1), message))?;
        }
        self.sent += 1;
        let held = 4 * self.initial.operations.len() + 64 * self.initial.written_to.len();
        let room = self.intake.holds(held as u64);
        room.map_err(|message| self.intake.wrong(line, column.max(1), message))
    }

    fn note_initial(&mut self, rows: &[Row]) {
        let mut saw_it = false;
        for row in rows.iter().filter(|row| row.value.as_int() == Some(INITIAL)) {
            match (row.verb, row.key.as_int()) {
                (Verb::Write, Some(key)) => drop(self.initial.written_to.insert(key)),
                (Verb::Read, _) => saw_it = true,
                _ => {}
            }
        }
        if saw_it {
            self.initial.operations.push(self.sent);
        }
    }

    pub(super) fn cut_off_at(&mut self, at: Diagnostic) {
        self.intake.cut_off_at(at);
    }

    pub(super) fn finish(mut self) -> Result<(), Diagnostic> {
        self.intake.initial(&self.initial);
        self.intake.end()
    }
}

/// A session by its name: a small number is that client's.
pub(super) fn session(name: &Value) -> RawProcess<'static> {
    match name.as_int().and_then(|number| u32::try_from(number).ok()) {
        Some(number) => RawProcess::Number(number),
        None => RawProcess::Named(super::key_text(name.clone()).into()),
    }
}
