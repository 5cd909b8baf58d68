//! Faults in force. What holds for a link, a clock or a node follows from all of them together, so that ending one leaves
//! another's in force; nothing here carries anything out.

use std::collections::BTreeMap;

use histories::Node;
use nemesis::{ClockChange, DiskChange, Effect, FaultId};

use super::network::Toll;

#[derive(Debug, Default)]
pub(super) struct Forces(BTreeMap<FaultId, Vec<Force>>);

/// An effect in force, with what had been done to its links, and to its nodes' clients, when it began.
#[derive(Clone, Debug)]
pub(super) struct Force {
    pub(super) effect: Effect,
    pub(super) toll: Toll,
    pub(super) unheard: u64,
}

impl Forces {
    pub(super) fn begin(&mut self, fault: FaultId, forces: Vec<Force>) {
        self.0.insert(fault, forces);
    }

    pub(super) fn end(&mut self, fault: FaultId) -> Vec<Force> {
        self.0.remove(&fault).unwrap_or_default()
    }

    pub(super) fn end_all(&mut self) -> Vec<Force> {
        std::mem::take(&mut self.0).into_values().flatten().collect()
    }

    pub(super) fn effects(&self) -> impl Iterator<Item = &Effect> {
        self.0.values().flatten().map(|force| &force.effect)
    }

    pub(super) fn clock(&self, node: Node) -> Vec<ClockChange> {
        let change = |effect: &Effect| match effect {
            Effect::Clock { nodes, change } if nodes.contains(&node) => Some(*change),
            _ => None,
        };
        self.effects().filter_map(change).collect()
    }

    pub(super) fn disk(&self, node: Node) -> Vec<DiskChange> {
        let change = |effect: &Effect| match effect {
            Effect::Disk { nodes, change } if nodes.contains(&node) => Some(*change),
            _ => None,
        };
        self.effects().filter_map(change).collect()
    }

    pub(super) fn stops(&self, node: Node) -> bool {
        self.effects().any(|effect| matches!(effect, Effect::Pause { nodes } if nodes.contains(&node)))
    }

    pub(super) fn deafens(&self, node: Node) -> bool {
        self.effects().any(|effect| matches!(effect, Effect::CutClients { nodes } if nodes.contains(&node)))
    }

    /// A node that dies now stays dead.
    pub(super) fn keeps_dead(&self, node: Node) -> bool {
        self.effects().any(|effect| match effect {
            Effect::Kill { nodes } | Effect::Power { nodes } => nodes.contains(&node),
            Effect::Disk { nodes, change } => match change {
                DiskChange::Torn | DiskChange::Flip | DiskChange::Truncate | DiskChange::Full => {
                    nodes.contains(&node)
                }
                DiskChange::Slow { .. } | DiskChange::Lies => false,
            },
            Effect::Cut { .. }
            | Effect::CutClients { .. }
            | Effect::Pause { .. }
            | Effect::Link { .. }
            | Effect::Clock { .. } => false,
        })
    }
}
