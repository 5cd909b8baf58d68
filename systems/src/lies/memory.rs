//! What a liar remembers of the true answers, to lie by.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use histories::{Function, Key, Op, Value};
use nemesis::Dice;

use super::transactions::{Access, accesses};

/// Answers that are remembered of a key, of all keys, and identifiers.
const VERSIONS_MAX: usize = 64;
const RECENT_MAX: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Memory {
    /// By key, what it was seen to hold, in the order in which that was learnt.
    versions: BTreeMap<Key, VecDeque<Value>>,
    /// The latest of these over all keys.
    recent: VecDeque<(Key, Value)>,
    /// Keys that are counted up and down.
    counters: BTreeSet<Key>,
    identifiers: VecDeque<Value>,
    /// By lock, who holds it and what it was told.
    holders: BTreeMap<Key, (u32, Value)>,
    /// What transactions would have written that were refused.
    pub(super) refused: VecDeque<Access>,
}

impl Memory {
    pub(super) fn asked(&mut self, op: &Op) {
        if let (Function::Increment | Function::Decrement, Some(key)) = (&op.function, &op.key) {
            self.counters.insert(key.clone());
        }
    }

    /// An operation took effect, and this was answered.
    pub(super) fn learn(&mut self, client: u32, asked: &Op, answer: &Value) {
        match (&asked.function, &asked.key) {
            (Function::Read | Function::ReadAll, Some(key)) => self.saw(key, answer.clone()),
            (Function::Write, Some(key)) => self.saw(key, asked.value.clone()),
            (Function::Cas, Some(key)) => {
                if let Some((_, to)) = asked.value.as_pair() {
                    self.saw(key, to.clone());
                }
            }
            (Function::Generate, _) => remember(&mut self.identifiers, answer.clone(), RECENT_MAX),
            (Function::Acquire, key) => {
                self.holders.insert(lock(key.as_ref()), (client, answer.clone()));
            }
            (Function::Release, key) => {
                self.holders.remove(&lock(key.as_ref()));
            }
            (Function::Txn, _) => {
                let whole = Op { value: answer.clone(), ..asked.clone() };
                // What an append leaves behind is not known before it is read.
                for access in accesses(&whole).into_iter().filter(|access| !access.is_append()) {
                    self.saw(&access.key, access.value);
                }
            }
            _ => {}
        }
    }

    fn saw(&mut self, key: &Key, value: Value) {
        let versions = self.versions.entry(key.clone()).or_default();
        if versions.back() != Some(&value) {
            remember(versions, value.clone(), VERSIONS_MAX);
            remember(&mut self.recent, (key.clone(), value), RECENT_MAX);
        }
    }

    /// What the key held before it held `value`, at most so many versions ago.
    pub(super) fn older(&self, key: &Key, value: &Value, versions: u16, dice: &mut Dice) -> Option<Value> {
        let seen = self.versions.get(key)?;
        let newest = seen.iter().rposition(|version| version == value)?;
        let first = newest.saturating_sub(usize::from(versions));
        let older: Vec<&Value> = seen.range(first..newest).filter(|version| *version != value).collect();
        dice.pick(&older).map(|version| (*version).clone())
    }

    /// What another key was last seen to hold, where that is something else.
    pub(super) fn of_another(&self, key: &Key, value: &Value) -> Option<Value> {
        let differs = |(other, held): &&(Key, Value)| other != key && held != value && !held.is_null();
        self.recent.iter().rev().find(differs).map(|(_, held)| held.clone())
    }

    pub(super) fn is_counter(&self, key: &Key) -> bool {
        self.counters.contains(key)
    }

    /// An identifier that was given out before, other than this.
    pub(super) fn identifier(&self, other_than: &Value) -> Option<Value> {
        self.identifiers.iter().rev().find(|identifier| *identifier != other_than).cloned()
    }

    /// What another client was told that holds the lock now.
    pub(super) fn held_by_another(&self, client: u32, op: &Op) -> Option<Value> {
        let (holder, told) = self.holders.get(&lock(op.key.as_ref()))?;
        (*holder != client).then(|| told.clone())
    }

    pub(super) fn refuse(&mut self, access: Access) {
        remember(&mut self.refused, access, RECENT_MAX);
    }
}

/// A lock without a name is the only one.
pub(super) fn lock(key: Option<&Key>) -> Key {
    key.cloned().unwrap_or_else(|| Key::from(""))
}

fn remember<T>(seen: &mut VecDeque<T>, item: T, most: usize) {
    if seen.len() >= most {
        seen.pop_front();
    }
    seen.push_back(item);
}
