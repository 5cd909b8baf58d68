//! What members say to each other, and what they write to disk.
//!
//! Only shapes: what a message means is decided where it is handled.

use std::sync::Arc;

use histories::{Key, Node, Value};
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::state::{Data, State};
use crate::store::{Command, EntryMark, Request, Response};

/// A message between members, in the sender's term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Message<M: Machine = State> {
    pub term: u64,
    pub body: Body<M>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[serde(bound = "")]
pub enum Body<M: Machine = State> {
    /// Would you vote for me? `term` is the one that the sender would campaign in.
    PreVote(Candidacy),
    PreVoted(bool),
    Vote(Candidacy),
    Voted(bool),
    Append(Append<M>),
    Appended(Appended),
    Rejected(Rejected),
    /// For a follower that is too far behind the log, or whose state cannot be mended by entries.
    Snapshot(Arc<Snapshot<M>>),
    /// A client's request, handed on to the leader of `term`, or to the tail.
    Forward {
        id: ForwardId,
        request: Request,
    },
    Answer {
        id: ForwardId,
        response: Response,
    },
    /// The head proposes who is in the chain.
    Propose(Arc<Epoch>),
    Accepted(EpochId),
    /// Entries on their way along the chain, and how far they came.
    Relay {
        epoch: EpochId,
        append: Append<M>,
    },
    Relayed(Relayed),
    /// The tail asks whether its epoch still stands.
    Confirm {
        epoch: EpochId,
        round: u64,
    },
    Confirmed {
        epoch: EpochId,
        round: u64,
    },
}

/// How complete a candidate's log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidacy {
    pub last: Position,
    /// The highest epoch that the candidate accepted.
    pub epoch: EpochId,
}

/// A place in the log. Of two logs, the one whose last position is greater is the more complete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    pub term: u64,
    pub index: u64,
}

/// Entries that follow `previous`; a heartbeat has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Append<M: Machine = State> {
    pub previous: Position,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Arc<Entry<M>>>,
    pub commit: u64,
    /// Up to here a majority holds the leader's log: snapshots stop at it.
    pub held: u64,
    /// Echoed in the answer: the leader's way to know what was sent after what.
    pub round: u64,
    /// The chain's epoch in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<EpochId>,
}

/// What a member of a chain has on disk, and knows to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relayed {
    pub epoch: EpochId,
    pub matched: u64,
    pub commit: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    /// On the sender's disk up to here, as the leader's log has it.
    pub matched: u64,
    pub round: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The index that did not match.
    pub previous: u64,
    /// The sender's log may match up to here.
    pub hint: u64,
    pub round: u64,
    /// Only a snapshot helps: the sender's log begins after the mismatch.
    pub snapshot: bool,
}

/// Names a forwarded request. `life` tells the sender's processes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ForwardId {
    pub life: u64,
    pub number: u64,
}

/// The number of a chain's membership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EpochId {
    pub term: u64,
    pub number: u64,
}

/// A chain's membership, head first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    pub id: EpochId,
    pub members: Vec<Node>,
}

/// An entry of the log. Its index is its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Entry<M: Machine = State> {
    pub term: u64,
    pub payload: Payload<M>,
}

/// What an entry carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[serde(bound = "")]
pub enum Payload<M: Machine = State> {
    /// A leader's first entry, which changes nothing.
    Empty,
    /// The first entry of a chain's epoch, which changes nothing either.
    Epoch(EpochId),
    Work(M::Work),
}

impl<M: Machine> Entry<M> {
    /// What tells it from other entries of its index.
    pub(super) fn mark(&self) -> EntryMark {
        match &self.payload {
            Payload::Empty => EntryMark::of(self.term, &()),
            Payload::Epoch(epoch) => EntryMark::of(self.term, epoch),
            Payload::Work(work) => EntryMark::of(self.term, work),
        }
    }
}

/// How a change travels: `format`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// To be executed again, in order, by everyone.
    Log(Command),
    /// What happened; nothing where a compare-and-set failed.
    Stream(Vec<Change>),
    /// What the keys that changed hold now.
    Data(Vec<(Key, Data)>),
}

/// A logical change, decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    Set { key: Key, value: Value },
    Appended { key: Key, value: Value },
    Added { key: Key, value: Value },
    Removed { key: Key, value: Value },
    Incremented { key: Key, by: i64 },
    Counted { key: Key, item: String, by: i64 },
}

/// The state up to a place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Snapshot<M: Machine = State> {
    pub at: Position,
    pub state: M,
}

/// What a member writes to disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[serde(bound = "")]
pub enum Record<M: Machine = State> {
    /// Term, and whom this member voted for in it.
    Term {
        term: u64,
        vote: Option<Node>,
    },
    /// Replaces whatever the log holds from `index` on.
    Entry {
        index: u64,
        entry: Arc<Entry<M>>,
    },
    Snapshot(Arc<Snapshot<M>>),
    /// Accepted as the chain's membership.
    Epoch(Arc<Epoch>),
}

impl Work {
    /// The keys that it may change.
    pub(super) fn keys(&self) -> Box<dyn Iterator<Item = &Key> + '_> {
        match self {
            Self::Log(Command::Commit(commit)) => Box::new(commit.writes.iter().filter_map(Command::key)),
            Self::Log(command) => Box::new(command.key().into_iter()),
            Self::Stream(changes) => Box::new(changes.iter().map(Change::key)),
            Self::Data(cells) => Box::new(cells.iter().map(|(key, _)| key)),
        }
    }
}

impl Change {
    pub fn key(&self) -> &Key {
        match self {
            Self::Set { key, .. }
            | Self::Appended { key, .. }
            | Self::Added { key, .. }
            | Self::Removed { key, .. }
            | Self::Incremented { key, .. }
            | Self::Counted { key, .. } => key,
        }
    }
}
