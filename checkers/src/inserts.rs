//! Adya's pairs of insertions: each reads, by a predicate, whether either of two rows is there, and inserts its own only if
//! neither is. So of the two of a key at most one succeeds, if transactions are serializable.
//!
//! An insertion is `insert [key [first second]]`, one of the two null, as Jepsen writes it. Only serializability
//! is judged: the reads are of a predicate, and weaker levels say nothing of predicates.

use std::collections::BTreeMap;

use finding::Stopwatch;
use histories::{AnomalyKind, History, ModelName, Operation, OperationId, Value};

use crate::{Anomaly, Budget, Checker, Figures, Finding, Verdict, Witness, words};

/// Decides [`ModelName::Serializable`] of histories of insertions alone, and says nothing of any other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Inserts;

impl Checker for Inserts {
    fn name(&self) -> &'static str {
        "inserts"
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Serializable]
    }

    fn check(&self, history: &History, _budget: &Budget) -> Vec<Finding> {
        if !are_inserts(history) {
            return Vec::new();
        }
        let started = Stopwatch::start();
        let anomalies = both_succeeded(history);
        let verdict = if anomalies.is_empty() { Verdict::Valid } else { Verdict::Invalid(anomalies) };
        let (figures, elapsed) = (Figures::default(), started.elapsed());
        vec![Finding { model: ModelName::Serializable, verdict, method: "pairs", figures, elapsed }]
    }
}

/// How many anomalies a finding lists.
const ANOMALIES_MAX: usize = 10;

/// Whether a history has insertions of pairs, and nothing else.
pub(crate) fn are_inserts(history: &History) -> bool {
    let operations = history.operations();
    !operations.is_empty()
        && operations.iter().all(|op| op.function.name() == "insert" && pair_of(history, op).is_some())
}

/// The key of an insertion and its two rows, of which one is null.
fn pair_of(history: &History, op: &Operation) -> Option<(String, (Value, Value))> {
    let (key, rows) = match op.key {
        Some(key) => (history.key(key).as_str().to_owned(), op.call()),
        None => op.call().as_pair().map(|(key, rows)| (key.to_string(), rows))?,
    };
    let (first, second) = rows.as_pair()?;
    (first.is_null() != second.is_null()).then(|| (key, (first.clone(), second.clone())))
}

fn both_succeeded(history: &History) -> Vec<Anomaly> {
    let mut first: BTreeMap<String, OperationId> = BTreeMap::new();
    let mut found = Vec::new();
    for (id, op) in history.iter().filter(|(_, op)| op.is_ok()) {
        let Some((key, _)) = pair_of(history, op) else { continue };
        let Some(&other) = first.get(&key) else {
            first.insert(key, id);
            continue;
        };
        if found.len() < ANOMALIES_MAX {
            found.push(both(history, &key, other, id));
        }
    }
    found
}

fn both(history: &History, key: &str, one: OperationId, other: OperationId) -> Anomaly {
    let client = |id: OperationId| history.operation(id).process;
    let inserted = |id| words::completed(history, id, "found no row of the key, and inserted one");
    Anomaly {
        kind: AnomalyKind::PredicatePhantom,
        summary: format!(
            "clients {} and {} each inserted a row of {key} after they had found none",
            client(one),
            client(other)
        ),
        key: history.operation(one).key,
        steps: vec![inserted(one), inserted(other)],
        facts: vec!["whichever came first, the other would have found its row (G2)".to_owned()],
        edges: Vec::new(),
        not_rechecked: None,
        witness: Witness { model: ModelName::Serializable, operations: vec![one, other] },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check_all, confirm, testing};

    fn verdict(text: &str) -> &'static str {
        let history = testing::history(text);
        let found = check_all(&history, Some(&[ModelName::Serializable]), &Budget::unlimited()).remove(0);
        for anomaly in found.verdict.anomalies() {
            assert_eq!(confirm(&history, anomaly), Ok(()));
            assert_eq!(anomaly.kind, AnomalyKind::PredicatePhantom);
        }
        found.verdict.name()
    }

    #[test]
    fn of_a_pair_one_succeeds() {
        let one = "c1 insert - [5;[nil;1]] [0,9]\n";
        assert_eq!(verdict(one), "valid");
        assert_eq!(verdict(&format!("{one}c2 insert - [5;[2;nil]] [1,8]")), "invalid");
        assert_eq!(verdict(&format!("{one}c2 insert - [6;[2;nil]] [1,8]")), "valid", "another key");
        assert_eq!(verdict(&format!("{one}c2 insert - [5;[2;nil]] [1,8] fail")), "valid");
        assert_eq!(verdict(&format!("{one}c2 insert - [5;[2;nil]] [1,8] info")), "valid");
        assert_eq!(
            verdict("c1 insert 5 [nil;1] [0,9]\nc2 insert 5 [2;nil] [1,8]"),
            "invalid",
            "independent keys"
        );
        assert_eq!(verdict("c1 insert x 1 [0,9]"), "not-applicable", "of other rows nothing is said");
    }
}
