//! From events to operations: each invocation finds its completion.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::answers::other_micros;
use crate::held::Held;
use crate::order;
use crate::raw::{InitialReads, Place, Problem, RawEvent, RawProcess, Sink};
use crate::sequence::{Order, Sequence, Timing};
use crate::view::Object;
use crate::{
    Diagnostic, Event, Function, Header, Hints, History, Key, KeyId, Kind, NemesisEvent, Node, Op, Operation,
    OperationId, Outcome, Process, Value,
};

/// Builds a [`History`] event by event, and refuses what no single-threaded client can have done.
#[derive(Debug, Default)]
pub struct Pairing {
    history: History,
    /// The operation that each process has open.
    open: FxHashMap<u32, OperationId>,
    sequence: Sequence,
    foreign: bool,
    held: Held,
    spot: Option<LastSpot>,
    /// Whether the reader has told of the events' order.
    ended: bool,
}

/// Where the last event stood, of a reader that knows the column.
#[derive(Clone, Copy, Debug)]
struct LastSpot {
    line: Option<u32>,
    column: u32,
    /// The first event in that place.
    from: u32,
    /// Whether its column is kept, because the line holds another.
    kept: bool,
}

impl Pairing {
    pub fn new(header: Header) -> Self {
        let mut pairing = Self::default();
        pairing.header(header);
        pairing
    }

    /// Refuses the event with which the history would take more memory than this, by estimate.
    #[must_use]
    pub fn memory_bytes_max(mut self, bytes: u64) -> Self {
        self.held = Held::new(bytes);
        self
    }

    /// Adds the next event, which stood on `line` of its file.
    pub fn push(&mut self, event: Event, line: Option<u32>) -> Result<(), Problem> {
        let (index, time) = (Some(event.index), Some(event.time.0));
        let (position, time) = self.sequence.next(event.process, event.kind, index, time)?;
        let place = Place { position, time, process: event.process, line, column: None };
        let key = event.op.key;
        let mut raw = RawEvent {
            key: key.as_ref().map(|key| Cow::Borrowed(key.as_str())),
            error: event.error,
            seen: event.seen,
            ..RawEvent::new(RawProcess::Absent, event.kind, event.op.function, event.op.value)
        };
        self.accept(place, &mut raw, event.node, event.hints)
    }

    /// The index of a node's name, which is added where the header did not list it.
    pub fn node(&mut self, name: &str) -> Result<Node, Problem> {
        let index = if let Some(index) = self.history.nodes.get_index_of(name) {
            index
        } else {
            self.held.add(name.len() as u64 + 64)?;
            self.history.nodes.insert_full(name.to_owned()).0
        };
        u16::try_from(index).map(Node).map_err(|_| "more than 65,536 nodes".into())
    }

    /// Notes that the file breaks off in mid-line.
    pub fn cut_off(&mut self, place: Diagnostic) {
        self.history.cut_off = Some(place);
    }

    /// The history so far; what is still open stays without a completion, as `info`.
    pub fn finish(mut self) -> History {
        self.history.operations.shrink_to_fit();
        if !self.ended {
            self.history.timing = self.sequence.timing();
        }
        self.history
    }

    fn accept(
        &mut self,
        place: Place,
        event: &mut RawEvent<'_>,
        node: Option<Node>,
        hints: Hints,
    ) -> Result<(), Problem> {
        self.history.events = place.position + 1;
        if let Some(line) = place.line {
            self.history.lines.push(place.position, line);
        }
        if let (Some(_), Some(column)) = (place.line, place.column) {
            self.on_one_line(place, column)?;
        }
        if event.function == Function::Txn {
            event.value = std::mem::take(&mut event.value).compact();
        }
        self.hold(place.process, event)?;
        self.history.told.key_value |= event.object == Some(Object::Kv);
        match (place.process, event.kind) {
            (Process::Nemesis, _) => {
                let function = std::mem::replace(&mut event.function, Function::Read);
                let key = event.key.take().map(|key| Key::from(&*key));
                let op = Op { function, key, value: std::mem::take(&mut event.value) };
                self.history.nemesis.push(NemesisEvent {
                    index: place.position.into(),
                    time: place.time,
                    op,
                });
                Ok(())
            }
            (Process::Client(process), Kind::Invoke) => self.invoke(process, place, event, node),
            (Process::Client(process), _) => self.complete(process, place, event, node, hints),
        }
    }

    /// Keeps the columns of events that share a line, which the line alone does not tell apart. A transaction without times
    /// is two events in one place.
    fn on_one_line(&mut self, place: Place, column: u32) -> Result<(), Problem> {
        let new = LastSpot { line: place.line, column, from: place.position, kept: false };
        let last = self.spot.replace(new);
        let Some(last) = last.filter(|last| last.line == place.line) else { return Ok(()) };
        if last.column == column && !last.kept {
            self.spot = Some(last);
            return Ok(());
        }
        if !last.kept {
            for event in last.from..place.position {
                self.held.add(size_of::<(u32, u32)>() as u64)?;
                self.history.columns.push(event, last.column);
            }
        }
        self.held.add(size_of::<(u32, u32)>() as u64)?;
        self.history.columns.push(place.position, column);
        self.spot = Some(LastSpot { line: place.line, column, from: place.position, kept: true });
        Ok(())
    }

    /// Counts what an event adds to the memory in use, but for the value of an answer.
    fn hold(&mut self, process: Process, event: &RawEvent<'_>) -> Result<(), Problem> {
        let error = event.error.as_ref().map_or(0, String::len) as u64;
        self.held.add(match (process, event.kind) {
            (Process::Nemesis, _) => size_of::<NemesisEvent>() as u64 + event.value.heap_bytes(),
            (_, Kind::Invoke) => size_of::<Operation>() as u64 + event.value.heap_bytes(),
            (_, Kind::Ok | Kind::Fail | Kind::Info) => {
                error + event.seen.as_ref().map_or(0, Value::heap_bytes)
            }
        })
    }

    fn invoke(
        &mut self,
        process: u32,
        place: Place,
        event: &mut RawEvent<'_>,
        node: Option<Node>,
    ) -> Result<(), Problem> {
        let id = OperationId(self.history.operations.len() as u32);
        if let Some(open) = self.open.insert(process, id) {
            let open = &self.history.operations[open.index()];
            return Err(format!(
                "client {process} invokes {} while its {}, invoked in event {}, is still open",
                event.function, open.function, open.call_event
            ));
        }
        let key = event.key.as_deref().map(|key| self.intern(key)).transpose()?;
        let function = std::mem::replace(&mut event.function, Function::Read);
        let call = std::mem::take(&mut event.value);
        let mut operation = Operation::new(process, function, call, place.position, place.time);
        (operation.node, operation.key) = (node, key);
        self.history.operations.push(operation);
        Ok(())
    }

    fn intern(&mut self, key: &str) -> Result<KeyId, Problem> {
        if let Some(place) = self.history.keys.get_index_of(key) {
            return Ok(KeyId::new(place as u32));
        }
        self.held.add(key.len() as u64 + 64)?;
        Ok(KeyId::new(self.history.keys.insert_full(key.into()).0 as u32))
    }

    fn complete(
        &mut self,
        process: u32,
        place: Place,
        event: &mut RawEvent<'_>,
        node: Option<Node>,
        hints: Hints,
    ) -> Result<(), Problem> {
        let Some(id) = self.open.remove(&process) else {
            return Err(format!(
                "client {process} completes {} without having invoked anything",
                event.function
            ));
        };
        self.matches(process, id, event)?;
        self.answers(process, id, event)?;
        let operation = &mut self.history.operations[id.index()];
        if event.object == Some(Object::Set) {
            self.history.told.sets.insert(operation.key);
        }
        let before = operation.heap_bytes();
        operation.completed = place.time;
        operation.reply_event = place.position;
        match event.kind {
            Kind::Ok => {
                operation.outcome = Outcome::Ok;
                if names_another_value(operation, &event.value) {
                    operation.set_call(event.value.clone());
                }
                operation.set_reply(std::mem::take(&mut event.value));
            }
            Kind::Fail => {
                operation.outcome = Outcome::Fail;
                if let Some(seen) = event.seen.take() {
                    operation.set_seen(seen);
                }
            }
            Kind::Info | Kind::Invoke => {}
        }
        self.held.change(before, operation.heap_bytes())?;
        if operation.node.is_none() {
            operation.node = node;
        }
        if !hints.is_empty() {
            let code = self.history.hints.encode(id.0, hints);
            (operation.hint_version, operation.hint_source) = (code.version, code.source);
        }
        if let Some(error) = event.error.take() {
            self.history.errors.insert(id.0, error);
        }
        Ok(())
    }

    /// Whether a completion is one of what was asked: of a transaction's micro-operations, of the value that was to be
    /// written. What others write where nothing is known to have happened is not used, and not looked at.
    fn answers(&mut self, process: u32, id: OperationId, event: &RawEvent<'_>) -> Result<(), Problem> {
        let operation = &self.history.operations[id.index()];
        if event.kind == Kind::Ok && operation.function.is_update() {
            return self.writes_what_was_asked(process, id, event);
        }
        if event.kind != Kind::Ok && self.foreign || operation.function != Function::Txn {
            return Ok(());
        }
        match other_micros(operation.call(), &event.value) {
            None => Ok(()),
            Some(other) => Err(format!("client {process} answers {other} in event {}", operation.call_event)),
        }
    }

    /// An update that succeeds with another value than it was invoked with: in other tools' files the completion's value
    /// counts, as Jepsen and Knossos take it, and that is told; in ours it is a mistake.
    fn writes_what_was_asked(
        &mut self,
        process: u32,
        id: OperationId,
        event: &RawEvent<'_>,
    ) -> Result<(), Problem> {
        let operation = &self.history.operations[id.index()];
        if !names_another_value(operation, &event.value) {
            return Ok(());
        }
        if self.foreign {
            let (_, count) = self.history.answered_otherwise.get_or_insert((self.history.events - 1, 0));
            *count += 1;
            return Ok(());
        }
        Err(format!(
            "client {process} completes {} with {} but had invoked it with {} in event {}",
            event.function,
            event.value,
            operation.call(),
            operation.call_event
        ))
    }

    /// Whether a completion is of what its process has open.
    fn matches(&mut self, process: u32, id: OperationId, event: &RawEvent<'_>) -> Result<(), Problem> {
        let key =
            event.key.as_deref().map(|key| self.history.keys.get_index_of(key).map(|i| KeyId::new(i as u32)));
        let operation = &self.history.operations[id.index()];
        let late_key = self.foreign && operation.key.is_none() && event.key.is_some();
        let same_key = late_key || key.is_none_or(|key| key == operation.key);
        let late_txn = self.foreign && one_is_a_transaction(&operation.function, &event.function);
        if !(late_txn || operation.function == event.function) || !same_key {
            return Err(format!(
                "client {process} completes {}{} but had invoked {} in event {}",
                event.function,
                event.key.as_deref().map_or_else(String::new, |key| format!(" of key {key}")),
                operation.function,
                operation.call_event
            ));
        }
        if late_key {
            let key = event.key.as_deref().map(|key| self.intern(key)).transpose()?;
            self.history.operations[id.index()].key = key;
        }
        if late_txn && event.kind == Kind::Ok {
            self.history.operations[id.index()].function = Function::Txn;
        }
        Ok(())
    }
}

/// Whether an update completes with another value than it was invoked with. What comes back of a compare-and-set may be
/// whether it succeeded, which is no value of the register's.
fn names_another_value(operation: &Operation, answer: &Value) -> bool {
    let function = &operation.function;
    let says = function.is_update() && !answer.is_null() && *answer != *operation.call();
    says && (*function != Function::Cas || answer.as_pair().is_some())
}

/// Some tools call a transaction by what it does, and only one of its two events has micro-operations by which it
/// is known.
fn one_is_a_transaction(one: &Function, other: &Function) -> bool {
    let plain = |function: &Function| matches!(function, Function::Read | Function::Write);
    *one == Function::Txn && plain(other) || plain(one) && *other == Function::Txn
}

impl Sink for Pairing {
    fn header(&mut self, header: Header) {
        self.history.nodes = header.nodes.iter().cloned().collect();
        self.history.header = header;
    }

    fn foreign(&mut self) {
        self.foreign = true;
    }

    fn event(&mut self, place: Place, event: &mut RawEvent<'_>) -> Result<(), Problem> {
        let node = match event.node.take() {
            Some(name) => Some(self.node(&name)?),
            None => None,
        };
        let served_by = match event.served_by.take() {
            Some(name) => Some(self.node(&name)?),
            None => None,
        };
        let hints = Hints { version: event.version, term: event.term, served_by };
        self.accept(place, event, node, hints)
    }

    fn holds(&self, bytes: u64) -> Result<(), Problem> {
        self.held.with(bytes)
    }

    fn cut_off(&mut self, at: Diagnostic) {
        Self::cut_off(self, at);
    }

    fn warn(&mut self, warning: Diagnostic) {
        self.history.warnings.push(warning);
    }

    fn end(&mut self, timing: Timing) -> Result<(), Problem> {
        (self.ended, self.history.timing) = (true, timing);
        match timing.order {
            Some(Order::Place) if timing.timed > 0 => order::by_place(&mut self.history),
            Some(Order::Time) if timing.inversions > 0 => {
                self.held.with(order::bytes(&self.history))?;
                order::by_time(&mut self.history);
            }
            _ => {}
        }
        Ok(())
    }

    fn initial(&mut self, reads: &InitialReads) {
        for place in &reads.operations {
            if let Some(operation) = self.history.operations.get_mut(*place as usize) {
                initial_reads_are_null(operation, reads);
            }
        }
    }
}

/// Replaces the initial value by null where a transaction read it of a key to which no transaction wrote it.
fn initial_reads_are_null(operation: &mut Operation, reads: &InitialReads) {
    // Of a transaction without an answer nothing is known.
    let Value::Txn(micros) = operation.reply() else { return };
    let changed = micros.unread(reads.value, |key| !reads.written_to.contains(&key));
    operation.set_seen_by_reads(Value::Txn(changed.into()));
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
