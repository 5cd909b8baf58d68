//! Carries messages between nodes, clients and services, through a network that loses and delays what faults ask for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use histories::Node;
use nemesis::{Dice, Effect, FaultId};
use serde_json::Value as Json;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::message::{Body, Message};
use super::network::{End, Network, Toll};
use super::services::{Service, Services};
use crate::own::lines::quoted;

/// The client that the harness itself is: no fault touches its messages.
pub(crate) const HARNESS: u64 = 0;

/// All that is on its way, and all that waits for an answer.
#[derive(Debug)]
pub(crate) struct Router {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    network: Network,
    services: Services,
    /// Where each node takes its messages; `None` while it is dead.
    inboxes: Vec<Option<UnboundedSender<String>>>,
    /// The latest client and the latest request; both are counted from 1.
    clients: u64,
    requests: u64,
    waiting: BTreeMap<u64, oneshot::Sender<Body>>,
    /// Answers that came after their deadline, or a second time.
    ignored: u64,
    /// How a node broke the protocol, the first time.
    broken: Option<String>,
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The node is dead: nothing was sent.
    Dead,
    TimedOut,
}

impl Router {
    pub(crate) fn new(nodes: u16, dice: &Dice) -> Self {
        let state = State {
            network: Network::new(dice.split("network")),
            services: Services::new(dice.split("services")),
            inboxes: vec![None; usize::from(nodes)],
            clients: HARNESS,
            requests: 0,
            waiting: BTreeMap::new(),
            ignored: 0,
            broken: None,
        };
        Self { state: Mutex::new(state) }
    }

    /// A client that no other is.
    pub(crate) fn new_client(&self) -> u64 {
        let mut state = self.state();
        state.clients += 1;
        state.clients
    }

    /// Where a node takes its messages from now on; `None` where it is dead.
    pub(crate) fn connect(&self, node: Node, inbox: Option<UnboundedSender<String>>) {
        if let Some(slot) = self.state().inboxes.get_mut(node.index()) {
            *slot = inbox;
        }
    }

    pub(crate) fn begin(&self, fault: FaultId, effect: &Effect) {
        self.state().network.begin(fault, effect);
    }

    pub(crate) fn end(&self, fault: FaultId) -> Option<Toll> {
        self.state().network.end(fault)
    }

    pub(crate) fn end_all(&self) -> Option<Toll> {
        self.state().network.end_all()
    }

    /// How a node broke the protocol, if one did.
    pub(crate) fn broken(&self) -> Option<String> {
        self.state().broken.clone()
    }

    /// An answer came that cannot be one to its request.
    pub(crate) fn breaks(&self, node: Node, how: &str) {
        self.state().broken.get_or_insert(format!("{node} broke the protocol: {how}"));
    }

    /// Answers that nothing waited for any more.
    pub(crate) fn ignored(&self) -> u64 {
        self.state().ignored
    }

    /// Sends a request of a client and waits for its answer, but not for longer than `limit`.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        client: u64,
        node: Node,
        mut body: Body,
        limit: Duration,
    ) -> Result<Body, Silence> {
        let (waiting, answer) = oneshot::channel();
        let id = {
            let mut state = self.state();
            if state.inboxes.get(node.index()).is_none_or(Option::is_none) {
                return Err(Silence::Dead);
            }
            state.requests += 1;
            let id = state.requests;
            state.waiting.insert(id, waiting);
            body.insert("msg_id".to_owned(), id.into());
            let message = Message { src: client_name(client), dest: node.to_string(), body };
            self.carry(&mut state, client_end(client), End::Node(node), message);
            id
        };
        if let Ok(Ok(answer)) = tokio::time::timeout(limit, answer).await {
            return Ok(answer);
        }
        self.state().waiting.remove(&id);
        Err(Silence::TimedOut)
    }

    /// A node has said a line.
    pub(crate) fn said(self: &Arc<Self>, node: Node, line: &str) {
        let mut state = self.state();
        let refused = match Message::parse(line) {
            Err(why) => Err(format!("a line is no message ({why})")),
            Ok(message) => self.route(&mut state, node, message),
        };
        if let Err(why) = refused {
            state.broken.get_or_insert(format!("{node} broke the protocol: {why}: {}", quoted(line)));
        }
    }

    /// Sends a node's message on its way; the error says what is wrong with it.
    fn route(self: &Arc<Self>, state: &mut State, node: Node, message: Message) -> Result<(), String> {
        if message.src != node.to_string() {
            return Err(format!("a message in the name of {:?}", message.src));
        }
        if let Some(service) = Service::named(&message.dest) {
            let mut body = state.services.answer(service, &message.src, &message.body);
            if let Some(id) = message.body.get("msg_id") {
                body.insert("in_reply_to".to_owned(), id.clone());
            }
            let answer = Message { src: message.dest, dest: message.src, body };
            state.hand_over(node, &answer);
            return Ok(());
        }
        if let Ok(to) = message.dest.parse::<Node>() {
            if to.index() >= state.inboxes.len() {
                return Err(format!("a message to {to}, which does not exist"));
            }
            self.carry(state, End::Node(node), End::Node(to), message);
            return Ok(());
        }
        let client: Option<u64> = message.dest.strip_prefix('c').and_then(|number| number.parse().ok());
        let client = client.filter(|client| *client <= state.clients);
        let client =
            client.ok_or_else(|| format!("a message to {:?}, which does not exist", message.dest))?;
        // A node that says something unasked is not understood, and does no harm.
        if let Some(id) = message.in_reply_to() {
            if id == 0 || id > state.requests {
                return Err(format!("an answer to request {id}, which was never sent"));
            }
            self.carry(state, End::Node(node), client_end(client), message);
        }
        Ok(())
    }

    /// Lets the network decide when, how often and whether a message arrives.
    fn carry(self: &Arc<Self>, state: &mut State, from: End, to: End, message: Message) {
        let copies = match (from, to) {
            (End::Harness, _) | (_, End::Harness) => vec![Duration::ZERO],
            _ => state.network.pass(from, to),
        };
        for delay in copies {
            if delay.is_zero() {
                state.arrive(to, &message);
            } else {
                let (router, message) = (Arc::clone(self), message.clone());
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    router.state().arrive(to, &message);
                });
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn arrive(&mut self, to: End, message: &Message) {
        match to {
            End::Node(node) => self.hand_over(node, message),
            End::Client | End::Harness => self.answer(message),
        }
    }

    fn hand_over(&self, node: Node, message: &Message) {
        if let Some(Some(inbox)) = self.inboxes.get(node.index()) {
            // A node that is dying takes nothing any more.
            let _ = inbox.send(message.line());
        }
    }

    fn answer(&mut self, message: &Message) {
        let Some(id) = message.in_reply_to() else { return };
        match self.waiting.remove(&id) {
            Some(waiting) => {
                // Its client may be gone.
                let _ = waiting.send(message.body.clone());
            }
            None => self.ignored += 1,
        }
    }
}

fn client_end(client: u64) -> End {
    if client == HARNESS { End::Harness } else { End::Client }
}

fn client_name(client: u64) -> String {
    format!("c{client}")
}

/// The neighbours of each node in a grid, as the workload `broadcast` announces them.
pub(crate) fn grid(nodes: u16) -> Json {
    let side = (1..=nodes).find(|side| u32::from(*side) * u32::from(*side) >= u32::from(nodes)).unwrap_or(1);
    let neighbours = |node: u16| {
        let (column, row) = (node % side, node / side);
        let near = [
            (column > 0).then(|| node - 1),
            (column + 1 < side).then(|| node + 1),
            (row > 0).then(|| node - side),
            node.checked_add(side),
        ];
        let near = near.into_iter().flatten().filter(|near| *near < nodes);
        near.map(|near| Json::from(Node(near).to_string())).collect::<Vec<_>>()
    };
    let entries = (0..nodes).map(|node| (Node(node).to_string(), Json::from(neighbours(node))));
    Json::Object(entries.collect())
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::super::message::body;
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn router() -> (Arc<Router>, Vec<UnboundedReceiver<String>>) {
        let router = Arc::new(Router::new(2, &Dice::new(1)));
        let mut inboxes = Vec::new();
        for node in Node::first(2) {
            let (inbox, taken) = unbounded_channel();
            router.connect(node, Some(inbox));
            inboxes.push(taken);
        }
        (router, inboxes)
    }

    #[tokio::test]
    async fn requests_reach_nodes_and_answers_their_clients() {
        let (router, mut inboxes) = router();
        let client = router.new_client();
        let asking = tokio::spawn({
            let router = Arc::clone(&router);
            async move { router.ask(client, Node(0), body("read", []), LIMIT).await }
        });
        let line = inboxes[0].recv().await.unwrap();
        assert_eq!(line, r#"{"src":"c1","dest":"n1","body":{"msg_id":1,"type":"read"}}"#);
        let answer = r#"{"src":"n1","dest":"c1","body":{"type":"read_ok","in_reply_to":1}}"#;
        router.said(Node(0), answer);
        assert_eq!(super::super::message::kind(&asking.await.unwrap().unwrap()), "read_ok");
        router.said(Node(0), answer);
        assert_eq!((router.ignored(), router.broken()), (1, None));
        router.connect(Node(0), None);
        assert_eq!(router.ask(client, Node(0), body("read", []), LIMIT).await, Err(Silence::Dead));
    }

    #[tokio::test]
    async fn nodes_reach_each_other_and_services_and_nothing_else() {
        let (router, mut inboxes) = router();
        router.said(Node(0), r#"{"src":"n1","dest":"n2","body":{"type":"gossip"}}"#);
        assert!(inboxes[1].try_recv().unwrap().contains("gossip"));
        let ask = r#"{"src":"n1","dest":"lin-kv","body":{"type":"write","key":1,"value":2,"msg_id":7}}"#;
        router.said(Node(0), ask);
        let answer = inboxes[0].try_recv().unwrap();
        assert!(answer.contains("write_ok") && answer.contains("\"in_reply_to\":7"), "{answer}");
        assert_eq!(router.broken(), None);
        let breaches = [
            "hello",
            r#"{"src":"n2","dest":"n1","body":{"type":"x"}}"#,
            r#"{"src":"n1","dest":"n3","body":{"type":"x"}}"#,
            r#"{"src":"n1","dest":"c9","body":{"type":"x"}}"#,
            r#"{"src":"n1","dest":"c0","body":{"type":"x","in_reply_to":5}}"#,
        ];
        let told = breaches.map(|line| {
            let router = Arc::new(Router::new(2, &Dice::new(1)));
            router.said(Node(0), line);
            router.broken().unwrap_or_default()
        });
        insta::assert_snapshot!(told.join("\n"));
    }

    #[tokio::test]
    async fn a_cut_loses_what_nodes_say_but_not_what_the_harness_asks() {
        let (router, mut inboxes) = router();
        router.begin(FaultId(1), &Effect::Cut { from: vec![Node(0)], to: vec![Node(1)] });
        router.begin(FaultId(1), &Effect::CutClients { nodes: vec![Node(0)] });
        router.said(Node(0), r#"{"src":"n1","dest":"n2","body":{"type":"gossip"}}"#);
        assert!(inboxes[1].try_recv().is_err());
        let client = router.new_client();
        let short = Duration::from_millis(1);
        assert_eq!(router.ask(client, Node(0), body("read", []), short).await, Err(Silence::TimedOut));
        assert!(inboxes[0].try_recv().is_err());
        let _ = router.ask(HARNESS, Node(0), body("init", []), short).await;
        assert!(inboxes[0].try_recv().unwrap().contains("init"));
        assert!(router.end(FaultId(1)).unwrap().was_felt());
    }

    #[test]
    fn a_grid_has_neighbours_on_its_sides() {
        assert_eq!(
            grid(5).to_string(),
            r#"{"n1":["n2","n4"],"n2":["n1","n3","n5"],"n3":["n2"],"n4":["n5","n1"],"n5":["n4","n2"]}"#
        );
        assert_eq!(grid(1).to_string(), r#"{"n1":[]}"#);
    }
}
