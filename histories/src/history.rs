//! A whole history in memory: operations in the order of their invocations, keys and nodes interned.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

use crate::compact::{ErrorTable, HintCode, HintTable};
use crate::read::Format;
use crate::sequence::Timing;
use crate::view::kinds::Told;
use crate::view::whole::Whole;
use crate::{Diagnostic, FaultWindow, Header, Hints, Key, Nanos, NemesisEvent, Node, Operation, Value, view};

/// An operation's place in [`History::operations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u32);

impl OperationId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An interned key: one more than its place, so that none takes no memory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(NonZeroU32);

impl KeyId {
    /// The key at a place among [`History::keys`], of which there are fewer than events.
    pub fn new(place: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(place))
    }

    /// Its place among [`History::keys`].
    pub fn place(self) -> u32 {
        self.0.get() - 1
    }

    pub fn index(self) -> usize {
        self.place() as usize
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

/// In which column of its line an event begins, of those that share a line with another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ColumnMap {
    columns: Vec<(u32, u32)>,
}

impl ColumnMap {
    /// Notes the column (from 1) of an event. Events come in order.
    pub(crate) fn push(&mut self, event: u32, column: u32) {
        self.columns.push((event, column));
    }

    pub(crate) fn column(&self, event: u32) -> Option<u32> {
        let place = self.columns.binary_search_by_key(&event, |(event, _)| *event).ok()?;
        Some(self.columns[place].1)
    }
}

/// Where an event stands in its file, from 1: `12`, or `1:57` where its line holds several events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    pub line: u32,
    pub column: Option<u32>,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => f.pad(&format!("{}:{column}", self.line)),
            None => f.pad(&self.line.to_string()),
        }
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
    pub(crate) columns: ColumnMap,
    pub(crate) events: u32,
    pub(crate) cut_off: Option<Diagnostic>,
    pub(crate) format: Option<Format>,
    pub(crate) beginning: Option<Beginning>,
    /// What the file's own words tell of its keys.
    pub(crate) told: Told,
    /// What is known of the whole, where a view shows a part of it.
    pub(crate) whole: Option<Box<Whole>>,
    pub(crate) timing: Timing,
    pub(crate) warnings: Vec<Diagnostic>,
    /// The first completion that names another value than its invocation, in another tool's file, and how many do.
    pub(crate) answered_otherwise: Option<(u32, u32)>,
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
        &self.keys[id.index()]
    }

    /// In the order in which they first occur.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = (KeyId, &Key)> {
        self.keys.iter().enumerate().map(|(i, key)| (KeyId::new(i as u32), key))
    }

    pub fn key_id(&self, key: &Key) -> Option<KeyId> {
        self.keys.get_index_of(key).map(|i| KeyId::new(i as u32))
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

    /// Where an event stands in its file, `None` for a history that was never in a file.
    pub fn spot(&self, event: u32) -> Option<Spot> {
        Some(Spot { line: self.line(event)?, column: self.columns.column(event) })
    }

    /// What a person has to know of how the file was read, before a verdict on it is believed.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// What the file's times tell, and what the real-time order is taken from.
    pub fn timing(&self) -> Timing {
        self.timing
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

    /// The history of a file that is called `name`.
    pub(crate) fn of_file(mut self, name: &str, format: Format) -> Self {
        self.format = Some(format);
        if let Some((event, count)) = self.answered_otherwise {
            let others = match count {
                1 => String::new(),
                2 => ", and 1 more does".to_owned(),
                _ => format!(", and {} more do", count - 1),
            };
            let message = format!(
                "this completion names another value than its invocation{others}; the completion's value counts, as \
                 Jepsen and Knossos take it"
            );
            let Spot { line, column } = self.spot(event).unwrap_or(Spot { line: 0, column: None });
            self.warnings.push(Diagnostic::at(name, line.into(), column.unwrap_or(0).into(), message));
        }
        self
    }

    /// Whether the file tells what came before what. Where it does not (transactions in sessions, without times)
    /// every event is at time 0, so that all sessions are concurrent.
    pub fn has_real_time(&self) -> bool {
        self.events == 0 || self.timing.order.is_some()
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
