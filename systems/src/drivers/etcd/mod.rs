//! etcd, spoken to by its JSON gateway.

mod client;
mod gateway;
mod launcher;

use histories::{Function, ModelName};
use nemesis::{BoxFuture, Powers};

use self::launcher::EtcdLauncher;
use crate::cluster::{Binary, Host, LOCAL_POWERS, LocalCluster, RemoteCluster, in_namespaces};
use crate::mode::choose;
use crate::{Cluster, Mode, Presence, Setup, SetupError, System, SystemOptions};

const BINARY: Binary = Binary {
    name: "etcd",
    folders: &["/usr/local/bin", "/opt/etcd", "/usr/lib/etcd"],
    install: "apt-get install etcd-server",
    known: &["3.4", "3.5"],
};

/// Whether any member may answer a read from what it has.
const READS: &str = "reads";
/// Milliseconds between heartbeats, and without one until an election.
const HEARTBEAT: &str = "heartbeat-interval";
const ELECTION: &str = "election-timeout";

/// etcd as a system under test.
#[derive(Clone, Debug)]
pub struct EtcdSystem {
    host: Host,
}

impl EtcdSystem {
    pub fn new(host: Host) -> Self {
        Self { host }
    }
}

fn modes() -> Vec<Mode> {
    let mode = |name, reads, about| {
        Mode::new(name, about)
            .with_option(READS, reads)
            .with_option(HEARTBEAT, "100")
            .with_option(ELECTION, "1000")
            .surviving(&["network", "kill", "pause"])
            .available_with_majority()
    };
    vec![
        mode("etcd/linearizable", "linearizable", "every read is confirmed by a majority, etcd's default")
            .promising(&[ModelName::Linearizable, ModelName::Durability, ModelName::Convergence]),
        mode("etcd/serializable", "serializable", "any member answers reads from what it has")
            .promising(&[
                ModelName::MonotonicWrites,
                ModelName::WritesFollowReads,
                ModelName::Durability,
                ModelName::Convergence,
            ])
            .showing(ModelName::Linearizable, &["partition:one"], &["register"])
            .with_figures(&["staleness in ms and in versions of a member that is cut off"]),
    ]
}

impl System for EtcdSystem {
    fn name(&self) -> &'static str {
        "etcd"
    }

    fn modes(&self) -> Vec<Mode> {
        modes()
    }

    fn mode(&self, text: &str) -> Result<Mode, String> {
        let mode = choose(&modes(), text)?;
        for name in [HEARTBEAT, ELECTION] {
            mode.option_in(name, 1..=60_000)?;
        }
        match mode.option(READS) {
            Some("linearizable" | "serializable") => Ok(mode),
            other => Err(format!(
                "{text}: {READS} is linearizable or serializable, not {:?}",
                other.unwrap_or_default()
            )),
        }
    }

    fn supports(&self, _mode: &Mode, function: &Function) -> bool {
        gateway::supports(function)
    }

    fn powers(&self) -> Powers {
        LOCAL_POWERS
    }

    fn powers_in_namespaces(&self) -> Option<Powers> {
        Some(in_namespaces(LOCAL_POWERS))
    }

    fn presence(&self, options: &SystemOptions) -> Presence {
        BINARY.presence(&self.host, options)
    }

    fn start<'a>(&'a self, setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>> {
        Box::pin(async move {
            if !setup.options.endpoints.is_empty() {
                let launcher = EtcdLauncher::new(std::path::PathBuf::new(), setup);
                return Ok(Box::new(RemoteCluster::start(launcher, setup).await?) as Box<dyn Cluster>);
            }
            let binary = BINARY.find(&self.host, setup.options.binary.as_deref())?;
            let cluster =
                LocalCluster::start(EtcdLauncher::new(binary, setup), &self.host.exe, setup).await?;
            Ok(Box::new(cluster) as Box<dyn Cluster>)
        })
    }
}
