//! How fast histories are read, by format, and made.
//!
//! `cargo bench -p histories` reports bytes a second; the events a second follow from the size of an event, which the
//! names of the benchmarks tell.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use histories::read::{Format, Options, read_with};
use histories::synth::{self, Object, Shape};
use histories::{History, stats, write};

const OPERATIONS: u64 = 100_000;

fn shape(object: Object) -> Shape {
    Shape { object, operations: OPERATIONS, keys: 100, clients: 10, crashes: 0.001, ..Shape::default() }
}

fn text(object: Object, format: Format) -> Vec<u8> {
    let shape = shape(object);
    let history =
        History::try_from(synth::events(&shape).collect::<Vec<_>>()).expect("synthetic histories pair");
    let mut text = Vec::new();
    write::history(&history, format, &mut text).expect("these formats hold these objects");
    text
}

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    group.sample_size(10);
    let files = [
        (Object::Register, Format::Jsonl),
        (Object::Register, Format::Edn),
        (Object::ListAppend, Format::Jsonl),
        (Object::ListAppend, Format::Edn),
        (Object::RwRegister, Format::Plume),
    ];
    for (object, format) in files {
        let text = text(object, format);
        let events =
            read_with(&*text, "bench", &Options::default()).map_or(1, |history| history.event_count());
        group.throughput(Throughput::Bytes(text.len() as u64));
        let name = format!("{object} as {format}, {} bytes an event", text.len() / events as usize);
        group.bench_function(name, |bencher| {
            bencher.iter_with_large_drop(|| read_with(black_box(&*text), "bench", &Options::default()));
        });
    }
    let text = text(Object::Register, Format::Jsonl);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("stats of register as jsonl", |bencher| {
        bencher.iter(|| stats::read(black_box(&*text), "bench", &Options::default()));
    });
    group.finish();
}

fn making(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("synth");
    group.sample_size(10);
    group.throughput(Throughput::Elements(OPERATIONS));
    for object in Object::ALL {
        let shape = shape(*object);
        group.bench_function(object.name(), |bencher| {
            bencher.iter(|| synth::events(&shape).map(black_box).count());
        });
    }
    group.finish();
}

criterion_group!(benches, reading, making);
criterion_main!(benches);
