//! Pure functions from a history to verdicts with witnesses.
//!
//! A checker does no IO, reads no clock but its budget's and never returns an error: where it cannot decide, the
//! verdict is unknown and says why.

mod causal;
mod certify;
mod composed;
mod convergence;
mod core;
mod dispatch;
mod drawing;
mod durability;
mod edges;
mod explain;
#[cfg(test)]
mod explained;
mod graph;
mod hierarchy;
mod inserts;
mod isolation;
#[cfg(test)]
mod kinds;
mod linear;
mod log;
pub mod models;
#[cfg(test)]
mod narrowing;
#[cfg(test)]
mod planted;
mod policy;
#[cfg(test)]
mod prefixes;
mod proof;
mod roster;
mod rules;
#[cfg(test)]
mod samples;
mod sequential;
mod sessions;
#[cfg(test)]
mod testing;
mod words;

pub use causal::{Causal, SessionSets, causal_models, session_sets};
pub use certify::certify;
pub use confirm::{Unconfirmed, certificate, confirm, prefix};
pub use convergence::Convergent;
pub use dispatch::check_all;
pub use drawing::{dot, svg};
pub use durability::Durable;
pub use explain::fault_in_force;
pub use finding::{
    Anomaly, Budget, Checker, Conflicts, Convergence, Durability, EdgeReason, Exhausted, Figures, Finding,
    IMPLIED, Meter, ProofEdge, Side, Staleness, Step, Stop, Verdict, Witness,
};
pub use hierarchy::{Hierarchy, not_applicable, undecided};
pub use inserts::Inserts;
pub use isolation::Isolation;
pub use linear::{Linear, Linearization, search, stale_reads};
pub use log::Logs;
pub use policy::Policy;
pub use roster::{all, checkers_for};
pub use rules::Rules;
pub use sequential::Sequential;
pub use sessions::Sessions;
pub use words::told;
