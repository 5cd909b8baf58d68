//! PostgreSQL with streaming replication. It elects nobody by itself: a small controller of ours promotes a standby and
//! makes a deposed primary a standby again.

mod client;
mod clock;
mod cluster;
mod controller;
mod launcher;
mod session;
mod statements;

use histories::{AnomalyKind, Function, ModelName};
use nemesis::backends::faketime;
use nemesis::{BoxFuture, Layout, Power, Powers};

use self::cluster::PostgresCluster;
use self::launcher::PostgresLauncher;
#[cfg(test)]
pub(super) use self::statements::DIALECT;
use super::sql;
use crate::cluster::{Binary, Host, LOCAL_POWERS, LocalCluster};
use crate::mode::{choose, word_in};
use crate::{Cluster, Mode, Presence, Setup, SetupError, System, SystemOptions};

const POSTGRES: Binary = Binary {
    name: "postgres",
    folders: &[
        "/usr/lib/postgresql/18/bin",
        "/usr/lib/postgresql/17/bin",
        "/usr/lib/postgresql/16/bin",
        "/usr/lib/postgresql/15/bin",
        "/usr/local/pgsql/bin",
    ],
    install: "apt-get install postgresql",
    known: &["15", "16", "17"],
};

/// `synchronous_standby_names`: how many standbys have to have a write.
const SYNC: &str = "sync";
/// What a standby has to have done with a write, `synchronous_commit`.
const COMMIT: &str = "commit";
/// Where reads go: to the `primary`, or to the node that the client talks to (`any`).
const READS: &str = "reads";
/// `default_transaction_isolation`.
const ISOLATION: &str = "isolation";
/// Milliseconds without the primary after which a standby is promoted.
const DOWN_AFTER: &str = "down-after";

#[derive(Clone, Debug)]
pub struct PostgresSystem {
    host: Host,
}

impl PostgresSystem {
    pub fn new(host: Host) -> Self {
        Self { host }
    }
}

fn mode(name: &str, about: &str, [sync, commit, reads]: [&str; 3], isolation: &str) -> Mode {
    Mode::new(name, about)
        .with_option(SYNC, sync)
        .with_option(COMMIT, commit)
        .with_option(READS, reads)
        .with_option(ISOLATION, isolation)
        .with_option(DOWN_AFTER, "1000")
        .surviving(&["network", "kill", "pause"])
}

fn known() -> Vec<Mode> {
    let mode = |name, about, replication| mode(name, about, replication, "read-committed");
    let lost = [AnomalyKind::LostWrite, AnomalyKind::SplitBrain];
    let mut modes = vec![
        mode(
            "postgres/async",
            "the primary acknowledges alone; standbys answer reads",
            ["none", "on", "any"],
        )
        .showing_kinds(ModelName::Durability, &lost, &["partition:leader"], &["set"])
        .showing(ModelName::Linearizable, &[], &["register"]),
        mode(
            "postgres/sync-any",
            "one standby of any has a write before it is acknowledged; the primary answers reads",
            ["any 1", "on", "primary"],
        )
        .promising(&[ModelName::Durability]),
        mode(
            "postgres/remote-apply",
            "every standby shows a write before it is acknowledged; all answer reads",
            ["all", "remote-apply", "any"],
        )
        .promising(&[ModelName::ReadYourWrites, ModelName::Durability]),
        mode("postgres/single", "one server, and no replication", ["none", "on", "primary"])
            .promising(&[ModelName::Linearizable, ModelName::Durability])
            .on_nodes(1),
    ];
    modes.extend(isolated());
    modes
}

/// One server each, at the level that its name says.
fn isolated() -> [Mode; 3] {
    let mode = |name, about, isolation| {
        mode(name, about, ["none", "on", "primary"], isolation).for_transactions().on_nodes(1)
    };
    let lists = &["txn-list"];
    let (lost, unsteady) = (AnomalyKind::LostUpdate, AnomalyKind::NonRepeatableRead);
    let skew = [AnomalyKind::WriteSkew, AnomalyKind::G2Item];
    [
        mode(
            "postgres/read-committed",
            "one server: each statement sees what is committed by then",
            "read-committed",
        )
        .promising(&[ModelName::ReadCommitted])
        .showing_kinds(ModelName::SnapshotIsolation, &[unsteady], &[], lists)
        .showing_kinds(ModelName::SnapshotIsolation, &[lost], &[], &["lost-update"]),
        mode("postgres/repeatable-read", "one server: a transaction sees one snapshot", "repeatable-read")
            .promising(&[ModelName::SnapshotIsolation])
            .showing_kinds(ModelName::Serializable, &skew, &[], lists),
        mode(
            "postgres/serializable",
            "one server: transactions that no order explains are ended",
            "serializable",
        )
        .promising(&[ModelName::Serializable]),
    ]
}

/// Clocks can be set where the library is that does it.
fn powers() -> Powers {
    let clocks = if faketime::library().is_some() { Power::Step.into() } else { Powers::NONE };
    LOCAL_POWERS.union(clocks)
}

impl System for PostgresSystem {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn modes(&self) -> Vec<Mode> {
        known()
    }

    fn mode(&self, text: &str) -> Result<Mode, String> {
        let mode = choose(&known(), text)?;
        word_in(&mode, SYNC, &["none", "any 1", "any 2", "all"])?;
        word_in(&mode, COMMIT, &["on", "off", "local", "remote-write", "remote-apply"])?;
        word_in(&mode, READS, &["primary", "any"])?;
        word_in(&mode, ISOLATION, &["read-committed", "repeatable-read", "serializable"])?;
        mode.option_in(DOWN_AFTER, 300..=60_000)?;
        Ok(mode)
    }

    fn on(&self, mode: &Mode, layout: Layout) -> Result<Mode, String> {
        let standbys = layout.total() - 1;
        match mode.option(SYNC) {
            Some("any 1") if standbys < 1 => Err(format!("{}: any 1 takes two nodes", mode.name)),
            Some("any 2") if standbys < 2 => Err(format!("{}: any 2 takes three nodes", mode.name)),
            _ => Ok(mode.clone()),
        }
    }

    fn supports(&self, _mode: &Mode, function: &Function) -> bool {
        sql::supports(function)
    }

    fn powers(&self) -> Powers {
        powers()
    }

    fn presence(&self, options: &SystemOptions) -> Presence {
        POSTGRES.presence(&self.host, options)
    }

    fn start<'a>(&'a self, setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>> {
        Box::pin(async move {
            let binary = POSTGRES.find(&self.host, setup.options.binary.as_deref())?;
            let launcher = PostgresLauncher::new(&binary, setup)?;
            let folders = launcher.folders();
            let nodes = LocalCluster::start(launcher, &self.host.exe, setup).await?;
            Ok(Box::new(PostgresCluster { nodes, folders }) as Box<dyn Cluster>)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_and_options_are_checked() {
        let system = PostgresSystem::new(Host::default());
        for mode in system.modes() {
            assert_eq!(system.mode(&mode.name).as_ref(), Ok(&mode));
            assert!(system.on(&mode, mode.layout).is_ok());
        }
        let serializable = system.mode("postgres/async[isolation=serializable]").unwrap();
        assert_eq!(serializable.option(ISOLATION), Some("serializable"));
        let wrong = ["[isolation=strict]", "[sync=any 7]", "[down-after=5]", "[speed=1]"];
        for options in wrong {
            assert!(system.mode(&format!("postgres/async{options}")).is_err(), "{options}");
        }
        let any = system.mode("postgres/sync-any").unwrap();
        assert!(system.on(&any, Layout::single(1)).is_err());
    }
}
