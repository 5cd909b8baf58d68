//! A running cluster of nodes that speak Maelstrom's protocol.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};
use histories::{Hints, Key, Node, Op};
use nemesis::backends::ProcessError;
use nemesis::{BoxFuture, Dice, Effect, FaultId, Power, Powers, Target};
use tokio::sync::Mutex;

use super::dialect::Dialect;
use super::network::{Network, Toll};
use super::node::{Common, MaelstromNode};
use super::router::{Router, Silence};
use crate::cluster::{CommandLine, Control, LinkEvidence, LinkMeans, NodeMeans};
use crate::own::http::undecided;
use crate::own::launch::failed;
use crate::{Client, Cluster, Completion, Crash, Setup, SetupError, Status};

/// What such nodes can have done to them: messages are the harness's to lose, to double and to delay.
pub(crate) const POWERS: Powers = Powers::of(&[
    Power::Cut,
    Power::CutClients,
    Power::Kill,
    Power::Pause,
    Power::Slow,
    Power::Lose,
    Power::Unreliable,
]);

/// How long a call takes at least that was never sent, so that a dead node is not asked thousands of times a second.
const REFUSED_BACK_OFF: Duration = Duration::from_millis(50);

type Nodes = Arc<Vec<Mutex<MaelstromNode>>>;

pub(crate) struct MaelstromCluster {
    dialect: Dialect,
    router: Arc<Router>,
    nodes: Nodes,
    control: Control,
    /// The one object of workloads that have but one, once a client has named it.
    object: Arc<OnceLock<Key>>,
}

impl MaelstromCluster {
    /// Starts every node, with the command that `command` gives for it.
    pub(crate) async fn start(
        dialect: Dialect,
        exe: &std::path::Path,
        setup: &Setup,
        command: impl Fn(Node) -> Result<CommandLine, SetupError>,
    ) -> Result<Self, SetupError> {
        std::fs::create_dir_all(&setup.logs).map_err(|error| failed("make the folder of logs", &error))?;
        let count = setup.layout.total();
        let router = Arc::new(Router::new(count, &Dice::new(setup.seed)));
        let common = Arc::new(Common {
            router: Arc::clone(&router),
            exe: exe.to_owned(),
            logs: setup.logs.clone(),
            nodes: count,
            topology: dialect == Dialect::Broadcast,
        });
        let made = Node::first(count)
            .map(|node| Ok(Mutex::new(MaelstromNode::new(&common, node, command(node)?))))
            .collect::<Result<Vec<_>, SetupError>>()?;
        let nodes: Nodes = Arc::new(made);
        let links: Arc<dyn LinkMeans> = Arc::<Router>::clone(&router);
        let control = Control::new(count, POWERS, links, Arc::new(Means(Arc::clone(&nodes))));
        let started = nodes.iter().map(async |node| node.lock().await.start().await);
        try_join_all(started).await.map_err(|error| failed("start the nodes", &error))?;
        Ok(Self { dialect, router, nodes, control, object: Arc::default() })
    }

    /// A node that broke the protocol, or ended without being killed, is a bug, and must not look like a fault.
    async fn check_nodes(&self) -> Result<(), SetupError> {
        if let Some(why) = self.router.broken() {
            return Err(failed("carry messages", &why));
        }
        let crashes = self.crashed().await;
        crashes.first().map_or(Ok(()), |crash| Err(failed("keep every node running", crash)))
    }

    async fn crashed(&self) -> Vec<Crash> {
        let mut crashes = Vec::new();
        for node in self.nodes.iter() {
            crashes.extend(node.lock().await.crash());
        }
        crashes
    }
}

impl Cluster for MaelstromCluster {
    fn connect(&self, _: u32) -> BoxFuture<'_, Result<Box<dyn Client>, SetupError>> {
        Box::pin(async move {
            self.check_nodes().await?;
            let client = MaelstromClient {
                number: self.router.new_client(),
                dialect: self.dialect,
                router: Arc::clone(&self.router),
                object: Arc::clone(&self.object),
            };
            Ok(Box::new(client) as Box<dyn Client>)
        })
    }

    fn target(&self) -> &dyn Target {
        &self.control
    }

    fn status(&self) -> BoxFuture<'_, Status> {
        Box::pin(async move {
            let running = join_all(self.nodes.iter().map(async |node| node.lock().await.is_running())).await;
            let up: Vec<Node> =
                (0..).map(Node).zip(&running).filter(|(_, runs)| **runs).map(|(node, _)| node).collect();
            Status { ready: up.len() == running.len(), up, ..Status::default() }
        })
    }

    fn crashes(&self) -> BoxFuture<'_, Vec<Crash>> {
        Box::pin(self.crashed())
    }

    fn notes(&self) -> Vec<String> {
        let ignored = self.router.ignored();
        let told = format!("{ignored} answers came late or a second time, and were ignored");
        if ignored > 0 { vec![told] } else { Vec::new() }
    }

    fn stop(&self) -> BoxFuture<'_, Result<(), SetupError>> {
        Box::pin(async move {
            let checked = self.check_nodes().await;
            for node in self.nodes.iter() {
                node.lock().await.kill().await.map_err(|error| failed("stop a node", &error))?;
            }
            checked
        })
    }
}

/// The processes as what faults act on.
struct Means(Nodes);

impl Means {
    async fn node(&self, node: Node) -> Result<tokio::sync::MutexGuard<'_, MaelstromNode>, ProcessError> {
        let Some(member) = self.0.get(node.index()) else {
            let error = std::io::Error::other("it does not exist");
            return Err(ProcessError::Os { what: "find", name: node.to_string(), error });
        };
        Ok(member.lock().await)
    }
}

impl NodeMeans for Means {
    fn start(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        Box::pin(async move { self.node(node).await?.start().await })
    }

    fn kill(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        Box::pin(async move { self.node(node).await?.kill().await })
    }

    fn pause(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        Box::pin(async move { self.node(node).await?.pause().await })
    }

    fn resume(&self, node: Node) -> BoxFuture<'_, Result<String, ProcessError>> {
        Box::pin(async move { self.node(node).await?.resume().await })
    }
}

impl LinkMeans for Router {
    fn begin(&self, fault: FaultId, effects: &[Effect]) -> Result<Vec<String>, ProcessError> {
        let on_links: Vec<&Effect> = effects.iter().filter(|effect| Network::carries(effect)).collect();
        for effect in &on_links {
            Self::begin(self, fault, effect);
        }
        Ok(if on_links.is_empty() { Vec::new() } else { vec!["the network was told".to_owned()] })
    }

    fn end(&self, fault: FaultId) -> Result<Option<LinkEvidence>, ProcessError> {
        Ok(Self::end(self, fault).map(evidence))
    }

    fn end_all(&self) -> Result<Option<LinkEvidence>, ProcessError> {
        Ok(Self::end_all(self).map(evidence))
    }
}

fn evidence(toll: Toll) -> LinkEvidence {
    LinkEvidence { told: toll.to_string(), felt: toll.was_felt() }
}

/// One logical client.
struct MaelstromClient {
    number: u64,
    dialect: Dialect,
    router: Arc<Router>,
    object: Arc<OnceLock<Key>>,
}

impl Client for MaelstromClient {
    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let not_sent = |error| Completion::Fail { error, seen: None, hints: Hints::NONE };
            if let Some(key) = &op.key {
                self.object.get_or_init(|| key.clone());
            }
            let request = match self.dialect.request(op) {
                Ok(request) => request,
                Err(error) => return not_sent(error),
            };
            let began = Instant::now();
            match self.router.ask(self.number, node, request, deadline).await {
                Ok(answer) => self.dialect.completion(op, &answer, self.object.get()).unwrap_or_else(|why| {
                    self.router.breaks(node, &why);
                    Completion::Info(why)
                }),
                Err(Silence::Dead) => {
                    let pause = REFUSED_BACK_OFF.min(deadline).saturating_sub(began.elapsed());
                    tokio::time::sleep(pause).await;
                    not_sent(format!("{node} is dead"))
                }
                Err(Silence::TimedOut) => undecided(op, "no answer by the deadline".to_owned()),
            }
        })
    }
}
