//! Pure functions from a history to verdicts with witnesses.
//!
//! A checker does no IO, reads no clock but its budget's and never returns an error: where it cannot decide, the
//! verdict is unknown and says why.

mod anomaly;
pub mod brute;
mod budget;
mod causal;
mod confirm;
mod figures;
mod linear;
mod registers;
#[cfg(test)]
mod testing;
mod verdict;
mod words;

pub use anomaly::{Anomaly, Side, Step, Witness};
pub use budget::{Budget, Exhausted};
pub use causal::{Causal, dot};
pub use confirm::confirm;
pub use figures::{Convergence, Durability, Figures, Staleness};
pub use linear::Linear;
pub use verdict::{Checker, Finding, Verdict};
