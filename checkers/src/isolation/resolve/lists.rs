//! The order of a list's versions, as reads of it show them.

use rustc_hash::FxHashMap;

use super::super::draft::{KeyKind, Step};
use super::super::flaws::FlawKind;
use super::Resolver;
use crate::graph::NONE;

impl Resolver<'_, '_> {
    /// Links a list's versions in the order of its longest read.
    pub(super) fn order_lists(&mut self) {
        for key in 0..self.draft.names.len() as u32 {
            if self.draft.kinds[key as usize] == KeyKind::List && !self.left_out.contains(&key) {
                self.order_list(key);
            }
        }
    }

    fn order_list(&mut self, key: u32) {
        let draft = self.draft;
        let mut version = key;
        // By transaction, how many of its appends the list has shown so far.
        let mut shown: FxHashMap<u32, usize> = FxHashMap::default();
        self.shown[key as usize].push(key);
        for (place, &element) in (0..).zip(&draft.longest[key as usize]) {
            if self.places[element as usize] == NONE {
                self.places[element as usize] = place;
            }
            let source = self.sources[element as usize].transaction;
            if source == NONE {
                self.first_garbage[key as usize] = self.first_garbage[key as usize].min(place);
            } else {
                let count = shown.entry(source).or_default();
                let mut appended = draft.steps(source).iter().filter(|step| is_append(step, key));
                if appended.nth(*count) != Some(&Step::Append { key, value: element }) {
                    self.flaw_of(FlawKind::Disordered, key, element, source, None);
                }
                *count += 1;
                let number = self.number[source as usize];
                let installed = self.resolved.columns.version_of(number, key).unwrap_or(version);
                if installed != version {
                    self.follow(key, version, installed, element);
                    version = installed;
                }
            }
            self.shown[key as usize].push(version);
        }
    }

    /// Notes that one version of a list comes right after another, unless it came before.
    fn follow(&mut self, key: u32, version: u32, next: u32, element: u32) {
        let columns = &self.resolved.columns;
        if self.preceded[next as usize] || columns.next[version as usize] != NONE {
            let by = |version: u32| {
                let writer = columns.writer[version as usize];
                (writer != NONE).then(|| columns.operation[writer as usize])
            };
            let (operation, other) = (by(next), by(version));
            if let Some(operation) = operation {
                self.flaw(FlawKind::Interleaved, key, element, operation, other);
            }
            return;
        }
        self.resolved.columns.next[version as usize] = next;
        self.preceded[next as usize] = true;
    }
}

fn is_append(step: &Step, key: u32) -> bool {
    matches!(*step, Step::Append { key: other, .. } if other == key)
}
