//! What carries a replica has to know of its protocol, live and simulated alike. Users simulate a protocol of their own
//! by implementing [`Protocol`] and [`Replica`].

use std::{fmt, marker};

use histories::{Function, Key, Nanos, Node};
use nemesis::Layout;

use super::replica::{Now, Replica};
use super::words::{nearest, option_values};

/// Which member of which cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub node: Node,
    pub layout: Layout,
}

impl Member {
    /// A member of a cluster in one datacentre.
    pub const fn of(node: Node, nodes: u16) -> Self {
        Self { node, layout: Layout::single(nodes) }
    }
}

/// A replication protocol, fully specified: it makes members, and says what its carriers have to know.
pub trait Protocol: Clone + Send + marker::Sync + 'static {
    type Replica: Replica + Send + 'static;

    /// A member from the records that it persisted, in order; none where it is new. Each start gets a seed of its own.
    fn recover(
        &self,
        member: Member,
        seed: u64,
        records: Vec<<Self::Replica as Replica>::Record>,
        now: Now,
    ) -> Self::Replica;

    /// When records are forced to disk.
    fn sync(&self) -> Sync;
    /// What it can be asked, of what the store can be asked at all.
    fn supports(&self, function: &Function) -> bool;
    /// What a client of it remembers.
    fn memory(&self) -> Memory;
    fn leadership(&self) -> Leadership;
    /// What holds between its members at every step, for a simulation to watch.
    fn invariants(&self, _layout: Layout) -> Invariants {
        Invariants::default()
    }
    /// How long a message between datacentres takes, one way, from and to; `None` where all are near.
    fn wide_area(&self) -> Option<(Nanos, Nanos)> {
        None
    }
    /// The pairs of datacentres that exchange changes; none where every two of them do.
    fn links(&self, _layout: Layout) -> Vec<(u16, u16)> {
        Vec::new()
    }
    /// The datacentre that all reads and writes of a key go to, where there is one.
    fn home(&self, _layout: Layout, _key: &Key) -> Option<u16> {
        None
    }
}

option_values! {
    /// When what is written is forced to disk. Only whoever carries the replica acts on it.
    Sync, "sync" {
        Always = "always",
        Interval = "interval",
        Never = "never",
    }
}

/// What holds between members at every step as long as no disk breaks its word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each holds or does not, whatever the others do")]
pub struct Invariants {
    pub one_leader_a_term: bool,
    /// Two logs with an entry of the same index and term hold the same up to there.
    pub logs_match: bool,
    /// An entry that anybody called committed is never another.
    pub commits_stay: bool,
    /// What a member holds of a register is never older than what it held before.
    pub versions_rise: bool,
    /// A write that a client was told of is on so many disks.
    pub acknowledged_on: Option<u16>,
}

/// What a client remembers of its own operations. It dies with the client's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Nothing: the node decides.
    Nothing,
    /// The highest version seen or written; reads wait for it.
    Watermark,
    /// When each key was written last; within the window it is read by index.
    RecentWrites { window: Nanos },
    /// Of each key the versions that the client has read; a write quotes them.
    Contexts,
}

/// How many members should lead once a cluster is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leadership {
    /// One in each datacentre.
    One,
    /// One or more: without fencing they never will be fewer.
    Any,
    /// None: every member serves.
    Nobody,
}
