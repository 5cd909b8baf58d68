//! What is read, and what is refused with which words.

mod bad;
mod corpus;
mod fields;
mod foreign;
mod formats;
mod limits;
mod orders;
mod scan;

use insta::assert_snapshot;

use super::read;
use crate::{Function, Nanos, Node, Outcome, Value};

const HEADER: &str = "{\"partita\":1,\"nodes\":[\"n1\",\"n2\"]}\n";

fn refusal(lines: &str) -> String {
    read(format!("{HEADER}{lines}").as_bytes(), "h.jsonl").unwrap_err().to_string()
}

#[test]
fn operations_are_paired_with_their_completions() {
    let text = format!(
        "{HEADER}{}",
        r#"{"index":0,"time":5,"process":0,"type":"invoke","f":"write","key":"x","value":1,"node":"n2"}
{"index":1,"time":6,"process":1,"type":"invoke","f":"cas","key":"x","value":[1,2]}
{"index":2,"time":7,"process":"nemesis","type":"info","f":"cut","value":{"from":["n1"],"to":["n2"]}}

{"index":3,"time":8,"process":1,"type":"fail","f":"cas","key":"x","value":[1,2],"seen":null,"error":"differs"}
{"index":4,"time":9,"process":0,"type":"ok","f":"write","key":"x","value":1,"version":7,"served_by":"n1"}
{"index":5,"time":9,"process":1,"type":"invoke","f":"read","key":9}
"#
    );
    let history = read(text.as_bytes(), "h.jsonl").unwrap();
    let [write, cas, unfinished] = history.operations() else { panic!("three operations") };
    assert_eq!((write.outcome, write.node, write.completed), (Outcome::Ok, Some(Node(1)), Nanos(9)));
    assert_eq!((cas.outcome, cas.reply().clone()), (Outcome::Fail, Value::Null));
    assert_eq!((unfinished.outcome, unfinished.returned()), (Outcome::Info, Nanos::MAX));
    assert!(!unfinished.has_completion());
    assert_eq!(unfinished.function, Function::Read);
    assert_eq!(history.keys().map(|(_, key)| key.as_str()).collect::<Vec<_>>(), ["x", "9"]);
    assert_eq!(history.line(write.reply_event), Some(7), "a blank line counts as a line");
    let (id, _) = history.iter().next().unwrap();
    assert_eq!((history.hints(id).version, history.hints(id).served_by), (Some(7), Some(Node(0))));
    assert_eq!(history.nemesis().len(), 1);
    assert!(history.cut_off().is_none());
}

#[test]
fn a_file_that_breaks_off_is_read_to_its_last_whole_event() {
    let whole = r#"{"index":0,"time":5,"process":0,"type":"invoke","f":"write","key":"x","value":1}"#;
    for cut in [1, 30, whole.len() - 1] {
        let text = format!("{HEADER}{whole}\n{}", &whole.replace("\"index\":0", "\"index\":1")[..cut]);
        let history = read(text.as_bytes(), "h.jsonl").unwrap();
        assert_eq!(history.operations().len(), 1);
        assert_eq!(history.cut_off().unwrap().line, 3);
    }
    let text = format!("{HEADER}{whole}");
    let history = read(text.as_bytes(), "h.jsonl").unwrap();
    assert_eq!(history.operations().len(), 1, "only the line break is missing");
    assert!(history.cut_off().is_none());
}

#[test]
fn what_is_no_history_is_refused_with_place_and_expectation() {
    let errors = [
        read(&b""[..], "h.jsonl").unwrap_err().to_string(),
        read(&b"hello\n"[..], "h.jsonl").unwrap_err().to_string(),
        read(&b"{\"index\":0}\n"[..], "h.jsonl").unwrap_err().to_string(),
        read(&b"{\"partita\":2}\n"[..], "h.jsonl").unwrap_err().to_string(),
        read(&b"{\"partita\":1,\"demands\":[\"linearisable\"]}\n"[..], "h.jsonl").unwrap_err().to_string(),
        read(&b"\xff\xfe\n"[..], "h.jsonl").unwrap_err().to_string(),
    ];
    assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_broken_event_is_refused_with_line_and_column() {
    let invoke = r#"{"index":0,"time":5,"process":0,"type":"invoke","f":"read","key":"x"}"#;
    let errors = [
        refusal("{\"index\":0,\"time\":5,\"process\":0,\"type\":\"invoke\"}\n"),
        refusal("{\"index\":0,\"time\":5,\"process\":0,\"type\":\"started\",\"f\":\"read\"}\n"),
        refusal("{\"index\":0,\"time\":5,\"process\":\"bob\",\"type\":\"invoke\",\"f\":\"read\"}\n"),
        refusal("{\"index\":0,\"time\":5,\"process\":-1,\"type\":\"invoke\",\"f\":\"read\"}\n"),
        refusal("{\"index\":0,\"time\":5,\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":1.5}\n"),
        refusal(
            "{\"index\":0,\"time\":5,\"process\":0,\"type\":\"invoke\",\"f\":\"write\",\"value\":99999999999999999999}\n",
        ),
        refusal("{\"index\":0 \"time\":5}\n"),
        refusal("\u{0}\u{0}\u{0}\n"),
        refusal(&format!("{invoke}\n{}\n", invoke.replace("\"index\":0", "\"index\":1"))),
        refusal(&format!("{invoke}\n{invoke}\n")),
        refusal(&format!(
            "{invoke}\n{}\n",
            invoke.replace("\"index\":0,\"time\":5", "\"index\":1,\"time\":4")
        )),
        refusal(&invoke.replace("invoke", "ok")),
        refusal(&format!(
            "{invoke}\n{}\n",
            invoke.replace("invoke", "ok").replace("\"index\":0", "\"index\":1").replace("\"x\"", "\"y\"")
        )),
        refusal(&format!("{}\n", "[".repeat(100_000))),
        refusal(&format!(
            "{}\n",
            invoke.replace(
                "\"x\"",
                &format!("\"x\",\"value\":{}1{}", "[".repeat(100_000), "]".repeat(100_000))
            )
        )),
    ];
    assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_missing_file_and_a_folder_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let missing = crate::read::file(&folder.path().join("none.jsonl")).unwrap_err();
    assert!(missing.message.contains("no such file"), "{missing}");
    let error = crate::read::file(folder.path()).unwrap_err();
    assert!(error.message.contains("folder"), "{error}");
}
