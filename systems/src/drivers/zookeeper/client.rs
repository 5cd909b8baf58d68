//! A client of ZooKeeper: one thread's sessions, one with each server that it talks to. Each request is sent once.
//!
//! A register is a node, and so is an element of a set, below the set's. A lock is held while its node is there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use histories::{Function, Hints, Key, Node, Op, Value};
use nemesis::BoxFuture;

use super::launcher::CLIENT;
use super::session::Session;
use super::wire::{ANY_VERSION, Answer, Refusal, Request, Stat};
use crate::client::back_off;
use crate::cluster::Doors;
use crate::drivers::lost::{Lost, failed};
use crate::{Client, Completion, Reply};

const REGISTERS: &str = "/registers";
const SETS: &str = "/sets";
const LOCKS: &str = "/locks";
const SET_UP_MAX: Duration = Duration::from_secs(10);
/// How often a node may be made and removed by others between two requests about it.
const ATTEMPTS_MAX: u32 = 4;
/// What an answer is that decides something and is no reason to wait.
const ANOTHER_VALUE: &str = "another value";

pub(super) fn supports(function: &Function) -> bool {
    matches!(
        function,
        Function::Read
            | Function::Write
            | Function::Cas
            | Function::Add
            | Function::Remove
            | Function::ReadAll
            | Function::Acquire
            | Function::Release
            | Function::Dump
    )
}

/// How a client uses the servers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    /// The server catches up with the leader before a read.
    pub(super) sync: bool,
    /// Locks end with their holder's session.
    pub(super) ephemeral: bool,
    pub(super) session: Duration,
}

pub(super) struct ZookeeperClient {
    doors: Doors,
    how: Use,
    sessions: BTreeMap<Node, Session>,
    /// The locks that it holds, each with the server and the session that it was taken in.
    held: BTreeMap<Key, (Node, u64)>,
}

/// What a call comes to where it does not succeed.
type Done<T> = Result<T, Completion>;

impl ZookeeperClient {
    pub(super) fn new(doors: Doors, how: Use) -> Self {
        Self { doors, how, sessions: BTreeMap::new(), held: BTreeMap::new() }
    }

    async fn send(
        &mut self,
        at: &Call<'_>,
        requests: &[Request],
        within: Option<u64>,
    ) -> Result<Vec<Result<Answer, Refusal>>, Lost> {
        let node = at.node;
        let address = self.doors.address(node, CLIENT);
        let address =
            address.ok_or_else(|| Lost::NotSent(format!("{node} is dead, connections are refused")))?;
        let session = self.sessions.entry(node).or_insert_with(|| Session::new(self.how.session));
        session.ask(address, requests, at.left(), within).await
    }

    /// The answer to the last of some requests. A refusal that decides nothing about the operation ends the call.
    async fn last(&mut self, at: &Call<'_>, requests: &[Request]) -> Done<Result<Answer, Refusal>> {
        let answers = self.send(at, requests, None).await.map_err(|lost| at.lost(lost))?;
        let unclear = answers.iter().find_map(|answer| match answer {
            Err(Refusal::Unclear(code)) => Some(Lost::Unknown(format!("the server says error {code}"))),
            Err(Refusal::Other(code)) => Some(Lost::Refused(format!("the server says error {code}"))),
            _ => None,
        });
        match (unclear, answers.into_iter().next_back()) {
            (Some(unclear), _) => Err(at.lost(unclear)),
            (None, Some(answer)) => Ok(answer),
            (None, None) => Err(failed("nothing was asked".to_owned())),
        }
    }

    /// A read, of what the leader has by now where the mode says so.
    async fn look(&mut self, at: &Call<'_>, request: Request, path: &str) -> Done<Result<Answer, Refusal>> {
        if self.how.sync {
            self.last(at, &[Request::sync(path), request]).await
        } else {
            self.last(at, &[request]).await
        }
    }

    /// What a register holds, and how the node is; nothing and no node where it is not there.
    async fn read(&mut self, at: &Call<'_>, path: &str) -> Done<(Value, Option<Stat>)> {
        match self.look(at, Request::get(path), path).await? {
            Ok(answer) => {
                let value = parsed(&answer.data).map_err(|nonsense| at.lost(Lost::Unknown(nonsense)))?;
                Ok((value, Some(answer.stat)))
            }
            Err(_) => Ok((Value::Null, None)),
        }
    }

    async fn write(&mut self, at: &Call<'_>, path: &str) -> Done<Completion> {
        let data = text(&at.op.value);
        for _ in 0..ATTEMPTS_MAX {
            if let Ok(answer) = self.last(at, &[Request::set(path, &data, ANY_VERSION)]).await? {
                return Ok(done(at.op.value.clone(), answer.stat.modified));
            }
            if let Ok(answer) = self.last(at, &[Request::create(path, &data, false)]).await? {
                return Ok(done(at.op.value.clone(), answer.stat.modified));
            }
        }
        Err(failed("the register comes and goes".to_owned()))
    }

    async fn cas(&mut self, at: &Call<'_>, path: &str) -> Done<Completion> {
        let (from, to) = at.op.value.as_pair().ok_or_else(|| failed("cas takes [from, to]".to_owned()))?;
        // Nothing is written yet: what is not known of the read is a failure.
        let looks = Call { looks: true, ..*at };
        let (seen, stat) = self.read(&looks, path).await?;
        if seen != *from {
            let hints = Hints { version: stat.map(|stat| stat.modified as u64), ..Hints::NONE };
            return Err(Completion::Fail { error: ANOTHER_VALUE.to_owned(), seen: Some(seen), hints });
        }
        let request = match stat {
            Some(stat) => Request::set(path, &text(to), stat.version),
            None => Request::create(path, &text(to), false),
        };
        match self.last(at, &[request]).await? {
            Ok(answer) => Ok(done(at.op.value.clone(), answer.stat.modified)),
            Err(_) => Err(failed(ANOTHER_VALUE.to_owned())),
        }
    }

    async fn add(&mut self, at: &Call<'_>, set: &str, path: &str) -> Done<Completion> {
        for _ in 0..ATTEMPTS_MAX {
            match self.last(at, &[Request::create(path, b"", false)]).await? {
                Ok(answer) => return Ok(done(at.op.value.clone(), answer.stat.created)),
                Err(Refusal::NodeExists) => return Ok(done(at.op.value.clone(), 0)),
                Err(_) => {
                    // That it is there already is as good; an unknown end of this one adds nothing.
                    let looks = Call { looks: true, ..*at };
                    let _ = self.last(&looks, &[Request::create(set, b"", false)]).await?;
                }
            }
        }
        Err(failed("the set comes and goes".to_owned()))
    }

    async fn acquire(&mut self, at: &Call<'_>, key: &Key, path: &str) -> Done<Completion> {
        match self.last(at, &[Request::create(path, b"", self.how.ephemeral)]).await? {
            Ok(answer) => {
                let life = self.sessions.get(&at.node).map_or(0, Session::life);
                self.held.insert(key.clone(), (at.node, life));
                let fence = Value::map([("fence".to_owned(), Value::Int(answer.stat.created))]);
                Ok(done(fence, answer.stat.created))
            }
            Err(_) => Err(failed("another client holds it".to_owned())),
        }
    }

    /// A lock that ends with a session is given back in that session alone: later it may be another client's.
    async fn release(&mut self, at: &Call<'_>, key: &Key, path: &str) -> Done<Completion> {
        let held = self.held.remove(key);
        let (node, life) = held.ok_or_else(|| failed("this client does not hold it".to_owned()))?;
        let (at, within) = if self.how.ephemeral { (Call { node, ..*at }, Some(life)) } else { (*at, None) };
        match self.send(&at, &[Request::delete(path)], within).await {
            Ok(answers) if answers == [Ok(Answer::default())] => Ok(done(Value::Null, 0)),
            Ok(answers) => Err(at.lost(Lost::Unknown(format!("the server says {answers:?}")))),
            Err(lost) => {
                if matches!(lost, Lost::NotSent(_)) {
                    self.held.insert(key.clone(), (node, life));
                }
                Err(at.lost(lost))
            }
        }
    }

    /// What the server has: registers with their values, and sets as lists of their elements.
    async fn dump(&mut self, at: &Call<'_>) -> Done<Completion> {
        let mut state = BTreeMap::new();
        let (registers, sets) = (self.names(at, REGISTERS).await?, self.names(at, SETS).await?);
        let gets: Vec<Request> =
            registers.iter().map(|name| Request::get(&format!("{REGISTERS}/{name}"))).collect();
        let lists: Vec<Request> =
            sets.iter().map(|name| Request::children(&format!("{SETS}/{name}"))).collect();
        let requests: Vec<Request> = gets.into_iter().chain(lists).collect();
        let answers = self.send(at, &requests, None).await.map_err(|lost| at.lost(lost))?;
        for (place, (name, answer)) in registers.iter().chain(&sets).zip(answers).enumerate() {
            let answer = answer.map_err(|refusal| failed(format!("{name}: {refusal:?}")))?;
            let value =
                if place < registers.len() { parsed(&answer.data) } else { elements(&answer.children) };
            state.insert(name.clone(), value.map_err(failed)?);
        }
        Ok(done(Value::map(state), 0))
    }

    async fn names(&mut self, at: &Call<'_>, path: &str) -> Done<Vec<String>> {
        let answer = self.last(at, &[Request::children(path)]).await?;
        answer.map(|answer| answer.children).map_err(|refusal| failed(format!("{path}: {refusal:?}")))
    }

    async fn once(&mut self, at: &Call<'_>) -> Done<Completion> {
        let op = at.op;
        if op.function == Function::Dump {
            return self.dump(at).await;
        }
        let key = op.key.as_ref().ok_or_else(|| failed(format!("{} needs a key", op.function)))?;
        if key.as_str().contains('/') {
            return Err(failed(format!("{key} cannot be the name of a node")));
        }
        let below = |root: &str| format!("{root}/{}", key.as_str());
        let (register, set, lock) = (below(REGISTERS), below(SETS), below(LOCKS));
        let element = || format!("{set}/{}", URL_SAFE_NO_PAD.encode(text(&op.value)));
        match &op.function {
            Function::Read => {
                let (value, stat) = self.read(at, &register).await?;
                Ok(done(value, stat.unwrap_or_default().modified))
            }
            Function::Write => self.write(at, &register).await,
            Function::Cas => self.cas(at, &register).await,
            Function::Add => self.add(at, &set, &element()).await,
            Function::Remove => match self.last(at, &[Request::delete(&element())]).await? {
                Ok(_) | Err(Refusal::NoNode) => Ok(done(op.value.clone(), 0)),
                Err(refusal) => Err(failed(format!("{refusal:?}"))),
            },
            Function::ReadAll => match self.look(at, Request::children(&set), &set).await? {
                Ok(answer) => elements(&answer.children).map(|list| done(list, 0)).map_err(failed),
                Err(_) => Ok(done(Value::list([]), 0)),
            },
            Function::Acquire => self.acquire(at, key, &lock).await,
            Function::Release => self.release(at, key, &lock).await,
            other => Err(failed(format!("ZooKeeper has no {other}"))),
        }
    }
}

/// An operation under way.
#[derive(Clone, Copy)]
struct Call<'o> {
    op: &'o Op,
    node: Node,
    until: Instant,
    /// Nothing of it was sent that changes anything.
    looks: bool,
}

impl Call<'_> {
    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    fn lost(&self, lost: Lost) -> Completion {
        lost.into_completion(self.looks)
    }
}

/// `transaction` is 0 where there is none to tell.
fn done(value: Value, transaction: i64) -> Completion {
    let version = u64::try_from(transaction).ok().filter(|&version| version > 0);
    Completion::Ok(Reply { value, hints: Hints { version, ..Hints::NONE } })
}

/// The elements of a set by the names of their nodes, in one order at all servers.
fn elements(names: &[String]) -> Result<Value, String> {
    let element = |name: &String| {
        let bytes =
            URL_SAFE_NO_PAD.decode(name).map_err(|error| format!("{name:?} is no element: {error}"))?;
        parsed(&bytes)
    };
    let mut elements = names.iter().map(element).collect::<Result<Vec<Value>, String>>()?;
    elements.sort();
    Ok(Value::list(elements))
}

fn parsed(bytes: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("a value that no client wrote: {error}"))
}

fn text(value: &Value) -> Vec<u8> {
    // A value is always JSON.
    serde_json::to_vec(value).unwrap_or_default()
}

impl Client for ZookeeperClient {
    fn set_up(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let nothing = Op::global(Function::Dump, Value::Null);
            let at = Call { op: &nothing, node: Node(0), until: Instant::now() + SET_UP_MAX, looks: true };
            for path in [REGISTERS, SETS, LOCKS] {
                let made = self.last(&at, &[Request::create(path, b"", false)]).await;
                match made.map_err(|lost| format!("{lost:?}"))? {
                    Ok(_) | Err(Refusal::NodeExists) => {}
                    Err(refusal) => return Err(format!("{path}: {refusal:?}")),
                }
            }
            Ok(())
        })
    }

    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion> {
        Box::pin(async move {
            let sent = Instant::now();
            let at = Call { op, node, until: sent + deadline, looks: op.only_looks() };
            let completion = self.once(&at).await.unwrap_or_else(|completion| completion);
            if !matches!(&completion, Completion::Fail { error, .. } if error == ANOTHER_VALUE) {
                back_off(&completion, sent, deadline).await;
            }
            completion
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_in_one_order_whatever_their_names_order() {
        let names = [10, 9, 100].map(|element| URL_SAFE_NO_PAD.encode(text(&Value::Int(element))));
        assert_eq!(elements(&names).unwrap(), Value::list([9, 10, 100].map(Value::Int)));
        assert!(elements(&["*".to_owned()]).is_err());
    }
}
