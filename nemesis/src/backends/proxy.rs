//! Directed userspace TCP proxies on loopback: one for every client and node, and between nodes one for every pair or,
//! where they share one list of addresses, one for every node.
//!
//! No privileges are needed. It cannot lose, double or reorder packets: a stream is held, late or narrow, or its connection
//! is broken.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use histories::Node;
use tokio::sync::watch;

use super::dialers::Dialers;
use super::gate::Gate;
use super::grip::{Does, Grip};
use super::listener::{Listener, Route, Routes};
use super::report::LinkReport;
use crate::{Effect, FaultId};

/// Which proxies a cluster needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wiring {
    pub nodes: u16,
    pub clients: u32,
    /// The ports that every node listens at.
    pub ports: Vec<PortUse>,
}

/// Who dials a port, and by which addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortUse {
    /// Clients do, each thread through a proxy of its own.
    pub clients: bool,
    pub peers: PeerUse,
}

/// How the other nodes reach a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerUse {
    /// They do not.
    Never,
    /// Each node is told an address of its own for every other one.
    EachItsOwn,
    /// All nodes share one list of addresses: a proxy for each node, and the processes that dial tell the node.
    OneForAll,
}

impl Wiring {
    /// One port, for clients as well as for peers that are each told their own addresses.
    pub fn one_port(nodes: u16, clients: u32) -> Self {
        Self { nodes, clients, ports: vec![PortUse { clients: true, peers: PeerUse::EachItsOwn }] }
    }
}

/// All proxies of a cluster. Dropping it closes every connection and every listener. Lives on a tokio runtime.
#[derive(Debug)]
pub struct Proxies {
    /// Where each node listens now, a port after the other.
    upstreams: Vec<Vec<watch::Sender<Option<SocketAddr>>>>,
    deaths: Vec<watch::Sender<u64>>,
    /// What flows from a node to another.
    links: BTreeMap<(Node, Node), Arc<Gate>>,
    /// What flows between clients and a node, both ways.
    doors: Vec<Arc<Gate>>,
    dialers: Arc<Dialers>,
    peers: BTreeMap<(Node, Node, usize), Listener>,
    shared: BTreeMap<(Node, usize), Listener>,
    clients: BTreeMap<(u32, Node, usize), Listener>,
    /// Where a client's thread is told to go instead of its own proxy to a node.
    detours: Mutex<BTreeMap<(u32, Node, usize), SocketAddr>>,
    in_force: Mutex<InForce>,
}

/// What each fault does to gates.
type InForce = BTreeMap<FaultId, Vec<Grip>>;

impl Proxies {
    /// Opens every listener; nothing is carried before [`Proxies::point`] says where the nodes are.
    pub fn open(wiring: &Wiring) -> io::Result<Self> {
        let nodes = || Node::first(wiring.nodes);
        let pairs = || nodes().flat_map(move |from| nodes().map(move |to| (from, to)));
        let mut proxies = Self {
            upstreams: nodes()
                .map(|_| wiring.ports.iter().map(|_| watch::Sender::new(None)).collect())
                .collect(),
            deaths: nodes().map(|_| watch::Sender::new(0)).collect(),
            doors: nodes().map(|_| Arc::default()).collect(),
            links: pairs().filter(|(from, to)| from != to).map(|pair| (pair, Arc::default())).collect(),
            dialers: Arc::default(),
            peers: BTreeMap::new(),
            shared: BTreeMap::new(),
            clients: BTreeMap::new(),
            detours: Mutex::default(),
            in_force: Mutex::default(),
        };
        for (port, usage) in wiring.ports.iter().enumerate() {
            match usage.peers {
                PeerUse::Never => {}
                PeerUse::EachItsOwn => proxies.open_peers(port)?,
                PeerUse::OneForAll => proxies.open_shared(port)?,
            }
            if usage.clients {
                proxies.open_clients(port, wiring.clients)?;
            }
        }
        Ok(proxies)
    }

    fn open_peers(&mut self, port: usize) -> io::Result<()> {
        let routes: Vec<_> = self
            .links
            .keys()
            .filter_map(|&(from, to)| Some(((from, to), self.link(from, to, port)?)))
            .collect();
        for ((from, to), route) in routes {
            self.peers.insert((from, to, port), Listener::open(Routes::Fixed(route))?);
        }
        Ok(())
    }

    fn open_shared(&mut self, port: usize) -> io::Result<()> {
        for to in (0..self.doors.len() as u16).map(Node) {
            let all = (0..self.doors.len() as u16).map(Node);
            let by_dialer = all.filter_map(|from| Some((from, self.link(from, to, port)?))).collect();
            let routes = Routes::ByDialer { routes: Arc::new(by_dialer), dialers: Arc::clone(&self.dialers) };
            self.shared.insert((to, port), Listener::open(routes)?);
        }
        Ok(())
    }

    fn open_clients(&mut self, port: usize, clients: u32) -> io::Result<()> {
        for (place, door) in self.doors.iter().enumerate() {
            let node = Node(place as u16);
            for thread in 0..clients {
                let (forward, backward) = (Arc::clone(door), Arc::clone(door));
                let Some(route) = self.route(forward, backward, node, port, &[node]) else { continue };
                self.clients.insert((thread, node, port), Listener::open(Routes::Fixed(route))?);
            }
        }
        Ok(())
    }

    /// The way from a node to another; nothing is ever cut between a node and itself.
    fn link(&self, from: Node, to: Node, port: usize) -> Option<Route> {
        let gate =
            |from, to| if from == to { Some(Arc::default()) } else { self.links.get(&(from, to)).cloned() };
        self.route(gate(from, to)?, gate(to, from)?, to, port, &[from, to])
    }

    fn route(
        &self,
        forward: Arc<Gate>,
        backward: Arc<Gate>,
        to: Node,
        port: usize,
        ends: &[Node],
    ) -> Option<Route> {
        let upstream = self.upstreams.get(to.index())?.get(port)?.subscribe();
        let deaths = ends.iter().filter_map(|node| Some(self.deaths.get(node.index())?.subscribe()));
        Some(Route { forward, backward, upstream, deaths: deaths.collect() })
    }

    /// Where `from` finds a port of `to`: the same for the life of the proxies.
    pub fn peer_address(&self, from: Node, to: Node, port: usize) -> Option<SocketAddr> {
        self.peers.get(&(from, to, port))?.address()
    }

    /// Where all nodes find a port of `node`: the same for the life of the proxies.
    pub fn shared_address(&self, node: Node, port: usize) -> Option<SocketAddr> {
        self.shared.get(&(node, port))?.address()
    }

    /// The node, and the place of its port, that all nodes find at this address.
    pub fn shared_node(&self, address: SocketAddr) -> Option<(Node, usize)> {
        self.shared.iter().find(|(_, listener)| listener.address() == Some(address)).map(|(&at, _)| at)
    }

    /// Where a client's thread finds a port of a node now, `None` while the node is dead.
    pub fn client_address(&self, thread: u32, node: Node, port: usize) -> Option<SocketAddr> {
        let proxy = self.real_client_address(thread, node, port)?;
        let detours = self.detours.lock().unwrap_or_else(PoisonError::into_inner);
        Some(detours.get(&(thread, node, port)).copied().unwrap_or(proxy))
    }

    /// The same, past every detour.
    pub fn real_client_address(&self, thread: u32, node: Node, port: usize) -> Option<SocketAddr> {
        self.clients.get(&(thread, node, port))?.address()
    }

    /// From now on the thread is told to find that port at `via`, which leads on to the real address.
    pub fn detour(&self, thread: u32, node: Node, port: usize, via: SocketAddr) {
        let mut detours = self.detours.lock().unwrap_or_else(PoisonError::into_inner);
        detours.insert((thread, node, port), via);
    }

    /// The node consists of these processes, and listens here from now on, a port after the other. Its clients are let
    /// in by [`Proxies::admit`].
    pub fn point(&self, node: Node, upstreams: &[SocketAddr], processes: Vec<u32>) {
        self.dialers.set(node, processes);
        let slots = self.upstreams.get(node.index()).into_iter().flatten();
        for (slot, &upstream) in slots.zip(upstreams) {
            slot.send_replace(Some(upstream));
        }
    }

    /// Clients are let in to the node (again).
    pub fn admit(&self, node: Node) -> io::Result<()> {
        self.client_listeners(node)
            .filter(|listener| listener.address().is_none())
            .try_for_each(Listener::reopen)
    }

    /// Clients of the node are refused until [`Proxies::admit`]; peers are not.
    pub fn refuse(&self, node: Node) {
        self.client_listeners(node).for_each(Listener::shut);
    }

    /// The node is dead: every connection to or from it closes at once, and its clients are refused.
    pub fn node_died(&self, node: Node) {
        self.dialers.set(node, Vec::new());
        for slot in self.upstreams.get(node.index()).into_iter().flatten() {
            slot.send_replace(None);
        }
        if let Some(deaths) = self.deaths.get(node.index()) {
            deaths.send_modify(|count| *count += 1);
        }
        self.refuse(node);
    }

    fn client_listeners(&self, node: Node) -> impl Iterator<Item = &Listener> {
        self.clients.iter().filter(move |((_, to, _), _)| *to == node).map(|(_, listener)| listener)
    }

    /// For good: everything from `from` to `to` is under way for so long.
    pub fn lengthen(&self, from: Node, to: Node, latency: Duration) {
        if let Some(gate) = self.links.get(&(from, to)) {
            gate.slow_down(latency);
        }
    }

    /// Does to links what `effect` says, until the same fault ends; says to how many. `None` where it is not about links,
    /// or asks for what streams cannot have done to them.
    pub fn begin(&self, fault: FaultId, effect: &Effect) -> Option<usize> {
        let (gates, does) = self.gates(effect)?;
        let links = gates.len();
        let grips = gates.into_iter().map(|gate| Grip::take(gate, does));
        self.lock().entry(fault).or_default().extend(grips);
        Some(links)
    }

    /// Undoes what a fault does to links and says what shows it; `None` where it does nothing to any.
    pub fn end(&self, fault: FaultId) -> Option<LinkReport> {
        let grips = self.lock().remove(&fault)?;
        Some(grips.into_iter().map(Grip::release).fold(LinkReport::default(), LinkReport::and))
    }

    /// Undoes everything.
    pub fn end_all(&self) -> LinkReport {
        let faults: Vec<FaultId> = self.lock().keys().copied().collect();
        faults.into_iter().filter_map(|fault| self.end(fault)).fold(LinkReport::default(), LinkReport::and)
    }

    fn gates(&self, effect: &Effect) -> Option<(Vec<Arc<Gate>>, Does)> {
        match effect {
            Effect::Cut { from, to } => Some((self.links_between(from, to), Does::Cut)),
            Effect::CutClients { nodes } => {
                let doors = nodes.iter().filter_map(|node| self.doors.get(node.index()).cloned());
                Some((doors.collect(), Does::Cut))
            }
            Effect::Link { from, to, change } => Some((self.links_between(from, to), Does::of(*change)?)),
            Effect::Kill { .. }
            | Effect::Pause { .. }
            | Effect::Power { .. }
            | Effect::Clock { .. }
            | Effect::Disk { .. } => None,
        }
    }

    fn links_between(&self, from: &[Node], to: &[Node]) -> Vec<Arc<Gate>> {
        let pairs = from.iter().flat_map(|&from| to.iter().map(move |&to| (from, to)));
        pairs.filter_map(|pair| self.links.get(&pair).cloned()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "break_tests.rs"]
mod break_tests;
