//! The named modes as data: what each promises, what each gives up, and under which faults that shows.
//!
//! A promise is derived from the options, so a changed option changes it too; nothing here runs a protocol.

use histories::{AnomalyKind, ModelName};

use nemesis::Layout;

use super::options::{Ack, Apply, Fencing, Isolation, Options, Read};
use crate::Routing;
use crate::store::Sync;
use crate::store::family::{Family, Gap, Preset};

const STALE: &[AnomalyKind] = &[AnomalyKind::StaleRead];
const LOST: &[AnomalyKind] = &[AnomalyKind::LostWrite, AnomalyKind::SplitBrain];
/// Half of what is done to registers reads; of the others reads are rare, and their stale reads no kind of their own.
const REGISTERS: &[&str] = &["register"];

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "single/quorum",
        options: &[],
        layout: Layout::single(3),
        shows: &[],
        figures: &["fail-over time when the leader is killed"],
        about: "a majority acknowledges writes; reads by the leader, confirmed by a majority",
    },
    Preset {
        name: "single/sync",
        options: &[("ack", "all")],
        layout: Layout::single(3),
        shows: &[],
        figures: &["write availability with one node cut off"],
        about: "every follower acknowledges each write: one that is cut off stops writes",
    },
    Preset {
        name: "single/chain",
        options: &[("ack", "chain"), ("read", "tail")],
        layout: Layout::single(3),
        shows: &[],
        figures: &["write latency per hop", "availability while the chain is repaired"],
        about: "entries run from head to tail; the tail acknowledges and answers reads",
    },
    Preset {
        name: "single/lease",
        options: &[("read", "lease")],
        layout: Layout::single(3),
        shows: &[Gap {
            model: ModelName::Linearizable,
            kinds: STALE,
            under: &["clock:drift:leader:by=-900ms/s..-700ms/s", "partition:leader"],
            with: REGISTERS,
            // The clock that runs slowly must be that of the leader that is then cut off: it takes many runs.
            live: false,
        }],
        figures: &["read latency against single/quorum"],
        about: "the leader reads on its own while its lease lasts, as long as clocks drift less than the bound",
    },
    Preset {
        name: "single/leader-read",
        options: &[("read", "leader")],
        layout: Layout::single(3),
        shows: &[Gap {
            model: ModelName::Linearizable,
            kinds: STALE,
            under: &["partition:leader"],
            with: REGISTERS,
            live: true,
        }],
        figures: &["staleness of reads by a deposed leader"],
        about: "whoever believes it leads answers reads, unconfirmed",
    },
    Preset {
        name: "single/semi-sync",
        options: &[("ack", "any 1"), ("read", "leader"), ("promotion", "any")],
        layout: Layout::single(5),
        shows: &[Gap {
            model: ModelName::Durability,
            kinds: LOST,
            // With the leader cut off alone nobody acknowledges for it; with a follower on its side it goes on.
            under: &["partition:minority"],
            with: &[],
            live: true,
        }],
        figures: &["acknowledged writes lost"],
        about: "one follower acknowledges writes, and any follower may be promoted",
    },
    Preset {
        name: "single/async",
        options: &[("ack", "none"), ("read", "leader"), ("promotion", "any")],
        layout: Layout::single(3),
        shows: &[
            Gap { model: ModelName::Durability, kinds: LOST, under: &["kill:leader"], with: &[], live: true },
            Gap {
                model: ModelName::Durability,
                kinds: LOST,
                under: &["partition:leader"],
                with: &[],
                live: true,
            },
        ],
        figures: &["acknowledged writes lost", "replication lag"],
        about: "the leader alone acknowledges writes, and ships them every 20 ms",
    },
    Preset {
        name: "single/follower-read",
        options: &[("read", "follower")],
        layout: Layout::single(3),
        shows: &[
            Gap { model: ModelName::Linearizable, kinds: &[], under: &[], with: REGISTERS, live: true },
            Gap {
                model: ModelName::Linearizable,
                kinds: &[],
                under: &["partition:one"],
                with: REGISTERS,
                live: true,
            },
            Gap {
                model: ModelName::MonotonicReads,
                kinds: &[AnomalyKind::NonMonotonicRead],
                under: &["partition:one"],
                with: &[],
                live: true,
            },
        ],
        figures: &["staleness in ms and in versions", "share of reads served by followers"],
        about: "any replica answers reads from what it has applied",
    },
    Preset {
        name: "single/session-read",
        options: &[("read", "session")],
        layout: Layout::single(3),
        shows: &[
            Gap { model: ModelName::Linearizable, kinds: STALE, under: &[], with: REGISTERS, live: true },
            Gap {
                model: ModelName::Linearizable,
                kinds: STALE,
                under: &["partition:one"],
                with: REGISTERS,
                live: true,
            },
        ],
        figures: &["staleness across sessions", "share of reads served by followers"],
        about: "any replica that has reached what the client has seen answers reads",
    },
    Preset {
        name: "single/recent-read",
        options: &[("read", "recent")],
        layout: Layout::single(3),
        shows: &[Gap {
            model: ModelName::ReadYourWrites,
            kinds: &[AnomalyKind::MissedOwnWrite],
            // Longer than the window in which own writes are read by index.
            under: &["partition:one:for=4s"],
            with: &[],
            live: true,
        }],
        figures: &["own writes missed once lag outlives the window"],
        about: "keys that the client wrote within the last second are read by index, the rest anywhere",
    },
    Preset {
        name: "single/unfenced",
        options: &[("ack", "none"), ("read", "leader"), ("fencing", "none"), ("promotion", "any")],
        layout: Layout::single(3),
        shows: &[
            Gap {
                model: ModelName::Convergence,
                kinds: &[AnomalyKind::SplitBrain],
                under: &["partition:leader"],
                with: &[],
                live: true,
            },
            Gap {
                model: ModelName::Convergence,
                kinds: &[AnomalyKind::Diverged],
                under: &["partition:leader"],
                with: &[],
                live: true,
            },
        ],
        figures: &["how long two leaders acknowledge at the same time"],
        about: "nothing stops a deposed leader: the classic split brain, on purpose",
    },
    Preset {
        name: "single/no-sync",
        options: &[("sync", "never")],
        layout: Layout::single(3),
        shows: &[Gap {
            model: ModelName::Durability,
            kinds: &[AnomalyKind::LostWrite],
            under: &["power:majority"],
            with: &[],
            live: false,
        }],
        figures: &["acknowledged writes lost by power loss"],
        about: "as single/quorum, but nobody forces the log to disk",
    },
    Preset {
        name: "txn/serializable",
        options: &[("isolation", "serializable")],
        layout: Layout::single(3),
        shows: &[],
        figures: &["transactions refused for a conflict"],
        about: "transactions on a snapshot, certified by all that they read and wrote",
    },
    Preset {
        name: "txn/snapshot",
        options: &[("isolation", "snapshot")],
        layout: Layout::single(3),
        shows: &[unconditional(
            ModelName::Serializable,
            &[AnomalyKind::WriteSkew, AnomalyKind::G2Item],
            BOTH_WRITTEN,
        )],
        figures: &["transactions refused for a conflict"],
        about: "transactions on the leader's snapshot, certified by what they wrote: the first committer wins",
    },
    Preset {
        name: "txn/follower-snapshot",
        options: &[("isolation", "snapshot"), ("read", "follower")],
        layout: Layout::single(3),
        shows: &[
            unconditional(ModelName::StrongSessionSnapshotIsolation, &[], TRANSACTIONS),
            unconditional(
                ModelName::Serializable,
                &[AnomalyKind::WriteSkew, AnomalyKind::G2Item],
                BOTH_WRITTEN,
            ),
        ],
        figures: &["staleness of snapshots"],
        about: "transactions on the snapshot of any replica, which may be an old one",
    },
    Preset {
        name: "txn/parallel-apply",
        options: &[("isolation", "snapshot"), ("read", "follower"), ("apply", "parallel")],
        layout: Layout::single(3),
        shows: &[unconditional(ModelName::SnapshotIsolation, &[], &["txn-list", "long-fork"])],
        figures: &["staleness of snapshots"],
        about: "replicas apply transactions that share no key in any order: two may see two of them in opposite orders",
    },
    Preset {
        name: "txn/read-committed",
        options: &[("isolation", "read-committed")],
        layout: Layout::single(3),
        shows: &[
            unconditional(
                ModelName::SnapshotIsolation,
                &[AnomalyKind::LostUpdate],
                &["txn-register", "lost-update"],
            ),
            // Read skew of one key, which is its smallest proof.
            unconditional(ModelName::SnapshotIsolation, &[AnomalyKind::NonRepeatableRead], TRANSACTIONS),
        ],
        figures: &["transactions refused because another was writing"],
        about: "each step of a transaction sees what is committed by then; a key belongs to who writes it until the end",
    },
    Preset {
        name: "txn/read-uncommitted",
        options: &[("isolation", "read-uncommitted")],
        layout: Layout::single(3),
        shows: &[unconditional(
            ModelName::ReadCommitted,
            &[AnomalyKind::G1a, AnomalyKind::G1b, AnomalyKind::G1c],
            TRANSACTIONS,
        )],
        figures: &["transactions refused because another was writing"],
        about: "transactions see what others have written and not committed",
    },
];

const TRANSACTIONS: &[&str] = &["txn-list", "txn-register"];
/// Workloads whose transactions write some of what they read.
const BOTH_WRITTEN: &[&str] = &["txn-list", "txn-register", "write-skew"];

/// What shows without any fault.
const fn unconditional(
    model: ModelName,
    kinds: &'static [AnomalyKind],
    with: &'static [&'static str],
) -> Gap {
    Gap { model, kinds, under: &[], with, live: true }
}

impl Family for Options {
    fn presets() -> &'static [Preset] {
        PRESETS
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        Options::set(self, name, value)
    }

    fn resolved(&self) -> Vec<(String, String)> {
        Options::resolved(self)
    }

    fn validate(&self, layout: Layout) -> Result<(), String> {
        if layout.datacentres > 1 {
            return Err(format!(
                "a single-leader store stands in one datacentre, not {}; multi/home has one leader for each key",
                layout.datacentres
            ));
        }
        Options::validate(self, layout.total())
    }

    fn promise(&self) -> Vec<ModelName> {
        promise(self)
    }

    fn survives(&self) -> Vec<&'static str> {
        survives(self)
    }

    /// A clock that makes a lease too long lets reads be stale; what is committed, and by whom, it does not touch. Where
    /// the log is not forced to disk, a power loss may take anything.
    fn regardless(&self) -> Vec<ModelName> {
        if self.sync != Sync::Always || self.fencing != Fencing::Term {
            return Vec::new();
        }
        let by_clock = |model: &ModelName| matches!(model, ModelName::Durability | ModelName::Convergence);
        promise(self).into_iter().filter(by_clock).collect()
    }

    fn available_with_majority(&self, layout: Layout) -> bool {
        available_with_majority(self, layout.total())
    }

    fn routing(&self) -> Routing {
        routing(self)
    }
}

/// Nobody survives a disk that lies or changes what it holds.
fn survives(options: &Options) -> Vec<&'static str> {
    let by_clock = options.read == Read::Lease || options.fencing == Fencing::Lease;
    let mut kinds = vec!["network", "kill", "pause"];
    kinds.extend((!by_clock).then_some("clock"));
    kinds.extend((options.sync == Sync::Always).then_some("power"));
    kinds
}

/// What the options give under every fault that they survive, by what replaces entries and by who answers reads.
fn promise(options: &Options) -> Vec<ModelName> {
    use ModelName::{Convergence, Durability, Linearizable, MonotonicWrites, Sequential, WritesFollowReads};
    if options.fencing == Fencing::None {
        return Vec::new();
    }
    if !options.keeps_commits() {
        return vec![Convergence];
    }
    let mut models = match options.read {
        // Of a history with transactions, what is said of single operations is said of them.
        _ if options.isolation != Isolation::Serializable => Vec::new(),
        Read::Index | Read::Lease | Read::Tail => vec![Linearizable],
        Read::Session => vec![Sequential],
        Read::Leader | Read::Follower | Read::Recent => vec![MonotonicWrites, WritesFollowReads],
    };
    models.extend([level(options), Durability, Convergence]);
    models
}

/// What transactions are promised. Whatever `read` says, each is an entry of the log, and what it rests on is certified
/// when that is applied; `read` says where snapshots are taken.
fn level(options: &Options) -> ModelName {
    match (options.isolation, options.read) {
        (Isolation::Serializable, _) => ModelName::StrictSerializable,
        (Isolation::Snapshot, _) if options.apply == Apply::Parallel => ModelName::ParallelSnapshotIsolation,
        (Isolation::Snapshot, Read::Session) => ModelName::StrongSessionSnapshotIsolation,
        (Isolation::Snapshot, Read::Follower | Read::Recent) => ModelName::SnapshotIsolation,
        (Isolation::Snapshot, _) => ModelName::StrongSnapshotIsolation,
        (Isolation::ReadCommitted, _) => ModelName::ReadCommitted,
        (Isolation::ReadUncommitted, _) => ModelName::ReadUncommitted,
    }
}

/// A chain of one member waits for it, and `all` waits for everyone.
fn available_with_majority(options: &Options, nodes: u16) -> bool {
    match options.ack {
        Ack::All | Ack::Chain => false,
        Ack::Majority | Ack::None => true,
        Ack::Any(count) => count <= nodes / 2,
    }
}

fn routing(options: &Options) -> Routing {
    match options.read {
        Read::Follower | Read::Session | Read::Recent => Routing::Roam,
        Read::Index | Read::Lease | Read::Leader | Read::Tail => Routing::Sticky,
    }
}
