//! What a check says: verdicts, proofs and figures, and the budget that it may use.
//!
//! Checkers make findings, `confirm` re-checks their proofs, and reports word them. None of them has to know another.

mod anomaly;
mod budget;
mod figures;
mod meter;
mod verdict;

pub use anomaly::{Anomaly, EdgeReason, ProofEdge, Side, Step, Witness};
pub use budget::{Budget, Exhausted, Stopwatch};
pub use figures::{Conflicts, Convergence, Durability, Figures, Staleness};
pub use meter::{Meter, Stop};
pub use verdict::{Checker, Finding, IMPLIED, Verdict};
