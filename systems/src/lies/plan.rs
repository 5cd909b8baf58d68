//! What is done with an operation before anything is sent: the lies about what happened.

use histories::{Function, Hints, Op};

use super::LieKind;
use super::liar::Liar;
use super::memory::lock;
use super::transactions::{Access, accesses, reads_its_own, transaction};
use crate::{Completion, Reply};

/// What is done with an operation.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// It is sent; the answer may become a lie.
    Pass,
    /// Nothing is sent.
    Answer(Completion),
    /// Nothing is sent before the client's next operation, but it is acknowledged.
    Defer(Completion),
    /// The accesses that this picks are sent, and the whole is answered for; `later` is sent before the client's next
    /// operation.
    Part { sent: Vec<Access>, later: Vec<Access> },
    /// It is sent, and where it succeeds it is reported as failed.
    Deny,
    /// It is sent, and where it succeeds sent again before the client's next operation.
    Repeat(Op),
}

impl Liar {
    /// What is done with an operation before it is sent.
    pub(super) fn plan(&mut self, client: u32, op: &Op) -> Plan {
        let state = self.clients.entry(client).or_default();
        if op.function == Function::Release && state.granted.remove(&lock(op.key.as_ref())) {
            // The client that holds it in truth goes on holding it.
            return Plan::Answer(acknowledged(op));
        }
        let Some(lie) = self.lie.filter(|lie| lie.kind.functions().contains(&op.function)) else {
            return Plan::Pass;
        };
        if op.function == Function::Txn && op.only_looks() && !lie.kind.is_of_answers() {
            return Plan::Pass;
        }
        if !self.tempted(lie.rate) {
            return Plan::Pass;
        }
        let plan = match lie.kind {
            LieKind::LostWrite => lost(op),
            LieKind::EarlyAck => is_blind(op).then(|| Plan::Defer(acknowledged(op))),
            LieKind::GhostWrite => Some(Plan::Deny),
            LieKind::DoubleApply => Some(Plan::Repeat(without_reads(op))),
            LieKind::TornTransaction => torn(op),
            LieKind::UncommittedRead => self.refused(op),
            LieKind::LockTwice => self.granted_twice(client, op),
            LieKind::StaleRead
            | LieKind::SwappedValue
            | LieKind::DroppedElement
            | LieKind::OffByOne
            | LieKind::RepeatedId => None,
        };
        if matches!(plan, Some(Plan::Answer(_) | Plan::Defer(_))) && lie.kind != LieKind::UncommittedRead {
            self.observer.told();
        }
        plan.unwrap_or(Plan::Pass)
    }

    fn refused(&mut self, op: &Op) -> Option<Plan> {
        let written = accesses(op).into_iter().find(|access| !access.is_read())?;
        self.memory.refuse(written);
        let error = "it was refused before it began".to_owned();
        Some(Plan::Answer(Completion::Fail { error, seen: None, hints: Hints::NONE }))
    }

    fn granted_twice(&mut self, client: u32, op: &Op) -> Option<Plan> {
        let value = self.memory.held_by_another(client, op)?;
        self.clients.entry(client).or_default().granted.insert(lock(op.key.as_ref()));
        Some(Plan::Answer(Completion::Ok(Reply { value, hints: Hints::NONE })))
    }
}

/// As if it had been carried out.
fn acknowledged(op: &Op) -> Completion {
    Completion::Ok(Reply { value: op.value.clone(), hints: Hints::NONE })
}

/// Whether it needs no answer of the system's: a transaction only where it reads nothing.
fn is_blind(op: &Op) -> bool {
    op.function != Function::Txn || accesses(op).iter().all(|access| !access.is_read())
}

/// Only the reads of a transaction are sent; of anything else nothing.
fn lost(op: &Op) -> Option<Plan> {
    if is_blind(op) {
        return Some(Plan::Answer(acknowledged(op)));
    }
    let micros = accesses(op);
    if reads_its_own(&micros) {
        return None;
    }
    let sent: Vec<Access> = micros.into_iter().filter(Access::is_read).collect();
    Some(Plan::Part { sent, later: Vec::new() })
}

/// The key that is written last is written by a transaction of its own, where the first does not read it again.
fn torn(op: &Op) -> Option<Plan> {
    let micros = accesses(op);
    let last = micros.iter().rev().find(|access| !access.is_read())?.key.clone();
    let is_later = |access: &Access| !access.is_read() && access.key == last;
    let (later, sent): (Vec<Access>, Vec<Access>) = micros.iter().cloned().partition(is_later);
    let is_read_again = micros
        .iter()
        .skip_while(|access| !is_later(access))
        .any(|access| access.is_read() && access.key == last);
    let writes_another = sent.iter().any(|access| !access.is_read());
    (writes_another && !is_read_again).then_some(Plan::Part { sent, later })
}

/// What it changes.
fn without_reads(op: &Op) -> Op {
    if op.function != Function::Txn {
        return op.clone();
    }
    let writes: Vec<Access> = accesses(op).into_iter().filter(|access| !access.is_read()).collect();
    transaction(&writes)
}
