//! Every method against the oracle, on random small histories of every model.
//!
//! `CASES` in the environment sets how many a model or method, for a long run by hand.

mod machines;
mod proofs;
mod queues;
mod rules;
mod serial;

use std::collections::BTreeMap;
use std::hash::Hash;

use histories::Value;

use super::{Answer, Want, decide};
use crate::Budget;
use crate::models::{
    Balances, Bank, BankCall, Counter, CounterCall, Entry, EntryOf, FifoQueue, Kv, KvCall, List, ListCall,
    MicroOperation, Model, MultiRegister, Mutex, MutexCall, PowerSet, QueueCall, Register, RegisterCall, Set,
    SetCall, Stack, StackCall, UnorderedQueue,
};
use crate::testing::oracle;

/// A small generator of numbers, enough for tests.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// How many random histories of each model: about 20,000 for the search as a whole.
pub(crate) fn cases() -> u64 {
    cases_or(1_500)
}

/// How many random histories for a method of its own.
pub(crate) const METHOD_CASES: u64 = 20_000;

/// What `CASES` says, or else `otherwise`.
pub(crate) fn cases_or(otherwise: u64) -> u64 {
    std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(otherwise)
}

/// What a call that is made in a state is answered, if the client learns it.
type Replies<'a, M> =
    dyn FnMut(&<M as Model>::State, &<M as Model>::Call, &mut Dice) -> Option<<M as Model>::Reply> + 'a;

/// A random history: operations run one after another on the model, most of them, then times are blurred, so that
/// many histories are linearizable and as many nearly are.
pub(crate) fn history<M: Model>(
    model: &M,
    dice: &mut Dice,
    call: &mut dyn FnMut(&mut Dice) -> M::Call,
    reply: &mut Replies<'_, M>,
) -> Vec<EntryOf<M>> {
    let count = 2 + dice.below(9);
    history_of(model, count, dice, call, reply)
}

/// The same with so many operations, at most.
pub(crate) fn history_of<M: Model>(
    model: &M,
    count: u64,
    dice: &mut Dice,
    call: &mut dyn FnMut(&mut Dice) -> M::Call,
    reply: &mut Replies<'_, M>,
) -> Vec<EntryOf<M>> {
    let spread = 1 + dice.below(8);
    let mut state = model.initial();
    let mut older = state.clone();
    let mut entries: Vec<EntryOf<M>> = Vec::new();
    for i in 0..count {
        let call = call(dice);
        let crashed = dice.one_in(6);
        let seen = if dice.one_in(5) { older.clone() } else { state.clone() };
        let reply = if crashed { None } else { reply(&seen, &call, dice) };
        // Now and then an acknowledged operation is lost.
        let happens = if crashed { dice.one_in(2) } else { !dice.one_in(7) };
        if dice.one_in(4) {
            older = state.clone();
        }
        if happens {
            match model.step(&state, &call, reply.as_ref()) {
                Some(after) => state = after,
                None if dice.one_in(3) => {}
                None => continue,
            }
        }
        let invoked = (20 + 2 * i).saturating_sub(dice.below(spread));
        let returned = (!crashed).then(|| 20 + 2 * i + dice.below(spread));
        entries.push(Entry { invoked, returned, call, reply });
    }
    entries.sort_by_key(|entry| entry.invoked);
    entries
}

/// Counts by verdict.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) valid: u64,
    pub(crate) invalid: u64,
}

impl Tally {
    pub(crate) fn count(&mut self, valid: bool) {
        if valid {
            self.valid += 1;
        } else {
            self.invalid += 1;
        }
    }

    /// Both verdicts must be well represented, or the test shows nothing.
    pub(crate) fn assert_balanced(&self, name: &str) {
        eprintln_tally(name, self);
        let least = (self.valid + self.invalid) / 20;
        assert!(self.valid >= least && self.invalid >= least, "{name}: {self:?}");
    }
}

#[expect(clippy::print_stderr, reason = "counts by verdict are what a long run by hand is for")]
fn eprintln_tally(name: &str, tally: &Tally) {
    eprintln!("{name}: {} valid, {} invalid, no mismatch", tally.valid, tally.invalid);
}

fn fuzz<M: Model>(
    name: &str,
    model: &M,
    mut call: impl FnMut(&mut Dice) -> M::Call,
    mut reply: impl FnMut(&M::State, &M::Call, &mut Dice) -> Option<M::Reply>,
) where
    M::Call: std::fmt::Debug,
    M::Reply: std::fmt::Debug + Hash,
{
    let budget = Budget::unlimited();
    agrees(name, model, &mut call, &mut reply, |entries| Some(decide(model, entries, &budget, Want::Order)));
}

pub(crate) fn small(dice: &mut Dice) -> Value {
    Value::Int(dice.below(3) as i64)
}

pub(crate) fn register_call(dice: &mut Dice) -> RegisterCall {
    match dice.below(10) {
        0..5 => RegisterCall::Read,
        5..8 => RegisterCall::Write(small(dice)),
        _ => RegisterCall::Cas { from: small(dice), to: small(dice) },
    }
}

#[test]
fn register() {
    fuzz("register", &Register::default(), register_call, register_reply);
}

/// What each random history of `model` comes to by another method, which must agree with the oracle.
pub(crate) fn agrees<M: Model>(
    name: &str,
    model: &M,
    mut call: impl FnMut(&mut Dice) -> M::Call,
    mut reply: impl FnMut(&M::State, &M::Call, &mut Dice) -> Option<M::Reply>,
    mut method: impl FnMut(&[EntryOf<M>]) -> Option<Answer>,
) where
    M::Call: std::fmt::Debug,
    M::Reply: std::fmt::Debug,
{
    let mut tally = Tally::default();
    for seed in 0..cases() {
        let entries = history(model, &mut Dice::new(seed ^ 0xABCD), &mut call, &mut reply);
        let Some(answer) = method(&entries) else { continue };
        let expected = oracle::is_linearizable(model, &entries);
        tally.count(expected);
        match answer {
            Answer::Explained { order } => {
                assert!(expected, "{name} {seed}: a false pass: {entries:#?}");
                assert!(oracle::replays(model, &entries, &order), "{name} {seed}: {order:?} of {entries:#?}");
            }
            Answer::Unexplained { .. } => assert!(!expected, "{name} {seed}: a false alarm: {entries:#?}"),
            Answer::Undecided { stop, .. } => panic!("{name} {seed}: {stop}"),
        }
    }
    tally.assert_balanced(name);
}

fn register_reply(state: &Value, call: &RegisterCall, _: &mut Dice) -> Option<Value> {
    (*call == RegisterCall::Read).then(|| state.clone())
}

#[test]
fn multi_register() {
    let call = |dice: &mut Dice| {
        (0..=dice.below(3))
            .map(|_| match dice.below(2) {
                0 => MicroOperation::Read(small(dice)),
                _ => MicroOperation::Write(small(dice), small(dice)),
            })
            .collect()
    };
    fuzz("multi-register", &MultiRegister::default(), call, |state, call, _| {
        Some(multi_register_reply(state, call))
    });
}

fn multi_register_reply(state: &BTreeMap<Value, Value>, call: &[MicroOperation]) -> Vec<Value> {
    let mut state = state.clone();
    let mut seen = Vec::new();
    for micro in call {
        match micro {
            MicroOperation::Read(key) => seen.push(state.get(key).cloned().unwrap_or_default()),
            MicroOperation::Write(key, value) => {
                state.insert(key.clone(), value.clone());
            }
        }
    }
    seen
}

fn kv_call(dice: &mut Dice) -> KvCall {
    match dice.below(10) {
        0..5 => KvCall::Get,
        5 => KvCall::Put(["a", "b", "ab"][dice.below(3) as usize].to_owned()),
        _ => KvCall::Append(["a", "b", "ab"][dice.below(3) as usize].to_owned()),
    }
}

#[expect(clippy::ptr_arg, reason = "the state of the model")]
fn kv_reply(state: &String, call: &KvCall, _: &mut Dice) -> Option<String> {
    (*call == KvCall::Get).then(|| state.clone())
}

#[test]
fn kv() {
    fuzz("kv", &Kv, kv_call, kv_reply);
}

#[test]
fn list() {
    let call = |dice: &mut Dice| match dice.below(8) {
        0..4 => ListCall::Read,
        4 => ListCall::Write(vec![small(dice)]),
        _ => ListCall::Append(small(dice)),
    };
    fuzz("list", &List, call, |state, call, _| (*call == ListCall::Read).then(|| state.clone()));
}

#[test]
fn set() {
    let call = |dice: &mut Dice| match dice.below(8) {
        0..3 => SetCall::Read,
        3..5 => SetCall::Remove(small(dice)),
        _ => SetCall::Add(small(dice)),
    };
    fuzz("set", &Set, call, |state, call, _| (*call == SetCall::Read).then(|| state.clone()));
}

#[test]
fn counter() {
    let call = |dice: &mut Dice| match dice.below(8) {
        0..4 => CounterCall::Read,
        _ => CounterCall::Add(dice.below(4) as i64 - 1),
    };
    fuzz("counter", &Counter::default(), call, |state, call, dice| match call {
        CounterCall::Read => i64::try_from(*state).ok(),
        CounterCall::Add(amount) if dice.one_in(3) => i64::try_from(state + i128::from(*amount)).ok(),
        CounterCall::Add(_) => None,
    });
}

pub(crate) fn queue_call(dice: &mut Dice, element: Value) -> QueueCall {
    match dice.below(9) {
        0..4 => QueueCall::Enqueue(element),
        4..8 => QueueCall::Dequeue,
        _ => QueueCall::Drain,
    }
}

/// What a queue answers that holds these elements; a dequeue gets the one at `place`.
pub(crate) fn queue_reply(state: &[Value], call: &QueueCall, place: usize) -> Option<Value> {
    match call {
        QueueCall::Enqueue(_) => None,
        QueueCall::Dequeue => Some(state.get(place).cloned().unwrap_or_default()),
        QueueCall::Drain => Some(Value::list(state.iter().rev().cloned())),
    }
}

#[test]
fn fifo_queue() {
    let call = |dice: &mut Dice| {
        let element = small(dice);
        queue_call(dice, element)
    };
    fuzz("fifo-queue", &FifoQueue, call, |state, call, _| queue_reply(state, call, 0));
}

#[test]
fn unordered_queue() {
    let call = |dice: &mut Dice| {
        let element = small(dice);
        queue_call(dice, element)
    };
    fuzz("unordered-queue", &PowerSet(UnorderedQueue), call, |states, call, dice| {
        let state = &states[dice.below(states.len() as u64) as usize];
        queue_reply(state, call, dice.below(state.len().max(1) as u64) as usize)
    });
}

#[test]
fn stack() {
    let call = |dice: &mut Dice| if dice.one_in(2) { StackCall::Push(small(dice)) } else { StackCall::Pop };
    fuzz("stack", &Stack, call, |state, call, _| {
        (*call == StackCall::Pop).then(|| state.last().cloned().unwrap_or_default())
    });
}

/// Small amounts between three accounts, so that states come again.
pub(crate) fn bank_call(dice: &mut Dice) -> BankCall {
    if dice.one_in(2) {
        return BankCall::Read;
    }
    let account = |dice: &mut Dice| ["a", "b", "c"][dice.below(3) as usize].to_owned();
    BankCall::Transfer { from: account(dice), to: account(dice), amount: 1 + dice.below(2) as i64 }
}

/// What a read shows; the first one finds something in two accounts.
pub(crate) fn bank_reply(state: Option<&Balances>, call: &BankCall) -> Option<Balances> {
    let first = || Balances::from([("a".to_owned(), 2), ("b".to_owned(), 1)]);
    (*call == BankCall::Read).then(|| state.cloned().unwrap_or_else(first))
}

#[test]
fn bank() {
    fuzz("bank", &Bank, bank_call, |state, call, _| bank_reply(state.as_ref(), call));
}

#[test]
fn mutex() {
    let call = |dice: &mut Dice| if dice.one_in(2) { MutexCall::Acquire } else { MutexCall::Release };
    fuzz("mutex", &Mutex, call, |_, _, _| None);
}
