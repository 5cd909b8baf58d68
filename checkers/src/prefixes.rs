//! A healthy run that ends early, at whatever event, is never blamed.

use histories::{
    Applied, Event, FaultStep, Function, Hints, History, Kind, ModelName, Node, Op, Process, Value,
};

use crate::testing::Dice;
use crate::{Budget, Finding, Verdict, check_all, testing};

const NODES: u16 = 3;
/// The node of the same number.
const LEADER: usize = 0;
const KEYS: [&str; 2] = ["x", "y"];
const MILLISECOND: u64 = 1_000_000;

/// A leader that acknowledges at once and followers that replay its log later, each at its own pace.
struct Run {
    dice: Dice,
    events: Vec<Event>,
    /// What was written, in order: a key and a value.
    log: Vec<(&'static str, i64)>,
    /// How much of the log each node has applied.
    applied: [usize; NODES as usize],
    /// Which of the clients are waiting for an answer, and for what.
    pending: Vec<Option<(Node, Op)>>,
    adds: bool,
    written: i64,
    now: u64,
}

impl Run {
    fn new(seed: u64, adds: bool) -> Self {
        Self {
            dice: Dice(seed),
            events: Vec::new(),
            log: Vec::new(),
            applied: [0; NODES as usize],
            pending: vec![None; 4],
            adds,
            written: 0,
            now: 0,
        }
    }

    fn record(&mut self, process: Process, kind: Kind, node: Option<Node>, op: Op) {
        self.now += MILLISECOND;
        let mut event = testing::event(self.now, process, kind, op);
        event.node = node;
        if kind == Kind::Ok {
            event.hints = Hints { version: Some(self.log.len() as u64), term: Some(1), served_by: None };
        }
        self.events.push(event);
    }

    fn call(&mut self, client: usize, node: Node, op: Op) {
        self.record(Process::Client(client as u32), Kind::Invoke, Some(node), op.clone());
        self.pending[client] = Some((node, op));
    }

    fn value(&self, node: Node, key: &str) -> Value {
        let applied = self.log[..self.applied[node.index()]].iter().filter(|(other, _)| *other == key);
        let mut values = applied.map(|&(_, value)| Value::Int(value));
        if self.adds { Value::list(values) } else { values.next_back().unwrap_or_default() }
    }

    /// Takes effect at the moment of the answer.
    fn answer(&mut self, client: usize) {
        let Some((node, op)) = self.pending[client].take() else { return };
        let mut reply = op.clone();
        let key = op.key.as_ref().and_then(|key| KEYS.into_iter().find(|name| *name == key.as_str()));
        match (&op.function, key) {
            (Function::Dump, _) => {
                let entries = KEYS.into_iter().map(|key| (key.to_owned(), self.value(node, key)));
                reply.value = Value::map(entries.filter(|(_, value)| *value != Value::Null));
            }
            (Function::Read | Function::ReadAll, Some(key)) => reply.value = self.value(node, key),
            (_, Some(key)) => {
                let Value::Int(value) = op.value else { panic!("{op:?}") };
                self.log.push((key, value));
                self.applied[LEADER] = self.log.len();
            }
            _ => panic!("{op:?}"),
        }
        self.record(Process::Client(client as u32), Kind::Ok, Some(node), reply);
    }

    fn workload(&mut self, steps: usize) {
        let (update, read) =
            if self.adds { (Function::Add, Function::ReadAll) } else { (Function::Write, Function::Read) };
        for _ in 0..steps {
            let client = self.dice.below(4) as usize;
            if self.pending[client].is_some() {
                self.answer(client);
                continue;
            }
            let key = KEYS[self.dice.below(2) as usize];
            if self.dice.below(3) == 0 {
                self.written += 1;
                self.call(client, Node(0), Op::new(update.clone(), key, Value::Int(self.written)));
            } else {
                let node = Node(self.dice.below(u64::from(NODES)) as u16);
                self.call(client, node, Op::new(read.clone(), key, Value::Null));
            }
            let follower = 1 + self.dice.below(2) as usize;
            let behind = (self.log.len() - self.applied[follower]) as u64;
            if self.dice.below(4) == 0 {
                self.applied[follower] += self.dice.below(behind + 1) as usize;
            }
        }
        (0..4).for_each(|client| self.answer(client));
    }

    fn nemesis(&mut self, step: FaultStep) {
        self.record(Process::Nemesis, Kind::Info, None, step.clone().to_op());
        self.record(Process::Nemesis, Kind::Info, None, step.done(Applied::Installed("seen".into())).to_op());
    }

    /// Rounds of dumps until all agree, then every key from every node.
    fn epilogue(&mut self) {
        for catches_up in [None, Some(1), Some(2)] {
            if let Some(follower) = catches_up {
                self.applied[follower] = self.log.len();
            }
            for node in Node::first(NODES) {
                self.call(node.index(), node, Op::global(Function::Dump, Value::Null));
            }
            (0..usize::from(NODES)).for_each(|client| self.answer(client));
            self.now += 100 * MILLISECOND;
        }
        let read = if self.adds { Function::ReadAll } else { Function::Read };
        for key in KEYS {
            for node in Node::first(NODES) {
                self.call(node.index(), node, Op::new(read.clone(), key, Value::Null));
            }
            (0..usize::from(NODES)).for_each(|client| self.answer(client));
        }
    }

    fn whole(mut self) -> Vec<Event> {
        let (name, what) = ("partition".to_owned(), "n3".to_owned());
        self.workload(60);
        self.nemesis(FaultStep::Begin { fault: 1, name: name.clone(), what: what.clone(), applied: None });
        self.workload(40);
        self.nemesis(FaultStep::End { fault: 1, name, what, applied: None });
        self.nemesis(FaultStep::Heal { applied: None });
        self.workload(60);
        self.epilogue();
        self.events
    }
}

fn history(events: &[Event]) -> History {
    let names = (1..=NODES).map(|number| format!("n{number}")).collect();
    testing::build(names, events.to_vec())
}

fn judge(events: &[Event]) -> Vec<Finding> {
    check_all(&history(events), None, &Budget::unlimited())
}

fn held(findings: &[Finding]) -> Vec<ModelName> {
    findings.iter().filter(|finding| finding.verdict == Verdict::Valid).map(|finding| finding.model).collect()
}

#[test]
fn no_prefix_of_a_healthy_run_violates_what_the_whole_satisfies() {
    for (seed, adds) in [(1, false), (2, false), (3, true), (4, true)] {
        let events = Run::new(seed, adds).whole();
        let models = held(&judge(&events));
        assert!(models.contains(&ModelName::Durability), "{models:?}");
        assert!(models.contains(&ModelName::Convergence), "{models:?}");
        for length in 0..events.len() {
            for finding in judge(&events[..length]).iter().filter(|finding| models.contains(&finding.model)) {
                let is_invalid = matches!(finding.verdict, Verdict::Invalid(_));
                assert!(!is_invalid, "run {seed}, {length} of {} events: {finding:#?}", events.len());
            }
        }
    }
}

#[test]
fn what_is_lost_is_found_at_the_end_and_not_before() {
    let mut run = Run::new(5, false);
    run.workload(60);
    let lost = Op::write("x", 1000);
    run.record(Process::Client(0), Kind::Invoke, Some(Node(0)), lost.clone());
    run.record(Process::Client(0), Kind::Ok, Some(Node(0)), lost);
    let workload = run.events.len();
    run.epilogue();
    let durability = |events: &[Event]| {
        let findings = judge(events);
        let finding = findings.iter().find(|finding| finding.model == ModelName::Durability).unwrap();
        finding.verdict.name()
    };
    assert_eq!(durability(&run.events), "invalid");
    assert_eq!(durability(&run.events[..workload]), "unknown");
}
