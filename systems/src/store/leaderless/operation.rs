//! An operation of a client, as the member that coordinates it sees it. Only shapes and counts: it sends nothing.

use std::borrow::Cow;

use histories::{Key, Nanos, Node, Value};

use super::version::Cell;
use crate::store::RequestId;

#[derive(Debug)]
pub(super) struct Operation {
    /// Who waits for it; nobody once it is answered, and the rest is repair.
    pub(super) client: Option<RequestId>,
    pub(super) key: Key,
    pub(super) phase: Phase,
    pub(super) began: Nanos,
    /// When the phase began.
    pub(super) since: Nanos,
    pub(super) retry_at: Nanos,
    /// How many that do not hold the key have been asked to stand in.
    pub(super) stand_ins: usize,
}

#[derive(Debug)]
pub(super) enum Phase {
    /// What do members hold?
    Gather { got: Vec<(Node, Option<Cell>)>, purpose: Purpose },
    /// The version is on its way to the own disk, before anybody else hears of it.
    Mint,
    /// Members keep this.
    Store { cell: Cell, stored: Vec<Node>, purpose: Purpose, hinted: bool },
}

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    /// In the first phase it wants to know the highest tag.
    Write(Value),
}

impl Purpose {
    pub(super) fn is_read(&self) -> bool {
        matches!(self, Self::Read)
    }
}

/// What the answers come to together: the last version, or all siblings.
pub(super) fn merged(got: &[(Node, Option<Cell>)]) -> Option<Cow<'_, Cell>> {
    let held = got.iter().filter_map(|(_, cell)| cell.as_ref());
    held.map(Cow::Borrowed).reduce(|mut one, other| {
        if other.covers(&one) {
            return other;
        }
        if !one.covers(&other) {
            one.to_mut().merge(&other);
        }
        one
    })
}

/// Who answered that it holds nothing older than `cell`.
pub(super) fn holders(got: &[(Node, Option<Cell>)], cell: &Cell) -> Vec<Node> {
    let holds = |held: &Option<Cell>| held.as_ref().is_some_and(|held| held.covers(cell));
    got.iter().filter(|(_, held)| holds(held)).map(|(node, _)| *node).collect()
}

impl Operation {
    /// Whether `node` has answered in this phase.
    pub(super) fn answered(&self, node: Node) -> bool {
        match &self.phase {
            Phase::Gather { got, .. } => got.iter().any(|(other, _)| *other == node),
            Phase::Mint => false,
            Phase::Store { stored, .. } => stored.contains(&node),
        }
    }
}
