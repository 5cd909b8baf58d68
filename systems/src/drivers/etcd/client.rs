//! A client of etcd: one thread's connections. It never sends a request twice.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use histories::{Function, Hints, Node, Op, Value};
use nemesis::BoxFuture;

use super::gateway;
use super::launcher::CLIENT;
use crate::client::back_off;
use crate::cluster::Doors;
use crate::http::{HttpRequest, Link, Loss};
use crate::{Client, Completion, Reply};

const TEAR_DOWN_MAX: Duration = Duration::from_secs(10);

pub(super) struct EtcdClient {
    doors: Doors,
    serializable: bool,
    /// Before every key.
    prefix: String,
    links: BTreeMap<Node, Link>,
}

impl EtcdClient {
    pub(super) fn new(doors: Doors, serializable: bool, prefix: String) -> Self {
        Self { doors, serializable, prefix, links: BTreeMap::new() }
    }

    /// Status and body, or what the loss of the answer means for `op`.
    async fn ask(
        &mut self,
        node: Node,
        op: &Op,
        request: HttpRequest,
        deadline: Instant,
    ) -> Result<(u16, Vec<u8>), Completion> {
        let address = self
            .doors
            .address(node, CLIENT)
            .ok_or_else(|| gateway::failed(format!("{node} is dead, connections are refused")))?;
        let left = deadline.saturating_duration_since(Instant::now());
        match self.links.entry(node).or_default().send(address, request, left).await {
            Ok((status, body)) => Ok((status, body.to_vec())),
            Err(Loss::NotSent(why)) => Err(gateway::failed(why)),
            Err(Loss::TimedOut) => Err(gateway::unclear(op, "no answer within the deadline".to_owned())),
            Err(Loss::Broken(why)) => Err(gateway::unclear(op, why)),
        }
    }

    async fn once(&mut self, node: Node, op: &Op, deadline: Instant) -> Completion {
        let request = match gateway::request(op, self.serializable, &self.prefix) {
            Ok(request) => request,
            Err(error) => return gateway::failed(error),
        };
        match self.ask(node, op, request, deadline).await {
            Ok((status, body)) => gateway::completion(op, status, &body, &self.prefix),
            Err(completion) => completion,
        }
    }

    /// Reads the list and writes it with one more element, provided that it has not changed meanwhile: else that
    /// certainly did nothing, and it is done again.
    async fn append(&mut self, node: Node, op: &Op, deadline: Instant) -> Result<Completion, Completion> {
        let key = gateway::key(op, &self.prefix).map_err(gateway::failed)?;
        loop {
            let read = Op { function: Function::Read, ..op.clone() };
            let (status, body) = self.ask(node, &read, gateway::read(&key, false), deadline).await?;
            let (list, revision) = gateway::found(&read, status, &body)?;
            let elements = list.as_list().unwrap_or_default().iter().cloned();
            let longer = Value::list(elements.chain([op.value.clone()]));
            let request = gateway::replace(&key, revision, &longer);
            let (status, body) = self.ask(node, op, request, deadline).await?;
            if let Some(version) = gateway::replaced(op, status, &body)? {
                let hints = Hints { version: Some(version), ..Hints::NONE };
                return Ok(Completion::Ok(Reply { value: op.value.clone(), hints }));
            }
            if Instant::now() >= deadline {
                return Err(gateway::failed("others changed the list all the time".to_owned()));
            }
        }
    }
}

impl Client for EtcdClient {
    fn tear_down(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let nothing = Op::global(Function::Remove, Value::Null);
            let request = gateway::remove_all(&self.prefix);
            let answer = self.ask(Node(0), &nothing, request, Instant::now() + TEAR_DOWN_MAX).await;
            match answer {
                Ok((200, _)) => Ok(()),
                Ok((status, _)) => Err(format!("HTTP status {status}")),
                Err(lost) => Err(format!("{lost:?}")),
            }
        })
    }

    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let sent = Instant::now();
            let until = sent + deadline;
            let completion = match op.function {
                Function::Append => {
                    self.append(node, op, until).await.unwrap_or_else(|completion| completion)
                }
                _ => self.once(node, op, until).await,
            };
            back_off(&completion, sent, deadline).await;
            completion
        })
    }
}
