//! Whether two nodes were acknowledging at the time, by the system's own hints.
//!
//! It never finds a violation; it only says more of one that was found without hints. Where the header says that nobody
//! leads, or that each datacentre has a leader, it takes nobody for a second one who may acknowledge, too.

use std::collections::BTreeMap;

use histories::{History, Nanos, Node, OperationId};

use crate::{Step, words};

#[derive(Clone, Copy, Debug)]
struct Acknowledgement {
    operation: OperationId,
    node: Node,
    term: Option<u64>,
}

/// The acknowledged updates whose answer tells which node decided it, in the order of their completion.
#[derive(Debug)]
pub(crate) struct Acknowledgements(Vec<Acknowledgement>);

/// How two leaders overlapped around an acknowledgement.
#[derive(Debug)]
pub(crate) struct Overlap {
    pub(crate) fact: String,
    pub(crate) steps: Vec<Step>,
}

impl Acknowledgements {
    pub(crate) fn of(history: &History) -> Self {
        let mut all: Vec<Acknowledgement> = history
            .iter()
            .filter(|(_, op)| op.is_ok() && !op.function.only_looks())
            .filter_map(|(operation, op)| {
                let hints = history.hints(operation);
                // A node that decided by itself names no other, and yet says at what point of its log.
                let decided_itself = hints.term.is_some() || hints.version.is_some();
                let node = hints.served_by.or_else(|| op.node.filter(|_| decided_itself))?;
                Some(Acknowledgement { operation, node, term: hints.term })
            })
            .collect();
        all.sort_by_key(|ack| history.operation(ack.operation).reply_event);
        Self(all)
    }

    /// Around `lost`: another node that acknowledged before and after it; or one that acknowledged between it and
    /// the same node's previous or next. Where terms are known, those of the outer two must be the same, or else
    /// leadership may have changed hands and come back.
    pub(crate) fn overlap(&self, history: &History, lost: OperationId) -> Option<Overlap> {
        let at = self.0.iter().position(|ack| ack.operation == lost)?;
        let own = self.0[at];
        let (before, after) = (&self.0[..at], &self.0[at + 1..]);
        let rivals = |one: Node, other: Node| one != other && history.header.share_a_leader(one, other);
        let around = before.iter().rev().filter(|ack| rivals(ack.node, own.node)).find_map(|first| {
            let last = after.iter().find(|ack| ack.node == first.node && ack.term == first.term)?;
            Some((*first, own, *last))
        });
        let next = after.iter().find(|ack| ack.node == own.node && ack.term == own.term);
        let inner = |from: Acknowledgement, to: Acknowledgement| {
            let place =
                |ack: Acknowledgement| self.0.iter().position(|other| other.operation == ack.operation);
            let between = &self.0[place(from)? + 1..place(to)?];
            between.iter().find(|ack| rivals(ack.node, own.node)).map(|&middle| (from, middle, to))
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

    /// The two leaderships that acknowledged side by side for the longest time, if any did: the one acknowledged before
    /// and after the other, in the same term where terms are known.
    pub(crate) fn side_by_side(&self, history: &History) -> Option<Overlap> {
        let mut leaderships: BTreeMap<(Node, Option<u64>), Vec<OperationId>> = BTreeMap::new();
        for ack in &self.0 {
            leaderships.entry((ack.node, ack.term)).or_default().push(ack.operation);
        }
        let time = |operation: OperationId| history.operation(operation).completed;
        let overlaps = leaderships.iter().flat_map(|((node, _), outer)| {
            let others = leaderships
                .iter()
                .filter(move |((other, _), _)| other != node && history.header.share_a_leader(*other, *node));
            others.filter_map(move |((other, _), inner)| {
                let (first, last) = (*outer.first()?, *outer.last()?);
                let middle = *inner.iter().find(|&&ack| time(first) < time(ack) && time(ack) < time(last))?;
                let until = time(last).min(time(*inner.last()?));
                let before = *outer.iter().rev().find(|&&ack| time(ack) < time(middle))?;
                let after = *outer.iter().find(|&&ack| time(ack) > time(middle))?;
                Some((until.since(time(middle)), [(*node, before), (*other, middle), (*node, after)]))
            })
        });
        let (lasted, acks): (Nanos, [(Node, OperationId); 3]) = overlaps.max_by_key(|(lasted, _)| *lasted)?;
        let name = |node| history.node_name(node);
        let [(outer, _), (inner, _), _] = acks;
        let steps = acks
            .map(|(node, ack)| words::completed(history, ack, format!("acknowledged by {}", name(node))))
            .to_vec();
        let fact = format!("{} and {} acknowledged side by side for {lasted}", name(outer), name(inner));
        Some(Overlap { fact, steps })
    }
}
