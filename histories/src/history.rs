//! A whole history in memory: operations in the order of their invocations, keys and nodes interned.

use std::borrow::Cow;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use crate::compact::{ErrorTable, HintCode, HintTable};
use crate::read::Format;
use crate::{Diagnostic, FaultWindow, Function, Header, Hints, Key, Nanos, NemesisEvent, Node, Value, view};

/// An operation's place in [`History::operations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u32);

impl OperationId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An interned key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It happened, and the reply is what was seen.
    Ok,
    /// It certainly did not happen and never will.
    Fail,
    /// It may have happened, may happen yet, or never.
    Info,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

/// An invocation with its completion, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub process: u32,
    pub node: Option<Node>,
    pub outcome: Outcome,
    pub function: Function,
    pub key: Option<KeyId>,
    /// The value of the invocation.
    pub call: Value,
    /// The value of an `ok` completion; of a `fail`, what it saw, or null. See [`Operation::seen`].
    pub reply: Value,
    pub invoked: Nanos,
    /// When the completion was recorded, [`Nanos::MAX`] where there is none. Use [`Operation::returned`] to reason
    /// about order.
    pub completed: Nanos,
    /// Index of the invocation among the events.
    pub call_event: u32,
    /// Index of the completion, `u32::MAX` where there is none.
    pub reply_event: u32,
    /// See [`HintCode`]; apart, so that they fill what would be padding.
    pub(crate) hint_version: u32,
    pub(crate) hint_source: u16,
    /// Whether a `fail` says what it saw.
    pub(crate) saw: bool,
}

const _: () = assert!(size_of::<Operation>() <= 96);

impl Operation {
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }

    /// The latest moment at which it can have taken effect: never bounded for an `info`.
    pub fn returned(&self) -> Nanos {
        if self.outcome == Outcome::Info { Nanos::MAX } else { self.completed }
    }

    /// Whether it certainly ended before `other` began. Intervals are closed: equal times are concurrent.
    pub fn precedes(&self, other: &Self) -> bool {
        self.returned() < other.invoked
    }

    /// What a compare-and-set that failed found instead, where it says so: null where it found nothing there.
    pub fn seen(&self) -> Option<&Value> {
        let told = self.outcome == Outcome::Fail && self.saw && self.function == Function::Cas;
        told.then_some(&self.reply)
    }

    pub fn has_completion(&self) -> bool {
        self.reply_event != u32::MAX
    }
}

/// Which line of the file an event stood on, kept as the few places where lines and events drift apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineMap {
    runs: Vec<(u32, u32)>,
}

impl LineMap {
    /// Notes that event `event` stood on `line` (from 1). Events come in order.
    pub fn push(&mut self, event: u32, line: u32) {
        let continues = self.runs.last().is_some_and(|&(e, l)| line.wrapping_sub(l) == event.wrapping_sub(e));
        if !continues {
            self.runs.push((event, line));
        }
    }

    pub fn line(&self, event: u32) -> Option<u32> {
        let run = self.runs.partition_point(|&(first, _)| first <= event).checked_sub(1)?;
        let (first, line) = self.runs[run];
        Some(line + (event - first))
    }
}

/// Everything that clients saw in a run. Made by [`crate::Pairing`].
#[derive(Clone, Debug, Default)]
pub struct History {
    pub header: Header,
    pub(crate) operations: Vec<Operation>,
    pub(crate) keys: IndexSet<Key, FxBuildHasher>,
    pub(crate) nodes: IndexSet<String, FxBuildHasher>,
    pub(crate) nemesis: Vec<NemesisEvent>,
    pub(crate) hints: HintTable,
    pub(crate) errors: ErrorTable,
    pub(crate) lines: LineMap,
    pub(crate) events: u32,
    pub(crate) cut_off: Option<Diagnostic>,
    pub(crate) format: Option<Format>,
    pub(crate) beginning: Option<Beginning>,
}

/// What every key holds before the first write, where a view says so and null stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beginning {
    pub(crate) value: Value,
    /// Counters begin with it: reads show so much less.
    pub(crate) counted: bool,
}

impl History {
    /// In the order of their invocations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub fn operation(&self, id: OperationId) -> &Operation {
        &self.operations[id.index()]
    }

    /// An operation in the file's own values, for people: a [view](crate::view::View) may have put null in the place
    /// of an initial value.
    pub fn as_recorded(&self, id: OperationId) -> Cow<'_, Operation> {
        let operation = self.operation(id);
        match &self.beginning {
            Some(beginning) => Cow::Owned(view::initial::undo(operation.clone(), beginning)),
            None => Cow::Borrowed(operation),
        }
    }

    /// As [`History::as_recorded`], for one value of a register.
    pub fn value_as_recorded(&self, value: &Value) -> Value {
        match &self.beginning {
            Some(Beginning { value: initial, counted: false }) => view::initial::other(value, initial),
            _ => value.clone(),
        }
    }

    /// Every operation with its id, in the order of invocation.
    pub fn iter(&self) -> impl Iterator<Item = (OperationId, &Operation)> {
        (0..).map(OperationId).zip(&self.operations)
    }

    pub fn key(&self, id: KeyId) -> &Key {
        &self.keys[id.0 as usize]
    }

    /// In the order in which they first occur.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = (KeyId, &Key)> {
        self.keys.iter().enumerate().map(|(i, key)| (KeyId(i as u32), key))
    }

    pub fn key_id(&self, key: &Key) -> Option<KeyId> {
        self.keys.get_index_of(key).map(|i| KeyId(i as u32))
    }

    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The name by which the file calls a node.
    pub fn node_name(&self, node: Node) -> &str {
        self.nodes.get_index(node.index()).map_or("?", String::as_str)
    }

    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (Node, &str)> {
        self.nodes.iter().enumerate().map(|(i, name)| (Node(i as u16), name.as_str()))
    }

    /// What the nemesis did, in order.
    pub fn nemesis(&self) -> &[NemesisEvent] {
        &self.nemesis
    }

    pub fn fault_windows(&self) -> Vec<FaultWindow> {
        FaultWindow::from_events(&self.nemesis)
    }

    /// What the system said about its answer to an operation.
    pub fn hints(&self, id: OperationId) -> Hints {
        let operation = self.operation(id);
        let code = HintCode { version: operation.hint_version, source: operation.hint_source };
        self.hints.decode(id.0, code)
    }

    /// The error text of an operation that failed or is indefinite.
    pub fn error(&self, id: OperationId) -> Option<&str> {
        self.errors.get(id.0)
    }

    /// The line of the file (from 1) on which an event stood, `None` for a history that was never in a file.
    pub fn line(&self, event: u32) -> Option<u32> {
        (event < self.events).then(|| self.lines.line(event)).flatten()
    }

    /// Number of events read, the nemesis's included.
    pub fn event_count(&self) -> u32 {
        self.events
    }

    /// Where the file breaks off in mid-line, if it does: everything before was read.
    pub fn cut_off(&self) -> Option<&Diagnostic> {
        self.cut_off.as_ref()
    }

    /// The format of the file that it was read from, `None` for a history that was never in a file.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    pub(crate) fn in_format(self, format: Format) -> Self {
        Self { format: Some(format), ..self }
    }

    /// Whether the file tells what came before what. Where it does not (transactions in sessions, without times)
    /// every event is at time 0, so that all sessions are concurrent.
    pub fn has_real_time(&self) -> bool {
        self.events == 0 || self.end() > Nanos::ZERO
    }

    /// Time of the last event.
    pub fn end(&self) -> Nanos {
        let completions = self.operations.iter().filter(|op| op.has_completion()).map(|op| op.completed);
        let invocations = self.operations.iter().map(|op| op.invoked);
        completions
            .chain(invocations)
            .chain(self.nemesis.iter().map(|event| event.time))
            .max()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_map_stores_only_where_lines_and_events_drift_apart() {
        let mut map = LineMap::default();
        for (event, line) in [(0, 2), (1, 3), (2, 4), (3, 6), (4, 7)] {
            map.push(event, line);
        }
        assert_eq!(map.runs.len(), 2);
        assert_eq!((0..5).map(|event| map.line(event).unwrap()).collect::<Vec<_>>(), [2, 3, 4, 6, 7]);
        assert_eq!(LineMap::default().line(0), None);
    }
}
