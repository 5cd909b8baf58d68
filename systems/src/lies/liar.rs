//! Decides which answer is a lie, and what is sent in place of what was asked. It does no IO.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use histories::{Hints, Key, Op};
use nemesis::Dice;

use super::memory::Memory;
use super::observed::{Observed, Observer};
use super::plan::Plan;
use super::transactions::{accesses, merged, transaction};
use super::{Lie, Telling};
use crate::{Completion, Reply};

/// What a client does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Send this and tell the liar what came of it.
    Send(Op),
    /// Answer this.
    Answer(Completion),
}

#[derive(Debug)]
struct Open {
    asked: Op,
    plan: Plan,
    /// What is under way is not what was asked, but what was put off before.
    catching_up: bool,
}

#[derive(Debug, Default)]
pub(super) struct Client {
    open: Option<Open>,
    /// Sent before the next operation.
    deferred: Option<Op>,
    /// Locks that it holds by a lie.
    pub(super) granted: BTreeSet<Key>,
}

/// Stands between the clients of a run and what they call.
#[derive(Debug)]
pub struct Liar {
    pub(super) lie: Option<Lie>,
    pub(super) dice: Dice,
    pub(super) memory: Memory,
    pub(super) observer: Observer,
    pub(super) clients: BTreeMap<u32, Client>,
}

/// Of all clients of a run.
#[derive(Clone, Debug)]
pub struct SharedLiar(Arc<Mutex<Liar>>);

impl SharedLiar {
    pub fn new(telling: Telling, seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Liar::new(telling, seed))))
    }

    pub fn observed(&self) -> Observed {
        self.get().observed()
    }

    pub(super) fn get(&self) -> MutexGuard<'_, Liar> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Chances are counted in millionths.
const PARTS: u64 = 1_000_000;

impl Liar {
    pub fn new(telling: Telling, seed: u64) -> Self {
        let lie = match telling {
            Telling::Truth => None,
            Telling::Lie(lie) => Some(lie),
        };
        Self {
            lie,
            dice: Dice::new(seed).split("lies"),
            memory: Memory::default(),
            observer: Observer::default(),
            clients: BTreeMap::new(),
        }
    }

    pub fn observed(&self) -> Observed {
        self.observer.counts()
    }

    /// A new client takes the place of `client`: what the old one put off is never sent.
    pub fn replace(&mut self, client: u32) {
        self.clients.remove(&client);
    }

    /// A client is asked for an operation.
    pub fn ask(&mut self, client: u32, op: &Op) -> Step {
        self.observer.asked(client, op);
        self.memory.asked(op);
        let plan = self.plan(client, op);
        let state = self.clients.entry(client).or_default();
        let deferred = state.deferred.take();
        let catching_up = deferred.is_some();
        state.open = Some(Open { asked: op.clone(), plan, catching_up });
        match deferred {
            Some(op) => Step::Send(op),
            None => self.begin(client),
        }
    }

    /// What was sent was answered.
    pub fn answer(&mut self, client: u32, completion: Completion) -> Step {
        let Some(open) = self.clients.get_mut(&client).and_then(|state| state.open.as_mut()) else {
            return Step::Answer(completion);
        };
        if std::mem::take(&mut open.catching_up) {
            return self.begin(client);
        }
        let Some(Open { asked, plan, .. }) =
            self.clients.get_mut(&client).and_then(|state| state.open.take())
        else {
            return Step::Answer(completion);
        };
        Step::Answer(self.finish(client, &asked, plan, completion))
    }

    /// The operation itself, once nothing that was put off is under way any more.
    fn begin(&mut self, client: u32) -> Step {
        let state = self.clients.entry(client).or_default();
        let Some(Open { asked, plan, .. }) = state.open.take() else {
            return Step::Answer(Completion::Info("nothing was asked".to_owned()));
        };
        match plan {
            Plan::Answer(completion) => Step::Answer(completion),
            Plan::Defer(completion) => {
                state.deferred = Some(asked);
                Step::Answer(completion)
            }
            Plan::Part { ref sent, .. } => {
                let part = transaction(sent);
                state.open = Some(Open { asked, plan, catching_up: false });
                Step::Send(part)
            }
            Plan::Pass | Plan::Deny | Plan::Repeat(_) => {
                let op = asked.clone();
                state.open = Some(Open { asked, plan, catching_up: false });
                Step::Send(op)
            }
        }
    }

    fn finish(&mut self, client: u32, asked: &Op, plan: Plan, completion: Completion) -> Completion {
        let Completion::Ok(reply) = completion else { return completion };
        let reply = match &plan {
            Plan::Part { sent, .. } => {
                let answered = accesses(&Op { value: reply.value, ..asked.clone() });
                let whole = merged(&accesses(asked), |access| sent.contains(access), answered);
                Reply { value: whole.value, hints: Hints::NONE }
            }
            _ => reply,
        };
        let seen = Op { value: reply.value.clone(), ..asked.clone() };
        self.observer.answered(&seen);
        let lied = if matches!(plan, Plan::Pass) { self.lied_about(asked, &reply.value) } else { None };
        self.memory.learn(client, asked, &reply.value);
        match plan {
            Plan::Deny => {
                self.observer.told();
                return Completion::Fail {
                    error: "a lie: it was carried out".to_owned(),
                    seen: None,
                    hints: Hints::NONE,
                };
            }
            Plan::Repeat(again) => self.put_off(client, again),
            Plan::Part { later, .. } => {
                self.observer.told();
                if !later.is_empty() {
                    self.clients.entry(client).or_default().deferred = Some(transaction(&later));
                }
            }
            Plan::Pass | Plan::Answer(_) | Plan::Defer(_) => {}
        }
        match lied {
            Some(value) => {
                self.observer.told();
                Completion::Ok(Reply { value, hints: Hints::NONE })
            }
            None => Completion::Ok(reply),
        }
    }

    fn put_off(&mut self, client: u32, op: Op) {
        self.observer.told();
        self.clients.entry(client).or_default().deferred = Some(op);
    }

    /// Whether the lie is to be told this time.
    pub(super) fn tempted(&mut self, rate: f64) -> bool {
        self.dice.chance((rate * PARTS as f64) as u64, PARTS)
    }
}
