//! How much, not only whether.

use histories::Key;

/// What a checker measured beside its verdict.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub staleness: Option<Staleness>,
    pub durability: Option<Durability>,
    pub convergence: Option<Convergence>,
    pub conflicts: Option<Conflicts>,
}

/// What concurrent updates came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conflicts {
    /// Acknowledged updates of data types that merge or keep siblings.
    pub updates: u64,
    /// Of those, the ones that are gone and should not be.
    pub lost: u64,
    /// Elements that had been seen, removed, and are there again.
    pub reappeared: u64,
    /// Reads that showed several versions of a register, of all that would have, and the most that one showed.
    pub sibling_reads: u64,
    pub reads: u64,
    pub siblings_max: u64,
}

/// How far reads lay behind, over all keys. Percentiles are over the stale reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Staleness {
    pub stale_reads: u64,
    pub reads: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// By how much every operation would have to be widened for the history to become linearizable; `None` where
    /// no widening helps (a phantom read).
    pub gamma_ms: Option<f64>,
    /// The most versions that a read lay behind, at least.
    pub max_versions: u64,
}

/// What became of acknowledged writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durability {
    pub acknowledged: u64,
    pub lost: u64,
    /// Absent, with a later write in their place.
    pub superseded: u64,
    /// Absent, with a concurrent write in their place.
    pub discarded: u64,
}

/// Whether and how soon replicas agreed once the faults were healed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Convergence {
    pub converged: bool,
    /// From the heal, or from the last update where that came later, to the first round of dumps that agreed.
    pub after_ms: Option<f64>,
    /// In the last round, by name.
    pub differing_keys: Vec<Key>,
}
