//! A client of Redis: it asks the Sentinel beside its node who the master is, and the master for everything else. It never
//! sends a command twice.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use histories::{Function, Hints, Node, Op};
use nemesis::BoxFuture;
use redis::Cmd;

use super::commands;
use super::launcher::{MASTER, SENTINEL, SERVER};
use super::session::{Lost, Session};
use crate::client::back_off;
use crate::cluster::Doors;
use crate::drivers::lost::failed;
use crate::{Client, Completion, Reply};

/// How long a Sentinel's word is taken for true, as by clients that listen for its news.
const MASTER_KNOWN: Duration = Duration::from_millis(100);

pub(super) struct RedisClient {
    doors: Doors,
    /// A write counts as acknowledged when so many replicas have it; 0 where the master's word is enough.
    wait: u16,
    sessions: BTreeMap<(Node, usize), Session>,
    /// The master according to the Sentinel of a node, and when it said so.
    master: Option<(Node, Node, Instant)>,
}

impl RedisClient {
    pub(super) fn new(doors: Doors, wait: u16) -> Self {
        Self { doors, wait, sessions: BTreeMap::new(), master: None }
    }

    async fn ask(&mut self, at: (Node, usize), command: &Cmd, until: Instant) -> Result<redis::Value, Lost> {
        let (node, port) = at;
        let address = self.doors.address(node, port);
        let address =
            address.ok_or_else(|| Lost::NotSent(format!("{node} is dead, connections are refused")))?;
        let left = until.saturating_duration_since(Instant::now());
        self.sessions.entry(at).or_default().ask(address, command, left).await
    }

    /// Who leads, by the Sentinel of `node`; the error says why that is not known.
    async fn master(&mut self, node: Node, until: Instant) -> Result<Node, String> {
        if let Some((by, master, since)) = self.master
            && by == node
            && since.elapsed() < MASTER_KNOWN
        {
            return Ok(master);
        }
        self.master = None;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(MASTER);
        let answer = self.ask((node, SENTINEL), &command, until).await;
        let answer = answer.map_err(|lost| format!("{node}'s Sentinel: {lost:?}"))?;
        let named = address(&answer).and_then(|address| self.doors.node_at(address));
        let (master, _) = named.ok_or_else(|| format!("{node}'s Sentinel knows no master: {answer:?}"))?;
        self.master = Some((node, master, Instant::now()));
        Ok(master)
    }

    async fn once(&mut self, node: Node, op: &Op, until: Instant) -> Completion {
        let command = match commands::command(op) {
            Ok(command) => command,
            Err(error) => return failed(error),
        };
        let serving = match op.function {
            Function::Dump => Ok(node),
            _ => self.master(node, until).await,
        };
        let serving = match serving {
            Ok(serving) => serving,
            Err(why) => return failed(why),
        };
        let hints = Hints { served_by: (serving != node).then_some(serving), ..Hints::NONE };
        let unclear = |why| if op.function.only_looks() { failed(why) } else { Completion::Info(why) };
        let answer = match self.ask((serving, SERVER), &command, until).await {
            Ok(answer) => answer,
            Err(lost) => {
                self.master = None;
                return match lost {
                    Lost::NotSent(why) | Lost::Refused(why) => failed(why),
                    Lost::Unknown(why) => unclear(why),
                };
            }
        };
        match commands::understood(op, &answer) {
            Err(nonsense) => unclear(nonsense),
            Ok(Err(seen)) => Completion::Fail { error: "another value".to_owned(), seen: Some(seen), hints },
            Ok(Ok(value)) if op.function.only_looks() || self.wait == 0 => {
                Completion::Ok(Reply { value, hints })
            }
            Ok(Ok(value)) => match self.copied(serving, until).await {
                Ok(()) => Completion::Ok(Reply { value, hints }),
                Err(why) => Completion::Info(why),
            },
        }
    }

    /// Waits until as many replicas as the mode asks for have all that this client wrote.
    async fn copied(&mut self, master: Node, until: Instant) -> Result<(), String> {
        let left = until.saturating_duration_since(Instant::now()) * 3 / 4;
        let mut command = redis::cmd("WAIT");
        command.arg(self.wait).arg(left.as_millis().max(1) as u64);
        match self.ask((master, SERVER), &command, until).await {
            Ok(redis::Value::Int(have)) if have >= i64::from(self.wait) => Ok(()),
            Ok(have) => Err(format!("done, and the replicas that have it are too few: {have:?}")),
            Err(lost) => Err(format!("done, and no replica is known to have it: {lost:?}")),
        }
    }
}

/// An address as Sentinels name it: host and port.
pub(super) fn address(answer: &redis::Value) -> Option<SocketAddr> {
    let redis::Value::Array(parts) = answer else { return None };
    let [host, port] = parts.as_slice() else { return None };
    let (host, port) = (commands::word(host).ok()?, commands::word(port).ok()?);
    Some(SocketAddr::new(host.parse().ok()?, port.parse().ok()?))
}

impl Client for RedisClient {
    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let sent = Instant::now();
            let completion = self.once(node, op, sent + deadline).await;
            back_off(&completion, sent, deadline).await;
            completion
        })
    }
}
