//! Versioned registers: a member's version of one never goes back, and what is acknowledged is on enough disks.

use std::collections::BTreeMap;

use histories::{Key, Node};

use crate::store::{Invariants, RegisterStep, Version};

/// What is on each member's disk, as it was told step by step.
#[derive(Debug)]
pub(super) struct Registers {
    held: Vec<BTreeMap<Key, Version>>,
}

impl Registers {
    pub(super) fn new(nodes: usize) -> Self {
        Self { held: vec![BTreeMap::new(); nodes] }
    }

    /// A member that was started from its disk holds at least what was on it.
    pub(super) fn started(&mut self, node: Node, versions: &BTreeMap<Key, Version>) -> Option<String> {
        let held = &mut self.held[node.index()];
        let behind = held.iter().find(|(key, version)| versions.get(*key).is_none_or(|now| now < *version));
        let told =
            behind.map(|(key, version)| format!("{node} came back without version {version} of {key}"));
        held.clone_from(versions);
        told
    }

    /// What a member did in a step.
    pub(super) fn contradiction(
        &mut self,
        holds: Invariants,
        node: Node,
        steps: &[RegisterStep],
    ) -> Option<String> {
        steps.iter().find_map(|step| match step {
            RegisterStep::Holds { key, version } => self.holds(holds.versions_rise, node, key, *version),
            RegisterStep::Acknowledged { key, version } => {
                let needed = holds.acknowledged_on?;
                let disks = self.held.iter().filter(|held| held.get(key).is_some_and(|held| held >= version));
                let count = disks.count();
                (count < usize::from(needed)).then(|| {
                    format!("{node} acknowledged version {version} of {key}, which is on {count} disks, not {needed}")
                })
            }
        })
    }

    fn holds(&mut self, rises: bool, node: Node, key: &Key, version: Version) -> Option<String> {
        let before = self.held[node.index()].insert(key.clone(), version);
        let fell = before.filter(|before| rises && version < *before)?;
        Some(format!("{node} went back to version {version} of {key} from {fell}"))
    }
}
