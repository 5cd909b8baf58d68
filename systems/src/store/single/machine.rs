//! What a group's log drives. The replica puts work in order and never looks into it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use histories::{Key, Nanos, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::options::{Format, Isolation};
use crate::store::{Bug, Commit, DumpEntry, Request, Step, VersionVector};

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
    /// A transaction that a member runs; [`NoTransactions`] where there are none.
    type Transaction: Transaction<Self>;

    /// At the leader, the work for a client's write that will stand at `at.index`.
    fn prepare(&self, foresight: &mut Self::Foresight, at: Place, request: Request) -> Prepared<Self::Work>;
    /// A new leader finds `work` in its log, not applied.
    fn foresee(&self, foresight: &mut Self::Foresight, index: u64, work: &Self::Work);
    /// `work` was applied, and need not be foreseen any more.
    fn forget(foresight: &mut Self::Foresight, index: u64, work: &Self::Work);

    /// The outcome is that of work which is decided only here.
    fn apply(&mut self, index: u64, work: &Self::Work) -> Outcome;
    /// The keys that it reads or changes, where entries may be applied out of order.
    fn touched(work: &Self::Work) -> Box<dyn Iterator<Item = &Key> + '_>;
    fn read(&self, key: &Key) -> Sight;
    fn dump(&self) -> BTreeMap<Key, DumpEntry>;
}

/// A transaction under way: what it has seen and written so far. It dies with the member that runs it.
pub trait Transaction<M: Machine>: Debug + Send + 'static {
    /// One that has seen nothing yet, on what the machine holds with all entries up to `applied`; `None` where the machine
    /// runs no transactions.
    fn begin(rules: Rules, steps: Vec<Step>, applied: u64) -> Option<Self>
    where
        Self: Sized;

    /// Takes the next step, beside the `others` that this member runs.
    fn advance<'t>(&mut self, machine: &M, others: impl Iterator<Item = &'t Self> + Clone) -> Progress
    where
        Self: 't;

    /// `work` is about to change the machine.
    fn keep(&mut self, machine: &M, work: &M::Work);

    /// Whether nobody else may write the key until it has ended.
    fn locks(&self, key: &Key) -> bool;
}

/// How transactions are kept apart.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub isolation: Isolation,
    pub bug: Option<Bug>,
}

impl Rules {
    pub(super) fn has(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}

/// What a step of a transaction led to.
#[derive(Debug)]
pub enum Progress {
    More,
    /// There are no steps left: it comes to this.
    Done(Commit),
    /// It has ended, and nothing of it takes place.
    Refused(String),
}

/// The transactions of a machine that runs none.
#[derive(Debug)]
pub enum NoTransactions {}

impl<M: Machine> Transaction<M> for NoTransactions {
    fn begin(_: Rules, _: Vec<Step>, _: u64) -> Option<Self> {
        None
    }

    fn advance<'t>(&mut self, _: &M, _: impl Iterator<Item = &'t Self> + Clone) -> Progress {
        match *self {}
    }

    fn keep(&mut self, _: &M, _: &M::Work) {
        match *self {}
    }

    fn locks(&self, _: &Key) -> bool {
        match *self {}
    }
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
