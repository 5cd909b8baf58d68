//! A store whose transactions overlap. Each reads when it begins and writes when it commits, and commits only if nothing
//! that it read was overwritten between, so that the commits are a serial order. One refused is tried again as another.

use std::collections::BTreeSet;

use histories::{Event, Function, Hints, History, Kind, Nanos, Op, Pairing, Process, Value};

/// What keys hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objects {
    Registers,
    Lists,
}

/// What is put into the middle of a history, on keys of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anomaly {
    /// Two transactions write two registers blindly, and a third reads one of each.
    BlindFork,
    /// Two transactions read two keys, and each writes another of them.
    WriteSkew,
    /// A session does not read what it wrote before.
    Session,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) objects: Objects,
    pub(crate) transactions: u64,
    pub(crate) sessions: u64,
    /// How many keys there are for a hundred transactions.
    pub(crate) keys_percent: u64,
    /// In a transaction.
    pub(crate) operations: u64,
    /// Whether a transaction reads each key that it writes.
    pub(crate) reads_first: bool,
    pub(crate) is_timed: bool,
    pub(crate) anomaly: Option<Anomaly>,
}

impl Shape {
    pub(crate) const REGISTERS: Self = Self {
        objects: Objects::Registers,
        transactions: 0,
        sessions: 20,
        keys_percent: 10,
        operations: 8,
        reads_first: false,
        is_timed: false,
        anomaly: None,
    };

    /// Lists of some twenty elements.
    pub(crate) const LISTS: Self =
        Self { objects: Objects::Lists, keys_percent: 10, operations: 4, is_timed: true, ..Self::REGISTERS };
}

pub(crate) struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

#[derive(Clone, Copy)]
enum Micro {
    Read(usize),
    Write(usize, i64),
}

/// A transaction that has begun, with the key's versions that it read.
struct Open {
    micros: Vec<Micro>,
    read: Vec<(usize, usize)>,
}

struct Store {
    shape: Shape,
    dice: Dice,
    /// By key, all that was written, in order; lists hold all of it, registers the last.
    written: Vec<Vec<i64>>,
    next: i64,
    events: u64,
    pairing: Pairing,
}

pub(crate) fn history(shape: &Shape) -> History {
    let keys = (shape.transactions * shape.keys_percent / 100).max(1) as usize;
    let mut store = Store {
        shape: *shape,
        dice: Dice(11),
        // Two more, for the anomaly.
        written: vec![Vec::new(); keys + 2],
        next: 0,
        events: 0,
        pairing: Pairing::default(),
    };
    let mut sessions: Vec<Option<Open>> = (0..shape.sessions).map(|_| None).collect();
    let mut anomaly = shape.anomaly;
    let mut committed = 0;
    while committed < shape.transactions {
        let session = store.dice.below(shape.sessions) as usize;
        match sessions[session].take() {
            None => sessions[session] = Some(store.begin(session as u32)),
            Some(open) => committed += u64::from(store.end(session as u32, &open)),
        }
        if committed * 2 > shape.transactions
            && let Some(anomaly) = anomaly.take()
        {
            store.plant(anomaly);
        }
    }
    store.pairing.finish()
}

impl Store {
    fn begin(&mut self, session: u32) -> Open {
        let keys = self.written.len() as u64 - 2;
        let (mut micros, mut read, mut own) = (Vec::new(), Vec::new(), BTreeSet::new());
        for _ in 0..self.shape.operations {
            let key = self.dice.below(keys) as usize;
            if !own.insert(key) {
                continue;
            }
            let writes = self.dice.below(2) == 0;
            if !writes || self.shape.reads_first {
                micros.push(Micro::Read(key));
                read.push((key, self.written[key].len()));
            }
            if writes {
                self.next += 1;
                micros.push(Micro::Write(key, self.next));
            }
        }
        let call = self.told(&micros, |_| Value::Null);
        self.event(session, Kind::Invoke, call);
        Open { micros, read }
    }

    /// Whether it committed.
    fn end(&mut self, session: u32, open: &Open) -> bool {
        let is_current = open.read.iter().all(|&(key, version)| self.written[key].len() == version);
        if !is_current {
            let call = self.told(&open.micros, |_| Value::Null);
            self.event(session, Kind::Fail, call);
            return false;
        }
        let reply = self.told(&open.micros, |key| self.shown(key));
        for &micro in &open.micros {
            if let Micro::Write(key, value) = micro {
                self.written[key].push(value);
            }
        }
        self.event(session, Kind::Ok, reply);
        true
    }

    fn shown(&self, key: usize) -> Value {
        match self.shape.objects {
            Objects::Registers => self.written[key].last().map_or(Value::Null, |&value| Value::Int(value)),
            Objects::Lists => list(&self.written[key]),
        }
    }

    fn told(&self, micros: &[Micro], seen: impl Fn(usize) -> Value) -> Value {
        let write = if self.shape.objects == Objects::Lists { "append" } else { "w" };
        Value::list(micros.iter().map(|&micro| {
            let (function, key, value) = match micro {
                Micro::Read(key) => ("r", key, seen(key)),
                Micro::Write(key, value) => (write, key, Value::Int(value)),
            };
            Value::list([Value::text(function), Value::Int(key as i64), value])
        }))
    }

    fn event(&mut self, process: u32, kind: Kind, value: Value) {
        let event = Event {
            index: self.events,
            time: Nanos(if self.shape.is_timed { 1_000 * self.events } else { 0 }),
            process: Process::Client(process),
            kind,
            op: Op::global(Function::Txn, value),
            node: None,
            error: None,
            seen: None,
            hints: Hints::NONE,
        };
        self.events += 1;
        self.pairing.push(event, None).expect("a session has one transaction at a time");
    }

    /// A transaction of a session of its own that says of itself what it saw.
    fn say(&mut self, session: u32, micros: &[Micro], seen: [Option<i64>; 2]) {
        let first = self.written.len() - 2;
        let shown = |key: usize| {
            let value = seen[key - first];
            match self.shape.objects {
                Objects::Registers => value.map_or(Value::Null, Value::Int),
                Objects::Lists => list(value.as_slice()),
            }
        };
        let (call, reply) = (self.told(micros, |_| Value::Null), self.told(micros, shown));
        let session = self.shape.sessions as u32 + session;
        self.event(session, Kind::Invoke, call);
        self.event(session, Kind::Ok, reply);
    }

    fn plant(&mut self, anomaly: Anomaly) {
        let (x, y) = (self.written.len() - 2, self.written.len() - 1);
        let value = [1, 2, 3, 4].map(|place| self.next + place);
        self.next += 4;
        match anomaly {
            Anomaly::BlindFork => {
                self.say(0, &[Micro::Write(x, value[0]), Micro::Write(y, value[1])], [None, None]);
                self.say(1, &[Micro::Write(x, value[2]), Micro::Write(y, value[3])], [None, None]);
                self.say(2, &[Micro::Read(x), Micro::Read(y)], [Some(value[0]), Some(value[3])]);
            }
            Anomaly::WriteSkew => {
                let reads = [Micro::Read(x), Micro::Read(y)];
                self.say(0, &[reads[0], reads[1], Micro::Write(x, value[0])], [None, None]);
                self.say(1, &[reads[0], reads[1], Micro::Write(y, value[1])], [None, None]);
                self.say(2, &reads, [Some(value[0]), Some(value[1])]);
            }
            Anomaly::Session => {
                self.say(0, &[Micro::Write(x, value[0])], [None, None]);
                self.say(0, &[Micro::Read(x)], [None, None]);
            }
        }
    }
}

fn list(elements: &[i64]) -> Value {
    Value::list(elements.iter().map(|&element| Value::Int(element)))
}
