//! A view shows less, or the same in other words.

use std::fmt::Write;

use super::*;
use crate::read;

fn history(lines: &str) -> History {
    read::read(lines.as_bytes(), "h").unwrap_or_else(|error| panic!("{error}"))
}

/// Every operation on a line, with the line of the file on which it was invoked.
fn shown(history: &History) -> String {
    let mut out = String::new();
    for (id, op) in history.iter() {
        let key = op.key.map_or("-", |key| history.key(key).as_str());
        let (line, outcome) = (history.line(op.call_event).unwrap(), op.outcome.name());
        write!(out, "{line}: {} {key} {} -> {outcome} {}", op.function, op.call(), op.reply()).unwrap();
        let hints = history.hints(id).version.map_or_else(String::new, |version| format!(" v{version}"));
        writeln!(out, "{hints}{}", history.error(id).map_or_else(String::new, |error| format!(" {error}")))
            .unwrap();
    }
    out
}

const REGISTERS: &str = r#"{"partita":1}
{"index":0,"time":10,"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":20,"process":0,"type":"ok","f":"write","key":"x","value":1,"version":7}
{"index":2,"time":30,"process":1,"type":"invoke","f":"read","key":"y"}
{"index":3,"time":40,"process":1,"type":"ok","f":"read","key":"y","value":0}
{"index":4,"time":50,"process":1,"type":"invoke","f":"cas","key":"y","value":[0,5]}
{"index":5,"time":60,"process":0,"type":"invoke","f":"read","key":"y"}
{"index":6,"time":70,"process":1,"type":"fail","f":"cas","key":"y","value":[0,5],"error":"refused","seen":0}
{"index":7,"time":80,"process":0,"type":"fail","f":"read","key":"y","error":"timed out"}
{"index":8,"time":90,"process":2,"type":"invoke","f":"dump"}
{"index":9,"time":99,"process":2,"type":"ok","f":"dump","value":{"x":1,"y":0}}
"#;

#[test]
fn a_key_is_seen_alone_with_what_stands_beside_its_operations() {
    let view = View { key: Some("y".into()), ..View::default() };
    let seen = view.of(history(REGISTERS)).unwrap();
    insta::assert_snapshot!(shown(&seen), @r#"
    4: read y nil -> ok 0
    6: cas y [0 5] -> fail 0 refused
    7: read y nil -> fail nil timed out
    10: dump - nil -> ok {y: 0}
    "#);
    assert_eq!(seen.keys().len(), 1);
    let transactions = "w(1,5,0,0)\nr(2,0,0,0)\nw(2,7,1,1)\n";
    let view = View { key: Some("2".into()), ..View::default() };
    insta::assert_snapshot!(shown(&view.of(history(transactions)).unwrap()), @r#"
    1: txn - [["r" 2 nil]] -> ok [["r" 2 nil]]
    3: txn - [["w" 2 7]] -> ok [["w" 2 7]]
    "#);
}

#[test]
fn a_window_keeps_the_writes_before_it_and_leaves_open_what_goes_on_after_it() {
    let view = View { from: Some(Nanos(45)), to: Some(Nanos(65)), ..View::default() };
    insta::assert_snapshot!(shown(&view.of(history(REGISTERS)).unwrap()), @r#"
    2: write x 1 -> ok 1 v7
    6: cas y [0 5] -> info nil
    7: read y nil -> info nil
    "#);
    let view = View { to: Some(Nanos(75)), ..View::default() };
    insta::assert_snapshot!(shown(&view.of(history(REGISTERS)).unwrap()), @r#"
    2: write x 1 -> ok 1 v7
    4: read y nil -> ok 0
    6: cas y [0 5] -> fail 0 refused
    7: read y nil -> info nil
    "#);
}

#[test]
fn what_changes_state_after_the_end_may_happen_yet() {
    let whole = history(REGISTERS);
    let view = View { key: Some("y".into()), to: Some(Nanos(45)), ..View::default() };
    let seen = view.of(whole.clone()).unwrap();
    insta::assert_snapshot!(shown(&seen), @r"4: read y nil -> ok 0");
    let of = |history: &History| (history.last_update(), history.cut_at(), history.seen_from());
    assert_eq!(of(&whole), (Some(Nanos(70)), None, Nanos::ZERO));
    assert_eq!(of(&seen), (Some(Nanos(70)), Some(Nanos(45)), Nanos::ZERO), "of the whole");
    let open =
        view.of(history(&REGISTERS.replace("\"fail\",\"f\":\"cas\"", "\"ok\",\"f\":\"cas\""))).unwrap();
    insta::assert_snapshot!(shown(&open), @r"
    4: read y nil -> ok 0
    6: cas y [0 5] -> info nil
    ");
    let all = View { to: Some(Nanos(99)), ..View::default() }.of(whole).unwrap();
    assert_eq!(all.cut_at(), None, "nothing came after that");
}

#[test]
fn the_initial_value_and_null_change_places() {
    let view = View { initial: Some(Value::Int(0)), ..View::default() };
    insta::assert_snapshot!(shown(&view.of(history(REGISTERS)).unwrap()), @r#"
    2: write x 1 -> ok 1 v7
    4: read y nil -> ok nil
    6: cas y [nil 5] -> fail nil refused
    7: read y nil -> fail nil timed out
    10: dump - nil -> ok {x: 1, y: nil}
    "#);
    let null = "{:process 0 :type :invoke :f :read}\n{:process 0 :type :ok :f :read :value nil}";
    insta::assert_snapshot!(shown(&view.of(history(null)).unwrap()), @"1: read - nil -> ok 0");
    let counter = "{:process 0 :type :invoke :f :add :value 2}\n{:process 1 :type :invoke :f :read}\n{:process 1 :type :ok :f :read :value 9}";
    let view = View { object: Some(Object::Counter), initial: Some(Value::Int(5)), ..View::default() };
    insta::assert_snapshot!(shown(&view.of(history(counter)).unwrap()), @r"
    1: increment - 2 -> info nil
    2: read - nil -> ok 4
    ");
}

#[test]
fn functions_get_the_names_of_the_object() {
    let text = "{:process 0 :type :invoke :f :add :value 2}\n{:process 1 :type :invoke :f :get}\n";
    for (object, functions) in [
        (Object::Set, "add read-all"),
        (Object::List, "append read-all"),
        (Object::Counter, "increment read"),
    ] {
        let view = View { object: Some(object), ..View::default() };
        let history = view.of(history(text)).unwrap();
        let names: Vec<_> = history.operations().iter().map(|op| op.function.name()).collect();
        assert_eq!(names.join(" "), functions);
    }
    for object in Object::ALL {
        assert_eq!(object.name().parse(), Ok(*object));
    }
}

#[test]
fn what_cannot_be_seen_is_told() {
    let plume = "w(1,5,0,0)\n";
    let everything = View::default;
    let told = |view: View, text: &str| view.of(history(text)).unwrap_err().to_string();
    let answers = [
        told(View { key: Some("z".into()), ..everything() }, REGISTERS),
        told(View { key: Some("z".into()), ..everything() }, plume),
        told(View { key: Some("z".into()), ..everything() }, "{:process 0 :type :invoke :f :read}"),
        told(View { from: Some(Nanos(5)), ..everything() }, plume),
        told(View { from: Some(Nanos(5)), to: Some(Nanos(4)), ..everything() }, REGISTERS),
        told(View { object: Some(Object::Queue), ..everything() }, REGISTERS),
        told(
            View { initial: Some(Value::Int(0)), ..everything() },
            "{:process 0 :type :invoke :f :enqueue :value 1}",
        ),
        told(
            View { initial: Some(Value::text("a")), ..everything() },
            "{:process 0 :type :invoke :f :increment}",
        ),
    ];
    insta::assert_snapshot!(answers.join("\n"));
    assert!("registers".parse::<Object>().unwrap_err().contains("register"));
}

#[test]
fn a_key_that_is_only_read_holds_what_others_do() {
    let read = |of_others: &str, shown: &str, view: &View| {
        let text = format!(
            "{of_others}\n{{:process 1 :type :invoke :f :read :key y}}\n{{:process 1 :type :ok :f :read :key y :value {shown}}}"
        );
        let seen = view.of(history(&text)).unwrap();
        seen.operations().last().unwrap().reply().to_string()
    };
    let does = |function: &str, value: &str| {
        format!(
            "{{:process 0 :type :invoke :f {function} :key x :value {value}}}\n{{:process 0 :type :ok :f {function} :key x :value {value}}}"
        )
    };
    let any = View::default();
    assert_eq!(read(&does(":increment", "1"), "0", &any), "nil", "a counter");
    assert_eq!(read(&does(":increment", "1"), "2", &any), "2", "which nobody counted to");
    assert_eq!(read(&does(":add", "1"), "[]", &any), "nil", "a set");
    assert_eq!(read(&does(":append", "\"a\""), "\"\"", &any), "nil", "a string");
    assert_eq!(read(&does(":put", "\"a\""), "\"\"", &any), "nil", "a string of a key-value store");
    assert_eq!(read(&does(":write", "\"a\""), "\"\"", &any), "\"\"", "a register");
    let kv = View { object: Some(Object::Kv), ..View::default() };
    assert_eq!(read(&does(":write", "\"a\""), "\"\"", &kv), "nil", "said to be strings");
    assert_eq!(read(&does(":write", "1"), "0", &any), "0", "a register");
    let one = View { key: Some("y".into()), ..View::default() };
    assert_eq!(read(&does(":increment", "1"), "0", &one), "nil", "what the whole file says counts");
}

#[test]
fn writes_of_which_reads_show_a_set_add_to_it() {
    let text = |value: &str, shown: &str| {
        format!(
            "{{:process 0 :type :invoke :f :write :value {value}}}\n{{:process 0 :type :ok :f :write :value {value}}}
            {{:process 1 :type :invoke :f :read}}\n{{:process 1 :type :ok :f :read :value {shown}}}"
        )
    };
    let functions = |view: &View, value: &str, shown: &str| {
        let seen = view.of(history(&text(value, shown))).unwrap();
        let names: Vec<_> = seen.operations().iter().map(|op| op.function.name()).collect();
        names.join(" ")
    };
    let any = View::default();
    assert_eq!(functions(&any, "1", "#{1 2}"), "add read-all");
    assert_eq!(functions(&any, "[9 1]", "[9 #{1 2}]"), "write read", "no tuples");
    assert_eq!(functions(&any, "1", "[1 2]"), "write read", "a list may be a register's value");
    assert_eq!(functions(&any, "#{1}", "#{1}"), "write read", "a register that holds sets");
    let set = View { object: Some(Object::Set), ..View::default() };
    assert_eq!(functions(&set, "1", "[1 2]"), "add read-all");
    let tuples = text("[9 1]", "[9 #{1 2}]").replace(":f :read}", ":f :read :value [9 nil]}");
    let options = read::Options { independent: true, ..read::Options::default() };
    let seen = any.of(read::read_with(tuples.as_bytes(), "h", &options).unwrap()).unwrap();
    assert!(seen.operations().iter().all(|op| op.key.is_some() && op.function != Function::Write));
}

#[test]
fn hints_are_given_where_all_operations_agree() {
    let edn = |events: &[(u32, &str, &str, &str)]| {
        events.iter().fold(String::new(), |mut text, (process, kind, f, value)| {
            writeln!(text, "{{:process {process} :type :{kind} :f :{f} :value {value}}}").unwrap();
            text
        })
    };
    let tuples = edn(&[
        (0, "invoke", "write", "[1 5]"),
        (0, "ok", "write", "[1 5]"),
        (0, "invoke", "read", "[1 nil]"),
    ]);
    let lists =
        edn(&[(0, "invoke", "write", "[1 5]"), (0, "ok", "write", "[1 5]"), (0, "invoke", "read", "nil")]);
    let txn = edn(&[(0, "invoke", "txn", "[[:r 1 nil] [:w 2 1]]")]);
    let told = |text: &str| hints::independent(&history(text)).is_some();
    assert_eq!([told(&tuples), told(&lists), told(&txn), told("[]")], [true, false, false, false]);
    let at_first = [(0, "invoke", "read", "nil"), (0, "ok", "read", "0")];
    let write = [(0, "invoke", "write", "5"), (0, "ok", "write", "5")];
    let later = [(0, "invoke", "read", "nil"), (0, "ok", "read", "7")];
    let queue = [(0, "invoke", "enq", "5"), (0, "ok", "enq", "5"), (0, "invoke", "deq", "nil")];
    let strange = [(0, "invoke", "frobnicate", "5")];
    let doubtful = |parts: &[&[(u32, &'static str, &'static str, &'static str)]]| {
        hints::of_doubtful(&history(&edn(&parts.concat()))).join("; ")
    };
    insta::assert_snapshot!(
        [
            doubtful(&[&at_first, &write, &at_first]),
            doubtful(&[&write, &later]),
            doubtful(&[&at_first, &write, &later]),
            doubtful(&[&at_first]),
            doubtful(&[&queue]),
            doubtful(&[&strange]),
        ]
        .join("\n")
    );
    let zero = View { initial: Some(Value::Int(0)), ..View::default() };
    let seen = zero.of(history(&edn(&[at_first, write].concat()))).unwrap();
    assert_eq!(hints::of_doubtful(&seen), Vec::<String>::new());
}
