//! Logs by example, and random small ones against every log that there could be.

mod fuzz;
mod oracle;

use histories::{Function, History, Kind, ModelName, Op, Process, Value};

use super::Logs;
use crate::{Budget, Checker, Finding, confirm, testing};

/// What the model says of a history, every proof re-checked.
fn finding(history: &History) -> Finding {
    let finding = Logs.check(history, &Budget::unlimited()).remove(0);
    assert_eq!(finding.model, ModelName::Log);
    for anomaly in finding.verdict.anomalies() {
        assert_eq!(confirm(history, anomaly), Ok(()), "{anomaly:#?}\n{}", testing::lines(history));
        assert!(!anomaly.steps.is_empty() && !anomaly.facts.is_empty());
    }
    finding
}

/// An operation of a client, from one time to another.
struct Act {
    client: u32,
    from: u64,
    to: u64,
    kind: Kind,
    function: &'static str,
    call: Value,
    reply: Value,
}

fn history(acts: Vec<Act>) -> History {
    let mut events = Vec::new();
    for act in acts {
        let op = |value: Value| Op { function: Function::from(act.function), key: None, value };
        let process = Process::Client(act.client);
        events.push(testing::event(act.from, process, Kind::Invoke, op(act.call.clone())));
        let reply = if act.kind == Kind::Ok { act.reply } else { act.call };
        events.push(testing::event(act.to, process, act.kind, op(reply)));
    }
    events.sort_by_key(|event| (event.time, event.kind != Kind::Invoke));
    testing::build(Vec::new(), events)
}

fn micro(name: &str, rest: impl IntoIterator<Item = Value>) -> Value {
    Value::list(std::iter::once(Value::text(name)).chain(rest))
}

fn row(offset: i64, value: i64) -> Value {
    Value::list([offset.into(), value.into()])
}

/// `send 7 at 3`, `send 7`, `send 7 fail`, `poll 0:7 1:8`, `poll info`, `assign`, `subscribe`: one a line, each of a client,
/// one after another. `send 7 at 3; send 8 at 4` is a transaction.
fn told_of(text: &str) -> History {
    let mut acts = Vec::new();
    for (time, line) in (0..).zip(text.lines().map(str::trim).filter(|line| !line.is_empty())) {
        let (client, what) = line.split_once(' ').unwrap();
        let (what, kind) = match what.rsplit_once(' ') {
            Some((what, "fail")) => (what, Kind::Fail),
            Some((what, "info")) => (what, Kind::Info),
            _ => (what, Kind::Ok),
        };
        let steps: Vec<(Value, Value)> = what.split(';').filter_map(|step| step_of(step.trim())).collect();
        let function = match what.split(' ').next().unwrap() {
            _ if steps.len() > 1 => "txn",
            "send" => "send",
            "poll" => "poll",
            "assign" => "assign",
            _ => "subscribe",
        };
        let (calls, replies): (Vec<Value>, Vec<Value>) = steps.into_iter().unzip();
        let (from, to) = (10 * time, 10 * time + 5);
        let client = client[1..].parse().unwrap();
        acts.push(Act {
            client,
            from,
            to,
            kind,
            function,
            call: Value::list(calls),
            reply: Value::list(replies),
        });
    }
    history(acts)
}

fn step_of(step: &str) -> Option<(Value, Value)> {
    let words: Vec<&str> = step.split(' ').collect();
    let int = |text: &str| text.parse::<i64>().unwrap();
    match words[..] {
        ["send", value] => {
            let send = micro("send", ["p".into(), int(value).into()]);
            Some((send.clone(), send))
        }
        ["send", value, "at", offset] => Some((
            micro("send", ["p".into(), int(value).into()]),
            micro("send", ["p".into(), row(int(offset), int(value))]),
        )),
        ["poll", ..] => {
            let rows = words[1..].iter().map(|pair| {
                let (offset, value) = pair.split_once(':').unwrap();
                row(int(offset), int(value))
            });
            let shown = Value::map([("p".to_owned(), Value::list(rows))]);
            Some((micro("poll", []), micro("poll", [shown])))
        }
        _ => None,
    }
}

fn verdict(text: &str) -> &'static str {
    finding(&told_of(text)).verdict.name()
}

/// The only anomaly of a log.
fn only(text: &str) -> String {
    let history = told_of(text);
    let finding = finding(&history);
    let [anomaly] = finding.verdict.anomalies() else { panic!("{:#?}", finding.verdict) };
    testing::told(&history, anomaly)
}

#[test]
fn a_log_keeps_what_was_sent_in_its_order() {
    let sent = "c1 send 7 at 0\nc1 send 8 at 1\nc1 send 9 at 4\n";
    assert_eq!(verdict(&format!("{sent}c2 assign\nc2 poll 0:7 1:8\nc2 poll 4:9")), "valid");
    assert_eq!(verdict(sent), "unknown", "nobody polled");
    assert_eq!(verdict(&format!("{sent}c2 poll 0:7 1:8")), "valid", "the last may come yet");
    assert_eq!(verdict(&format!("{sent}c2 poll 4:9\nc3 poll 0:7 1:8")), "valid", "one began at the end");
    assert_eq!(verdict(&format!("{sent}c2 poll 1:8 4:9")), "invalid", "7 is lost");
    assert_eq!(verdict(&format!("{sent}c3 poll info\nc2 poll 1:8 4:9")), "unknown", "it may have shown 7");
    assert_eq!(verdict(&format!("{sent}c3 poll fail\nc2 poll 1:8 4:9")), "invalid");
    assert_eq!(verdict("c1 send 7 info\nc2 poll 3:7"), "valid", "it was put there");
    assert_eq!(verdict("c1 send 7; send 8\nc2 poll 3:7 4:8"), "valid", "offsets are not told");
    insta::assert_snapshot!(only(&format!("{sent}c2 poll 1:8 4:9")));
}

#[test]
fn consumers_come_and_go() {
    let sent = "c1 send 7 at 0\nc1 send 8 at 1\nc1 send 9 at 2\nc4 poll 0:7 1:8 2:9\n";
    assert_eq!(verdict(&format!("{sent}c2 assign\nc2 poll 0:7\nc2 poll 2:9")), "invalid", "8 is passed over");
    assert_eq!(verdict(&format!("{sent}c2 assign\nc2 poll 0:7\nc2 assign\nc2 poll 2:9")), "valid");
    assert_eq!(
        verdict(&format!("{sent}c2 subscribe\nc2 poll 0:7\nc2 poll 2:9")),
        "valid",
        "a group moved it"
    );
    assert_eq!(verdict(&format!("{sent}c2 subscribe\nc2 poll 0:7 2:9")), "invalid", "within one poll");
    assert_eq!(verdict(&format!("{sent}c2 assign\nc2 poll 1:8\nc2 poll 0:7")), "invalid");
    assert_eq!(verdict(&format!("{sent}c2 assign\nc2 poll 1:8\nc2 poll fail\nc2 poll 0:7")), "valid");
    assert_eq!(verdict(&format!("{sent}c2 assign\nc2 poll 1:8\nc2 poll\nc2 poll 1:8")), "invalid", "twice");
    insta::assert_snapshot!(only(&format!("{sent}c2 assign\nc2 poll 0:7\nc2 poll 2:9")));
    insta::assert_snapshot!(only(&format!("{sent}c2 assign\nc2 poll 1:8\nc2 poll 0:7")));
}

#[test]
fn what_a_log_shows_was_sent_once_and_stays_where_it_is() {
    insta::assert_snapshot!(only("c1 send 7 at 0\nc2 poll 0:7 1:5"));
    insta::assert_snapshot!(only("c1 send 7 fail\nc2 poll 0:7"));
    insta::assert_snapshot!(only("c2 poll 0:7\nc1 send 7 at 0"));
    insta::assert_snapshot!(only("c1 send 7 at 0\nc2 poll 0:7\nc3 poll 4:7"));
    insta::assert_snapshot!(only("c1 send 7 at 0\nc3 send 8 at 0\nc2 poll 0:7"));
    insta::assert_snapshot!(only("c1 send 7 at 3\nc1 send 8\nc2 poll 1:8 3:7"));
    assert_eq!(verdict("c1 send 7 at 0\nc1 send 7 at 1\nc2 poll 0:7 1:7"), "valid", "sent twice");
    assert_eq!(verdict("c1 send 7 at 3\nc2 send 8 at 1\nc2 poll 1:8 3:7"), "valid", "of two producers");
    assert_eq!(verdict("c1 send 7 at 3; send 8 at 2\nc2 poll 2:8 3:7"), "invalid", "in one transaction");
}

#[test]
fn other_histories_are_no_logs() {
    let history = testing::history("c1 write x 1 [0,1]");
    assert_eq!(finding(&history).verdict.name(), "not-applicable");
    let odd = Act {
        client: 1,
        from: 0,
        to: 1,
        kind: Kind::Ok,
        function: "poll",
        call: Value::list([micro("poll", [])]),
        reply: Value::list([micro("poll", [7.into()])]),
    };
    let told = format!("{:?}", finding(&history_with(odd)).verdict);
    assert!(told.contains("instead of the records of partitions"), "{told}");
}

fn history_with(act: Act) -> History {
    history(vec![act])
}

#[test]
fn a_proof_of_disorder_shows_the_record_and_not_another_at_its_offset() {
    // Two records are seen at offset 0. `finding` has the re-check confirm each proof.
    let text = "c2 send 5 at 0\nc2 send 6 at 3\nc2 send 7 info\nc1 poll 0:7 3:6";
    let finding = finding(&told_of(text));
    let disorder = |anomaly: &&crate::Anomaly| anomaly.kind == histories::AnomalyKind::OutOfOrder;
    let anomaly = finding.verdict.anomalies().iter().find(disorder).expect("7 was sent after 6");
    let listed: Vec<u32> = anomaly.steps.iter().map(|step| step.operation.0).collect();
    assert_eq!(listed, [1, 2, 3]);
}
