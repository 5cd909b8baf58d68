//! What must hold of the order of any file, against the definition of which operation is before which.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::read::{Options, read_with};
use crate::{History, Nanos, Order, write};

/// How many cases are tried: `CASES=300000 cargo test --release -p histories properties` tries more.
pub(super) fn runner() -> TestRunner {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000);
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
}

/// An event of a client as a file has it. Its operation writes a value that no other writes.
#[derive(Clone, Debug)]
struct Written {
    client: usize,
    kind: &'static str,
    value: i64,
    time: Option<u64>,
}

/// Several clients' events, in any order that keeps each client's, at times that often touch.
#[derive(Clone, Debug)]
struct Recorded {
    events: Vec<Written>,
}

/// For each client the steps in time to each next event, and for each operation how it ends.
fn recorded(untimed: bool) -> impl Strategy<Value = Recorded> {
    let client = prop::collection::vec((0_u64..4, 0_u64..4, 0_u8..8), 0..5);
    let clients = prop::collection::vec(client, 1..4);
    let turns = prop::collection::vec(0_usize..4, 40);
    let missing = prop::collection::vec(prop::bool::weighted(if untimed { 0.1 } else { 0.0 }), 40);
    let all = (clients, turns, missing).prop_map(|(clients, turns, missing)| {
        let mut queues: Vec<Vec<Written>> = Vec::new();
        let mut value = 0;
        for (client, operations) in clients.into_iter().enumerate() {
            let (mut time, mut queue) = (0, Vec::new());
            for (wait, length, end) in operations {
                value += 1;
                time += wait;
                queue.push(Written { client, kind: "invoke", value, time: Some(time) });
                time += length;
                let kind = ["ok", "ok", "ok", "ok", "ok", "fail", "info", ""][usize::from(end)];
                if kind.is_empty() {
                    break;
                }
                queue.push(Written { client, kind, value, time: Some(time) });
            }
            queue.reverse();
            queues.push(queue);
        }
        let mut events = Vec::new();
        let mut turns = turns.into_iter().cycle();
        while queues.iter().any(|queue| !queue.is_empty()) {
            let turn = turns.next().unwrap_or_default();
            let place = (0..queues.len()).map(|i| (turn + i) % queues.len()).find(|i| !queues[*i].is_empty());
            events.extend(place.and_then(|place| queues[place].pop()));
        }
        for (event, missing) in events.iter_mut().zip(missing) {
            event.time = event.time.filter(|_| !missing);
        }
        Recorded { events }
    });
    all.prop_filter("a file without events", |recorded| !recorded.events.is_empty())
}

impl Recorded {
    fn edn(&self) -> String {
        self.lines(|Written { client, kind, value, time }| {
            let time = time.map_or_else(String::new, |time| format!(", :time {time}"));
            format!("{{:process {client}, :type :{kind}, :f :write, :value {value}{time}}}")
        })
    }

    fn json(&self) -> String {
        self.lines(|Written { client, kind, value, time }| {
            let time = time.map_or_else(String::new, |time| format!(",\"time\":{time}"));
            format!("{{\"process\":{client},\"type\":\"{kind}\",\"f\":\"write\",\"value\":{value}{time}}}")
        })
    }

    /// The events on one line.
    fn vector(&self) -> String {
        format!("[{}]", self.edn().replace('\n', " "))
    }

    fn table(&self) -> String {
        let rows = self.lines(|Written { client, kind, value, time }| {
            let time = time.map_or_else(String::new, |time| time.to_string());
            format!("{client},{kind},write,{value},{time}")
        });
        format!("process,type,f,value,time\n{rows}")
    }

    fn lines(&self, line: impl Fn(&Written) -> String) -> String {
        self.events.iter().fold(String::new(), |mut text, event| {
            writeln!(text, "{}", line(event)).unwrap();
            text
        })
    }

    /// A row an operation, client by client, the last one first.
    fn operations(&self) -> String {
        let mut text = "process,f,value,begin,end,outcome\n".to_owned();
        let mut calls: Vec<&Written> = self.events.iter().filter(|event| event.kind == "invoke").collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.client));
        for call in calls {
            let reply = self.reply(call.value);
            let time = |event: &Written| event.time.unwrap_or_default().to_string();
            let (end, outcome) = reply.map_or_else(Default::default, |reply| (time(reply), reply.kind));
            writeln!(text, "{},write,{},{},{end},{outcome}", call.client, call.value, time(call)).unwrap();
        }
        text
    }

    fn place(&self, value: i64, invoked: bool) -> Option<usize> {
        self.events.iter().position(|event| event.value == value && (event.kind == "invoke") == invoked)
    }

    fn reply(&self, value: i64) -> Option<&Written> {
        self.place(value, false).map(|place| &self.events[place])
    }

    fn values(&self) -> Vec<i64> {
        self.events.iter().filter(|event| event.kind == "invoke").map(|event| event.value).collect()
    }

    /// Whether one operation certainly ended before another began, by the definition.
    fn precedes(&self, one: i64, other: i64, order: Order) -> bool {
        let (Some(end), Some(begin)) = (self.place(one, false), self.place(other, true)) else {
            return false;
        };
        let (ended, begun) = (&self.events[end], &self.events[begin]);
        ended.kind != "info"
            && match order {
                Order::Place => end < begin,
                Order::Time => ended.time < begun.time,
            }
    }
}

fn agrees(
    recorded: &Recorded,
    history: &History,
    order: Order,
    lines: Option<u32>,
) -> Result<(), TestCaseError> {
    let value = |id: usize| history.operations()[id].call().as_int().unwrap();
    let count = history.operations().len();
    prop_assert_eq!(count, recorded.values().len());
    for one in 0..count {
        let operation = &history.operations()[one];
        let outcome = recorded.reply(value(one)).map_or("info", |reply| reply.kind);
        prop_assert_eq!(operation.outcome.name(), outcome);
        if let Some(head) = lines {
            let line = |invoked| recorded.place(value(one), invoked).map(|place| place as u32 + 1 + head);
            prop_assert_eq!(history.line(operation.call_event), line(true));
            prop_assert_eq!(history.line(operation.reply_event), line(false));
        }
        for other in 0..count {
            let (first, second) = (value(one), value(other));
            let precedes = operation.precedes(&history.operations()[other]);
            prop_assert_eq!(precedes, recorded.precedes(first, second, order), "{} before {}", first, second);
            let same_session = operation.process == history.operations()[other].process;
            if same_session {
                let in_file = recorded.place(first, true) < recorded.place(second, true);
                prop_assert_eq!(one < other, in_file, "a session stays in the order of the file");
            }
        }
    }
    let invoked = history.operations().iter().map(|operation| (operation.invoked, operation.call_event));
    prop_assert!(invoked.is_sorted(), "operations are in the order of their invocations");
    Ok(())
}

pub(super) fn read(text: &str, order: Option<Order>) -> Result<History, crate::Diagnostic> {
    read_with(text.as_bytes(), "h", &Options { order, ..Options::default() })
}

#[test]
fn real_time_is_what_the_definition_says_in_every_format() {
    let tried = runner().run(&recorded(false), |recorded| {
        let has_time = recorded.events.iter().any(|event| event.time > Some(0));
        for (text, lines) in [
            (recorded.edn(), Some(0)),
            (recorded.json(), Some(0)),
            (recorded.table(), Some(1)),
            (recorded.vector(), None),
        ] {
            let history = read(&text, None).unwrap();
            agrees(&recorded, &history, Order::Time, lines)?;
            prop_assert_eq!(history.timing().order, has_time.then_some(Order::Time));
            agrees(&recorded, &read(&text, Some(Order::Place)).unwrap(), Order::Place, lines)?;
            let mut ours = Vec::new();
            write::jsonl::history(&history, &mut ours).unwrap();
            let again = crate::read::read(&*ours, "again").unwrap();
            prop_assert_eq!(again.operations(), history.operations());
        }
        agrees(&recorded, &read(&recorded.operations(), None).unwrap(), Order::Time, None)?;
        prop_assert_eq!(read(&recorded.operations(), Some(Order::Place)).unwrap_err().line, 1);
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn events_on_one_line_are_told_apart() {
    let tried = runner().run(&recorded(false), |recorded| {
        let history = read(&recorded.vector(), None).unwrap();
        let text = recorded.vector();
        for operation in history.operations() {
            for (event, invoked) in [(operation.call_event, true), (operation.reply_event, false)] {
                let Some(place) = recorded.place(operation.call().as_int().unwrap(), invoked) else {
                    continue;
                };
                let begins = text.match_indices("{:process").nth(place).unwrap().0 as u32 + 1;
                let spot = history.spot(event).unwrap();
                prop_assert_eq!(spot.line, 1);
                prop_assert!(
                    spot.column == Some(begins) || recorded.events.len() == 1,
                    "{} {:?}",
                    begins,
                    spot
                );
            }
        }
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn one_event_without_a_time_makes_the_place_the_order() {
    let tried = runner().run(&recorded(true), |recorded| {
        let untimed = recorded.events.iter().position(|event| event.time.is_none());
        for text in [recorded.edn(), recorded.json()] {
            match (read(&text, Some(Order::Time)), untimed) {
                (Err(error), Some(place)) => prop_assert_eq!(error.line, place as u64 + 1),
                (Ok(_), None) => {}
                (other, _) => prop_assert!(false, "{:?}", other.map(|history| history.timing())),
            }
            let (history, Some(_)) = (read(&text, None).unwrap(), untimed) else { continue };
            agrees(&recorded, &history, Order::Place, Some(0))?;
            let some_have = recorded.events.iter().any(|event| event.time.is_some());
            prop_assert_eq!(history.warnings().len(), usize::from(some_have));
        }
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn inversions_and_touching_events_are_counted() {
    let tried = runner().run(&recorded(false), |recorded| {
        let events = &recorded.events;
        let timing = read(&recorded.edn(), None).unwrap().timing();
        let behind = |place: usize| {
            let latest = events[..place].iter().map(|event| event.time).max().unwrap_or_default();
            latest.unwrap_or_default().saturating_sub(events[place].time.unwrap_or_default())
        };
        let all: Vec<u64> = (0..events.len()).map(behind).filter(|by| *by > 0).collect();
        prop_assert_eq!(timing.inversions, all.len() as u64);
        prop_assert_eq!(timing.inversion_max, Nanos(all.into_iter().max().unwrap_or_default()));
        let touching = events.chunk_by(|one, next| one.time == next.time).filter(|same| {
            let pairs = || same.iter().flat_map(|one| same.iter().map(move |other| (one, other)));
            pairs().any(|(one, other)| {
                one.client != other.client && one.kind == "invoke" && other.kind != "invoke"
            })
        });
        prop_assert_eq!(timing.touching, touching.map(|same| same.len() as u64).sum::<u64>());
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn a_client_whose_time_goes_back_is_refused_on_its_line() {
    let back = (recorded(false), any::<prop::sample::Index>(), 1_u64..5);
    let tried = runner().run(&back, |(mut recorded, index, by)| {
        let place = index.index(recorded.events.len());
        let client = recorded.events[place].client;
        let last = recorded.events[..place].iter().rev().find(|event| event.client == client);
        let Some(last) = last.and_then(|event| event.time).filter(|last| *last >= by) else { return Ok(()) };
        recorded.events[place].time = Some(last - by);
        for (text, head) in [(recorded.edn(), 0), (recorded.json(), 0), (recorded.table(), 1)] {
            let error = read(&text, None).unwrap_err();
            prop_assert_eq!(error.line, place as u64 + 1 + head, "{}", error);
            prop_assert!(read(&text, Some(Order::Place)).is_ok());
        }
        Ok(())
    });
    tried.unwrap();
}
