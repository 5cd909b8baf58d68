//! Transactions whose dependencies go round in a circle, a sample for each class of cycle.

use histories::{Event, Function, History, Kind, Op, Process, Value};

use crate::testing;

/// A transaction a line: client, interval in milliseconds (`!` where it failed), what it did.
pub(super) const TRANSACTIONS: &[(&str, &str)] = &[
    ("intermediate-read", "c1 [0,1] w x 1, w x 2\nc2 [0,1] r x 1"),
    ("internal-read", "c1 [0,1] w x 1, r x nil"),
    ("list-append-internal", "c1 [0,1] append x 1, r x []"),
    ("list-append-dirty-update", "c1 [0,1!] append x 1\nc2 [2,3] r x [1], append x 2\nc3 [4,5] r x [1.2]"),
    ("list-append-g0-session", "c1 [0,1] append x 1\nc1 [2,3] append x 2\nc2 [4,5] r x [2.1]"),
    ("list-append-g0-realtime", "c1 [0,1] append x 1\nc2 [2,3] append x 2\nc3 [4,5] r x [2.1]"),
    ("list-append-g1c-session", "c1 [0,1] r x [1]\nc1 [2,3] append y 1\nc2 [0,1] append x 1, r y [1]"),
    (
        "list-append-g-single",
        "c1 [0,3] r x [], r y [1]\nc2 [0,3] append x 1\nc3 [0,3] r x [1], append y 1\nc4 [4,5] r x [1]",
    ),
    ("list-append-g-single-session", "c1 [0,1] append x 1\nc1 [2,3] r x []"),
    ("list-append-g-single-realtime", "c1 [0,1] append x 1\nc2 [2,3] r x []\nc3 [4,5] r x [1]"),
    (
        "list-append-g-nonadjacent",
        "c1 [0,3] append x 1\nc2 [0,3] append y 1\nc3 [0,3] append z 1\nc4 [0,3] r x [1], r y []
        c5 [0,3] r y [1], r z []\nc6 [0,3] r z [1], r x []",
    ),
    (
        "list-append-g-nonadjacent-session",
        "c1 [0,1] append x 1\nc1 [2,3] r y []\nc2 [0,1] append y 1\nc2 [2,3] r x []\nc3 [4,5] r x [1], r y [1]",
    ),
    (
        "list-append-g-nonadjacent-realtime",
        "c1 [0,5] append x 1\nc2 [1,2] append y 1\nc3 [0,5] r x [1], r y []\nc4 [3,5] r x []\nc5 [6,7] r y [1]",
    ),
    (
        "list-append-g2-item",
        "c1 [0,3] r x [], append y 1\nc2 [0,3] r y [], append z 1\nc3 [0,3] r z [], append x 1
        c4 [4,5] r x [1], r y [1], r z [1]",
    ),
    (
        "list-append-g2-item-session",
        "c1 [0,1] append y 1\nc1 [2,3] r x []\nc2 [0,3] r y [], append x 1\nc3 [4,5] r x [1], r y [1]",
    ),
    (
        "list-append-g2-item-realtime",
        "c1 [0,1] append y 1\nc2 [2,3] r x []\nc3 [0,3] r y [], append x 1\nc4 [4,5] r x [1], r y [1]",
    ),
    (
        "list-append-part-of-a-transaction",
        "c1 [0,3] append x 1, append y 1\nc2 [0,3] r x [1], r y []\nc3 [4,5] r x [1], r y [1]",
    ),
    ("serial-transactions", "c1 [0,1] w x 1, w y 1\nc2 [2,3] r x 1, w x 2\nc1 [4,5] r x 2, r y 1"),
];

pub(super) fn history(text: &str) -> History {
    let mut events: Vec<Event> = text.lines().flat_map(|line| transaction(line.trim())).collect();
    events.sort_by_key(|event| (event.time, event.kind != Kind::Invoke));
    testing::build(Vec::new(), events)
}

fn transaction(line: &str) -> [Event; 2] {
    let (client, rest) = line.split_once(" [").unwrap();
    let (interval, steps) = rest.split_once("] ").unwrap();
    let process = Process::Client(client.trim_start_matches('c').parse().unwrap());
    let failed = interval.ends_with('!');
    let (from, to) = interval.trim_end_matches('!').split_once(',').unwrap();
    let time = |ms: &str| ms.parse::<u64>().unwrap() * 1_000_000;
    let steps: Vec<Vec<&str>> = steps.split(", ").map(|step| step.split(' ').collect()).collect();
    let op = |is_answer: bool| {
        let micro = |step: &Vec<&str>| {
            let value = if is_answer || step[0] != "r" { value(step[2]) } else { Value::Null };
            Value::list([Value::text(step[0]), Value::text(step[1]), value])
        };
        Op::global(Function::Txn, Value::list(steps.iter().map(micro)))
    };
    let kind = if failed { Kind::Fail } else { Kind::Ok };
    [
        testing::event(time(from), process, Kind::Invoke, op(false)),
        testing::event(time(to), process, kind, op(!failed)),
    ]
}

/// `nil`, `1`, `[]`, `[1.2]`.
fn value(text: &str) -> Value {
    match text.strip_prefix('[') {
        None => text.parse().map_or(Value::Null, Value::Int),
        Some(list) => {
            let items = list.trim_end_matches(']').split('.').filter_map(|item| item.parse().ok());
            Value::list(items.map(Value::Int))
        }
    }
}
