//! Whether some order of a few operations is legal, by trying all of them.

use std::collections::HashSet;

use histories::Value;

use crate::action::Action;
use crate::state::State;

/// So many operations are compared, each with each.
const ENTRIES_MAX: usize = 2_000;
/// So many states are tried.
const STATES_MAX: usize = 200_000;
/// Operations are looked at so often, over all states.
const LOOKS_MAX: usize = 100_000_000;

/// An operation that an order has to hold, or may.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) action: Action,
    /// Which object it is on: an index of the initial states.
    pub(crate) object: usize,
    /// Whether it certainly took effect.
    pub(crate) required: bool,
}

/// An operation on the one object there is, in time.
#[derive(Clone, Debug)]
pub(crate) struct Timed {
    pub(crate) invoked: u64,
    /// `u64::MAX` where nothing bounds when it took effect.
    pub(crate) returned: u64,
    pub(crate) entry: Entry,
}

/// Whether some order that respects time is legal; `None` where that is too much to try.
pub(crate) fn linearizable(mut operations: Vec<Timed>, initial: State) -> Option<bool> {
    operations.sort_by_key(|op| op.invoked);
    let before = |a: usize, b: usize| operations[a].returned < operations[b].invoked;
    let entries: Vec<Entry> = operations.iter().map(|op| op.entry.clone()).collect();
    legal(&entries, before, vec![initial])
}

/// Whether some order is legal that holds all required operations and any of the others, and in which no operation stands
/// behind one that it comes before; `None` where that is too much to try.
pub(crate) fn legal(
    entries: &[Entry],
    before: impl Fn(usize, usize) -> bool,
    initial: Vec<State>,
) -> Option<bool> {
    if entries.len() > ENTRIES_MAX {
        return None;
    }
    let trial = Trial::new(entries, before);
    let mut tried = HashSet::new();
    let mut open = vec![(Places::none(entries.len()), initial)];
    let mut looks = 0_usize;
    while let Some((done, states)) = open.pop() {
        if trial.required.is_within(&done) {
            return Some(true);
        }
        looks += entries.len();
        if tried.len() > STATES_MAX || looks > LOOKS_MAX {
            return None;
        }
        let mut next = Vec::new();
        for (i, entry) in entries.iter().enumerate().filter(|&(i, _)| trial.may_be_next(i, &done)) {
            let mut object = states[entry.object].clone();
            if !object.apply(&entry.action) {
                continue;
            }
            let (mut done, mut states) = (done.clone(), states.clone());
            done.insert(i);
            if trial.is_hopeless(entry.object, &object, &done) {
                continue;
            }
            states[entry.object] = object;
            // What only looks, and is right now, loses nothing by being next.
            let is_enough = entry.required && entry.action.only_looks();
            if is_enough {
                next.clear();
            }
            next.push((done, states));
            if is_enough {
                break;
            }
        }
        next.retain(|state| tried.insert(state.clone()));
        open.extend(next);
    }
    Some(false)
}

/// What can be said of operations whatever the state.
struct Trial<'e> {
    required: Places,
    /// By operation, the required ones that come before it.
    after: Vec<Places>,
    /// By operation that is not required, those that it comes before: it is too late for it once one of them is done.
    followers: Vec<Option<Places>>,
    /// By operation that is not required, one just like it, invoked no later, that goes first.
    twin: Vec<Option<usize>>,
    /// Reads of strings and lists that have to be placed.
    shown: Vec<Shown<'e>>,
}

/// A read of all that a string or a list holds.
struct Shown<'e> {
    place: usize,
    entry: &'e Entry,
    /// The operations that replace all and leave what the read's answer begins with.
    begun_by: Places,
}

impl<'e> Trial<'e> {
    fn new(entries: &'e [Entry], before: impl Fn(usize, usize) -> bool) -> Self {
        let count = entries.len();
        let required = Places::of(count, |i| entries[i].required);
        let after: Vec<Places> = (0..count)
            .map(|i| Places::of(count, |other| entries[other].required && before(other, i)))
            .collect();
        let followers: Vec<Option<Places>> = (0..count)
            .map(|i| (!entries[i].required).then(|| Places::of(count, |other| before(i, other))))
            .map(|followers| followers.filter(|followers| !followers.is_empty()))
            .collect();
        let is_free = |i: usize| !entries[i].required && followers[i].is_none();
        let is_like = |i: usize, other: usize| {
            is_free(other)
                && entries[i].object == entries[other].object
                && entries[i].action == entries[other].action
                && after[other].is_within(&after[i])
        };
        let twin = (0..count)
            .map(|i| if is_free(i) { (0..i).rev().find(|&other| is_like(i, other)) } else { None })
            .collect();
        let shown = entries.iter().enumerate().filter(|(_, entry)| entry.required);
        let shown = shown.filter_map(|(place, entry)| {
            let Action::Show(seen) = &entry.action else { return None };
            let begins = |i: usize| {
                let other = &entries[i];
                let put = if let Action::Put(put) = &other.action { Some(put) } else { None };
                other.object == entry.object && put.is_some_and(|put| is_beginning(put, seen))
            };
            Some(Shown { place, entry, begun_by: Places::of(count, begins) })
        });
        let shown = shown.collect();
        Self { required, after, followers, twin, shown }
    }

    /// Whether a string or a list holds what some read to come does not begin with, and nothing is left that would replace
    /// it: what is appended only makes it longer.
    fn is_hopeless(&self, object: usize, state: &State, done: &Places) -> bool {
        self.shown.iter().any(|shown| {
            let Action::Show(seen) = &shown.entry.action else { return false };
            let begins = match state {
                State::Text(held) => seen.as_text().is_some_and(|seen| seen.starts_with(held.as_str())),
                State::List(held) => crate::action::items(seen).starts_with(held),
                _ => true,
            };
            shown.entry.object == object
                && !begins
                && !done.holds(shown.place)
                && shown.begun_by.is_within(done)
        })
    }

    fn may_be_next(&self, i: usize, done: &Places) -> bool {
        !done.holds(i)
            && self.after[i].is_within(done)
            && self.followers[i].as_ref().is_none_or(|followers| !followers.meets(done))
            && self.twin[i].is_none_or(|twin| done.holds(twin))
    }
}

/// Whether a string or a list begins with another.
fn is_beginning(start: &Value, whole: &Value) -> bool {
    match (start, whole) {
        (Value::Text(start), Value::Text(whole)) => whole.as_str().starts_with(start.as_str()),
        _ => crate::action::items(whole).starts_with(crate::action::items(start)),
    }
}

/// A set of operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Places(Vec<u64>);

impl Places {
    fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn of(count: usize, holds: impl Fn(usize) -> bool) -> Self {
        let mut places = Self::none(count);
        (0..count).filter(|&i| holds(i)).for_each(|i| places.insert(i));
        places
    }

    fn insert(&mut self, i: usize) {
        self.0[i / 64] |= 1 << (i % 64);
    }

    fn holds(&self, i: usize) -> bool {
        self.0[i / 64] >> (i % 64) & 1 == 1
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, other)| one & !other == 0)
    }

    fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }
}
