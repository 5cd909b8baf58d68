//! A cluster that runs already, reached at addresses that the user gives. Nothing of it is started, stopped or restarted:
//! what can be done to it is what proxies between clients and nodes can do.

use std::net::SocketAddr;
use std::sync::Arc;

use histories::{Applied, Node};
use nemesis::backends::{PeerUse, PortUse, Proxies, Wiring};
use nemesis::{Action, BoxFuture, ControlError, Effect, Power, Powers, Target};
use tokio::net::lookup_host;

use super::launcher::{Doors, Launcher, Running};
use crate::{Client, Cluster, Setup, SetupError, Status};

/// What nodes that run already can have done to them.
pub const REMOTE_POWERS: Powers = Powers::of(&[Power::CutClients]);

/// Nodes of others, behind a proxy for each client and node.
pub struct RemoteCluster {
    launcher: Arc<dyn Launcher>,
    clients: u32,
    nodes: Vec<Node>,
    running: Vec<Running>,
    proxies: Arc<Proxies>,
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
        let ports = vec![PortUse { clients: true, peers: PeerUse::Never }];
        let wiring = Wiring { nodes: setup.layout.total(), clients: setup.clients, ports };
        let proxies = Proxies::open(&wiring).map_err(|error| failed("open the proxies", &error))?;
        let mut running = Vec::new();
        for (&node, endpoint) in nodes.iter().zip(endpoints) {
            let address = resolve(endpoint).await?;
            proxies.point(node, &[address], Vec::new());
            running.push(Running { node, ports: vec![address] });
        }
        let cluster = Self {
            launcher: Arc::new(launcher),
            clients: setup.clients,
            nodes,
            running,
            proxies: Arc::new(proxies),
        };
        let status = cluster.launcher.status(&cluster.running).await;
        if !status.ready {
            let why = format!("they do not answer as a cluster that is ready: {status:?}");
            return Err(failed(&format!("use {}", endpoints.join(", ")), &why));
        }
        let prepared = cluster.connect(0).await?.set_up().await;
        prepared.map_err(|why| failed("prepare the system for the workload", &why))?;
        Ok(cluster)
    }
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

    /// Removes what the workload left.
    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>> {
        Box::pin(async move {
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
        REMOTE_POWERS
    }

    fn apply<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<Applied, ControlError>> {
        Box::pin(async move {
            Ok(match action {
                Action::Begin { fault, effects, .. } => {
                    if !effects.iter().all(|effect| matches!(effect, Effect::CutClients { .. })) {
                        let why = "clients alone can be cut from nodes that the harness did not start";
                        return Ok(Applied::Skipped(why.to_owned()));
                    }
                    let shut: usize =
                        effects.iter().filter_map(|effect| self.proxies.begin(*fault, effect)).sum();
                    Applied::Installed(format!("{shut} links hold what comes"))
                }
                Action::End { fault, .. } => match self.proxies.end(*fault) {
                    Some(report) if report.was_felt() => Applied::Installed(report.to_string()),
                    report => {
                        Applied::Indeterminate(report.map(|report| report.to_string()).unwrap_or_default())
                    }
                },
                Action::EndAll => Applied::Installed(self.proxies.end_all().to_string()),
            })
        })
    }
}
