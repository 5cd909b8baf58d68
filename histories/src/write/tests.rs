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
            op: Op::new(Function::Custom(Arc::new(format!("{key}!"))), key.as_str(), call.clone()),
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
