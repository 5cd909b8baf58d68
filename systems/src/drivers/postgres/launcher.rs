//! How servers are started, and asked how they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use histories::Node;
use nemesis::backends::{PeerUse, PortUse};
use nemesis::{BoxFuture, Layout, Powers};
use tokio::sync::Mutex;

use super::client::PostgresClient;
use super::clock::Clocks;
use super::cluster::Folders;
use super::controller::{Controller, Topology};
use super::session::Session;
use super::{COMMIT, DOWN_AFTER, ISOLATION, READS, SYNC};
use crate::cluster::{ClockControl, CommandLine, Doors, Failover, Launcher, NodeSite, Owner, Running};
use crate::drivers::sql::Table;
use crate::drivers::template::{Template, instead_of_root};
use crate::{Client, Mode, Setup, SetupError, Status};

/// The only port of a server.
pub(super) const SERVER: usize = 0;
/// A server that does not answer within this time is not up.
const STATUS_MAX: Duration = Duration::from_millis(500);
/// The user whose name the server's packages give it.
const USER: &str = "postgres";

/// Makes a node's data folder, where it has none yet or is a primary that was deposed, and becomes the server.
const START: &str = r#"
set -e
data=$1 template=$2 role=$3 primary=$4 bin=$5
shift 5
cd "$data"
if [ ! -f PG_VERSION ]; then
  cp -a "$template/." .
  [ "$role" = primary ] || touch standby.signal
fi
if [ "$role" = standby ] && [ ! -f standby.signal ]; then
  # The segment of shared memory of the life that was killed.
  ipcrm -m "$(sed -n 7p postmaster.pid | awk '{ print $2 }')" 2>/dev/null || true
  until find . -mindepth 1 -delete &&
    "$bin/pg_basebackup" -d "$primary" -D "$data" -X stream -c fast --no-sync && touch standby.signal
  do sleep 0.3; done
fi
printf "primary_conninfo = '%s'\n" "$primary" > postgresql.auto.conf
[ -z "$PARTITA_CLOCK" ] || export LD_PRELOAD="$PARTITA_CLOCK"
exec "$bin/postgres" -D "$data" "$@"
"#;

const STATUS: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END, \
    (SELECT count(*)::text FROM pg_stat_replication WHERE state = 'streaming')";

pub(super) struct PostgresLauncher {
    /// Where the server's programs lie.
    bin: PathBuf,
    version: String,
    mode: Mode,
    layout: Layout,
    table: Table,
    owner: Option<Owner>,
    topology: Arc<Topology>,
    folders: Folders,
    /// A connection to each server, for asking how it is.
    sessions: Vec<Mutex<Session>>,
    /// Where a fault may set clocks wrong.
    clocks: Option<Clocks>,
}

impl PostgresLauncher {
    pub(super) fn new(binary: &Path, setup: &Setup) -> Result<Self, SetupError> {
        let program = fs::canonicalize(binary).map_err(|error| failed("find the server", &error))?;
        let bin = program.parent().unwrap_or(Path::new("/")).to_owned();
        let version = crate::cluster::Binary::version(&program).map(|version| version.to_string());
        Ok(Self {
            bin,
            version: version.unwrap_or_else(|| "unknown".to_owned()),
            mode: setup.mode.clone(),
            layout: setup.layout,
            table: Table::of(&setup.workload),
            owner: instead_of_root(USER)?,
            topology: Arc::default(),
            folders: Folders::default(),
            sessions: setup.layout.nodes().map(|_| Mutex::default()).collect(),
            clocks: if setup.options.clocks { Clocks::new() } else { None },
        })
    }

    /// The data folders of the nodes, as they are started.
    pub(super) fn folders(&self) -> Folders {
        Arc::clone(&self.folders)
    }

    fn option(&self, name: &str) -> &str {
        self.mode.option(name).unwrap_or_default()
    }

    fn template(&self) -> Template {
        Template::new("postgres", &self.version, self.owner)
    }

    fn make_template(&self) -> Result<(), SetupError> {
        let command = |data: &Path| {
            let mut command = Command::new(self.bin.join("initdb"));
            let words = ["-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync", "-D"];
            command.args(words).arg(data);
            command
        };
        self.template().make(command, |_| Ok(()))
    }

    /// What the server is told beside its data.
    fn settings(&self, node: Node) -> Vec<(&'static str, String)> {
        let others: Vec<String> =
            self.layout.nodes().filter(|&other| other != node).map(|other| other.to_string()).collect();
        let standbys = others.join(",");
        let sync = match self.option(SYNC) {
            _ if others.is_empty() => String::new(),
            "any 1" => format!("ANY 1 ({standbys})"),
            "any 2" => format!("ANY 2 ({standbys})"),
            "all" => format!("FIRST {} ({standbys})", others.len()),
            _ => String::new(),
        };
        vec![
            ("unix_socket_directories", String::new()),
            ("synchronous_standby_names", sync),
            ("synchronous_commit", self.option(COMMIT).replace('-', "_")),
            ("default_transaction_isolation", self.option(ISOLATION).replace('-', " ")),
            ("max_connections", "300".to_owned()),
            ("max_wal_senders", "20".to_owned()),
            ("shared_buffers", "16MB".to_owned()),
            // Killed servers leave no shared memory behind.
            ("dynamic_shared_memory_type", "mmap".to_owned()),
            ("wal_keep_size", "256MB".to_owned()),
            ("wal_receiver_timeout", "3s".to_owned()),
            ("wal_sender_timeout", "3s".to_owned()),
            ("wal_retrieve_retry_interval", "200ms".to_owned()),
            ("wal_receiver_status_interval", "1s".to_owned()),
            ("hot_standby_feedback", "on".to_owned()),
            ("client_connection_check_interval", "500ms".to_owned()),
            ("lc_messages", "C".to_owned()),
        ]
    }

    async fn ask(&self, running: &Running) -> Option<(Node, bool, u16)> {
        let mut session = self.sessions.get(running.node.index())?.lock().await;
        let rows = session.ask(*running.ports.first()?, STATUS, &[], STATUS_MAX).await.ok()?;
        match rows.first().map(Vec::as_slice) {
            Some([role, streams]) => Some((running.node, role == "primary", streams.parse().ok()?)),
            _ => None,
        }
    }
}

/// How `from` finds the primary at an address.
pub(super) fn conninfo(from: Node, primary: std::net::SocketAddr) -> String {
    format!(
        "host={} port={} user={USER} application_name={from} connect_timeout=2",
        primary.ip(),
        primary.port()
    )
}

impl Launcher for PostgresLauncher {
    fn ports(&self) -> Vec<PortUse> {
        vec![PortUse { clients: true, peers: PeerUse::EachItsOwn }]
    }

    fn powers(&self) -> Powers {
        super::powers()
    }

    fn prepare(&self) -> Result<(), SetupError> {
        self.make_template()
    }

    fn commands(&self, site: &NodeSite) -> Result<Vec<CommandLine>, SetupError> {
        let (primary, _) = self.topology.primary();
        let role = if site.node == primary { "primary" } else { "standby" };
        let follows = if site.node == primary {
            String::new()
        } else {
            conninfo(site.node, site.peer(primary, SERVER)?)
        };
        let listen = site.listen(SERVER)?;
        let data = std::path::absolute(&site.data).map_err(|error| failed("find the data folder", &error))?;
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).push(data.clone());
        let mut command = CommandLine::new("/bin/sh")
            .args(["-c", START, "start"])
            .arg(data.to_string_lossy())
            .arg(self.template().path().to_string_lossy())
            .args([role, &follows])
            .arg(self.bin.to_string_lossy())
            .args(["-h", &listen.ip().to_string(), "-p", &listen.port().to_string()]);
        for (name, value) in self.settings(site.node) {
            command = command.arg("-c").arg(format!("{name}={value}"));
        }
        if let Some(clocks) = &self.clocks {
            let prepared = clocks.prepare(site.node, &data, command);
            command = prepared.map_err(|error| failed("write the file of its clock", &error))?;
        }
        Ok(vec![command])
    }

    fn clocks(&self) -> Option<&dyn ClockControl> {
        self.clocks.as_ref().map(|clocks| clocks as &dyn ClockControl)
    }

    fn status<'a>(&'a self, nodes: &'a [Running]) -> BoxFuture<'a, Status> {
        Box::pin(async move {
            let asked = join_all(nodes.iter().map(|node| self.ask(node))).await;
            let told: Vec<_> = asked.into_iter().flatten().collect();
            let (primary, term) = self.topology.primary();
            // A primary that was deposed and has not noticed leads the term before.
            let leads = |node: Node| if node == primary { term } else { term.saturating_sub(1) };
            let mut leaders: Vec<(u64, Node)> =
                told.iter().filter(|(_, leads, _)| *leads).map(|&(node, ..)| (leads(node), node)).collect();
            leaders.sort_unstable();
            let standbys = self.layout.total() - 1;
            let followed =
                told.iter().any(|&(node, leads, streams)| leads && node == primary && streams == standbys);
            Status {
                ready: told.len() == usize::from(self.layout.total()) && leaders.len() == 1 && followed,
                up: told.iter().map(|&(node, ..)| node).collect(),
                leaders,
                lag: Vec::new(),
            }
        })
    }

    fn client(&self, doors: Doors) -> Result<Box<dyn Client>, SetupError> {
        let any = self.option(READS) == "any";
        Ok(Box::new(PostgresClient::new(doors, self.table, any, Arc::clone(&self.topology))))
    }

    fn owner(&self) -> Option<Owner> {
        self.owner
    }

    fn failover(&self) -> Option<Arc<dyn Failover>> {
        let down_after =
            self.option(DOWN_AFTER).parse().map_or(Duration::from_secs(1), Duration::from_millis);
        let controller = Controller::new(Arc::clone(&self.topology), self.layout, down_after);
        (self.layout.total() > 1).then(|| Arc::new(controller) as Arc<dyn Failover>)
    }
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> SetupError {
    SetupError { what: what.to_owned(), why: why.to_string() }
}
