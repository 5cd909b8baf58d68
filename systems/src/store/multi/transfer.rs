//! The whole of what a datacentre holds, for another that is too far behind to be sent changes: what the two know comes
//! together as if each had taken every change of the other.
//!
//! Knows nothing of who sends what; a holding is of one moment, and includes every change that its vector counts.

use std::collections::BTreeSet;

use histories::{Key, Node};
use serde::{Deserialize, Serialize};

use super::cell::{Additions, Cell};
use super::state::State;
use crate::store::clock::HybridTime;
use crate::store::few::Few;
use crate::store::keyed::Keyed;
use crate::store::siblings::Dot;
use crate::store::{VersionVector, single};

/// What a datacentre holds, but for the changes that it keeps for others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Holding {
    pub(super) vector: VersionVector,
    pub(super) time: HybridTime,
    pub(super) homes: single::State,
    pub(super) cells: Keyed<(u64, Cell)>,
}

impl State {
    pub(super) fn holding(&self) -> Holding {
        Holding {
            vector: self.vector.clone(),
            time: self.clock.last(),
            homes: self.homes.clone(),
            cells: self.cells.clone(),
        }
    }

    /// Takes in what `other` holds, at `index` of the own log.
    pub(super) fn take_in(&mut self, index: u64, other: &Holding) {
        let both = Both { own: self.vector.clone(), other: &other.vector };
        for (key, (_, theirs)) in other.cells.sorted() {
            let cell = match self.cells.remove(key) {
                Some((_, own)) => both.cell(own, Some(theirs)),
                None => both.cell(theirs.nothing(), Some(theirs)),
            };
            self.cells.insert(key.clone(), (index, cell));
        }
        let only_here: Vec<Key> =
            self.cells.sorted().into_keys().filter(|key| other.cells.get(key).is_none()).cloned().collect();
        for key in only_here {
            if let Some((version, own)) = self.cells.remove(&key) {
                self.cells.insert(key, (version, both.cell(own, None)));
            }
        }
        let newer = |key: &Key| {
            let home = self.options.home_of(key, self.trails.keys().copied());
            home.is_some_and(|home| both.other_is_ahead(home))
        };
        self.homes.take_over(index, &other.homes, newer);
        for (origin, trail) in &mut self.trails {
            trail.skip_to(other.vector.get(*origin));
        }
        let lasts: Vec<(Node, u64)> =
            self.trails.iter().map(|(origin, trail)| (*origin, trail.last())).collect();
        for (origin, last) in lasts {
            self.raise(origin, last);
        }
        self.clock.observe(other.time);
    }
}

/// How much each of two holdings includes.
struct Both<'v> {
    own: VersionVector,
    other: &'v VersionVector,
}

impl Both<'_> {
    fn other_is_ahead(&self, origin: Node) -> bool {
        self.other.get(origin) > self.own.get(origin)
    }

    fn own_has(&self, dot: Dot) -> bool {
        self.own.get(dot.node) >= dot.count
    }

    fn other_has(&self, dot: Dot) -> bool {
        self.other.get(dot.node) >= dot.count
    }

    /// Where the other holds nothing of a key, it may still know that something was taken away.
    fn cell(&self, own: Cell, theirs: Option<&Cell>) -> Cell {
        let nothing = own.nothing();
        match (own, theirs.unwrap_or(&nothing)) {
            // The kind that stays is the same that changes would leave.
            (own, theirs) if own.rank() > theirs.rank() => own,
            (own, theirs) if own.rank() < theirs.rank() => theirs.clone(),
            (Cell::Last { stamp, data }, Cell::Last { stamp: other, data: theirs }) => {
                if *other > stamp {
                    Cell::Last { stamp: *other, data: theirs.clone() }
                } else {
                    Cell::Last { stamp, data }
                }
            }
            (Cell::Versions(mut own), Cell::Versions(theirs)) => {
                own.merge(theirs);
                Cell::Versions(own)
            }
            (Cell::Counter(own), Cell::Counter(theirs)) => Cell::Counter(self.sums(own, theirs)),
            (Cell::Items(own), Cell::Items(theirs)) => {
                let names: BTreeSet<&String> =
                    own.iter().chain(theirs.iter()).map(|(item, _)| item).collect();
                let none = Few::default();
                let merged = names.into_iter().map(|item| {
                    let held = own.get(item).cloned().unwrap_or_default();
                    (item.clone(), self.sums(held, theirs.get(item).unwrap_or(&none)))
                });
                Cell::Items(merged.filter(|(_, sums)| !sums.is_empty()).collect())
            }
            (Cell::List(mut own), Cell::List(theirs)) => {
                for (stamp, value) in theirs {
                    if let Err(place) = own.binary_search_by_key(stamp, |(stamp, _)| *stamp) {
                        own.insert(place, (*stamp, value.clone()));
                    }
                }
                Cell::List(own)
            }
            (Cell::Set(own), Cell::Set(theirs)) => Cell::Set(self.additions(own, theirs)),
            (own, _) => own,
        }
    }

    /// Each origin counts by itself: whoever has more of its changes has its sum.
    fn sums(&self, mut own: Few<Node, i64>, theirs: &Few<Node, i64>) -> Few<Node, i64> {
        for (origin, _) in self.other.iter().filter(|(origin, _)| self.other_is_ahead(*origin)) {
            match theirs.get(&origin) {
                Some(sum) => own.insert(origin, *sum),
                None => own.remove(&origin),
            }
        }
        own
    }

    /// An addition that one lacks and knows of was undone.
    fn additions(&self, own: Additions, theirs: &Additions) -> Additions {
        let awaited: BTreeSet<Dot> = own.awaited.union(&theirs.awaited).copied().collect();
        let held = |set: &Additions| {
            let dots =
                set.elements.iter().flat_map(|(value, dots)| dots.iter().map(|dot| (value.clone(), *dot)));
            dots.collect::<BTreeSet<_>>()
        };
        let (own, theirs) = (held(&own), held(theirs));
        let mut merged = Additions::default();
        for (value, dot) in own.union(&theirs) {
            let at = (value.clone(), *dot);
            let stays = match (own.contains(&at), theirs.contains(&at)) {
                (true, true) => true,
                (true, false) => !self.other_has(*dot),
                (false, _) => !self.own_has(*dot),
            };
            if stays && !awaited.contains(dot) {
                merged.add(*dot, value);
            }
        }
        merged.awaited =
            awaited.into_iter().filter(|dot| !self.own_has(*dot) && !self.other_has(*dot)).collect();
        merged
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use histories::{Nanos, Value};
    use proptest::prelude::*;

    use super::super::change::{Change, Work};
    use super::super::options::Options;
    use super::*;
    use crate::store::Command;
    use crate::store::single::Machine;

    const NAMES: [Node; 3] = [Node(0), Node(1), Node(2)];

    /// A datacentre, with the changes that it made.
    fn site(options: &Options, me: Node) -> State {
        State::new(options.clone(), me, &NAMES)
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// A client's change at a site.
        Local { at: usize, what: u8 },
        /// Up to so many changes of one origin, in order, from one site to another.
        Ship { from: usize, to: usize, count: usize },
        /// All that a site holds, to another.
        Transfer { from: usize, to: usize },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let local = (0..3_usize, any::<u8>()).prop_map(|(at, what)| Step::Local { at, what });
        let ship =
            (0..3_usize, 0..3_usize, 1..4_usize).prop_map(|(from, to, count)| Step::Ship { from, to, count });
        let transfer = (0..3_usize, 0..3_usize).prop_map(|(from, to)| Step::Transfer { from, to });
        prop::collection::vec(prop_oneof![4 => local, 3 => ship, 1 => transfer], 0..60)
    }

    fn command(what: u8, number: i64) -> Command {
        let key = |name: &str| Key::from(name);
        let value = Value::Int(i64::from(what % 3));
        match what % 8 {
            0 => Command::Write { key: key("r"), value: Value::Int(number) },
            1 => Command::Increment { key: key("c"), by: i64::from(what % 5) - 2 },
            2 => Command::Count { key: key("k"), item: "apple".into(), by: i64::from(what % 3) - 1 },
            3 => Command::Append { key: key("l"), value: Value::Int(number) },
            4 | 5 => Command::Add { key: key("s"), value },
            6 => Command::Remove { key: key("s"), value },
            _ => Command::Write { key: key("mv/v"), value: Value::Int(number) },
        }
    }

    /// Ships all that `to` lacks of what `from` has, in any order that causality allows.
    fn ship(sites: &mut [State], from: usize, to: usize, count: usize) {
        let has = sites[to].vector.clone();
        let lacks: Vec<Arc<Change>> = sites[from]
            .trails
            .iter()
            .flat_map(|(origin, trail)| trail.following(has.get(*origin), count).cloned().collect::<Vec<_>>())
            .collect();
        sites[to].apply(0, &Work::Remote(lacks));
    }

    proptest! {
        /// Whatever is shipped and whatever is taken over whole, in the end all hold the same, and what they would hold
        /// without any transfer.
        #[test]
        fn a_transfer_is_as_good_as_all_changes(steps in steps()) {
            let options = Options { conflict: super::super::options::Conflict::Crdt, ..Options::default() };
            let mut sites: Vec<State> = NAMES.iter().map(|me| site(&options, *me)).collect();
            let mut plain = sites.clone();
            for (number, step) in (1..).zip(&steps) {
                match *step {
                    Step::Local { at, what } => {
                        let (command, wall) = (command(what, number), Nanos(number as u64));
                        let work = Work::Local { command, quoted: VersionVector::default(), wall };
                        sites[at].apply(0, &work);
                        // What it came to, a removal for one, depends on what the site had seen.
                        let change = sites[at].trails[&NAMES[at]].newest().cloned();
                        plain[at].apply(0, &Work::Remote(change.into_iter().collect()));
                    }
                    Step::Ship { from, to, count } => ship(&mut sites, from, to, count),
                    Step::Transfer { from, to } => {
                        let holding = sites[from].holding();
                        sites[to].apply(0, &Work::Holding(Box::new(holding)));
                    }
                }
            }
            for round in 0..6 {
                let (from, to) = (round % 3, (round + 1) % 3);
                let holding = sites[from].holding();
                sites[to].apply(0, &Work::Holding(Box::new(holding)));
                ship(&mut plain, from, to, usize::MAX);
            }
            let value = |state: &State| state.dump().into_iter().map(|(key, entry)| (key, entry.value)).collect::<Vec<_>>();
            prop_assert_eq!(value(&sites[0]), value(&sites[1]));
            prop_assert_eq!(value(&sites[1]), value(&sites[2]));
            prop_assert_eq!(value(&plain[0]), value(&sites[0]));
        }
    }
}
