//! Simulated events a second with the reference store's protocols: five nodes, ten clients that ask 100 times a second in
//! all, half of it reads, and either nothing broken or a leader cut off and a node killed in turn.

mod processor;

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::PathBuf;

use self::processor::ProcessorTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use histories::{Key, Nanos, Node, Op};
use nemesis::{Action, Effect, FaultId, Layout};
use systems::System;
use systems::live::StoreSystem;
use systems::sim::{Happened, Request, Setup, Simulation};

const NODES: u16 = 5;
const CLIENTS: u32 = 10;
const KEYS: u64 = 5;
const TIME: Nanos = Nanos::from_secs(30);
/// Between two operations, over all clients.
const EVERY: Nanos = Nanos::from_millis(10);
const DEADLINE: Nanos = Nanos::from_secs(1);
/// Between two changes of what is broken.
const FAULTS_EVERY: Nanos = Nanos::from_secs(2);

/// A world that is ready.
fn world(mode: &str) -> Box<dyn Simulation> {
    let system = StoreSystem::new(PathBuf::from("never started"));
    let mode = system.mode(mode).expect("a preset");
    let setup = Setup {
        layout: Layout::single(NODES),
        clients: CLIENTS,
        seed: 7,
        service: Nanos::ZERO,
        trace: false,
    };
    let simulator = system.simulator().expect("the store can be simulated");
    simulator.simulate(&mode, &setup).expect("a leader is elected")
}

/// Drives a world through thirty seconds; says how many events that took.
fn drive(world: &mut dyn Simulation, faults: bool) -> u64 {
    let keys: Vec<Key> = (0..KEYS).map(|number| Key::from(format!("k{number}"))).collect();
    let mut free: BTreeSet<u32> = (0..CLIENTS).collect();
    let first = if faults { FAULTS_EVERY } else { Nanos::MAX };
    let (mut next, mut change, mut asked, mut changes) = (Nanos::ZERO, first, 0, 0);
    while world.now() < TIME {
        if world.now() >= change {
            change = change + FAULTS_EVERY;
            changes += 1;
            let action = fault(changes, world);
            world.apply(&action);
        }
        let due = world.now() >= next;
        if due && let Some(thread) = free.pop_first() {
            next = next + EVERY;
            asked += 1;
            world.submit(request(&keys, thread, asked));
        }
        let until = if free.is_empty() { change } else { next.min(change) };
        if let Happened::Completed { thread, .. } = world.advance(until.min(TIME)) {
            free.insert(thread);
        }
    }
    world.figures().events
}

fn request(keys: &[Key], thread: u32, asked: u64) -> Request {
    let key = keys[(asked % KEYS) as usize].clone();
    let op =
        if asked.is_multiple_of(2) { Op::read(key.as_str()) } else { Op::write(key.as_str(), asked as i64) };
    let node = Node(thread as u16 % NODES);
    Request { thread, process: thread, node, op, deadline: DEADLINE }
}

/// A cut of the leader, its end, a kill, its end, and so on.
fn fault(number: u64, world: &dyn Simulation) -> Action {
    let fault = FaultId(number.div_ceil(2));
    let leader = world.status().leaders.last().map_or(Node(0), |(_, leader)| *leader);
    let others: Vec<Node> = (0..NODES).map(Node).filter(|node| *node != leader).collect();
    let cut = |from: &[Node], to: &[Node]| Effect::Cut { from: from.to_vec(), to: to.to_vec() };
    let name = String::from("fault");
    match number % 4 {
        1 => Action::Begin { fault, name, effects: vec![cut(&[leader], &others), cut(&others, &[leader])] },
        3 => Action::Begin { fault, name, effects: vec![Effect::Kill { nodes: vec![others[0]] }] },
        _ => Action::End { fault, name, effects: Vec::new() },
    }
}

fn worlds(criterion: &mut Criterion<ProcessorTime>) {
    let mut group = criterion.benchmark_group("world");
    group.sample_size(10);
    let modes = ["single/quorum", "single/chain", "leaderless/abd"];
    for (mode, faults) in modes.iter().flat_map(|mode| [(mode, false), (mode, true)]) {
        let with = if faults { "faults" } else { "no faults" };
        group.throughput(Throughput::Elements(drive(world(mode).as_mut(), faults)));
        group.bench_function(format!("{mode}, 30 s, {with}"), |bencher| {
            bencher.iter(|| black_box(drive(world(mode).as_mut(), faults)));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ProcessorTime);
    targets = worlds
}
criterion_main!(benches);
