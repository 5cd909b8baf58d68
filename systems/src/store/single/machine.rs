//! What a group's log drives. The replica puts work in order and never looks into it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use histories::{Key, Nanos, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::options::Format;
use crate::store::{DumpEntry, Request, VersionVector};

/// A deterministic state machine: the same work in the same order gives the same state on every member.
pub trait Machine:
    Clone + Debug + PartialEq + Eq + Serialize + DeserializeOwned + Send + std::marker::Sync + 'static
{
    /// What an entry of the log carries.
    type Work: Clone
        + Debug
        + PartialEq
        + Eq
        + Hash
        + Serialize
        + DeserializeOwned
        + Send
        + std::marker::Sync
        + 'static;
    /// What a leader foresees of entries that are not applied. It dies with the lead.
    type Foresight: Debug + Default + Send + 'static;

    /// At the leader, the work for a client's write that will stand at `at.index`.
    fn prepare(&self, foresight: &mut Self::Foresight, at: Place, request: Request) -> Prepared<Self::Work>;
    /// A new leader finds `work` in its log, not applied.
    fn foresee(&self, foresight: &mut Self::Foresight, index: u64, work: &Self::Work);
    /// `work` was applied, and need not be foreseen any more.
    fn forget(foresight: &mut Self::Foresight, index: u64, work: &Self::Work);

    /// The outcome is that of work which is decided only here.
    fn apply(&mut self, index: u64, work: &Self::Work) -> Outcome;
    fn read(&self, key: &Key) -> Sight;
    fn dump(&self) -> BTreeMap<Key, DumpEntry>;
}

/// Where and when work is put into the log.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub index: u64,
    /// The leader's wall time.
    pub wall: Nanos,
    pub format: Format,
}

/// An entry's work, with its outcome where that is decided before it is applied.
#[derive(Debug)]
pub struct Prepared<W> {
    pub work: W,
    pub outcome: Option<Outcome>,
}

/// What became of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `version` is what the answer tells; the entry's index where there is none.
    Done { version: Option<u64> },
    /// It changed nothing.
    Refused { error: String, seen: Option<Value> },
}

impl Outcome {
    pub const DONE: Self = Self::Done { version: None };
}

/// What a read sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    pub value: Value,
    /// What a write has to quote to replace it.
    pub context: Option<VersionVector>,
}
