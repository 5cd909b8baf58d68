//! The isolation levels: what each forbids, and which order of transactions it keeps.

use histories::ModelName;

use super::flaws::FlawKind;

/// What a level demands of write-read (WR), write-write (WW) and read-write (RW) dependencies. After Cerone, Bernardi
/// and Gotsman, "A framework for transactional consistency models with atomic visibility", CONCUR 2015, and Adya, "Weak
/// consistency", MIT 1999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    /// WW is acyclic (PL-1).
    ReadUncommitted,
    /// WR and WW together are acyclic (PL-2).
    ReadCommitted,
    /// Read committed; once a transaction has read a version that T wrote, its later reads see no version that precedes
    /// one of T's.
    MonotonicAtomicView,
    /// (WR ; RW?) or WW is acyclic.
    Prefix,
    /// (WR or WW)+ ; RW? is irreflexive.
    ParallelSnapshot,
    /// (WR or WW) ; RW? is acyclic.
    Snapshot,
    /// WR, WW and RW together are acyclic (PL-3 without predicates).
    Serializable,
}

/// Which order of whole transactions counts as a dependency beside those of reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    None,
    /// A session's transactions in the order in which it ran them.
    Session,
    /// A transaction that ended before another began precedes it.
    RealTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) rule: Rule,
    pub(super) order: Order,
}

/// Every model that this family decides, stronger ones before those that they imply.
pub(super) const MODELS: &[ModelName] = &[
    ModelName::StrictSerializable,
    ModelName::StrongSnapshotIsolation,
    ModelName::StrongSessionSerializable,
    ModelName::StrongSessionSnapshotIsolation,
    ModelName::StrongSessionParallelSnapshotIsolation,
    ModelName::StrongSessionPrefix,
    ModelName::Serializable,
    ModelName::RepeatableRead,
    ModelName::SnapshotIsolation,
    ModelName::ParallelSnapshotIsolation,
    ModelName::Prefix,
    ModelName::MonotonicAtomicView,
    ModelName::ReadCommitted,
    ModelName::ReadUncommitted,
];

impl Level {
    pub(super) fn of(model: ModelName) -> Option<Self> {
        use ModelName as M;
        let (rule, order) = match model {
            M::StrictSerializable => (Rule::Serializable, Order::RealTime),
            M::StrongSnapshotIsolation => (Rule::Snapshot, Order::RealTime),
            M::StrongSessionSerializable => (Rule::Serializable, Order::Session),
            M::StrongSessionSnapshotIsolation => (Rule::Snapshot, Order::Session),
            M::StrongSessionParallelSnapshotIsolation => (Rule::ParallelSnapshot, Order::Session),
            M::StrongSessionPrefix => (Rule::Prefix, Order::Session),
            // Without predicate reads nothing separates PL-2.99 from serializability.
            M::Serializable | M::RepeatableRead => (Rule::Serializable, Order::None),
            M::SnapshotIsolation => (Rule::Snapshot, Order::None),
            M::ParallelSnapshotIsolation => (Rule::ParallelSnapshot, Order::None),
            M::Prefix => (Rule::Prefix, Order::None),
            M::MonotonicAtomicView => (Rule::MonotonicAtomicView, Order::None),
            M::ReadCommitted => (Rule::ReadCommitted, Order::None),
            M::ReadUncommitted => (Rule::ReadUncommitted, Order::None),
            _ => return None,
        };
        Some(Self { rule, order })
    }

    /// Whether the level forbids a flaw, whatever the order of transactions.
    pub(super) fn forbids(self, flaw: FlawKind) -> bool {
        match flaw {
            FlawKind::Garbage
            | FlawKind::Duplicate
            | FlawKind::IncompatibleOrder
            | FlawKind::Interleaved
            | FlawKind::Disordered => true,
            FlawKind::Aborted
            | FlawKind::Intermediate
            | FlawKind::Internal
            | FlawKind::Future
            | FlawKind::DirtyUpdate => self.rule >= Rule::ReadCommitted,
            FlawKind::NonRepeatable => self.rule >= Rule::Prefix,
            FlawKind::LostUpdate => self.rule >= Rule::ParallelSnapshot,
        }
    }
}
