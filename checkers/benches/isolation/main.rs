//! The pace of the isolation levels: transactions on registers and on lists, valid and with one anomaly in their middle.
//!
//! `SIZES=10000,100000,1000000` sets how many transactions the histories have. What is measured is all that a check of
//! one model does, the proof of a violation with it, without parsing.

mod store;

use std::hint::black_box;
use std::time::Duration;

use checkers::{Budget, Checker, Isolation, Verdict};
use criterion::{Criterion, criterion_group, criterion_main};
use histories::{History, ModelName};

use store::{Anomaly, Shape};

/// A history's name, its shape, and which models are asked of it with what answer.
type Case = (&'static str, Shape, &'static [(ModelName, bool)]);

const CASES: &[Case] = &[
    (
        "registers, half blind writes",
        Shape::REGISTERS,
        &[(ModelName::StrongSessionSerializable, true), (ModelName::StrongSessionSnapshotIsolation, true)],
    ),
    (
        "registers, half blind writes, with times",
        Shape { is_timed: true, ..Shape::REGISTERS },
        &[(ModelName::StrictSerializable, true), (ModelName::StrongSnapshotIsolation, true)],
    ),
    (
        "registers, every write reads first",
        Shape { reads_first: true, ..Shape::REGISTERS },
        &[(ModelName::Serializable, true), (ModelName::SnapshotIsolation, true)],
    ),
    (
        "registers, blind writes that two readers order differently",
        Shape { anomaly: Some(Anomaly::BlindFork), ..Shape::REGISTERS },
        &[(ModelName::Serializable, false), (ModelName::SnapshotIsolation, false)],
    ),
    (
        "registers, a write skew",
        Shape { anomaly: Some(Anomaly::WriteSkew), ..Shape::REGISTERS },
        &[(ModelName::Serializable, false), (ModelName::SnapshotIsolation, true)],
    ),
    (
        "registers, a session that misses its own write",
        Shape { anomaly: Some(Anomaly::Session), ..Shape::REGISTERS },
        &[(ModelName::Serializable, true), (ModelName::StrongSessionSerializable, false)],
    ),
    (
        "lists, with times",
        Shape::LISTS,
        &[(ModelName::StrictSerializable, true), (ModelName::ReadCommitted, true)],
    ),
    (
        "lists, with times, a write skew",
        Shape { anomaly: Some(Anomaly::WriteSkew), ..Shape::LISTS },
        &[(ModelName::StrictSerializable, false), (ModelName::SnapshotIsolation, true)],
    ),
];

fn holds(history: &History, model: ModelName) -> bool {
    let findings = Isolation.check_some(history, &[model], &Budget::unlimited());
    match &findings[0].verdict {
        Verdict::Valid => true,
        Verdict::Invalid(_) => false,
        other => panic!("{model}: {other:?}"),
    }
}

fn isolation(criterion: &mut Criterion) {
    let sizes = std::env::var("SIZES").unwrap_or_else(|_| "10000,100000".to_owned());
    for size in sizes.split(',') {
        let transactions = size.parse().unwrap_or_else(|_| panic!("SIZES holds no number: {size:?}"));
        let mut group = criterion.benchmark_group(size);
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(100))
            .measurement_time(Duration::from_secs(1));
        for (name, shape, models) in CASES {
            let history = store::history(&Shape { transactions, ..*shape });
            for &(model, expected) in *models {
                assert_eq!(holds(&history, model), expected, "{name}: {model}");
                group.bench_function(format!("{name}: {model}"), |bencher| {
                    bencher.iter(|| black_box(holds(&history, model)));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, isolation);
criterion_main!(benches);
