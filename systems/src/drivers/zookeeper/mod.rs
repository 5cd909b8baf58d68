//! ZooKeeper, spoken to by its own protocol: the crates that speak it take a broken session up again behind their user's back.

mod client;
mod launcher;
mod program;
mod session;
mod wire;

use histories::{AnomalyKind, Function, ModelName};
use nemesis::{BoxFuture, Powers};

use self::launcher::ZookeeperLauncher;
use self::program::Program;
use crate::cluster::{Host, LOCAL_POWERS, LocalCluster};
use crate::mode::{choose, word_in};
use crate::{Cluster, Mode, Presence, Setup, SetupError, System, SystemOptions};

/// What a server does before it answers a read: nothing (`local`), or it catches up with the leader (`sync`).
const READS: &str = "reads";
/// Locks last until they are given back (`persistent`), or end with their holder's session at the latest (`ephemeral`).
const LOCKS: &str = "locks";
/// Milliseconds without a word after which a session ends.
const SESSION: &str = "session-timeout";
/// Milliseconds; servers give each other up after four of them.
const TICK: &str = "tick";

/// ZooKeeper as a system under test.
#[derive(Clone, Debug)]
pub struct ZookeeperSystem {
    host: Host,
}

impl ZookeeperSystem {
    pub fn new(host: Host) -> Self {
        Self { host }
    }
}

fn modes() -> Vec<Mode> {
    let mode = |name, [reads, locks, session, tick]: [&str; 4], about| {
        Mode::new(name, about)
            .with_option(READS, reads)
            .with_option(LOCKS, locks)
            .with_option(SESSION, session)
            .with_option(TICK, tick)
            .surviving(&["network", "kill", "pause"])
            .available_with_majority()
    };
    vec![
        mode(
            "zookeeper/local-reads",
            ["local", "persistent", "10000", "500"],
            "any server answers reads from what it has, the default",
        )
        .promising(&[ModelName::Sequential, ModelName::Durability, ModelName::Convergence, ModelName::Mutex])
        .showing(ModelName::Linearizable, &["partition:one"], &["register"])
        .with_figures(&["staleness in ms and in versions of a server that is cut off"]),
        mode(
            "zookeeper/sync",
            ["sync", "persistent", "10000", "250"],
            "a server catches up with the leader before each read",
        )
        .promising(&[
            ModelName::Linearizable,
            ModelName::Durability,
            ModelName::Convergence,
            ModelName::Mutex,
        ]),
        mode(
            "zookeeper/ephemeral-locks",
            ["local", "ephemeral", "1000", "250"],
            "locks alone, which end with their holder's session: the others go on, and the holder may not know",
        )
        .showing_kinds(ModelName::Mutex, &[AnomalyKind::TwoHolders], &["partition:one"], &["lock"]),
    ]
}

impl System for ZookeeperSystem {
    fn name(&self) -> &'static str {
        "zookeeper"
    }

    fn modes(&self) -> Vec<Mode> {
        modes()
    }

    fn mode(&self, text: &str) -> Result<Mode, String> {
        let mode = choose(&modes(), text)?;
        word_in(&mode, READS, &["local", "sync"])?;
        word_in(&mode, LOCKS, &["persistent", "ephemeral"])?;
        let tick = mode.option_in(TICK, 50..=10_000)?;
        mode.option_in(SESSION, 2 * tick..=60_000)?;
        Ok(mode)
    }

    fn supports(&self, mode: &Mode, function: &Function) -> bool {
        let locks = matches!(function, Function::Acquire | Function::Release);
        client::supports(function) && (locks || mode.option(LOCKS) != Some("ephemeral"))
    }

    fn powers(&self) -> Powers {
        LOCAL_POWERS
    }

    fn presence(&self, options: &SystemOptions) -> Presence {
        Program::presence(&self.host, options)
    }

    fn start<'a>(&'a self, setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>> {
        Box::pin(async move {
            let program = Program::find(&self.host, setup.options.binary.as_deref())?;
            let launcher = ZookeeperLauncher::new(program, setup);
            let cluster = LocalCluster::start(launcher, &self.host.exe, setup).await?;
            Ok(Box::new(cluster) as Box<dyn Cluster>)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_and_options_are_checked() {
        let system = ZookeeperSystem::new(Host::default());
        for mode in system.modes() {
            assert_eq!(system.mode(&mode.name).as_ref(), Ok(&mode));
        }
        for options in ["[reads=any]", "[locks=none]", "[session-timeout=5]", "[tick=0]", "[speed=1]"] {
            assert!(system.mode(&format!("zookeeper/sync{options}")).is_err(), "{options}");
        }
        let locks = system.mode("zookeeper/ephemeral-locks").unwrap();
        assert!(system.supports(&locks, &Function::Acquire) && !system.supports(&locks, &Function::Write));
    }
}
