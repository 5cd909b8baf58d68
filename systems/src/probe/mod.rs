//! Tries whether a client keeps its contract: it says ok, fail or info truthfully, sends a request at most once, to the node
//! that it was told, and gives up at the deadline. It judges clients, never databases.

mod meddler;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use histories::{Function, Node, Op, Value};
use nemesis::backends::Proxies;
use nemesis::{Action, Effect, FaultId, Power};

use self::meddler::{Meddler, Meddling, Real, Sent};
use crate::{Client, Cluster, Completion, Setup, SetupError, System};

/// The deadline that clients are given.
const DEADLINE: Duration = Duration::from_secs(1);
/// How much later than its deadline a call may return.
const OVERRUN_MAX: Duration = Duration::from_millis(400);
/// How long it may take until an answer that was lost, or a request that was held, has had its effect.
const EFFECT_WAIT: Duration = Duration::from_millis(300);
/// How long a cluster may take to answer again once a trial is over.
const CALM_MAX: Duration = Duration::from_secs(20);
/// A client thread for the trials; the other looks what became of them.
const TRIED: u32 = 0;
const LOOKS: u32 = 1;
/// The client's port of every node.
const PORT: usize = 0;

/// What a trial does to the node that the client talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    Healthy,
    AnswerLost,
    AnswerLate,
    Nonsense,
    HangUp,
    Cut,
    Dead,
}

impl Trial {
    const ALL: [Self; 7] = [
        Self::Healthy,
        Self::AnswerLost,
        Self::AnswerLate,
        Self::Nonsense,
        Self::HangUp,
        Self::Cut,
        Self::Dead,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Healthy => "nothing is wrong",
            Self::AnswerLost => "the answer is lost",
            Self::AnswerLate => "the answer is late",
            Self::Nonsense => "the answer is nonsense",
            Self::HangUp => "the node hangs up",
            Self::Cut => "the node is cut off",
            Self::Dead => "the node is dead",
        }
    }

    fn meddling(self) -> Meddling {
        match self {
            Self::AnswerLost => Meddling::LoseAnswer,
            Self::AnswerLate => Meddling::Late(DEADLINE * 2),
            Self::Nonsense => Meddling::Nonsense,
            Self::HangUp => Meddling::HangUp,
            Self::Healthy | Self::Cut | Self::Dead => Meddling::Pass,
        }
    }

    fn power(self) -> Option<Power> {
        match self {
            Self::Cut => Some(Power::CutClients),
            Self::Dead => Some(Power::Kill),
            _ => None,
        }
    }
}

/// How a client breaks its contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It said ok, and what it wrote is not there.
    OkWithoutEffect,
    /// It said fail, and what it wrote is there.
    FailWithEffect,
    /// It said ok though no answer that makes sense had come.
    OkFromNothing,
    /// It sent on several connections during one call.
    SentAgain { connections: u64 },
    /// It sent the same request twice on one connection.
    SentTwice,
    /// It turned to another node.
    FailedOver { to: Node },
    /// It returned so much after its deadline.
    Overran { by: Duration },
    /// What it answered then belongs to an earlier request.
    MixedUp { told: Value },
    /// It said this where nothing was wrong.
    Refused { told: String },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OkWithoutEffect => f.write_str(
                "it says ok, and the write is not there: say ok only for an answer that confirms it",
            ),
            Self::FailWithEffect => {
                f.write_str("it says fail, and the write took effect: say info where the answer did not come")
            }
            Self::OkFromNothing => f.write_str("it says ok for an answer that never came or makes no sense"),
            Self::SentAgain { connections } => write!(
                f,
                "it sends again behind your back, on {connections} connections in one call: turn retries off"
            ),
            Self::SentTwice => {
                f.write_str("it sends the same request twice on one connection: turn retries off")
            }
            Self::FailedOver { to } => {
                write!(f, "it turns to {to} behind your back: give the library one address, and no discovery")
            }
            Self::Overran { by } => {
                write!(f, "it returns {} ms after its deadline: bound every wait", by.as_millis())
            }
            Self::MixedUp { told } => write!(
                f,
                "it takes the answer to an earlier request, {told}, for a later one's: close a connection whose answer \
                 did not come"
            ),
            Self::Refused { told } => write!(f, "it does not succeed though nothing is wrong: {told}"),
        }
    }
}

/// What a trial came to.
#[derive(Clone, Debug)]
pub struct Tried {
    pub trial: Trial,
    /// What the client said, in a word; why it was not tried otherwise.
    pub said: String,
    pub faults: Vec<Fault>,
    pub skipped: bool,
}

/// Starts a cluster and tries its client in every way that the cluster can be had in.
pub async fn probe(system: &dyn System, setup: &Setup) -> Result<Vec<Tried>, SetupError> {
    let fail = |what: &str, why: &str| SetupError { what: what.to_owned(), why: why.to_owned() };
    if [Function::Read, Function::Write].iter().any(|function| !system.supports(&setup.mode, function)) {
        return Err(fail("probe a client", "it takes the operations read and write"));
    }
    let cluster = system.start(setup).await?;
    let proxies = cluster.proxies();
    let proxies =
        proxies.ok_or_else(|| fail("probe a client", "the harness itself is this system's client"))?;
    let bench = Bench::new(cluster.as_ref(), &proxies, setup).await?;
    let mut tried = Vec::new();
    for trial in Trial::ALL {
        let came = bench.carry_out(trial).await?;
        let refuses = came.faults.iter().any(|fault| matches!(fault, Fault::Refused { .. }));
        tried.push(came);
        if refuses {
            // Whatever else is tried with a client that succeeds at nothing says nothing.
            break;
        }
    }
    drop(bench);
    cluster.stop().await?;
    Ok(tried)
}

/// The cluster with a meddler before every node.
struct Bench<'a> {
    cluster: &'a dyn Cluster,
    meddlers: Vec<(Node, Meddler)>,
    /// The node that the client is told to talk to: the one that leads, where one does.
    at: Node,
}

impl<'a> Bench<'a> {
    async fn new(
        cluster: &'a dyn Cluster,
        proxies: &Arc<Proxies>,
        setup: &Setup,
    ) -> Result<Self, SetupError> {
        let mut meddlers = Vec::new();
        for node in setup.layout.nodes() {
            let real: Real = {
                let proxies = Arc::clone(proxies);
                Arc::new(move || proxies.real_client_address(TRIED, node, PORT))
            };
            let meddler = Meddler::open(real).await.map_err(|error| SetupError {
                what: format!("open a proxy before {node}"),
                why: error.to_string(),
            })?;
            proxies.detour(TRIED, node, PORT, meddler.address);
            meddlers.push((node, meddler));
        }
        let at = cluster.status().await.leaders.last().map_or(Node(0), |(_, node)| *node);
        Ok(Self { cluster, meddlers, at })
    }

    async fn carry_out(&self, trial: Trial) -> Result<Tried, SetupError> {
        let missing = trial.power().filter(|power| !self.cluster.target().powers().has(*power));
        if let Some(power) = missing {
            let said = format!("not tried: nobody here can {}", power.words());
            return Ok(Tried { trial, said, faults: Vec::new(), skipped: true });
        }
        let mut client = self.cluster.connect(TRIED).await?;
        let key = format!("probe{}", trial as u8);
        // Whatever it could turn to, it knows.
        for (node, _) in &self.meddlers {
            client.call(*node, &Op::read(key.as_str()), DEADLINE).await;
        }
        // A connection that is kept is open before anything goes wrong.
        let before = self.calm(client.as_mut(), &key, 1).await;
        self.begin(trial, &key).await?;
        let began = Instant::now();
        // How late this program itself is where the machine is busy: the client is no later than that.
        let woken = tokio::spawn(async move {
            tokio::time::sleep(DEADLINE).await;
            began.elapsed()
        });
        let said = client.call(self.at, &Op::write(key.as_str(), 2), DEADLINE).await;
        let took = began.elapsed();
        let due = if took > DEADLINE { woken.await.unwrap_or(DEADLINE) } else { DEADLINE };
        let sent: Vec<(Node, Sent)> =
            self.meddlers.iter().map(|(node, meddler)| (*node, meddler.sent())).collect();
        self.set_all(Meddling::Pass, &key);
        let mut faults = counted(self.at, &sent, took.saturating_sub(due));
        // The connection may still carry the answer to the write.
        let next = if trial == Trial::AnswerLate {
            Some(client.call(self.at, &Op::read(key.as_str()), DEADLINE * 3).await)
        } else {
            None
        };
        self.end(trial).await?;
        tokio::time::sleep(EFFECT_WAIT).await;
        let holds = self.holds(&key).await?;
        faults.extend(truth(trial, &said, holds.as_ref()));
        faults.extend(next.and_then(|next| mixed_up(&next)));
        if let Err(told) = before {
            faults.insert(0, Fault::Refused { told });
        }
        Ok(Tried { trial, said: word(&said), faults, skipped: false })
    }

    /// Writes until that succeeds; the error says what the client says instead.
    async fn calm(&self, client: &mut dyn Client, key: &str, value: i64) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let said = client.call(self.at, &Op::write(key, value), DEADLINE).await;
            match said {
                Completion::Ok(_) => return Ok(()),
                said if began.elapsed() > CALM_MAX => return Err(format!("{said:?}")),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// What the key holds, by a client of its own whose connections nothing meddles with.
    async fn holds(&self, key: &str) -> Result<Option<Value>, SetupError> {
        let began = Instant::now();
        while began.elapsed() < CALM_MAX {
            let mut client = self.cluster.connect(LOOKS).await?;
            if let Completion::Ok(reply) = client.call(self.at, &Op::read(key), DEADLINE).await {
                return Ok(Some(reply.value));
            }
        }
        Ok(None)
    }

    fn set_all(&self, meddling: Meddling, key: &str) {
        for (_, meddler) in &self.meddlers {
            meddler.set(meddling, key);
        }
    }

    async fn begin(&self, trial: Trial, key: &str) -> Result<(), SetupError> {
        self.set_all(Meddling::Pass, key);
        if let Some((_, meddler)) = self.meddlers.iter().find(|(node, _)| *node == self.at) {
            meddler.set(trial.meddling(), key);
        }
        match self.effect(trial) {
            Some(effect) => {
                self.apply(&Action::Begin { fault: FaultId(1), name: "probe".into(), effects: vec![effect] })
                    .await
            }
            None => Ok(()),
        }
    }

    async fn end(&self, trial: Trial) -> Result<(), SetupError> {
        if self.effect(trial).is_none() {
            return Ok(());
        }
        self.apply(&Action::EndAll).await?;
        let began = Instant::now();
        while began.elapsed() < CALM_MAX && !self.cluster.status().await.ready {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn effect(&self, trial: Trial) -> Option<Effect> {
        match trial {
            Trial::Cut => Some(Effect::CutClients { nodes: vec![self.at] }),
            Trial::Dead => Some(Effect::Kill { nodes: vec![self.at] }),
            _ => None,
        }
    }

    async fn apply(&self, action: &Action) -> Result<(), SetupError> {
        let applied = self.cluster.target().apply(action).await;
        applied
            .map(drop)
            .map_err(|error| SetupError { what: "break a node".to_owned(), why: error.to_string() })
    }
}

/// What the connections of a call show, and how long it took after its deadline.
fn counted(at: Node, sent: &[(Node, Sent)], overran: Duration) -> Vec<Fault> {
    let mut faults = Vec::new();
    for &(node, Sent { connections, repeated }) in sent {
        if node == at && connections == 1 && repeated > 0 {
            faults.push(Fault::SentTwice);
        }
        if node == at && connections > 1 {
            faults.push(Fault::SentAgain { connections });
        }
        if node != at && connections > 0 {
            faults.push(Fault::FailedOver { to: node });
        }
    }
    if overran > OVERRUN_MAX {
        faults.push(Fault::Overran { by: overran });
    }
    faults
}

/// Whether what the client said of its write agrees with what is there; `None` where that could not be found out.
fn truth(trial: Trial, said: &Completion, holds: Option<&Value>) -> Option<Fault> {
    let written = holds.map(|value| *value == Value::Int(2));
    match (said, written) {
        (Completion::Ok(_), _) if trial.meddling() != Meddling::Pass => Some(Fault::OkFromNothing),
        (Completion::Ok(_), Some(false)) => Some(Fault::OkWithoutEffect),
        (Completion::Fail { .. }, Some(true)) => Some(Fault::FailWithEffect),
        (said, _) if trial == Trial::Healthy && !matches!(said, Completion::Ok(_)) => {
            Some(Fault::Refused { told: word(said) })
        }
        _ => None,
    }
}

/// A read after a write whose answer was late shows one of the two values that were written, or nothing.
fn mixed_up(read: &Completion) -> Option<Fault> {
    match read {
        Completion::Ok(reply) if ![Value::Int(1), Value::Int(2)].contains(&reply.value) => {
            Some(Fault::MixedUp { told: reply.value.clone() })
        }
        _ => None,
    }
}

fn word(said: &Completion) -> String {
    match said {
        Completion::Ok(_) => "ok".to_owned(),
        Completion::Fail { error, .. } => format!("fail: {}", error.trim()),
        Completion::Info(why) => format!("info: {}", why.trim()),
    }
}

#[cfg(test)]
mod tests {
    use histories::Hints;

    use super::*;
    use crate::Reply;

    fn ok() -> Completion {
        Completion::Ok(Reply::default())
    }

    fn fail() -> Completion {
        Completion::Fail { error: "no".into(), seen: None, hints: Hints::NONE }
    }

    #[test]
    fn what_a_client_says_is_held_against_what_is_there() {
        let (old, new) = (Value::Int(1), Value::Int(2));
        let told = |trial, said: Completion, holds: &Value| truth(trial, &said, Some(holds));
        assert_eq!(told(Trial::AnswerLost, Completion::Info("?".into()), &new), None);
        assert_eq!(told(Trial::AnswerLost, fail(), &new), Some(Fault::FailWithEffect));
        assert_eq!(told(Trial::AnswerLost, ok(), &new), Some(Fault::OkFromNothing));
        assert_eq!(told(Trial::Healthy, ok(), &new), None);
        assert_eq!(told(Trial::Dead, fail(), &old), None);
        assert_eq!(told(Trial::Cut, ok(), &old), Some(Fault::OkWithoutEffect));
        assert_eq!(told(Trial::Nonsense, ok(), &old), Some(Fault::OkFromNothing));
        assert!(matches!(told(Trial::Healthy, fail(), &old), Some(Fault::Refused { .. })));
        assert_eq!(truth(Trial::Cut, &fail(), None), None);
    }

    #[test]
    fn retries_fail_over_and_overruns_are_counted() {
        let (one, other) = (Node(0), Node(1));
        let sent = |connections, repeated| Sent { connections, repeated };
        assert_eq!(counted(one, &[(one, sent(1, 0)), (other, sent(0, 0))], OVERRUN_MAX), []);
        assert_eq!(counted(one, &[(one, sent(1, 1))], OVERRUN_MAX), [Fault::SentTwice]);
        let faults = counted(one, &[(one, sent(2, 1)), (other, sent(1, 0))], DEADLINE);
        assert_eq!(
            faults,
            [
                Fault::SentAgain { connections: 2 },
                Fault::FailedOver { to: other },
                Fault::Overran { by: DEADLINE }
            ]
        );
    }
}
