//! Which stored sample shows what. A test holds that the checkers agree.

use histories::{AnomalyKind, ModelName};

/// The samples of a model: one that keeps it and one that violates it.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfModel {
    pub(super) holds: &'static str,
    pub(super) violated: &'static str,
}

#[expect(clippy::match_same_arms, reason = "a line for each model, in their order")]
pub(super) fn of_model(model: ModelName) -> OfModel {
    use ModelName as M;
    let (holds, violated) = match model {
        M::Linearizable => ("linearizable", "stale-read"),
        M::Sequential => ("stale-read", "store-buffer"),
        M::CausalMemory => ("figure-3a", "figure-3b"),
        M::CausalConvergence => ("figure-3b", "figure-3a"),
        M::RealTimeCausal => ("iriw", "figure-3b"),
        M::Causal => ("figure-3c", "figure-3e"),
        M::Pram => ("message-passing-relayed", "message-passing"),
        M::WritesFollowReads => ("read-your-writes-initial", "load-buffering"),
        M::MonotonicWrites => ("load-buffering", "register-phantom-read"),
        M::MonotonicReads => ("read-your-writes-initial", "monotonic-reads-initial"),
        M::ReadYourWrites => ("monotonic-reads-initial", "read-your-writes-initial"),
        M::ReadAtomic => ("lost-update", "fractured-read-initial"),
        M::ReadCommittedBe => ("fractured-read-initial", "rw-register-circular-read"),
        M::StrictSerializable => ("serial-transactions", "list-append-g2-item-realtime"),
        M::StrongSessionSerializable => ("list-append-g2-item-realtime", "list-append-g2-item-session"),
        M::Serializable => ("list-append-g2-item-session", "write-skew"),
        M::RepeatableRead => ("list-append-g2-item-session", "write-skew"),
        M::StrongSnapshotIsolation => ("write-skew", "list-append-g-single-realtime"),
        M::StrongSessionSnapshotIsolation => {
            ("list-append-g-single-realtime", "list-append-g-single-session")
        }
        M::SnapshotIsolation => ("write-skew", "lost-update"),
        M::StrongSessionParallelSnapshotIsolation => ("long-fork", "list-append-g-single-session"),
        M::ParallelSnapshotIsolation => ("long-fork", "lost-update"),
        M::StrongSessionPrefix => ("write-skew", "list-append-g-single-session"),
        M::Prefix => ("list-append-g-single-session", "long-fork"),
        M::MonotonicAtomicView => ("lost-update", "list-append-part-of-a-transaction"),
        M::ReadCommitted => ("fractured-read-initial", "list-append-circular-read"),
        M::ReadUncommitted => ("list-append-circular-read", "list-append-dirty-write"),
        M::Durability => ("converged", "lost-write"),
        M::Convergence => ("converged", "diverged"),
        M::ConflictPolicy => ("siblings-merged", "siblings-dropped"),
        M::Set => ("elements-kept", "set-phantom-read"),
        M::Counter => ("counter-summed", "counter-lost-update"),
        M::Bank => ("bank-transfers", "bank-wrong-total"),
        M::Queue => ("queue-reordered", "queue-duplicate-element"),
        M::UniqueIds => ("distinct-ids", "duplicate-id"),
        M::LongFork => ("fractured-read-initial", "long-fork"),
        M::Mutex => ("one-holder", "two-holders"),
        M::Log => ("log-kept", "log-lost"),
    };
    OfModel { holds, violated }
}

/// The sample in which an anomaly shows.
#[expect(clippy::match_same_arms, reason = "a line for each anomaly, in their order")]
pub(super) fn of_anomaly(kind: AnomalyKind) -> &'static str {
    use AnomalyKind as K;
    match kind {
        K::Conflict => "figure-3a",
        K::PhantomRead => "register-phantom-read",
        K::AbortedRead => "register-aborted-read",
        K::FutureRead => "register-future-read",
        K::LostUpdate => "register-lost-update",
        K::ChainOrder => "chain-order",
        K::IncompatibleOrder => "list-conflict",
        K::DuplicateElements => "list-duplicate-element",
        K::NotLinearizable => "stack-reordered",
        K::NotSequential => "store-buffer",
        K::MissedOwnWrite => "read-your-writes-initial",
        K::NonMonotonicRead => "monotonic-reads-initial",
        K::NonRepeatableRead => "rw-register-non-repeatable-read",
        K::FracturedRead => "rw-register-fractured-read",
        K::CyclicCausality => "load-buffering",
        K::CausalInitialRead => "message-passing",
        K::CausalRead => "writes-follow-reads",
        K::CyclicArbitration => "figure-3a",
        K::CyclicView => "figure-3c",
        K::ViewInitialRead => "figure-3b",
        K::CyclicRealTime => "figure-3b",
        K::DroppedSibling => "siblings-dropped",
        K::ReplacedSibling => "siblings-replaced",
        K::WrongSum => "counter-lost-update",
        K::DuplicateElement => "queue-duplicate-element",
        K::WrongTotal => "bank-total",
        K::Overdrawn => "bank-overdrawn",
        K::NilBalance => "bank-nil-balance",
        K::UnexpectedAccount => "bank-unexpected-account",
        K::G0 => "list-append-dirty-write",
        K::G0Session => "list-append-g0-session",
        K::G0Realtime => "list-append-g0-realtime",
        K::G1a => "list-append-aborted-read",
        K::G1b => "list-append-intermediate-read",
        K::G1c => "list-append-circular-read",
        K::G1cSession => "list-append-g1c-session",
        K::G1cRealtime => "list-append-g1c-session",
        K::GSingle => "list-append-g-single",
        K::GSingleSession => "list-append-g-single-session",
        K::GSingleRealtime => "list-append-g-single-realtime",
        K::GNonadjacent => "list-append-g-nonadjacent",
        K::GNonadjacentSession => "list-append-g-nonadjacent-session",
        K::GNonadjacentRealtime => "list-append-g-nonadjacent-realtime",
        K::G2Item => "list-append-g2-item",
        K::G2ItemSession => "list-append-g2-item-session",
        K::G2ItemRealtime => "list-append-g2-item-realtime",
        K::NoVersionOrder => "fractured-read",
        K::ReadSkew => "list-append-read-skew",
        K::DirtyUpdate => "list-append-dirty-update",
        K::Internal => "list-append-internal",
        K::TwoHolders => "mutex-two-holders",
        // The others are named after what they show.
        kind => kind.name(),
    }
}

/// A sample's file; empty where there is none of this name.
pub(super) fn text_of(sample: &str) -> &'static str {
    SAMPLES.iter().find(|(name, _)| *name == sample).map_or("", |(_, text)| text)
}

macro_rules! samples {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../../histories/samples/", $name, ".jsonl"))),)*]
    };
}

/// Every sample that is shown, by name.
const SAMPLES: &[(&str, &str)] = samples! {
    "bank-nil-balance"
    "bank-overdrawn"
    "bank-total"
    "bank-transfers"
    "bank-unexpected-account"
    "bank-wrong-total"
    "cas-loop"
    "chain-order"
    "converged"
    "counter-lost-update"
    "counter-summed"
    "distinct-ids"
    "diverged"
    "duplicate-id"
    "elements-kept"
    "figure-3a"
    "figure-3b"
    "figure-3c"
    "figure-3e"
    "fractured-read"
    "fractured-read-initial"
    "intermediate-read"
    "internal-read"
    "iriw"
    "linearizable"
    "list-append-aborted-read"
    "list-append-circular-read"
    "list-append-dirty-update"
    "list-append-dirty-write"
    "list-append-g-nonadjacent"
    "list-append-g-nonadjacent-realtime"
    "list-append-g-nonadjacent-session"
    "list-append-g-single"
    "list-append-g-single-realtime"
    "list-append-g-single-session"
    "list-append-g0-realtime"
    "list-append-g0-session"
    "list-append-g1c-session"
    "list-append-g2-item"
    "list-append-g2-item-realtime"
    "list-append-g2-item-session"
    "list-append-intermediate-read"
    "list-append-internal"
    "list-append-part-of-a-transaction"
    "list-append-read-skew"
    "list-conflict"
    "list-duplicate-element"
    "load-buffering"
    "log-kept"
    "log-lost"
    "long-fork"
    "lost-update"
    "lost-write"
    "message-passing"
    "message-passing-relayed"
    "missing-replica"
    "monotonic-reads-initial"
    "mutex-two-holders"
    "offset-conflict"
    "one-holder"
    "out-of-order"
    "overwritten-by-older"
    "predicate-phantom"
    "queue-duplicate-element"
    "queue-reordered"
    "read-your-writes-initial"
    "register-aborted-read"
    "register-future-read"
    "register-lost-update"
    "register-phantom-read"
    "resurrected"
    "revived"
    "rw-register-circular-read"
    "rw-register-fractured-read"
    "rw-register-non-repeatable-read"
    "serial-transactions"
    "set-phantom-read"
    "siblings-dropped"
    "siblings-merged"
    "siblings-replaced"
    "skipped-record"
    "split-brain"
    "stack-reordered"
    "stale-fence"
    "stale-read"
    "store-buffer"
    "two-holders"
    "write-skew"
    "writes-follow-reads"
};
