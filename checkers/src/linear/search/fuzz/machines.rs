//! The machines of registers and sequences, and both searches apart, against the oracle.
//!
//! They must agree with each other as well.

use finding::Meter;
use histories::Value;

use super::{agrees, kv_call, kv_reply, register_call, register_reply};
use crate::Budget;
use crate::linear::search::breadth::{End, breadth_first};
use crate::linear::search::depth::depth_first;
use crate::linear::search::expansion::Expansion;
use crate::linear::search::machine::Machine;
use crate::linear::search::register::{Access, Action, RegisterMachine};
use crate::linear::search::sequence::{self, Passage, SequenceMachine};
use crate::linear::search::timeline::{Operation, Timeline};
use crate::linear::search::{Answer, order};
use crate::models::{Entry, Kv, KvCall, Register, RegisterCall};

#[test]
fn register_on_numbered_values() {
    let number = |value: &Value| value.as_int().map_or(0, |int| int as u32 + 1);
    agrees("register, numbered", &Register::default(), register_call, register_reply, |entries| {
        let accesses: Vec<Access> = entries
            .iter()
            .map(|entry| Entry {
                invoked: entry.invoked,
                returned: entry.returned,
                reply: None,
                call: match &entry.call {
                    RegisterCall::Read => Action::Read(entry.reply.as_ref().map_or(0, number)),
                    RegisterCall::Write(value) => Action::Write(number(value)),
                    RegisterCall::Cas { from, to } => Action::Cas { from: number(from), to: number(to) },
                },
            })
            .collect();
        let (mut machine, operations, source) = RegisterMachine::new(&accesses, 4);
        Some(everywhere(operations, &mut machine, &source))
    });
}

/// The answer of the whole search, which each part of it alone must give as well.
fn everywhere<M: Machine>(operations: Vec<Operation>, machine: &mut M, source: &[u32]) -> Answer {
    let budget = Budget::unlimited();
    let mut meter = Meter::new(&budget);
    let timeline = Timeline::new(operations.clone(), &mut meter).unwrap();
    let mut ends = Vec::new();
    for attempt in [depth_first::<M, 1>, breadth_first::<M, 1>] {
        let mut expansion = Expansion::new(&timeline, machine, &mut meter, true);
        let end = attempt(&mut expansion);
        let trace = std::mem::take(&mut expansion.trace);
        ends.push(match end {
            End::Explained { trace: last } => {
                let path = trace.path(last);
                let order =
                    order::order(&timeline, machine, &path, timeline.events.len(), &mut meter).unwrap();
                Answer::Explained { order }.renumbered(source)
            }
            End::Unexplained { event } => {
                let operation = timeline.events[event].operation() as u32;
                Answer::Unexplained { operation, prefix: Vec::new() }.renumbered(source)
            }
            End::Stopped { stop, .. } => panic!("{stop}"),
        });
    }
    if let (Answer::Unexplained { .. }, _) | (_, Answer::Unexplained { .. }) = (&ends[0], &ends[1]) {
        assert_eq!(ends[0], ends[1], "depth-first and breadth-first differ");
    }
    ends.remove(1)
}

#[test]
fn string_as_prefixes_of_what_was_read() {
    agrees("kv, prefixes", &Kv, kv_call, kv_reply, |entries| {
        let accesses: Vec<sequence::Access<'_, u8>> = entries
            .iter()
            .map(|entry| Entry {
                invoked: entry.invoked,
                returned: entry.returned,
                reply: None,
                call: match &entry.call {
                    KvCall::Get => Passage::Read(entry.reply.as_deref().unwrap_or("").as_bytes()),
                    KvCall::Put(value) => Passage::Write(value.as_bytes()),
                    KvCall::Append(value) => Passage::Append(value.as_bytes()),
                },
            })
            .collect();
        let budget = Budget::unlimited();
        let (mut machine, operations, source) =
            SequenceMachine::new(&accesses, &mut Meter::new(&budget)).unwrap();
        Some(everywhere(operations, &mut machine, &source))
    });
}
