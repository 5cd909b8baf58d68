//! What came of a run: its history checked, measured, and held against what its mode promises.

pub(crate) mod anomaly;
mod beside;
pub(crate) mod checked;
pub(crate) mod checking;
mod crashed;
mod early;
pub mod evidence;
mod examine;
mod execute;
pub(crate) mod expect;
pub(crate) mod findings;
mod measure;
pub mod outcome;
pub mod own;
mod promise;
pub(crate) mod stored;
mod trial;
pub(crate) mod unnoticed;
pub mod verdict;

pub use execute::execute;
pub(crate) use execute::execute_at;
pub(crate) use trial::trial_on;
pub use trial::{Trial, trial};
