//! Operations a second through a protocol without faults: members, a queue of messages and disks that are done at once.

mod processor;

use std::collections::VecDeque;

use self::processor::ProcessorTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use histories::{Key, Nanos, Node, Value};
use nemesis::Layout;
use systems::store::{
    Command, Input, Member, Now, Outbox, Protocol, Replica, Request, RequestId, Store, Visit, mode,
};

const OPERATIONS: u64 = 20_000;
/// Asked at a time in each datacentre.
const CLIENTS: u64 = 64;
const KEYS: u64 = 1000;

type MessageOf<P> = <<P as Protocol>::Replica as Replica>::Message;
type OutboxOf<P> = Outbox<MessageOf<P>, <<P as Protocol>::Replica as Replica>::Record>;

struct Loop<P: Protocol> {
    members: Vec<P::Replica>,
    queue: VecDeque<(Node, Input<MessageOf<P>>)>,
    keys: Vec<Key>,
    clients: u64,
    now: Nanos,
    answered: u64,
    out: OutboxOf<P>,
}

impl<P: Protocol> Loop<P> {
    fn new(protocol: &P, layout: Layout) -> Self {
        let now = Now::default();
        let member =
            |node: Node| protocol.recover(Member { node, layout }, u64::from(node.0), Vec::new(), now);
        let mut world = Self {
            members: layout.nodes().map(member).collect(),
            queue: VecDeque::new(),
            keys: (0..KEYS).map(|number| Key::from(format!("k{number}"))).collect(),
            clients: CLIENTS * u64::from(layout.datacentres),
            now: Nanos::ZERO,
            answered: 0,
            out: Outbox::default(),
        };
        // Long enough for an election.
        for _ in 0..300 {
            world.now = world.now + Nanos::from_millis(10);
            layout.nodes().for_each(|node| world.handle(node, Input::Tick));
            world.drain();
        }
        world
    }

    fn handle(&mut self, node: Node, input: Input<MessageOf<P>>) {
        let now = Now { monotonic: self.now, wall: self.now };
        self.members[node.index()].handle(now, input, &mut self.out);
        for persist in self.out.persists.drain(..) {
            self.queue.push_back((node, Input::Persisted(persist.seq)));
        }
        for (to, message) in self.out.sends.drain(..) {
            self.queue.push_back((to, Input::Message { from: node, message }));
        }
        self.answered += self.out.replies.drain(..).count() as u64;
    }

    fn drain(&mut self) {
        while let Some((node, input)) = self.queue.pop_front() {
            self.handle(node, input);
        }
    }

    /// Half reads, half writes, from every member in turn.
    fn run(&mut self, operations: u64) {
        let (nodes, before) = (self.members.len() as u64, self.answered);
        for number in 0..operations {
            let key = self.keys[(number % KEYS) as usize].clone();
            let command = if number % 2 == 0 {
                Command::Write { key, value: Value::Int(number as i64) }
            } else {
                Command::Read { key }
            };
            let request = Request { command, level: None, after: None, context: None };
            self.now = self.now + Nanos(1000);
            self.handle(Node((number % nodes) as u16), Input::Request { id: RequestId(number), request });
            if number % self.clients == self.clients - 1 {
                self.drain();
            }
        }
        self.drain();
        assert_eq!(self.answered - before, operations, "every operation is answered");
    }
}

struct Measure<'a> {
    criterion: &'a mut Criterion<ProcessorTime>,
    name: &'static str,
    layout: Layout,
}

impl Visit for Measure<'_> {
    type Out = ();

    fn visit<P: Protocol>(self, protocol: P) {
        let mut world = Loop::new(&protocol, self.layout);
        let mut group = self.criterion.benchmark_group("protocol");
        group.throughput(Throughput::Elements(OPERATIONS)).sample_size(20);
        group.bench_function(self.name, |bencher| bencher.iter(|| world.run(OPERATIONS)));
        group.finish();
    }
}

fn protocols(criterion: &mut Criterion<ProcessorTime>) {
    for name in [
        "leaderless/abd",
        "leaderless/quorum",
        "leaderless/weak",
        "leaderless/sloppy",
        "multi/home",
        "multi/lww",
        "multi/lww-hlc",
        "multi/lww-ring",
        "multi/merge",
        "multi/crdt",
        "single/quorum",
    ] {
        let (mode, store): (_, Store) = mode(name).expect("a preset");
        store.visit(Measure { criterion, name, layout: mode.layout });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ProcessorTime);
    targets = protocols
}
criterion_main!(benches);
