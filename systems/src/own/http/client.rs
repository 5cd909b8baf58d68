//! A client that asks a database over HTTP as a file says. It sends a request at most once: it never retries, follows no
//! redirect and knows no proxy of the environment.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use histories::{Function, Hints, Node, Op, Value};
use nemesis::BoxFuture;
use reqwest::Certificate;

use super::Operations;
use super::exchange::{HttpRequest, undecided};
use crate::cluster::Doors;
use crate::http::{Loss, at_most_once, chain, loss};
use crate::{Client, Completion};

/// How long a call takes at least that failed, so that a dead node is not asked thousands of times a second.
const REFUSED_BACK_OFF: Duration = Duration::from_millis(50);
/// How long the first request may take.
const SET_UP_MAX: Duration = Duration::from_secs(5);
/// The largest answer that is read.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Who the client is, and which servers it trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) login: Login,
    pub(crate) tls: Tls,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Login {
    #[default]
    None,
    Basic {
        user: String,
        password: String,
    },
    Bearer(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tls {
    /// Certificates in PEM that are trusted besides those of the machine.
    pub(crate) trusted: Vec<u8>,
    /// Whether a server has to prove who it is.
    pub(crate) verify: bool,
    /// The name that the servers' certificates are for, where it is not the address that they are reached at.
    pub(crate) name: Option<String>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { trusted: Vec::new(), verify: true, name: None }
    }
}

impl Identity {
    /// A client of its own, with its own connections, of servers at this host.
    fn client(&self, host: IpAddr) -> Result<reqwest::Client, String> {
        let mut builder = at_most_once().tls_danger_accept_invalid_certs(!self.tls.verify);
        if !self.tls.trusted.is_empty() {
            let trusted = Certificate::from_pem_bundle(&self.tls.trusted).map_err(|error| chain(&error))?;
            builder = builder.tls_certs_merge(trusted);
        }
        if let Some(name) = &self.tls.name {
            // The port is the one of the request.
            builder = builder.resolve(name, SocketAddr::new(host, 0));
        }
        builder.build().map_err(|error| chain(&error))
    }
}

/// Asks over one kind of connection.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    client: reqwest::Client,
    login: Login,
    name: Option<String>,
}

impl Asker {
    /// Of servers at this host.
    pub(crate) fn new(identity: &Identity, host: IpAddr) -> Result<Self, String> {
        let (login, name) = (identity.login.clone(), identity.tls.name.clone());
        Ok(Self { client: identity.client(host)?, login, name })
    }

    /// A server's address as a request names it.
    pub(crate) fn authority(&self, address: SocketAddr) -> String {
        match &self.name {
            Some(name) => format!("{name}:{}", address.port()),
            None => address.to_string(),
        }
    }

    /// Sends a request at most once; the status and the body of the answer.
    pub(crate) async fn ask(&self, request: HttpRequest, limit: Duration) -> Result<(u16, String), Loss> {
        let method = request.method.parse().map_err(|_| Loss::NotSent("an unknown method".into()))?;
        let mut builder = self.client.request(method, request.url).body(request.body);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        builder = match &self.login {
            Login::None => builder,
            Login::Basic { user, password } => builder.basic_auth(user, Some(password)),
            Login::Bearer(token) => builder.bearer_auth(token),
        };
        let answered = async {
            let mut response = builder.send().await.map_err(|error| loss(&error))?;
            let status = response.status().as_u16();
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| loss(&error))? {
                body.extend_from_slice(&chunk);
                if body.len() > BODY_BYTES_MAX {
                    let told = format!("an answer of more than {} MiB", BODY_BYTES_MAX >> 20);
                    return Err(Loss::Broken(told));
                }
            }
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        };
        match tokio::time::timeout(limit, answered).await {
            Ok(answer) => answer,
            Err(_) => Err(Loss::TimedOut),
        }
    }
}

/// One logical client.
pub(crate) struct HttpClient {
    operations: Arc<Operations>,
    asker: Asker,
    doors: Doors,
}

impl HttpClient {
    pub(crate) fn new(operations: Arc<Operations>, doors: Doors) -> Result<Self, String> {
        let asker = Asker::new(&operations.identity, Ipv4Addr::LOCALHOST.into())?;
        Ok(Self { operations, asker, doors })
    }

    /// The error says why nothing was sent.
    async fn completion(&self, node: Node, op: &Op, limit: Duration) -> Result<Completion, String> {
        let exchange = self
            .operations
            .get(&op.function)
            .ok_or_else(|| format!("the file has no [operations.{}]", op.function))?;
        let address =
            self.doors.address(node, 0).ok_or_else(|| format!("{node} is dead, connections are refused"))?;
        let request = exchange.request.fill(op, node, &self.asker.authority(address))?;
        match self.asker.ask(request, limit).await {
            Ok((status, body)) => Ok(exchange.completion(op, status, &body)),
            Err(Loss::NotSent(why)) => Err(why),
            Err(Loss::TimedOut) => Ok(undecided(op, "no answer by the deadline".to_owned())),
            Err(Loss::Broken(why)) => Ok(undecided(op, why)),
        }
    }
}

impl HttpClient {
    /// Asks a node something that changes nothing: what no request of this client could do any better is told at once, not
    /// by a run in which nothing succeeds.
    async fn introduce(&self) -> Result<(), String> {
        let reads = [Function::Read, Function::ReadAll, Function::Dump];
        let Some(function) = reads.into_iter().find(|function| self.operations.supports(function)) else {
            return Ok(());
        };
        let (node, op) = (Node(0), Op::new(function, "partita-set-up", Value::Null));
        let Some((exchange, address)) = self.operations.get(&op.function).zip(self.doors.address(node, 0))
        else {
            return Ok(());
        };
        let request = exchange.request.fill(&op, node, &self.asker.authority(address))?;
        match self.asker.ask(request, SET_UP_MAX).await {
            Ok((status, body)) if exchange.denies(status, &body) => Err(format!(
                "{node} answered {status} to a {}: {}; look at basic, bearer and headers of [client]",
                op.function,
                crate::own::lines::quoted(body.trim())
            )),
            Err(Loss::NotSent(why)) => Err(format!("{node} cannot be asked anything: {why}")),
            Ok(_) | Err(Loss::TimedOut | Loss::Broken(_)) => Ok(()),
        }
    }
}

impl Client for HttpClient {
    fn set_up(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.introduce())
    }

    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let began = Instant::now();
            let completion = self.completion(node, op, deadline).await;
            // That a compare-and-set found another value is an answer; any other failure is a reason to wait a little.
            let failed = match &completion {
                Ok(Completion::Fail { .. }) => op.function != Function::Cas,
                Ok(_) => false,
                Err(_) => true,
            };
            if failed {
                tokio::time::sleep(REFUSED_BACK_OFF.min(deadline).saturating_sub(began.elapsed())).await;
            }
            completion.unwrap_or_else(|error| Completion::Fail { error, seen: None, hints: Hints::NONE })
        })
    }
}
