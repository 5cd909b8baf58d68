//! What is read back once the faults are healed.

use std::collections::{BTreeMap, VecDeque};

use histories::{Event, Function, Key, Kind, Nanos, Node, Op, Value};
use nemesis::Dice;

use super::Shape;
use super::micros::{read, transaction};
use crate::load::generator::{Context, Generator, Invocation, Next, Phases};

/// Dumps of every node until all agree, then every key from every node with `read`.
pub fn final_reads(shape: &Shape, keys: Vec<Key>, read: Function) -> Box<dyn Generator> {
    let reads: Vec<Op> = keys.into_iter().map(|key| Op::new(read.clone(), key, Value::Null)).collect();
    final_operations(shape, &reads)
}

/// Keys that one transaction reads.
const KEYS_PER_READ: usize = 4;

/// The same by transactions, each of which reads some of the keys.
pub(super) fn final_transactions(shape: &Shape, keys: &[Key]) -> Box<dyn Generator> {
    let named = |key: &Key| key.as_str().parse().map_or_else(|_| Value::text(key.as_str()), Value::Int);
    let reads = keys.chunks(KEYS_PER_READ).map(|keys| transaction(keys.iter().map(|key| read(named(key)))));
    final_operations(shape, &reads.collect::<Vec<_>>())
}

/// Dumps of every node until all agree, then these operations at every node, as far as they are supported.
pub(super) fn final_operations(shape: &Shape, reads: &[Op]) -> Box<dyn Generator> {
    let mut phases: Vec<Box<dyn Generator>> = Vec::new();
    if shape.supports(&Function::Dump) {
        phases.push(Box::new(DumpUntilEqual { copies: shape.copies, ..DumpUntilEqual::default() }));
    }
    let reads = reads.iter().filter(|op| shape.supports(&op.function));
    let at_every_node = reads.flat_map(|op| Node::first(shape.nodes).map(move |node| (op.clone(), node)));
    phases.push(Box::new(UntilAnswered { rest: at_every_node.collect(), ..UntilAnswered::default() }));
    Box::new(Phases::new(phases))
}

/// Nothing is read back.
pub(super) fn nothing() -> Box<dyn Generator> {
    Box::new(Fixed { rest: VecDeque::new() })
}

/// These operations, each once, wherever the run's routing says.
pub(super) fn once(operations: impl Iterator<Item = Op>) -> Box<dyn Generator> {
    Box::new(Fixed { rest: operations.map(Invocation::from).collect() })
}

/// A list of operations, once.
struct Fixed {
    rest: VecDeque<Invocation>,
}

impl Generator for Fixed {
    fn next(&mut self, _: &Context<'_>, _: &mut Dice) -> Next {
        self.rest.pop_front().map_or(Next::Done, Next::Op)
    }
}

/// A list of operations, each until it is answered: the first one after a fault may meet a connection that the fault left
/// broken. A node that answers none of a few tries is left alone.
#[derive(Default)]
struct UntilAnswered {
    rest: VecDeque<(Op, Node)>,
    open: usize,
    /// Operations that failed, each with when it is tried again.
    again: VecDeque<(Nanos, (Op, Node))>,
    /// How often an operation of a node has failed.
    failures: BTreeMap<Node, u32>,
}

impl UntilAnswered {
    const FAILURES_MAX: u32 = 3;
    const PAUSE: Nanos = Nanos::from_millis(250);

    fn next_due(&mut self, now: Nanos) -> Option<(Op, Node)> {
        if self.again.front().is_some_and(|(due, _)| *due <= now) {
            return self.again.pop_front().map(|(_, asked)| asked);
        }
        self.rest.pop_front()
    }
}

impl Generator for UntilAnswered {
    fn next(&mut self, context: &Context<'_>, _: &mut Dice) -> Next {
        if let Some((op, node)) = self.next_due(context.now) {
            self.open += 1;
            return Next::Op(Invocation { op, thread: None, node: Some(node) });
        }
        match self.again.front() {
            Some((due, _)) => Next::Until(*due),
            None if self.open > 0 => Next::Pending,
            None => Next::Done,
        }
    }

    fn observe(&mut self, completion: &Event) {
        let Some(node) = completion.node.filter(|_| self.open > 0) else { return };
        self.open -= 1;
        if completion.kind == Kind::Ok {
            return;
        }
        let failures = self.failures.entry(node).or_default();
        *failures += 1;
        if *failures <= Self::FAILURES_MAX {
            let due = completion.time + Self::PAUSE;
            self.again.push_back((due, (completion.op.clone(), node)));
        }
    }
}

/// Rounds of one dump per node, until a round agrees or the patience is spent.
#[derive(Default)]
struct DumpUntilEqual {
    /// On how many nodes each key is kept, where not on all.
    copies: Option<u16>,
    /// Nodes that this round still has to ask.
    to_ask: VecDeque<Node>,
    /// Answers of this round; `None` from a node that did not answer.
    answers: BTreeMap<Node, Option<Value>>,
    started: Option<Nanos>,
    next_round: Nanos,
    agreed: bool,
}

impl DumpUntilEqual {
    const PATIENCE: Nanos = Nanos::from_secs(10);
    const BETWEEN_ROUNDS: Nanos = Nanos::from_millis(100);

    fn end_of_round(&mut self, now: Nanos) {
        let answers: Option<Vec<&Value>> = self.answers.values().map(Option::as_ref).collect();
        self.agreed = answers.is_some_and(|states| agree(&states, self.copies));
        self.answers.clear();
        self.next_round = now + Self::BETWEEN_ROUNDS;
    }
}

/// Whether all states are the same or, where keys are kept on some nodes only, each is on enough and the same there.
fn agree(states: &[&Value], copies: Option<u16>) -> bool {
    let Some(copies) = copies else { return states.windows(2).all(|pair| pair[0] == pair[1]) };
    let entries = states.iter().filter_map(|state| state.as_map()).flatten();
    let mut held: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (key, value) in entries {
        held.entry(key).or_default().push(value);
    }
    held.values()
        .all(|values| values.len() >= usize::from(copies) && values.iter().all(|value| *value == values[0]))
}

impl Generator for DumpUntilEqual {
    fn next(&mut self, context: &Context<'_>, _: &mut Dice) -> Next {
        let started = *self.started.get_or_insert(context.now);
        if let Some(node) = self.to_ask.pop_front() {
            let op = Op::global(Function::Dump, Value::Null);
            return Next::Op(Invocation { op, thread: None, node: Some(node) });
        }
        if !self.answers.is_empty() {
            if self.answers.len() < usize::from(context.nodes) {
                return Next::Pending;
            }
            self.end_of_round(context.now);
        }
        if self.agreed || context.now.since(started) > Self::PATIENCE {
            return Next::Done;
        }
        if context.now < self.next_round {
            return Next::Until(self.next_round);
        }
        if context.free.len() < context.threads as usize {
            return Next::Pending;
        }
        self.to_ask = Node::first(context.nodes).collect();
        self.next(context, &mut Dice::new(0))
    }

    fn observe(&mut self, completion: &Event) {
        if completion.op.function == Function::Dump
            && let Some(node) = completion.node
        {
            let answer = (completion.kind == Kind::Ok).then(|| completion.op.value.clone());
            self.answers.insert(node, answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use histories::{Hints, Process};

    use super::super::Tuning;
    use super::*;

    fn context(now: u64) -> Context<'static> {
        Context { now: Nanos::from_millis(now), free: &[0, 1], threads: 2, nodes: 2 }
    }

    fn answer(node: Node, value: i64) -> Event {
        Event {
            index: 0,
            time: Nanos(0),
            process: Process::Client(0),
            kind: Kind::Ok,
            op: Op::global(Function::Dump, Value::Int(value)),
            node: Some(node),
            error: None,
            seen: None,
            hints: Hints::NONE,
        }
    }

    #[test]
    fn dumps_go_on_until_a_round_agrees() {
        let mut dump = DumpUntilEqual::default();
        let mut dice = Dice::new(0);
        let mut rounds = 0;
        for now in (0..1000).step_by(10) {
            match dump.next(&context(now), &mut dice) {
                Next::Op(invocation) => {
                    let node = invocation.node.unwrap();
                    rounds += u32::from(node == Node(0));
                    // The second node catches up in the third round.
                    let value = if node == Node(1) && rounds < 3 { 1 } else { 2 };
                    dump.observe(&answer(node, value));
                }
                Next::Done => break,
                _ => {}
            }
        }
        assert_eq!(rounds, 3);
        assert!(dump.agreed);
    }

    #[test]
    fn dumps_end_when_replicas_never_agree() {
        let mut dump = DumpUntilEqual::default();
        let mut dice = Dice::new(0);
        for now in (0..20_000).step_by(10) {
            match dump.next(&context(now), &mut dice) {
                Next::Op(invocation) => {
                    let node = invocation.node.unwrap();
                    dump.observe(&answer(node, i64::from(node.0)));
                }
                Next::Done => {
                    assert!((10_000..11_000).contains(&now), "{now}");
                    return;
                }
                _ => {}
            }
        }
        panic!("it asks for ever");
    }

    #[test]
    fn keys_that_some_nodes_keep_agree_where_enough_of_them_hold_the_same() {
        let state = |entries: &[(&str, i64)]| {
            Value::map(entries.iter().map(|(key, value)| ((*key).to_owned(), Value::Int(*value))))
        };
        let (both, x, y) = (state(&[("x", 1), ("y", 2)]), state(&[("x", 1)]), state(&[("y", 2)]));
        let other = state(&[("x", 3)]);
        assert!(agree(&[&both, &x, &y], Some(2)));
        assert!(!agree(&[&both, &x, &y], Some(3)) && !agree(&[&both, &x, &y], None));
        assert!(!agree(&[&both, &other, &y], Some(2)));
        assert!(agree(&[&both, &both], None));
    }

    #[test]
    fn every_key_is_read_from_every_node() {
        let shape = Shape {
            threads: 2,
            nodes: 3,
            rate: None,
            keys: None,
            copies: None,
            one_object: false,
            first_value: 1,
            unsupported: [Function::Dump].into(),
            tuning: Tuning::default(),
        };
        let mut reads = final_reads(&shape, vec!["a".into(), "b".into()], Function::Read);
        let mut asked = Vec::new();
        while let Next::Op(invocation) = reads.next(&context(0), &mut Dice::new(0)) {
            asked.push(format!("{}@{}", invocation.op.key.unwrap(), invocation.node.unwrap()));
        }
        assert_eq!(asked, ["a@n1", "a@n2", "a@n3", "b@n1", "b@n2", "b@n3"]);
    }

    #[test]
    fn what_fails_is_asked_again_a_few_times_at_each_node() {
        let rest = ["a", "b"].map(|key| (Op::read(key), Node(0))).into();
        let mut reads = UntilAnswered { rest, ..UntilAnswered::default() };
        let mut asked: Vec<String> = Vec::new();
        for now in (0..10_000).step_by(10) {
            match reads.next(&context(now), &mut Dice::new(0)) {
                Next::Op(Invocation { op, node, .. }) => {
                    let key = op.key.clone().unwrap();
                    // The key b is answered at once, the key a never.
                    let kind = if key.as_str() == "b" { Kind::Ok } else { Kind::Fail };
                    asked.push(format!("{key} at {now}"));
                    let time = Nanos::from_millis(now);
                    reads.observe(&Event { time, kind, op, ..answer(node.unwrap(), 0) });
                }
                Next::Done => break,
                _ => {}
            }
        }
        assert_eq!(asked, ["a at 0", "b at 10", "a at 250", "a at 500", "a at 750"]);
        assert_eq!(reads.next(&context(10_000), &mut Dice::new(0)), Next::Done);
    }
}
