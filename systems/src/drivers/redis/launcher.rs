//! How servers and their Sentinels are started, and asked how they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use futures::future::join_all;
use histories::Node;
use nemesis::backends::{PeerUse, PortUse};
use nemesis::{BoxFuture, Layout, Powers};
use tokio::sync::Mutex;

use super::client::RedisClient;
use super::commands::word;
use super::session::Session;
use super::{DOWN_AFTER, FAILOVER_TIMEOUT, MIN_REPLICAS, WAIT};
use crate::cluster::{CommandLine, Doors, LOCAL_POWERS, Launcher, NodeSite, Running};
use crate::{Client, Mode, Setup, SetupError, Status};

/// Places of the ports in [`RedisLauncher::ports`].
pub(super) const SERVER: usize = 0;
pub(super) const SENTINEL: usize = 1;
/// What Sentinels call the master.
pub(super) const MASTER: &str = "partita";
/// The node that leads at first.
const FIRST: Node = Node(0);
/// A node that does not answer within this time is not up.
const STATUS_MAX: Duration = Duration::from_millis(250);

pub(super) struct RedisLauncher {
    binary: PathBuf,
    mode: Mode,
    layout: Layout,
    /// Where all find the server of each node: what Sentinels call it. Known from the first start on.
    servers: OnceLock<Vec<SocketAddr>>,
    /// Connections to each node's server and Sentinel, for asking how they are.
    sessions: Vec<Mutex<[Session; 2]>>,
}

/// What a node says of itself.
struct Told {
    node: Node,
    /// `INFO replication`.
    info: BTreeMap<String, String>,
    /// `SENTINEL MASTER`.
    master: BTreeMap<String, String>,
    /// Its Sentinel reaches enough others to fail over.
    quorum: bool,
}

impl Told {
    fn info(&self, name: &str) -> &str {
        self.info.get(name).map_or("", String::as_str)
    }

    fn master(&self, name: &str) -> &str {
        self.master.get(name).map_or("", String::as_str)
    }

    fn leads(&self) -> bool {
        self.info("role") == "master"
    }

    /// The address that its Sentinel takes for the master's.
    fn names(&self) -> Option<SocketAddr> {
        format!("{}:{}", self.master("ip"), self.master("port")).parse().ok()
    }

    fn epoch(&self) -> u64 {
        self.master("config-epoch").parse().unwrap_or_default()
    }
}

impl RedisLauncher {
    pub(super) fn new(binary: PathBuf, setup: &Setup) -> Self {
        Self {
            binary,
            mode: setup.mode.clone(),
            layout: setup.layout,
            servers: OnceLock::new(),
            sessions: setup.layout.nodes().map(|_| Mutex::default()).collect(),
        }
    }

    fn option(&self, name: &str) -> &str {
        self.mode.option(name).unwrap_or_default()
    }

    fn quorum(&self) -> u16 {
        self.layout.total() / 2 + 1
    }

    /// The server's configuration, which Sentinels rewrite: what it says in a later life is theirs.
    fn server(&self, site: &NodeSite, folder: &Path) -> Result<String, SetupError> {
        let own = site.shared(site.node, SERVER)?;
        let mut text = format!(
            "bind 127.0.0.1\nprotected-mode no\ndir {}\nappendonly yes\nsave \"\"\nrepl-diskless-sync-delay 0\n\
             replica-announce-ip {}\nreplica-announce-port {}\nmin-replicas-to-write {}\nmin-replicas-max-lag 1\n",
            folder.display(),
            own.ip(),
            own.port(),
            self.option(MIN_REPLICAS),
        );
        if site.node != FIRST {
            let first = site.shared(FIRST, SERVER)?;
            // Writing to a string cannot fail.
            let _ = writeln!(text, "replicaof {} {}", first.ip(), first.port());
        }
        Ok(text)
    }

    /// The Sentinel's configuration. It is told of all replicas and Sentinels, which it would else find out about in ten
    /// seconds or more.
    fn sentinel(&self, site: &NodeSite, folder: &Path) -> Result<String, SetupError> {
        let (own, first) = (site.shared(site.node, SENTINEL)?, site.shared(FIRST, SERVER)?);
        let mut text = format!(
            "bind 127.0.0.1\nprotected-mode no\ndir {}\nsentinel announce-ip {}\nsentinel announce-port {}\n\
             sentinel monitor {MASTER} {} {} {}\nsentinel down-after-milliseconds {MASTER} {}\n\
             sentinel failover-timeout {MASTER} {}\nsentinel parallel-syncs {MASTER} {}\nsentinel myid {}\n",
            folder.display(),
            own.ip(),
            own.port(),
            first.ip(),
            first.port(),
            self.quorum(),
            self.option(DOWN_AFTER),
            self.option(FAILOVER_TIMEOUT),
            self.layout.total(),
            sentinel_id(site.node),
        );
        for node in site.layout.nodes().filter(|&node| node != FIRST) {
            let at = site.shared(node, SERVER)?;
            let _ = writeln!(text, "sentinel known-replica {MASTER} {} {}", at.ip(), at.port());
        }
        for node in site.others() {
            let (at, id) = (site.shared(node, SENTINEL)?, sentinel_id(node));
            let _ = writeln!(text, "sentinel known-sentinel {MASTER} {} {} {id}", at.ip(), at.port());
        }
        Ok(text)
    }

    async fn ask(&self, running: &Running) -> Option<Told> {
        let sessions = self.sessions.get(running.node.index())?;
        let mut sessions = sessions.lock().await;
        let [server, sentinel] = &mut *sessions;
        let mut info = redis::cmd("INFO");
        info.arg("replication");
        let mut master = redis::cmd("SENTINEL");
        master.arg("MASTER").arg(MASTER);
        let mut quorum = redis::cmd("SENTINEL");
        quorum.arg("CKQUORUM").arg(MASTER);
        let (at_server, at_sentinel) = (*running.ports.get(SERVER)?, *running.ports.get(SENTINEL)?);
        let (info, master) = tokio::join!(
            server.ask(at_server, &info, STATUS_MAX),
            sentinel.ask(at_sentinel, &master, STATUS_MAX),
        );
        let quorum = sentinel.ask(at_sentinel, &quorum, STATUS_MAX).await.is_ok();
        let info = word(&info.ok()?).ok()?;
        let lines = info.lines().filter_map(|line| line.split_once(':'));
        let info = lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
        Some(Told { node: running.node, info, master: pairs(&master.ok()?)?, quorum })
    }

    fn summary(&self, told: &[Told]) -> Status {
        let servers = self.servers.get().map(Vec::as_slice).unwrap_or_default();
        let newest = told.iter().max_by_key(|told| told.epoch());
        let named = newest.and_then(Told::names);
        let epoch = newest.map_or(0, Told::epoch);
        let at = |node: Node| servers.get(node.index()).copied();
        let mut leaders: Vec<(u64, Node)> = told
            .iter()
            .filter(|told| told.leads())
            // Whom no Sentinel names any more has not noticed that it was deposed.
            .map(|told| (if at(told.node) == named { epoch + 1 } else { epoch }, told.node))
            .collect();
        leaders.sort_unstable();
        let others = (self.layout.total() - 1).to_string();
        let settled = |told: &Told| {
            let replicates = if told.leads() {
                told.info("connected_slaves") == others
            } else {
                told.info("master_link_status") == "up"
            };
            replicates
                && told.quorum
                && told.names().is_some()
                && told.names() == named
                && told.master("flags") == "master"
                && told.master("num-other-sentinels") == others
                && told.master("num-slaves") == others
        };
        let right = leaders.first().is_some_and(|&(_, node)| at(node) == named);
        Status {
            up: told.iter().map(|told| told.node).collect(),
            ready: told.len() == usize::from(self.layout.total())
                && leaders.len() == 1
                && right
                && told.iter().all(settled),
            lag: Vec::new(),
            leaders,
        }
    }
}

/// Forty hexadecimal digits.
fn sentinel_id(node: Node) -> String {
    format!("{:040x}", node.0 + 1)
}

/// A map, which older protocols write as a list of names and values.
fn pairs(answer: &redis::Value) -> Option<BTreeMap<String, String>> {
    match answer {
        redis::Value::Array(items) => {
            items.chunks_exact(2).map(|pair| Some((word(&pair[0]).ok()?, word(&pair[1]).ok()?))).collect()
        }
        redis::Value::Map(items) => {
            items.iter().map(|(name, value)| Some((word(name).ok()?, word(value).ok()?))).collect()
        }
        _ => None,
    }
}

/// Makes a configuration with its folder, unless there is one of an earlier life.
fn configure(folder: &Path, text: &str) -> Result<PathBuf, SetupError> {
    let path = folder.join("partita.conf");
    let made =
        fs::create_dir_all(folder).and_then(|()| if path.exists() { Ok(()) } else { fs::write(&path, text) });
    made.map_err(|error| SetupError { what: format!("write {}", path.display()), why: error.to_string() })?;
    Ok(path)
}

impl Launcher for RedisLauncher {
    fn ports(&self) -> Vec<PortUse> {
        // Servers and Sentinels tell each other the addresses of all.
        vec![PortUse { clients: true, peers: PeerUse::OneForAll }; 2]
    }

    fn powers(&self) -> Powers {
        LOCAL_POWERS
    }

    fn commands(&self, site: &NodeSite) -> Result<Vec<CommandLine>, SetupError> {
        let servers: Result<Vec<_>, _> = site.layout.nodes().map(|node| site.shared(node, SERVER)).collect();
        // The same at each start.
        let _ = self.servers.set(servers?);
        let (server, sentinel) = (site.data.join("server"), site.data.join("sentinel"));
        let command = |folder: &Path, text: &str, port: usize| {
            let conf = configure(folder, text)?.display().to_string();
            Ok(CommandLine::new(&self.binary).args([
                conf,
                "--port".to_owned(),
                site.listen(port)?.port().to_string(),
            ]))
        };
        let served = command(&server, &self.server(site, &server)?, SERVER)?;
        let watched = command(&sentinel, &self.sentinel(site, &sentinel)?, SENTINEL)?;
        Ok(vec![served, watched.arg("--sentinel").role("sentinel")])
    }

    fn status<'a>(&'a self, nodes: &'a [Running]) -> BoxFuture<'a, Status> {
        Box::pin(async move {
            let asked = join_all(nodes.iter().map(|node| self.ask(node))).await;
            let told: Vec<Told> = asked.into_iter().flatten().collect();
            self.summary(&told)
        })
    }

    fn client(&self, doors: Doors) -> Result<Box<dyn Client>, SetupError> {
        let wait = self.option(WAIT).parse().unwrap_or_default();
        Ok(Box::new(RedisClient::new(doors, wait)))
    }
}
