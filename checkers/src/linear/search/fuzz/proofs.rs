//! Whole histories of every object: the verdict against the oracle, and every proof confirmed.
//!
//! Short ones are decided by the oracle, too; of long ones only the proofs are looked at.

use histories::{Event, Function, History, Kind, Op, Outcome, Process, Value};

use super::{
    Dice, Tally, bank_call, bank_reply, cases_or, history_of, kv_call, kv_reply, multi_register_reply,
};
use super::{queue_call, queue_reply, register_call, register_reply, small};
use crate::linear::search::QueueOrder;
use crate::models::{
    Balances, Bank, BankCall, EntryOf, FifoQueue, Kv, KvCall, List, ListCall, MicroOperation, Model,
    MultiRegister, Mutex, MutexCall, PowerSet, QueueCall, Register, RegisterCall, Set, SetCall, Stack,
    StackCall, UnorderedQueue,
};
use crate::testing::confirm;
use crate::testing::oracle;
use crate::{Budget, Checker, Linear, Unconfirmed, Verdict, testing};

/// How many short histories of each object, and for every so many of them one long one.
const SHORT: u64 = 2_000;
const SHORT_PER_LONG: u64 = 40;

/// What an operation asks and what it is told.
type Told<M> = fn(&<M as Model>::Call, Option<&<M as Model>::Reply>) -> (Op, Value);

/// Checks random histories of an object.
fn fuzz<M: Model>(
    name: &str,
    model: &M,
    order: QueueOrder,
    mut call: impl FnMut(&mut Dice) -> M::Call,
    mut reply: impl FnMut(&M::State, &M::Call, &mut Dice) -> Option<M::Reply>,
    told: Told<M>,
    names_it: &M::Call,
) {
    let (mut tally, mut long) = (Tally::default(), Tally::default());
    let checker = Linear { queues: order };
    for seed in 0..cases_or(SHORT) {
        let mut dice = Dice::new(seed ^ 0x5EED);
        let is_long = seed % SHORT_PER_LONG == 0;
        let count = if is_long { 16 + dice.below(30) } else { 2 + dice.below(8) };
        let entries = history_of(model, count, &mut dice, &mut call, &mut reply);
        if entries.is_empty() {
            continue;
        }
        let history = as_history::<M>(&entries, told, names_it);
        let verdict = checker.check(&history, &Budget::unlimited()).remove(0).verdict;
        let lines = || format!("{name} {seed}:\n{}", testing::lines(&history));
        for anomaly in verdict.anomalies() {
            match confirm(&history, anomaly) {
                Ok(()) => {}
                Err(Unconfirmed::TooLarge { .. }) if is_long => {}
                Err(why) => panic!("{why}: {anomaly:#?}\n{}", lines()),
            }
        }
        match verdict {
            Verdict::Valid | Verdict::Invalid(_) => {
                let held = verdict == Verdict::Valid;
                // A drain of unknown outcome may have taken anything, which `queues` judges.
                if is_long || has_open_drain(&history) {
                    long.count(held);
                } else {
                    assert_eq!(oracle::is_linearizable(model, &entries), held, "{}", lines());
                    tally.count(held);
                }
            }
            Verdict::Unknown(why) if why.contains("nothing was observed") => {}
            other => panic!("{other:?} {}", lines()),
        }
    }
    tally.assert_balanced(&format!("{name}, history"));
    super::eprintln_tally(&format!("{name}, long history"), &long);
}

fn has_open_drain(history: &History) -> bool {
    history.operations().iter().any(|op| op.function == Function::Drain && op.outcome == Outcome::Info)
}

/// Each operation by a client of its own, for linearizability knows no sessions. A call that fails says what kind of
/// object it is.
fn as_history<M: Model>(entries: &[EntryOf<M>], told: Told<M>, names_it: &M::Call) -> History {
    let (failed, _) = told(names_it, None);
    let mut events: Vec<Event> = [Kind::Invoke, Kind::Fail]
        .map(|kind| testing::event(0, Process::Client(1_000), kind, failed.clone()))
        .into();
    for (process, entry) in (0..).map(Process::Client).zip(entries) {
        let (op, answer) = told(&entry.call, entry.reply.as_ref());
        events.push(testing::event(entry.invoked, process, Kind::Invoke, op.clone()));
        if let Some(returned) = entry.returned {
            events.push(testing::event(returned, process, Kind::Ok, Op { value: answer, ..op }));
        }
    }
    events.sort_by_key(|event| (event.time, event.kind != Kind::Invoke));
    testing::build(Vec::new(), events)
}

fn op(function: &str, value: Value) -> Op {
    Op::new(Function::from(function), "x", value)
}

/// An operation that is told nothing but that it happened.
fn silent(function: &str, value: Value) -> (Op, Value) {
    (op(function, value.clone()), value)
}

fn asking(function: &str, answer: Option<Value>) -> (Op, Value) {
    (op(function, Value::Null), answer.unwrap_or_default())
}

#[test]
fn stack() {
    let call = |dice: &mut Dice| if dice.one_in(2) { StackCall::Push(small(dice)) } else { StackCall::Pop };
    let reply = |state: &Vec<Value>, call: &StackCall, _: &mut Dice| {
        (*call == StackCall::Pop).then(|| state.last().cloned().unwrap_or_default())
    };
    fuzz(
        "stack",
        &Stack,
        QueueOrder::Fifo,
        call,
        reply,
        |call, reply| match call {
            StackCall::Push(value) => silent("push", value.clone()),
            StackCall::Pop => asking("pop", reply.cloned()),
        },
        &StackCall::Pop,
    );
}

#[test]
fn transactions() {
    let call = |dice: &mut Dice| {
        let micro = |dice: &mut Dice| match dice.below(2) {
            0 => MicroOperation::Read(Value::text(["x", "y", "z"][dice.below(3) as usize])),
            _ => MicroOperation::Write(
                Value::text(["x", "y", "z"][dice.below(3) as usize]),
                Value::Int(dice.below(4) as i64),
            ),
        };
        (0..=dice.below(2)).map(|_| micro(dice)).collect()
    };
    let reply = |state: &_, call: &Vec<MicroOperation>, _: &mut Dice| Some(multi_register_reply(state, call));
    fuzz(
        "transactions",
        &MultiRegister::default(),
        QueueOrder::Fifo,
        call,
        reply,
        |call, reply| {
            let micros = |seen: &[Value]| {
                let mut seen = seen.iter();
                Value::list(call.iter().map(|micro| match micro {
                    MicroOperation::Read(key) => {
                        Value::list([Value::text("r"), key.clone(), seen.next().cloned().unwrap_or_default()])
                    }
                    MicroOperation::Write(key, value) => {
                        Value::list([Value::text("w"), key.clone(), value.clone()])
                    }
                }))
            };
            (Op::global(Function::Txn, micros(&[])), micros(reply.map_or(&[], Vec::as_slice)))
        },
        &Vec::new(),
    );
}

fn queue(call: &QueueCall, reply: Option<&Value>) -> (Op, Value) {
    match call {
        QueueCall::Enqueue(value) => silent("enqueue", value.clone()),
        QueueCall::Dequeue => asking("dequeue", reply.cloned()),
        QueueCall::Drain => asking("drain", reply.cloned()),
    }
}

fn any_queue_call(dice: &mut Dice) -> QueueCall {
    let element = small(dice);
    queue_call(dice, element)
}

#[test]
fn fifo_queue() {
    let reply = |state: &Vec<Value>, call: &QueueCall, _: &mut Dice| queue_reply(state, call, 0);
    fuzz("fifo-queue", &FifoQueue, QueueOrder::Fifo, any_queue_call, reply, queue, &QueueCall::Dequeue);
}

#[test]
fn mutex() {
    let call = |dice: &mut Dice| if dice.one_in(2) { MutexCall::Acquire } else { MutexCall::Release };
    fuzz(
        "mutex",
        &Mutex,
        QueueOrder::Fifo,
        call,
        |_, _, _| None,
        |call, _| match call {
            MutexCall::Acquire => silent("acquire", Value::Null),
            MutexCall::Release => silent("release", Value::Null),
        },
        &MutexCall::Acquire,
    );
}

fn balances(balances: &Balances) -> Value {
    Value::map(balances.iter().map(|(name, balance)| (name.clone(), Value::Int(*balance as i64))))
}

#[test]
fn bank() {
    fuzz(
        "bank",
        &Bank,
        QueueOrder::Fifo,
        bank_call,
        |state, call, dice| {
            let mut reply = bank_reply(state.as_ref(), call)?;
            // Now and then a read shows a transfer that no client made.
            if dice.one_in(12) {
                *reply.entry("a".to_owned()).or_default() -= 1;
                *reply.entry("b".to_owned()).or_default() += 1;
                reply.retain(|_, balance| *balance != 0);
            }
            Some(reply)
        },
        |call, reply| match call {
            BankCall::Read => asking("read", reply.map(balances)),
            BankCall::Transfer { from, to, amount } => {
                let parts = [Value::text(from.as_str()), Value::text(to.as_str()), (*amount).into()];
                silent("transfer", Value::list(parts))
            }
        },
        &BankCall::Transfer { from: "a".to_owned(), to: "b".to_owned(), amount: 1 },
    );
}

#[test]
fn register() {
    fuzz(
        "register",
        &Register::default(),
        QueueOrder::Fifo,
        register_call,
        register_reply,
        |call, reply| match call {
            RegisterCall::Read => asking("read", reply.cloned()),
            RegisterCall::Write(value) => silent("write", value.clone()),
            RegisterCall::Cas { from, to } => silent("cas", Value::list([from.clone(), to.clone()])),
        },
        &RegisterCall::Write(9.into()),
    );
}

#[test]
fn text() {
    fuzz(
        "kv",
        &Kv,
        QueueOrder::Fifo,
        kv_call,
        kv_reply,
        |call, reply| match call {
            KvCall::Get => asking("read", reply.map(|text| Value::text(text.as_str()))),
            KvCall::Put(text) => silent("write", Value::text(text.as_str())),
            KvCall::Append(text) => silent("append", Value::text(text.as_str())),
        },
        &KvCall::Append("z".to_owned()),
    );
}

#[test]
fn list() {
    let call = |dice: &mut Dice| match dice.below(8) {
        0..4 => ListCall::Read,
        4 => ListCall::Write(vec![small(dice)]),
        _ => ListCall::Append(small(dice)),
    };
    let reply =
        |state: &Vec<Value>, call: &ListCall, _: &mut Dice| (*call == ListCall::Read).then(|| state.clone());
    fuzz(
        "list",
        &List,
        QueueOrder::Fifo,
        call,
        reply,
        |call, reply| match call {
            ListCall::Read => asking("read", reply.map(|items| Value::list(items.iter().cloned()))),
            ListCall::Write(items) => silent("write", Value::list(items.iter().cloned())),
            ListCall::Append(item) => silent("append", item.clone()),
        },
        &ListCall::Append(9.into()),
    );
}

#[test]
fn set() {
    let call = |dice: &mut Dice| match dice.below(8) {
        0..3 => SetCall::Read,
        3..5 => SetCall::Remove(small(dice)),
        _ => SetCall::Add(small(dice)),
    };
    let reply = |state: &_, call: &SetCall, _: &mut Dice| {
        (*call == SetCall::Read).then(|| std::collections::BTreeSet::clone(state))
    };
    fuzz(
        "set",
        &Set,
        QueueOrder::Fifo,
        call,
        reply,
        |call, reply| match call {
            SetCall::Read => asking("read", reply.map(|items| Value::list(items.iter().cloned()))),
            SetCall::Add(item) => silent("add", item.clone()),
            SetCall::Remove(item) => silent("remove", item.clone()),
        },
        &SetCall::Add(9.into()),
    );
}

/// Dequeues in any order; the states are sets of states.
#[test]
fn unordered_queue() {
    let model = PowerSet(UnorderedQueue);
    let reply = |states: &<PowerSet<UnorderedQueue> as Model>::State, call: &QueueCall, dice: &mut Dice| {
        let state = &states[dice.below(states.len() as u64) as usize];
        queue_reply(state, call, dice.below(state.len().max(1) as u64) as usize)
    };
    fuzz("unordered-queue", &model, QueueOrder::Any, any_queue_call, reply, queue, &QueueCall::Dequeue);
}
