//! A kind of system, and a running cluster of it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use histories::{Conflict, Function, Key, Node};
use nemesis::backends::Proxies;
use nemesis::{BoxFuture, Layout, Powers, Target};
use serde::{Deserialize, Serialize};

use crate::cluster::REMOTE_POWERS;
use crate::own::FaultCommands;
use crate::sim::{self, Simulation};
use crate::{Client, Mode, PlantedBug, Settles, Trap};

/// How a cluster is to be started.
#[derive(Clone, Debug)]
pub struct Setup {
    pub mode: Mode,
    /// The name of the workload that clients are going to run, `register`.
    pub workload: String,
    /// What the user says of the system beside its mode.
    pub options: SystemOptions,
    pub layout: Layout,
    /// Client threads, 0 to `clients - 1`.
    pub clients: u32,
    /// For the logs of nodes, `<node>.log`.
    pub logs: PathBuf,
    /// For what nodes store, a folder each.
    pub disks: PathBuf,
    pub seed: u64,
}

/// What the user says of a system beside its mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemOptions {
    /// The program that nodes run, or the folder that it lies in, where it is not found by itself.
    pub binary: Option<PathBuf>,
    /// Where the nodes of a system are that runs already, in the order of the nodes; empty where the harness starts it.
    pub endpoints: Vec<String>,
    /// How faults are carried out on nodes that run already, where the user says so.
    pub fault_commands: Option<Arc<FaultCommands>>,
    pub net: Net,
    /// Whether a fault may set clocks wrong: then programs are started with what that takes.
    pub clocks: bool,
}

impl SystemOptions {
    /// What nodes that run already can have done to them.
    pub fn remote_powers(&self) -> Powers {
        let by_command = self.fault_commands.as_ref().map(|commands| commands.powers());
        REMOTE_POWERS.union(by_command.unwrap_or_default())
    }
}

/// How nodes are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Net {
    /// On 127.0.0.1, by proxies.
    #[default]
    Proxy,
    /// In network namespaces of their own, by a router.
    Netns,
}

/// Whether a system can be started on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is part of this program.
    Bundled,
    Installed {
        program: PathBuf,
        /// As it says itself.
        version: Option<String>,
        /// What there is to say of a version that the driver was not tried with.
        remark: Option<String>,
    },
    Missing {
        /// Where it was looked for, and what brings it.
        why: String,
        /// The command that installs it.
        install: String,
    },
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
    /// What lies behind, by whoever counts: the leaders with the highest term, or every member where none leads.
    pub lag: Vec<(Node, Lag)>,
    /// Every node answers, exactly one leads, and it serves reads and writes.
    pub ready: bool,
}

/// A node that ended although nothing that was done to it explains that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    pub node: Node,
    /// How its process ended, `exit status: 101`.
    pub status: String,
    /// The last lines of its log.
    pub log_tail: String,
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, status, log_tail } = self;
        write!(f, "{node} ended by itself ({status}); the end of its log:\n{log_tail}")
    }
}

/// Through which datacentres the changes of a mode go, and where its keys belong.
#[derive(Default)]
pub struct Ground {
    /// The pairs of datacentres that exchange changes; none where every two of them do.
    pub links: Vec<(u16, u16)>,
    /// The datacentre that all reads and writes of a key go to; `None` where no key has one.
    pub home: Option<HomeOf>,
}

/// The home of a key, where it has one.
pub type HomeOf = Box<dyn Fn(&Key) -> Option<u16> + Send + Sync>;

/// Something that lies behind something else, in entries of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    pub of: Behind,
    pub entries: u64,
}

/// What lies behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Behind {
    /// That member, behind whoever counts.
    Follower(Node),
    /// Whoever counts, behind what that datacentre made.
    Origin(u16),
}

/// A kind of system under test.
pub trait System: Send + Sync {
    fn name(&self) -> &str;
    /// As the command line takes it again after `--system`.
    fn source(&self) -> &str {
        self.name()
    }
    fn modes(&self) -> Vec<Mode>;
    /// A mode by name, with options in brackets where the system takes them; the error names the nearest known.
    fn mode(&self, text: &str) -> Result<Mode, String>;
    /// The mode as a cluster of this layout gives it; refuses what none can do, with the reason.
    fn on(&self, mode: &Mode, _layout: Layout) -> Result<Mode, String> {
        Ok(mode.clone())
    }
    /// The operations that `mode` supports; a workload drops the others and says so.
    fn supports(&self, mode: &Mode, function: &Function) -> bool;
    fn powers(&self) -> Powers;
    /// What its nodes can have done to them in namespaces of their own; `None` where they cannot stand there.
    fn powers_in_namespaces(&self) -> Option<Powers> {
        None
    }
    /// The user's own commands for faults on nodes that run already, where what describes the system has any.
    fn fault_commands(&self) -> Option<Arc<FaultCommands>> {
        None
    }
    /// Whether it can be started on this machine.
    fn presence(&self, _options: &SystemOptions) -> Presence {
        Presence::Bundled
    }
    /// What faults may know of `mode` before they take aim.
    fn ground(&self, _mode: &Mode, _layout: Layout) -> Ground {
        Ground::default()
    }
    /// Starts a cluster and waits until it is ready.
    fn start<'a>(&'a self, setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>>;
    /// Whether this project answers for it: then a node that ends by itself is a failure of the harness, else a finding
    /// about the system.
    fn is_bundled(&self) -> bool {
        false
    }
    /// The means to run it in virtual time, where there are any.
    fn simulator(&self) -> Option<&dyn Simulator> {
        None
    }
    /// The bugs that can be planted in it, to see them found.
    fn bugs(&self) -> Vec<PlantedBug> {
        Vec::new()
    }
    /// A mode with a bug planted; the error names the nearest known bug.
    fn with_bug(&self, _mode: &Mode, bug: &str) -> Result<Mode, String> {
        Err(format!("{} has no bug {bug:?}: none can be planted in it", self.name()))
    }
    /// The runs that should find its planted bugs.
    fn traps(&self) -> &'static [Trap] {
        &[]
    }
    /// The modes that a comparison of trade-offs is made of, one of each kind; all where it is not said.
    fn tradeoff_modes(&self) -> Vec<String> {
        self.modes().into_iter().map(|mode| mode.name).collect()
    }
    /// How a mode replicates, in the theory's words.
    fn replication(&self, mode: &Mode) -> String {
        mode.name.clone()
    }
    /// What becomes of concurrent writes, where a mode accepts them in several places: what its histories are held to.
    fn conflict(&self, _mode: &Mode) -> Option<Conflict> {
        None
    }
    /// What decides between concurrent updates of a key.
    fn settles(&self, mode: &Mode) -> Settles {
        if mode.led { Settles::OneLeader } else { Settles::Quorums }
    }
}

/// Makes worlds of a system's modes.
pub trait Simulator: Send + Sync {
    fn powers(&self) -> Powers {
        sim::POWERS
    }
    /// Starts a cluster in a world of its own and waits, in virtual time, until it is ready.
    fn simulate(&self, mode: &Mode, setup: &sim::Setup) -> Result<Box<dyn Simulation>, SetupError>;
}

/// A running cluster. Dropping it stops everything that it started.
pub trait Cluster: Send + Sync {
    /// A new client for thread `thread`, with no session yet.
    fn connect(&self, thread: u32) -> BoxFuture<'_, Result<Box<dyn Client>, SetupError>>;
    fn target(&self) -> &dyn Target;
    fn status(&self) -> BoxFuture<'_, Status>;
    /// The nodes that have ended so far although no fault and no request explains it.
    fn crashes(&self) -> BoxFuture<'_, Vec<Crash>> {
        Box::pin(async { Vec::new() })
    }
    /// The proxies that clients reach nodes through, where they do.
    fn proxies(&self) -> Option<Arc<Proxies>> {
        None
    }
    /// What a report of the run should say beside its history, in words.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
    /// Stops every process and waits until it is gone.
    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>>;
}
