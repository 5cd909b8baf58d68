//! One node of a cluster, seen from outside: its processes, on a folder and behind proxies that outlive them. It never
//! knows which fault wants what.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::try_join_all;
use histories::Node;
use nemesis::backends::namespaces::Network;
use nemesis::backends::{NodeProcess, ProcessError, ProcessSpec, Proxies};
use nemesis::{Dice, Layout};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::clock::ClockSetting;
use super::launcher::{Launcher, NodeSite, Running};
use super::{child, ports};
use crate::Crash;

/// How long a start waits until the node serves clients. One that needs others for that may take longer: then clients
/// are let in later.
const SERVING_MAX: Duration = Duration::from_secs(2);
const SERVING_POLL: Duration = Duration::from_millis(5);
/// Another process may take a port just before the node does.
const STARTS_MAX: u32 = 4;

/// The nodes of a cluster, each under a lock of its own.
pub(super) type Members = Arc<Vec<Arc<Mutex<Member>>>>;

/// What is the same for all nodes of a cluster, and all their lives.
pub(super) struct Common {
    pub(super) launcher: Arc<dyn Launcher>,
    pub(super) proxies: Arc<Proxies>,
    /// The harness's own program, which makes a child die with it.
    pub(super) exe: PathBuf,
    pub(super) layout: Layout,
    pub(super) logs: PathBuf,
    /// A folder for each node.
    pub(super) data: PathBuf,
    /// Where nodes stand in namespaces of their own.
    pub(super) network: Option<Arc<Network>>,
}

impl Common {
    /// Where a node is to listen in its next life, a port after the other.
    fn listen(&self, node: Node) -> std::io::Result<Vec<SocketAddr>> {
        let ports = self.launcher.ports();
        match &self.network {
            Some(network) => Ok((0..ports.len()).map(|port| network.address(node, port)).collect()),
            None => ports.iter().map(|_| ports::free()).collect(),
        }
    }

    /// What runs a command in a node's namespace, or just runs it.
    fn program(&self, node: Node, arguments: Vec<String>) -> (PathBuf, Vec<String>) {
        if self.network.is_none() {
            return (self.exe.clone(), arguments);
        }
        let [program, namespace, dashes] = Network::inside(node);
        let words = [namespace, dashes, self.exe.display().to_string()];
        (program.into(), words.into_iter().chain(arguments).collect())
    }
}

/// A node that may be dead.
pub(super) struct Member {
    pub(super) node: Node,
    common: Arc<Common>,
    data: PathBuf,
    dice: Dice,
    /// Empty while it is dead.
    processes: Vec<NodeProcess>,
    listen: Vec<SocketAddr>,
    /// Counts its starts.
    life: u64,
    paused: bool,
    /// As its clocks should be, also in its next life.
    clock: ClockSetting,
    /// It has yet to be told.
    clock_due: bool,
    /// How it ended when nothing had killed it.
    crash: Option<Crash>,
    myself: Weak<Mutex<Member>>,
}

impl Member {
    /// Not started yet.
    pub(super) fn new(common: &Arc<Common>, node: Node, seed: u64) -> Arc<Mutex<Self>> {
        Arc::new_cyclic(|myself| {
            Mutex::new(Self {
                node,
                common: Arc::clone(common),
                data: common.data.join(node.to_string()),
                dice: Dice::new(seed).split(&format!("node {node}")),
                processes: Vec::new(),
                listen: Vec::new(),
                life: 0,
                paused: false,
                clock: ClockSetting::default(),
                clock_due: false,
                crash: None,
                myself: Weak::clone(myself),
            })
        })
    }

    /// Starts it, on what it has stored, and points the proxies to where it listens now. Clients are let in as soon as it
    /// serves them.
    pub(super) async fn start(&mut self) -> Result<String, ProcessError> {
        let mut attempt = 1;
        let serves = loop {
            match self.start_once().await {
                Ok(serves) => break serves,
                Err(ProcessError::Ended { .. }) if attempt < STARTS_MAX && self.port_was_taken() => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        };
        let ids: Vec<String> = self.processes.iter().map(|process| process.id().to_string()).collect();
        let at = self.listen.first().map(SocketAddr::to_string).unwrap_or_default();
        let told = format!("{} started again (process {}) at {at}", self.node, ids.join(", "));
        if serves {
            let clock = self.let_clients_in().await?;
            return Ok([Some(told), clock].into_iter().flatten().collect::<Vec<_>>().join(", "));
        }
        tokio::spawn(let_in_later(Weak::clone(&self.myself), self.life));
        Ok(format!("{told}, and does not serve clients yet"))
    }

    /// Whether it serves clients already.
    async fn start_once(&mut self) -> Result<bool, ProcessError> {
        let (launcher, proxies) = (Arc::clone(&self.common.launcher), Arc::clone(&self.common.proxies));
        let listen = self.common.listen(self.node);
        let listen = listen.map_err(|error| self.os("find free ports for", error))?;
        let site = NodeSite {
            node: self.node,
            layout: self.common.layout,
            data: self.data.clone(),
            // Each life has a seed of its own.
            seed: self.dice.below(u64::MAX),
            listen: listen.clone(),
            proxies: Arc::clone(&proxies),
            network: self.common.network.clone(),
        };
        self.listen = listen;
        let asked = Arc::clone(&launcher);
        let commands = tokio::task::spawn_blocking(move || asked.commands(&site)).await;
        let commands = commands
            .map_err(std::io::Error::other)
            .and_then(|commands| commands.map_err(std::io::Error::other))
            .map_err(|error| self.os("prepare", error))?;
        self.life += 1;
        self.processes.clear();
        for command in commands {
            let name = match command.role {
                Some(role) => format!("{}-{role}", self.node),
                None => self.node.to_string(),
            };
            let arguments = child::arguments(&command, launcher.owner());
            let (program, arguments) = self.common.program(self.node, arguments);
            self.processes.push(NodeProcess::start(ProcessSpec {
                log: self.common.logs.join(format!("{name}.log")),
                name,
                program,
                arguments,
                environment: command.environment,
                input: command.input,
                folder: command.folder,
            })?);
        }
        // Peers may come at once: what a node is asked before it listens, it refuses.
        proxies.point(self.node, &self.listen, self.processes.iter().map(NodeProcess::id).collect());
        match (self.processes.first_mut(), self.listen.first()) {
            (Some(process), Some(&address)) => process.accepts(address, SERVING_MAX).await,
            _ => Ok(true),
        }
    }

    /// After it has ended: its ports should be free now.
    fn port_was_taken(&mut self) -> bool {
        self.processes.clear();
        self.common.proxies.node_died(self.node);
        self.common.network.is_none() && !self.listen.iter().all(|&address| ports::is_free(address))
    }

    /// Its clocks go wrong before any client reaches it.
    async fn let_clients_in(&mut self) -> Result<Option<String>, ProcessError> {
        let clock = if self.clock == ClockSetting::default() { None } else { Some(self.set_clock().await?) };
        self.common.proxies.admit(self.node).map_err(|error| self.os("let clients in to", error))?;
        Ok(clock)
    }

    /// Kills it and waits until its processes are gone; then no connection to it is left.
    pub(super) async fn kill(&mut self) -> Result<String, ProcessError> {
        self.crash();
        if self.processes.is_empty() {
            return Ok(format!("{} was dead already", self.node));
        }
        let killed = try_join_all(self.processes.iter_mut().map(NodeProcess::kill)).await?;
        self.processes.clear();
        self.paused = false;
        self.common.proxies.node_died(self.node);
        Ok(killed.join(", "))
    }

    pub(super) async fn pause(&mut self) -> Result<String, ProcessError> {
        if self.processes.is_empty() {
            return Ok(format!("{} is dead", self.node));
        }
        let told = try_join_all(self.processes.iter_mut().map(NodeProcess::pause)).await?;
        self.paused = true;
        Ok(told.join(", "))
    }

    pub(super) async fn resume(&mut self) -> Result<String, ProcessError> {
        if self.processes.is_empty() {
            return Ok(format!("{} is dead", self.node));
        }
        let told = try_join_all(self.processes.iter_mut().map(NodeProcess::resume)).await?.join(", ");
        self.paused = false;
        if self.clock_due { Ok(format!("{told}, {}", self.set_clock().await?)) } else { Ok(told) }
    }

    /// Makes its clocks wrong or right, and says what they show; where it is dead or stopped, as soon as it runs.
    pub(super) async fn tune(&mut self, clock: ClockSetting) -> Result<String, ProcessError> {
        self.clock = clock;
        self.clock_due = true;
        if self.running().is_none() {
            return Ok(format!("{}'s clock is set when it runs again", self.node));
        }
        self.set_clock().await
    }

    async fn set_clock(&mut self) -> Result<String, ProcessError> {
        let fail = |why: String| self.os("set the clock of", std::io::Error::other(why));
        let launcher = Arc::clone(&self.common.launcher);
        let clocks = launcher.clocks().ok_or_else(|| fail("it has no clock of its own".to_owned()))?;
        let running = self.running().ok_or_else(|| fail("it does not run".to_owned()))?;
        let told = clocks.set(&running, self.clock).await.map_err(fail)?;
        self.clock_due = false;
        Ok(told)
    }

    /// Where it listens; `None` while it is dead or stopped.
    pub(super) fn running(&self) -> Option<Running> {
        let runs = !self.processes.is_empty() && !self.paused;
        runs.then(|| Running { node: self.node, ports: self.listen.clone() })
    }

    pub(super) fn is_dead(&self) -> bool {
        self.processes.is_empty()
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// How it ended, if it did so without having been killed.
    pub(super) fn crash(&mut self) -> Option<Crash> {
        let node = self.node;
        let ended = self.processes.iter_mut().find_map(|process| {
            let status = process.ended()?.to_string();
            Some(Crash { node, status, log_tail: process.tail() })
        });
        if let Some(crash) = ended {
            self.crash.get_or_insert(crash);
        }
        self.crash.clone()
    }

    /// The last lines of its logs.
    pub(super) fn last_words(&self) -> String {
        let tails = self.processes.iter().map(|process| format!("{}:\n{}", process.name(), process.tail()));
        tails.collect::<Vec<_>>().join("\n")
    }

    fn os(&self, what: &'static str, error: std::io::Error) -> ProcessError {
        ProcessError::Os { what, name: self.node.to_string(), error }
    }
}

/// Waits until a node serves clients in this life of its, and lets them in.
async fn let_in_later(member: Weak<Mutex<Member>>, life: u64) {
    loop {
        tokio::time::sleep(SERVING_POLL).await;
        let Some(member) = member.upgrade() else { return };
        let address = {
            let member = member.lock().await;
            if member.life != life || member.is_dead() {
                return;
            }
            if member.paused { None } else { member.listen.first().copied() }
        };
        let Some(address) = address else { continue };
        if TcpStream::connect(address).await.is_err() {
            continue;
        }
        let mut member = member.lock().await;
        if member.life == life && member.running().is_some() && member.let_clients_in().await.is_ok() {
            return;
        }
    }
}
