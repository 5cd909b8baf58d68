//! Histories of one register under load, with planted stale reads.
//!
//! The same seed gives the same history.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use histories::{Event, Header, Hints, History, Kind, Nanos, Op, Pairing, Process, Value};

/// What a history is made of; shares are in permille.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) operations: usize,
    pub(crate) clients: u32,
    pub(crate) reads: u64,
    /// Of the rest.
    pub(crate) compare_and_sets: u64,
    pub(crate) stale: u64,
    pub(crate) stale_ns: u64,
    pub(crate) seed: u64,
}

impl Load {
    pub(crate) const VALID: Self = Self {
        operations: 10_000,
        clients: 10,
        reads: 500,
        compare_and_sets: 0,
        stale: 0,
        stale_ns: 50_000_000,
        seed: 1,
    };
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn one_in_permille(&mut self, share: u64) -> bool {
        self.below(1000) < share
    }

    /// Mean 1 ms, and at least a tenth of it.
    fn latency(&mut self) -> u64 {
        let uniform = (self.below(1 << 53) + 1) as f64 / (1_u64 << 53) as f64;
        100_000 + (-uniform.ln() * 1_000_000.0) as u64
    }
}

#[derive(Clone)]
struct Pending {
    returned: u64,
    op: Op,
}

/// An atomic register: every operation takes effect at a random moment between its call and its return.
pub(crate) fn history(load: Load) -> History {
    let mut dice = Dice(load.seed);
    let mut effects: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut pending: Vec<Option<Pending>> = vec![None; load.clients as usize];
    let mut events: Vec<Event> = Vec::with_capacity(2 * load.operations);
    let mut versions: Vec<(u64, i64)> = vec![(0, 0)];
    let (mut written, mut started) = (0, 0);
    for client in 0..load.clients {
        started += 1;
        start(&mut dice, load, (client, 1), &mut written, &versions, &mut events, &mut pending, &mut effects);
    }
    while let Some(Reverse((time, client))) = effects.pop() {
        let Some(Pending { returned, op }) = pending[client as usize].take() else { continue };
        let state = versions[versions.len() - 1].1;
        let stale = dice.one_in_permille(load.stale);
        let mut done = event(returned, client, Kind::Ok, op.clone());
        match (op.function.name(), op.value.as_pair()) {
            ("read", _) if stale => {
                let at = versions.partition_point(|&(since, _)| since + load.stale_ns <= time).max(1);
                done.op.value = value(versions[at - 1].1);
            }
            ("read", _) => done.op.value = value(state),
            (_, Some((from, to))) if *from == value(state) => {
                versions.push((time, to.as_int().unwrap_or_default()));
            }
            (_, Some(_)) => {
                done.kind = Kind::Fail;
                done.seen = Some(value(state));
            }
            _ => versions.push((time, op.value.as_int().unwrap_or_default())),
        }
        events.push(done);
        if started < load.operations {
            started += 1;
            let place = (client, returned);
            start(&mut dice, load, place, &mut written, &versions, &mut events, &mut pending, &mut effects);
        }
    }
    events.sort_by_key(|event| (event.time, event.kind != Kind::Invoke));
    pair(events)
}

#[expect(clippy::too_many_arguments, reason = "the generator's whole state")]
fn start(
    dice: &mut Dice,
    load: Load,
    (client, free): (u32, u64),
    written: &mut i64,
    versions: &[(u64, i64)],
    events: &mut Vec<Event>,
    pending: &mut [Option<Pending>],
    effects: &mut BinaryHeap<Reverse<(u64, u32)>>,
) {
    let called = free + 1 + dice.below(200_000);
    let latency = dice.latency();
    let op = if dice.one_in_permille(load.reads) {
        Op::read("x")
    } else {
        *written += 1;
        if dice.one_in_permille(load.compare_and_sets) {
            Op::cas("x", value(versions[versions.len() - 1].1), *written)
        } else {
            Op::write("x", *written)
        }
    };
    events.push(event(called, client, Kind::Invoke, op.clone()));
    effects.push(Reverse((called + 1 + dice.below(latency - 1), client)));
    pending[client as usize] = Some(Pending { returned: called + latency, op });
}

/// Zero stands for absent.
fn value(int: i64) -> Value {
    if int == 0 { Value::Null } else { Value::Int(int) }
}

fn event(time: u64, client: u32, kind: Kind, op: Op) -> Event {
    Event {
        index: 0,
        time: Nanos(time),
        process: Process::Client(client),
        kind,
        op,
        node: None,
        error: None,
        seen: None,
        hints: Hints::NONE,
    }
}

fn pair(events: Vec<Event>) -> History {
    let mut pairing = Pairing::new(Header::default());
    for (index, event) in (0..).zip(events) {
        if let Err(problem) = pairing.push(Event { index, ..event }, None) {
            panic!("the generator made a history that no client can have seen: {problem}");
        }
    }
    pairing.finish()
}
