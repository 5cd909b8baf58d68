//! Pure functions from a history to verdicts with witnesses.
//!
//! A checker does no IO, reads no clock but its budget's and never returns an error: where it cannot decide, the
//! verdict is unknown and says why.

mod anomaly;
mod budget;
mod figures;
pub mod models;
pub mod search;
mod verdict;

pub use anomaly::{Anomaly, Side, Step, Witness};
pub use budget::{Budget, Exhausted};
pub use figures::{Convergence, Durability, Figures, Staleness};
pub use verdict::{Checker, Finding, Verdict};
