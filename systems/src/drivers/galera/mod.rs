//! MariaDB with Galera: every node takes writes, and a transaction is certified by all when it commits.

mod client;
mod launcher;
mod session;
mod statements;

use std::path::{Path, PathBuf};

use histories::{Function, ModelName};
use nemesis::{BoxFuture, Powers};

use self::launcher::{GaleraLauncher, POWERS};
use super::sql;
use crate::cluster::{Binary, Host, LocalCluster};
use crate::mode::{choose, word_in};
use crate::{Cluster, Mode, Presence, Setup, SetupError, System, SystemOptions};

const INSTALL: &str = "apt-get install mariadb-server galera-4 rsync lsof";
const SERVER: Binary = Binary {
    name: "mariadbd",
    folders: &["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/mysql/bin"],
    install: INSTALL,
    known: &["10.11"],
};
const LIBRARY: Binary = Binary {
    name: "libgalera_smm.so",
    folders: &["/usr/lib/galera", "/usr/lib64/galera-4", "/usr/lib/galera-4"],
    install: INSTALL,
    known: &[],
};

/// `wsrep_sync_wait`: which statements wait until the node has all that was committed before: 1 reads, 2 updates and deletions, 4
/// insertions, and sums of these.
const SYNC_WAIT: &str = "sync-wait";
/// `transaction_isolation`.
const ISOLATION: &str = "isolation";
/// `innodb_snapshot_isolation`: a transaction may not write what has changed since its snapshot.
const SNAPSHOT: &str = "snapshot-isolation";

/// MariaDB with Galera as a system under test.
#[derive(Clone, Debug)]
pub struct GaleraSystem {
    host: Host,
}

impl GaleraSystem {
    pub fn new(host: Host) -> Self {
        Self { host }
    }

    fn programs(&self, given: Option<&Path>) -> Result<(PathBuf, PathBuf), SetupError> {
        Ok((SERVER.find(&self.host, given)?, LIBRARY.find(&self.host, None)?))
    }
}

fn modes() -> Vec<Mode> {
    let mode = |name, about, wait, isolation, snapshot| {
        Mode::new(name, about)
            .with_option(SYNC_WAIT, wait)
            .with_option(ISOLATION, isolation)
            .with_option(SNAPSHOT, snapshot)
            // A node that was paused may end by itself, unable to reach the others again: no promise is kept by it.
            .surviving(&["network", "kill"])
            .available_with_majority()
            .without_leader()
    };
    let lists = &["txn-list"];
    vec![
        mode(
            "galera/default",
            "every node takes writes and reads what it has",
            "0",
            "repeatable-read",
            "off",
        )
        .promising(&[ModelName::Durability, ModelName::Convergence])
        .showing(ModelName::Linearizable, &["pause:one"], &["register"]),
        mode("galera/sync-wait", "a node catches up before each statement", "7", "repeatable-read", "off")
            .promising(&[ModelName::Linearizable, ModelName::Durability, ModelName::Convergence]),
        mode(
            "galera/repeatable-read",
            "transactions at any node, at the default level",
            "0",
            "repeatable-read",
            "off",
        )
        .for_transactions()
        .promising(&[ModelName::ReadCommitted])
        .showing(ModelName::SnapshotIsolation, &[], lists),
        mode(
            "galera/snapshot-isolation",
            "transactions at any node; none writes what has changed since its snapshot",
            "0",
            "repeatable-read",
            "on",
        )
        .for_transactions()
        .promising(&[ModelName::SnapshotIsolation]),
        mode("galera/single", "one node alone, at the default level", "0", "repeatable-read", "off")
            .for_transactions()
            .promising(&[ModelName::ReadCommitted])
            .showing(ModelName::SnapshotIsolation, &[], lists)
            .on_nodes(1),
        mode(
            "galera/single-serializable",
            "one node alone, whose reads take locks",
            "0",
            "serializable",
            "off",
        )
        .for_transactions()
        .promising(&[ModelName::Serializable])
        .on_nodes(1),
    ]
}

impl System for GaleraSystem {
    fn name(&self) -> &'static str {
        "galera"
    }

    fn modes(&self) -> Vec<Mode> {
        modes()
    }

    fn mode(&self, text: &str) -> Result<Mode, String> {
        let mode = choose(&modes(), text)?;
        mode.option_in(SYNC_WAIT, 0..=15)?;
        word_in(&mode, ISOLATION, &["read-committed", "repeatable-read", "serializable"])?;
        word_in(&mode, SNAPSHOT, &["on", "off"])?;
        Ok(mode)
    }

    fn supports(&self, _mode: &Mode, function: &Function) -> bool {
        sql::supports(function)
    }

    fn powers(&self) -> Powers {
        POWERS
    }

    fn presence(&self, options: &SystemOptions) -> Presence {
        match self.programs(options.binary.as_deref()) {
            Ok(_) => SERVER.presence(&self.host, options),
            Err(error) => Presence::Missing { why: error.to_string(), install: INSTALL.to_owned() },
        }
    }

    fn start<'a>(&'a self, setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>> {
        Box::pin(async move {
            let (server, library) = self.programs(setup.options.binary.as_deref())?;
            let launcher = GaleraLauncher::new(server, library, setup)?;
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
        let system = GaleraSystem::new(Host::default());
        for mode in system.modes() {
            assert_eq!(system.mode(&mode.name).as_ref(), Ok(&mode));
        }
        for options in ["[sync-wait=16]", "[isolation=strict]", "[snapshot-isolation=1]", "[speed=1]"] {
            assert!(system.mode(&format!("galera/default{options}")).is_err(), "{options}");
        }
    }
}
