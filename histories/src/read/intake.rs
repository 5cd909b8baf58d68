//! From what a reader found to what a history takes: places, times and processes put in order.
//!
//! It never changes what an operation says of itself.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::raw::{InitialReads, Place, Problem, RawEvent, RawProcess, Sink};
use crate::read::source::Source;
use crate::sequence::{Order, Sequence};
use crate::{Diagnostic, Header, Process};

/// Between a reader and a [`Sink`].
pub(crate) struct Intake<'s> {
    sink: &'s mut dyn Sink,
    sequence: Sequence,
    processes: Processes,
}

impl<'s> Intake<'s> {
    /// For a file of ours, whose header is known.
    pub(crate) fn ours(header: Header, sink: &'s mut dyn Sink) -> Self {
        sink.header(header);
        Self { sink, sequence: Sequence::new(Order::Ours), processes: Processes::default() }
    }

    /// For another tool's file.
    pub(crate) fn foreign(order: Order, header: Option<Header>, sink: &'s mut dyn Sink) -> Self {
        sink.header(header.unwrap_or(Header { partita: Header::VERSION, ..Header::default() }));
        sink.foreign();
        Self { sink, sequence: Sequence::new(order), processes: Processes::default() }
    }

    pub(crate) fn event(&mut self, event: &mut RawEvent<'_>, line: u64) -> Result<(), Problem> {
        let (position, time) = self.sequence.next(event.index, event.time)?;
        let names = self.processes.name_bytes;
        let process = self.processes.resolve(&event.process);
        if self.processes.name_bytes > names {
            self.holds(0)?;
        }
        self.sink.event(
            Place { position, time, process, line: u32::try_from(line).ok().filter(|line| *line > 0) },
            event,
        )
    }

    /// An event that has its line for itself.
    pub(crate) fn event_on(
        &mut self,
        event: &mut RawEvent<'_>,
        line: u64,
        name: &str,
    ) -> Result<(), Diagnostic> {
        self.event(event, line).map_err(|message| Diagnostic::at(name, line, u64::from(line > 0), message))
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

    fn free(&mut self) -> u32 {
        while !self.taken.insert(self.free) {
            self.free += 1;
        }
        self.free
    }
}

const TAKEN_MAX: usize = 1 << 20;

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
