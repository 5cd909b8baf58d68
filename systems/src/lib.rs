//! What is tested: the bundled reference store, its live and its simulated clusters, and drivers for real databases.
//!
//! A client call never errs: it is ok, fail or info. Whatever else goes wrong is a [`SetupError`], a failure of the
//! harness and never a verdict.

pub mod bundled;
mod client;
pub mod cluster;
pub mod drivers;
mod http;
pub mod lies;
pub mod live;
mod mode;
pub mod own;
mod planted;
pub mod probe;
pub mod sim;
pub mod store;
mod system;
pub mod toml_file;

pub use client::{Client, Completion, Reply};
pub use http::Loss;
pub use mode::{Mode, Purpose, Routing, Settles, Show, Steps};
pub use planted::{PlantedBug, Trap};
pub use system::{
    Behind, Cluster, Crash, Ground, HomeOf, Lag, Net, Presence, Setup, SetupError, Simulator, Status, System,
    SystemOptions,
};
