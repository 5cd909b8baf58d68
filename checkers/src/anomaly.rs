//! A counterexample: the rule, the operations, what each proves, and the contradiction.

use histories::{AnomalyKind, KeyId, ModelName, OperationId};

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
    pub witness: Witness,
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

/// What a re-check needs beside the steps: which model the steps alone contradict.
///
/// `confirm` re-checks an anomaly against the history it came from with a few lines that share nothing
/// with the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    pub model: ModelName,
    pub operations: Vec<OperationId>,
}
