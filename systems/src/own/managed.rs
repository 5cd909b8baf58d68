//! Nodes that a client process starts and ends itself: the harness tells it when, and keeps proxies before them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};
use histories::Node;
use nemesis::backends::{ProcessError, Proxies, Wiring};
use nemesis::{BoxFuture, Power, Powers, Target};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::launch::{absolute, failed};
use super::lines::{Child, LinesClient, Request, Verb, Verbs};
use crate::cluster::{Control, Doors, LinkMeans, NodeMeans};
use crate::{Client, Cluster, Setup, SetupError, Status};

/// How long a verb may take.
const VERB_MAX: Duration = Duration::from_secs(30);
const STATUS_MAX: Duration = Duration::from_millis(500);
const READY_MAX: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(20);
/// The only port of a node.
const PORT: usize = 0;

/// What nodes can have done to them whose client process knows these verbs.
pub(crate) fn powers(verbs: &Verbs) -> Powers {
    let can = [
        (verbs.links, Power::Cut),
        (verbs.links, Power::Slow),
        (verbs.has(Verb::Kill), Power::Kill),
        (verbs.has(Verb::Pause) && verbs.has(Verb::Resume), Power::Pause),
    ];
    let can: Powers = can.into_iter().filter_map(|(can, power)| can.then_some(power)).collect();
    can.union(Power::CutClients.into())
}

pub(crate) struct ManagedCluster {
    nodes: Arc<ManagedNodes>,
    control: Control,
    clients: u32,
}

impl ManagedCluster {
    /// Lets the client process start every node, and waits until all are up.
    pub(crate) async fn start(child: Arc<Child>, verbs: &Verbs, setup: &Setup) -> Result<Self, SetupError> {
        let count = setup.layout.total();
        let wiring = Wiring::one_port(count, setup.clients);
        let proxies = Proxies::open(&wiring).map_err(|error| failed("open the proxies", &error))?;
        let proxies = Arc::new(proxies);
        let nodes = Arc::new(ManagedNodes {
            child,
            verbs: verbs.clone(),
            proxies: Arc::clone(&proxies),
            disks: absolute(&setup.disks)?,
            states: Node::first(count).map(|_| Mutex::new(State::Dead)).collect(),
        });
        let links: Arc<dyn LinkMeans> = proxies;
        let means: Arc<dyn NodeMeans> = Arc::<ManagedNodes>::clone(&nodes);
        let control = Control::new(count, powers(verbs), links, means);
        let cluster = Self { nodes, control, clients: setup.clients };
        let started = Node::first(count).map(|node| cluster.nodes.start(node));
        try_join_all(started).await.map_err(|error| failed("start the nodes", &error))?;
        cluster.await_ready().await?;
        Ok(cluster)
    }

    async fn await_ready(&self) -> Result<(), SetupError> {
        let began = Instant::now();
        while began.elapsed() < READY_MAX {
            if self.nodes.status().await.ready {
                return Ok(());
            }
            tokio::time::sleep(READY_POLL).await;
        }
        let why = format!("what the client process says: {:?}", self.nodes.status().await);
        Err(failed(&format!("get a cluster that is ready within {} s", READY_MAX.as_secs()), &why))
    }
}

impl Cluster for ManagedCluster {
    fn connect(&self, thread: u32) -> BoxFuture<'_, Result<Box<dyn Client>, SetupError>> {
        Box::pin(async move {
            if thread >= self.clients {
                let why = format!("the cluster was set up for {} of them", self.clients);
                return Err(failed(&format!("connect client thread {thread}"), &why));
            }
            let doors = Doors::new(thread, Arc::clone(&self.nodes.proxies));
            let client = LinesClient::new(Arc::clone(&self.nodes.child), doors);
            Ok(Box::new(client) as Box<dyn Client>)
        })
    }

    fn target(&self) -> &dyn Target {
        &self.control
    }

    fn status(&self) -> BoxFuture<'_, Status> {
        Box::pin(self.nodes.status())
    }

    fn proxies(&self) -> Option<Arc<Proxies>> {
        Some(Arc::clone(&self.nodes.proxies))
    }

    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>> {
        Box::pin(async move {
            let stopped = self.nodes.nodes().map(|node| self.nodes.stop(node));
            try_join_all(stopped).await.map_err(|error| failed("stop the nodes", &error))?;
            Ok(())
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Dead,
    Stopped,
    Runs,
}

/// The nodes, each with how it should be.
struct ManagedNodes {
    child: Arc<Child>,
    verbs: Verbs,
    proxies: Arc<Proxies>,
    disks: PathBuf,
    states: Vec<Mutex<State>>,
}

/// What `start` is answered with.
#[derive(Deserialize)]
struct Started {
    address: SocketAddr,
}

/// What `primary` is answered with.
#[derive(Deserialize)]
struct Leading {
    node: Option<Node>,
    #[serde(default)]
    term: u64,
}

impl ManagedNodes {
    fn nodes(&self) -> impl Iterator<Item = Node> {
        Node::first(self.states.len() as u16)
    }

    /// Has a verb carried out; the error names the node.
    async fn told(
        &self,
        what: &'static str,
        node: Node,
        request: Request<'_>,
    ) -> Result<serde_json::Value, ProcessError> {
        let done = self.child.must(&request, VERB_MAX).await;
        let name = node.to_string();
        done.map_err(|why| ProcessError::Os { what, name, error: std::io::Error::other(why) })
    }

    async fn started(&self, node: Node) -> Result<String, ProcessError> {
        let wrap = |error: std::io::Error| ProcessError::Os { what: "start", name: node.to_string(), error };
        let data = self.disks.join(node.to_string());
        std::fs::create_dir_all(&data).map_err(wrap)?;
        let others = self.nodes().filter(|&other| other != node);
        let peers: BTreeMap<Node, SocketAddr> =
            others.filter_map(|to| Some((to, self.proxies.peer_address(node, to, PORT)?))).collect();
        let answer = self.told("start", node, Request::Start { node, data: &data, peers: &peers }).await?;
        let Started { address } = serde_json::from_value(answer)
            .map_err(|error| wrap(std::io::Error::other(format!("the answer to start: {error}"))))?;
        self.proxies.point(node, &[address], Vec::new());
        self.proxies.admit(node).map_err(wrap)?;
        Ok(format!("{node} started again at {address}"))
    }

    async fn stop(&self, node: Node) -> Result<(), ProcessError> {
        let Some(state) = self.states.get(node.index()) else { return Ok(()) };
        let mut state = state.lock().await;
        // A child that broke the protocol takes its nodes with it.
        if *state != State::Dead && self.verbs.has(Verb::Stop) && self.child.failure().await.is_none() {
            self.told("stop", node, Request::Stop { node }).await?;
        }
        *state = State::Dead;
        self.proxies.node_died(node);
        Ok(())
    }

    /// Whether a node is up: the child is asked where it can say so.
    async fn is_up(&self, node: Node) -> bool {
        let Some(state) = self.states.get(node.index()) else { return false };
        let runs = *state.lock().await == State::Runs;
        if !runs || !self.verbs.has(Verb::Status) {
            return runs;
        }
        let status = self.child.must(&Request::Status { node }, STATUS_MAX).await;
        status.is_ok_and(|status| status.get("up").and_then(serde_json::Value::as_bool) != Some(false))
    }

    async fn status(&self) -> Status {
        let asked = join_all(self.nodes().map(async |node| (node, self.is_up(node).await))).await;
        let up: Vec<Node> = asked.iter().filter(|(_, up)| *up).map(|(node, _)| *node).collect();
        let mut leaders = Vec::new();
        if self.verbs.has(Verb::Primary) {
            let answer = self.child.must(&Request::Primary, STATUS_MAX).await;
            let leading = answer.ok().and_then(|answer| serde_json::from_value::<Leading>(answer).ok());
            leaders.extend(leading.and_then(|leading| Some((leading.term, leading.node?))));
        }
        let led = !self.verbs.has(Verb::Primary) || leaders.len() == 1;
        Status { ready: led && up.len() == self.states.len(), leaders, up, lag: Vec::new() }
    }

    async fn switch<'a>(
        &'a self,
        node: Node,
        to: State,
        needless: impl Fn(State) -> Option<&'static str>,
        act: BoxFuture<'a, Result<String, ProcessError>>,
    ) -> Result<String, ProcessError> {
        let Some(state) = self.states.get(node.index()) else { return Ok(format!("{node} does not exist")) };
        let mut state = state.lock().await;
        if let Some(why) = needless(*state) {
            return Ok(format!("{node} {why}"));
        }
        let told = act.await?;
        *state = to;
        Ok(told)
    }
}

impl NodeMeans for ManagedNodes {
    fn start(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        let needless = |state| (state != State::Dead).then_some("runs");
        Box::pin(self.switch(node, State::Runs, needless, Box::pin(self.started(node))))
    }

    fn kill(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        let needless = |state| (state == State::Dead).then_some("was dead already");
        let act = Box::pin(async move {
            self.told("kill", node, Request::Kill { node }).await?;
            self.proxies.node_died(node);
            Ok(format!("{node} was killed by the client process"))
        });
        Box::pin(self.switch(node, State::Dead, needless, act))
    }

    fn pause(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        let needless = |state| (state == State::Dead).then_some("is dead");
        let act = Box::pin(async move {
            self.told("pause", node, Request::Pause { node }).await?;
            Ok(format!("{node} was paused by the client process"))
        });
        Box::pin(self.switch(node, State::Stopped, needless, act))
    }

    fn resume(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        let needless = |state| (state == State::Dead).then_some("is dead");
        let act = Box::pin(async move {
            self.told("resume", node, Request::Resume { node }).await?;
            Ok(format!("{node} was resumed by the client process"))
        });
        Box::pin(self.switch(node, State::Runs, needless, act))
    }
}
