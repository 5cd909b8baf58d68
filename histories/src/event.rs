//! One line of a history.

use std::fmt;

use crate::{Nanos, Node, Op, Value};

/// What an event says of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The client asks.
    Invoke,
    /// It happened, and this was seen.
    Ok,
    /// It certainly did not happen and never will.
    Fail,
    /// Nobody knows: it may have happened, may happen yet, or never.
    Info,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Invoke => "invoke",
            Self::Ok => "ok",
            Self::Fail => "fail",
            Self::Info => "info",
        }
    }
}

/// Who acts: a logical single thread with at most one operation open at a time, or the nemesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    Client(u32),
    Nemesis,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(number) => write!(f, "client {number}"),
            Self::Nemesis => f.write_str("nemesis"),
        }
    }
}

/// What a system says about its answer. Hints explain a finding and let staleness be counted in versions;
/// no verdict about consistency rests on them alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Log index (or another number that grows with each change) of what was written or read.
    pub version: Option<u64>,
    /// Term of the leader that answered.
    pub term: Option<u64>,
    /// The node that decided the answer, where that is not the one that was asked.
    pub served_by: Option<Node>,
}

impl Hints {
    pub const NONE: Self = Self { version: None, term: None, served_by: None };

    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

/// One line of a history file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Dense from 0 in recording order.
    pub index: u64,
    pub time: Nanos,
    pub process: Process,
    pub kind: Kind,
    /// In a completion the value is the answer: what a read saw, what a write wrote.
    pub op: Op,
    /// The node that the client talked to.
    pub node: Option<Node>,
    /// Why an operation failed or is indefinite.
    pub error: Option<String>,
    /// What a failed compare-and-set found instead.
    pub seen: Option<Value>,
    pub hints: Hints,
}
