//! The dependencies of a witness as sets of pairs, and whether they have a cycle that a level forbids.

use std::collections::{BTreeMap, BTreeSet};

use histories::Value;

use super::part::{Part, Step};
use super::{Order, Rule};

type Pairs = BTreeSet<(usize, usize)>;

/// The version before every write.
const INITIAL: usize = usize::MAX;

/// So many orders of two versions are assumed before all of them are too many.
const ASSUMPTIONS_MAX: u32 = 20_000;

/// Whether every order of the versions leads to a cycle that the rule forbids; `None` where there are too many.
pub(super) fn violated(part: &Part, rule: Rule, order: Order) -> Option<bool> {
    let keys: BTreeSet<&str> = part.transactions.iter().flat_map(|t| t.keys_written()).collect();
    let keys: Vec<Key> = keys.into_iter().map(|key| Key::of(part, key)).collect();
    let no_lost_update = matches!(rule, Rule::ParallelSnapshot | Rule::Snapshot | Rule::Serializable);
    let orders: Option<Vec<Pairs>> = keys.iter().map(|key| key.order(no_lost_update)).collect();
    let Some(orders) = orders else { return Some(true) };
    let mut search =
        Search { keys: &keys, before: precedence(part, order), rule, no_lost_update, left: ASSUMPTIONS_MAX };
    search.is_violated(&orders)
}

/// Session or real-time order.
fn precedence(part: &Part, order: Order) -> Pairs {
    let all = &part.transactions;
    let precedes = |&(one, two): &(usize, usize)| match order {
        Order::None => false,
        Order::Session => one < two && all[one].process == all[two].process && all[one].is_definite(),
        Order::RealTime => all[one].returned < all[two].invoked,
    };
    let pairs = (0..all.len()).flat_map(|one| (0..all.len()).map(move |two| (one, two)));
    pairs.filter(precedes).collect()
}

struct Search<'a> {
    keys: &'a [Key],
    before: Pairs,
    rule: Rule,
    no_lost_update: bool,
    left: u32,
}

impl Search<'_> {
    /// `orders`: of each key what is known or assumed.
    fn is_violated(&mut self, orders: &[Pairs]) -> Option<bool> {
        if self.has_forbidden_cycle(orders) {
            return Some(true);
        }
        let open = (0..orders.len()).find_map(|at| Some((at, self.keys[at].open_pair(&orders[at])?)));
        let Some((at, (one, two))) = open else { return Some(false) };
        for assumed in [(one, two), (two, one)] {
            self.left = self.left.checked_sub(1)?;
            let mut orders = orders.to_vec();
            orders[at].insert(assumed);
            orders[at] = self.keys[at].closed(orders[at].clone(), self.no_lost_update);
            if !self.is_violated(&orders)? {
                return Some(false);
            }
        }
        Some(true)
    }

    fn has_forbidden_cycle(&self, orders: &[Pairs]) -> bool {
        let (mut write_read, mut write_write, mut read_write) = (Pairs::new(), Pairs::new(), Pairs::new());
        for (key, versions) in self.keys.iter().zip(orders) {
            write_write.extend(versions.iter().filter(|&&(from, _)| from != INITIAL));
            for &(reader, version) in &key.reads {
                if version != INITIAL && version != reader {
                    write_read.insert((version, reader));
                }
                let later = versions.iter().filter(|&&(from, to)| from == version && to != reader);
                read_write.extend(later.map(|&(_, to)| (reader, to)));
            }
        }
        let visible: Pairs = self.before.union(&write_read).copied().collect();
        let snapshot: Pairs = visible.union(&write_write).copied().collect();
        match self.rule {
            Rule::ReadUncommitted => is_cyclic(&write_write),
            Rule::ReadCommitted => is_cyclic(&write_write.union(&write_read).copied().collect()),
            Rule::MonotonicAtomicView => {
                write_read.iter().any(|&(from, to)| read_write.contains(&(to, from)))
                    || is_cyclic(&write_write.union(&write_read).copied().collect())
            }
            Rule::Prefix => {
                is_cyclic(&with_optional(&visible, &read_write).union(&write_write).copied().collect())
            }
            Rule::ParallelSnapshot => {
                with_optional(&closure(&snapshot), &read_write).iter().any(|&(from, to)| from == to)
            }
            Rule::Snapshot => is_cyclic(&with_optional(&snapshot, &read_write)),
            Rule::Serializable => is_cyclic(&snapshot.union(&read_write).copied().collect()),
        }
    }
}

/// One key's versions, by the transactions that installed them.
struct Key {
    writers: BTreeSet<usize>,
    /// Reader and version.
    reads: Pairs,
    /// Of a list, what reads show of it, each on its own.
    lists: Vec<Shown>,
}

/// What a read shows of a list.
struct Shown {
    /// The versions in their order.
    versions: Vec<usize>,
    /// Those of transactions that append more to the list than the read shows.
    torn: Vec<usize>,
}

impl Key {
    fn of(part: &Part, key: &str) -> Self {
        let writers: BTreeSet<usize> =
            (0..part.transactions.len()).filter(|&t| !part.transactions[t].written(key).is_empty()).collect();
        let writer = |value: &Value| {
            let wrote = |&&t: &&usize| part.transactions[t].written(key).contains(&value);
            writers.iter().find(wrote).copied()
        };
        let (mut reads, mut lists) = (Pairs::new(), Vec::new());
        for (reader, transaction) in part.transactions.iter().enumerate() {
            for step in transaction.external() {
                match step {
                    Step::Read(other, value) if other == key => {
                        let version = if value.is_null() { Some(INITIAL) } else { writer(value) };
                        reads.extend(version.map(|version| (reader, version)));
                    }
                    Step::ReadList(other, values) if other == key => {
                        let shown = values.iter().filter_map(writer).next_back();
                        reads.insert((reader, shown.unwrap_or(INITIAL)));
                    }
                    _ => {}
                }
            }
            for step in &transaction.steps {
                if let Step::ReadList(other, values) = step
                    && other == key
                {
                    let versions: Vec<usize> = values.iter().filter_map(writer).collect();
                    let is_torn = |&t: &usize| {
                        let mut written = part.transactions[t].written(key).into_iter();
                        written.any(|value| !values.contains(value))
                    };
                    let torn = versions.iter().copied().filter(is_torn).collect();
                    lists.push(Shown { versions, torn });
                }
            }
        }
        Self { writers, reads, lists }
    }

    /// Which version certainly precedes which, closed under what follows.
    fn order(&self, no_lost_update: bool) -> Option<Pairs> {
        let mut order: Pairs = self.writers.iter().map(|&writer| (INITIAL, writer)).collect();
        for Shown { versions: list, torn } in &self.lists {
            for (at, &version) in list.iter().enumerate() {
                let later = list[at + 1..].iter().copied().filter(|&later| later != version);
                order.extend(later.map(|later| (version, later)));
                // What a read does not show comes behind all that it shows.
                let unseen = self.writers.iter().copied().filter(|writer| !list.contains(writer));
                order.extend(unseen.map(|later| (version, later)));
                // So does what is still to be appended.
                let unfinished = torn.iter().copied().filter(|&later| later != version);
                order.extend(unfinished.map(|later| (version, later)));
            }
        }
        let mut replaced: BTreeMap<usize, usize> = BTreeMap::new();
        for &(reader, version) in self.reads.iter().filter(|(reader, _)| self.writers.contains(reader)) {
            if version != reader {
                order.insert((version, reader));
                let other = replaced.insert(version, reader);
                if no_lost_update && other.is_some_and(|other| other != reader) {
                    return None;
                }
            }
        }
        Some(self.closed(order, no_lost_update))
    }

    /// With all that follows: where a transaction replaced what it had read, no version comes in between.
    fn closed(&self, mut order: Pairs, no_lost_update: bool) -> Pairs {
        let replaced = self.reads.iter().filter(|&&(reader, version)| {
            no_lost_update && version != reader && self.writers.contains(&reader)
        });
        loop {
            let mut grown = closure(&order);
            for &(next, version) in replaced.clone() {
                let after = grown.iter().filter(|&&(from, to)| from == version && to != next);
                let after: Vec<(usize, usize)> = after.map(|&(_, to)| (next, to)).collect();
                let before = grown.iter().filter(|&&(from, to)| to == next && from != version);
                let before: Vec<(usize, usize)> = before.map(|&(from, _)| (from, version)).collect();
                grown.extend(
                    after.into_iter().chain(before).filter(|&(from, to)| to != INITIAL && from != to),
                );
            }
            if grown == order {
                return order;
            }
            order = grown;
        }
    }

    /// Two versions of which neither is known to come first.
    fn open_pair(&self, order: &Pairs) -> Option<(usize, usize)> {
        let writers: Vec<usize> = self.writers.iter().copied().collect();
        let pairs = writers
            .iter()
            .enumerate()
            .flat_map(|(at, &one)| writers[at + 1..].iter().map(move |&two| (one, two)));
        pairs.into_iter().find(|&(one, two)| !order.contains(&(one, two)) && !order.contains(&(two, one)))
    }
}

/// Each pair, and each followed by one of the others.
fn with_optional(first: &Pairs, second: &Pairs) -> Pairs {
    let mut all = first.clone();
    for &(from, over) in first {
        let onward = second.range((over, 0)..=(over, usize::MAX));
        all.extend(onward.map(|&(_, to)| (from, to)));
    }
    all
}

fn closure(pairs: &Pairs) -> Pairs {
    let mut closed = Pairs::new();
    let sources: BTreeSet<usize> = pairs.iter().map(|pair| pair.0).collect();
    for source in sources {
        let mut open = vec![source];
        while let Some(at) = open.pop() {
            for &(_, to) in pairs.range((at, 0)..=(at, usize::MAX)) {
                if closed.insert((source, to)) {
                    open.push(to);
                }
            }
        }
    }
    closed
}

fn is_cyclic(pairs: &Pairs) -> bool {
    closure(pairs).iter().any(|&(from, to)| from == to)
}
