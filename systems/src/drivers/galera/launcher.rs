//! How servers are started, and asked how they are.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use futures::future::join_all;
use histories::Node;
use nemesis::backends::{PeerUse, PortUse};
use nemesis::{BoxFuture, Layout, Power, Powers};
use tokio::sync::Mutex;

use super::client::GaleraClient;
use super::session::{DATABASE, Session};
use super::{ISOLATION, SNAPSHOT, SYNC_WAIT};
use crate::cluster::{Binary, CommandLine, Doors, Launcher, NodeSite, Owner, Running, free_port};
use crate::drivers::sql::Table;
use crate::drivers::template::{Template, instead_of_root};
use crate::{Client, Mode, Setup, SetupError, Status};

/// Places of the ports in [`GaleraLauncher::ports`].
pub(super) const SERVER: usize = 0;
/// Where a node receives the state of another, and what it missed.
const STATE: usize = 1;
const MISSED: usize = 2;
/// A server that does not answer within this time is not up.
const STATUS_MAX: Duration = Duration::from_millis(500);
/// The user whose name the server's packages give it.
const USER: &str = "mysql";
const GROUP_NAME: &str = "partita";
/// Nodes tell each other where they listen, and go there by themselves: links between them cannot be led through proxies.
pub(super) const POWERS: Powers = Powers::of(&[Power::CutClients, Power::Kill, Power::Pause]);

/// Makes the data folder that nodes begin with, with the workload's database. It has been a group of its own for a moment: so all
/// nodes begin with one state, and none has to receive it from another.
const FIRST_START: &str = r#"
set -e
server=$1 library=$2 data=$3 listen=$4 database=$5 group=$6
mariadb-install-db --no-defaults --skip-test-db --innodb-log-file-size=8M --datadir="$data"
mkdir "$data/$database"
"$server" --no-defaults --datadir="$data" --socket=s --pid-file="$data/pid" --skip-networking --skip-grant-tables \
  --innodb-log-file-size=8M --innodb-autoinc-lock-mode=2 --binlog-format=ROW --wsrep-on=ON --wsrep-provider="$library" \
  --wsrep-cluster-name="$group" --wsrep-cluster-address=gcomm:// --wsrep-node-address="$listen" \
  --wsrep-provider-options="gmcast.listen_addr=tcp://$listen" &
process=$!
tries=0
until mariadb-admin --no-defaults --socket="$data/s" ping; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] && kill -0 "$process"
  sleep 0.1
done
kill "$process"
wait "$process" || true
cd "$data"
grep 'safe_to_bootstrap: 1' grastate.dat
rm -f gvwstate.dat galera.cache s pid
"#;

/// Makes a node's data folder, where it has none yet, and becomes the server. A node that was killed has to find out how far it
/// came before it may join the others.
const START: &str = r#"
set -e
server=$1 data=$2 template=$3
shift 3
position=
if [ ! -f "$data/grastate.dat" ]; then
  cp -a "$template/." "$data"
else
  "$server" "$@" --wsrep-recover --log-error="$data/recovered.log" --wsrep-cluster-address= >"$data/recovered.out" 2>&1 || true
  position=$(sed -n 's/.*Recovered position: *//p' "$data/recovered.log" | tail -n 1)
fi
exec "$server" "$@" ${position:+--wsrep-start-position="$position"}
"#;

const STATUS: &str = "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN \
    ('WSREP_LOCAL_STATE_COMMENT', 'WSREP_CLUSTER_SIZE', 'WSREP_CLUSTER_STATUS', 'WSREP_READY')";

pub(super) struct GaleraLauncher {
    server: PathBuf,
    /// The library that replicates.
    library: PathBuf,
    version: String,
    mode: Mode,
    layout: Layout,
    table: Table,
    owner: Option<Owner>,
    /// Where each node finds the others of its group, for as long as the cluster lives.
    group: Vec<SocketAddr>,
    /// A connection to each server, for asking how it is.
    sessions: Vec<Mutex<Session>>,
}

impl GaleraLauncher {
    pub(super) fn new(server: PathBuf, library: PathBuf, setup: &Setup) -> Result<Self, SetupError> {
        let version = Binary::version(&server).map(|version| version.to_string());
        let group: std::io::Result<Vec<SocketAddr>> = setup.layout.nodes().map(|_| free_port()).collect();
        let group = group.map_err(|error| failed("find ports for the group", &error))?;
        Ok(Self {
            group,
            owner: instead_of_root(USER)?,
            server,
            library,
            version: version.unwrap_or_else(|| "unknown".to_owned()),
            mode: setup.mode.clone(),
            layout: setup.layout,
            table: Table::of(&setup.workload),
            sessions: setup.layout.nodes().map(|_| Mutex::default()).collect(),
        })
    }

    fn option(&self, name: &str) -> &str {
        self.mode.option(name).unwrap_or_default()
    }

    fn template(&self) -> Template {
        Template::new("galera", &self.version, self.owner)
    }

    fn make_template(&self) -> Result<(), SetupError> {
        let group = free_port().map_err(|error| failed("find a port for the first start", &error))?;
        let command = |data: &Path| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", FIRST_START, "start"]).args([&self.server, &self.library]).arg(data);
            command.args([&group.to_string(), DATABASE, GROUP_NAME]);
            command
        };
        self.template().make(command, |data| fs::set_permissions(data, fs::Permissions::from_mode(0o700)))
    }

    /// Where a node looks for its group; the first node of the first start makes one.
    fn group(&self, site: &NodeSite) -> String {
        if site.node == Node(0) && !site.data.join("grastate.dat").exists() {
            return "gcomm://".to_owned();
        }
        let others = site.others().filter_map(|node| self.group.get(node.index()));
        format!("gcomm://{}", others.map(SocketAddr::to_string).collect::<Vec<_>>().join(","))
    }

    async fn ask(&self, running: &Running) -> Option<(Node, BTreeMap<String, String>)> {
        let mut session = self.sessions.get(running.node.index())?.lock().await;
        let rows = session.ask(*running.ports.first()?, STATUS, &[], STATUS_MAX).await.ok()?;
        let pair = |row: Vec<String>| <[String; 2]>::try_from(row).ok().map(|[name, value]| (name, value));
        Some((running.node, rows.into_iter().filter_map(pair).collect()))
    }
}

impl Launcher for GaleraLauncher {
    fn ports(&self) -> Vec<PortUse> {
        let own = PortUse { clients: false, peers: PeerUse::Never };
        vec![PortUse { clients: true, peers: PeerUse::Never }, own, own]
    }

    fn powers(&self) -> Powers {
        POWERS
    }

    fn prepare(&self) -> Result<(), SetupError> {
        self.make_template()
    }

    fn ready_max(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn commands(&self, site: &NodeSite) -> Result<Vec<CommandLine>, SetupError> {
        let listen = site.listen(SERVER)?;
        let data = std::path::absolute(&site.data).map_err(|error| failed("find the data folder", &error))?;
        let group = self.group.get(site.node.index());
        let group = group.ok_or_else(|| failed("find its port of the group", &site.node))?;
        let provider = format!(
            "gmcast.listen_addr=tcp://{group};ist.recv_addr={};evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S;\
             evs.keepalive_period=PT0.5S;evs.inactive_check_period=PT0.5S;gcache.size=32M",
            site.listen(MISSED)?
        );
        let isolation = self.option(ISOLATION).to_uppercase();
        let mut options = vec![
            format!("--datadir={}", data.display()),
            format!("--bind-address={}", listen.ip()),
            format!("--port={}", listen.port()),
            "--socket=s".to_owned(),
            format!("--pid-file={}", data.join("pid").display()),
            format!("--transaction-isolation={isolation}"),
            format!("--wsrep-sync-wait={}", self.option(SYNC_WAIT)),
            format!("--wsrep-provider={}", self.library.display()),
            format!("--wsrep-cluster-name={GROUP_NAME}"),
            format!("--wsrep-cluster-address={}", self.group(site)),
            format!("--wsrep-node-name={}", site.node),
            format!("--wsrep-node-address={group}"),
            format!("--wsrep-sst-receive-address={}", site.listen(STATE)?),
            format!("--wsrep-provider-options={provider}"),
        ];
        options.extend((self.option(SNAPSHOT) == "on").then(|| "--innodb-snapshot-isolation=ON".to_owned()));
        let fixed = [
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=8M",
            "--innodb-autoinc-lock-mode=2",
            "--innodb-flush-log-at-trx-commit=1",
            // A transaction that waits for another is given up before its client gives it up.
            "--innodb-lock-wait-timeout=2",
            "--binlog-format=ROW",
            "--wsrep-on=ON",
            "--wsrep-sst-method=rsync",
            "--skip-name-resolve",
            "--skip-grant-tables",
            "--max-connections=500",
            "--performance-schema=OFF",
        ];
        Ok(vec![
            CommandLine::new("/bin/sh")
                .args(["-c", START, "start"])
                .arg(self.server.to_string_lossy())
                .arg(data.to_string_lossy())
                .arg(self.template().path().to_string_lossy())
                .arg("--no-defaults")
                .args(options)
                .args(fixed),
        ])
    }

    fn status<'a>(&'a self, nodes: &'a [Running]) -> BoxFuture<'a, Status> {
        Box::pin(async move {
            let asked = join_all(nodes.iter().map(|node| self.ask(node))).await;
            let told: Vec<_> = asked.into_iter().flatten().collect();
            let total = self.layout.total().to_string();
            let serves = |told: &BTreeMap<String, String>| {
                let is = |name: &str, value: &str| told.get(name).is_some_and(|told| told == value);
                is("WSREP_LOCAL_STATE_COMMENT", "Synced")
                    && is("WSREP_READY", "ON")
                    && is("WSREP_CLUSTER_STATUS", "Primary")
                    && is("WSREP_CLUSTER_SIZE", &total)
            };
            Status {
                ready: told.len() == usize::from(self.layout.total())
                    && told.iter().all(|(_, told)| serves(told)),
                up: told.iter().map(|&(node, _)| node).collect(),
                leaders: Vec::new(),
                lag: Vec::new(),
            }
        })
    }

    fn owner(&self) -> Option<Owner> {
        self.owner
    }

    fn client(&self, doors: Doors) -> Result<Box<dyn Client>, SetupError> {
        Ok(Box::new(GaleraClient::new(doors, self.table)))
    }
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> SetupError {
    SetupError { what: what.to_owned(), why: why.to_string() }
}
