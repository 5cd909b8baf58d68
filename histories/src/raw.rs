//! An event as a reader found it, still borrowed from the text, and where events go.
//!
//! Nothing here knows a format.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::sequence::Timing;
use crate::view::Object;
use crate::{Diagnostic, Function, Header, Kind, Nanos, Process, Value};

/// What is wrong with an event among the others, without the place, which the reader knows.
pub(crate) type Problem = String;

/// One event of any format. What the format does not tell is absent.
#[derive(Debug)]
pub(crate) struct RawEvent<'a> {
    pub(crate) index: Option<u64>,
    pub(crate) time: Option<u64>,
    pub(crate) process: RawProcess<'a>,
    pub(crate) kind: Kind,
    pub(crate) function: Function,
    pub(crate) key: Option<Cow<'a, str>>,
    pub(crate) value: Value,
    pub(crate) node: Option<Cow<'a, str>>,
    pub(crate) error: Option<String>,
    pub(crate) seen: Option<Value>,
    pub(crate) version: Option<u64>,
    pub(crate) term: Option<u64>,
    pub(crate) served_by: Option<Cow<'a, str>>,
    /// What the event's own words say that its key holds: the name of its function, or how its value is written.
    pub(crate) object: Option<Object>,
}

impl RawEvent<'_> {
    pub(crate) fn new(process: RawProcess<'_>, kind: Kind, function: Function, value: Value) -> RawEvent<'_> {
        RawEvent {
            index: None,
            time: None,
            process,
            kind,
            function,
            key: None,
            value,
            node: None,
            error: None,
            seen: None,
            version: None,
            term: None,
            served_by: None,
            object: None,
        }
    }
}

/// Who acts, as other tools write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RawProcess<'a> {
    Number(u32),
    /// Anything that is no small number, as it is written.
    Named(Cow<'a, str>),
    Nemesis,
    /// The format has the field, the event does not.
    Absent,
}

/// Where an event stands, once it is known to stand in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Dense from 0.
    pub(crate) position: u32,
    pub(crate) time: Nanos,
    pub(crate) process: Process,
    /// From 1.
    pub(crate) line: Option<u32>,
    /// In bytes from 1, where the reader knows it.
    pub(crate) column: Option<u32>,
}

/// Transactions whose reads returned a value that is the initial one of every key to which it was never written.
#[derive(Debug)]
pub(crate) struct InitialReads {
    pub(crate) value: i64,
    pub(crate) written_to: BTreeSet<i64>,
    /// By their place among the operations.
    pub(crate) operations: Vec<u32>,
}

/// Takes the events of a history, in order, one at a time.
pub(crate) trait Sink {
    /// Comes first, and once.
    fn header(&mut self, header: Header);

    /// What other tools write is paired with more tolerance than what we write.
    fn foreign(&mut self);

    fn event(&mut self, place: Place, event: &mut RawEvent<'_>) -> Result<(), Problem>;

    /// Refuses what the reader holds beside the operations, where the two take more memory than they may.
    fn holds(&self, bytes: u64) -> Result<(), Problem>;

    /// The file breaks off in mid-line.
    fn cut_off(&mut self, at: Diagnostic);

    /// Something that does not stop the reading, but that a person has to know.
    fn warn(&mut self, warning: Diagnostic);

    /// Comes after the last event: what all of them tell of their order.
    fn end(&mut self, timing: Timing) -> Result<(), Problem>;

    /// Comes last, if at all.
    fn initial(&mut self, reads: &InitialReads);
}
