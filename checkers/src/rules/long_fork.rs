//! Long fork: two transactions that see two writes in opposite orders, each the one without the other.
//!
//! Keys that are written more than once are left out: of those it is not known which version came first. A value that is
//! read, and that no operation of the history writes, was written elsewhere, and once if all reads of the key agree on it.
//!
//! After Sovran et al., "Transactional storage for geo-replicated systems", SOSP 2011, section 3.

use std::borrow::Cow;
use std::mem;

use histories::{AnomalyKind, Function, History, ModelName, Operation, OperationId, Value};
use rustc_hash::FxHashMap;

use crate::core::accesses::{self, Access};
use crate::core::keys::Keys;
use crate::core::ruling::Ruling;
use crate::{Anomaly, Budget, Exhausted, Witness, words};

pub(super) fn decide(history: &History, budget: &Budget) -> Ruling {
    let transactions = history.operations().iter().any(|op| op.function == Function::Txn);
    if !transactions {
        return Ruling::not_applicable("there are no transactions");
    }
    let mut written = Written::of(history);
    let mut forks = Forks::default();
    let mut ruling = Ruling::default();
    for (i, (id, op)) in history.iter().enumerate() {
        if op.function != Function::Txn || !op.is_ok() {
            continue;
        }
        if i % 4096 == 0 && budget.check().is_err() {
            ruling.undecided.push(Exhausted.to_string());
            break;
        }
        let reads = written.reads(op);
        ruling.judged += usize::from(reads.len() > 1);
        ruling.anomalies.extend(forks.add(history, id, &reads));
    }
    if ruling.judged == 0 && ruling.undecided.is_empty() {
        return Ruling::not_applicable("no transaction reads two keys that are written once");
    }
    ruling
}

/// How often each key is written, and what if once; of keys that nobody writes, what is read.
struct Written<'h> {
    keys: Keys<'h>,
    by_key: Vec<Writes<'h>>,
}

#[derive(Clone)]
enum Writes<'h> {
    None,
    Read(Cow<'h, Value>),
    ReadsDiffer,
    Once(Cow<'h, Value>),
    More,
}

impl<'h> Written<'h> {
    fn of(history: &'h History) -> Self {
        let mut keys = Keys::new(history, history.operations().len());
        let mut by_key = Vec::new();
        for op in history.operations() {
            // What is malformed does nothing that is known, and nothing is said of its keys.
            let _ = accesses::each(op, |access, target, value| {
                let key = keys.id(target) as usize;
                if key >= by_key.len() {
                    by_key.resize(key + 1, Writes::None);
                }
                by_key[key] = match (access, mem::replace(&mut by_key[key], Writes::More)) {
                    (Access::Read, Writes::None) if op.is_ok() && !value.is_null() => Writes::Read(value),
                    (Access::Read, Writes::Read(other))
                        if op.is_ok() && !value.is_null() && value != other =>
                    {
                        Writes::ReadsDiffer
                    }
                    (Access::Read, before) => before,
                    // What another data type made of the key is not known.
                    (Access::Other, _) | (_, Writes::Once(_) | Writes::More) => Writes::More,
                    _ => Writes::Once(value),
                };
            });
        }
        Self { keys, by_key }
    }

    /// What a transaction saw of keys that others write once, in the order of the keys: whether the write. A key that it
    /// wrote itself, or read both ways, tells nothing of a snapshot.
    fn reads(&mut self, op: &'h Operation) -> Vec<(u32, bool)> {
        // Of what tells nothing, no answer.
        let mut seen: Vec<(u32, Option<bool>)> = Vec::new();
        let Self { keys, by_key } = self;
        let _ = accesses::each(op, |access, target, value| {
            let key = keys.id(target);
            let (Writes::Once(written) | Writes::Read(written)) = &by_key[key as usize] else { return };
            let shown = !value.is_null();
            let is_of_one_write = access == Access::Read && (!shown || value == *written);
            seen.push((key, is_of_one_write.then_some(shown)));
        });
        seen.sort_unstable();
        seen.dedup();
        let of_key = seen.chunk_by(|one, next| one.0 == next.0);
        let steady = of_key.filter_map(|answers| match *answers {
            [(key, Some(shown))] => Some((key, shown)),
            _ => None,
        });
        steady.collect()
    }
}

/// By pair of keys, who saw the first alone and who the second alone.
#[derive(Default)]
struct Forks {
    first: FxHashMap<(u32, u32), [Option<OperationId>; 2]>,
}

impl Forks {
    fn add(&mut self, history: &History, id: OperationId, reads: &[(u32, bool)]) -> Option<Anomaly> {
        let mut found = None;
        for (i, &(key, seen)) in reads.iter().enumerate() {
            for &(other, also) in reads[i + 1..].iter().filter(|(_, also)| *also != seen) {
                let sides = self.first.entry((key, other)).or_default();
                sides[usize::from(also)].get_or_insert(id);
                if let [Some(one), Some(two)] = *sides
                    && found.is_none()
                {
                    found = Some(fork(history, one, two));
                }
            }
        }
        found
    }
}

fn fork(history: &History, one: OperationId, two: OperationId) -> Anomaly {
    let client = |id: OperationId| history.operation(id).process;
    let (first, second) = (one.min(two), one.max(two));
    let steps = [first, second].map(|id| words::completed(history, id, "sees one write without the other"));
    Anomaly {
        kind: AnomalyKind::LongFork,
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!(
            "client {} and client {} saw two writes in opposite orders",
            client(first),
            client(second)
        ),
        key: None,
        steps: steps.to_vec(),
        facts: vec!["whichever write came first, one of them saw the other without it".into()],
        witness: Witness { model: ModelName::LongFork, operations: vec![first, second] },
    }
}
