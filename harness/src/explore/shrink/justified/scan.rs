//! What the operations of a history do to each place and show of it, read in one pass. It justifies nothing.

use std::collections::BTreeMap;

use histories::{Function, History, KeyId, Operation, Outcome, Value};

/// What an operation is about: a key, the one object that has no name, or a key inside of transactions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Key(Option<KeyId>),
    InTransactions(Value),
}

/// What an operation does to a place, if it happens.
#[derive(Clone, Debug)]
pub(super) enum Update {
    /// Nothing of what was there before matters any more.
    Write(Value),
    Append(Value),
    Add(Value),
    Remove(Value),
    /// To a number.
    Change,
    Put(Value),
    /// Out of a queue or a stack; `None` where nobody learned what.
    Take(Option<Value>),
    Acquire,
    Release,
    Other,
}

/// Everything that was done to a place.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) updates: Vec<u32>,
    /// By value or element, the operations that put it there, those that failed as well.
    pub(super) producers: BTreeMap<Value, Vec<u32>>,
    pub(super) removers: BTreeMap<Value, Vec<u32>>,
    pub(super) takers: BTreeMap<Value, Vec<u32>>,
    pub(super) takers_of_unknown: Vec<u32>,
    /// Acknowledged writes.
    pub(super) overwriters: Vec<u32>,
    pub(super) has: Has,
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each was seen or not, whatever the others are")]
pub(super) struct Has {
    pub(super) writes_of_lists: bool,
    pub(super) appends: bool,
    pub(super) additions: bool,
    pub(super) removals: bool,
    pub(super) changes: bool,
    pub(super) elements: bool,
    pub(super) locks: bool,
    pub(super) others: bool,
    pub(super) numbers_shown: bool,
    pub(super) lists_shown: bool,
    /// A release whose session never acquired: which acquire it ends is not known.
    pub(super) stray_release: bool,
}

/// Reads a history once.
#[derive(Default)]
pub(super) struct Scan {
    index: BTreeMap<Place, usize>,
    pub(super) places: Vec<Touched>,
    pub(super) updates: Vec<Vec<(usize, Update)>>,
    pub(super) shows: Vec<Vec<(usize, Value)>>,
    pub(super) partners: BTreeMap<u32, u32>,
    /// By process and place, the acquire that has no release yet.
    held: BTreeMap<(u32, usize), u32>,
}

impl Scan {
    pub(super) fn add(&mut self, history: &History, id: u32, operation: &Operation) {
        self.updates.push(Vec::new());
        self.shows.push(Vec::new());
        match operation.function {
            Function::Txn => self.transaction(id, operation),
            Function::Dump => {
                for (name, value) in operation.reply().as_map().into_iter().flatten() {
                    let key = history.key_id(&name.as_str().into());
                    if key.is_some() {
                        self.show(id, Place::Key(key), value.clone());
                    }
                }
            }
            _ => self.single(id, operation),
        }
    }

    fn place(&mut self, place: Place) -> usize {
        let next = self.places.len();
        let index = *self.index.entry(place).or_insert(next);
        if index == next {
            self.places.push(Touched::default());
        }
        index
    }

    fn show(&mut self, id: u32, place: Place, value: Value) {
        let place = self.place(place);
        let has = &mut self.places[place].has;
        has.numbers_shown |= value.as_int().is_some();
        has.lists_shown |= value.as_list().is_some();
        self.shows[id as usize].push((place, value));
    }

    fn transaction(&mut self, id: u32, operation: &Operation) {
        let answered = operation.is_ok() && !operation.reply().is_null();
        let micros = if answered { operation.reply() } else { operation.call() };
        for micro in micros.micros().into_iter().flatten().flatten() {
            let place = Place::InTransactions(micro.key.into_owned());
            let value = micro.value.into_owned();
            match micro.function {
                "r" if answered => self.show(id, place, value),
                "r" => {}
                "w" => self.update(id, operation, place, Update::Write(value)),
                "append" => self.update(id, operation, place, Update::Append(value)),
                _ => self.update(id, operation, place, Update::Other),
            }
        }
    }

    fn single(&mut self, id: u32, operation: &Operation) {
        let place = Place::Key(operation.key);
        let value = operation.call().clone();
        let update = match (&operation.function, operation.function.name()) {
            (Function::Read | Function::ReadAll, _) => {
                if operation.is_ok() {
                    self.show(id, place, operation.reply().clone());
                }
                return;
            }
            (Function::Cas, _) => return self.compare_and_set(id, operation, place),
            // What is given answers for itself.
            (Function::Generate, _) => return,
            // What is moved must have been there.
            (Function::Transfer, _) => {
                if operation.is_ok() {
                    self.show(id, place.clone(), Value::Null);
                }
                Update::Other
            }
            (Function::Write, _) => Update::Write(value),
            (Function::Append, _) => Update::Append(value),
            (Function::Add, _) => Update::Add(value),
            (Function::Remove, _) => Update::Remove(value),
            (Function::Increment | Function::Decrement, _) => Update::Change,
            (Function::Enqueue, _) | (_, "push") => Update::Put(value),
            (Function::Dequeue, _) | (_, "pop") if operation.is_ok() => {
                let taken = operation.reply().clone();
                if taken.is_null() {
                    return;
                }
                Update::Take(Some(taken))
            }
            (Function::Drain, _) if operation.is_ok() => {
                for element in operation.reply().as_list().unwrap_or_default() {
                    self.update(id, operation, place.clone(), Update::Take(Some(element.clone())));
                }
                return;
            }
            (Function::Dequeue | Function::Drain, _) | (_, "pop") => Update::Take(None),
            (Function::Acquire, _) => Update::Acquire,
            (Function::Release, _) => Update::Release,
            _ => Update::Other,
        };
        self.update(id, operation, place, update);
    }

    /// It reads what it replaces, also where it may not have happened; one that failed may say what it found.
    fn compare_and_set(&mut self, id: u32, operation: &Operation, place: Place) {
        if operation.outcome == Outcome::Fail {
            if let Some(seen) = operation.seen() {
                self.show(id, place, seen.clone());
            }
            return;
        }
        if let Some((from, to)) = operation.call().as_pair() {
            self.show(id, place.clone(), from.clone());
            self.update(id, operation, place, Update::Write(to.clone()));
        }
    }

    fn update(&mut self, id: u32, operation: &Operation, place: Place, update: Update) {
        let index = self.place(place);
        let touched = &mut self.places[index];
        touched.updates.push(id);
        let has = &mut touched.has;
        match &update {
            Update::Write(value) => {
                has.writes_of_lists |= value.as_list().is_some();
                if operation.is_ok() {
                    touched.overwriters.push(id);
                }
                touched.producers.entry(value.clone()).or_default().push(id);
                for element in value.as_list().unwrap_or_default() {
                    touched.producers.entry(element.clone()).or_default().push(id);
                }
            }
            Update::Append(value) | Update::Add(value) | Update::Put(value) => {
                has.appends |= matches!(update, Update::Append(_));
                has.additions |= matches!(update, Update::Add(_));
                has.elements |= matches!(update, Update::Put(_));
                touched.producers.entry(value.clone()).or_default().push(id);
            }
            Update::Remove(value) => {
                has.removals = true;
                touched.removers.entry(value.clone()).or_default().push(id);
            }
            Update::Take(value) => {
                has.elements = true;
                let takers = match value {
                    Some(value) => touched.takers.entry(value.clone()).or_default(),
                    None => &mut touched.takers_of_unknown,
                };
                takers.push(id);
            }
            Update::Change => has.changes = true,
            Update::Other => has.others = true,
            Update::Acquire | Update::Release => {
                has.locks = true;
                self.lock(id, operation, index, &update);
            }
        }
        self.updates[id as usize].push((index, update));
    }

    fn lock(&mut self, id: u32, operation: &Operation, place: usize, update: &Update) {
        if operation.outcome == Outcome::Fail {
            return;
        }
        let session = (operation.process, place);
        if matches!(update, Update::Acquire) {
            self.held.insert(session, id);
        } else if let Some(acquire) = self.held.remove(&session) {
            self.partners.insert(acquire, id);
            self.partners.insert(id, acquire);
        } else {
            self.places[place].has.stray_release = true;
        }
    }
}
