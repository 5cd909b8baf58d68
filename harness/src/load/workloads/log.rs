//! Logs: records are sent to partitions and polled by consumers that each begin at the first record. None is lost, comes twice
//! or in another order, and all agree on its offset.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Event, Function, Key, Kind, ModelName, Nanos, Op, Process, Value};
use nemesis::Dice;

use super::{Shape, Workload, epilogue};
use crate::load::generator::{Context, Generator, Invocation, Next, Phases};

pub(super) struct Log;

/// Partitions, where the run does not say how many keys it uses.
const PARTITIONS: usize = 3;
const SEND: &str = "send";
const POLL: &str = "poll";
/// Takes the partitions that a consumer polls from now on, from their first records on.
const ASSIGN: &str = "assign";
/// The last record of each partition.
const LAST: &str = "last";

impl Workload for Log {
    fn name(&self) -> &'static str {
        "log"
    }

    fn about(&self) -> &'static str {
        "records sent to partitions of a log and polled; none is lost, comes twice or in another order"
    }

    fn mix(&self) -> Vec<Function> {
        [SEND, POLL].map(Function::from).to_vec()
    }

    fn generator(&self, shape: &Shape) -> Box<dyn Generator> {
        let count = shape.keys_or(PARTITIONS);
        Box::new(Records {
            threads: shape.threads.max(1),
            partitions: (0..count).map(|number| Key::from(format!("p{number}"))).collect(),
            next_value: shape.first_value,
            assigned: BTreeSet::new(),
        })
    }

    /// A last record is sent to each partition, behind all others; then a consumer at every node polls all that is there.
    fn epilogue(&self, shape: &Shape, keys: Vec<Key>) -> Box<dyn Generator> {
        let consumers = (0..shape.nodes.into()).take_while(|thread| *thread < shape.threads);
        let last = keys.iter().map(|key| Op::new(SEND.into(), key.clone(), Value::text(LAST)));
        let drain = Drain {
            threads: shape.threads.max(1),
            consumers: consumers.map(|thread| (thread, Consumer::default())).collect(),
            partitions: keys.clone(),
            ends: None,
        };
        Box::new(Phases::new(vec![epilogue::once(last), Box::new(drain)]))
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Log]
    }
}

fn assign(partitions: &[Key]) -> Op {
    Op::global(ASSIGN.into(), Value::list(partitions.iter().map(|key| Value::text(key.as_str()))))
}

fn poll(partition: &Key) -> Op {
    Op::new(POLL.into(), partition.clone(), Value::Null)
}

struct Records {
    threads: u32,
    partitions: Vec<Key>,
    next_value: i64,
    /// Threads whose process polls from where it was.
    assigned: BTreeSet<u32>,
}

impl Generator for Records {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        let thread = context.free[dice.below(context.free.len() as u64) as usize];
        let partition = &self.partitions[dice.below(self.partitions.len() as u64) as usize];
        let op = if dice.chance(1, 2) {
            let value = self.next_value;
            self.next_value += 1;
            Op::new(SEND.into(), partition.clone(), Value::Int(value))
        } else if self.assigned.contains(&thread) {
            poll(partition)
        } else {
            assign(&self.partitions)
        };
        Next::Op(Invocation { op, thread: Some(thread), node: None })
    }

    fn observe(&mut self, completion: &Event) {
        let Process::Client(process) = completion.process else { return };
        let thread = process % self.threads;
        match completion.kind {
            // The process after it polls nothing yet.
            Kind::Info => drop(self.assigned.remove(&thread)),
            Kind::Ok if completion.op.function.name() == ASSIGN => drop(self.assigned.insert(thread)),
            _ => {}
        }
    }
}

/// Lets a consumer at every node poll each partition until nothing more comes.
struct Drain {
    threads: u32,
    partitions: Vec<Key>,
    /// By thread.
    consumers: BTreeMap<u32, Consumer>,
    /// When the patience is spent.
    ends: Option<Nanos>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Consumer {
    assigned: bool,
    /// Partitions that it has polled to the end.
    done: usize,
    asked: bool,
}

impl Drain {
    const PATIENCE: Nanos = Nanos::from_secs(30);
}

impl Generator for Drain {
    fn next(&mut self, context: &Context<'_>, _: &mut Dice) -> Next {
        let ends = *self.ends.get_or_insert(context.now + Self::PATIENCE);
        let is_over = |consumer: &Consumer| consumer.done >= self.partitions.len();
        if context.now >= ends || self.consumers.values().all(is_over) {
            return Next::Done;
        }
        let free = |thread: &u32| context.free.contains(thread);
        let due = self.consumers.iter_mut().find(|(thread, it)| !it.asked && !is_over(it) && free(thread));
        let Some((&thread, consumer)) = due else { return Next::Until(ends) };
        consumer.asked = true;
        let op =
            if consumer.assigned { poll(&self.partitions[consumer.done]) } else { assign(&self.partitions) };
        let node = Some(histories::Node(thread as u16));
        Next::Op(Invocation { op, thread: Some(thread), node })
    }

    fn observe(&mut self, completion: &Event) {
        let Process::Client(process) = completion.process else { return };
        let Some(consumer) = self.consumers.get_mut(&(process % self.threads)) else { return };
        consumer.asked = false;
        match (completion.kind, completion.op.function.name()) {
            (Kind::Ok, POLL) => {
                let empty = completion.op.value.as_list().is_none_or(<[Value]>::is_empty);
                consumer.done += usize::from(empty);
            }
            (Kind::Ok, ASSIGN) => consumer.assigned = true,
            (Kind::Info, _) => *consumer = Consumer::default(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use histories::Hints;

    use super::super::testing::shape;
    use super::*;

    fn completion(kind: Kind, op: &Op, process: u32, value: Value) -> Event {
        let (op, time) = (Op { value, ..op.clone() }, Nanos(0));
        let process = Process::Client(process);
        Event { index: 0, time, process, kind, op, node: None, error: None, seen: None, hints: Hints::NONE }
    }

    #[test]
    fn a_process_polls_what_it_was_assigned_and_sends_each_value_once() {
        let mut records = Log.generator(&shape());
        let mut dice = Dice::new(1);
        let (mut assigned, mut sent, mut polls) = (false, BTreeSet::new(), 0);
        for round in 0..1000 {
            let context = Context { now: Nanos(0), free: &[0], threads: 1, nodes: 3 };
            let Next::Op(Invocation { op, .. }) = records.next(&context, &mut dice) else {
                panic!("it never waits")
            };
            let kind = if round % 10 == 0 { Kind::Info } else { Kind::Ok };
            match op.function.name() {
                SEND => assert!(sent.insert(op.value.clone())),
                POLL => {
                    assert!(assigned);
                    polls += 1;
                }
                _ => assigned = true,
            }
            assigned &= kind != Kind::Info;
            records.observe(&completion(kind, &op, 0, op.value.clone()));
        }
        assert!(sent.len() > 400 && polls > 200, "{} {polls}", sent.len());
    }

    #[test]
    fn in_the_end_a_consumer_at_every_node_polls_all_partitions_to_their_ends() {
        let partitions: Vec<Key> = vec!["p0".into(), "p1".into()];
        let mut drain = Log.epilogue(&Shape { threads: 4, ..shape() }, partitions);
        let (mut told, mut last) = (Vec::new(), Vec::new());
        let mut polled: BTreeMap<(u32, Key), u32> = BTreeMap::new();
        loop {
            let context = Context { now: Nanos(0), free: &[0, 1, 2, 3], threads: 4, nodes: 3 };
            match drain.next(&context, &mut Dice::new(0)) {
                Next::Op(Invocation { op, thread: None, .. }) => {
                    assert_eq!((op.function.name(), &op.value), (SEND, &Value::text(LAST)));
                    last.extend(op.key);
                }
                Next::Op(Invocation { op, thread: Some(thread), .. }) => {
                    let key = op.key.clone().unwrap_or_else(|| "-".into());
                    let times = polled.entry((thread, key.clone())).or_default();
                    *times += 1;
                    // The first poll of a partition brings a record, the second none.
                    let records =
                        if *times == 1 { vec![Value::list([Value::Int(0), Value::Int(7)])] } else { vec![] };
                    told.push(format!("{thread} {} {key}", op.function));
                    drain.observe(&completion(Kind::Ok, &op, thread, Value::list(records)));
                }
                Next::Done => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(told.len(), 3 * (1 + 2 * 2), "{told:?}");
        assert_eq!(told[..5], ["0 assign -", "0 poll p0", "0 poll p0", "0 poll p1", "0 poll p1"]);
        assert_eq!(last, ["p0", "p1"].map(Key::from));
    }
}
