//! A running cluster of processes of this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};
use nemesis::backends::namespaces::Network;
use nemesis::backends::{PeerUse, Proxies, Wiring, watchdog};
use nemesis::{BoxFuture, Target};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, chown};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::control::Control;
use super::failover::Nodes;
use super::launcher::{Doors, Launcher, Owner, in_namespaces};
use super::means::{LinkMeans, MemberMeans};
use super::member::{Common, Member, Members};
use super::spaces::Spaces;
use crate::{Client, Cluster, Crash, Net, Setup, SetupError, Status};

const READY_POLL: Duration = Duration::from_millis(10);

/// Nodes that a [`Launcher`] starts, behind proxies. Dropping it kills every process that it started.
pub struct LocalCluster {
    launcher: Arc<dyn Launcher>,
    clients: u32,
    proxies: Arc<Proxies>,
    members: Members,
    control: Control,
    controller: Option<JoinHandle<()>>,
    /// Of another user's, where nodes run as one; it is removed with the cluster.
    _private: Option<TempDir>,
}

impl LocalCluster {
    /// Starts every node and waits until the cluster is ready. `exe child …` must run
    /// [`replace_process`](super::replace_process) with what follows `child`, and `exe watchdog …` must run
    /// [`watchdog::guard`], as the harness's own program does.
    pub async fn start(launcher: impl Launcher, exe: &Path, setup: &Setup) -> Result<Self, SetupError> {
        let began = Instant::now();
        if !setup.options.endpoints.is_empty() {
            let why = "this system is started by the harness; leave --endpoints out";
            return Err(failed("use nodes that run already", &why));
        }
        let launcher: Arc<dyn Launcher> = Arc::new(launcher);
        watchdog::start(exe).map_err(|error| failed("start the watchdog", &error))?;
        allow_many_sockets();
        let ports = launcher.ports().len() as u64;
        enough_files(files_needed(setup.layout.total().into(), setup.clients.into(), ports))?;
        std::fs::create_dir_all(&setup.logs).map_err(|error| failed("make the folder of logs", &error))?;
        let (data, private) = data_root(setup, launcher.owner())?;
        prepare(&launcher).await?;
        let network = network(&launcher, setup)?;
        let mut ports = launcher.ports();
        if network.is_some() {
            for port in &mut ports {
                port.peers = PeerUse::Never;
            }
        }
        let wiring = Wiring { nodes: setup.layout.total(), clients: setup.clients, ports };
        let proxies = Proxies::open(&wiring)
            .map_err(|error| failed("open the proxies; each client and node takes one socket", &error))?;
        for (from, to, latency) in launcher.latencies() {
            proxies.lengthen(from, to, latency);
        }
        let proxies = Arc::new(proxies);
        let common = Arc::new(Common {
            launcher: Arc::clone(&launcher),
            proxies: Arc::clone(&proxies),
            exe: exe.to_owned(),
            layout: setup.layout,
            logs: setup.logs.clone(),
            data,
            network: network.clone(),
        });
        let members: Members =
            Arc::new(setup.layout.nodes().map(|node| Member::new(&common, node, setup.seed)).collect());
        let means = Arc::new(MemberMeans(Arc::clone(&members)));
        let proxied = Arc::clone(&proxies);
        let (links, powers): (Arc<dyn LinkMeans>, _) = match network {
            None => (proxied, launcher.powers()),
            Some(network) => {
                (Arc::new(Spaces { network, proxies: proxied }), in_namespaces(launcher.powers()))
            }
        };
        let control = Control::new(setup.layout.total(), powers, links, means);
        let clients = setup.clients;
        let mut cluster =
            Self { launcher, clients, proxies, members, control, controller: None, _private: private };
        cluster.start_nodes(&common).await?;
        cluster.await_ready(began).await?;
        cluster.set_up().await?;
        Ok(cluster)
    }

    async fn start_nodes(&mut self, common: &Common) -> Result<(), SetupError> {
        let start = async |member: &Arc<tokio::sync::Mutex<Member>>| {
            let mut member = member.lock().await;
            make_private(member.data(), common.launcher.owner())
                .map_err(|error| failed(&format!("make the folder of {}", member.node), &error))?;
            let started = member.start().await;
            started.map_err(|error| failed(&format!("start {}", member.node), &error))
        };
        try_join_all(self.members.iter().map(start)).await?;
        let nodes = Nodes { members: Arc::clone(&self.members), proxies: Arc::clone(&self.proxies) };
        self.controller = self.launcher.failover().map(|failover| tokio::spawn(failover.watch(nodes)));
        Ok(())
    }

    async fn look(&self) -> Status {
        let nodes = Nodes { members: Arc::clone(&self.members), proxies: Arc::clone(&self.proxies) };
        // The locks are not held while nodes think: a fault must not wait for an answer.
        let running = nodes.running().await;
        self.launcher.status(&running).await
    }

    async fn await_ready(&self, began: Instant) -> Result<(), SetupError> {
        let limit = self.launcher.ready_max();
        while began.elapsed() < limit {
            if self.look().await.ready {
                return Ok(());
            }
            self.ended_unasked().await?;
            tokio::time::sleep(READY_POLL).await;
        }
        let status = self.look().await;
        let words = join_all(self.members.iter().map(async |member| member.lock().await.last_words())).await;
        let troubles: Vec<String> = self.launcher.troubles();
        Err(SetupError {
            what: format!("get a cluster that is ready within {} s", limit.as_secs()),
            why: format!(
                "{}; {status:?}; the ends of their logs:\n{}",
                if troubles.is_empty() { "what the nodes say".to_owned() } else { troubles.join("; ") },
                words.join("\n")
            ),
        })
    }

    /// What the workload needs, made by one client before all others.
    async fn set_up(&self) -> Result<(), SetupError> {
        if self.clients == 0 {
            return Ok(());
        }
        let mut client = self.connect(0).await?;
        client.set_up().await.map_err(|why| failed("prepare the system for the workload", &why))
    }

    async fn crashed(&self) -> Vec<Crash> {
        let mut crashes = Vec::new();
        for member in self.members.iter() {
            crashes.extend(member.lock().await.crash());
        }
        crashes
    }

    /// A node that ended without being killed is a bug, and must not look like a fault.
    async fn ended_unasked(&self) -> Result<(), SetupError> {
        let crashes = self.crashed().await;
        crashes.first().map_or(Ok(()), |crash| Err(failed("keep every node running", crash)))
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        if let Some(controller) = &self.controller {
            controller.abort();
        }
    }
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> SetupError {
    SetupError { what: what.to_owned(), why: why.to_string() }
}

async fn prepare(launcher: &Arc<dyn Launcher>) -> Result<(), SetupError> {
    let asked = Arc::clone(launcher);
    let prepared = tokio::task::spawn_blocking(move || asked.prepare()).await;
    prepared.map_err(|error| failed("prepare the nodes", &error))?
}

/// Namespaces for the nodes, where they are to stand in some.
fn network(launcher: &Arc<dyn Launcher>, setup: &Setup) -> Result<Option<Arc<Network>>, SetupError> {
    let refused = |why: &str| failed("join the nodes by --net netns", &why);
    match setup.options.net {
        Net::Proxy => Ok(None),
        Net::Netns if !launcher.takes_any_address() => {
            Err(refused("this system's nodes listen at 127.0.0.1 alone; use --net proxy"))
        }
        Net::Netns if !launcher.latencies().is_empty() => Err(refused(
            "this mode's datacentres lie far apart, which proxies alone can show; use --net proxy",
        )),
        Net::Netns => {
            let network = Network::create(setup.layout.total());
            network.map(|network| Some(Arc::new(network))).map_err(|error| {
                failed("make a namespace for each node; `partita doctor` says what is missing", &error)
            })
        }
    }
}

/// Where nodes store what they store: in the run's folder, or, where they run as another user, who cannot look into it,
/// in a folder of that user's alone.
fn data_root(setup: &Setup, owner: Option<Owner>) -> Result<(PathBuf, Option<TempDir>), SetupError> {
    if owner.is_none() {
        return Ok((setup.disks.clone(), None));
    }
    let wrap = |error: std::io::Error| failed("make a private folder for the nodes' data", &error);
    let folder = TempDir::with_prefix(format!("{PRIVATE}{}-", std::process::id())).map_err(wrap)?;
    folder.path().parent().map(sweep_private).unwrap_or_default();
    give(folder.path(), owner).map_err(wrap)?;
    Ok((folder.path().to_owned(), Some(folder)))
}

/// Before the number of the harness that a private folder is of.
const PRIVATE: &str = "partita-";

/// Removes the private folders in the folder of temporary files, of harnesses that were killed and could not do so themselves; says which they were.
pub fn sweep_private(folder: &Path) -> Vec<PathBuf> {
    let mut removed = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let harness = name.to_str().and_then(|name| name.strip_prefix(PRIVATE)?.split_once('-'));
        let harness = harness.and_then(|(harness, _)| harness.parse::<u32>().ok());
        let is_left = harness.is_some_and(|id| !Path::new(&format!("/proc/{id}")).exists());
        // Another's folder stays: its owner sweeps it.
        if is_left && std::fs::remove_dir_all(entry.path()).is_ok() {
            removed.push(entry.path());
        }
    }
    removed
}

fn make_private(folder: &Path, owner: Option<Owner>) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    give(folder, owner)
}

fn give(folder: &Path, owner: Option<Owner>) -> std::io::Result<()> {
    let Some(Owner { user, group }) = owner else { return Ok(()) };
    Ok(chown(folder, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?)
}

/// A connection through a proxy takes three sockets of this process, and many systems allow a process 1,024 of them
/// unless it asks for more.
fn allow_many_sockets() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
    {
        // Where this is refused, the proxies say so when the sockets run out.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Open files that a run takes at least: a listener for each client and node and each pair of nodes, three sockets for each
/// connection, logs, and what the program itself holds.
fn files_needed(nodes: u64, clients: u64, ports: u64) -> u64 {
    const OWN: u64 = 24;
    let (pairs, doors) = (nodes * nodes.saturating_sub(1), clients * nodes);
    OWN + ports.min(1) * (pairs + doors) + 3 * clients + nodes
}

/// Refuses what could only fail half-way.
fn enough_files(needed: u64) -> Result<(), SetupError> {
    let allowed = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
    if needed <= allowed {
        return Ok(());
    }
    Err(SetupError {
        what: "open as many files as the run takes".to_owned(),
        why: format!(
            "it takes {needed} at least, and this process may have {allowed} (ulimit -n); raise that, or use fewer clients \
             or nodes"
        ),
    })
}

impl Cluster for LocalCluster {
    fn connect(&self, thread: u32) -> BoxFuture<'_, Result<Box<dyn Client>, SetupError>> {
        Box::pin(async move {
            if thread >= self.clients {
                return Err(SetupError {
                    what: format!("connect client thread {thread}"),
                    why: format!("the cluster was set up for {} of them", self.clients),
                });
            }
            self.launcher.client(Doors { thread, proxies: Arc::clone(&self.proxies) })
        })
    }

    fn target(&self) -> &dyn Target {
        &self.control
    }

    fn status(&self) -> BoxFuture<'_, Status> {
        Box::pin(self.look())
    }

    fn crashes(&self) -> BoxFuture<'_, Vec<Crash>> {
        Box::pin(self.crashed())
    }

    fn proxies(&self) -> Option<Arc<Proxies>> {
        Some(Arc::clone(&self.proxies))
    }

    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>> {
        Box::pin(async move {
            if let Some(controller) = &self.controller {
                controller.abort();
            }
            let ended = self.ended_unasked().await;
            for member in self.members.iter() {
                let mut member = member.lock().await;
                let killed = member.kill().await;
                killed.map_err(|error| failed(&format!("stop {}", member.node), &error))?;
            }
            ended
        })
    }
}
