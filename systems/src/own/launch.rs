//! Starts the nodes of a system that a file describes, and asks them how they are.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use histories::{Node, Op};
use nemesis::backends::{PeerUse, PortUse};
use nemesis::{BoxFuture, Layout, Power, Powers};

use super::file::{NodeCommand, Probe};
use super::http::{Asker, HttpClient, Identity, Operations};
use super::lines::{Child, LinesClient, quoted};
use super::renamed::RenamedClient;
use super::template::Template;
use crate::cluster::{CommandLine, Doors, Launcher, NodeSite, PEER_POWERS, Running, run_name};
use crate::http::Loss;
use crate::{Client, Setup, SetupError, Status};

/// A probe that takes longer has failed.
const PROBE_MAX: Duration = Duration::from_millis(500);
const CLIENT: usize = 0;
const PEER: usize = 1;

/// How the harness speaks with the nodes.
#[derive(Clone)]
pub(crate) enum Speaker {
    Http(Arc<Operations>),
    Lines(Arc<Child>),
}

/// The nodes of a file, in one mode.
pub(crate) struct OwnLauncher {
    node: NodeCommand,
    speaker: Speaker,
    identity: Identity,
    /// Who asks nodes how they are, by the host that these are at.
    askers: Mutex<BTreeMap<IpAddr, Asker>>,
    folder: PathBuf,
    logs: PathBuf,
    mode: String,
    layout: Layout,
    /// Why nodes were not ready when they were asked last.
    troubles: Mutex<BTreeMap<Node, String>>,
    /// What keys begin with in a database that goes on after the run.
    prefix: Option<Arc<str>>,
}

impl OwnLauncher {
    pub(crate) fn new(
        node: &NodeCommand,
        speaker: Speaker,
        folder: PathBuf,
        setup: &Setup,
    ) -> Result<Self, SetupError> {
        let identity = match &speaker {
            Speaker::Http(operations) => operations.identity.clone(),
            Speaker::Lines(_) => Identity::default(),
        };
        let asker = Asker::new(&identity, Ipv4Addr::LOCALHOST.into());
        let asker = asker.map_err(|why| failed("make a client", &why))?;
        let runs = !setup.options.endpoints.is_empty();
        Ok(Self {
            node: node.clone(),
            speaker,
            identity,
            askers: Mutex::new([(Ipv4Addr::LOCALHOST.into(), asker)].into()),
            folder,
            logs: setup.logs.clone(),
            mode: setup.mode.name.clone(),
            layout: setup.layout,
            troubles: Mutex::default(),
            prefix: runs.then(|| format!("{}-", run_name()).into()),
        })
    }

    /// `None` where none can be made, which the first has shown to be possible.
    fn asker(&self, host: IpAddr) -> Option<Asker> {
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asker) = askers.get(&host) {
            return Some(asker.clone());
        }
        let asker = Asker::new(&self.identity, host).ok()?;
        askers.insert(host, asker.clone());
        Some(asker)
    }

    /// Asks something of a node; the error says why it does not hold.
    async fn ask(&self, probe: &Probe, node: &Running) -> Result<(), String> {
        let address = node.ports.first().copied().ok_or_else(|| "it has no port".to_owned())?;
        let holds = match probe {
            Probe::Connect => {
                let connected = tokio::net::TcpStream::connect(address);
                matches!(tokio::time::timeout(PROBE_MAX, connected).await, Ok(Ok(_)))
            }
            Probe::Log(text) => {
                let log = tokio::fs::read(self.logs.join(format!("{}.log", node.node))).await;
                log.is_ok_and(|log| String::from_utf8_lossy(&log).contains(text.as_str()))
            }
            Probe::Http(request, condition) => {
                let op = Op::global(histories::Function::Dump, histories::Value::Null);
                let asker = self.asker(address.ip()).ok_or_else(|| "nothing can ask it".to_owned())?;
                let request = request.fill(&op, node.node, &asker.authority(address))?;
                return match asker.ask(request, PROBE_MAX).await {
                    Ok((status, body)) if condition.holds(status, &body) => Ok(()),
                    Ok((status, body)) => Err(format!("it answered {status}: {}", quoted(body.trim()))),
                    Err(Loss::NotSent(why) | Loss::Broken(why)) => Err(why),
                    Err(Loss::TimedOut) => Err(format!("no answer within {} ms", PROBE_MAX.as_millis())),
                };
            }
            Probe::Command { words, says } => {
                let said = tokio::time::timeout(PROBE_MAX * 4, self.run(words, node.node, address)).await;
                let text = said.ok().flatten();
                text.is_some_and(|text| says.as_ref().is_none_or(|says| text.contains(says.as_str())))
            }
        };
        if holds { Ok(()) } else { Err("what is asked of it does not hold".to_owned()) }
    }

    /// Whether a node is ready; why it is not is kept, for where the cluster does not get ready at all.
    async fn is_ready(&self, node: &Running) -> bool {
        let ready = self.ask(&self.node.ready, node).await;
        let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        match &ready {
            Ok(()) => troubles.remove(&node.node),
            Err(why) => troubles.insert(node.node, why.clone()),
        };
        ready.is_ok()
    }

    /// What a command says, where it succeeds.
    async fn run(&self, words: &[Template], node: Node, address: SocketAddr) -> Option<String> {
        let place = |place: &str| -> Result<String, String> {
            Ok(match place {
                "node" => node.to_string(),
                "client" => address.port().to_string(),
                _ => address.to_string(),
            })
        };
        let words: Result<Vec<String>, String> = words.iter().map(|word| word.fill(place)).collect();
        let words = words.ok()?;
        let (program, arguments) = words.split_first()?;
        let output = tokio::process::Command::new(program)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn uses(&self, place: &str) -> bool {
        let environment = self.node.environment.iter().map(|(_, value)| value);
        self.node.words.iter().chain(environment).any(|template| template.has(place))
    }

    /// The port that other nodes dial.
    fn peer_port(&self) -> usize {
        if self.uses("peer") { PEER } else { CLIENT }
    }

    /// What stands in a place of a node's command.
    fn place(&self, place: &str, site: &NodeSite) -> Result<String, SetupError> {
        let peers = || -> Result<Vec<(Node, SocketAddr)>, SetupError> {
            site.others().map(|to| Ok((to, site.peer(to, self.peer_port())?))).collect()
        };
        let listed = |named: bool| {
            let entry = |(node, address): (Node, SocketAddr)| {
                if named { format!("{node}={address}") } else { address.to_string() }
            };
            Ok::<_, SetupError>(peers()?.into_iter().map(entry).collect::<Vec<_>>().join(","))
        };
        Ok(match place {
            "node" => site.node.to_string(),
            "id" => (site.node.index() + 1).to_string(),
            "nodes" => site.layout.total().to_string(),
            "client" => site.listen(CLIENT)?.port().to_string(),
            "address" => site.listen(CLIENT)?.to_string(),
            "peer" => site.listen(PEER)?.port().to_string(),
            "peers" => listed(false)?,
            "named_peers" => listed(true)?,
            "data" => absolute(&site.data)?.display().to_string(),
            "mode" => self.mode.clone(),
            _ => site.seed.to_string(),
        })
    }
}

/// What nodes that a command starts can have done to them. Links can be cut where nodes are told where to find each other.
pub(crate) fn powers(node: &NodeCommand) -> Powers {
    let environment = node.environment.iter().map(|(_, value)| value);
    let mut templates = node.words.iter().chain(environment);
    if !node.starts() {
        return Powers::NONE;
    }
    let linked = templates.any(|template| template.has("peers") || template.has("named_peers"));
    let links = if linked { PEER_POWERS } else { Powers::NONE };
    links.union(Powers::of(&[Power::CutClients, Power::Kill, Power::Pause]))
}

impl Launcher for OwnLauncher {
    fn ports(&self) -> Vec<PortUse> {
        if self.uses("peer") {
            let client = PortUse { clients: true, peers: PeerUse::Never };
            vec![client, PortUse { clients: false, peers: PeerUse::EachItsOwn }]
        } else {
            vec![PortUse { clients: true, peers: PeerUse::EachItsOwn }]
        }
    }

    fn powers(&self) -> Powers {
        powers(&self.node)
    }

    fn commands(&self, site: &NodeSite) -> Result<Vec<CommandLine>, SetupError> {
        Ok(vec![self.node.command(&self.folder, |place| self.place(place, site))?])
    }

    fn status<'a>(&'a self, nodes: &'a [Running]) -> BoxFuture<'a, Status> {
        Box::pin(async move {
            let asked = join_all(nodes.iter().map(async |node| {
                let up = self.is_ready(node).await;
                let leads = match &self.node.primary {
                    Some(probe) if up => self.ask(probe, node).await.is_ok(),
                    _ => false,
                };
                (node.node, up, leads)
            }));
            let asked = asked.await;
            let up: Vec<Node> = asked.iter().filter(|(_, up, _)| *up).map(|(node, ..)| *node).collect();
            let leaders: Vec<(u64, Node)> =
                asked.iter().filter(|(.., leads)| *leads).map(|(node, ..)| (0, *node)).collect();
            let led = self.node.primary.is_none() || leaders.len() == 1;
            Status {
                ready: led && up.len() == usize::from(self.layout.total()),
                leaders,
                up,
                lag: Vec::new(),
            }
        })
    }

    fn troubles(&self) -> Vec<String> {
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        troubles.iter().map(|(node, trouble)| format!("{node}: {trouble}")).collect()
    }

    fn client(&self, doors: Doors) -> Result<Box<dyn Client>, SetupError> {
        let client: Box<dyn Client> = match &self.speaker {
            Speaker::Http(operations) => {
                let client = HttpClient::new(Arc::clone(operations), doors);
                Box::new(client.map_err(|why| failed("make a client", &why))?)
            }
            Speaker::Lines(child) => Box::new(LinesClient::new(Arc::clone(child), doors)),
        };
        Ok(match &self.prefix {
            Some(prefix) => Box::new(RenamedClient::new(client, Arc::clone(prefix))),
            None => client,
        })
    }

    fn ready_max(&self) -> Duration {
        self.node.ready_max
    }
}

/// A folder as a command finds it that runs in another one.
pub(crate) fn absolute(folder: &Path) -> Result<PathBuf, SetupError> {
    std::path::absolute(folder).map_err(|error| failed("find the folder of a node", &error))
}

pub(crate) fn failed(what: &str, why: &dyn Display) -> SetupError {
    SetupError { what: what.to_owned(), why: why.to_string() }
}
