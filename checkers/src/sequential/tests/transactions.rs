//! Transactions of reads and writes, against every interleaving of whole transactions.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Event, Function, Kind, Op, Operation, Outcome, Process, Value};

use super::*;

const KEYS: [&str; 3] = ["x", "y", "z"];

/// Transactions that some order explains, session by session; now and then a read is changed. Values are unique, but
/// for one history in four.
fn random(dice: &mut Dice) -> History {
    let (count, clients, keys) = (3 + dice.below(5), 2 + dice.below(3), 1 + dice.below(3));
    let (spoil, repeats) = (2 + dice.below(12), dice.one_in(4));
    let mut sessions: Vec<Vec<(Kind, Value, Value)>> = vec![Vec::new(); clients as usize];
    let mut registers = [0_i64; 3];
    let mut next = 0;
    for _ in 0..count {
        let kind = [Kind::Ok, Kind::Ok, Kind::Ok, Kind::Ok, Kind::Info, Kind::Fail][dice.below(6) as usize];
        let happens = kind == Kind::Ok || (kind == Kind::Info && dice.one_in(2));
        let mut after = registers;
        let (mut call, mut reply) = (Vec::new(), Vec::new());
        for _ in 0..=dice.below(3) {
            let key = dice.below(keys) as usize;
            if dice.one_in(2) {
                let seen = if dice.one_in(spoil) { dice.below(next as u64 + 1) as i64 } else { after[key] };
                call.push(micro("r", key, 0));
                reply.push(micro("r", key, seen));
            } else {
                next = if repeats { 1 + dice.below(3) as i64 } else { next + 1 };
                after[key] = next;
                call.push(micro("w", key, next));
                reply.push(micro("w", key, next));
            }
        }
        if happens {
            registers = after;
        }
        sessions[dice.below(clients) as usize].push((kind, Value::list(call), Value::list(reply)));
    }
    told(dice, sessions)
}

fn micro(function: &str, key: usize, value: i64) -> Value {
    let value = if value == 0 { Value::Null } else { Value::Int(value) };
    Value::list([Value::text(function), Value::text(KEYS[key]), value])
}

/// The sessions in any order that keeps each one's.
fn told(dice: &mut Dice, mut sessions: Vec<Vec<(Kind, Value, Value)>>) -> History {
    let mut events: Vec<Event> = Vec::new();
    for session in &mut sessions {
        session.reverse();
    }
    while sessions.iter().any(|session| !session.is_empty()) {
        let session = dice.below(sessions.len() as u64) as usize;
        if let Some((kind, call, reply)) = sessions[session].pop() {
            let process = Process::Client(session as u32);
            let time = events.len() as u64;
            let reply = if kind == Kind::Ok { reply } else { call.clone() };
            events.push(testing::event(time, process, Kind::Invoke, Op::global(Function::Txn, call)));
            events.push(testing::event(time + 1, process, kind, Op::global(Function::Txn, reply)));
        }
    }
    testing::build(Vec::new(), events)
}

/// By the definition: every order of what succeeded, and any of what may have happened.
fn has_order(history: &History) -> bool {
    type State = (BTreeSet<usize>, BTreeMap<Value, Value>);
    let operations: Vec<&Operation> =
        history.operations().iter().filter(|op| op.outcome != Outcome::Fail).collect();
    let certain: BTreeSet<usize> = (0..operations.len()).filter(|&i| operations[i].is_ok()).collect();
    let mut tried: BTreeSet<State> = BTreeSet::new();
    let mut stack = vec![State::default()];
    while let Some((done, state)) = stack.pop() {
        if certain.is_subset(&done) {
            return true;
        }
        for i in (0..operations.len()).filter(|i| !done.contains(i)) {
            let earlier = |&&j: &&usize| j < i && operations[j].process == operations[i].process;
            if certain.iter().filter(earlier).any(|j| !done.contains(j)) {
                continue;
            }
            if let Some(after) = applied(operations[i], &state) {
                let next = (done.iter().copied().chain([i]).collect(), after);
                if tried.insert(next.clone()) {
                    stack.push(next);
                }
            }
        }
    }
    false
}

fn applied(op: &Operation, state: &BTreeMap<Value, Value>) -> Option<BTreeMap<Value, Value>> {
    let mut after = state.clone();
    for micro in if op.is_ok() { op.reply() } else { op.call() }.as_list()? {
        let [function, key, value] = micro.as_list()? else { return None };
        if function.as_text() == Some("w") {
            after.insert(key.clone(), value.clone());
        } else if op.is_ok() && after.get(key).unwrap_or(&Value::Null) != value {
            return None;
        }
    }
    Some(after)
}

#[test]
fn transactions_agree_with_every_interleaving() {
    let cases = cases(5_000);
    let counts = compare_with(has_order, 15, cases, random);
    super::tell(&format!("transactions: {counts:?}"));
    assert!(counts.valid > cases / 5 && counts.invalid > cases / 8, "{counts:?}");
}

/// Client 1 sees 2 and then 3, though 3 was written where nothing was yet. Values repeat, so that only a search decides.
#[test]
fn a_proof_leaves_out_transactions_that_share_no_register_with_it() {
    let shown = "c0 txn - [[w;x;2];[r;x;2]] [0,1]\nc2 txn - [[w;x;2];[r;y;1];[w;y;3]] [2,3]
                 c3 txn - [[r;x;nil];[w;x;3]] [4,5]\nc0 txn - [[w;z;2]] [6,7]\nc1 txn - [[w;y;1]] [8,9]
                 c1 txn - [[r;x;2]] [10,11]\nc1 txn - [[r;x;3]] [12,13]";
    let history = testing::history(shown);
    assert!(!has_order(&history));
    let (verdict, _) = judge(&history);
    let [anomaly] = verdict.anomalies() else { panic!("{verdict:?}") };
    assert_eq!(confirm(&history, anomaly), Ok(()));
    assert!(!anomaly.witness.operations.contains(&OperationId(3)), "it writes z alone: {anomaly:#?}");
}

#[test]
fn what_is_forced_contradicts_only_what_has_no_order() {
    let cases = cases(5_000);
    let (mut found, mut without) = (0, 0);
    for case in 0..cases {
        let history = random(&mut Dice(u64::from(case) + 1));
        let order = has_order(&history);
        without += usize::from(!order);
        let named = crate::causal::contradiction(&history, &Budget::unlimited());
        if let Some(named) = named.expect("time is not limited") {
            assert!(!order, "case {case} has an order: {named:?}");
            let told = crate::sequential::proof::tell(&history, named);
            assert_eq!(confirm(&history, &told), Ok(()), "case {case}");
            found += 1;
        }
    }
    super::tell(&format!("forced transactions: {found} of {without} without an order contradict themselves"));
    assert!(found > cases / 100, "{found} of {cases}");
}
