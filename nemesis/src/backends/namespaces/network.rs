//! The namespaces of a cluster's nodes and the router between them. Which rules the router applies is told from outside.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use histories::{Nanos, Node};

use super::rules::{self, Plan, TABLE};
use super::tool::run;
use crate::{Effect, FaultId};

/// Every node has its ports for itself.
const FIRST_PORT: u16 = 7000;

/// A namespace with an address for each node. The program has to run as [`super::entering`] says. Dropping it removes them.
#[derive(Debug)]
pub struct Network {
    nodes: u16,
    in_force: Mutex<BTreeMap<FaultId, InForce>>,
}

#[derive(Debug)]
struct InForce {
    links: usize,
    has_rules: bool,
    sockets: u64,
    storm: Option<Storm>,
}

/// What did not get through while a fault was in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketReport {
    /// Directed links that it acted on.
    pub links: usize,
    pub packets: u64,
    pub bytes: u64,
    /// Ends of connections that were closed.
    pub sockets: u64,
}

impl PacketReport {
    /// Whether any node can have felt it.
    pub fn was_felt(&self) -> bool {
        self.packets + self.sockets > 0
    }

    fn and(self, other: Self) -> Self {
        Self {
            links: self.links + other.links,
            packets: self.packets + other.packets,
            bytes: self.bytes + other.bytes,
            sockets: self.sockets + other.sockets,
        }
    }
}

impl fmt::Display for PacketReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { links, packets, bytes, sockets } = self;
        write!(f, "on {links} links {packets} packets of {bytes} bytes did not get through")?;
        if *sockets > 0 { write!(f, ", {sockets} sockets were closed") } else { Ok(()) }
    }
}

impl Network {
    /// Makes the namespaces.
    pub fn create(nodes: u16) -> io::Result<Self> {
        let network = Self { nodes, in_force: Mutex::default() };
        let mut outside = String::new();
        for node in Node::first(nodes) {
            let (gate, link) = (gateway(node), link(node));
            // Writing to a string cannot fail.
            let _ = write!(
                outside,
                "netns add {node}\nlink add {link} type veth peer name eth0 netns {node}\n\
                 addr add {gate}/24 dev {link}\nlink set {link} up\n"
            );
        }
        run("ip", &["-batch", "-"], &outside)?;
        for node in Node::first(nodes) {
            let (own, gate) = (rules::address(node), gateway(node));
            let inside = format!(
                "addr add {own}/24 dev eth0\nlink set eth0 up\nlink set lo up\nroute add default via {gate}\n"
            );
            run("ip", &["-n", &node.to_string(), "-batch", "-"], &inside)?;
        }
        run("nft", &["-f", "-"], &format!("add table {TABLE}\n"))?;
        Ok(network)
    }

    /// Where a port of a node is found, by every other node and from outside.
    pub fn address(&self, node: Node, port: usize) -> SocketAddr {
        SocketAddr::from((rules::address(node), FIRST_PORT.saturating_add(port as u16)))
    }

    /// The beginning of a command line that runs in a node's namespace.
    pub fn inside(node: Node) -> [String; 3] {
        ["nsenter".to_owned(), format!("--net=/run/netns/{node}"), "--".to_owned()]
    }

    /// Does to links what those of the effects say that are about them, until the same fault ends; says to how many.
    pub fn begin(&self, fault: FaultId, effects: &[Effect]) -> io::Result<Option<usize>> {
        let Some(plan) = Plan::of(fault, effects) else { return Ok(None) };
        let links = plan.links;
        let has_rules = !plan.rules.is_empty();
        if has_rules {
            run("nft", &["-f", "-"], &plan.script(fault))?;
        }
        let mut begun = InForce { links, has_rules, sockets: 0, storm: None };
        begun.sockets = end_connections(&plan.ends)?;
        begun.storm = plan.again.map(|every| Storm::begin(plan.ends, every)).transpose()?;
        self.lock().insert(fault, begun);
        Ok(Some(links))
    }

    /// Undoes what a fault does to links and says what shows it; `None` where it does nothing to any.
    pub fn end(&self, fault: FaultId) -> io::Result<Option<PacketReport>> {
        let Some(InForce { links, has_rules, sockets, storm }) = self.lock().remove(&fault) else {
            return Ok(None);
        };
        let sockets = sockets + storm.map_or(Ok(0), Storm::end)?;
        let (mut packets, mut bytes) = (0, 0);
        if has_rules {
            run("nft", &["-f", "-"], &rules::undo(fault))?;
            // What it counted stays until the table goes: the links flow already.
            let told = run("nft", &["-f", "-"], &format!("list counter {TABLE} {}\n", rules::name(fault)))?;
            (packets, bytes) = counted(&told);
        }
        Ok(Some(PacketReport { links, packets, bytes, sockets }))
    }

    /// Undoes everything.
    pub fn end_all(&self) -> io::Result<PacketReport> {
        let faults: Vec<FaultId> = self.lock().keys().copied().collect();
        let mut all = PacketReport::default();
        for fault in faults {
            all = all.and(self.end(fault)?.unwrap_or_default());
        }
        Ok(all)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<FaultId, InForce>> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // Where it fails, all of it goes with the namespaces that it lies in.
        let _ = run("nft", &["-f", "-"], &format!("delete table {TABLE}\n"));
        let mut names = String::new();
        for node in Node::first(self.nodes) {
            let _ = write!(names, "link del {}\nnetns del {node}\n", link(node));
        }
        let _ = run("ip", &["-force", "-batch", "-"], &names);
    }
}

/// The router's end of a node's link.
fn link(node: Node) -> String {
    format!("to-{node}")
}

fn gateway(node: Node) -> std::net::Ipv4Addr {
    let [a, b, c, _] = rules::address(node).octets();
    std::net::Ipv4Addr::new(a, b, c, 1)
}

/// `packets 3 bytes 180`, as nft tells a counter.
fn counted(told: &str) -> (u64, u64) {
    let words: Vec<&str> = told.split_whitespace().collect();
    let after = |name: &str| {
        let place = words.iter().position(|word| *word == name)?;
        words.get(place + 1)?.parse().ok()
    };
    (after("packets").unwrap_or(0), after("bytes").unwrap_or(0))
}

/// Closes the sockets that nodes have with others; the other end is told. Says how many there were.
fn end_connections(ends: &BTreeMap<Node, Vec<Node>>) -> io::Result<u64> {
    let mut sockets = 0;
    for (node, others) in ends {
        let filter: Vec<String> =
            others.iter().map(|&other| format!("dst {}", rules::address(other))).collect();
        let filter = format!("( {} )", filter.join(" or "));
        let [program, namespace, dashes] = Network::inside(*node);
        let words = [namespace.as_str(), &dashes, "ss", "--no-header", "--tcp", "--kill", &filter];
        sockets += run(&program, &words, "")?.lines().count() as u64;
    }
    Ok(sockets)
}

/// Closes sockets again and again.
#[derive(Debug)]
struct Storm {
    /// Dropped when it is to end.
    goes_on: Sender<()>,
    thread: JoinHandle<io::Result<u64>>,
}

impl Storm {
    fn begin(ends: BTreeMap<Node, Vec<Node>>, every: Nanos) -> io::Result<Self> {
        let (goes_on, ended) = channel();
        let thread = std::thread::Builder::new().name("resets".to_owned()).spawn(move || {
            let mut sockets = 0;
            while ended.recv_timeout(every.to_duration()) == Err(RecvTimeoutError::Timeout) {
                sockets += end_connections(&ends)?;
            }
            Ok(sockets)
        })?;
        Ok(Self { goes_on, thread })
    }

    fn end(self) -> io::Result<u64> {
        drop(self.goes_on);
        self.thread.join().map_err(|_| io::Error::other("the thread that resets connections panicked"))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nft_counts_is_read() {
        let told = "table inet partita {\n\tcounter fault7 {\n\t\tpackets 12 bytes 720\n\t}\n}\n";
        assert_eq!(counted(told), (12, 720));
        assert_eq!(counted(""), (0, 0));
    }
}
