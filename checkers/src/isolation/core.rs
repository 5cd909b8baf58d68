//! The transactions that violate a level by themselves: what a proof shows.

use std::collections::BTreeSet;

use histories::History;

use super::decide;
use super::draft::{Draft, KeyKind, Step};
use super::level::Level;
use super::polygraph::Decision;
use super::resolve::{Resolved, resolve};
use crate::Budget;
use crate::graph::NONE;

/// Beyond this many transactions single ones are no longer tried, only parts of the whole.
const SINGLES_MAX: usize = 400;

/// A part of a history that violates a level, and what is known of it.
pub(super) struct Core<'h> {
    pub(super) draft: Draft<'h>,
    pub(super) resolved: Resolved,
}

/// `transactions` are those of the columns that a search found to violate the level.
pub(super) fn core<'h>(
    history: &'h History,
    draft: &Draft<'h>,
    resolved: &Resolved,
    level: Level,
    transactions: &[u32],
    budget: &Budget,
) -> Result<Core<'h>, String> {
    let shrinker = Shrinker { history, draft, resolved, level, budget };
    let mut part = shrinker.closed(transactions);
    while !shrinker.violates(&part) {
        let wider = shrinker.with_neighbours(&part);
        if wider.len() == part.len() {
            return Err("a bug of the checker: what it found does not violate the level by itself".into());
        }
        part = wider;
    }
    let part = shrinker.shrunk(part);
    let draft = draft.restrict(&part, &resolved.untold);
    let resolved = resolve(history, &draft);
    Ok(Core { draft, resolved })
}

/// Whether the transactions that a search suspects violate the level by themselves; `false` where they are most of the
/// history, which is no easier to decide.
pub(super) fn violates_alone(
    history: &History,
    draft: &Draft<'_>,
    resolved: &Resolved,
    level: Level,
    suspects: &[u32],
    budget: &Budget,
) -> bool {
    let shrinker = Shrinker { history, draft, resolved, level, budget };
    let part = shrinker.closed(suspects);
    2 * part.len() <= draft.operations.len() && shrinker.violates(&part)
}

struct Shrinker<'a, 'h> {
    history: &'h History,
    draft: &'a Draft<'h>,
    resolved: &'a Resolved,
    level: Level,
    budget: &'a Budget,
}

impl Shrinker<'_, '_> {
    /// Whether these of the draft's transactions violate the level alone.
    fn violates(&self, part: &[u32]) -> bool {
        let draft = self.draft.restrict(part, &self.resolved.untold);
        if draft.operations.is_empty() {
            return false;
        }
        let resolved = resolve(self.history, &draft);
        resolved.flaws.iter().any(|flaw| self.level.forbids(flaw.kind))
            || matches!(
                decide(self.history, &draft, &resolved, self.level, self.budget),
                Ok(Decision::Violated(_))
            )
    }

    /// The transactions by their numbers in the draft, with those that tell of their versions' order: what lies between two
    /// of one chain, and a read that shows a list's.
    fn closed(&self, transactions: &[u32]) -> Vec<u32> {
        let columns = self.resolved.columns.with_replaced();
        let inside: BTreeSet<u32> = transactions.iter().copied().collect();
        let mut all = inside.clone();
        for &t in &inside {
            let touched = columns.installed(t).chain(columns.reads.row(t).iter().copied());
            for version in touched {
                let mut between = Vec::new();
                let mut at = columns.next(version);
                while let Some(next) = at {
                    let writer = columns.writer[next as usize];
                    if inside.contains(&writer) {
                        all.append(&mut between.into_iter().collect());
                        break;
                    }
                    between.push(writer);
                    at = columns.next(next);
                }
            }
        }
        let mut part: BTreeSet<u32> = all.iter().map(|&t| self.number(t)).collect();
        self.add_witnesses(&mut part);
        part.into_iter().collect()
    }

    /// The draft's number of a transaction of the columns, which are in the same order.
    fn number(&self, t: u32) -> u32 {
        let id = self.resolved.columns.operation[t as usize];
        self.draft.operations.partition_point(|&other| other < id) as u32
    }

    /// For each list, the shortest read that shows all that the transactions appended and some read shows.
    fn add_witnesses(&self, part: &mut BTreeSet<u32>) {
        let mut needed = vec![0; self.draft.names.len()];
        for step in part.iter().flat_map(|&t| self.draft.steps(t)) {
            if let Step::Append { key, value } = *step {
                let list = &self.draft.longest[key as usize];
                let place = list.iter().position(|&element| element == value).map_or(0, |place| place + 1);
                needed[key as usize] = needed[key as usize].max(place as u32);
            }
        }
        let mut shortest = vec![(u32::MAX, NONE); needed.len()];
        for t in 0..self.draft.count() {
            for step in self.draft.steps(t) {
                if let Step::ReadList { key, length } = *step
                    && length >= needed[key as usize]
                {
                    shortest[key as usize] = shortest[key as usize].min((length, t));
                }
            }
        }
        let lists =
            (0..needed.len()).filter(|&key| self.draft.kinds[key] == KeyKind::List && needed[key] > 0);
        part.extend(lists.map(|key| shortest[key].1).filter(|&t| t != NONE));
    }

    /// With those whose versions they read, and those that read theirs.
    fn with_neighbours(&self, part: &[u32]) -> Vec<u32> {
        let columns = &self.resolved.columns;
        let inside: BTreeSet<u32> = part.iter().map(|&t| self.draft.operations[t as usize].0).collect();
        let mut wider: BTreeSet<u32> = part.iter().copied().collect();
        for t in (0..columns.count()).filter(|&t| inside.contains(&columns.operation[t as usize].0)) {
            let writers = columns.reads.row(t).iter().map(|&version| columns.writer[version as usize]);
            let readers =
                columns.installed(t).flat_map(|version| columns.readers.row(version).iter().copied());
            wider.extend(writers.chain(readers).filter(|&t| t != NONE).map(|t| self.number(t)));
        }
        if wider.len() == part.len() {
            return (0..self.draft.count()).collect();
        }
        wider.into_iter().collect()
    }

    /// Leaves out what can be left out: halves, quarters and so on, at last single ones.
    fn shrunk(&self, mut part: Vec<u32>) -> Vec<u32> {
        let mut size = part.len().div_ceil(2);
        while size > 0 && self.budget.check().is_ok() {
            let mut start = 0;
            let mut removed = false;
            while start < part.len() && self.budget.check().is_ok() {
                let end = (start + size).min(part.len());
                let without: Vec<u32> = part[..start].iter().chain(&part[end..]).copied().collect();
                if self.violates(&without) {
                    part = without;
                    removed = true;
                } else {
                    start = end;
                }
            }
            if size == 1 && !removed {
                break;
            }
            size = if size == 1 && removed { 1 } else { size / 2 };
            if part.len() > SINGLES_MAX && size == 1 {
                break;
            }
        }
        part
    }
}
