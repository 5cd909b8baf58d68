//! The pace of zones and chains through the public API.
//!
//! It never measures reading a file or generating a history.

mod generator;

use std::hint::black_box;

use checkers::{Budget, Checker, Linear, Sessions};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use generator::{Load, history, registers};

fn linear(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("linear");
    group.sample_size(10);
    let loads = [
        ("zones", Load::VALID),
        ("zones", Load { operations: 1_000_000, ..Load::VALID }),
        ("zones, stale reads", Load::PLANTED),
        ("chains", Load { operations: 1_000_000, compare_and_sets: 500, ..Load::VALID }),
    ];
    for (name, load) in loads {
        let history = history(load);
        group.throughput(Throughput::Elements(load.operations as u64));
        group.bench_function(BenchmarkId::new(name, load.operations), |bencher| {
            bencher.iter(|| Linear::default().check(black_box(&history), &Budget::unlimited()));
        });
    }
    group.finish();
}

/// Keys are decided side by side.
fn cores(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a thousand keys");
    group.sample_size(10);
    let load = Load { operations: 2_000, ..Load::VALID };
    let history = registers(1_000, load);
    group.throughput(Throughput::Elements(1_000 * load.operations as u64));
    for threads in [1, 2] {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads to decide on");
        group.bench_function(BenchmarkId::new("cores", threads), |bencher| {
            bencher
                .iter(|| pool.install(|| Linear::default().check(black_box(&history), &Budget::unlimited())));
        });
    }
    group.finish();
}

fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sessions");
    group.sample_size(10);
    let load = Load { operations: 1_000_000, ..Load::VALID };
    let history = history(load);
    group.throughput(Throughput::Elements(load.operations as u64));
    group.bench_function(BenchmarkId::new("all four", load.operations), |bencher| {
        bencher.iter(|| Sessions.check(black_box(&history), &Budget::unlimited()));
    });
    group.finish();
}

criterion_group!(benches, linear, cores, sessions);
criterion_main!(benches);
