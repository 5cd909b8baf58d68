//! A session of the child protocol as a client: one thread's sessions, one a node.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use histories::{Hints, Node, Op};
use nemesis::BoxFuture;

use super::child::{Child, Silence};
use super::message::{Answer, Request};
use crate::cluster::Doors;
use crate::{Client, Completion};

/// How long a call takes at least that was never sent, so that a dead node is not asked thousands of times a second.
const REFUSED_BACK_OFF: Duration = Duration::from_millis(50);

/// One logical client.
pub(crate) struct LinesClient {
    child: Arc<Child>,
    doors: Doors,
    /// The open session with each node, and the address that it was opened with.
    sessions: BTreeMap<Node, (u64, SocketAddr)>,
}

impl LinesClient {
    pub(crate) fn new(child: Arc<Child>, doors: Doors) -> Self {
        Self { child, doors, sessions: BTreeMap::new() }
    }

    /// A session with the node as it is reached now; the error says why nothing was sent.
    async fn session(&mut self, node: Node, limit: Duration) -> Result<u64, String> {
        let address =
            self.doors.address(node, 0).ok_or_else(|| format!("{node} is dead, connections are refused"))?;
        if let Some(&(session, opened)) = self.sessions.get(&node) {
            if opened == address {
                return Ok(session);
            }
            self.close(node);
        }
        let session = self.child.new_session();
        let answer = self.child.ask(&Request::Open { session, node, address }, limit).await;
        match answer {
            Ok(Answer::Ok(_)) => {
                self.sessions.insert(node, (session, address));
                Ok(session)
            }
            Ok(Answer::Fail { why, .. } | Answer::Info(why)) => Err(format!("no session: {why}")),
            Err(Silence::TimedOut) => Err("no session was opened in time".to_owned()),
            Err(Silence::Broken) => Err("the client process has ended or broken the protocol".to_owned()),
        }
    }

    fn close(&mut self, node: Node) {
        if let Some((session, _)) = self.sessions.remove(&node) {
            self.child.tell(&Request::Close { session });
        }
    }

    async fn ask(&mut self, session: u64, op: &Op, limit: Duration) -> Completion {
        let deadline_ms = limit.as_millis() as u64;
        match self.child.ask(&Request::Call { session, deadline_ms, op: op.into() }, limit).await {
            Ok(answer) => answer.completion(op).unwrap_or_else(|why| {
                self.child.breaks(why.clone());
                Completion::Info(why)
            }),
            Err(Silence::TimedOut) => Completion::Info("no answer by the deadline".to_owned()),
            Err(Silence::Broken) => {
                Completion::Info("the client process has ended or broken the protocol".to_owned())
            }
        }
    }
}

impl Client for LinesClient {
    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let began = Instant::now();
            match self.session(node, deadline).await {
                Ok(session) => self.ask(session, op, deadline.saturating_sub(began.elapsed())).await,
                Err(error) => {
                    let pause = REFUSED_BACK_OFF.min(deadline).saturating_sub(began.elapsed());
                    tokio::time::sleep(pause).await;
                    Completion::Fail { error, seen: None, hints: Hints::NONE }
                }
            }
        })
    }
}

impl Drop for LinesClient {
    fn drop(&mut self) {
        let nodes: Vec<Node> = self.sessions.keys().copied().collect();
        for node in nodes {
            self.close(node);
        }
    }
}
