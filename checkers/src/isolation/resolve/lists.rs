//! The order of a list's versions, as reads of it show them.

use rustc_hash::{FxHashMap, FxHashSet};

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
        let mut walk = Walk { key, version: key, ..Walk::default() };
        self.shown[key as usize].push(key);
        for (place, &element) in (0..).zip(&self.draft.longest[key as usize]) {
            // Where an element stands in the list again says nothing about the order of the appends.
            if self.places[element as usize] == NONE {
                self.places[element as usize] = place;
                if self.sources[element as usize].transaction == NONE {
                    self.first_garbage[key as usize] = self.first_garbage[key as usize].min(place);
                } else {
                    self.show(&mut walk, element);
                }
            } else {
                self.first_twice[key as usize] = self.first_twice[key as usize].min(place);
            }
            self.shown[key as usize].push(walk.version);
        }
    }

    /// The list shows an element that a transaction appended.
    fn show(&mut self, walk: &mut Walk, element: u32) {
        let (key, source) = (walk.key, self.sources[element as usize].transaction);
        let number = self.number[source as usize];
        let installed = self.resolved.columns.version_of(number, key).unwrap_or(walk.version);
        if installed != walk.version {
            self.follow(walk, installed, element);
        }
        walk.version = installed;
        let count = walk.shown.entry(source).or_default();
        if appends(self.draft.steps(source), key).nth(*count) != Some(element) {
            self.flaw_of(FlawKind::Disordered, key, element, source, None);
        }
        *count += 1;
        walk.last = Some(source);
    }

    /// Notes that another version of the list comes right after the one that was shown. The appends of two transactions are
    /// interleaved where the first has some left to make by then, or the second had made some before.
    fn follow(&mut self, walk: &mut Walk, next: u32, element: u32) {
        let (version, key) = (walk.version, walk.key);
        let is_unfinished =
            walk.last.is_some_and(|last| walk.shown[&last] < appends(self.draft.steps(last), key).count());
        let columns = &self.resolved.columns;
        if is_unfinished || self.preceded[next as usize] || columns.next[version as usize] != NONE {
            let by = |version: u32| {
                let writer = columns.writer[version as usize];
                (writer != NONE).then(|| columns.operation[writer as usize])
            };
            let (operation, other) = (by(next), by(version));
            if let Some(operation) = operation
                && walk.interleaved.insert((version.min(next), version.max(next)))
            {
                self.flaw(FlawKind::Interleaved, key, element, operation, other);
            }
            return;
        }
        self.resolved.columns.next[version as usize] = next;
        self.preceded[next as usize] = true;
    }
}

/// How far a list's longest read was followed.
#[derive(Debug, Default)]
struct Walk {
    key: u32,
    /// What the list shows up to here.
    version: u32,
    /// The transaction that appended the element before.
    last: Option<u32>,
    /// By transaction, how many of its appends the list has shown so far.
    shown: FxHashMap<u32, usize>,
    /// Pairs of versions whose appends are interleaved, each told once.
    interleaved: FxHashSet<(u32, u32)>,
}

fn appends(steps: &[Step], key: u32) -> impl Iterator<Item = u32> {
    steps.iter().filter_map(move |step| match *step {
        Step::Append { key: other, value } if other == key => Some(value),
        _ => None,
    })
}
