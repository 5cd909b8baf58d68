//! From what a reader found to what a history takes: places, times and processes put in order.
//!
//! It never changes what an operation says of itself.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::raw::{InitialReads, Place, Problem, RawEvent, RawProcess, Sink};
use crate::read::names::UnknownNames;
use crate::read::source::Source;
use crate::sequence::{Order, Rule, Sequence};
use crate::{Diagnostic, Function, Header, Kind, Process, Value};

/// Between a reader and a [`Sink`].
pub(crate) struct Intake<'s> {
    sink: &'s mut dyn Sink,
    /// As errors and warnings call the file.
    file: String,
    sequence: Sequence,
    processes: Processes,
    unknown: UnknownNames,
    /// Whether the first event of a client was a completion, once it has come: then all of them are.
    completions_only: Option<bool>,
}

impl<'s> Intake<'s> {
    /// For a file of ours, whose header is known.
    pub(crate) fn ours(file: &str, order: Option<Order>, header: Header, sink: &'s mut dyn Sink) -> Self {
        sink.header(header);
        Self::new(file, Rule::Ours(order), sink)
    }

    /// For another tool's file.
    pub(crate) fn foreign(
        file: &str,
        order: Option<Order>,
        header: Option<Header>,
        sink: &'s mut dyn Sink,
    ) -> Self {
        sink.header(header.unwrap_or(Header { partita: Header::VERSION, ..Header::default() }));
        sink.foreign();
        Self::new(file, Rule::Foreign(order), sink)
    }

    /// For transactions in sessions, without times.
    pub(crate) fn sessions(file: &str, sink: &'s mut dyn Sink) -> Self {
        Self { sequence: Sequence::new(Rule::Sessions), ..Self::foreign(file, None, None, sink) }
    }

    fn new(file: &str, rule: Rule, sink: &'s mut dyn Sink) -> Self {
        Self {
            sink,
            file: file.to_owned(),
            sequence: Sequence::new(rule),
            processes: Processes::default(),
            unknown: UnknownNames::default(),
            completions_only: matches!(rule, Rule::Ours(_)).then_some(false),
        }
    }

    /// An event that begins on a line, from 1, at a column, from 1; 0 where they are not known.
    pub(crate) fn event(&mut self, event: &mut RawEvent<'_>, line: u64, column: u64) -> Result<(), Problem> {
        let is_of_client = event.process != RawProcess::Nemesis;
        let alone = is_of_client && self.is_alone(event, line)?;
        let names = self.processes.name_bytes;
        let process = match event.process {
            // Nothing says that two completions are of one session.
            RawProcess::Absent if alone => Process::Client(self.processes.fresh()),
            _ => self.processes.resolve(&event.process),
        };
        if self.processes.name_bytes > names {
            self.holds(0)?;
        }
        if alone {
            self.send(&mut invocation_of(event), process, line, column)?;
        }
        self.send(event, process, line, column)
    }

    fn send(
        &mut self,
        event: &mut RawEvent<'_>,
        process: Process,
        line: u64,
        column: u64,
    ) -> Result<(), Problem> {
        let (position, time) = self.sequence.next(process, event.kind, event.index, event.time)?;
        let known = |number: u64| u32::try_from(number).ok().filter(|number| *number > 0);
        self.sink.event(Place { position, time, process, line: known(line), column: known(column) }, event)
    }

    /// Whether a client's event is a completion in a file of nothing else, which is told once.
    fn is_alone(&mut self, event: &RawEvent<'_>, line: u64) -> Result<bool, Problem> {
        let is_first = self.completions_only.is_none();
        let alone = *self.completions_only.get_or_insert(event.kind != Kind::Invoke);
        if alone && event.kind == Kind::Invoke {
            return Err("an invocation in a file that begins with a completion without one: either each operation has \
                        its invocation, or none has"
                .into());
        }
        if alone && is_first {
            self.warn(self.wrong(
                line,
                0,
                "there are completions without invocations: each is taken for an operation of no duration, in its place",
            ));
        }
        Ok(alone)
    }

    /// An event that has its line for itself.
    pub(crate) fn event_on(&mut self, event: &mut RawEvent<'_>, line: u64) -> Result<(), Diagnostic> {
        self.event(event, line, 0).map_err(|message| self.wrong(line, u64::from(line > 0), message))
    }

    pub(crate) fn wrong(&self, line: u64, column: u64, message: impl Into<String>) -> Diagnostic {
        Diagnostic::at(&self.file, line, column, message)
    }

    /// A field that the format has not, of an event that lacks what `lacks` says: refused where it stands for one of
    /// those, and told once where it does not.
    pub(crate) fn unknown_field(
        &mut self,
        name: &str,
        lacks: impl Fn(&str) -> bool,
        (line, column): (u64, u64),
    ) -> Result<(), Diagnostic> {
        let (meant, is_new) = self.unknown.meaning(name);
        if let Some(meant) = meant.iter().find(|meant| lacks(meant)) {
            let message = format!("this event has no {meant}, but a field {name:?}, which is not known");
            return Err(self.wrong(line, column, message).help(format!("did you mean {meant:?}?")));
        }
        if is_new {
            let message = format!("a field {name:?} is not known, and passed over in all events");
            self.warn(self.wrong(line, column, message));
        }
        Ok(())
    }

    pub(crate) fn warn(&mut self, warning: Diagnostic) {
        self.sink.warn(warning);
    }

    /// Refuses what a reader holds for a while, where memory has no room for it.
    pub(crate) fn holds(&self, bytes: u64) -> Result<(), Problem> {
        self.sink.holds(self.processes.name_bytes + bytes)
    }

    pub(crate) fn cut_off(&mut self, source: &Source<'_>, what: &str) {
        let length = source.rest().len();
        let message = format!("the file breaks off here, {what}");
        self.sink.cut_off(source.at(length, message));
    }

    pub(crate) fn cut_off_at(&mut self, at: Diagnostic) {
        self.sink.cut_off(at);
    }

    pub(crate) fn initial(&mut self, reads: &InitialReads) {
        self.sink.initial(reads);
    }

    /// Comes after the last event.
    pub(crate) fn end(self) -> Result<(), Diagnostic> {
        let timing = self.sequence.timing();
        for warning in timing.warnings() {
            self.sink.warn(Diagnostic::whole_file(&self.file, warning));
        }
        self.sink.end(timing).map_err(|message| Diagnostic::whole_file(&self.file, message))
    }
}

/// The invocation of an operation of which the completion alone is known.
fn invocation_of<'a>(completion: &RawEvent<'a>) -> RawEvent<'a> {
    let function = completion.function.clone();
    let value = match (&function, &completion.value) {
        (Function::Txn, Value::Txn(micros)) => micros.question().clone(),
        (Function::Txn, value) => {
            let micros = value.as_list().unwrap_or_default().iter().map(|micro| match micro.as_list() {
                Some([verb, key, _]) if verb.as_text() == Some("r") => {
                    Value::list([verb.clone(), key.clone(), Value::Null])
                }
                _ => micro.clone(),
            });
            Value::list(micros)
        }
        (
            Function::Read
            | Function::ReadAll
            | Function::Dequeue
            | Function::Drain
            | Function::Generate
            | Function::Dump,
            _,
        ) => Value::Null,
        (_, value) => value.clone(),
    };
    RawEvent {
        time: completion.time,
        key: completion.key.clone(),
        node: completion.node.clone(),
        object: completion.object,
        ..RawEvent::new(RawProcess::Absent, Kind::Invoke, function, value)
    }
}

/// Numbers for processes: a number keeps itself, a name gets the smallest number that is free when it first acts.
#[derive(Default)]
struct Processes {
    /// Filled only once a name has come.
    names: FxHashMap<String, u32>,
    /// Memory of the names, by estimate.
    name_bytes: u64,
    /// Numbers seen before the first name, and all after.
    taken: FxHashSet<u32>,
    /// Those that names have.
    named: FxHashSet<u32>,
    /// Every number below is taken.
    free: u32,
    /// What a number is called where a name had taken it.
    moved: FxHashMap<u32, u32>,
}

impl Processes {
    fn resolve(&mut self, process: &RawProcess<'_>) -> Process {
        Process::Client(match process {
            RawProcess::Nemesis => return Process::Nemesis,
            RawProcess::Number(number) => self.number(*number),
            RawProcess::Named(name) => self.name(name),
            RawProcess::Absent => self.name(""),
        })
    }

    fn number(&mut self, number: u32) -> u32 {
        if self.names.is_empty() {
            if self.taken.len() < TAKEN_MAX {
                self.taken.insert(number);
            }
            return number;
        }
        if let Some(moved) = self.moved.get(&number) {
            return *moved;
        }
        if self.named.contains(&number) {
            let free = self.free();
            self.moved.insert(number, free);
            return free;
        }
        self.taken.insert(number);
        number
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = self.free();
        self.name_bytes += name.len() as u64 + 96;
        self.named.insert(number);
        self.names.insert(name.to_owned(), number);
        number
    }

    /// A number that no other process has.
    fn fresh(&mut self) -> u32 {
        let number = self.free();
        self.name_bytes += NUMBER_BYTES;
        self.named.insert(number);
        number
    }

    fn free(&mut self) -> u32 {
        while !self.taken.insert(self.free) {
            self.free += 1;
        }
        self.free
    }
}

const TAKEN_MAX: usize = 1 << 20;

/// What a number that was given takes, by estimate.
const NUMBER_BYTES: u64 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_numbers_that_no_one_has() {
        let mut processes = Processes::default();
        let mut client = |process: RawProcess<'_>| match processes.resolve(&process) {
            Process::Client(number) => number,
            Process::Nemesis => panic!("a client"),
        };
        assert_eq!(client(RawProcess::Number(0)), 0);
        assert_eq!(client(RawProcess::Number(2)), 2);
        assert_eq!(client(RawProcess::Named("a".into())), 1);
        assert_eq!(client(RawProcess::Named("b".into())), 3);
        assert_eq!(client(RawProcess::Number(3)), 4, "3 is b's");
        assert_eq!(client(RawProcess::Number(2)), 2);
        assert_eq!(client(RawProcess::Number(3)), 4);
        assert_eq!(client(RawProcess::Named("a".into())), 1);
        assert_eq!(client(RawProcess::Absent), 5);
    }
}
