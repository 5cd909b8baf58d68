//! A cluster that runs already, reached at addresses that the user gives. The harness starts and stops nothing of it: what
//! can be done to it is what proxies between clients and nodes can do, and what the user's own commands do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use histories::{Applied, Node};
use nemesis::backends::{LinkReport, PeerUse, PortUse, Proxies, Wiring};
use nemesis::{Action, BoxFuture, ControlError, Effect, FaultId, Power, Powers, Target};
use tokio::net::lookup_host;

use super::control::described;
use super::launcher::{Doors, Launcher, Running};
use crate::own::faults::CommandMeans;
use crate::{Client, Cluster, Setup, SetupError, Status};

/// What nodes that run already can have done to them without any command of the user's.
pub const REMOTE_POWERS: Powers = Powers::of(&[Power::CutClients]);

/// How long the nodes may take until they answer as a cluster that is ready.
const READY_MAX: Duration = Duration::from_secs(5);
const READY_POLL: Duration = Duration::from_millis(50);

/// Nodes of others, behind a proxy for each client and node.
pub struct RemoteCluster {
    launcher: Arc<dyn Launcher>,
    clients: u32,
    nodes: Vec<Node>,
    running: Vec<Running>,
    proxies: Arc<Proxies>,
    /// The user's own commands for faults, where there are any.
    commands: Option<CommandMeans>,
    powers: Powers,
}

impl RemoteCluster {
    /// Reaches for the nodes at the endpoints of `setup` and has one client prepare what the workload needs.
    pub async fn start(launcher: impl Launcher, setup: &Setup) -> Result<Self, SetupError> {
        let endpoints = &setup.options.endpoints;
        let nodes: Vec<Node> = setup.layout.nodes().collect();
        if endpoints.len() != nodes.len() {
            let why = format!("there are {} for {} nodes", endpoints.len(), nodes.len());
            return Err(failed("use the --endpoints", &why));
        }
        std::fs::create_dir_all(&setup.logs).map_err(|error| failed("make the folder of logs", &error))?;
        let ports = vec![PortUse { clients: true, peers: PeerUse::Never }];
        let wiring = Wiring { nodes: setup.layout.total(), clients: setup.clients, ports };
        let proxies = Proxies::open(&wiring).map_err(|error| failed("open the proxies", &error))?;
        let mut running = Vec::new();
        for (&node, endpoint) in nodes.iter().zip(endpoints) {
            let address = resolve(endpoint).await?;
            proxies.point(node, &[address], Vec::new());
            running.push(Running { node, ports: vec![address] });
        }
        let commands = setup.options.fault_commands.as_ref();
        let powers = setup.options.remote_powers();
        let commands =
            commands.map(|commands| CommandMeans::new(Arc::clone(commands), endpoints.clone(), &setup.logs));
        let cluster = Self {
            launcher: Arc::new(launcher),
            clients: setup.clients,
            nodes,
            running,
            proxies: Arc::new(proxies),
            commands,
            powers,
        };
        cluster.await_ready(endpoints).await?;
        let prepared = cluster.connect(0).await?.set_up().await;
        prepared.map_err(|why| failed("prepare the system for the workload", &why))?;
        Ok(cluster)
    }

    async fn await_ready(&self, endpoints: &[String]) -> Result<(), SetupError> {
        let began = Instant::now();
        loop {
            let status = self.launcher.status(&self.running).await;
            if status.ready {
                return Ok(());
            }
            if began.elapsed() > READY_MAX {
                let silent = self.nodes.iter().zip(endpoints).filter(|(node, _)| !status.up.contains(node));
                let silent: Vec<&str> = silent.map(|(_, endpoint)| endpoint.as_str()).collect();
                let why = if silent.is_empty() {
                    format!("they answer, and not as a cluster that is ready: {} lead", status.leaders.len())
                } else {
                    format!("{} did not answer as ready within {} s", silent.join(", "), READY_MAX.as_secs())
                };
                let told = std::iter::once(why).chain(self.launcher.troubles()).collect::<Vec<_>>();
                return Err(failed(&format!("use {}", endpoints.join(", ")), &told.join("; ")));
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }

    /// Begins what these effects say, and tells what shows it.
    async fn begin(&self, fault: FaultId, effects: &[Effect]) -> Result<String, String> {
        let of_clients = effects.iter().filter(|effect| matches!(effect, Effect::CutClients { .. }));
        let shut: usize = of_clients.filter_map(|effect| self.proxies.begin(fault, effect)).sum();
        let mut told = Vec::new();
        if shut > 0 {
            told.push(format!("{shut} links hold what comes"));
        }
        if let Some(commands) = &self.commands {
            told.extend(commands.begin(fault, effects).await?);
        }
        Ok(told.join("; "))
    }

    async fn end(&self, fault: FaultId) -> Result<Applied, String> {
        let links = self.proxies.end(fault);
        let ran = match &self.commands {
            Some(commands) => commands.end(fault).await?,
            None => None,
        };
        let felt = ran.is_some() || links.as_ref().is_some_and(LinkReport::was_felt);
        let told = links.map(|links| links.to_string()).into_iter().chain(ran.into_iter().flatten());
        let told = told.collect::<Vec<_>>().join("; ");
        Ok(if felt { Applied::Installed(told) } else { Applied::Indeterminate(told) })
    }

    async fn end_all(&self) -> Result<String, String> {
        let mut told = vec![self.proxies.end_all().to_string()];
        if let Some(commands) = &self.commands {
            told.extend(commands.end_all().await?.into_iter().flatten());
        }
        Ok(told.join("; "))
    }
}

/// A name that no two runs have.
pub(crate) fn run_name() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("partita-{}-{}", std::process::id(), since.as_nanos())
}

async fn resolve(endpoint: &str) -> Result<SocketAddr, SetupError> {
    let what = format!("find {endpoint}");
    let mut found = lookup_host(endpoint).await.map_err(|error| failed(&what, &error))?;
    // The proxies speak version 4.
    found.find(SocketAddr::is_ipv4).ok_or_else(|| failed(&what, &"it has no address of IPv4"))
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> SetupError {
    SetupError { what: what.to_owned(), why: why.to_string() }
}

impl Cluster for RemoteCluster {
    fn connect(&self, thread: u32) -> BoxFuture<'_, Result<Box<dyn Client>, SetupError>> {
        Box::pin(async move {
            if thread >= self.clients {
                let why = format!("the cluster was set up for {} of them", self.clients);
                return Err(failed(&format!("connect client thread {thread}"), &why));
            }
            self.launcher.client(Doors { thread, proxies: Arc::clone(&self.proxies) })
        })
    }

    fn target(&self) -> &dyn Target {
        self
    }

    fn status(&self) -> BoxFuture<'_, Status> {
        Box::pin(async move { self.launcher.status(&self.running).await })
    }

    fn proxies(&self) -> Option<Arc<Proxies>> {
        Some(Arc::clone(&self.proxies))
    }

    /// Ends what is still in force, and removes what the workload left.
    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>> {
        Box::pin(async move {
            self.end_all().await.map_err(|why| failed("end every fault", &why))?;
            let removed = self.connect(0).await?.tear_down().await;
            removed.map_err(|why| failed("remove what the workload left", &why))
        })
    }
}

impl Target for RemoteCluster {
    fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    fn powers(&self) -> Powers {
        self.powers
    }

    fn apply<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<Applied, ControlError>> {
        Box::pin(async move {
            if let Action::Begin { effects, .. } = action {
                let needs: Powers = effects.iter().map(Effect::needs).collect();
                let missing = needs.missing(self.powers);
                if !missing.is_empty() {
                    let why = format!(
                        "no command of the user's can {} on nodes that the harness did not start",
                        missing.join(", ")
                    );
                    return Ok(Applied::Skipped(why));
                }
            }
            let applied = match action {
                Action::Begin { fault, effects, .. } => {
                    self.begin(*fault, effects).await.map(Applied::Installed)
                }
                Action::End { fault, .. } => self.end(*fault).await,
                Action::EndAll => self.end_all().await.map(Applied::Installed),
            };
            applied.map_err(|why| ControlError { what: described(action), why })
        })
    }
}
