//! Histories as text, for tests: one operation a line.
//!
//! ```text
//! nodes n1 n2
//! c1 write x 1 [0,10]             ok unless it says otherwise
//! c2 read x nil [11,12]
//! c1 cas x 1 2 [13,14] fail 3     and found 3
//! c3 write x 4 [15,] info         "[15,20] info" where the time-out is known
//! c4 dump n1 x=1,s=[1;2] [30,31]
//! c4 read-all s [1;2] [32,33] served n1 version 7
//! c4 read x 1 [34,35] at n2       the node that was asked
//! c1 replace x [1;2] 3 [36,37]    quotes 1 and 2
//! c1 add - 1 [38,39]              to the one object, which has no name
//! c1 send p 7 [40,41] told [0;7]   answered with something else
//! nemesis begin cut [5,6]
//! nemesis heal [20,21]
//! ```

pub(crate) mod brute;
mod clients;
mod dice;
pub(crate) mod lagging;
pub(crate) mod oracle;
mod random;

use std::fmt::Write as _;

use histories::{
    Applied, Event, FaultStep, Function, Header, Hints, History, Key, Kind, Nanos, Node, Op, Pairing,
    Process, Value,
};

use crate::proof::{Alone, Proofs};
use crate::roster::all;
use crate::{Anomaly, Budget, Finding, Hierarchy, Side, Unconfirmed, Verdict};

pub(crate) use clients::Clients;
pub(crate) use dice::Dice;
pub(crate) use random::random;

pub(crate) fn history(text: &str) -> History {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let (heads, body): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("nodes "));
    let nodes = heads.iter().flat_map(|line| line.split_whitespace().skip(1).map(str::to_owned)).collect();
    let mut events: Vec<Event> = body.into_iter().flat_map(parse).collect();
    events.sort_by_key(|event| (event.time, event.kind != Kind::Invoke));
    build(nodes, events)
}

/// How many cases a fuzzer tries: `CASES=300000 cargo test --release -p checkers fuzz` tries more.
pub(crate) fn cases(in_suite: u64) -> u64 {
    std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(in_suite)
}

/// A history for a failure's message, one operation a line.
pub(crate) fn lines(history: &History) -> String {
    let operations = history.operations().iter().map(|op| {
        let key = op.key.map_or_else(|| "-".to_owned(), |key| history.key(key).to_string());
        let (call, reply, outcome) = (op.call(), op.reply(), op.outcome.name());
        let (from, to) = (op.invoked.0, op.completed.0);
        format!("c{} {} {key} {call} -> {reply} [{from},{to}] {outcome}", op.process, op.function)
    });
    operations.collect::<Vec<_>>().join("\n")
}

/// What every checker finds by itself: each proof confirmed, and each verdict the one that the other findings imply, if
/// they imply any.
pub(crate) fn coherent_findings(history: &History) -> Vec<Finding> {
    let (ladder, budget) = (Hierarchy::of(history), Budget::unlimited());
    let found: Vec<Finding> = all().iter().flat_map(|checker| checker.check(history, &budget)).collect();
    for anomaly in found.iter().flat_map(|finding| finding.verdict.anomalies()) {
        assert_eq!(confirm(history, anomaly), Ok(()), "{anomaly:#?}:\n{}", lines(history));
    }
    for direct in found.iter().filter(|finding| is_decided(finding)) {
        let others: Vec<Finding> =
            found.iter().filter(|finding| finding.model != direct.model).cloned().collect();
        if let Some(implied) = ladder.deduce(&others, direct.model) {
            let (direct_name, implied_name) = (direct.verdict.name(), implied.verdict.name());
            assert_eq!(
                direct_name,
                implied_name,
                "{} by itself and by others:\n{}",
                direct.model,
                lines(history)
            );
        }
    }
    found
}

pub(crate) fn is_decided(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Valid | Verdict::Invalid(_))
}

/// Whether a checker's proof stands up to a re-check, and what it lists, completed as it is before anyone sees it,
/// violates the model by itself.
pub(crate) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let mut whole = anomaly.clone();
    let alone = Proofs::of(history).complete(&mut whole);
    crate::confirm(history, &whole)?;
    if alone == Alone::Allowed {
        return Err(format!("what it lists is no violation by itself: {:#?}", whole.steps).into());
    }
    Ok(())
}

/// From events in order, which are numbered here.
pub(crate) fn build(nodes: Vec<String>, events: Vec<Event>) -> History {
    let mut pairing = Pairing::new(Header { partita: 1, nodes, ..Header::default() });
    for (index, event) in (0..).zip(events) {
        pairing.push(Event { index, ..event }, None).unwrap();
    }
    pairing.finish()
}

fn parse(line: &str) -> Vec<Event> {
    let (line, told) = line.split_once(" told ").map_or((line, None), |(line, told)| (line, Some(told)));
    let at = line.rfind(" [").unwrap();
    let (head, rest) = (&line[..at], &line[at + 2..]);
    let (times, tail) = rest.split_once(']').unwrap();
    let (from, to) = times.split_once(',').unwrap();
    let words: Vec<&str> = head.split_whitespace().collect();
    let tail: Vec<&str> = tail.split_whitespace().collect();
    let times = (from.parse().unwrap(), to.parse().ok());
    if words[0] == "nemesis" { nemesis(&words, times) } else { client(&words, times, &tail, told) }
}

fn nemesis(words: &[&str], (from, to): (u64, Option<u64>)) -> Vec<Event> {
    let (name, what) = (words.get(2).copied().unwrap_or_default().to_owned(), "cut".to_owned());
    let step = match words[1] {
        "begin" => FaultStep::Begin { fault: 1, name, what, applied: None },
        "end" => FaultStep::End { fault: 1, name, what, applied: None },
        _ => FaultStep::Heal { applied: None },
    };
    let done = step.clone().done(Applied::Installed("seen".into()));
    let mut events = vec![event(from, Process::Nemesis, Kind::Info, step.to_op())];
    events.extend(to.map(|to| event(to, Process::Nemesis, Kind::Info, done.to_op())));
    events
}

fn client(words: &[&str], (from, to): (u64, Option<u64>), tail: &[&str], told: Option<&str>) -> Vec<Event> {
    let process = Process::Client(words[0].trim_start_matches('c').parse().unwrap());
    let function = Function::from(words[1]);
    let (key, values) = match function {
        Function::Dump => (None, &words[3..]),
        _ => (Some(words[2]).filter(|&key| key != "-"), &words[3..]),
    };
    let values: Vec<Value> = values.iter().map(|text| value(text)).collect();
    let asks = matches!(
        function,
        Function::Read
            | Function::ReadAll
            | Function::Dump
            | Function::Dequeue
            | Function::Drain
            | Function::Generate
    );
    let op = |value: Value| Op { function: function.clone(), key: key.map(Key::from), value };
    let call = match (&function, values.as_slice()) {
        _ if asks => Value::Null,
        (Function::Cas | Function::Replace, pair) => Value::list(pair.iter().cloned()),
        (_, values) => values[0].clone(),
    };
    let reply = if asks { values.first().cloned().unwrap_or_default() } else { call.clone() };
    let after = |word: &str| tail.iter().position(|&other| other == word).and_then(|at| tail.get(at + 1));
    let kind = if tail.contains(&"fail") {
        Kind::Fail
    } else if tail.contains(&"info") {
        Kind::Info
    } else {
        Kind::Ok
    };
    let mut invoke = event(from, process, Kind::Invoke, op(call));
    let asked = after("at").or_else(|| words.get(2).filter(|_| function == Function::Dump));
    invoke.node = asked.map(|text| text.parse().unwrap());
    let mut events = vec![invoke];
    if let Some(to) = to {
        let reply = told.map_or(reply, value);
        let mut done = event(to, process, kind, op(reply));
        done.seen = after("fail").filter(|_| function == Function::Cas).map(|text| value(text));
        done.hints = Hints {
            version: after("version").map(|text| text.parse().unwrap()),
            term: None,
            served_by: after("served").map(|text| text.parse::<Node>().unwrap()),
        };
        events.push(done);
    }
    events
}

pub(crate) fn event(time: u64, process: Process, kind: Kind, op: Op) -> Event {
    Event {
        index: 0,
        time: Nanos(time),
        process,
        kind,
        op,
        node: None,
        error: None,
        seen: None,
        hints: Hints::NONE,
    }
}

fn value(text: &str) -> Value {
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return Value::list(items(inner).into_iter().filter(|item| !item.is_empty()).map(value));
    }
    if text.contains('=') || text == "{}" {
        let entries = text.trim_matches(['{', '}']).split(',').filter(|entry| !entry.is_empty());
        return Value::map(entries.map(|entry| {
            let (key, inner) = entry.split_once('=').unwrap();
            (key.to_owned(), value(inner))
        }));
    }
    match text {
        "nil" => Value::Null,
        other => other.parse::<i64>().map_or_else(|_| Value::text(other), Value::Int),
    }
}

/// What stands between semicolons that are in no inner list.
fn items(text: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            ';' if depth == 0 => {
                items.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&text[start..]);
    items
}

/// An anomaly as a snapshot shows it.
pub(crate) fn told(history: &History, anomaly: &Anomaly) -> String {
    let mut text = format!("{}: {}\n", anomaly.kind, anomaly.summary);
    for step in &anomaly.steps {
        let op = history.operation(step.operation);
        let time = match step.side {
            Side::Invoked => format!("invoked {}", op.invoked.0),
            Side::Completed => format!("completed {}", op.completed.0),
        };
        let outcome = op.outcome.name();
        writeln!(text, "  {outcome} client {} {} {time}: {}", op.process, op.function, step.note).unwrap();
    }
    for fact in &anomaly.facts {
        writeln!(text, "  = {fact}").unwrap();
    }
    text
}
