//! Locks: one holder at a time.
//!
//! It never judges a lock that is given back by somebody who had not taken it: whose hold that ends, nobody knows.
//!
//! A hold is certain from the acknowledgement of its acquisition to the beginning of its release. Holds can be put in
//! an order exactly where no two of these overlap: each then takes effect at its two ends.

use std::collections::BTreeMap;

use histories::{AnomalyKind, Function, History, KeyId, ModelName, Nanos, OperationId, Outcome};

use super::Ruling;
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
                let hold = Hold { acquired: id, from: op.completed, released: None, to: Nanos::MAX };
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
