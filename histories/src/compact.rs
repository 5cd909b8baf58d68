//! Hints and error texts by operation, small enough that a million operations can have them.
//!
//! It never loses one: what does not fit the compact form is kept whole, beside it.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use crate::{Hints, Node};

/// Six bytes of hints that live in what would be padding of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HintCode {
    /// 0 where there is none, otherwise one more than the version.
    pub(crate) version: u32,
    /// Place in [`HintTable::sources`], one higher; [`WIDE`] where the hints are kept whole.
    pub(crate) source: u16,
}

const WIDE: u16 = u16::MAX;

/// What the codes stand for: terms and nodes take few values, so each pair of them is stored once.
#[derive(Clone, Debug, Default)]
pub(crate) struct HintTable {
    sources: IndexSet<(Option<u64>, Option<Node>), FxBuildHasher>,
    wide: BTreeMap<u32, Hints>,
}

impl HintTable {
    pub(crate) fn encode(&mut self, operation: u32, hints: Hints) -> HintCode {
        let version = match hints.version {
            None => Some(0),
            Some(version) => u32::try_from(version).ok().and_then(|version| version.checked_add(1)),
        };
        let source = match (hints.term, hints.served_by) {
            (None, None) => Some(0),
            pair => self.source(pair),
        };
        if let (Some(version), Some(source)) = (version, source) {
            return HintCode { version, source };
        }
        self.wide.insert(operation, hints);
        HintCode { version: 0, source: WIDE }
    }

    fn source(&mut self, pair: (Option<u64>, Option<Node>)) -> Option<u16> {
        if let Some(place) = self.sources.get_index_of(&pair) {
            return u16::try_from(place + 1).ok();
        }
        if self.sources.len() + 1 >= usize::from(WIDE) {
            return None;
        }
        u16::try_from(self.sources.insert_full(pair).0 + 1).ok()
    }

    /// Leaves the operations in `kept`, whose places there are their new numbers.
    pub(crate) fn renumber(&mut self, kept: &[u32]) {
        renumber(&mut self.wide, kept);
    }

    pub(crate) fn decode(&self, operation: u32, code: HintCode) -> Hints {
        if code.source == WIDE {
            return self.wide.get(&operation).copied().unwrap_or_default();
        }
        let (term, served_by) = usize::from(code.source)
            .checked_sub(1)
            .and_then(|place| self.sources.get_index(place).copied())
            .unwrap_or_default();
        Hints { version: code.version.checked_sub(1).map(u64::from), term, served_by }
    }
}

/// Error texts, each of which usually comes many times.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorTable {
    texts: IndexSet<String>,
    of: BTreeMap<u32, u32>,
}

impl ErrorTable {
    pub(crate) fn insert(&mut self, operation: u32, text: String) {
        let place = self.texts.insert_full(text).0 as u32;
        self.of.insert(operation, place);
    }

    pub(crate) fn forget(&mut self, operations: &BTreeSet<u32>) {
        self.of.retain(|operation, _| !operations.contains(operation));
    }

    /// Leaves the operations in `kept`, whose places there are their new numbers.
    pub(crate) fn renumber(&mut self, kept: &[u32]) {
        renumber(&mut self.of, kept);
    }

    pub(crate) fn get(&self, operation: u32) -> Option<&str> {
        let place = *self.of.get(&operation)?;
        self.texts.get_index(place as usize).map(String::as_str)
    }
}

fn renumber<T: Copy>(of: &mut BTreeMap<u32, T>, kept: &[u32]) {
    if !of.is_empty() {
        *of = (0..).zip(kept).filter_map(|(new, old)| Some((new, *of.get(old)?))).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_come_back_whether_they_fit_or_not() {
        let mut table = HintTable::default();
        let versions = [
            None,
            Some(0),
            Some(7),
            Some(u64::from(u32::MAX) - 1),
            Some(u64::from(u32::MAX)),
            Some(u64::MAX),
        ];
        let mut all = Vec::new();
        for (i, version) in (0..).zip(versions) {
            for (j, term) in (0..).zip([None, Some(0), Some(u64::MAX)]) {
                let hints = Hints { version, term, served_by: (j == 1).then_some(Node(3)) };
                all.push((i * 3 + j, hints, table.encode(i * 3 + j, hints)));
            }
        }
        for (operation, hints, code) in all {
            assert_eq!(table.decode(operation, code), hints);
        }
    }

    #[test]
    fn more_sources_than_a_code_can_name_are_kept_whole() {
        let mut table = HintTable::default();
        let hints = |term| Hints { version: Some(term), term: Some(term), served_by: None };
        let codes: Vec<_> = (0..70_000).map(|term| table.encode(term as u32, hints(term))).collect();
        for (term, code) in (0..70_000).zip(codes) {
            assert_eq!(table.decode(term as u32, code), hints(term));
        }
    }
}
