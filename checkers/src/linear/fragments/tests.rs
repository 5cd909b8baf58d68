use histories::{AnomalyKind, Function, History, Kind, Op, Process, Value};

use crate::linear::search::fuzz::{Dice, METHOD_CASES, Tally, cases_or, history};
use crate::models::{EntryOf, Kv, KvCall, List, ListCall, Model};
use crate::testing::confirm;
use crate::testing::oracle;
use crate::testing::{self, told};
use crate::{Budget, Checker, Linear, Verdict};

/// What the operations of a model are in a history.
type Asked<'a, M> = &'a dyn Fn(&EntryOf<M>) -> (Function, Value, Value);

/// Each entry by a client of its own; now and then something fails as well.
fn recorded<M: Model>(entries: &[EntryOf<M>], failed: &[Op], asked: Asked<'_, M>) -> History {
    let mut events = Vec::new();
    for (client, entry) in (0..).zip(entries) {
        let (function, call, reply) = asked(entry);
        let op = |value| Op::new(function.clone(), "x", value);
        let process = Process::Client(client);
        events.push(testing::event(entry.invoked, process, Kind::Invoke, op(call)));
        events.extend(entry.returned.map(|time| testing::event(time, process, Kind::Ok, op(reply))));
    }
    for (client, op) in (100..).zip(failed) {
        let event = |time, kind| testing::event(time, Process::Client(client), kind, op.clone());
        events.extend([event(0, Kind::Invoke), event(90, Kind::Fail)]);
    }
    events.sort_by_key(|event| (event.time, event.kind != Kind::Invoke));
    testing::build(Vec::new(), events)
}

/// What an object says to a call in a state, if it is to be known.
type Answer<'a, M> =
    dyn FnMut(&<M as Model>::State, &<M as Model>::Call, &mut Dice) -> Option<<M as Model>::Reply> + 'a;

/// Random histories of which most are decided by fragments, against all orders.
fn agrees<M: Model>(
    name: &str,
    model: &M,
    call: &mut dyn FnMut(&mut Dice) -> M::Call,
    reply: &mut Answer<'_, M>,
    asked: Asked<'_, M>,
    failed: &[Op],
) {
    let (mut tally, mut by_fragments) = (Tally::default(), 0);
    let cases = cases_or(METHOD_CASES);
    for seed in 0..cases {
        let entries = history(model, &mut Dice::new(seed ^ 0xF4A6), call, reply);
        let history = recorded::<M>(&entries, failed, asked);
        let expected = oracle::is_linearizable(model, &entries);
        let finding = Linear::default().check(&history, &Budget::unlimited()).remove(0);
        by_fragments += u64::from(finding.method == "fragments");
        match finding.verdict {
            Verdict::Valid => {
                assert!(expected, "{name} {seed}: a false pass: {:#?}", history.operations());
                let found = Linear::default().linearizations(&history, &Budget::unlimited());
                assert!(found.iter().all(|found| found.order.is_ok()), "{name} {seed}: {found:?}");
            }
            Verdict::Invalid(anomalies) => {
                let [anomaly] = anomalies.as_slice() else { panic!("{anomalies:?}") };
                assert!(!expected, "{name} {seed}: false {anomaly:#?} in {:#?}", history.operations());
                let confirmed = confirm(&history, anomaly);
                assert_eq!(confirmed, Ok(()), "{name} {seed}: {anomaly:#?} {:#?}", history.operations());
                assert!(anomaly.steps.len() <= 6 || finding.method == "search");
            }
            Verdict::Unknown(why) => {
                assert!(why.contains("nothing was observed"), "{name} {seed}: {why}");
                continue;
            }
            Verdict::NotApplicable(why) | Verdict::Refuted(why) => panic!("{name} {seed}: {why}"),
        }
        tally.count(expected);
    }
    assert!(by_fragments > cases / 2, "{name}: only {by_fragments} by fragments");
    tally.assert_balanced(name);
}

fn numbered() -> impl FnMut() -> i64 {
    let mut next = 0;
    move || {
        next += 1;
        next
    }
}

#[test]
fn lists_agree_with_every_order() {
    let mut element = numbered();
    let mut call = |dice: &mut Dice| match dice.below(12) {
        0..5 => ListCall::Read,
        5 => ListCall::Write(vec![Value::Int(element()), Value::Int(element())]),
        _ => ListCall::Append(Value::Int(if dice.one_in(60) { 7 } else { element() })),
    };
    let mut reply = |state: &Vec<Value>, call: &ListCall, dice: &mut Dice| {
        let mut seen = (*call == ListCall::Read).then(|| state.clone())?;
        if seen.len() > 1 && dice.one_in(12) {
            seen.reverse();
        }
        if dice.one_in(20) {
            seen.push(Value::Int(-1));
        }
        Some(seen)
    };
    let asked = |entry: &EntryOf<List>| match &entry.call {
        ListCall::Read => {
            let seen = entry.reply.as_ref().map_or(Value::Null, |seen| Value::list(seen.iter().cloned()));
            (Function::Read, Value::Null, seen)
        }
        ListCall::Append(item) => (Function::Append, item.clone(), item.clone()),
        ListCall::Write(items) => {
            let items = Value::list(items.iter().cloned());
            (Function::Write, items.clone(), items)
        }
    };
    let failed = [Op::new(Function::Append, "x", Value::Int(-1))];
    agrees("lists by fragments", &List, &mut call, &mut reply, &asked, &failed);
}

#[test]
fn strings_agree_with_every_order() {
    let mut number = numbered();
    let mut piece = move |dice: &mut Dice| match dice.below(40) {
        0 => "9".to_owned(),
        1 => "99 ".to_owned(),
        _ => format!("{} ", number()),
    };
    let mut call = |dice: &mut Dice| match dice.below(10) {
        0..5 => KvCall::Get,
        5 | 6 => KvCall::Put(piece(dice)),
        _ => KvCall::Append(piece(dice)),
    };
    let mut reply = |state: &String, call: &KvCall, dice: &mut Dice| {
        let mut seen = (*call == KvCall::Get).then(|| state.clone())?;
        if dice.one_in(20) {
            seen.pop();
        }
        Some(seen)
    };
    let asked = |entry: &EntryOf<Kv>| match &entry.call {
        KvCall::Get => (Function::Read, Value::Null, Value::text(entry.reply.clone().unwrap_or_default())),
        KvCall::Put(piece) => (Function::Write, Value::text(piece.as_str()), Value::text(piece.as_str())),
        KvCall::Append(piece) => (Function::Append, Value::text(piece.as_str()), Value::text(piece.as_str())),
    };
    let failed = [Op::new(Function::Append, "x", Value::text("-"))];
    agrees("strings by fragments", &Kv, &mut call, &mut reply, &asked, &failed);
}

fn anomaly(text: &str) -> (AnomalyKind, String) {
    let history = testing::history(text);
    let finding = Linear::default().check(&history, &Budget::unlimited()).remove(0);
    assert_eq!(finding.method, "fragments");
    let anomaly = finding.verdict.anomalies().first().unwrap_or_else(|| panic!("{:?}", finding.verdict));
    assert_eq!(confirm(&history, anomaly), Ok(()));
    (anomaly.kind, told(&history, anomaly))
}

#[test]
fn what_reads_of_a_list_contradict_is_told() {
    let cases = [
        (AnomalyKind::StaleRead, "c1 append l 1 [0,1]\nc1 append l 2 [2,3]\nc2 read l [1] [4,5]"),
        (AnomalyKind::ChainOrder, "c1 append l 1 [0,1]\nc1 append l 2 [2,3]\nc2 read l [2;1] [4,5]"),
        (AnomalyKind::PhantomRead, "c1 append l 1 [0,1]\nc2 read l [1;9] [4,5]"),
        (AnomalyKind::AbortedRead, "c1 append l 1 [0,1]\nc3 append l 9 [0,1] fail\nc2 read l [1;9] [4,5]"),
        (AnomalyKind::FutureRead, "c2 read l [1] [0,1]\nc1 append l 1 [2,3]"),
        (AnomalyKind::DuplicateElements, "c1 append l 1 [0,1]\nc2 read l [1;1] [4,5]"),
        (
            AnomalyKind::IncompatibleOrder,
            "c1 append l 1 [0,9]\nc3 append l 2 [0,9]\nc4 append l 3 [0,9]\nc2 read l [1;2] [4,5]\nc2 read l [1;3] [6,7]",
        ),
    ];
    let mut all = String::new();
    for (kind, text) in cases {
        let (found, told) = anomaly(text);
        assert_eq!(found, kind, "{told}");
        all.push_str(&told);
    }
    insta::assert_snapshot!(all);
}

#[test]
fn pieces_that_can_be_taken_apart_in_two_ways_are_left_to_the_search() {
    let method = |text: &str| {
        let finding = Linear::default().check(&testing::history(text), &Budget::unlimited()).remove(0);
        (finding.verdict.name(), finding.method)
    };
    assert_eq!(method("c1 append l a [0,1]\nc1 append l ab [2,3]\nc2 read l aab [4,5]"), ("valid", "search"));
    assert_eq!(
        method("c1 append l 1 [0,1]\nc1 append l 1 [2,3]\nc2 read l [1;1] [4,5]"),
        ("valid", "search")
    );
    assert_eq!(method("c1 write l [] [0,1]\nc1 append l 1 [2,3]\nc2 read l [1] [4,5]"), ("valid", "search"));
    assert_eq!(
        method("c1 append l a [0,1] fail\nc1 append l a [2,3]\nc2 read l a [4,5]"),
        ("valid", "fragments")
    );
}
