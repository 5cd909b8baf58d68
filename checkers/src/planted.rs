//! Every anomaly that can be planted, each alone in a large valid history, through the whole ladder.
//!
//! `PLANTED_OPERATIONS=100000 cargo test --release -p checkers --lib -- --nocapture planted::` tries larger ones and
//! prints what was violated.

use histories::synth::{self, Object, Plant, Planted, Shape};
use histories::{Header, History, ModelName, Pairing};

use crate::{Budget, Finding, Verdict, check_all};

const CLIENTS: u32 = 10;

fn operations() -> u64 {
    std::env::var("PLANTED_OPERATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(300)
}

fn history(object: Object, operations: u64, name: Option<&str>) -> History {
    let plants = name.map(|name| Plant { name: name.into(), at: operations / 10 * 9 });
    let shape = Shape {
        object,
        operations,
        keys: 20,
        clients: CLIENTS,
        plants: plants.into_iter().collect(),
        seed: 5,
        ..Shape::default()
    };
    let mut pairing = Pairing::new(Header { partita: 1, ..synth::header(&shape) });
    for event in synth::events(&shape) {
        pairing.push(event, None).unwrap();
    }
    pairing.finish()
}

/// The models that are violated; a proof names operations of the plant and no other.
fn violated(history: &History, findings: &[Finding]) -> Vec<ModelName> {
    let mut violated = Vec::new();
    for finding in findings {
        let Verdict::Invalid(anomalies) = &finding.verdict else { continue };
        violated.push(finding.model);
        for anomaly in anomalies {
            let strange = |id: &&histories::OperationId| history.operation(**id).process < CLIENTS;
            let strange = anomaly.witness.operations.iter().find(strange);
            assert_eq!(strange, None, "{}: {anomaly:#?}", finding.model);
        }
    }
    violated
}

fn judge(object: Object, operations: u64, name: Option<&str>) -> Vec<ModelName> {
    let history = history(object, operations, name);
    violated(&history, &check_all(&history, None, &Budget::unlimited()))
}

#[expect(clippy::print_stderr, reason = "the table is what a long run by hand is for")]
fn tell(object: Object, name: &str, violated: &[ModelName]) {
    assert!(!violated.is_empty(), "{name} of a {object}");
    let names: Vec<&str> = violated.iter().map(|model| model.name()).collect();
    eprintln!("| {object} | {name} | {} |", names.join(", "));
}

fn each_violates_what_it_violates_alone(object: Object) {
    assert_eq!(judge(object, operations(), None), [], "a valid {object}");
    for name in Planted::names(object) {
        let alone = judge(object, 0, Some(name));
        assert_eq!(judge(object, operations(), Some(name)), alone, "{name} of a {object}");
        tell(object, name, &alone);
    }
}

macro_rules! each_is_found {
    ($($test:ident $object:ident)*) => {
        $(#[test] fn $test() { each_violates_what_it_violates_alone(Object::$object); })*
    };
}

each_is_found! {
    in_registers Register
    in_sets Set
    in_lists List
    in_counters Counter
    in_queues Queue
    in_stacks Stack
    in_strings Kv
    in_locks Mutex
    in_banks Bank
    in_transactions RwRegister
}

/// Of transactions on lists, the weakest level that an anomaly violates, and the strongest below it that holds.
fn levels(name: &str) -> (ModelName, Option<ModelName>) {
    match name {
        "dirty-write" => (ModelName::ReadUncommitted, None),
        "aborted-read" | "intermediate-read" | "circular-read" => {
            (ModelName::ReadCommitted, Some(ModelName::ReadUncommitted))
        }
        "read-skew" => (ModelName::ParallelSnapshotIsolation, Some(ModelName::ReadCommitted)),
        "write-skew" => (ModelName::Serializable, Some(ModelName::SnapshotIsolation)),
        other => panic!("which level does {other} violate?"),
    }
}

#[test]
fn in_transactions_on_lists_each_violates_its_level_and_none_below() {
    for name in Planted::names(Object::ListAppend) {
        let history = history(Object::ListAppend, operations(), Some(name));
        let findings = check_all(&history, None, &Budget::unlimited());
        let verdict =
            |model| findings.iter().find(|finding| finding.model == model).map(|f| f.verdict.name());
        let (violated, held) = levels(name);
        assert_eq!(verdict(violated), Some("invalid"), "{name} and {violated}");
        assert_eq!(verdict(ModelName::StrictSerializable), Some("invalid"), "{name}");
        if let Some(held) = held {
            assert_eq!(verdict(held), Some("valid"), "{name} and {held}");
        }
    }
}

#[test]
fn no_object_is_left_out() {
    assert_eq!(Object::ALL.len(), 11, "ten above, and transactions on lists");
}
