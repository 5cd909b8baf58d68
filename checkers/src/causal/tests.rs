//! Verdicts against the definitions, and what anomalies say.

mod corpus;
mod fuzz;
mod planted;
mod repeated;
mod sets;
mod textbook;

use histories::{Function, History, Kind, ModelName, Op, Process, Value};

use crate::{Budget, Causal, Checker, Verdict, testing};

/// Sessions as text, one a line: `w x 1; r y nil; [r x 1, w x 2]; w z 3 fail; w z 4 info`. Nothing precedes anything
/// in real time.
pub(super) fn sessions(text: &str) -> History {
    let mut events = Vec::new();
    for (process, line) in (0..).zip(text.lines().map(str::trim).filter(|line| !line.is_empty())) {
        for step in line.split(';').map(str::trim) {
            let (step, kind) = match step.rsplit_once(' ') {
                Some((step, "fail")) => (step, Kind::Fail),
                Some((step, "info")) => (step, Kind::Info),
                _ => (step, Kind::Ok),
            };
            let (call, reply) = operation(step);
            for (kind, op) in [(Kind::Invoke, call), (kind, reply)] {
                events.push(testing::event(0, Process::Client(process), kind, op));
            }
        }
    }
    testing::build(Vec::new(), events)
}

pub(crate) fn operation(step: &str) -> (Op, Op) {
    let Some(list) = step.strip_prefix('[') else {
        let (function, key, value) = access(step);
        let function = if function == "r" { Function::Read } else { Function::Write };
        let asks = function == Function::Read;
        let op = |value| Op::new(function.clone(), key, value);
        return (op(if asks { Value::Null } else { value.clone() }), op(value));
    };
    let accesses: Vec<_> = list.trim_end_matches(']').split(',').map(str::trim).map(access).collect();
    let micro = |known: bool| {
        Value::list(accesses.iter().map(|(function, key, value)| {
            let value = if known || *function == "w" { value.clone() } else { Value::Null };
            Value::list([Value::text(*function), Value::text(*key), value])
        }))
    };
    (Op::global(Function::Txn, micro(false)), Op::global(Function::Txn, micro(true)))
}

fn access(text: &str) -> (&str, &str, Value) {
    let words: Vec<&str> = text.split(' ').collect();
    (words[0], words[1], words[2].parse().map_or(Value::Null, Value::Int))
}

/// The models that held, of those that apply.
pub(super) fn held(history: &History) -> Vec<ModelName> {
    let findings = Causal.check(history, &Budget::unlimited());
    let held = findings.iter().filter(|finding| finding.verdict == Verdict::Valid);
    held.map(|finding| finding.model).collect()
}
