//! A counterexample: the rule, the operations, what each proves, and the contradiction.

use histories::{AnomalyKind, KeyId, ModelName, OperationId, Value};

/// Proof that a model was violated.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    pub kind: AnomalyKind,
    /// One sentence with clients, values and keys: `client 4 read x = 3 after client 1's write of x = 5 was acknowledged`.
    pub summary: String,
    pub key: Option<KeyId>,
    /// The operations that prove it, at most six where zones or chains found it, in the order of the telling.
    pub steps: Vec<Step>,
    /// The contradiction in words, one fact a line.
    pub facts: Vec<String>,
    /// Which of its operations come before which, and why: a cycle, where the proof is one.
    pub edges: Vec<ProofEdge>,
    /// Why the independent re-check did not decide whether this is a proof: there was too much to try. `None` where it
    /// confirmed the proof, and before it was asked.
    pub not_rechecked: Option<String>,
    pub witness: Witness,
}

/// One operation comes before another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofEdge {
    pub from: OperationId,
    pub to: OperationId,
    pub reason: EdgeReason,
}

/// Why one operation comes before another. Keys and values are the file's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdgeReason {
    /// One client ran both, in this order.
    Session,
    /// The first had returned before the second was invoked.
    RealTime,
    /// The second saw a value that the first wrote.
    WriteRead { key: String, value: Value },
    /// Of two values that were written to a key, the first operation's comes first: `shown_by` came after the older one
    /// and yet saw the newer one; without it, the second operation replaced the older value itself.
    WriteWrite { key: String, older: Value, newer: Value, shown_by: Option<OperationId> },
    /// The first saw a value that the second replaced.
    ReadWrite { key: String, seen: Value, newer: Value },
    /// Both wrote or saw one value, which therefore was in force at both.
    SameValue { key: String, value: Value },
}

impl EdgeReason {
    /// As it stands in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::RealTime => "real-time",
            Self::WriteRead { .. } => "write-read",
            Self::WriteWrite { .. } => "write-write",
            Self::ReadWrite { .. } => "read-write",
            Self::SameValue { .. } => "same-value",
        }
    }
}

/// An operation in a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub operation: OperationId,
    /// The side of it that matters here, and that its line in an explanation shows.
    pub side: Side,
    /// What it proves, a few words.
    pub note: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Invoked,
    Completed,
}

/// What the crate `confirm` needs beside the steps: which model the operations contradict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    pub model: ModelName,
    pub operations: Vec<OperationId>,
}
