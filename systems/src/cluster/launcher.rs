//! What a driver says of a system, so that its nodes can run as processes of this machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use histories::Node;
use nemesis::backends::namespaces::Network;
use nemesis::backends::{PortUse, Proxies};
use nemesis::{BoxFuture, Layout, Power, Powers};

use super::clock::ClockControl;
use super::failover::Failover;
use crate::{Client, SetupError, Status};

/// How the nodes of a system are started, reached and asked how they are.
///
/// What has a default is optional. The methods that return no future may block, in particular those that write files:
/// they are called where that is allowed.
pub trait Launcher: Send + Sync + 'static {
    /// The ports that every node listens at. The first is one for clients: a node that accepts connections there serves
    /// clients.
    fn ports(&self) -> Vec<PortUse>;

    /// What nodes that are run by this launcher can have done to them.
    fn powers(&self) -> Powers;

    /// Makes what all nodes need, once, before the first of them starts.
    fn prepare(&self) -> Result<(), SetupError> {
        Ok(())
    }

    /// What a node runs: one process, or several that live and die together, the one that serves clients first. It is
    /// asked at each start, and makes the files that a node needs, where it finds none of an earlier life.
    fn commands(&self, site: &NodeSite) -> Result<Vec<CommandLine>, SetupError>;

    /// How the cluster is. Asks only `nodes`, those that are not dead or stopped, and gives up soon where one does not
    /// answer; a status says [ready](Status::ready) only where all of the cluster's nodes do.
    fn status<'a>(&'a self, nodes: &'a [Running]) -> BoxFuture<'a, Status>;

    /// What was wrong with nodes when they were asked last, in words, for the error where they are not ready in time.
    fn troubles(&self) -> Vec<String> {
        Vec::new()
    }

    /// A new client for a thread, with no session and no connection yet.
    fn client(&self, doors: Doors) -> Result<Box<dyn Client>, SetupError>;

    /// How long the first start may take until the cluster is ready.
    fn ready_max(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// The user that nodes run as, where the system refuses to run as root.
    fn owner(&self) -> Option<Owner> {
        None
    }

    /// Whether nodes listen at any address that they are told, and not only at 127.0.0.1: then each can stand in a
    /// namespace of its own.
    fn takes_any_address(&self) -> bool {
        false
    }

    /// Latencies that links have for good, one way.
    fn latencies(&self) -> Vec<(Node, Node, Duration)> {
        Vec::new()
    }

    /// The means to set the nodes' clocks wrong.
    fn clocks(&self) -> Option<&dyn ClockControl> {
        None
    }

    /// What promotes a replica, where the system does not do so by itself.
    fn failover(&self) -> Option<Arc<dyn Failover>> {
        None
    }
}

/// What processes of this machine behind proxies can have done to them, whatever they are.
pub const LOCAL_POWERS: Powers =
    Powers::of(&[Power::CutClients, Power::Kill, Power::Pause]).union(PEER_POWERS);

/// What links between processes of this machine can have done to them where proxies carry them.
pub const PEER_POWERS: Powers =
    Powers::of(&[Power::Cut, Power::Slow, Power::Jitter, Power::Throttle, Power::Connections]);

/// What links between nodes can have done to them that stand in namespaces of their own.
pub const NAMESPACE_POWERS: Powers =
    Powers::of(&[Power::Cut, Power::Lose, Power::Throttle, Power::Connections]);

/// What a system can have done to it whose nodes stand in namespaces of their own, where behind proxies it has `powers`.
pub(crate) const fn in_namespaces(powers: Powers) -> Powers {
    powers.without(PEER_POWERS).union(NAMESPACE_POWERS)
}

/// A user of this machine, by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub user: u32,
    pub group: u32,
}

/// Everything that a node has to be told at a start.
#[derive(Clone, Debug)]
pub struct NodeSite {
    pub node: Node,
    pub layout: Layout,
    /// The folder for what it stores; it exists, and is empty before the first start.
    pub data: PathBuf,
    /// Drawn from the run's seed, another at each start.
    pub seed: u64,
    pub(super) listen: Vec<SocketAddr>,
    pub(super) proxies: Arc<Proxies>,
    /// Where nodes stand in namespaces of their own.
    pub(super) network: Option<Arc<Network>>,
}

impl NodeSite {
    /// Where the node has to listen in this life, for the port of that place in [`Launcher::ports`].
    pub fn listen(&self, port: usize) -> Result<SocketAddr, SetupError> {
        self.listen.get(port).copied().ok_or_else(|| self.unknown(self.node, port))
    }

    /// Where this node finds another, for as long as the cluster lives; for ports of
    /// [`PeerUse::EachItsOwn`](nemesis::backends::PeerUse).
    pub fn peer(&self, to: Node, port: usize) -> Result<SocketAddr, SetupError> {
        if let Some(network) = &self.network {
            return Ok(network.address(to, port));
        }
        self.proxies.peer_address(self.node, to, port).ok_or_else(|| self.unknown(to, port))
    }

    /// Where every node finds `node`, itself included, for as long as the cluster lives; for ports of
    /// [`PeerUse::OneForAll`](nemesis::backends::PeerUse).
    pub fn shared(&self, node: Node, port: usize) -> Result<SocketAddr, SetupError> {
        if let Some(network) = &self.network {
            return Ok(network.address(node, port));
        }
        self.proxies.shared_address(node, port).ok_or_else(|| self.unknown(node, port))
    }

    /// Every other node.
    pub fn others(&self) -> impl Iterator<Item = Node> {
        let node = self.node;
        self.layout.nodes().filter(move |&other| other != node)
    }

    fn unknown(&self, node: Node, port: usize) -> SetupError {
        SetupError {
            what: format!("tell {} where to find {node}", self.node),
            why: format!("port {port} has no such address; the launcher does not list it"),
        }
    }
}

/// A process to start.
#[derive(Clone, Debug, Default)]
pub struct CommandLine {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Beside what the harness itself has.
    pub environment: Vec<(String, String)>,
    /// The whole of its standard input.
    pub input: Option<String>,
    /// The folder that it runs in, where that is not the harness's.
    pub folder: Option<PathBuf>,
    /// What it is, where a node has several: its log is then `n1-sentinel.log` instead of `n1.log`.
    pub role: Option<&'static str>,
}

impl CommandLine {
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..Self::default() }
    }

    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub fn args<T: Into<String>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    pub fn input(mut self, text: impl Into<String>) -> Self {
        self.input = Some(text.into());
        self
    }

    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    pub fn role(mut self, role: &'static str) -> Self {
        self.role = Some(role);
        self
    }
}

/// A node that is neither dead nor stopped, with where it listens, past every proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    pub node: Node,
    /// A port after the other, as in [`Launcher::ports`].
    pub ports: Vec<SocketAddr>,
}

/// Where one client thread finds nodes: through proxies of its own.
#[derive(Clone, Debug)]
pub struct Doors {
    pub(super) thread: u32,
    pub(super) proxies: Arc<Proxies>,
}

impl Doors {
    pub(crate) fn new(thread: u32, proxies: Arc<Proxies>) -> Self {
        Self { thread, proxies }
    }

    /// Where the thread finds a port of a node now; `None` while the node is dead: connections are refused.
    pub fn address(&self, node: Node, port: usize) -> Option<SocketAddr> {
        self.proxies.client_address(self.thread, node, port)
    }

    /// The node that goes by this address among its peers, with the place of the port.
    pub fn node_at(&self, shared: SocketAddr) -> Option<(Node, usize)> {
        self.proxies.shared_node(shared)
    }

    pub fn thread(&self) -> u32 {
        self.thread
    }
}
