//! The reference store as a system under test: nodes as processes, every link through a proxy. It never speaks of faults
//! to a node; a node only feels them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use histories::{Function, Nanos, Node};
use nemesis::backends::Proxies;
use nemesis::{BoxFuture, Dice, Layout, Powers, Target};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::Mutex;

use super::client::StoreClient;
use super::control::Control;
use super::member::Member;
use super::status;
use crate::store::codec::Session;
use crate::store::{self, Store};
use crate::{Client, Cluster, Ground, Mode, Setup, SetupError, Simulator, Status, System};

/// How long a cluster may take to elect its first leader.
const READY_MAX: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(10);

/// The bundled reference store.
#[derive(Clone, Debug)]
pub struct StoreSystem {
    exe: PathBuf,
}

impl StoreSystem {
    /// What every live cluster of the store can have done to it.
    pub const POWERS: Powers = Powers {
        cut: true,
        cut_clients: true,
        kill: true,
        pause: true,
        slow: true,
        unreliable: false,
        step: true,
        drift: true,
        power: false,
        disk: false,
    };

    /// `exe node …` must run [`super::run_blocking`] with what follows `node`.
    pub fn new(exe: PathBuf) -> Self {
        Self { exe }
    }
}

impl System for StoreSystem {
    fn name(&self) -> &'static str {
        "store"
    }

    fn modes(&self) -> Vec<Mode> {
        store::modes()
    }

    fn mode(&self, text: &str) -> Result<Mode, String> {
        store::mode(text).map(|(mode, _)| mode)
    }

    fn on(&self, mode: &Mode, layout: Layout) -> Result<Mode, String> {
        let (_, store) = store::mode(&mode.name)?;
        store.validate(layout).map_err(|why| format!("{}: {why}", mode.name))?;
        let (available_with_majority, available_with_majorities) = store.available(layout);
        Ok(Mode { available_with_majority, available_with_majorities, ..mode.clone() })
    }

    fn supports(&self, mode: &Mode, function: &Function) -> bool {
        store::mode(&mode.name).is_ok_and(|(_, store)| store.supports(function))
    }

    fn powers(&self) -> Powers {
        Self::POWERS
    }

    fn ground(&self, mode: &Mode, layout: Layout) -> Ground {
        let Ok((_, store)) = store::mode(&mode.name) else { return Ground::default() };
        Ground { links: store.links(layout), home: Some(Box::new(move |key| store.home(layout, key))) }
    }

    fn start<'a>(&'a self, setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>> {
        Box::pin(async move {
            let cluster = StoreCluster::start(&self.exe, setup).await?;
            Ok(Box::new(cluster) as Box<dyn Cluster>)
        })
    }

    fn simulator(&self) -> Option<&dyn Simulator> {
        Some(self)
    }
}

struct StoreCluster {
    store: Store,
    layout: Layout,
    clients: u32,
    nodes: Vec<Node>,
    began: Instant,
    proxies: Arc<Proxies>,
    members: Arc<Vec<Mutex<Member>>>,
    control: Control,
}

impl StoreCluster {
    async fn start(exe: &Path, setup: &Setup) -> Result<Self, SetupError> {
        let wrap = |what: &str, why: &dyn std::fmt::Display| SetupError {
            what: what.to_owned(),
            why: why.to_string(),
        };
        let (_, store) = store::mode(&setup.mode.name).map_err(|error| wrap("read the mode", &error))?;
        store.validate(setup.layout).map_err(|error| wrap("use the mode", &error))?;
        allow_many_sockets();
        std::fs::create_dir_all(&setup.logs).map_err(|error| wrap("make the folder of logs", &error))?;
        let proxies = Proxies::open(setup.layout.total(), setup.clients)
            .map_err(|error| wrap("open the proxies; each client and node takes one socket", &error))?;
        lay_wide_area(&proxies, &store, setup);
        let proxies = Arc::new(proxies);
        let layout = setup.layout;
        let nodes: Vec<Node> = layout.nodes().collect();
        let mut members = Vec::new();
        for &node in &nodes {
            let mut member = Member::new(exe, setup, node, &proxies);
            member.start(&proxies).await.map_err(|error| wrap(&format!("start {node}"), &error))?;
            members.push(Mutex::new(member));
        }
        let members = Arc::new(members);
        let control = Control::new(nodes.clone(), Arc::clone(&proxies), Arc::clone(&members));
        let (clients, began) = (setup.clients, Instant::now());
        let cluster = Self { store, layout, clients, nodes, began, proxies, members, control };
        cluster.await_ready().await?;
        Ok(cluster)
    }

    async fn look(&self) -> Status {
        status::of(&self.members, self.layout, self.store.leadership()).await
    }

    async fn await_ready(&self) -> Result<(), SetupError> {
        while self.began.elapsed() < READY_MAX {
            if self.look().await.ready {
                return Ok(());
            }
            self.ended_unasked().await?;
            tokio::time::sleep(READY_POLL).await;
        }
        let status = self.look().await;
        let what = format!("elect a leader within {} s", READY_MAX.as_secs());
        Err(SetupError { what, why: format!("what the nodes say: {status:?}") })
    }

    /// A node that ended without being killed is a bug, and must not look like a fault.
    async fn ended_unasked(&self) -> Result<(), SetupError> {
        for member in self.members.iter() {
            if let Some(why) = member.lock().await.ended_unasked() {
                return Err(SetupError { what: "keep every node running".to_owned(), why });
            }
        }
        Ok(())
    }
}

/// Between any two datacentres a latency of its own for the life of the cluster, the same both ways.
fn lay_wide_area(proxies: &Proxies, store: &Store, setup: &Setup) {
    let Some((least, most)) = store.wide_area() else { return };
    let mut dice = Dice::new(setup.seed).split("wide area");
    let layout = setup.layout;
    for one in layout.sites() {
        for other in one + 1..layout.datacentres {
            let latency = Nanos(dice.between(least.0, most.0)).to_duration();
            let pairs = layout.members(one).flat_map(|from| layout.members(other).map(move |to| (from, to)));
            for (from, to) in pairs {
                proxies.lengthen(from, to, latency);
                proxies.lengthen(to, from, latency);
            }
        }
    }
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

impl Cluster for StoreCluster {
    fn connect(&self, thread: u32) -> BoxFuture<'_, Result<Box<dyn Client>, SetupError>> {
        Box::pin(async move {
            if thread >= self.clients {
                return Err(SetupError {
                    what: format!("connect client thread {thread}"),
                    why: format!("the cluster was set up for {} of them", self.clients),
                });
            }
            let session = Session::new(self.store.memory());
            let client = StoreClient::new(thread, Arc::clone(&self.proxies), session, self.began);
            Ok(Box::new(client) as Box<dyn Client>)
        })
    }

    fn target(&self) -> &dyn Target {
        &self.control
    }

    fn status(&self) -> BoxFuture<'_, Status> {
        Box::pin(self.look())
    }

    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>> {
        Box::pin(async move {
            let ended = self.ended_unasked().await;
            for (node, member) in self.nodes.iter().zip(self.members.iter()) {
                let killed = member.lock().await.kill().await;
                killed
                    .map_err(|error| SetupError { what: format!("stop {node}"), why: error.to_string() })?;
            }
            ended
        })
    }
}
