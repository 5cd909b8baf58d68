//! What is tested: the bundled reference store, its live cluster, and drivers for real databases.
//!
//! A client call never errs: it is ok, fail or info. Whatever else goes wrong is a [`SetupError`], a failure of the
//! harness and never a verdict.

mod client;
pub mod live;
mod mode;
pub mod store;
mod system;

pub use client::{Client, Completion, Reply};
pub use mode::{Mode, Routing, Show};
pub use system::{Behind, Cluster, Ground, HomeOf, Lag, Setup, SetupError, Status, System};
