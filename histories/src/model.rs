//! The words for what is promised and what goes wrong. Who decides is not said here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal, $doc:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $doc] $variant,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// One line for a person.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }
    };
}

words! {
    /// A consistency model, or another property that a checker decides, by the name that the command line,
    /// suites and reports use.
    ModelName {
        Linearizable = "linearizable", "Every operation takes effect at one moment between its call and its return.";
        Sequential = "sequential", "One order of all operations explains every answer and keeps each session's order.";
        CausalMemory = "causal-memory", "Each session explains its answers with an order that keeps causality (CM).";
        CausalConvergence = "causal-convergence", "One arbitration of writes that keeps causality explains every answer (CCv).";
        RealTimeCausal = "real-time-causal", "Causal convergence whose arbitration never contradicts real time.";
        Causal = "causal", "Every answer is explained by what causally precedes it (CC).";
        Pram = "pram", "Each session sees every other session's writes in the order they were made.";
        WritesFollowReads = "writes-follow-reads", "A write is ordered after the writes that its session had read.";
        MonotonicWrites = "monotonic-writes", "The writes of a session are ordered as it made them.";
        MonotonicReads = "monotonic-reads", "A session never sees less than it has seen.";
        ReadYourWrites = "read-your-writes", "A session sees its own writes.";
        ReadAtomic = "read-atomic", "A transaction sees all of another transaction's writes or none.";
        ReadCommittedBe = "read-committed-be", "A transaction's reads never go back in the order of commits (Biswas and Enea).";
        StrictSerializable = "strict-serializable", "Transactions took effect one after another, each between its call and its return.";
        StrongSessionSerializable = "strong-session-serializable", "Transactions took effect one after another, in each session's order.";
        Serializable = "serializable", "Some order of whole transactions explains what they read.";
        RepeatableRead = "repeatable-read", "No cycle of dependencies between items (PL-2.99); without predicate reads the same as serializable.";
        StrongSnapshotIsolation = "strong-snapshot-isolation", "Snapshot isolation whose snapshots hold all that had committed before the transaction began.";
        StrongSessionSnapshotIsolation = "strong-session-snapshot-isolation", "Snapshot isolation whose snapshots hold what the session committed before.";
        SnapshotIsolation = "snapshot-isolation", "Each transaction reads one snapshot; of two that overlap and write the same key, one commits.";
        StrongSessionParallelSnapshotIsolation = "strong-session-parallel-snapshot-isolation", "Parallel snapshot isolation whose snapshots hold what the session committed before.";
        ParallelSnapshotIsolation = "parallel-snapshot-isolation", "Snapshots keep causality, and no update is lost; two may see writes in opposite orders.";
        StrongSessionPrefix = "strong-session-prefix", "Consistent prefix whose snapshots hold what the session committed before.";
        Prefix = "prefix", "Each transaction reads what a prefix of one order of commits left; updates may be lost.";
        MonotonicAtomicView = "monotonic-atomic-view", "Once a transaction has read of another, it reads nothing older than what that one wrote.";
        ReadCommitted = "read-committed", "Only what was committed is read, and the final value of it (PL-2).";
        ReadUncommitted = "read-uncommitted", "Writes of transactions do not lie between one another (PL-1).";
        Durability = "durability", "What was acknowledged is not lost.";
        Convergence = "convergence", "After the faults are healed every replica answers, and all are equal.";
        ConflictPolicy = "conflict-policy", "Concurrent updates come to what the data type says they come to.";
        Set = "set", "No element of a set is lost, doubled or out of nowhere.";
        Counter = "counter", "A counter is the sum of what was acknowledged and of what may have happened.";
        Bank = "bank", "Transfers keep the total, and no account is overdrawn.";
        Queue = "queue", "What is enqueued is dequeued once.";
        UniqueIds = "unique-ids", "No identifier is given out twice.";
        LongFork = "long-fork", "No two transactions see two writes in opposite orders.";
        Mutex = "mutex", "A lock has one holder at a time.";
        Log = "log", "No record of a log is lost, doubled, reordered or from nowhere, and offsets agree.";
    }
}

words! {
    /// What a counterexample shows.
    AnomalyKind {
        StaleRead = "stale-read", "A read returned a value that had been overwritten before the read began.";
        Conflict = "conflict", "Two values each had to be entirely before the other.";
        PhantomRead = "phantom-read", "A read returned a value that nobody wrote.";
        AbortedRead = "aborted-read", "A read returned the value of a write that failed.";
        FutureRead = "future-read", "A read ended before the write whose value it returned began.";
        LostUpdate = "lost-update", "Two compare-and-sets both replaced the same value.";
        CasLoop = "cas-loop", "Compare-and-sets replace each other's values in a circle.";
        ChainOrder = "chain-order", "Compare-and-sets or appends had to take effect in an order that real time forbids.";
        IncompatibleOrder = "incompatible-order", "Two reads of a list saw its elements in orders that do not go together.";
        DuplicateElements = "duplicate-elements", "What was appended once was seen twice.";
        NotLinearizable = "not-linearizable", "No order of the operations that respects real time explains every answer.";
        NotSequential = "not-sequential", "No order of all operations that keeps each session's order explains every answer.";
        MissedOwnWrite = "missed-own-write", "A session did not see its own write.";
        NonMonotonicRead = "non-monotonic-read", "A session saw less than it had seen before.";
        IntermediateRead = "intermediate-read", "A read returned a value that its own transaction overwrote.";
        InternalRead = "internal-read", "A read disagrees with what its own transaction wrote.";
        NonRepeatableRead = "non-repeatable-read", "A transaction read two values of a key and wrote neither.";
        FracturedRead = "fractured-read", "A transaction saw some of another transaction's writes, not all.";
        CyclicCausality = "cyclic-causality", "Each of some operations depends on the next in a circle.";
        CausalInitialRead = "causal-initial-read", "A read found nothing though a write of the key causally precedes it.";
        CausalRead = "causal-read", "A read returned a value that causality had overwritten.";
        CyclicArbitration = "cyclic-arbitration", "No order of the writes explains what all sessions read.";
        CyclicView = "cyclic-view", "No order of the writes explains what one session read.";
        ViewInitialRead = "view-initial-read", "A session found nothing though what else it read puts a write before.";
        CyclicRealTime = "cyclic-real-time", "No order of the writes explains what was read and agrees with real time.";
        LostWrite = "lost-write", "An acknowledged write is gone.";
        SplitBrain = "split-brain", "An acknowledged write is gone; two leaders were acknowledging at the time.";
        Resurrected = "resurrected", "A value that had been overwritten came back.";
        Revived = "revived", "The value of a write that failed is in the final state.";
        Diverged = "diverged", "Replicas hold different values after the faults were healed.";
        MissingReplica = "missing-replica", "A replica did not answer after the faults were healed.";
        DroppedSibling = "dropped-sibling", "A version disappeared that no later write had quoted.";
        ReplacedSibling = "replaced-sibling", "A version was still there beside one that had replaced it.";
        OverwrittenByOlder = "overwritten-by-older", "The write that is left is older than one that it should have lost to.";
        WrongSum = "wrong-sum", "A counter is no sum of what was acknowledged and of what may have happened.";
        DuplicateElement = "duplicate-element", "An element is there, or was handed out, more often than it was put in.";
        WrongTotal = "wrong-total", "A read of all accounts shows another total than they hold.";
        Overdrawn = "overdrawn", "An account is below zero.";
        NilBalance = "nil-balance", "An account has no balance.";
        UnexpectedAccount = "unexpected-account", "A read shows an account that is none of the bank's, or that others do not show.";
        DuplicateId = "duplicate-id", "An identifier was given out twice.";
        G0 = "g0", "Two transactions' writes lie between one another.";
        G0Session = "g0-session", "Writes contradict each other and a session's order in a circle.";
        G0Realtime = "g0-realtime", "Writes contradict each other and real time in a circle.";
        G1a = "g1a", "A transaction read what another wrote that did not commit.";
        G1b = "g1b", "A transaction read what another overwrote before it committed.";
        G1c = "g1c", "Each of some transactions read or overwrote what the next wrote, in a circle.";
        G1cSession = "g1c-session", "What was read or overwritten goes round in a circle with a session's order.";
        G1cRealtime = "g1c-realtime", "What was read or overwritten goes round in a circle with real time.";
        GSingle = "g-single", "A circle of dependencies in which one transaction read what another then overwrote.";
        GSingleSession = "g-single-session", "The same with a session's order in it.";
        GSingleRealtime = "g-single-realtime", "The same with real time in it.";
        GNonadjacent = "g-nonadjacent", "A circle in which several transactions read what others overwrote, no two of them in a row.";
        GNonadjacentSession = "g-nonadjacent-session", "The same with a session's order in it.";
        GNonadjacentRealtime = "g-nonadjacent-realtime", "The same with real time in it.";
        G2Item = "g2-item", "A circle in which transactions in a row read what the next overwrote.";
        G2ItemSession = "g2-item-session", "The same with a session's order in it.";
        G2ItemRealtime = "g2-item-realtime", "The same with real time in it.";
        NoVersionOrder = "no-version-order", "Whatever the order of the versions, dependencies go round in a circle.";
        WriteSkew = "write-skew", "Two transactions each read what the other overwrote.";
        ReadSkew = "read-skew", "A transaction saw some of another's writes and missed others.";
        DirtyUpdate = "dirty-update", "A transaction committed on top of one that did not.";
        Internal = "internal", "A transaction did not read what it had itself written.";
        LongFork = "long-fork", "Two transactions saw two writes in opposite orders.";
        TwoHolders = "two-holders", "A lock was held twice at the same time.";
        OffsetConflict = "offset-conflict", "Two records of a log stand at one offset.";
        OutOfOrder = "out-of-order", "Records of a log stand or come in another order than they were sent in.";
        SkippedRecord = "skipped-record", "A consumer of a log passed over a record.";
        PredicatePhantom = "predicate-phantom", "Two transactions each read by a predicate what the other then inserted.";
        StaleFence = "stale-fence", "A holder of a lock was given no larger fencing token than one before.";
    }
}

impl ModelName {
    /// Whether it is one of the isolation levels, which say nothing of a history without transactions.
    pub fn is_isolation_level(self) -> bool {
        (Self::StrictSerializable..=Self::ReadUncommitted).contains(&self)
    }
}

/// A name that is no model's, with the nearest that is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no model is called {name:?}; the models are {}", known())]
pub struct UnknownModel {
    pub name: String,
}

fn known() -> String {
    ModelName::ALL.iter().map(|model| model.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for ModelName {
    type Err = UnknownModel;

    fn from_str(text: &str) -> Result<Self, UnknownModel> {
        Self::ALL
            .iter()
            .copied()
            .find(|model| model.name() == text)
            .ok_or_else(|| UnknownModel { name: text.to_owned() })
    }
}

impl<'de> Deserialize<'de> for ModelName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
