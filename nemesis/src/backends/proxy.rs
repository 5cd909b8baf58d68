//! Directed userspace TCP proxies on loopback: one for every pair of nodes, one for every client and node.
//!
//! No privileges are needed. It cannot lose, double or reorder packets: a stream is held or late, or its connection is
//! closed.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use histories::Node;
use tokio::sync::watch;

use super::gate::{Gate, Held};
use super::listener::{Listener, Route};
use crate::{Effect, FaultId, LinkChange};

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

/// What each fault does to gates.
type InForce = BTreeMap<FaultId, Vec<Grip>>;

/// A fault's hold on a gate.
#[derive(Debug)]
struct Grip {
    gate: Arc<Gate>,
    does: Does,
    /// What the gate had counted before.
    before: Held,
}

#[derive(Clone, Copy, Debug)]
enum Does {
    Cut,
    Slow(Duration),
}

impl Grip {
    fn take(gate: Arc<Gate>, does: Does) -> Self {
        let before = gate.held();
        match does {
            Does::Cut => gate.cut(),
            Does::Slow(by) => gate.slow_down(by),
        }
        Self { gate, does, before }
    }

    fn release(self) -> LinkReport {
        let Self { gate, does, before } = self;
        let after = gate.held();
        match does {
            Does::Cut => {
                gate.heal();
                LinkReport {
                    cut: 1,
                    bytes: after.bytes - before.bytes,
                    streams: after.streams - before.streams,
                    connections: after.connections - before.connections,
                    ..LinkReport::default()
                }
            }
            Does::Slow(by) => {
                gate.speed_up(by);
                LinkReport {
                    slow: 1,
                    late_bytes: after.late_bytes - before.late_bytes,
                    ..LinkReport::default()
                }
            }
        }
    }
}

/// What links held, and what was late on them, while a fault was in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkReport {
    /// Directed links, or doors to clients, that were shut.
    pub cut: usize,
    pub bytes: u64,
    pub streams: u64,
    pub connections: u64,
    /// Directed links that were slow.
    pub slow: usize,
    pub late_bytes: u64,
}

impl LinkReport {
    /// Whether anybody can have felt it.
    pub fn was_felt(&self) -> bool {
        self.streams + self.connections + self.late_bytes > 0
    }

    fn and(self, other: Self) -> Self {
        Self {
            cut: self.cut + other.cut,
            bytes: self.bytes + other.bytes,
            streams: self.streams + other.streams,
            connections: self.connections + other.connections,
            slow: self.slow + other.slow,
            late_bytes: self.late_bytes + other.late_bytes,
        }
    }
}

impl fmt::Display for LinkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cut, bytes, streams, connections, slow, late_bytes } = self;
        if *cut > 0 {
            write!(
                f,
                "{cut} links held {bytes} bytes of {streams} streams and {connections} new connections"
            )?;
        }
        if *cut > 0 && *slow > 0 {
            f.write_str("; ")?;
        }
        if *slow > 0 { write!(f, "on {slow} slow links {late_bytes} bytes were late") } else { Ok(()) }
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
            Effect::Link { from, to, change: LinkChange::Slow { by } } => {
                Some((self.links_between(from, to), Does::Slow(by.to_duration())))
            }
            Effect::Kill { .. }
            | Effect::Pause { .. }
            | Effect::Power { .. }
            | Effect::Link { .. }
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
