//! Synthetic histories keep their shape, are valid where nothing is planted, and hold what is planted.

use super::*;
use crate::{Function, History, Outcome, Value, write};

fn shape(object: Object) -> Shape {
    Shape { object, operations: 2_000, crashes: 0.02, failures: 0.02, skew: 0.8, ..Shape::default() }
}

fn history(shape: &Shape) -> History {
    History::try_from(events(shape).collect::<Vec<_>>()).unwrap()
}

#[test]
fn every_object_gives_a_history_of_its_shape() {
    for object in Object::ALL {
        let shape = shape(*object);
        let history = history(&shape);
        let operations = history.operations();
        assert_eq!(operations.len(), 2_000, "{object}");
        let share = |outcome| operations.iter().filter(|op| op.outcome == outcome).count();
        assert!(share(Outcome::Info) > 10 && share(Outcome::Info) < 80, "{object}: {}", share(Outcome::Info));
        assert!(share(Outcome::Fail) > 10, "{object}");
        assert!(operations.iter().all(crate::Operation::has_completion), "{object}");
        let concurrent = operations.windows(2).filter(|pair| !pair[0].precedes(&pair[1])).count();
        assert!(concurrent > 1_000, "{object}: {concurrent}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
    let bytes = |seed| {
        let mut out = Vec::new();
        let shape = Shape { seed, ..shape(Object::Register) };
        write::jsonl::header(&header(&shape), &mut out);
        events(&shape).for_each(|event| write::jsonl::event(&event, &mut out));
        out
    };
    assert_eq!(bytes(3), bytes(3));
    assert_ne!(bytes(3), bytes(4));
}

/// What every linearizable history of registers has, checked operation by operation.
#[test]
fn registers_never_show_what_was_not_there() {
    let history = history(&Shape { reads: 0.6, ..shape(Object::Register) });
    let writes = |key, value: &Value| {
        history
            .operations()
            .iter()
            .filter(|op| op.key == key && op.outcome != Outcome::Fail)
            .filter(|op| match op.function {
                Function::Write => *op.call() == *value,
                Function::Cas => op.call().as_pair().is_some_and(|(_, to)| to == value),
                _ => false,
            })
            .collect::<Vec<_>>()
    };
    for read in history.operations().iter().filter(|op| op.function == Function::Read && op.is_ok()) {
        if read.reply().is_null() {
            continue;
        }
        let [write] = writes(read.key, read.reply())[..] else { panic!("{read:?}: one write of each value") };
        assert!(!read.precedes(write), "{read:?} saw the future");
        let newer = history
            .operations()
            .iter()
            .filter(|op| op.key == read.key && op.is_ok() && op.function == Function::Write);
        let stale = newer.into_iter().find(|other| write.precedes(other) && other.precedes(read));
        assert!(stale.is_none(), "{read:?} is stale");
    }
}

#[test]
fn queues_hand_out_each_element_once_and_lists_only_grow() {
    let queue = history(&Shape { crashes: 0.0, ..shape(Object::Queue) });
    let mut out: Vec<_> = queue
        .operations()
        .iter()
        .filter(|op| op.function == Function::Dequeue && !op.reply().is_null())
        .map(|op| (op.key, op.reply().clone()))
        .collect();
    assert!(out.len() > 100);
    out.sort();
    assert!(out.windows(2).all(|pair| pair[0] != pair[1]));
    let list = history(&shape(Object::List));
    for key in list.keys().map(|(key, _)| key) {
        let own = list
            .operations()
            .iter()
            .filter(|op| op.key == Some(key) && op.function == Function::ReadAll && op.is_ok());
        let mut reads: Vec<_> = own.map(|op| op.reply().as_list().unwrap()).collect();
        reads.sort_by_key(|read| read.len());
        assert!(reads.windows(2).all(|pair| pair[1].starts_with(pair[0])));
    }
}

#[test]
fn skew_prefers_the_first_keys() {
    let count = |skew| {
        let history = history(&Shape { skew, keys: 50, ..shape(Object::Register) });
        let first = history.key_id(&"k0".into());
        history.operations().iter().filter(|op| op.key == first).count()
    };
    assert!(count(0.0) < 90, "{}", count(0.0));
    assert!(count(1.0) > 300, "{}", count(1.0));
}

#[test]
fn what_is_planted_is_there_at_its_place_and_on_its_own_key() {
    for object in Object::ALL {
        for name in Planted::names(*object) {
            let plants = vec![Plant { name: name.into(), at: 500 }, Plant { name: name.into(), at: 900 }];
            let shape = Shape { plants, ..shape(*object) };
            assert_eq!(shape.check(), Ok(()));
            let history = history(&shape);
            let own: Vec<_> =
                (0..).zip(history.operations()).filter(|(_, op)| is_planted(&history, op)).collect();
            assert!(own.len() >= 2, "{object} {name}");
            assert!((500..510).contains(&own[0].0), "{object} {name}: {}", own[0].0);
            assert!(own.iter().all(|(_, op)| op.has_completion() && (5..13).contains(&op.process)), "{name}");
            assert!(Planted::about(*object, name).is_some());
        }
    }
    let shape = Shape { plants: vec!["stale-reed@7".parse().unwrap()], ..shape(Object::Register) };
    let error = shape.check().unwrap_err().to_string();
    assert!(
        error.starts_with("no anomaly of a register is called \"stale-reed\"; there are stale-read"),
        "{error}"
    );
}

fn is_planted(history: &History, op: &crate::Operation) -> bool {
    let own_key = |key: &Value| key.as_int().is_some_and(|key| key < 0);
    match op.key {
        Some(key) => history.key(key).as_str().starts_with("planted"),
        None => op.call().as_list().unwrap().iter().any(|item| own_key(&item.as_list().unwrap()[1])),
    }
}
