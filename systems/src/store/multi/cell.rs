//! What a key holds in a store that accepts concurrent writes, and how the writes of several datacentres come together.
//!
//! The same changes give the same cell, in whatever order `delivery` lets them come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use histories::{Node, Value};
use serde::{Deserialize, Serialize};

use super::change::{Change, Effect};
use super::options::Cart;
use crate::store::clock::{HybridTime, Stamp};
use crate::store::few::{Few, put};
use crate::store::siblings::{Dot, Siblings};
use crate::store::single::{Data, cart_value};
use crate::store::{VersionVector, single};

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Cell {
    Last {
        stamp: Stamp,
        data: Data,
    },
    Versions(Siblings<(HybridTime, Data)>),
    /// By origin, so that what two datacentres hold can come together.
    Counter(Few<Node, i64>),
    Items(Few<String, Few<Node, i64>>),
    /// By rising stamp.
    List(Vec<(Stamp, Value)>),
    Set(Additions),
}

/// An observed-remove set: each element with the additions that nothing undid (Bieniusa et al., "An optimized conflict-free
/// replicated set", 2012). An undone addition leaves nothing behind: every change arrives once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Additions {
    /// By rising value.
    pub(super) elements: Vec<(Value, Vec<Dot>)>,
    /// Undone before they arrived, which only overtaking can bring about. Each is forgotten when it arrives.
    pub(super) awaited: BTreeSet<Dot>,
}

impl Additions {
    fn find(&self, value: &Value) -> Result<usize, usize> {
        self.elements.binary_search_by(|(element, _)| element.cmp(value))
    }

    pub(super) fn of(&self, value: &Value) -> Vec<Dot> {
        self.find(value).map_or_else(|_| Vec::new(), |place| self.elements[place].1.clone())
    }

    pub(super) fn add(&mut self, dot: Dot, value: &Value) {
        if self.awaited.remove(&dot) {
            return;
        }
        match self.find(value) {
            Ok(place) => {
                let dots = &mut self.elements[place].1;
                if let Err(place) = dots.binary_search(&dot) {
                    dots.insert(place, dot);
                }
            }
            Err(place) => put(&mut self.elements, place, (value.clone(), vec![dot])),
        }
    }

    fn undo(&mut self, value: &Value, added: &[Dot]) {
        let mut missing: BTreeSet<Dot> = added.iter().copied().collect();
        if let Ok(place) = self.find(value) {
            let dots = &mut self.elements[place].1;
            dots.retain(|dot| !missing.remove(dot));
            if dots.is_empty() {
                self.elements.remove(place);
            }
        }
        self.awaited.extend(missing);
    }
}

impl Cell {
    /// What a change of this kind finds where nothing is.
    fn before(effect: &Effect) -> Option<Self> {
        match effect {
            Effect::Decided(_) => None,
            Effect::Last(data) => Some(Self::Last { stamp: Stamp::ZERO, data: data.clone() }),
            Effect::Version { .. } => Some(Self::Versions(Siblings::default())),
            Effect::Counted { item: None, .. } => Some(Self::Counter(Few::default())),
            Effect::Counted { item: Some(_), .. } => Some(Self::Items(Few::default())),
            Effect::Appended(_) => Some(Self::List(Vec::new())),
            Effect::Added(_) | Effect::Removed { .. } => Some(Self::Set(Additions::default())),
        }
    }

    /// Which kind stays where datacentres took a key for different kinds.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Last { .. } => 0,
            Self::Versions(_) => 1,
            Self::Counter(_) => 2,
            Self::Items(_) => 3,
            Self::List(_) => 4,
            Self::Set(_) => 5,
        }
    }

    /// What a key holds that held nothing, after `change`; nothing where that is no matter of cells.
    pub(super) fn of(change: &Change) -> Option<Self> {
        let mut cell = Self::before(&change.effect)?;
        cell.take(change);
        Some(cell)
    }

    /// Takes `change`, whatever was there. A change of a lower kind than the cell's is without effect.
    pub(super) fn change(&mut self, change: &Change) {
        if self.is_of(&change.effect) {
            return self.take(change);
        }
        if let Some(other) = Self::of(change).filter(|other| other.rank() > self.rank()) {
            *self = other;
        }
    }

    fn is_of(&self, effect: &Effect) -> bool {
        match effect {
            Effect::Decided(_) => false,
            Effect::Last(_) => matches!(self, Self::Last { .. }),
            Effect::Version { .. } => matches!(self, Self::Versions(_)),
            Effect::Counted { item: None, .. } => matches!(self, Self::Counter(_)),
            Effect::Counted { item: Some(_), .. } => matches!(self, Self::Items(_)),
            Effect::Appended(_) => matches!(self, Self::List(_)),
            Effect::Added(_) | Effect::Removed { .. } => matches!(self, Self::Set(_)),
        }
    }

    fn take(&mut self, change: &Change) {
        match (self, &change.effect) {
            (Self::Last { stamp, data }, Effect::Last(new)) if change.stamp() > *stamp => {
                (*stamp, *data) = (change.stamp(), new.clone());
            }
            (Self::Versions(versions), Effect::Version { data, quoted }) => {
                versions.write(change.dot(), data.clone().map(|data| (change.time, data)), quoted);
            }
            (Self::Counter(sums), Effect::Counted { item: None, by }) => count(sums, change.origin, *by),
            (Self::Items(items), Effect::Counted { item: Some(item), by }) => {
                let sums = items.at(&**item);
                count(sums, change.origin, *by);
                if sums.is_empty() {
                    items.remove(&**item);
                }
            }
            (Self::List(items), Effect::Appended(value)) => {
                let place = items.partition_point(|(stamp, _)| *stamp < change.stamp());
                put(items, place, (change.stamp(), value.clone()));
            }
            (Self::Set(set), Effect::Added(value)) => set.add(change.dot(), value),
            (Self::Set(set), Effect::Removed { value, added }) => set.undo(value, added),
            _ => {}
        }
    }

    /// Of the same kind, and empty.
    pub(super) fn nothing(&self) -> Self {
        match self {
            Self::Last { data, .. } => Self::Last { stamp: Stamp::ZERO, data: data.clone() },
            Self::Versions(_) => Self::Versions(Siblings::default()),
            Self::Counter(_) => Self::Counter(Few::default()),
            Self::Items(_) => Self::Items(Few::default()),
            Self::List(_) => Self::List(Vec::new()),
            Self::Set(_) => Self::Set(Additions::default()),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Last { data, .. } => data.kind(),
            Self::Versions(versions) => versions.versions().next().map_or("register", |(_, v)| v.1.kind()),
            Self::Counter(_) => "counter",
            Self::Items(_) => "cart",
            Self::List(_) => "list",
            Self::Set(_) => "set",
        }
    }

    /// What a reader sees; `merged` where siblings are merged for it, a list of them otherwise.
    pub(super) fn value(&self, merged: Option<Cart>) -> Value {
        match self {
            Self::Last { data, .. } => data.value(),
            Self::Versions(versions) => match merged {
                Some(cart) => merge(versions, cart).map_or(Value::Null, |data| data.value()),
                None => Value::list(versions.versions().map(|(_, (_, data))| data.value())),
            },
            Self::Counter(sums) => Value::Int(total(sums)),
            Self::Items(items) => {
                let totals: BTreeMap<String, i64> =
                    items.iter().map(|(item, sums)| (item.clone(), total(sums))).collect();
                cart_value(totals.iter())
            }
            Self::List(items) => Value::list(items.iter().map(|(_, value)| value.clone())),
            Self::Set(set) => Value::list(set.elements.iter().map(|(value, _)| value.clone())),
        }
    }

    pub(super) fn context(&self) -> Option<&VersionVector> {
        match self {
            Self::Versions(versions) => Some(versions.context()),
            _ => None,
        }
    }
}

/// What `origin` counted is kept by itself, and nothing where it comes to nothing.
fn count(sums: &mut Few<Node, i64>, origin: Node, by: i64) {
    let sum = sums.get(&origin).copied().unwrap_or(0).wrapping_add(by);
    if sum == 0 {
        sums.remove(&origin);
    } else {
        sums.insert(origin, sum);
    }
}

fn total(sums: &Few<Node, i64>) -> i64 {
    sums.iter().fold(0, |total, (_, sum)| total.wrapping_add(*sum))
}

/// What the application makes of siblings: the union of sets; of carts every item that some sibling has, as often as in the
/// latest that has it, or as in the one that has most of it.
pub(super) fn merge(versions: &Siblings<(HybridTime, Data)>, cart: Cart) -> Option<Data> {
    let mut by_time: Vec<_> = versions.versions().map(|(dot, (time, data))| (*time, dot, data)).collect();
    by_time.sort_by_key(|(time, dot, _)| (*time, *dot));
    let (_, _, first) = by_time.first()?;
    if matches!(first, Data::Set(_)) {
        let mut union = BTreeSet::new();
        for (_, _, data) in &by_time {
            if let Data::Set(items) = data {
                union.extend(items.iter().cloned());
            }
        }
        return Some(single::Data::Set(Arc::new(union.into_iter().collect())));
    }
    let mut items: BTreeMap<String, i64> = BTreeMap::new();
    for (_, _, data) in &by_time {
        let Data::Cart(other) = data else { continue };
        for (item, count) in other.iter().filter(|(_, count)| **count != 0) {
            let most = if cart == Cart::Maximum { items.get(item).copied() } else { None };
            items.insert(item.clone(), most.map_or(*count, |most| most.max(*count)));
        }
    }
    Some(Data::Cart(Arc::new(items.into_iter().collect())))
}
