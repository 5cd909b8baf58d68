//! Whether two nodes were acknowledging at the time, by the system's own hints.
//!
//! It never finds a loss; it only says more of one that was found without hints.

use histories::{Function, History, Node, OperationId};

use crate::{Step, words};

#[derive(Clone, Copy, Debug)]
struct Acknowledgement {
    operation: OperationId,
    node: Node,
    term: Option<u64>,
}

/// The acknowledged updates whose answer names the node that decided it, in the order of their completion.
#[derive(Debug)]
pub(super) struct Acknowledgements(Vec<Acknowledgement>);

/// How two leaders overlapped around an acknowledgement.
#[derive(Debug)]
pub(super) struct Overlap {
    pub(super) fact: String,
    pub(super) steps: Vec<Step>,
}

impl Acknowledgements {
    pub(super) fn of(history: &History) -> Self {
        let mut all: Vec<Acknowledgement> = history
            .iter()
            .filter(|(_, op)| {
                op.is_ok() && !matches!(op.function, Function::Read | Function::ReadAll | Function::Dump)
            })
            .filter_map(|(operation, _)| {
                let hints = history.hints(operation);
                hints.served_by.map(|node| Acknowledgement { operation, node, term: hints.term })
            })
            .collect();
        all.sort_by_key(|ack| history.operation(ack.operation).reply_event);
        Self(all)
    }

    /// Around `lost`: another node that acknowledged before and after it; or one that acknowledged between it and
    /// the same node's previous or next. Where terms are known, those of the outer two must be the same, or else
    /// leadership may have changed hands and come back.
    pub(super) fn overlap(&self, history: &History, lost: OperationId) -> Option<Overlap> {
        let at = self.0.iter().position(|ack| ack.operation == lost)?;
        let own = self.0[at];
        let (before, after) = (&self.0[..at], &self.0[at + 1..]);
        let around = before.iter().rev().filter(|ack| ack.node != own.node).find_map(|first| {
            let last = after.iter().find(|ack| ack.node == first.node && ack.term == first.term)?;
            Some((*first, own, *last))
        });
        let next = after.iter().find(|ack| ack.node == own.node && ack.term == own.term);
        let inner = |from: Acknowledgement, to: Acknowledgement| {
            let place =
                |ack: Acknowledgement| self.0.iter().position(|other| other.operation == ack.operation);
            let between = &self.0[place(from)? + 1..place(to)?];
            between.iter().find(|ack| ack.node != own.node).map(|&middle| (from, middle, to))
        };
        let previous = before.iter().rev().find(|ack| ack.node == own.node && ack.term == own.term);
        let (first, middle, last) = around
            .or_else(|| next.and_then(|&next| inner(own, next)))
            .or_else(|| previous.and_then(|&previous| inner(previous, own)))?;
        let (outer, inner) = (history.node_name(first.node), history.node_name(middle.node));
        let steps = [first, middle, last]
            .into_iter()
            .filter(|ack| ack.operation != lost)
            .map(|ack| {
                let note = format!("acknowledged by {}", history.node_name(ack.node));
                words::completed(history, ack.operation, note)
            })
            .collect();
        let fact = format!("two leaders: {outer} acknowledged before and after {inner} did");
        Some(Overlap { fact, steps })
    }
}
