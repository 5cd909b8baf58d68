//! The child as the harness talks with it: requests out, answers in any order. It never sends a request twice, and it
//! never takes a broken protocol for an answer.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use histories::Node;
use nemesis::backends::{NodeProcess, ProcessError, ProcessSpec};
use serde::Deserialize;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::ledger::Ledger;
use super::message::{Answer, Request, VERSION};
use crate::Setup;
use crate::own::pipe::{self, Lines};

/// How long a child may take for its first answer.
const HELLO_MAX: Duration = Duration::from_secs(10);
/// How long a child may take to end once its standard input is closed.
const END_MAX: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(5);

/// What only some children can do: the verbs that a hello may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verb {
    Start,
    Stop,
    Kill,
    Pause,
    Resume,
    Status,
    Primary,
}

impl Verb {
    pub(crate) const ALL: [Self; 7] =
        [Self::Start, Self::Stop, Self::Kill, Self::Pause, Self::Resume, Self::Status, Self::Primary];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Status => "status",
            Self::Primary => "primary",
        }
    }
}

/// What a file says that its client process can do beside operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verbs {
    pub(crate) verbs: BTreeSet<Verb>,
    /// Its nodes find each other at the addresses that `start` names, so links can be cut.
    pub(crate) links: bool,
}

impl Verbs {
    pub(crate) fn has(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }
}

/// What a child says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Hello {
    /// The version that it speaks.
    partita: u32,
    verbs: BTreeSet<Verb>,
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    TimedOut,
    /// The child broke the protocol or ended; [`Child::failure`] says how.
    Broken,
}

#[derive(Debug, Default)]
struct State {
    ledger: Ledger<oneshot::Sender<Answer>>,
    /// How the child broke the protocol, the first time.
    broken: Option<String>,
}

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Child {
    process: tokio::sync::Mutex<NodeProcess>,
    state: Arc<Mutex<State>>,
    to: Mutex<Option<UnboundedSender<String>>>,
    reader: JoinHandle<()>,
    sessions: AtomicU64,
}

impl Drop for Child {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Child {
    /// Starts the process; nothing was said yet.
    pub(crate) fn start(spec: ProcessSpec) -> Result<Self, ProcessError> {
        let (process, to, lines) = pipe::start(spec)?;
        let state = Arc::<Mutex<State>>::default();
        let reader = tokio::spawn(read(lines, Arc::clone(&state)));
        Ok(Self {
            process: tokio::sync::Mutex::new(process),
            state,
            to: Mutex::new(Some(to)),
            reader,
            sessions: AtomicU64::new(0),
        })
    }

    /// The first words: each says which version it speaks, and the child what it can do.
    pub(crate) async fn hello(&self, setup: &Setup, verbs: &Verbs) -> Result<(), String> {
        let (mode, workload, clients) = (&setup.mode.name, &setup.workload, setup.clients);
        let nodes: Vec<Node> = setup.layout.nodes().collect();
        let request = Request::Hello { partita: VERSION, mode, workload, nodes, clients };
        let hello = self.must(&request, HELLO_MAX).await?;
        let hello: Hello =
            serde_json::from_value(hello).map_err(|error| format!("its hello makes no sense: {error}"))?;
        if hello.partita != VERSION {
            let spoken = hello.partita;
            return Err(format!("it speaks version {spoken} of the protocol; this is version {VERSION}"));
        }
        match verbs.verbs.difference(&hello.verbs).next() {
            Some(verb) => Err(format!("the file says that it knows {}, and its hello does not", verb.name())),
            None => Ok(()),
        }
    }

    /// A request that has to succeed.
    pub(crate) async fn must(
        &self,
        request: &Request<'_>,
        limit: Duration,
    ) -> Result<serde_json::Value, String> {
        match self.ask(request, limit).await {
            Ok(Answer::Ok(ok)) => Ok(ok),
            Ok(Answer::Fail { why, .. } | Answer::Info(why)) => Err(why),
            Err(Silence::TimedOut) => Err(format!("no answer within {} ms", limit.as_millis())),
            Err(Silence::Broken) => Err(self.failure().await.unwrap_or_else(|| "it has ended".to_owned())),
        }
    }

    /// Sends a request and waits for its answer, but not for longer than `limit`.
    pub(crate) async fn ask(&self, request: &Request<'_>, limit: Duration) -> Result<Answer, Silence> {
        let (id, answer) = self.send(request).ok_or(Silence::Broken)?;
        match tokio::time::timeout(limit, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Silence::Broken),
            Err(_) => {
                self.state().ledger.expire(id);
                Err(Silence::TimedOut)
            }
        }
    }

    /// Sends a request whose answer nothing waits for.
    pub(crate) fn tell(&self, request: &Request<'_>) {
        self.send(request);
    }

    fn send(&self, request: &Request<'_>) -> Option<(u64, oneshot::Receiver<Answer>)> {
        let (waiting, answer) = oneshot::channel();
        let mut state = self.state();
        if state.broken.is_some() {
            return None;
        }
        let id = state.ledger.issue(waiting);
        let line = request.line(id).ok()?;
        // Under the lock, so that identifiers arrive in order.
        let to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        to.as_ref()?.send(line).ok()?;
        Some((id, answer))
    }

    /// A number that no other session has.
    pub(crate) fn new_session(&self) -> u64 {
        self.sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// An answer came that cannot be one to its request.
    pub(crate) fn breaks(&self, how: String) {
        self.state().break_off(how);
    }

    /// How the child broke the protocol, if it did, with the end of its log.
    pub(crate) async fn failure(&self) -> Option<String> {
        let how = self.state().broken.clone()?;
        let mut process = self.process.lock().await;
        let ended = process.ended().map(|status| format!(" ({status})")).unwrap_or_default();
        let tail = process.tail();
        let log = if tail.is_empty() { String::new() } else { format!("; the end of its log:\n{tail}") };
        Some(format!("the client process broke the protocol{ended}: {how}{log}"))
    }

    /// Answers that came after their deadline.
    pub(crate) fn late(&self) -> u64 {
        self.state().ledger.late()
    }

    /// Closes its standard input, waits for its end for a while, and kills it then.
    pub(crate) async fn stop(&self) -> Result<(), ProcessError> {
        // Its end is expected from now on.
        self.reader.abort();
        self.to.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut process = self.process.lock().await;
        let began = Instant::now();
        while began.elapsed() < END_MAX && process.ended().is_none() {
            tokio::time::sleep(POLL).await;
        }
        process.kill().await.map(drop)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is open stays without an answer.
    fn break_off(&mut self, how: String) {
        self.broken.get_or_insert(how);
        self.ledger.close();
    }
}

async fn read(mut lines: Lines, state: Arc<Mutex<State>>) {
    loop {
        let next = lines.next().await;
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let how = match next {
            Ok(Some(line)) => match state.ledger.answered(&line) {
                Ok(answered) => {
                    if let Some((waiting, answer)) = answered {
                        // Nothing may wait any more: an answer to close, or a client that was dropped.
                        let _ = waiting.send(answer);
                    }
                    continue;
                }
                Err(breach) => breach.to_string(),
            },
            Ok(None) => "its standard output has ended".to_owned(),
            Err(why) => why,
        };
        state.break_off(how);
        return;
    }
}
