//! What justifies what stays: the operations without which others would be a violation that leaving out has made.
//!
//! A read is justified by the writes that it may show, an element that comes out of a queue by the one that went in, a
//! release by its acquire. If a history keeps a model, each part of it that holds what justifies it keeps the model too:
//! restrict an order of the whole to the part, and every answer is still right. So whatever such a part violates, the
//! whole violates.

mod scan;

use std::collections::BTreeMap;

use histories::{Conflict, History, ModelName, Operation, OperationId, Outcome, Value};

use self::scan::{Has, Scan, Touched, Update};

/// How what a place shows depends on what was done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    Register,
    /// A list or a string.
    Sequence,
    Set,
    Counter,
    /// A queue or a stack.
    Container,
    Lock,
    /// In ways that are not gone into: on everything.
    Merged,
    /// On nothing that is looked at.
    Free,
}

/// What justifies each operation of a history.
pub(super) struct Justification<'h> {
    history: &'h History,
    /// Whether what precedes in time precedes in every order.
    real_time: bool,
    places: Vec<(Touched, Nature)>,
    updates: Vec<Vec<(usize, Update)>>,
    /// What each operation has shown of a place.
    shows: Vec<Vec<(usize, Value)>>,
    /// An acquire and its release, each of the other.
    partners: BTreeMap<u32, u32>,
}

/// Which operations stay, by their place in the history.
pub(super) type Kept = Vec<bool>;

impl<'h> Justification<'h> {
    /// As `model` looks at it.
    pub(super) fn of(history: &'h History, model: ModelName) -> Self {
        let real_time = matches!(
            model,
            ModelName::Linearizable
                | ModelName::Set
                | ModelName::Counter
                | ModelName::Queue
                | ModelName::Mutex
                | ModelName::Durability
                | ModelName::RealTimeCausal
        );
        let mut scan = Scan::default();
        for (id, operation) in history.iter() {
            scan.add(history, id.0, operation);
        }
        let Scan { places, updates, shows, partners, .. } = scan;
        let merges = matches!(
            history.header.conflict,
            Some(Conflict::VersionVector | Conflict::Merge | Conflict::Crdt)
        );
        // Replicas are compared with each other, whoever wrote what they hold, and each read of a bank with its total.
        let is_free = matches!(model, ModelName::Convergence | ModelName::Bank);
        let nature = |touched: &Touched| if is_free { Nature::Free } else { nature(&touched.has, merges) };
        let places = places.into_iter().map(|touched| {
            let nature = nature(&touched);
            (touched, nature)
        });
        Self { history, real_time, places: places.collect(), updates, shows, partners }
    }

    /// Leaves out what is not justified by what stays.
    pub(super) fn close_down(&self, kept: &mut Kept) {
        loop {
            let strays: Vec<usize> = (0..kept.len())
                .filter(|&place| kept[place] && !self.missing(place as u32, kept).is_empty())
                .collect();
            if strays.is_empty() {
                return;
            }
            for place in strays {
                kept[place] = false;
            }
        }
    }

    /// Adds what justifies what stays.
    pub(super) fn close_up(&self, kept: &mut Kept) {
        let mut open: Vec<u32> =
            (0..).zip(kept.iter()).filter(|(_, kept)| **kept).map(|(id, _)| id).collect();
        while let Some(id) = open.pop() {
            for missing in self.missing(id, kept) {
                kept[missing as usize] = true;
                open.push(missing);
            }
        }
    }

    /// What would have to be added for an operation to be justified.
    fn missing(&self, id: u32, kept: &Kept) -> Vec<u32> {
        let mut missing = Vec::new();
        for (place, value) in &self.shows[id as usize] {
            self.missing_for(id, *place, value, kept, &mut missing);
        }
        for (place, update) in &self.updates[id as usize] {
            let (touched, nature) = &self.places[*place];
            match (nature, update) {
                (Nature::Container, Update::Put(value) | Update::Take(Some(value))) => {
                    self.element(touched, value, kept, &mut missing);
                }
                (Nature::Lock, _) if touched.has.stray_release => {
                    missing.extend(touched.updates.iter().filter(|&&other| self.counts(other, kept)));
                }
                (Nature::Lock, _) => {
                    missing.extend(self.partners.get(&id).filter(|&&other| self.counts(other, kept)));
                }
                _ => {}
            }
        }
        missing
    }

    /// Whether it may have happened and is not kept.
    fn counts(&self, id: u32, kept: &Kept) -> bool {
        !kept[id as usize] && self.operation(id).outcome != Outcome::Fail
    }

    fn operation(&self, id: u32) -> &Operation {
        self.history.operation(OperationId(id))
    }

    fn missing_for(&self, id: u32, place: usize, shown: &Value, kept: &Kept, missing: &mut Vec<u32>) {
        let (touched, nature) = &self.places[place];
        let reader = self.operation(id);
        // What may stand before it in an order, with nothing certain between.
        let relevant = |update: u32, overwriters: &[u32]| {
            update != id
                && self.counts(update, kept)
                && (!self.real_time || self.operation(update).invoked <= reader.returned())
                && !self.is_hidden(update, reader, overwriters, kept)
        };
        match nature {
            Nature::Register if shown.is_null() => {}
            Nature::Register => {
                let producers = touched.producers.get(shown).map_or(&[][..], Vec::as_slice);
                missing.extend(producers.iter().filter(|&&update| relevant(update, &touched.overwriters)));
                self.one_of(id, producers, kept, missing);
            }
            Nature::Sequence => {
                let contributes = |update: u32| {
                    let deeds = self.updates[update as usize].iter().filter(|(other, _)| *other == place);
                    deeds.into_iter().any(|(_, deed)| may_show(deed, shown))
                };
                let updates = touched.updates.iter().copied().filter(|&update| contributes(update));
                missing.extend(updates.filter(|&update| relevant(update, &touched.overwriters)));
                for element in shown.as_list().unwrap_or_default() {
                    self.one_of(id, touched.producers.get(element).map_or(&[], Vec::as_slice), kept, missing);
                }
            }
            Nature::Set => self.members(id, touched, shown, kept, &relevant, missing),
            Nature::Counter | Nature::Merged => {
                missing.extend(touched.updates.iter().filter(|&&update| relevant(update, &[])));
            }
            Nature::Container | Nature::Lock | Nature::Free => {}
        }
        // What a key holds is told by what is done to it: without anything a number or a list would be a register's.
        if !matches!(nature, Nature::Register | Nature::Free) {
            self.one_of(id, &touched.updates, kept, missing);
        }
    }

    /// An element is there by its last addition, and absent by its last removal.
    fn members(
        &self,
        id: u32,
        touched: &Touched,
        shown: &Value,
        kept: &Kept,
        relevant: &dyn Fn(u32, &[u32]) -> bool,
        missing: &mut Vec<u32>,
    ) {
        let of = |updates: &BTreeMap<Value, Vec<u32>>, element: &Value| {
            updates.get(element).cloned().unwrap_or_default()
        };
        let shown = shown.as_list().unwrap_or_default();
        for element in shown {
            let additions = of(&touched.producers, element);
            let acknowledged = self.acknowledged(&additions, &of(&touched.removers, element));
            missing.extend(additions.iter().filter(|&&update| relevant(update, &acknowledged)));
            self.one_of(id, &additions, kept, missing);
        }
        for (element, removals) in touched.removers.iter().filter(|(element, _)| !shown.contains(element)) {
            let additions = of(&touched.producers, element);
            if additions.iter().any(|&addition| kept[addition as usize]) {
                let acknowledged = self.acknowledged(&additions, removals);
                missing.extend(removals.iter().filter(|&&update| relevant(update, &acknowledged)));
            }
        }
    }

    fn acknowledged(&self, additions: &[u32], removals: &[u32]) -> Vec<u32> {
        additions.iter().chain(removals).copied().filter(|&id| self.operation(id).is_ok()).collect()
    }

    /// An element goes in and comes out, as often as it did; where fewer are known to have come out, those of whom
    /// nobody learned what they took may have taken it.
    fn element(&self, touched: &Touched, value: &Value, kept: &Kept, missing: &mut Vec<u32>) {
        let puts = touched.producers.get(value).map_or(&[][..], Vec::as_slice);
        let takers = touched.takers.get(value).map_or(&[][..], Vec::as_slice);
        let may_be: Vec<u32> =
            puts.iter().copied().filter(|&put| self.operation(put).outcome != Outcome::Fail).collect();
        missing.extend(may_be.iter().chain(takers).filter(|&&id| self.counts(id, kept)));
        if takers.len() < may_be.len() {
            missing.extend(touched.takers_of_unknown.iter().filter(|&&id| self.counts(id, kept)));
        }
        if may_be.is_empty() && !puts.iter().any(|&put| kept[put as usize]) {
            missing.extend(puts.first());
        }
    }

    /// At least one of those that put there what is shown, be it one that failed or came later: without any it would be
    /// a value that was never written.
    fn one_of(&self, reader: u32, producers: &[u32], kept: &Kept, missing: &mut Vec<u32>) {
        if producers.iter().any(|&producer| producer == reader || kept[producer as usize]) {
            return;
        }
        let before = |id: &&u32| self.operation(**id).invoked <= self.operation(reader).returned();
        let likely = |id: &&u32| self.operation(**id).outcome != Outcome::Fail && before(id);
        let best = producers.iter().rfind(likely).or_else(|| producers.iter().rfind(before));
        missing.extend(best.or_else(|| producers.first()).filter(|id| !missing.contains(id)).copied());
    }

    /// Whether something that stays, and certainly came between, decides what the reader sees.
    fn is_hidden(&self, update: u32, reader: &Operation, overwriters: &[u32], kept: &Kept) -> bool {
        let update_op = self.operation(update);
        let between = |id: u32| {
            let other = self.operation(id);
            id != update && kept[id as usize] && update_op.precedes(other) && other.precedes(reader)
        };
        self.real_time && overwriters.iter().any(|&id| between(id))
    }
}

/// Whether what an update has put there can be part of what is shown.
fn may_show(update: &Update, shown: &Value) -> bool {
    match (update, shown.as_list(), shown.as_text()) {
        (Update::Append(element), Some(list), _) => list.contains(element),
        (Update::Write(value), Some(list), _) => {
            value.as_list().unwrap_or_default().iter().all(|element| list.contains(element))
        }
        (Update::Append(value) | Update::Write(value), None, text) => {
            text.unwrap_or_default().contains(value.as_text().unwrap_or_default())
        }
        _ => true,
    }
}

fn nature(has: &Has, merges: bool) -> Nature {
    if has.locks {
        Nature::Lock
    } else if has.elements {
        Nature::Container
    } else if has.others || merges {
        Nature::Merged
    } else if has.changes || has.additions && has.numbers_shown {
        Nature::Counter
    } else if has.appends {
        Nature::Sequence
    } else if has.additions || has.removals || has.lists_shown && !has.writes_of_lists {
        Nature::Set
    } else {
        Nature::Register
    }
}

#[cfg(test)]
mod tests;
