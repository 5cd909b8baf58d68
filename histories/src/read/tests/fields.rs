//! What must hold of the fields of any file: a tuple says what a key and a value say, and no name is passed over in silence.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::orders::{read, runner};
use crate::read::{Options, read_with};
use crate::{History, Outcome, Value};

/// An operation on a key: what it is called, what is asked and what comes back, as EDN.
fn on_a_key() -> impl Strategy<Value = (String, &'static str, String, String)> {
    let key = prop_oneof![
        (0_i64..3).prop_map(|key| key.to_string()),
        Just("\"a\"".to_owned()),
        Just(":k".to_owned())
    ];
    let value = prop_oneof![
        (0_i64..9).prop_map(|value| value.to_string()),
        Just("[1 2]".to_owned()),
        Just("nil".to_owned())
    ];
    let operation = (0_u8..4, value.clone(), value);
    (key, operation).prop_map(|(key, (what, one, other))| match what {
        0 => (key, "read", "nil".to_owned(), one),
        1 => (key, "write", one.clone(), one),
        2 => (key, "add", one.clone(), one),
        _ => (key, "cas", format!("[{one} {other}]"), format!("[{one} {other}]")),
    })
}

#[test]
fn a_tuple_says_what_a_key_and_a_value_say() {
    let all = prop::collection::vec((on_a_key(), any::<bool>(), 0_u8..4), 1..6);
    let tried = runner().run(&all, |operations| {
        let (mut tuples, mut log, mut keyed) = (String::new(), String::new(), String::new());
        for ((key, f, asked, answered), flat, end) in &operations {
            let kind = ["ok", "ok", "fail", "info"][usize::from(*end)];
            for (kind, value) in [("invoke", asked), (kind, answered)] {
                let inner = value.trim_start_matches('[').trim_end_matches(']');
                let tuple = match (kind, *f, flat) {
                    ("fail", ..) => "nil".to_owned(),
                    ("info", ..) => ":timeout".to_owned(),
                    (_, "cas", true) if !value.contains("[1 2]") => format!("[{key} {inner}]"),
                    _ => format!("[{key} {value}]"),
                };
                writeln!(tuples, "{{:process 0, :type :{kind}, :f :{f}, :value {tuple}}}").unwrap();
                writeln!(log, "INFO  jepsen.util - 0\t:{kind}\t:{f}\t{tuple}").unwrap();
                writeln!(keyed, "{{:process 0, :type :{kind}, :f :{f}, :key {key}, :value {value}}}")
                    .unwrap();
            }
        }
        let tuples_of = |text: &str| {
            let options = Options { independent: true, ..Options::default() };
            read_with(text.as_bytes(), "h", &options)
        };
        let plain = read(&keyed, None).unwrap();
        for text in [&tuples, &log] {
            let history = tuples_of(text).unwrap();
            for ((id, one), (_, other)) in history.iter().zip(plain.iter()) {
                let key =
                    |history: &History, op: &crate::Operation| op.key.map(|key| history.key(key).clone());
                prop_assert_eq!(key(&history, one), key(&plain, other));
                prop_assert_eq!((&one.function, one.outcome), (&other.function, other.outcome));
                prop_assert_eq!(one.call(), other.call());
                if one.outcome == Outcome::Ok {
                    prop_assert_eq!(one.reply(), other.reply(), "{:?}", id);
                }
            }
            prop_assert_eq!(history.operations().len(), operations.len());
            // Whatever stands in the place of a tuple that is needed is refused where it stands.
            for (place, line) in text
                .lines()
                .enumerate()
                .filter(|(_, line)| !line.contains(":fail") && !line.contains(":info"))
            {
                let start = line.find(['[', '#']).unwrap();
                let end = line.rfind(']').unwrap() + 1;
                for other in ["7", "nil", "[7]", "[[:r 1 nil] [:w 1 2]]", "{1 2}"] {
                    let wrong = format!("{}{other}{}", &line[..start], &line[end..]);
                    let broken: Vec<&str> = text
                        .lines()
                        .enumerate()
                        .map(|(i, line)| if i == place { &*wrong } else { line })
                        .collect();
                    let error = tuples_of(&broken.join("\n")).unwrap_err();
                    prop_assert_eq!(error.line, place as u64 + 1, "{}", error);
                }
            }
        }
        Ok(())
    });
    tried.unwrap();
}

/// A name with a mistake of typing in it, or with more around it.
fn mistyped(name: &'static str) -> impl Strategy<Value = String> {
    let at = any::<prop::sample::Index>();
    let letter = prop::sample::select(vec!['a', 'e', 's', 'x', '_', '2']);
    (0_u8..5, at, letter).prop_map(move |(what, at, letter)| {
        let mut letters: Vec<char> = name.chars().collect();
        let place = at.index(letters.len());
        match what {
            0 => drop(letters.remove(place)),
            1 => letters.insert(place, letter),
            2 => letters[place] = letter,
            3 if place + 1 < letters.len() => letters.swap(place, place + 1),
            _ => letters.extend(['_', letter]),
        }
        letters.into_iter().collect()
    })
}

#[test]
fn no_name_is_passed_over_in_silence() {
    let fields = ["process", "type", "f", "key", "value", "time"];
    let wrong = prop::sample::select(fields.to_vec()).prop_flat_map(|field| (Just(field), mistyped(field)));
    let tried = runner().run(&(wrong, any::<prop::sample::Index>()), |((field, name), at)| {
        if name.is_empty()
            || fields.contains(&&*name)
            || ["op", "node", "index", "error", "seen"].contains(&&*name)
        {
            return Ok(());
        }
        let json = [
            r#"{"process":0,"type":"invoke","f":"write","key":"x","value":1,"time":1}"#,
            r#"{"process":0,"type":"ok","f":"write","key":"x","value":1,"time":2}"#,
            r#"{"process":1,"type":"invoke","f":"read","key":"x","value":null,"time":3}"#,
            r#"{"process":1,"type":"ok","f":"read","key":"x","value":7,"time":4}"#,
        ];
        let place = at.index(json.len());
        let one: Vec<String> = json
            .iter()
            .enumerate()
            .map(|(i, line)| {
                if i == place {
                    line.replace(&format!("\"{field}\":"), &format!("\"{name}\":"))
                } else {
                    (*line).to_owned()
                }
            })
            .collect();
        let ours: Vec<String> =
            one.iter().enumerate().map(|(i, line)| line.replace('{', &format!("{{\"index\":{i},"))).collect();
        let edn = one.iter().map(|line| {
            line.replace("\":", " ").replace("{\"", "{:").replace(",\"", ",:").replace("null", "nil")
        });
        let edn: Vec<String> = edn.collect();
        let table = "process,type,f,key,value,time\n0,invoke,write,x,1,1\n0,ok,write,x,1,2\n";
        let table = table
            .replacen(&format!("{field},"), &format!("{name},"), 1)
            .replacen(",time\n", if field == "time" { ",@\n" } else { ",time\n" }, 1)
            .replace('@', &name);
        for text in [one.join("\n"), format!("{{\"partita\":1}}\n{}", ours.join("\n")), edn.join("\n"), table]
        {
            match read(&text, None) {
                Err(_) => {}
                Ok(history) => {
                    let told = history
                        .warnings()
                        .iter()
                        .any(|warning| warning.message.contains(&format!("{name:?}")));
                    prop_assert!(told, "{}\n{:?}", text, history.warnings());
                }
            }
        }
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn what_other_tools_call_a_field_is_no_unknown_name() {
    for (text, meant) in [
        ("{:process 0 :type :invoke :f :write :val 1}", "value"),
        ("{:process 0 :type :ok :f :read :value nil :result 1}", "value"),
        ("{:client 0 :type :invoke :f :read :value nil}", "process"),
        ("{:process 0 :type :invoke :operation :read :value nil}", "f"),
        ("{:process 0 :type :invoke :f :read :timestamp 5}", "time"),
        ("{:process 0 :kind :invoke :f :read}", "type"),
    ] {
        let error = read(text, None).unwrap_err();
        assert!(error.help.as_deref().is_some_and(|help| help.contains(meant)), "{error}");
    }
    let history = read("{:process 0 :type :invoke :f :write :value 1 :final? true :link 3}\n{:process 0 :type :ok :f :write :value 1 :link 3}", None).unwrap();
    assert_eq!(history.warnings().len(), 2, "each is told once: {:?}", history.warnings());
    assert_eq!(history.operations()[0].reply(), &Value::Int(1));
}
