//! Changes of other datacentres between their arrival and the group's log: duplicates go, early ones wait.
//!
//! Dies with the lead: what was in it is shipped again, since nobody was told that it is here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use histories::Node;

use super::change::Change;
use super::options::Delivery;
use crate::store::VersionVector;

/// Changes of one origin that may wait.
const WAITING_MAX: usize = 65_536;

#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// In the log up to here, or applied.
    logged: VersionVector,
    /// In the log beyond that (`delivery=none`).
    ahead: BTreeSet<(Node, u64)>,
    waiting: BTreeMap<Node, BTreeMap<u64, Arc<Change>>>,
}

impl Inbox {
    pub(super) fn starting_at(applied: VersionVector) -> Self {
        Self { logged: applied, ..Self::default() }
    }

    /// All that `vector` counts comes otherwise.
    pub(super) fn skip_to(&mut self, vector: &VersionVector) {
        self.logged.merge(vector);
        let logged = &self.logged;
        self.ahead.retain(|(origin, sequence)| *sequence > logged.get(*origin));
        for (origin, waiting) in &mut self.waiting {
            waiting.retain(|sequence, _| *sequence > logged.get(*origin));
        }
    }

    /// What may go to the log now that these have come, in an order that keeps what `delivery` promises. The own changes are
    /// not waited for: whatever depends on them was made after they were applied here.
    pub(super) fn take(
        &mut self,
        mut changes: Vec<Arc<Change>>,
        delivery: Delivery,
        me: Node,
    ) -> Vec<Arc<Change>> {
        // As long as all comes in its order nothing is put by.
        let mut in_order = self.waiting.is_empty();
        changes.retain(|change| {
            if !self.is_new(change) {
                return false;
            }
            in_order = in_order && self.is_ready(change, delivery, me);
            if in_order {
                self.note(change);
            } else {
                self.put(change);
            }
            in_order
        });
        if !in_order {
            self.release(delivery, me, &mut changes);
        }
        changes
    }

    fn is_new(&self, change: &Change) -> bool {
        change.sequence > self.logged.get(change.origin)
            && !self.ahead.contains(&(change.origin, change.sequence))
    }

    fn is_ready(&self, change: &Change, delivery: Delivery, me: Node) -> bool {
        let in_order = change.sequence == self.logged.get(change.origin) + 1;
        let has = |(node, count): (Node, u64)| node == me || self.logged.get(node) >= count;
        match delivery {
            Delivery::None => true,
            Delivery::Fifo => in_order,
            Delivery::Causal => in_order && change.after.iter().all(has),
        }
    }

    fn put(&mut self, change: &Arc<Change>) {
        let waiting = self.waiting.entry(change.origin).or_default();
        if waiting.len() < WAITING_MAX {
            waiting.insert(change.sequence, Arc::clone(change));
        }
    }

    fn release(&mut self, delivery: Delivery, me: Node, released: &mut Vec<Arc<Change>>) {
        let origins: Vec<Node> = self.waiting.keys().copied().collect();
        loop {
            let before = released.len();
            for origin in &origins {
                while let Some(change) = self.next(*origin, delivery, me) {
                    self.note(&change);
                    released.push(change);
                }
            }
            if released.len() == before {
                break;
            }
        }
        self.waiting.retain(|_, waiting| !waiting.is_empty());
    }

    fn next(&mut self, origin: Node, delivery: Delivery, me: Node) -> Option<Arc<Change>> {
        let (_, first) = self.waiting.get(&origin)?.first_key_value()?;
        let ready = self.is_ready(first, delivery, me);
        self.waiting.get_mut(&origin).filter(|_| ready)?.pop_first().map(|(_, change)| change)
    }

    fn note(&mut self, change: &Change) {
        if change.sequence == self.logged.get(change.origin) + 1 {
            self.logged.raise(change.origin, change.sequence);
        } else {
            self.ahead.insert((change.origin, change.sequence));
        }
        while self.ahead.remove(&(change.origin, self.logged.get(change.origin) + 1)) {
            self.logged.raise(change.origin, self.logged.get(change.origin) + 1);
        }
    }
}
