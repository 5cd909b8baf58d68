//! Queues and stacks, a few elements at a time: what these few contradict, no order of all elements explains.
//!
//! It never says that there is an order, only that there is none.

use std::collections::{BTreeMap, BTreeSet};

use histories::Value;

use super::accesses::{Deed, Objects};
use super::frontier::order;
use super::objects::{Access, State};
use super::search::Found;
use crate::Budget;
use crate::models::{QueueCall, StackCall};

/// How long the search for an order of a few elements may be.
const DEAD_ENDS_MAX: u64 = 2_000;

/// Deeds on one or two elements that have no order, if there are such.
pub(super) fn contradiction(objects: &Objects, budget: &Budget) -> Option<Vec<Deed>> {
    let holds_elements = |state: &State| matches!(state, State::Queue(_) | State::Stack(_));
    let with_elements = (0..).zip(&objects.initial).filter(|(_, state)| holds_elements(state));
    with_elements.map(|(object, _)| object).find_map(|object| {
        let table = Table::of(objects, object);
        let single = table.suspects().into_iter().map(|element| vec![element]);
        let pairs = table.turned_around().into_iter().map(|(one, other)| vec![one, other]);
        single.chain(pairs).find_map(|few| {
            let part = only(objects, object, |element| few.contains(&element));
            let rank = vec![0; part.deeds.len()];
            (order(&part, &rank, DEAD_ENDS_MAX, budget) == Found::Nothing).then_some(part.deeds)
        })
    })
}

/// What is done to some elements of one object.
fn only(objects: &Objects, object: u32, is_one: impl Fn(&Value) -> bool) -> Objects {
    let on_object = objects.deeds.iter().filter(|deed| deed.object == object);
    let deeds = on_object.filter_map(|deed| {
        let access = deed.access.of_elements(&is_one)?;
        (!access.only_reads()).then(|| Deed { access, ..deed.clone() })
    });
    Objects { initial: objects.initial.clone(), deeds: deeds.collect() }
}

/// All objects without some elements of one of them.
pub(super) fn without(objects: &Objects, object: u32, left_out: &BTreeSet<Value>) -> Objects {
    let deeds = objects.deeds.iter().filter_map(|deed| {
        if deed.object != object {
            return Some(deed.clone());
        }
        let access = deed.access.of_elements(|element| !left_out.contains(element))?;
        Some(Deed { access, ..deed.clone() })
    });
    Objects { initial: objects.initial.clone(), deeds: deeds.collect() }
}

/// The elements of an object that operations put in or take out one by one.
pub(super) fn elements(objects: &Objects, object: u32) -> BTreeSet<Value> {
    let on_object = objects.deeds.iter().filter(|deed| deed.object == object);
    on_object.filter_map(|deed| deed.access.element()).cloned().collect()
}

/// The deeds of one object by element, each list in the order of the sessions.
struct Table<'o> {
    deeds: &'o [Deed],
    object: u32,
    puts: BTreeMap<&'o Value, Vec<usize>>,
    takes: BTreeMap<&'o Value, Vec<usize>>,
}

impl<'o> Table<'o> {
    fn of(objects: &'o Objects, object: u32) -> Self {
        let (mut puts, mut takes) = (BTreeMap::new(), BTreeMap::new());
        let on_object = objects.deeds.iter().enumerate().filter(|(_, deed)| deed.object == object);
        for (i, deed) in on_object {
            let list = match &deed.access {
                Access::Queue(QueueCall::Enqueue(_), _) | Access::Stack(StackCall::Push(_), _) => &mut puts,
                _ => &mut takes,
            };
            let drained = match &deed.access {
                Access::Queue(QueueCall::Drain, Some(taken)) => taken.as_list().unwrap_or_default(),
                _ => &[],
            };
            for element in deed.access.element().into_iter().chain(drained) {
                list.entry(element).or_insert_with(Vec::new).push(i);
            }
        }
        Self { deeds: &objects.deeds, object, puts, takes }
    }

    /// Elements that come out more often than they are put in, or whose session took them before it put them in.
    fn suspects(&self) -> Vec<&'o Value> {
        let is_suspect = |&(element, takes): &(&&Value, &Vec<usize>)| {
            let puts = self.puts.get(*element).map(Vec::as_slice).unwrap_or_default();
            let before = |&take: &usize, &put: &usize| {
                take < put && self.deeds[take].process == self.deeds[put].process
            };
            takes.len() > puts.len() || takes.iter().any(|take| puts.iter().any(|put| before(take, put)))
        };
        self.takes.iter().filter(is_suspect).map(|(&element, _)| element).collect()
    }

    /// Pairs of elements of a queue that one session put in one after the other, and one took out the other way round.
    fn turned_around(&self) -> Vec<(&'o Value, &'o Value)> {
        let mut pairs = Vec::new();
        // By session that takes and session that puts, the place of the latest put of what was taken so far.
        let mut latest: BTreeMap<(u32, u32), (usize, &Value)> = BTreeMap::new();
        for deed in self.deeds.iter().filter(|deed| deed.object == self.object) {
            let Access::Queue(QueueCall::Dequeue, Some(_)) = &deed.access else { continue };
            let Some(element) = deed.access.element() else { continue };
            let Some(&[put]) = self.puts.get(element).map(Vec::as_slice) else { continue };
            let sessions = (deed.process, self.deeds[put].process);
            match latest.get(&sessions) {
                Some(&(place, other)) if put < place => pairs.push((element, other)),
                _ => {
                    latest.insert(sessions, (put, element));
                }
            }
        }
        pairs
    }
}
