//! The levels by their definitions: for some choice of the transactions of unknown outcome and some order of each key's
//! writers, no flaw and no forbidden cycle. It knows nothing of the checker but the names of levels.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::super::level::{Level, Order, Rule};
use super::generate::{Objects, Outcome, Run, Step};

type Pairs = BTreeSet<(usize, usize)>;

pub(super) fn holds(run: &Run, level: Level) -> bool {
    let open: Vec<usize> =
        (0..run.transactions.len()).filter(|&t| run.transactions[t].outcome == Outcome::Info).collect();
    (0..1u32 << open.len()).any(|mask| {
        let committed: Vec<usize> = (0..run.transactions.len())
            .filter(|t| match run.transactions[*t].outcome {
                Outcome::Ok => true,
                Outcome::Fail => false,
                Outcome::Info => {
                    open.iter().position(|other| other == t).is_some_and(|at| mask >> at & 1 == 1)
                }
            })
            .collect();
        orders(run, &committed).iter().any(|order| {
            let world = |pick| World {
                run,
                committed: &committed,
                order,
                pick: Cell::new(pick),
                picks: Cell::new(1),
            };
            let first = world(0);
            first.allows(level) || (1..first.picks.get()).any(|pick| world(pick).allows(level))
        })
    })
}

/// For each key, every order of its writers.
fn orders(run: &Run, committed: &[usize]) -> Vec<Vec<Vec<usize>>> {
    let mut all: Vec<Vec<Vec<usize>>> = vec![Vec::new()];
    for key in 0..3 {
        let writers: Vec<usize> =
            committed.iter().copied().filter(|&t| !written(run, t, key).is_empty()).collect();
        let choices = permutations(&writers);
        all = all
            .iter()
            .flat_map(|order| {
                choices.iter().map(move |choice| [order.as_slice(), std::slice::from_ref(choice)].concat())
            })
            .collect();
    }
    all
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    let Some((&first, rest)) = items.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in permutations(rest) {
        for at in 0..=order.len() {
            let mut longer = order.clone();
            longer.insert(at, first);
            all.push(longer);
        }
    }
    all
}

fn written(run: &Run, t: usize, key: usize) -> Vec<i64> {
    let values = run.transactions[t].steps.iter().filter_map(|step| match step {
        Step::Write(other, value) if *other == key => Some(*value),
        _ => None,
    });
    values.collect()
}

struct World<'a> {
    run: &'a Run,
    committed: &'a [usize],
    order: &'a [Vec<usize>],
    /// Which of several writers of its value each read takes, as the digits of a number.
    pick: Cell<usize>,
    /// How many such choices there are, all together, as far as reads have been looked at.
    picks: Cell<usize>,
}

/// What a read tells: the version as a place in its key's order, from 1; 0 is the initial one.
struct Read {
    t: usize,
    key: usize,
    version: usize,
}

impl World<'_> {
    fn allows(&self, level: Level) -> bool {
        let committed = level.rule >= Rule::ReadCommitted;
        let Some(reads) = self.reads(level.rule) else { return false };
        if committed && self.rests_on_aborted() {
            return false;
        }
        let (mut ww, mut wr, mut rw) = (Pairs::new(), Pairs::new(), Pairs::new());
        for order in self.order {
            for (at, &one) in order.iter().enumerate() {
                ww.extend(order[at + 1..].iter().map(|&other| (one, other)));
            }
        }
        for read in &reads {
            let order = &self.order[read.key];
            if read.version > 0 && order[read.version - 1] != read.t {
                wr.insert((order[read.version - 1], read.t));
            }
            rw.extend(
                order[read.version..].iter().filter(|&&later| later != read.t).map(|&later| (read.t, later)),
            );
        }
        let so = self.session_order(level.order);
        let visible: Pairs = so.union(&wr).copied().collect();
        match level.rule {
            Rule::ReadUncommitted => acyclic(&ww),
            Rule::ReadCommitted => acyclic(&ww.union(&wr).copied().collect()),
            Rule::MonotonicAtomicView => {
                acyclic(&ww.union(&wr).copied().collect()) && self.is_monotonic(&reads)
            }
            Rule::Prefix => acyclic(&optional(&visible, &rw).union(&ww).copied().collect()),
            Rule::ParallelSnapshot => {
                let paths = paths(&visible.union(&ww).copied().collect());
                optional(&paths, &rw).iter().all(|(from, to)| from != to)
            }
            Rule::Snapshot => acyclic(&optional(&visible.union(&ww).copied().collect(), &rw)),
            Rule::Serializable => acyclic(&visible.union(&ww).chain(&rw).copied().collect()),
        }
    }

    fn session_order(&self, order: Order) -> Pairs {
        let all = &self.run.transactions;
        let precedes = |&(one, two): &(usize, usize)| match order {
            Order::None => false,
            Order::Session => {
                one < two && all[one].session == all[two].session && all[one].outcome == Outcome::Ok
            }
            Order::RealTime => all[one].outcome == Outcome::Ok && all[one].returned < all[two].invoked,
        };
        let pairs = self.committed.iter().flat_map(|&one| self.committed.iter().map(move |&two| (one, two)));
        pairs.filter(precedes).collect()
    }

    fn is_monotonic(&self, reads: &[Read]) -> bool {
        reads.iter().enumerate().all(|(at, later)| {
            reads[..at].iter().filter(|earlier| earlier.t == later.t && earlier.version > 0).all(|earlier| {
                let seen = self.order[earlier.key][earlier.version - 1];
                let own = self.order[later.key].iter().position(|&writer| writer == seen);
                seen == later.t || own.is_none_or(|own| own < later.version)
            })
        })
    }

    /// The external reads in program order; `None` where a read shows what this world does not have, or a flaw that is
    /// forbidden once only what was committed may be read.
    fn reads(&self, rule: Rule) -> Option<Vec<Read>> {
        let mut reads = Vec::new();
        for &t in self.committed.iter().filter(|&&t| self.run.transactions[t].outcome == Outcome::Ok) {
            let steps = &self.run.transactions[t].steps;
            for (at, step) in steps.iter().enumerate() {
                let Step::Read(key, shown) = step else { continue };
                let own: Vec<i64> = steps[..at]
                    .iter()
                    .filter_map(|step| match step {
                        Step::Write(other, value) if other == key => Some(*value),
                        _ => None,
                    })
                    .collect();
                match self.run.objects {
                    Objects::Registers => self.register(t, *key, shown, &own, &mut reads)?,
                    Objects::Lists => self.list(t, *key, shown, &own, rule, &mut reads)?,
                }
            }
        }
        Some(reads)
    }

    fn register(
        &self,
        t: usize,
        key: usize,
        shown: &[i64],
        own: &[i64],
        reads: &mut Vec<Read>,
    ) -> Option<()> {
        let value = shown.last();
        if let Some(last) = own.last() {
            return (value == Some(last)).then_some(());
        }
        let version = match value {
            None => 0,
            Some(value) => {
                let order = &self.order[key];
                let fits =
                    |&at: &usize| order[at] != t && written(self.run, order[at], key).last() == Some(value);
                let all: Vec<usize> = (0..order.len()).filter(fits).collect();
                let chosen = self.pick.get() % all.len().max(1);
                self.pick.set(self.pick.get() / all.len().max(1));
                self.picks.set(self.picks.get() * all.len().max(1));
                1 + all.get(chosen)?
            }
        };
        reads.push(Read { t, key, version });
        Some(())
    }

    fn list(
        &self,
        t: usize,
        key: usize,
        shown: &[i64],
        own: &[i64],
        rule: Rule,
        reads: &mut Vec<Read>,
    ) -> Option<()> {
        let committed = rule >= Rule::ReadCommitted;
        let aborted = self.aborted(key);
        if committed && shown.iter().any(|value| aborted.contains(value)) {
            return None;
        }
        let shown: Vec<i64> = shown.iter().copied().filter(|value| !aborted.contains(value)).collect();
        let blocks: Vec<Vec<i64>> =
            self.order[key].iter().map(|&writer| written(self.run, writer, key)).collect();
        let all = blocks.concat();
        if !all.starts_with(&shown) {
            return None;
        }
        if !committed {
            return Some(());
        }
        let ends: Vec<usize> = (0..=blocks.len()).map(|count| blocks[..count].concat().len()).collect();
        let base = shown.len().checked_sub(own.len())?;
        if !shown.ends_with(own) {
            return None;
        }
        let version = ends.iter().position(|&end| end == base)?;
        // Nothing of its own but what it has appended so far.
        if self.order[key][..version].contains(&t) {
            return None;
        }
        if own.is_empty() {
            reads.push(Read { t, key, version });
        } else {
            // A snapshot that was read before the own appends tells what was there.
            let before = reads.iter().rev().find(|read| read.t == t && read.key == key);
            if rule >= Rule::Prefix && before.is_some_and(|before| before.version != version) {
                return None;
            }
            // Between what was there and the own appends nothing came.
            if self.order[key].get(version) != Some(&t) {
                return None;
            }
        }
        Some(())
    }

    /// Elements that none but transactions which did not commit would have appended.
    fn aborted(&self, key: usize) -> BTreeSet<i64> {
        let (committed, failed): (Vec<usize>, Vec<usize>) =
            (0..self.run.transactions.len()).partition(|t| self.committed.contains(t));
        let all =
            |of: &[usize]| of.iter().flat_map(|&t| written(self.run, t, key)).collect::<BTreeSet<i64>>();
        all(&failed).difference(&all(&committed)).copied().collect()
    }

    /// Whether a read of any transaction that committed shows a committed element behind an aborted one.
    fn rests_on_aborted(&self) -> bool {
        self.run.objects == Objects::Lists
            && self.committed.iter().filter(|&&t| self.run.transactions[t].outcome == Outcome::Ok).any(|&t| {
                self.run.transactions[t].steps.iter().any(|step| match step {
                    Step::Read(key, shown) => shown.iter().any(|value| self.aborted(*key).contains(value)),
                    Step::Write(..) => false,
                })
            })
    }
}

fn optional(first: &Pairs, second: &Pairs) -> Pairs {
    let onward = first.iter().flat_map(|&(from, over)| {
        second.iter().filter(move |pair| pair.0 == over).map(move |&(_, to)| (from, to))
    });
    first.iter().copied().chain(onward).collect()
}

fn paths(pairs: &Pairs) -> Pairs {
    let mut closed = pairs.clone();
    loop {
        let longer: Pairs = closed
            .iter()
            .flat_map(|&(from, over)| {
                pairs.iter().filter(move |pair| pair.0 == over).map(move |&(_, to)| (from, to))
            })
            .collect();
        let before = closed.len();
        closed.extend(longer);
        if closed.len() == before {
            return closed;
        }
    }
}

fn acyclic(pairs: &Pairs) -> bool {
    paths(pairs).iter().all(|(from, to)| from != to)
}
