//! Clusters of processes of this machine, whatever they run.
//!
//! A system says in a [`Launcher`] how its nodes are started and asked how they are; [`LocalCluster`] does the rest for
//! every system alike: ports, proxies on every link, logs, readiness, kills, pauses, restarts, evidence, and the end of
//! everything that was started. Nothing here knows a database.

mod binary;
mod child;
mod clock;
mod control;
mod failover;
mod launcher;
mod local;
mod means;
mod member;
mod ports;
mod remote;
mod spaces;

pub use binary::{Binary, Host, Version};
pub(crate) use child::arguments as child_arguments;
pub use child::{ChildError, replace_process};
pub use clock::{ClockControl, ClockSetting};
pub(crate) use control::Control;
pub use failover::{Failover, Nodes};
pub(crate) use launcher::in_namespaces;
pub use launcher::{
    CommandLine, Doors, LOCAL_POWERS, Launcher, NAMESPACE_POWERS, NodeSite, Owner, PEER_POWERS, Running,
};
pub use local::{LocalCluster, sweep_private};
pub(crate) use means::{LinkEvidence, LinkMeans, NodeMeans};
pub(crate) use ports::free as free_port;
pub(crate) use remote::run_name;
pub use remote::{REMOTE_POWERS, RemoteCluster};
