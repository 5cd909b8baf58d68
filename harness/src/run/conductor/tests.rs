//! The conductor against a world of one number: answers come late, never, or as info.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Applied, Function, Hints, Kind, Op, Process, Value};
use nemesis::{Effect, FaultSpec};

use super::*;
use crate::load::workloads;

struct World {
    conductor: Conductor,
    now: Nanos,
    dice: Dice,
    open: BTreeMap<u32, (Nanos, Call)>,
    calls: Vec<(Part, Call)>,
    actions: Vec<(Nanos, Action)>,
    events: u64,
    /// What each process has read.
    read: BTreeSet<(u32, Option<Key>)>,
    /// Writes that quote what another process has read, or nobody.
    misquoted: Vec<Call>,
    /// Nothing is known of what was asked in this part.
    silent: Option<Part>,
}

impl World {
    fn new(workload: &str, faults: &str, seed: u64) -> Self {
        let dice = Dice::new(seed);
        let score = Score {
            time: Nanos::from_secs(12),
            operation_deadline: Nanos::from_secs(1),
            operations_max: None,
            routing: Routing::Sticky,
            threads: 4,
            layout: nemesis::Layout::single(3),
        };
        let shape = Shape {
            tuning: crate::load::workloads::Tuning::default(),
            threads: 4,
            nodes: 3,
            rate: Some(100.0),
            keys: None,
            copies: None,
            one_object: false,
            first_value: 1,
            unsupported: BTreeSet::new(),
        };
        let schedule = Schedule::new(
            FaultSpec::build_all(&FaultSpec::parse_list(faults).unwrap()),
            dice.split("faults"),
        );
        let workload = workloads::by_name(workload).unwrap();
        Self {
            conductor: Conductor::new(score, workload, shape, schedule, &dice),
            now: Nanos::ZERO,
            dice: dice.split("world"),
            open: BTreeMap::new(),
            calls: Vec::new(),
            actions: Vec::new(),
            events: 0,
            read: BTreeSet::new(),
            misquoted: Vec::new(),
            silent: None,
        }
    }

    fn run(&mut self) {
        for _ in 0..1_000_000 {
            match self.conductor.poll(self.now) {
                Decision::Submit(call) => self.submit(call),
                Decision::Apply(action) => {
                    self.actions.push((self.now, action.clone()));
                    let applied = Applied::Installed("so said".into());
                    self.conductor.observe(&StageEvent::Applied { action, applied });
                }
                Decision::Wait(until) => self.pass_time(until),
                Decision::Done => return,
            }
        }
        panic!("the run never ends; it is in {:?}", self.conductor.part());
    }

    fn submit(&mut self, call: Call) {
        let late = Nanos::from_millis(self.dice.between(1, 40));
        self.calls.push((self.conductor.part(), call.clone()));
        let quotes = call.op.function == Function::Replace
            && call.op.value.as_pair().is_some_and(|(quoted, _)| *quoted != Value::list([]));
        if quotes && !self.read.contains(&(call.process, call.op.key.clone())) {
            self.misquoted.push(call.clone());
        }
        let before = self.open.insert(call.thread, (self.now + late, call));
        assert!(before.is_none(), "a thread has one operation open at most");
    }

    fn pass_time(&mut self, until: Nanos) {
        let status = Status { leaders: vec![(1, Node(0))], ready: true, ..Status::default() };
        self.conductor.observe(&StageEvent::Status(status));
        let due = self.open.iter().map(|(thread, (at, _))| (*at, *thread)).min();
        let step = self.now + Nanos::from_millis(10);
        match due.filter(|(at, _)| *at <= until.min(step)) {
            Some((at, thread)) => {
                self.now = self.now.max(at);
                self.complete(thread);
            }
            None => self.now = until.min(step).max(self.now),
        }
    }

    fn complete(&mut self, thread: u32) {
        let (_, call) = self.open.remove(&thread).unwrap();
        let read_only = call.op.function.only_looks();
        let silent = self.silent == Some(self.conductor.part());
        let kind = if silent || !read_only && self.dice.chance(1, 20) { Kind::Info } else { Kind::Ok };
        let value = if read_only { Value::Int(1) } else { call.op.value.clone() };
        if kind == Kind::Ok && call.op.function == Function::ReadAll {
            self.read.insert((call.process, call.op.key.clone()));
        }
        let event = Event {
            index: self.events,
            time: self.now,
            process: Process::Client(call.process),
            kind,
            op: Op { value, ..call.op },
            node: Some(call.node),
            error: None,
            seen: None,
            hints: Hints::NONE,
        };
        self.events += 1;
        self.conductor.observe(&StageEvent::Completed { thread, event });
    }
}

#[test]
fn an_operation_without_a_known_outcome_retires_its_process() {
    let mut world = World::new("register", "none", 3);
    world.run();
    let mut processes: BTreeMap<u32, u32> = BTreeMap::new();
    for (_, call) in &world.calls {
        assert_eq!(call.process % 4, call.thread);
        let last = processes.entry(call.thread).or_insert(call.process);
        assert!(call.process >= *last);
        *last = call.process;
    }
    assert!(processes.values().any(|process| *process >= 4), "one in twenty is retired");
}

#[test]
fn faults_are_healed_before_the_workload_ends_and_nothing_begins_after() {
    let mut world = World::new("register", "partition:leader", 8);
    world.run();
    let heal = world.actions.iter().position(|(_, action)| *action == Action::EndAll).unwrap();
    assert_eq!(heal, world.actions.len() - 1);
    assert!(heal >= 2, "faults took place");
    assert_eq!(world.actions[heal].0, Nanos::from_secs(10));
    assert!(world.calls.iter().any(|(part, _)| *part == Part::Recovery));
}

#[test]
fn a_run_without_faults_is_healed_all_the_same_so_that_its_end_is_marked() {
    let mut world = World::new("set", "none", 1);
    world.run();
    assert_eq!(world.actions.iter().map(|(_, action)| action).collect::<Vec<_>>(), [&Action::EndAll]);
}

#[test]
fn the_epilogue_reads_every_key_from_every_node_after_the_dumps() {
    let mut world = World::new("register", "none", 2);
    world.run();
    let of_part =
        |epilogue: bool| world.calls.iter().filter(move |(part, _)| (*part >= Part::Epilogue) == epilogue);
    let used: BTreeSet<_> = of_part(false).filter_map(|(_, call)| call.op.key.clone()).collect();
    let read: BTreeSet<_> =
        of_part(true).filter_map(|(_, call)| Some((call.op.key.clone()?, call.node))).collect();
    assert_eq!(read.len(), used.len() * 3);
    let functions: Vec<_> = of_part(true).map(|(_, call)| call.op.function.clone()).collect();
    assert_eq!(functions[..3], [Function::Dump, Function::Dump, Function::Dump]);
    assert!(!functions[3..].contains(&Function::Dump), "the first round agreed");
}

#[test]
fn sticky_threads_stay_with_their_node() {
    let mut world = World::new("register", "none", 2);
    world.run();
    let main = world.calls.iter().filter(|(part, _)| *part < Part::Drain);
    assert!(main.clone().count() > 500);
    for (_, call) in main {
        assert_eq!(u32::from(call.node.0), call.thread % 3);
    }
}

#[test]
fn the_same_seed_gives_the_same_calls() {
    let calls = |seed| {
        let mut world = World::new("register", "kill:leader", seed);
        world.run();
        world.calls
    };
    assert_eq!(calls(5), calls(5));
    assert_ne!(calls(5), calls(6));
}

#[test]
fn a_minority_is_lost_at_the_end_and_the_others_are_asked() {
    let mut world = World::new("register", "kill:one", 4);
    let mix = [Function::Read, Function::Write];
    let survives = ["network", "kill", "pause"];
    let layout = nemesis::Layout::single(3);
    let liveness = Liveness::new(layout, &survives, systems::sim::POWERS, 4, &mix, Dice::new(4));
    world.conductor = world.conductor.requires_progress(liveness);
    world.run();
    let probes: Vec<&Call> =
        world.calls.iter().filter(|(part, _)| *part == Part::Freeze).map(|(_, c)| c).collect();
    let named = |action: &Action| matches!(action, Action::Begin { name, .. } | Action::End { name, .. } if name == Liveness::NAME);
    let frozen: Vec<_> = world.actions.iter().filter(|(_, action)| named(action)).collect();
    let [(from, Action::Begin { effects, .. }), (until, Action::End { .. })] = frozen[..] else {
        panic!("{frozen:?}")
    };
    assert!(*from >= Nanos::from_secs(12) && until.since(*from) < Liveness::DEADLINE);
    assert!(probes.iter().any(|call| call.op.function == Function::Read) && probes.len() >= 2);
    let lost: Vec<Node> = effects.iter().flat_map(Effect::downs).copied().collect();
    assert!(probes.iter().all(|call| !lost.contains(&call.node)));
    let progressed = world.conductor.progressed().unwrap();
    assert!(progressed.within.is_some() && progressed.missing.is_empty(), "{progressed:?}");
    let written: Vec<_> = world
        .calls
        .iter()
        .filter(|(_, c)| c.op.function == Function::Write)
        .map(|(_, c)| (c.op.key.clone(), c.op.value.clone()))
        .collect();
    assert_eq!(written.iter().collect::<BTreeSet<_>>().len(), written.len(), "no value is written twice");
}

#[test]
fn who_is_never_answered_makes_no_progress() {
    let mut world = World::new("register", "kill:one", 4);
    let survives = ["kill"];
    let mix = [Function::Read, Function::Write];
    let layout = nemesis::Layout::single(3);
    let liveness = Liveness::new(layout, &survives, systems::sim::POWERS, 4, &mix, Dice::new(4));
    world.conductor = world.conductor.requires_progress(liveness);
    world.silent = Some(Part::Freeze);
    world.run();
    let progressed = world.conductor.progressed().unwrap();
    assert_eq!(progressed.within, None);
    assert_eq!(progressed.missing, ["no read", "no update"]);
    assert!(progressed.asked > 20, "{progressed:?}");
}

#[test]
fn nobody_quotes_what_a_process_before_it_was_told() {
    let mix = [Function::ReadAll, Function::Replace];
    let survives = ["kill"];
    for seed in 0..20 {
        let mut world = World::new("siblings", "none", seed);
        world.conductor.shape.keys = Some(1);
        let layout = nemesis::Layout::single(3);
        let liveness = Liveness::new(layout, &survives, systems::sim::POWERS, 4, &mix, Dice::new(seed));
        world.conductor = world.conductor.requires_progress(liveness);
        world.run();
        assert_eq!(world.misquoted, [], "seed {seed}");
    }
}
