//! What must hold between replicas at every step, seen by somebody who looks into all of them at once. It never changes
//! one, and what clients see is not its business.

mod logs;
mod registers;

use std::collections::BTreeMap;

use histories::Node;

use self::logs::Logs;
use self::registers::Registers;
use crate::store::{Invariants, Replica};

/// Compares members with each other, and with what they were before.
#[derive(Debug)]
pub(super) struct Watcher {
    holds: Invariants,
    /// Of each group that keeps a log of its own.
    logs: BTreeMap<u16, Logs>,
    registers: Registers,
    nodes: usize,
    pub(super) broken: Option<String>,
}

impl Watcher {
    pub(super) fn new(holds: Invariants, nodes: usize) -> Self {
        Self { holds, logs: BTreeMap::new(), registers: Registers::new(nodes), nodes, broken: None }
    }

    /// Disks have lost what was promised to be safe: nothing is owed any more.
    pub(super) fn excuse(&mut self) {
        self.holds = Invariants::default();
    }

    fn looks(&self) -> bool {
        self.broken.is_none() && self.holds != Invariants::default()
    }

    /// A member that has just been started from its disk.
    pub(super) fn started(&mut self, node: Node, replica: &impl Replica) -> Option<&str> {
        if self.looks() && self.holds.versions_rise {
            self.broken = self.registers.started(node, &replica.versions());
        }
        self.broken.as_deref()
    }

    /// A member after a step; says what is broken, the first time.
    pub(super) fn look(&mut self, node: Node, replica: &impl Replica) -> Option<&str> {
        if !self.looks() {
            return None;
        }
        let nodes = self.nodes;
        let parted = replica.log_view().and_then(|view| {
            let logs = self.logs.entry(view.group).or_insert_with(|| Logs::new(nodes));
            logs.contradiction(self.holds, node, replica, view)
        });
        self.broken =
            parted.or_else(|| self.registers.contradiction(self.holds, node, replica.register_steps()));
        self.broken.as_deref()
    }
}

#[cfg(test)]
mod tests;
