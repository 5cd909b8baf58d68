//! The lies, as data: what each says, of which operations, and which models would notice it.

use histories::{Function, ModelName};

/// What has to be there for a lie to be noticed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Something has to read what was updated.
    pub read_back: bool,
    /// So many clients have to use the same key.
    pub clients: usize,
    /// So many keys have to be in use.
    pub keys: usize,
}

const READ_BACK: Needs = Needs { read_back: true, clients: 1, keys: 1 };
const ANOTHER_CLIENT: Needs = Needs { clients: 2, ..READ_BACK };
const ANSWER_ALONE: Needs = Needs { read_back: false, clients: 1, keys: 1 };

/// Models that order single operations: an answer that contradicts the order violates them.
macro_rules! with_orders {
    ($($more:ident),*) => {
        &[
            ModelName::Linearizable,
            ModelName::Sequential,
            ModelName::RealTimeCausal,
            ModelName::CausalConvergence,
            ModelName::CausalMemory,
            ModelName::Causal,
            ModelName::Pram,
            ModelName::MonotonicReads,
            ModelName::ReadYourWrites,
            ModelName::StrictSerializable,
            ModelName::StrongSessionSerializable,
            ModelName::StrongSnapshotIsolation,
            ModelName::StrongSessionSnapshotIsolation,
            $(ModelName::$more),*
        ]
    };
}

/// Models in which a transaction is seen whole or not at all.
macro_rules! with_whole_transactions {
    ($($more:ident),*) => {
        &[
            ModelName::StrictSerializable,
            ModelName::StrongSessionSerializable,
            ModelName::Serializable,
            ModelName::StrongSnapshotIsolation,
            ModelName::StrongSessionSnapshotIsolation,
            ModelName::SnapshotIsolation,
            ModelName::StrongSessionParallelSnapshotIsolation,
            ModelName::ParallelSnapshotIsolation,
            ModelName::StrongSessionPrefix,
            ModelName::Prefix,
            ModelName::ReadAtomic,
            ModelName::MonotonicAtomicView,
            $(ModelName::$more),*
        ]
    };
}

macro_rules! lies {
    ($($variant:ident = $name:literal, $about:literal, of [$($function:ident),*], needs $needs:expr, by $models:expr;)*) => {
        /// A kind of lie.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum LieKind {
            $(#[doc = $about] $variant,)*
        }

        impl LieKind {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As the command line takes it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it says, in one line.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            /// The operations that it can be told of.
            pub const fn functions(self) -> &'static [Function] {
                match self { $(Self::$variant => &[$(Function::$function),*],)* }
            }

            pub const fn needs(self) -> Needs {
                match self { $(Self::$variant => $needs,)* }
            }

            /// The models of which some may notice it: where none of them is promised, the lie is allowed.
            pub const fn models(self) -> &'static [ModelName] {
                match self { $(Self::$variant => $models,)* }
            }
        }
    };
}

// A transfer is in no list of updates: one that is lost, made twice or denied keeps the total, which is all that reads of
// a bank can tell.
lies! {
    StaleRead = "stale-read", "a read answers what the key held some versions ago",
        of [Read, ReadAll, Txn], needs READ_BACK, by with_orders!(Counter);
    LostWrite = "lost-write", "an update is acknowledged and never sent",
        of [Write, Cas, Append, Add, Remove, Increment, Decrement, Enqueue, Txn], needs READ_BACK,
        by with_orders!(Durability, Counter, ConflictPolicy, Set, Queue, Serializable, SnapshotIsolation);
    GhostWrite = "ghost-write", "an update is carried out and reported as failed",
        of [Write, Cas, Append, Add, Remove, Increment, Decrement, Enqueue, Txn], needs READ_BACK,
        by with_orders!(Counter, ConflictPolicy, Set, Queue, Serializable, SnapshotIsolation, ParallelSnapshotIsolation,
            ReadAtomic, MonotonicAtomicView, ReadCommitted);
    EarlyAck = "early-ack", "an update is acknowledged, and sent only before the client's next operation",
        of [Write, Cas, Append, Add, Remove, Increment, Decrement, Enqueue, Txn], needs ANOTHER_CLIENT,
        by &[
            ModelName::Linearizable,
            ModelName::Counter,
            ModelName::StrictSerializable,
            ModelName::StrongSnapshotIsolation,
        ];
    SwappedValue = "swapped-value", "a read answers what another key holds",
        of [Read, ReadAll, Txn], needs Needs { keys: 2, ..READ_BACK },
        by with_orders!(Durability, Counter, ConflictPolicy, Serializable, SnapshotIsolation, ParallelSnapshotIsolation, Prefix, ReadAtomic,
            MonotonicAtomicView, ReadCommitted);
    DoubleApply = "double-apply", "an update is carried out twice, the second time before the client's next operation",
        of [Write, Append, Increment, Decrement, Enqueue, Txn], needs READ_BACK,
        by with_orders!(Counter, ConflictPolicy, Queue, Serializable, SnapshotIsolation, ParallelSnapshotIsolation,
            ReadCommitted, ReadUncommitted);
    DroppedElement = "dropped-element", "a read of a set, a list or a cart leaves an element out",
        of [ReadAll, Txn], needs READ_BACK,
        by with_orders!(Counter, ConflictPolicy, Set, Serializable, SnapshotIsolation, ParallelSnapshotIsolation, Prefix,
            MonotonicAtomicView, ReadCommitted);
    OffByOne = "off-by-one", "a read of a counter, a cart or an account is off by one",
        of [Read, ReadAll], needs READ_BACK,
        by &[ModelName::Linearizable, ModelName::Counter, ModelName::ConflictPolicy, ModelName::Bank];
    RepeatedId = "repeated-id", "an identifier is given out again",
        of [Generate], needs ANSWER_ALONE, by &[ModelName::UniqueIds];
    LockTwice = "lock-twice", "a lock that another client holds is granted",
        of [Acquire], needs Needs { clients: 2, ..ANSWER_ALONE }, by &[ModelName::Mutex, ModelName::Linearizable];
    TornTransaction = "torn-transaction",
        "the last key of a transaction is written by another, before the client's next operation",
        of [Txn], needs ANOTHER_CLIENT,
        by with_whole_transactions!();
    UncommittedRead = "uncommitted-read", "a transaction is refused, and what it would have written is read once",
        of [Txn], needs READ_BACK,
        by with_whole_transactions!(ReadCommitted);
}

impl LieKind {
    /// The operations without any of which there is nothing to lie about.
    pub const fn takes(self) -> &'static [Function] {
        match self {
            // Without them a number that is read is no count.
            Self::OffByOne => &[Function::Increment, Function::Decrement, Function::Transfer],
            other => other.functions(),
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether it lies about what was answered, and not about what is sent alone.
    pub(super) const fn is_of_answers(self) -> bool {
        match self {
            Self::StaleRead
            | Self::SwappedValue
            | Self::DroppedElement
            | Self::OffByOne
            | Self::RepeatedId
            | Self::UncommittedRead => true,
            Self::LostWrite
            | Self::GhostWrite
            | Self::EarlyAck
            | Self::DoubleApply
            | Self::LockTwice
            | Self::TornTransaction => false,
        }
    }
}
