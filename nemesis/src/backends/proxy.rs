//! Directed userspace TCP proxies on loopback: one for every pair of nodes, one for every client and node.
//!
//! No privileges are needed. It cannot lose, double or reorder packets: a stream is held, or its connection is closed.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use histories::Node;
use tokio::sync::watch;

use super::gate::{Gate, Held};
use super::listener::{Listener, Route};
use crate::{Effect, FaultId};

/// All proxies of a cluster. Dropping it closes every connection and every listener. Lives on a tokio runtime.
#[derive(Debug)]
pub struct Proxies {
    upstreams: Vec<watch::Sender<Option<SocketAddr>>>,
    deaths: Vec<watch::Sender<u64>>,
    /// What flows from a node to another.
    links: BTreeMap<(Node, Node), Arc<Gate>>,
    /// What flows between clients and a node, both ways.
    doors: Vec<Arc<Gate>>,
    peers: BTreeMap<(Node, Node), Listener>,
    clients: BTreeMap<(u32, Node), Listener>,
    in_force: Mutex<InForce>,
}

/// The gates that each fault has cut, with what they had held before.
type InForce = BTreeMap<FaultId, Vec<(Arc<Gate>, Held)>>;

/// What a cut held while it was in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutReport {
    /// Directed links, or doors to clients, that were shut.
    pub links: usize,
    pub bytes: u64,
    pub streams: u64,
    pub connections: u64,
}

impl CutReport {
    pub fn held_something(&self) -> bool {
        self.streams + self.connections > 0
    }
}

impl fmt::Display for CutReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { links, bytes, streams, connections } = self;
        write!(f, "{links} links held {bytes} bytes of {streams} streams and {connections} new connections")
    }
}

impl Proxies {
    /// Opens every listener; nothing is carried before [`Proxies::point`] says where the nodes are.
    pub fn open(nodes: u16, clients: u32) -> io::Result<Self> {
        let upstreams: Vec<_> = Node::first(nodes).map(|_| watch::Sender::new(None)).collect();
        let deaths: Vec<_> = Node::first(nodes).map(|_| watch::Sender::new(0)).collect();
        let doors: Vec<Arc<Gate>> = Node::first(nodes).map(|_| Arc::default()).collect();
        let pairs = || Node::first(nodes).flat_map(move |from| Node::first(nodes).map(move |to| (from, to)));
        let links: BTreeMap<_, Arc<Gate>> =
            pairs().filter(|(from, to)| from != to).map(|pair| (pair, Arc::default())).collect();
        let mut peers = BTreeMap::new();
        for (&(from, to), forward) in &links {
            let Some(backward) = links.get(&(to, from)) else { continue };
            let upstream = upstreams[to.index()].subscribe();
            let deaths = [from, to].map(|node| deaths[node.index()].subscribe()).to_vec();
            let route =
                Route { forward: Arc::clone(forward), backward: Arc::clone(backward), upstream, deaths };
            peers.insert((from, to), Listener::open(route)?);
        }
        let mut doors_for_clients = BTreeMap::new();
        for (thread, node) in
            (0..clients).flat_map(|thread| Node::first(nodes).map(move |node| (thread, node)))
        {
            let door = &doors[node.index()];
            let upstream = upstreams[node.index()].subscribe();
            let deaths = vec![deaths[node.index()].subscribe()];
            let route = Route { forward: Arc::clone(door), backward: Arc::clone(door), upstream, deaths };
            doors_for_clients.insert((thread, node), Listener::open(route)?);
        }
        Ok(Self {
            upstreams,
            deaths,
            links,
            doors,
            peers,
            clients: doors_for_clients,
            in_force: Mutex::default(),
        })
    }

    /// Where `from` finds `to`: the same for the life of the proxies.
    pub fn peer_address(&self, from: Node, to: Node) -> Option<SocketAddr> {
        self.peers.get(&(from, to))?.address()
    }

    /// Where a client's thread finds a node now, `None` while the node is dead.
    pub fn client_address(&self, thread: u32, node: Node) -> Option<SocketAddr> {
        self.clients.get(&(thread, node))?.address()
    }

    /// The node listens here from now on; its clients are let in again.
    pub fn point(&self, node: Node, upstream: SocketAddr) -> io::Result<()> {
        if let Some(slot) = self.upstreams.get(node.index()) {
            slot.send_replace(Some(upstream));
        }
        self.client_listeners(node)
            .filter(|listener| listener.address().is_none())
            .try_for_each(Listener::reopen)
    }

    /// The node is dead: every connection to or from it closes at once, and its clients are refused.
    pub fn node_died(&self, node: Node) {
        if let Some(slot) = self.upstreams.get(node.index()) {
            slot.send_replace(None);
        }
        if let Some(deaths) = self.deaths.get(node.index()) {
            deaths.send_modify(|count| *count += 1);
        }
        self.client_listeners(node).for_each(Listener::shut);
    }

    fn client_listeners(&self, node: Node) -> impl Iterator<Item = &Listener> {
        self.clients.iter().filter(move |((_, to), _)| *to == node).map(|(_, listener)| listener)
    }

    /// Holds what `effect` says, until the same fault ends; `None` where it is not about links.
    pub fn cut(&self, fault: FaultId, effect: &Effect) -> Option<usize> {
        let gates = self.gates(effect)?;
        for gate in &gates {
            gate.cut();
        }
        let links = gates.len();
        let held = gates.into_iter().map(|gate| (Arc::clone(&gate), gate.held()));
        self.lock().entry(fault).or_default().extend(held);
        Some(links)
    }

    /// Ends all cuts of a fault and says what they held; `None` where it has none in force.
    pub fn heal(&self, fault: FaultId) -> Option<CutReport> {
        let cuts = self.lock().remove(&fault)?;
        let mut report = CutReport::default();
        for (gate, before) in cuts {
            let after = gate.held();
            report.links += 1;
            report.bytes += after.bytes - before.bytes;
            report.streams += after.streams - before.streams;
            report.connections += after.connections - before.connections;
            gate.heal();
        }
        Some(report)
    }

    /// Ends every cut.
    pub fn heal_all(&self) -> CutReport {
        let faults: Vec<FaultId> = self.lock().keys().copied().collect();
        faults.into_iter().filter_map(|fault| self.heal(fault)).fold(CutReport::default(), |sum, one| {
            CutReport {
                links: sum.links + one.links,
                bytes: sum.bytes + one.bytes,
                streams: sum.streams + one.streams,
                connections: sum.connections + one.connections,
            }
        })
    }

    fn gates(&self, effect: &Effect) -> Option<Vec<Arc<Gate>>> {
        match effect {
            Effect::Cut { from, to } => {
                let pairs = from.iter().flat_map(|&from| to.iter().map(move |&to| (from, to)));
                Some(pairs.filter_map(|pair| self.links.get(&pair).cloned()).collect())
            }
            Effect::CutClients { nodes } => {
                Some(nodes.iter().filter_map(|node| self.doors.get(node.index()).cloned()).collect())
            }
            Effect::Kill { .. }
            | Effect::Pause { .. }
            | Effect::Power { .. }
            | Effect::Link { .. }
            | Effect::Clock { .. }
            | Effect::Disk { .. } => None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, InForce> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
