//! From events to operations: each invocation finds its completion.

use std::collections::BTreeMap;

use crate::{
    Diagnostic, Event, Header, History, Kind, Nanos, NemesisEvent, Operation, OperationId, Outcome, Process,
    Value,
};

/// What is wrong with an event among the others, without the place, which the reader knows.
type Problem = String;

/// Builds a [`History`] event by event, and refuses what no single-threaded client can have done.
#[derive(Debug, Default)]
pub struct Pairing {
    history: History,
    /// The operation that each process has open.
    open: BTreeMap<u32, OperationId>,
    last_time: Nanos,
}

impl Pairing {
    pub fn new(header: Header) -> Self {
        let nodes = header.nodes.iter().cloned().collect();
        Self { history: History { header, nodes, ..History::default() }, ..Self::default() }
    }

    /// Adds the next event, which stood on `line` of its file.
    pub fn push(&mut self, event: Event, line: Option<u32>) -> Result<(), Problem> {
        let position = self.history.events;
        if event.index != u64::from(position) {
            return Err(format!(
                "index is {} where {position} was expected: events are numbered from 0 without a gap",
                event.index
            ));
        }
        if position == u32::MAX - 1 {
            return Err("more than 4,294,967,294 events".into());
        }
        if event.time < self.last_time {
            return Err(format!("time goes back, from {} to {} ns", self.last_time.0, event.time.0));
        }
        self.last_time = event.time;
        self.history.events += 1;
        if let Some(line) = line {
            self.history.lines.push(position, line);
        }
        match (event.process, event.kind) {
            (Process::Nemesis, _) => {
                self.history.nemesis.push(NemesisEvent {
                    index: event.index,
                    time: event.time,
                    op: event.op,
                });
                Ok(())
            }
            (Process::Client(process), Kind::Invoke) => self.invoke(process, event),
            (Process::Client(process), kind) => self.complete(process, kind, event),
        }
    }

    /// The index of a node's name, which is added where the header did not list it.
    pub fn node(&mut self, name: &str) -> Result<crate::Node, Problem> {
        let index = match self.history.nodes.get_index_of(name) {
            Some(index) => index,
            None => self.history.nodes.insert_full(name.to_owned()).0,
        };
        u16::try_from(index).map(crate::Node).map_err(|_| "more than 65,536 nodes".into())
    }

    /// Notes that the file breaks off in mid-line.
    pub fn cut_off(&mut self, place: Diagnostic) {
        self.history.cut_off = Some(place);
    }

    /// The history so far; what is still open stays without a completion, as `info`.
    pub fn finish(mut self) -> History {
        self.history.operations.shrink_to_fit();
        self.history
    }

    fn invoke(&mut self, process: u32, event: Event) -> Result<(), Problem> {
        let id = OperationId(self.history.operations.len() as u32);
        if let Some(open) = self.open.insert(process, id) {
            let open = &self.history.operations[open.index()];
            return Err(format!(
                "client {process} invokes {} while its {}, invoked in event {}, is still open",
                event.op.function, open.function, open.call_event
            ));
        }
        let key = event.op.key.map(|key| crate::KeyId(self.history.keys.insert_full(key).0 as u32));
        self.history.operations.push(Operation {
            process,
            node: event.node,
            outcome: Outcome::Info,
            function: event.op.function,
            key,
            call: event.op.value,
            reply: Value::Null,
            invoked: event.time,
            completed: Nanos::MAX,
            call_event: event.index as u32,
            reply_event: u32::MAX,
        });
        Ok(())
    }

    fn complete(&mut self, process: u32, kind: Kind, event: Event) -> Result<(), Problem> {
        let Some(id) = self.open.remove(&process) else {
            return Err(format!(
                "client {process} completes {} without having invoked anything",
                event.op.function
            ));
        };
        let key = event.op.key.as_ref().map(|key| self.history.key_id(key));
        let operation = &mut self.history.operations[id.index()];
        if operation.function != event.op.function || key.is_some_and(|key| key != operation.key) {
            return Err(format!(
                "client {process} completes {}{} but had invoked {} in event {}",
                event.op.function,
                event.op.key.map_or_else(String::new, |key| format!(" of key {key}")),
                operation.function,
                operation.call_event
            ));
        }
        operation.completed = event.time;
        operation.reply_event = event.index as u32;
        (operation.outcome, operation.reply) = match kind {
            Kind::Ok => (Outcome::Ok, event.op.value),
            Kind::Fail => (Outcome::Fail, event.seen.unwrap_or_default()),
            Kind::Info | Kind::Invoke => (Outcome::Info, Value::Null),
        };
        if operation.node.is_none() {
            operation.node = event.node;
        }
        if !event.hints.is_empty() {
            self.history.hints.insert(id.0, event.hints);
        }
        if let Some(error) = event.error {
            self.history.errors.insert(id.0, error);
        }
        Ok(())
    }
}

/// A history from events that were never in a file, for tests and generators.
impl TryFrom<Vec<Event>> for History {
    type Error = Problem;

    fn try_from(events: Vec<Event>) -> Result<Self, Problem> {
        let mut pairing = Pairing::default();
        for event in events {
            pairing.push(event, None)?;
        }
        Ok(pairing.finish())
    }
}
