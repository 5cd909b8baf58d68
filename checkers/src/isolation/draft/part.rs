//! A part of a draft: some of its transactions, and what they tell of each other.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Draft, Step};
use crate::graph::NONE;

/// What the reads of a whole draft do not tell, because a value was written more than once. Nothing of it is told by a
/// part either, even where the part holds one of the writes alone.
#[derive(Debug, Default)]
pub(in crate::isolation) struct Untold {
    /// Lists to which an element was appended twice.
    pub(in crate::isolation) lists: FxHashSet<u32>,
    /// Values of registers that several transactions wrote and some read shows.
    pub(in crate::isolation) values: FxHashSet<u32>,
}

impl Untold {
    /// Whether a part leaves the step out.
    fn holds(&self, step: Step) -> bool {
        let is_ambiguous = matches!(step, Step::Read { value, .. } if self.values.contains(&value));
        is_ambiguous || self.lists.contains(&step.key())
    }
}

impl Draft<'_> {
    /// The same with these transactions only, in ascending order. What others wrote is left out of what they read, and
    /// reads that show nothing else are gone, as are those that tell nothing in the whole: if the whole is explained by an
    /// order, the part is by the same.
    pub(in crate::isolation) fn restrict(&self, chosen: &[u32], untold: &Untold) -> Self {
        let mut part = Part {
            whole: self,
            untold,
            keys: FxHashMap::default(),
            values: FxHashMap::default(),
            draft: Self::default(),
        };
        part.draft.starts.push(0);
        for step in chosen.iter().flat_map(|&t| self.steps(t)).filter(|&&step| !untold.holds(step)) {
            if let Step::Write { key, value } | Step::Append { key, value } = *step {
                part.keep(key, value);
            }
        }
        for &t in chosen {
            for &step in self.steps(t) {
                let step = part.step(step);
                part.draft.steps.extend(step);
            }
            part.draft.operations.push(self.operations[t as usize]);
            part.draft.indefinite.push(self.indefinite[t as usize]);
            part.draft.starts.push(part.draft.steps.len() as u32);
        }
        part.draft
    }
}

/// A part of a draft in the making: keys and values that occur in it, by their numbers in the whole.
struct Part<'d, 'h> {
    whole: &'d Draft<'h>,
    untold: &'d Untold,
    keys: FxHashMap<u32, u32>,
    /// Values that are written within the part.
    values: FxHashMap<u32, u32>,
    draft: Draft<'h>,
}

impl Part<'_, '_> {
    fn key(&mut self, key: u32) -> u32 {
        let (whole, draft) = (self.whole, &mut self.draft);
        *self.keys.entry(key).or_insert_with(|| {
            draft.names.push(whole.names[key as usize].clone());
            draft.kinds.push(whole.kinds[key as usize]);
            draft.longest.push(Vec::new());
            draft.names.len() as u32 - 1
        })
    }

    fn keep(&mut self, key: u32, value: u32) {
        self.key(key);
        let (whole, draft) = (self.whole, &mut self.draft);
        self.values.entry(value).or_insert_with(|| {
            draft.values.all.push(whole.values.all[value as usize].clone());
            draft.values.all.len() as u32 - 1
        });
    }

    /// A step as the part sees it; `None` for a read of what was written outside, and for what tells nothing.
    fn step(&mut self, step: Step) -> Option<Step> {
        if self.untold.holds(step) {
            return None;
        }
        Some(match step {
            Step::Write { key, value } => Step::Write { key: self.key(key), value: self.values[&value] },
            Step::Append { key, value } => Step::Append { key: self.key(key), value: self.values[&value] },
            Step::Read { key, value: NONE } => Step::Read { key: self.key(key), value: NONE },
            Step::Read { key, value } => Step::Read { value: *self.values.get(&value)?, key: self.key(key) },
            Step::ReadOther { key, value } => {
                Step::ReadOther { value: *self.values.get(&value)?, key: self.key(key) }
            }
            Step::ReadAborted { .. } => return None,
            Step::ReadList { key, length } => {
                let shown = &self.whole.longest[key as usize][..length as usize];
                let shown: Vec<u32> =
                    shown.iter().filter_map(|value| self.values.get(value).copied()).collect();
                let (key, length) = (self.key(key), shown.len() as u32);
                let longest = &mut self.draft.longest[key as usize];
                if shown.len() > longest.len() {
                    *longest = shown;
                }
                Step::ReadList { key, length }
            }
        })
    }
}
