//! The seam between a protocol and what carries it: the only thing a replica ever does is answer an input.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use histories::{Key, Nanos, Node, Value};
use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Serialize};

use super::vector::VersionVector;
use crate::Lag;

/// The time, which a replica is given and never asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// For elections and leases. Never goes back; may drift.
    pub monotonic: Nanos,
    /// For last-write-wins. May be off, and may step.
    pub wall: Nanos,
}

/// Names a client's request between a replica and its carrier. The carrier chooses it, never the same twice in the
/// life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u64);

/// What a client asks of the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// A register's value, a list's or set's elements, a counter's sum, a cart; null where absent.
    Read {
        key: Key,
    },
    Write {
        key: Key,
        value: Value,
    },
    Cas {
        key: Key,
        from: Value,
        to: Value,
    },
    Append {
        key: Key,
        value: Value,
    },
    Add {
        key: Key,
        value: Value,
    },
    Remove {
        key: Key,
        value: Value,
    },
    Increment {
        key: Key,
        by: i64,
    },
    /// Changes how many of an item are in a cart.
    Count {
        key: Key,
        item: String,
        by: i64,
    },
    /// Steps on several keys, isolated from other transactions as the mode says.
    Txn {
        steps: Vec<Step>,
    },
    /// What the steps of a transaction came to. Members say it to each other, clients never.
    Commit(Box<Commit>),
}

/// A micro-operation of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Read {
        key: Key,
    },
    Write {
        key: Key,
        value: Value,
    },
    Append {
        key: Key,
        value: Value,
    },
    /// Writes the number that the transaction last saw of the key, and so much more. The transaction is refused where that
    /// comes to less than `least`.
    Add {
        key: Key,
        by: i64,
        least: Option<i64>,
    },
    /// Reads every register whose key begins so, as a map.
    ReadAll {
        prefix: String,
    },
}

/// What a transaction comes to: its writes, which all take place or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Commit {
    /// The keys that it read: who applies entries in another order than the log's keeps theirs.
    pub reads: Vec<Key>,
    /// The keys that must not have changed, with the version of each that the transaction has seen: the index of the entry
    /// that changed it last, 0 where it holds nothing. Else the transaction is refused.
    pub checks: Vec<(Key, u64)>,
    /// Beginnings of keys: no key that begins so must have changed after that entry.
    pub prefixes: Vec<(String, u64)>,
    /// Writes and appends, in order.
    pub writes: Vec<Command>,
    /// What each step saw, for the client. The log does not hold it.
    pub seen: Value,
}

impl Commit {
    /// Every key that it depends on or changes.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        let checked = self.checks.iter().map(|(key, _)| key);
        self.reads.iter().chain(checked).chain(self.writes.iter().filter_map(Command::key))
    }
}

impl Command {
    /// The one key that it is about; none for a transaction.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Read { key }
            | Self::Write { key, .. }
            | Self::Cas { key, .. }
            | Self::Append { key, .. }
            | Self::Add { key, .. }
            | Self::Remove { key, .. }
            | Self::Increment { key, .. }
            | Self::Count { key, .. } => Some(key),
            Self::Txn { .. } | Self::Commit(_) => None,
        }
    }

    pub fn is_read(&self) -> bool {
        matches!(self, Self::Read { .. })
    }

    pub fn is_transaction(&self) -> bool {
        matches!(self, Self::Txn { .. })
    }
}

/// How fresh a read has to be, where a client asks for other than its mode's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ReadLevel {
    /// By the leader, confirmed by a majority.
    Index,
    /// By whichever replica is asked.
    Local,
}

/// A command with what the client knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    pub command: Command,
    /// Overrides the mode's `read`.
    pub level: Option<ReadLevel>,
    /// The client's watermark: a replica that has not applied this log index waits before it answers.
    pub after: Option<u64>,
    /// The versions that the client has read of the key: a write replaces these and no others.
    pub context: Option<VersionVector>,
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    Done {
        /// What a read saw; of a transaction what each step saw; null for a write.
        value: Value,
        /// Log index of the write, or up to which the read's replica had applied.
        version: u64,
        term: u64,
        /// Who decided the answer.
        served_by: Node,
        /// What a write has to quote to replace what was read, where the store keeps concurrent versions.
        context: Option<VersionVector>,
    },
    /// Not done. `definite`: it did not and will not happen. A failed compare-and-set says what it saw.
    Refused { error: String, definite: bool, seen: Option<Value>, version: u64, term: u64, served_by: Node },
}

/// What comes in. `M` is the protocol's message between members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<M> {
    /// May be late, out of order, twice or never.
    Message {
        from: Node,
        message: M,
    },
    Request {
        id: RequestId,
        request: Request,
    },
    /// What [`Persist`] asked for, up to and including this number, is on disk.
    Persisted(u64),
    /// The time that [`Outbox::timer`] asked for has come (or another has; a tick too many does no harm).
    Tick,
}

/// Records to be made durable, in order. `R` is the protocol's log record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persist<R> {
    /// Rises by one with each.
    pub seq: u64,
    pub records: Vec<R>,
    /// The records replace everything that was written before: a snapshot and what goes with it.
    pub compact: bool,
}

/// What goes out. A replica appends; the carrier takes everything after each input.
///
/// Order matters only within `persists`. A replica sends nothing that claims durability before `Persisted`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbox<M, R> {
    pub sends: Vec<(Node, M)>,
    pub persists: Vec<Persist<R>>,
    pub replies: Vec<(RequestId, Response)>,
    /// Monotonic time by which the replica wants a [`Input::Tick`], if nothing comes in before.
    pub timer: Option<Nanos>,
}

impl<M, R> Default for Outbox<M, R> {
    fn default() -> Self {
        Self { sends: Vec::new(), persists: Vec::new(), replies: Vec::new(), timer: None }
    }
}

/// A member of the reference store. Sans-IO, deterministic, seeded when made.
pub trait Replica {
    /// Between members.
    type Message: Clone + std::fmt::Debug + Serialize + for<'de> Deserialize<'de> + Send + 'static;
    /// On disk. Replaying all records since the last compaction, in order, restores the replica.
    type Record: Clone + std::fmt::Debug + Serialize + for<'de> Deserialize<'de> + Send + 'static;

    fn handle(
        &mut self,
        now: Now,
        input: Input<Self::Message>,
        out: &mut Outbox<Self::Message, Self::Record>,
    );

    fn status(&self) -> ReplicaStatus;

    /// Where its log stands, where it keeps one that members are to agree on: then a simulation compares them.
    fn log_view(&self) -> Option<LogView> {
        None
    }

    /// The entry of that log at an index; `None` where it has none, or only a snapshot over it.
    fn entry_mark(&self, _index: u64) -> Option<EntryMark> {
        None
    }

    /// The version of each register on its disk, where it keeps versioned ones.
    fn versions(&self) -> BTreeMap<Key, Version> {
        BTreeMap::new()
    }

    /// What became of such registers with the last input, in order.
    fn register_steps(&self) -> &[RegisterStep] {
        &[]
    }

    /// The whole applied state, by key.
    fn dump(&self) -> BTreeMap<Key, DumpEntry>;
}

/// Orders the writes of a register, whatever a protocol orders them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub [u64; 4]);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(f, "{first}")?;
        rest.iter().try_for_each(|part| write!(f, ".{part}"))
    }
}

/// What became of a register at a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterStep {
    /// This version is on its disk now.
    Holds { key: Key, version: Version },
    /// It told a client that this version, or a later one, is stored.
    Acknowledged { key: Key, version: Version },
}

/// Where a replicated log stands at a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogView {
    /// Whose log it is: those of different groups have nothing to do with each other.
    pub group: u16,
    pub term: u64,
    /// It believes that it leads in that term.
    pub leads: bool,
    /// Term and index of the last entry.
    pub last: (u64, u64),
    /// Committed up to this index.
    pub commit: u64,
}

/// What tells an entry from others of its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryMark {
    pub term: u64,
    /// Of what it holds: equal entries have equal digests, within one process.
    pub digest: u64,
}

impl EntryMark {
    pub fn of(term: u64, entry: &impl Hash) -> Self {
        Self { term, digest: FxBuildHasher.hash_one(entry) }
    }
}

/// A key in a dump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DumpEntry {
    pub value: Value,
    /// Log index of the change that made it.
    pub version: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Follower,
    Candidate,
    Leader,
}

/// What `GET /status` tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaStatus {
    pub node: Node,
    pub role: Role,
    pub term: u64,
    /// Whom it takes for the leader.
    pub leader: Option<Node>,
    pub last_index: u64,
    pub commit_index: u64,
    pub applied_index: u64,
    /// At a leader: entries that each other member lies behind, and where changes come from several datacentres how many
    /// of each it has yet to get, as far as it knows.
    pub lag: Vec<Lag>,
    /// Serves writes and reads: at a leader, its own term has a committed entry and it believes that it can commit more; at
    /// a follower, it hears a leader and has caught up with what it last heard to be committed.
    pub ready: bool,
}
