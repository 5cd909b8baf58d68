//! Clients that lie on purpose, one lie at a time, so that a suite can be calibrated: would it notice?
//!
//! A lie knows operations and answers and no database. [`Liar`] decides and does no IO; the same one stands behind the
//! clients of a live cluster ([`in_cluster`]) and behind those of a simulated world ([`in_world`]).

mod altered;
mod cluster;
mod liar;
mod memory;
mod observed;
mod plan;
mod table;
#[cfg(test)]
mod tests;
mod transactions;
mod world;

pub use cluster::in_cluster;
pub use liar::{Liar, SharedLiar, Step};
pub use observed::Observed;
pub use table::{LieKind, Needs};
pub use world::in_world;

/// A lie as a run tells it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lie {
    pub kind: LieKind,
    /// The share of the operations it applies to that it is told of: above 0, at most 1.
    pub rate: f64,
    /// How many versions old a stale read may be, from 1.
    pub versions: u16,
}

/// What the clients of a calibration do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Telling {
    /// They tell the truth, and what they are asked is observed.
    Truth,
    Lie(Lie),
}
