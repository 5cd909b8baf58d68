//! Whole simulated runs as a hunt makes them: thirty seconds of a world with faults, and its history checked for what the
//! mode promises. Ten clients issue 100 operations a second in all.

#[path = "../../systems/benches/processor/mod.rs"]
mod processor;

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::processor::ProcessorTime;
use criterion::{Criterion, criterion_group, criterion_main};
use nemesis::Layout;
use partita::judge::trial;
use partita::plan::spec::{OnViolation, RunSpec, StageName, Violations};
use partita::run::progress::Interrupt;
use systems::System;
use systems::live::StoreSystem;

const FAULTS: [&str; 4] = ["partition:leader", "kill:leader", "pause:one", "clock:drift"];

fn spec(mode: &str, seed: u64) -> RunSpec {
    let system = StoreSystem::new(PathBuf::from("never started"));
    let mode = system.mode(mode).expect("a preset");
    RunSpec {
        options: systems::SystemOptions::default(),
        suite: "bench".to_owned(),
        workload: "register".to_owned(),
        faults: FAULTS.map(str::to_owned).into(),
        layout: if mode.layout.datacentres == 1 { Layout::single(5) } else { mode.layout },
        clients: 10,
        rate: Some(100.0),
        time: Duration::from_secs(30),
        operations_max: None,
        routing: mode.routing,
        deadline: Duration::from_secs(1),
        seed,
        stage: StageName::Sim,
        out: PathBuf::from("nowhere"),
        keep: false,
        keys: None,
        tuning: partita::load::workloads::Tuning::default(),
        script: None,
        telling: None,
        violations: Violations::Any,
        on_violation: OnViolation::GoOn,
        trace: false,
        liveness: true,
        check_time: Duration::from_mins(1),
        check_memory_bytes: 1 << 30,
        mode,
        system: Arc::new(system),
    }
}

fn runs(criterion: &mut Criterion<ProcessorTime>) {
    let mut group = criterion.benchmark_group("run");
    group.sample_size(10);
    for mode in
        ["single/quorum", "single/chain", "single/sync", "multi/home", "multi/lww-hlc", "leaderless/abd"]
    {
        let mut seed = 0;
        group.bench_function(format!("{mode}, 30 s, faults"), |bencher| {
            bencher.iter(|| {
                seed += 1;
                let run = trial(&spec(mode, seed), &Interrupt::default()).expect("a run");
                black_box(run.outcome.operations.ok)
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ProcessorTime);
    targets = runs
}
criterion_main!(benches);
