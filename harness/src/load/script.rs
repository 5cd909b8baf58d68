//! A run at fixed times: the faults of an earlier run, and perhaps its operations, whole or in part.
//!
//! Rolls no dice, and knows nothing of what came of it.

use std::collections::VecDeque;

use histories::{Event, Function, Key, Kind, Nanos, Node, Op, Process, Value};
use nemesis::{Action, Dice, Layout, ScriptedFault};
use serde::{Deserialize, Serialize};

use crate::load::generator::{Context, Generator, Invocation, Next, Shown};

/// What the loss of a minority at the end of a run is called among its faults. It is drawn anew wherever it is due.
pub const FREEZE: &str = "freeze";

/// What happens when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Script {
    pub faults: Vec<ScriptedFault>,
    /// `None` where the workload issues what it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<ScriptedOperation>>,
}

impl Script {
    /// Refuses what names a client or a node that the run does not have.
    pub(crate) fn check(&self, layout: Layout, clients: u32) -> Result<(), String> {
        for ScriptedOperation { thread, node, .. } in self.operations.iter().flatten() {
            if *thread >= clients {
                return Err(format!(
                    "the script has an operation of client {thread}, and there are {clients}"
                ));
            }
            if node.0 >= layout.total() {
                return Err(format!("the script asks {node}, and there are {} nodes", layout.total()));
            }
        }
        let mut effects = self.faults.iter().flat_map(|fault| &fault.effects);
        let refusal = effects.find_map(|effect| effect.refusal(layout.total()));
        refusal.map_or(Ok(()), |why| Err(format!("the script's faults: {why}")))
    }
}

/// An operation at a time of its own. It is issued later where its thread is not free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScriptedOperation {
    pub at: Nanos,
    pub thread: u32,
    pub node: Node,
    pub f: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    pub value: Value,
}

impl ScriptedOperation {
    /// What replaces quotes what its process has been shown in this run, not in the one that the script is of.
    fn op(&self, shown: &Shown) -> Op {
        let op = Op {
            function: Function::from(self.f.as_str()),
            key: self.key.clone(),
            value: self.value.clone(),
        };
        match (&op.function, &op.key, op.value.as_pair()) {
            (Function::Replace, Some(key), Some((_, value))) => {
                let value = Value::list([shown.quote(self.thread, key), value.clone()]);
                Op { value, ..op }
            }
            _ => op,
        }
    }
}

/// The faults of a run, from the actions that were carried out. What was never ended lasted to the end; what the conductor
/// freezes at the end it freezes again.
pub(crate) fn faults(actions: &[(Nanos, Action)]) -> Vec<ScriptedFault> {
    let mut faults = Vec::new();
    for (place, (from, action)) in actions.iter().enumerate() {
        let Action::Begin { fault, name, effects } = action else { continue };
        if name == FREEZE {
            continue;
        }
        let ends = |(_, later): &&(Nanos, Action)| match later {
            Action::End { fault: ended, .. } => ended == fault,
            Action::EndAll => true,
            Action::Begin { .. } => false,
        };
        let until = actions[place..].iter().find(ends).map_or(Nanos::MAX, |(until, _)| *until);
        faults.push(ScriptedFault { name: name.clone(), effects: effects.clone(), from: *from, until });
    }
    faults
}

/// What clients asked for before `end`, when the epilogue begins.
pub(crate) fn operations(events: &[Event], threads: u32, end: Nanos) -> Vec<ScriptedOperation> {
    let asked = |event: &Event| match event.process {
        Process::Client(process) if event.kind == Kind::Invoke && event.time < end => {
            Some(ScriptedOperation {
                at: event.time,
                thread: process % threads,
                node: event.node?,
                f: event.op.function.name().to_owned(),
                key: event.op.key.clone(),
                value: event.op.value.clone(),
            })
        }
        _ => None,
    };
    events.iter().filter_map(asked).collect()
}

/// Issues a script's operations.
pub(crate) struct Scripted {
    rest: VecDeque<ScriptedOperation>,
    shown: Shown,
}

impl Scripted {
    pub(crate) fn new(operations: &[ScriptedOperation], threads: u32) -> Self {
        Self { rest: operations.iter().cloned().collect(), shown: Shown::new(threads) }
    }
}

impl Generator for Scripted {
    fn next(&mut self, context: &Context<'_>, _: &mut Dice) -> Next {
        let due = self.rest.partition_point(|operation| operation.at <= context.now);
        let free = (0..due).find(|&place| context.free.binary_search(&self.rest[place].thread).is_ok());
        if let Some(operation) = free.and_then(|place| self.rest.remove(place)) {
            let (thread, node) = (Some(operation.thread), Some(operation.node));
            return Next::Op(Invocation { op: operation.op(&self.shown), thread, node });
        }
        match self.rest.get(due) {
            Some(operation) => Next::Until(operation.at),
            None if self.rest.is_empty() => Next::Done,
            None => Next::Pending,
        }
    }

    fn observe(&mut self, completion: &Event) {
        self.shown.observe(completion);
    }
}

#[cfg(test)]
mod tests {
    use nemesis::{Effect, FaultId};

    use super::*;

    #[test]
    fn a_thread_that_is_busy_holds_up_no_other() {
        let operation = |at, thread| ScriptedOperation {
            at: Nanos(at),
            thread,
            node: Node(0),
            f: "read".to_owned(),
            key: Some("x".into()),
            value: Value::Null,
        };
        let mut script =
            Scripted::new(&[operation(1, 0), operation(2, 0), operation(3, 1), operation(9, 1)], 2);
        let mut next = |now, free: &[u32]| {
            let context = Context { now: Nanos(now), free, threads: 2, nodes: 1 };
            match script.next(&context, &mut Dice::new(0)) {
                Next::Op(invocation) => format!("thread {}", invocation.thread.unwrap()),
                other => format!("{other:?}"),
            }
        };
        assert_eq!(next(0, &[0, 1]), "Until(Nanos(1))");
        assert_eq!(next(1, &[0, 1]), "thread 0");
        assert_eq!(next(3, &[1]), "thread 1");
        assert_eq!(next(3, &[1]), "Until(Nanos(9))");
        assert_eq!(next(9, &[0, 1]), "thread 0");
        assert_eq!(next(9, &[0]), "Pending");
        assert_eq!(next(9, &[0, 1]), "thread 1");
        assert_eq!(next(9, &[0, 1]), "Done");
    }

    #[test]
    fn what_replaces_quotes_what_was_shown_in_this_run() {
        let key = histories::Key::from("mv/v0");
        let operation = ScriptedOperation {
            at: Nanos(1),
            thread: 1,
            node: Node(0),
            f: "replace".to_owned(),
            key: Some(key.clone()),
            value: Value::list([Value::list([Value::Int(3), Value::Int(4)]), Value::Int(9)]),
        };
        let written = |shown: Option<Event>| {
            let mut script = Scripted::new(std::slice::from_ref(&operation), 2);
            if let Some(event) = shown {
                script.observe(&event);
            }
            let context = Context { now: Nanos(1), free: &[1], threads: 2, nodes: 1 };
            let Next::Op(invocation) = script.next(&context, &mut Dice::new(0)) else { panic!("nothing") };
            invocation.op.value
        };
        assert_eq!(written(None), Value::list([Value::list([]), Value::Int(9)]));
        let read = Event {
            index: 0,
            time: Nanos(0),
            process: Process::Client(3),
            kind: Kind::Ok,
            op: Op::new(Function::ReadAll, key.clone(), Value::list([Value::Int(3)])),
            node: None,
            error: None,
            seen: None,
            hints: histories::Hints::NONE,
        };
        assert_eq!(written(Some(read)), Value::list([Value::list([Value::Int(3)]), Value::Int(9)]));
    }

    #[test]
    fn faults_are_told_from_actions() {
        let begin =
            |id| Action::Begin { fault: FaultId(id), name: "kill:one".into(), effects: Vec::<Effect>::new() };
        let end = Action::End { fault: FaultId(1), name: "kill:one".into(), effects: Vec::new() };
        let actions =
            [(Nanos(1), begin(1)), (Nanos(2), begin(2)), (Nanos(3), end), (Nanos(5), Action::EndAll)];
        let spans: Vec<_> = faults(&actions).iter().map(|fault| (fault.from.0, fault.until.0)).collect();
        assert_eq!(spans, [(1, 3), (2, 5)]);
    }
}
