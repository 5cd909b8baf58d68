//! From a history to integers: what every checker begins with.
//!
//! It decides no model, and imports none of the families that stand on it.

pub(crate) mod accesses;
pub(crate) mod all_orders;
pub(crate) mod amounts;
pub(crate) mod anomaly;
pub(crate) mod calls;
pub(crate) mod counters;
pub(crate) mod final_state;
pub(crate) mod happened;
pub(crate) mod impossible;
pub(crate) mod interner;
pub(crate) mod keys;
pub(crate) mod object;
pub(crate) mod registers;
pub(crate) mod ruling;
pub(crate) mod sessions;
pub(crate) mod split_brain;
mod transactions;
pub(crate) mod unexplained;
pub(crate) mod wrong_sum;
