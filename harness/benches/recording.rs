//! Generator, conductor and recorder with a client that answers at once: what the harness itself costs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use histories::{Applied, Clock, Draft, Function, Header, Kind, Nanos, Op, Process, Recorder, Value};
use nemesis::{Action, Dice, Schedule};
use partita::load::workloads::{self, Shape, Tuning};
use partita::run::conduct;
use partita::run::conductor::{Conductor, Score};
use partita::run::progress::{Ends, Silent};
use partita::run::stage::{Call, Stage, StageEvent};
use systems::{Routing, Status};

/// A register store in memory that answers every call before it returns.
struct AtOnce {
    recorder: Arc<Recorder>,
    registers: BTreeMap<String, Value>,
    told: VecDeque<StageEvent>,
}

impl AtOnce {
    fn record(&self, call: &Call, kind: Kind, value: Value, seen: Option<Value>) -> histories::Event {
        let op = Op { value, ..call.op.clone() };
        let mut draft = Draft::new(Process::Client(call.process), kind, op);
        draft.node = Some(call.node);
        draft.seen = seen;
        self.recorder.record(draft).expect("the disk takes the history")
    }

    fn answer(&mut self, op: &Op) -> (Kind, Value, Option<Value>) {
        let key = op.key.as_ref().map_or("", |key| key.as_str());
        match op.function {
            Function::Write => {
                self.registers.insert(key.to_owned(), op.value.clone());
                (Kind::Ok, op.value.clone(), None)
            }
            Function::Cas => {
                let now = self.registers.get(key).cloned().unwrap_or_default();
                match op.value.as_pair() {
                    Some((from, to)) if *from == now => {
                        let to = to.clone();
                        self.registers.insert(key.to_owned(), to);
                        (Kind::Ok, op.value.clone(), None)
                    }
                    _ => (Kind::Fail, op.value.clone(), Some(now)),
                }
            }
            _ => (Kind::Ok, self.registers.get(key).cloned().unwrap_or_default(), None),
        }
    }
}

impl Stage for AtOnce {
    fn now(&self) -> Nanos {
        self.recorder.now()
    }

    fn submit(&mut self, call: Call) {
        self.record(&call, Kind::Invoke, call.op.value.clone(), None);
        let (kind, value, seen) = self.answer(&call.op);
        let event = self.record(&call, kind, value, seen);
        self.told.push_back(StageEvent::Completed { thread: call.thread, event });
    }

    fn apply(&mut self, action: Action) {
        self.told.push_back(StageEvent::Applied { action, applied: Applied::Installed(String::new()) });
        self.told.push_back(StageEvent::Status(Status { ready: true, ..Status::default() }));
    }

    fn next(&mut self, _until: Nanos) -> StageEvent {
        self.told.pop_front().unwrap_or(StageEvent::Time)
    }
}

fn run(operations: u64, path: &Path) -> u64 {
    let recorder = Recorder::create(path, &Header { partita: 1, ..Header::default() }, Clock::monotonic());
    let recorder = Arc::new(recorder.expect("the folder takes a file"));
    let mut stage = AtOnce { recorder, registers: BTreeMap::new(), told: VecDeque::new() };
    let score = Score {
        time: Nanos::from_secs(3600),
        operation_deadline: Nanos::from_secs(1),
        operations_max: Some(operations),
        routing: Routing::Sticky,
        threads: 10,
        layout: nemesis::Layout::single(3),
    };
    let unsupported = BTreeSet::from([Function::Dump]);
    let shape = Shape {
        threads: 10,
        nodes: 3,
        rate: None,
        keys: None,
        copies: None,
        one_object: false,
        first_value: 1,
        unsupported,
        tuning: Tuning::default(),
    };
    let dice = Dice::new(1);
    let workload = workloads::by_name("register").expect("a bundled workload");
    let schedule = Schedule::new(Vec::new(), dice.split("faults"));
    let mut conductor = Conductor::new(score, workload, shape, schedule, &dice);
    let conducted = conduct(&mut conductor, &mut stage, &Silent, &Ends::default());
    conducted.expect("this stage never fails").operations
}

fn recording(criterion: &mut Criterion) {
    const OPERATIONS: u64 = 100_000;
    let folder = tempfile::tempdir().expect("a folder for the history");
    let path = folder.path().join("history.jsonl");
    let mut group = criterion.benchmark_group("recording");
    group.sample_size(10).throughput(Throughput::Elements(OPERATIONS));
    group.bench_function("register, 10 threads, 100,000 operations", |bencher| {
        bencher.iter(|| black_box(run(OPERATIONS, &path)));
    });
    group.finish();
}

criterion_group!(benches, recording);
criterion_main!(benches);
