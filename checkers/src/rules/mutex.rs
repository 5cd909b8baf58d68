//! Locks: one holder at a time.
//!
//! It never judges a lock that is given back by somebody who had not taken it: whose hold that ends, nobody knows.
//!
//! A hold is certain from the acknowledgement of its acquisition to the beginning of its release. Holds can be put in
//! an order exactly where no two of these overlap: each then takes effect at its two ends.
//!
//! Where an acquisition is answered with a fencing token, `{"fence":7}`, each one is given a larger token than those that ended
//! before it began, and none the token of another. A token of 0 is none.

use std::collections::BTreeMap;

use histories::{AnomalyKind, Function, History, KeyId, ModelName, Nanos, OperationId, Outcome, Value};

use crate::core::ruling::Ruling;
use crate::{Anomaly, Budget, Witness, words};

pub(super) fn decide(history: &History, _budget: &Budget) -> Ruling {
    let mut locks: BTreeMap<Option<KeyId>, Lock> = BTreeMap::new();
    for (id, op) in history.iter() {
        if matches!(op.function, Function::Acquire | Function::Release) {
            locks.entry(op.key).or_default().add(history, id);
        }
    }
    if locks.is_empty() {
        return Ruling::not_applicable("no operation acquires a lock");
    }
    let mut ruling = Ruling::default();
    for (key, mut lock) in locks {
        ruling.judged += lock.holds.len();
        ruling.anomalies.extend(lock.stale_fence(history));
        match lock.stranger {
            Some(id) => {
                let client = history.operation(id).process;
                let name = words::key(history, key);
                ruling.undecided.push(format!("{name}: client {client} released what it had not acquired"));
            }
            None => ruling.anomalies.extend(lock.overlaps(history)),
        }
    }
    if ruling.judged == 0 {
        ruling.undecided.push("no lock was acquired".into());
    }
    ruling
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    acquired: OperationId,
    from: Nanos,
    released: Option<OperationId>,
    to: Nanos,
    /// The fencing token that came with it.
    fence: Option<i64>,
}

#[derive(Debug, Default)]
struct Lock {
    holds: Vec<Hold>,
    /// By process, the places of its holds that are not released.
    open: BTreeMap<u32, Vec<usize>>,
    /// A release by somebody who held nothing.
    stranger: Option<OperationId>,
}

impl Lock {
    fn add(&mut self, history: &History, id: OperationId) {
        let op = history.operation(id);
        let open = self.open.entry(op.process).or_default();
        match (&op.function, op.outcome) {
            (_, Outcome::Fail) | (Function::Acquire, Outcome::Info) => {}
            (Function::Acquire, Outcome::Ok) => {
                open.push(self.holds.len());
                let fence = fence(op.reply());
                let hold = Hold { acquired: id, from: op.completed, released: None, to: Nanos::MAX, fence };
                self.holds.push(hold);
            }
            _ => match open.pop() {
                Some(place) => {
                    (self.holds[place].released, self.holds[place].to) = (Some(id), op.invoked);
                }
                None => self.stranger = self.stranger.or(Some(id)),
            },
        }
    }

    /// The first acquisition that was given a token of another one, or a smaller one than one that ended before it began.
    fn stale_fence(&self, history: &History) -> Option<Anomaly> {
        let began = |hold: &Hold| history.operation(hold.acquired).invoked;
        let fenced = || self.holds.iter().filter_map(|hold| Some((hold, hold.fence?)));
        let mut by_begin: Vec<(&Hold, i64)> = fenced().collect();
        by_begin.sort_by_key(|(hold, _)| began(hold));
        let mut by_end: Vec<(&Hold, i64)> = fenced().collect();
        by_end.sort_by_key(|(hold, _)| hold.from);
        let (mut ended, mut largest) = (0, None::<(&Hold, i64)>);
        let mut given: BTreeMap<i64, &Hold> = BTreeMap::new();
        for (hold, token) in by_begin {
            while let Some(&(other, given)) = by_end.get(ended).filter(|(other, _)| other.from < began(hold))
            {
                ended += 1;
                largest = largest.filter(|(_, largest)| *largest >= given).or(Some((other, given)));
            }
            if let Some(before) = largest.filter(|(_, largest)| *largest > token) {
                return Some(stale_fence(history, before, (hold, token)));
            }
            if let Some(other) = given.insert(token, hold) {
                return Some(stale_fence(history, (other, token), (hold, token)));
            }
        }
        None
    }

    /// Each hold that began within the one before that lasted longest.
    fn overlaps(&mut self, history: &History) -> Vec<Anomaly> {
        self.holds.sort_by_key(|hold| hold.from);
        let mut longest: Option<Hold> = None;
        let mut found = Vec::new();
        for &hold in &self.holds {
            if let Some(other) = longest.filter(|other| hold.from < other.to && other.from < hold.to) {
                found.push(two_holders(history, &other, &hold));
            }
            longest = longest.filter(|other| other.to >= hold.to).or(Some(hold));
        }
        found
    }
}

/// The token of an acquisition's answer.
fn fence(answer: &Value) -> Option<i64> {
    let fields = answer.as_map()?;
    fields.get("fence").or_else(|| fields.get("token"))?.as_int().filter(|token| *token != 0)
}

fn stale_fence(history: &History, (first, old): (&Hold, i64), (second, new): (&Hold, i64)) -> Anomaly {
    let client = |hold: &Hold| history.operation(hold.acquired).process;
    let key = history.operation(first.acquired).key;
    let name = words::key(history, key);
    let was_given = |hold: &Hold, token: i64| {
        words::completed(history, hold.acquired, format!("was given the fencing token {token}"))
    };
    let (summary, fact) = if old == new {
        let summary = format!(
            "clients {} and {} were both given the token {new} of {name}",
            client(first),
            client(second)
        );
        (summary, "a fencing token is given once")
    } else {
        let summary = format!(
            "client {} was given {name} with the fencing token {new}, after client {} had been given {old}",
            client(second),
            client(first)
        );
        (summary, "each holder's token is larger than those before: a resource refuses the smaller ones")
    };
    Anomaly {
        kind: AnomalyKind::StaleFence,
        edges: Vec::new(),
        not_rechecked: None,
        summary,
        key,
        steps: vec![was_given(first, old), was_given(second, new)],
        facts: vec![fact.to_owned()],
        witness: Witness { model: ModelName::Mutex, operations: vec![first.acquired, second.acquired] },
    }
}

fn two_holders(history: &History, first: &Hold, second: &Hold) -> Anomaly {
    let client = |hold: &Hold| history.operation(hold.acquired).process;
    let key = history.operation(first.acquired).key;
    let release = first.released.map(|id| words::invoked(id, "gave it back only now"));
    let steps: Vec<_> = [first, second]
        .map(|hold| words::completed(history, hold.acquired, "held the lock from here on"))
        .into_iter()
        .chain(release)
        .collect();
    Anomaly {
        kind: AnomalyKind::TwoHolders,
        edges: Vec::new(),
        not_rechecked: None,
        summary: format!(
            "client {} was given {} while client {} held it",
            client(second),
            words::key(history, key),
            client(first)
        ),
        key,
        witness: Witness {
            model: ModelName::Mutex,
            operations: steps.iter().map(|step| step.operation).collect(),
        },
        steps,
        facts: vec![match first.released {
            Some(_) => format!("client {} had not begun to release it", client(first)),
            None => format!("client {} never released it", client(first)),
        }],
    }
}
