//! A kind of system, and a running cluster of it.

use std::path::PathBuf;

use histories::{Function, Node};
use nemesis::{BoxFuture, Layout, Powers, Target};

use crate::{Client, Mode};

/// How a cluster is to be started.
#[derive(Clone, Debug)]
pub struct Setup {
    pub mode: Mode,
    pub layout: Layout,
    /// Client threads, 0 to `clients - 1`.
    pub clients: u32,
    /// For the logs of nodes, `<node>.log`.
    pub logs: PathBuf,
    /// For what nodes store, a folder each.
    pub disks: PathBuf,
    pub seed: u64,
}

/// A cluster could not be started, reached or stopped.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {why}")]
pub struct SetupError {
    /// What was being done, `start n2`.
    pub what: String,
    pub why: String,
}

/// A cluster seen from outside, past every partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Who says that it leads, with its term, by rising term.
    pub leaders: Vec<(u64, Node)>,
    /// Nodes that answered.
    pub up: Vec<Node>,
    /// Entries that each follower lies behind the leader with the highest term, as that leader counts.
    pub lag: Vec<(Node, u64)>,
    /// Every node answers, exactly one leads, and it serves reads and writes.
    pub ready: bool,
}

/// A kind of system under test.
pub trait System: Send + Sync {
    fn name(&self) -> &str;
    fn modes(&self) -> Vec<Mode>;
    /// A mode by name, with options in brackets where the system takes them; the error names the nearest known.
    fn mode(&self, text: &str) -> Result<Mode, String>;
    /// The operations that `mode` supports; a workload drops the others and says so.
    fn supports(&self, mode: &Mode, function: &Function) -> bool;
    fn powers(&self) -> Powers;
    /// Starts a cluster and waits until it is ready.
    fn start<'a>(&'a self, setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>>;
}

/// A running cluster. Dropping it stops everything that it started.
pub trait Cluster: Send + Sync {
    /// A new client for thread `thread`, with no session yet.
    fn connect(&self, thread: u32) -> BoxFuture<'_, Result<Box<dyn Client>, SetupError>>;
    fn target(&self) -> &dyn Target;
    fn status(&self) -> BoxFuture<'_, Status>;
    /// Stops every process and waits until it is gone.
    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>>;
}
