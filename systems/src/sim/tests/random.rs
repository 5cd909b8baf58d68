//! Every mode through random worlds, with faults by dice. `PARTITA_SEEDS=5000` widens the search by hand.
//!
//! Each client writes a register of its own, a higher value each time, and all append to one list: so an answer is compared
//! with what had been answered before it was asked for, and nothing is searched. Members are watched at every step.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Function, Key, ModelName, Nanos, Node, Op, Value};
use nemesis::{Dice, FaultSpec, Schedule, View};

use super::super::{Happened, Request, Setup, Simulation, World};
use crate::store::{Protocol, Replica as _, Visit};
use crate::{Completion, Mode, Routing};

const STORM: &str = "loss,duplicate,partition:any@1100ms:for=500ms:first=100ms,kill:any@1300ms:for=600ms:first=500ms,\
                     pause:any@1700ms:for=300ms:first=900ms";
const CALM: &str = "";

const THREADS: u32 = 4;
const FAULTY: Nanos = Nanos::from_millis(4000);
const END: Nanos = Nanos::from_millis(5500);

/// What came of a world.
#[derive(Debug, Default)]
struct Report {
    acknowledged: usize,
    reads: usize,
    /// Acknowledged writes that no member has at the end.
    lost: usize,
    /// Reads of something older than what had been answered before they were asked.
    stale: usize,
    converged: bool,
}

/// What clients were told.
#[derive(Default)]
struct Judge {
    /// Per register the highest value that anybody was told of.
    told: BTreeMap<Key, i64>,
    /// Acknowledged last, per register.
    written: BTreeMap<Key, i64>,
    appended: BTreeSet<i64>,
    /// Nobody knows whether they took place, or when.
    doubtful: BTreeSet<i64>,
    refused: BTreeSet<i64>,
    report: Report,
}

impl Judge {
    fn floor(&self, op: &Op) -> i64 {
        op.key.as_ref().and_then(|key| self.told.get(key)).copied().unwrap_or(0)
    }

    fn completed(&mut self, op: &Op, floor: i64, completion: &Completion) {
        let (Some(key), value) = (op.key.clone(), op.value.as_int()) else { return };
        match (completion, value) {
            (Completion::Ok(reply), None) => self.read(key, floor, reply.value.as_int().unwrap_or(0)),
            (Completion::Ok(_), Some(value)) => {
                self.report.acknowledged += 1;
                if op.function == Function::Append {
                    self.appended.insert(value);
                } else {
                    self.written.insert(key.clone(), value);
                    self.tell(key, value);
                }
            }
            (Completion::Fail { .. }, Some(value)) => self.refused.extend([value]),
            (Completion::Info(_), Some(value)) => self.doubtful.extend([value]),
            (Completion::Fail { .. } | Completion::Info(_), None) => {}
        }
    }

    fn read(&mut self, key: Key, floor: i64, seen: i64) {
        self.report.reads += 1;
        assert!(!self.refused.contains(&seen), "{key} held {seen}, which was refused");
        self.report.stale += usize::from(seen < floor && !self.doubtful.contains(&seen));
        if !self.doubtful.contains(&seen) {
            self.tell(key, seen);
        }
    }

    fn tell(&mut self, key: Key, value: i64) {
        let told = self.told.entry(key).or_default();
        *told = (*told).max(value);
    }

    /// Acknowledged writes that are not in a member's state, and were not replaced.
    fn lost(&self, state: &BTreeMap<Key, Value>) -> usize {
        let held = |key: &Key| state.get(key).and_then(Value::as_int).unwrap_or(0);
        let gone = |(key, value): &(&Key, &i64)| held(key) < **value && !self.doubtful.contains(&held(key));
        let list = state.get(&Key::from("list")).and_then(Value::as_list).unwrap_or_default();
        let elements: BTreeSet<i64> = list.iter().filter_map(Value::as_int).collect();
        assert_eq!(elements.len(), list.len(), "something was appended twice");
        assert!(elements.is_disjoint(&self.refused), "the list holds what was refused");
        self.written.iter().filter(gone).count() + self.appended.difference(&elements).count()
    }
}

/// A world with clients.
struct Random<P: Protocol> {
    world: World<P>,
    mode: Mode,
    appends: bool,
    dice: Dice,
    judge: Judge,
    next_value: i64,
    threads: Vec<Client>,
}

#[derive(Default)]
struct Client {
    open: Option<(Op, i64)>,
    process: u32,
    /// When it asks again.
    at: Nanos,
}

impl<P: Protocol> Random<P> {
    fn run(&mut self, faults: &str) -> Report {
        let specs = FaultSpec::parse_list(faults).unwrap();
        let mut schedule = Schedule::new(FaultSpec::build_all(&specs), self.dice.split("faults"));
        while self.world.time() < FAULTY {
            let view = View::new(self.world.time(), self.mode.layout, self.world.status().leaders);
            for action in schedule.poll(&view) {
                self.world.apply(&action);
            }
            self.ask();
            self.step(schedule.next_wake().unwrap_or(FAULTY).min(FAULTY));
        }
        for action in schedule.end() {
            self.world.apply(&action);
        }
        while self.world.time() < END {
            self.ask();
            self.step(END);
        }
        while self.threads.iter().any(|client| client.open.is_some()) {
            self.step(Nanos::MAX);
        }
        self.settle();
        assert_eq!(Simulation::broken(&self.world), None);
        std::mem::take(&mut self.judge.report)
    }

    fn ask(&mut self) {
        let now = self.world.time();
        for thread in 0..THREADS {
            let client = &self.threads[thread as usize];
            if client.open.is_some() || client.at > now {
                continue;
            }
            let (process, op) = (client.process, self.op(thread));
            let node = self.route(thread);
            self.threads[thread as usize].open = Some((op.clone(), self.judge.floor(&op)));
            self.world.submit(Request { thread, process, node, op, deadline: Nanos::from_millis(600) });
        }
    }

    fn op(&mut self, thread: u32) -> Op {
        let key = |of: u64| Key::from(format!("k{of}"));
        self.next_value += 1;
        match self.dice.below(10) {
            0..5 => Op::read(key(self.dice.below(u64::from(THREADS)))),
            5 | 6 if self.appends => {
                Op::new(Function::Append, Key::from("list"), Value::Int(self.next_value))
            }
            _ => Op::write(key(u64::from(thread)), self.next_value),
        }
    }

    fn route(&mut self, thread: u32) -> Node {
        let layout = self.mode.layout;
        let site = thread as u16 % layout.datacentres;
        let place = match self.mode.routing {
            Routing::Sticky => thread as u16 / layout.datacentres % layout.nodes_each,
            Routing::Roam => self.dice.below(u64::from(layout.nodes_each)) as u16,
        };
        Node(site * layout.nodes_each + place)
    }

    fn step(&mut self, until: Nanos) {
        let due = self.threads.iter().filter(|client| client.open.is_none()).map(|client| client.at).min();
        let now = self.world.time();
        let until = due.filter(|at| *at > now).unwrap_or(until).min(until);
        let Happened::Completed { thread, completion } = Simulation::advance(&mut self.world, until) else {
            return;
        };
        let client = &mut self.threads[thread as usize];
        let Some((op, floor)) = client.open.take() else { panic!("nobody asked") };
        client.at = self.world.time() + Nanos::from_millis(self.dice.between(5, 20));
        client.process += u32::from(matches!(completion, Completion::Info(_)));
        self.judge.completed(&op, floor, &completion);
    }

    fn states(&self) -> Vec<BTreeMap<Key, Value>> {
        let replicas = self.world.members.iter().filter_map(|member| member.replica.as_ref());
        replicas
            .map(|replica| replica.dump().into_iter().map(|(key, entry)| (key, entry.value)).collect())
            .collect()
    }

    /// Whether members agree. Where each key is on some of them only, those that have it do.
    fn agree(&self, states: &[BTreeMap<Key, Value>]) -> bool {
        if self.mode.copies.is_none() {
            return states.windows(2).all(|pair| pair[0] == pair[1]);
        }
        let all = union(states);
        states.iter().flatten().all(|(key, value)| all.get(key) == Some(value))
    }

    /// Nobody asks any more, so that everybody catches up.
    fn settle(&mut self) {
        for _ in 0..150 {
            let states = self.states();
            self.judge.report.converged =
                states.len() == usize::from(self.mode.layout.total()) && self.agree(&states);
            if self.judge.report.converged && self.world.status().ready {
                break;
            }
            let until = self.world.time() + Nanos::from_millis(100);
            while self.world.time() < until {
                Simulation::advance(&mut self.world, until);
            }
        }
        let states = if self.mode.copies.is_some() { vec![union(&self.states())] } else { self.states() };
        self.judge.report.lost = states.iter().map(|state| self.judge.lost(state)).max().unwrap_or(0);
    }
}

fn union(states: &[BTreeMap<Key, Value>]) -> BTreeMap<Key, Value> {
    states.iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

struct Run<'a> {
    mode: Mode,
    faults: &'a str,
    seed: u64,
}

impl Visit for Run<'_> {
    type Out = Report;

    fn visit<P: Protocol>(self, protocol: P) -> Report {
        let (layout, clients, seed) = (self.mode.layout, THREADS, self.seed);
        let setup = Setup { layout, clients, seed, service: Nanos::ZERO, trace: false };
        let appends = protocol.supports(&Function::Append);
        let world = World::start(protocol, &setup).unwrap();
        let threads = (0..THREADS).map(|_| Client::default()).collect();
        let dice = Dice::new(self.seed).split("clients");
        let judge = Judge::default();
        Random { world, mode: self.mode, appends, dice, judge, next_value: 0, threads }.run(self.faults)
    }
}

fn seeds(default: u64) -> std::ops::Range<u64> {
    let count = std::env::var("PARTITA_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(default);
    let from = std::env::var("PARTITA_FROM").ok().and_then(|from| from.parse().ok()).unwrap_or(0);
    from..from + count
}

/// A seed that fails names itself.
fn each(text: &str, faults: &str, worlds: u64, mut check: impl FnMut(u64, &Mode, Report)) {
    let (mode, store) = crate::store::mode(text).unwrap();
    for seed in seeds(worlds) {
        let run = Run { mode: mode.clone(), faults, seed };
        let report = std::panic::catch_unwind(|| store.clone().visit(run));
        check(seed, &mode, report.unwrap_or_else(|_| panic!("{text}, seed {seed}")));
    }
}

/// Invariants hold at every step, and whatever the mode promises in the end.
fn keeps_its_promise(text: &str) {
    let mut acknowledged = 0;
    each(text, STORM, 40, |seed, mode, report| {
        let promised = |model| mode.promise.contains(&model);
        let told = format!("{text}, seed {seed}: {report:?}");
        assert!(report.converged || !promised(ModelName::Convergence), "{told}");
        assert!(report.lost == 0 || !promised(ModelName::Durability), "{told}");
        assert!(report.stale == 0 || !promised(ModelName::Linearizable), "{told}");
        acknowledged += report.acknowledged;
    });
    assert!(acknowledged > 1000, "{text}: only {acknowledged} writes were acknowledged");
}

macro_rules! promises {
    ($($name:ident: $text:literal;)*) => { $(#[test] fn $name() { keeps_its_promise($text); })* };
}

promises! {
    quorum: "single/quorum";
    quorum_as_stream: "single/quorum[format=stream]";
    quorum_as_data: "single/quorum[format=data,snapshot=40]";
    quorum_with_snapshots: "single/quorum[snapshot=20]";
    sync: "single/sync";
    chain: "single/chain";
    chain_with_snapshots: "single/chain[snapshot=30,format=data]";
    lease: "single/lease";
    lease_fencing: "single/lease[fencing=lease]";
    leader_read: "single/leader-read";
    follower_read: "single/follower-read";
    session_read: "single/session-read[snapshot=50]";
    recent_read: "single/recent-read";
    home: "multi/home[snapshot=40]";
    home_star: "multi/home-star";
    lww: "multi/lww";
    lww_hlc_ring: "multi/lww-hlc-ring";
    crdt: "multi/crdt";
    abd: "leaderless/abd";
    abd_compacted: "leaderless/abd[snapshot=4]";
    leaderless_quorum: "leaderless/quorum";
    leaderless_sloppy: "leaderless/sloppy";
}

fn shows(text: &str, faults: &str, mut gap: impl FnMut(&Report) -> bool) {
    let mut shown = 0;
    each(text, faults, 80, |_, _, report| shown += u64::from(gap(&report)));
    assert!(shown >= 3, "{text} showed its gap in {shown} worlds only");
}

#[test]
fn async_loses_acknowledged_writes() {
    shows("single/async[snapshot=40]", STORM, |report| report.lost > 0);
}

#[test]
fn semi_sync_loses_acknowledged_writes() {
    shows("single/semi-sync[snapshot=40]", STORM, |report| report.lost > 0);
}

#[test]
fn unfenced_splits_its_brain() {
    shows("single/unfenced", STORM, |report| report.lost > 0);
}

#[test]
fn unfenced_diverges() {
    shows("single/unfenced", STORM, |report| !report.converged);
}

#[test]
fn leader_reads_are_stale_when_the_leader_is_cut_off() {
    shows("single/leader-read", STORM, |report| report.stale > 0);
}

#[test]
fn follower_reads_are_stale_without_any_fault() {
    shows("single/follower-read", CALM, |report| report.stale > 0 && report.reads > 0);
}

#[test]
fn session_reads_are_stale_across_sessions_without_any_fault() {
    shows("single/session-read", CALM, |report| report.stale > 0);
}
