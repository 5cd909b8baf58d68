//! Histories of one register under load, with planted stale reads.
//!
//! The same seed gives the same history; with reads and writes alone it is, to the nanosecond, the one on which the
//! figures in `docs/benchmarks.md` were first taken.

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
    /// Of the reads: they see what was there `stale_ns` before.
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

    /// A million operations of which one read in a thousand is 50 ms old.
    pub(crate) const PLANTED: Self = Self { operations: 1_000_000, stale: 1, ..Self::VALID };
}

/// xorshift64* (Vigna, An experimental exploration of Marsaglia's xorshift generators, scrambled, 2016).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.next() % sides
    }

    /// Whether it falls within a share in permille, in steps of a millionth.
    fn within(&mut self, share: u64) -> bool {
        self.below(1_000_000) < share * 1000
    }

    /// Mean 1 ms, and at least a tenth of it.
    fn latency(&mut self) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        100_000 + (-uniform.max(1e-12).ln() * 1_000_000.0) as u64
    }
}

#[derive(Clone)]
struct Pending {
    returned: u64,
    op: Op,
    stale: bool,
}

/// An atomic register: every operation takes effect at a random moment between its call and its return.
pub(crate) fn history(load: Load) -> History {
    pair(events(load))
}

/// As many registers, each with clients of its own.
pub(crate) fn registers(keys: u32, load: Load) -> History {
    let of_key = |key: u32| {
        let load = Load { seed: load.seed + 2 * u64::from(key), ..load };
        events(load).into_iter().map(move |mut event| {
            event.op.key = Some(format!("x{key}").into());
            if let Process::Client(client) = event.process {
                event.process = Process::Client(key * load.clients + client);
            }
            event
        })
    };
    let mut all: Vec<Event> = (0..keys).flat_map(of_key).collect();
    all.sort_by_key(|event| (event.time, event.kind != Kind::Invoke));
    pair(all)
}

fn events(load: Load) -> Vec<Event> {
    let mut dice = Dice(load.seed | 1);
    let mut effects: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let mut pending: Vec<Option<Pending>> = vec![None; load.clients as usize];
    let mut events: Vec<Event> = Vec::with_capacity(2 * load.operations);
    let mut versions: Vec<(u64, i64)> = vec![(0, 0)];
    let (mut written, mut started) = (0, 0);
    for client in 0..load.clients {
        started += 1;
        start(
            &mut dice,
            load,
            (client, u64::from(client)),
            &mut written,
            &versions,
            &mut events,
            &mut pending,
            &mut effects,
        );
    }
    while let Some(Reverse((time, client))) = effects.pop() {
        let Some(Pending { returned, op, stale }) = pending[client as usize].take() else { continue };
        let state = versions[versions.len() - 1].1;
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
    events
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
    let takes_effect = called + 1 + dice.below(latency - 1);
    let (op, stale) = if dice.below(100) * 10 < load.reads {
        (Op::read("x"), dice.within(load.stale))
    } else {
        *written += 1;
        let op = if dice.within(load.compare_and_sets) {
            Op::cas("x", value(versions[versions.len() - 1].1), *written)
        } else {
            Op::write("x", *written)
        };
        (op, false)
    };
    events.push(event(called, client, Kind::Invoke, op.clone()));
    effects.push(Reverse((takes_effect, client)));
    pending[client as usize] = Some(Pending { returned: called + latency, op, stale });
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
