//! What is written is read back as it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use crate::{
    Clock, Draft, Event, Function, Header, Hints, Kind, Nanos, Node, Op, Process, Recorder, Value, read,
};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<String>().prop_map(Value::text),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::list),
            proptest::collection::btree_map(any::<String>(), inner, 0..4).prop_map(Value::map),
        ]
    })
}

fn hints() -> impl Strategy<Value = Hints> {
    (any::<Option<u64>>(), any::<Option<u64>>(), proptest::option::of(0_u16..3))
        .prop_map(|(version, term, node)| Hints { version, term, served_by: node.map(Node) })
}

/// One operation of process 0: its invocation and, perhaps, its completion.
type Shape = (String, Value, Value, Hints, Option<(u8, Option<Value>, Option<String>)>);

fn shapes() -> impl Strategy<Value = Vec<Shape>> {
    let completion =
        proptest::option::weighted(0.9, (0_u8..3, proptest::option::of(value()), any::<Option<String>>()));
    proptest::collection::vec((any::<String>(), value(), value(), hints(), completion), 0..8)
}

fn events(shapes: &[Shape]) -> Vec<Event> {
    let mut events = Vec::new();
    for ((key, call, reply, hints, completion), process) in shapes.iter().zip(0..) {
        let mut event = Event {
            index: events.len() as u64,
            time: Nanos(events.len() as u64 * 3),
            process: Process::Client(process),
            kind: Kind::Invoke,
            op: Op::new(Function::from(&*format!("{key}!")), key.as_str(), call.clone()),
            node: Some(Node(process as u16 % 3)),
            error: None,
            seen: None,
            hints: Hints::NONE,
        };
        events.push(event.clone());
        let Some((kind, seen, error)) = completion else { continue };
        event.index += 1;
        event.kind = [Kind::Ok, Kind::Fail, Kind::Info][usize::from(*kind)];
        event.op.value = reply.clone();
        event.hints = *hints;
        event.seen.clone_from(seen);
        event.error.clone_from(error);
        events.push(event);
    }
    events
}

fn header() -> Header {
    Header { partita: 1, nodes: vec!["n1".into(), "n2".into(), "n3".into()], ..Header::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_event_comes_back_as_it_was_written(shapes in shapes()) {
        let events = events(&shapes);
        let mut text = Vec::new();
        super::jsonl::header(&header(), &mut text);
        for event in &events {
            super::jsonl::event(event, &mut text);
        }
        let from_file = read::read(text.as_slice(), "h").unwrap();
        let from_memory = crate::History::try_from(events).unwrap();
        prop_assert_eq!(from_file.operations(), from_memory.operations());
        prop_assert_eq!(from_file.event_count(), from_memory.event_count());
        for (id, _) in from_file.iter() {
            prop_assert_eq!(from_file.hints(id), from_memory.hints(id));
            prop_assert_eq!(from_file.error(id), from_memory.error(id));
        }
    }

    #[test]
    fn any_prefix_of_a_file_is_a_sound_history(shapes in shapes(), cut in any::<prop::sample::Index>()) {
        let mut text = Vec::new();
        super::jsonl::header(&header(), &mut text);
        let head = text.len();
        let events = events(&shapes);
        for event in &events {
            super::jsonl::event(event, &mut text);
        }
        let length = head + cut.index(text.len() - head + 1);
        let history = read::read(&text[..length], "h").unwrap();
        let whole = text[head..length].split(|byte| *byte == b'\n').count() - 1;
        let read = history.event_count() as usize;
        // A last line that lacks only its line break is whole, too.
        prop_assert!(read == whole || read == whole + 1 && history.cut_off().is_none());
    }
}

#[test]
fn the_recorder_numbers_and_stamps_events_in_the_order_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let time = Arc::new(AtomicU64::new(0));
    let recorder = Arc::new(Recorder::create(&path, &header(), Clock::Virtual(Arc::clone(&time))).unwrap());
    let threads: Vec<_> = (0..4)
        .map(|process| {
            let (recorder, time) = (Arc::clone(&recorder), Arc::clone(&time));
            std::thread::spawn(move || {
                for value in 0..200 {
                    for kind in [Kind::Invoke, Kind::Ok] {
                        time.fetch_add(1, Ordering::Relaxed);
                        recorder
                            .record(Draft::new(Process::Client(process), kind, Op::write("x", value)))
                            .unwrap();
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    recorder.flush().unwrap();
    // The reader refuses a gap in the numbers and time that goes back.
    let history = read::file(&path).unwrap();
    assert_eq!(history.operations().len(), 800);
    assert!(history.operations().iter().all(crate::Operation::is_ok));
}

#[test]
fn what_was_recorded_reaches_the_file_within_the_flush_interval() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let time = Arc::new(AtomicU64::new(0));
    let recorder = Recorder::create(&path, &header(), Clock::Virtual(Arc::clone(&time))).unwrap();
    recorder.record(Draft::new(Process::Client(0), Kind::Invoke, Op::read("x"))).unwrap();
    recorder.flush_if_due().unwrap();
    assert_eq!(read::file(&path).unwrap().event_count(), 0, "still buffered");
    time.store(Recorder::FLUSH_INTERVAL.0, Ordering::Relaxed);
    recorder.flush_if_due().unwrap();
    assert_eq!(read::file(&path).unwrap().event_count(), 1);
}

/// What a history says, whatever file it came from.
fn said(history: &crate::History) -> Vec<String> {
    let mut lines: Vec<_> = super::events(history).map(|event| format!("{event:?}")).collect();
    lines.extend(history.nodes().map(|(_, name)| name.to_owned()));
    lines.extend(history.operations().iter().map(|op| format!("{:?}", op.key.map(|key| history.key(key)))));
    lines
}

fn rewritten(history: &crate::History, format: read::Format) -> crate::History {
    let mut text = Vec::new();
    super::history(history, format, &mut text).unwrap();
    read::read(text.as_slice(), "h")
        .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&text)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_history_comes_back_from_every_format_that_holds_all_of_it(shapes in shapes(), keyless in any::<bool>()) {
        let mut events = events(&shapes);
        for event in &mut events {
            event.time.0 /= 2;
            if keyless {
                event.op.key = None;
            }
        }
        let mut pairing = crate::Pairing::new(header());
        for event in events {
            pairing.push(event, None).unwrap();
        }
        let history = pairing.finish();
        for format in [read::Format::Jsonl, read::Format::Edn] {
            let back = rewritten(&history, format);
            prop_assert_eq!(said(&back), said(&history), "{}", format);
            prop_assert_eq!(&back.header, &history.header);
        }
    }

    #[test]
    fn transactions_come_back_from_plumes_text(
        ops in proptest::collection::vec((0_u32..3, proptest::collection::vec((any::<bool>(), 0_i64..4, 1_i64..9), 1..4)), 1..12),
    ) {
        let mut events = Vec::new();
        for (process, micros) in ops {
            let micro = |write: bool, key: i64, value: Value| Value::list([Value::text(if write { "w" } else { "r" }), key.into(), value]);
            let asked = micros.iter().map(|(write, key, value)| micro(*write, *key, if *write { (*value).into() } else { Value::Null }));
            let seen = micros.iter().map(|(write, key, value)| micro(*write, *key, if *write || value % 3 > 0 { (*value).into() } else { Value::Null }));
            for (kind, value) in [(Kind::Invoke, Value::list(asked)), (Kind::Ok, Value::list(seen))] {
                events.push(Event {
                    process: Process::Client(process),
                    kind,
                    op: Op::global(Function::Txn, value),
                    ..super::blank(events.len() as u64)
                });
            }
        }
        let history = crate::History::try_from(events).unwrap();
        let back = rewritten(&history, read::Format::Plume);
        for process in 0..3 {
            let of = |history: &crate::History| -> Vec<_> {
                let own = history.operations().iter().filter(|op| op.process == process);
                own.map(|op| (op.call().clone(), op.reply().clone())).collect()
            };
            prop_assert_eq!(of(&back), of(&history));
        }
    }
}

fn read_text(text: &str) -> crate::History {
    read::read(text.as_bytes(), "h").unwrap()
}

#[test]
fn edn_is_written_as_elle_and_knossos_take_it() {
    let history = read_text(
        r#"{"partita":1,"nodes":["a"],"demands":["linearizable"]}
{"index":0,"time":5,"process":0,"type":"invoke","f":"cas","key":"7","value":[1,2],"node":"a"}
{"index":1,"time":5,"process":"nemesis","type":"info","f":"cut","value":{"from":["a"],"0":1.0e}}
"#
        .replace("1.0e", "1")
        .as_str(),
    );
    let mut text = Vec::new();
    super::history(&history, read::Format::Edn, &mut text).unwrap();
    insta::assert_snapshot!(String::from_utf8(text).unwrap());
    let transactions = read_text(
        "[{:index 3 :type :invoke, :value [[:append 1 2] [:r 1 nil]]}\n {:index 4 :type :ok, :value [[:append 1 2] [:r 1 [2]]]}\n{:f :read :type :invoke :process 1 :key :b}]",
    );
    let mut text = Vec::new();
    super::history(&transactions, read::Format::Edn, &mut text).unwrap();
    insta::assert_snapshot!("transactions_in_edn", String::from_utf8(text).unwrap());
}

#[test]
fn what_plume_cannot_hold_is_named() {
    let errors: Vec<_> = [
        "{:process 0, :type :invoke, :f :enqueue, :value 1}",
        "{:process 0, :type :invoke, :f :write, :value \"a\"}",
        "{:process 0, :type :invoke, :f :txn, :value [[:append 1 2]]}",
        "{:process 0, :type :invoke, :f :write, :value 0} {:process 1, :type :invoke, :f :read, :value nil}",
    ]
    .iter()
    .map(|text| {
        super::history(&read_text(text), read::Format::Plume, &mut Vec::new()).unwrap_err().to_string()
    })
    .collect();
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn an_indefinite_write_is_in_plumes_text_only_if_it_was_seen() {
    let history = read_text(
        "{:process 0, :type :invoke, :f :write, :value 1} {:process 1, :type :invoke, :f :write, :value 2}
         {:process 2, :type :invoke, :f :read} {:process 2, :type :ok, :f :read, :value 2}
         {:process 3, :type :invoke, :f :write, :value 3} {:process 3, :type :fail, :f :write, :value 3}",
    );
    let mut text = Vec::new();
    super::history(&history, read::Format::Plume, &mut text).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), "w(0,2,1,1)\nr(0,2,2,2)\nw(0,3,3,-1)\n");
}

#[test]
fn a_format_without_a_writer_is_refused() {
    let error = super::history(&crate::History::default(), read::Format::Csv, &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "histories are not written as csv; the formats to write are jsonl, edn and plume"
    );
}
