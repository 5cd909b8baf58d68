//! Requests and answers of etcd's JSON gateway. Pure. Keys and values travel in base64, values as JSON inside.
//!
//! An element of a set is a key of its own, `s0/7`, so that it is added by one request; a set is read as a range, which is
//! one revision.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use histories::{Function, Hints, Op, Value};
use serde::{Deserialize, Deserializer};
use serde_json::{Value as Json, json};

use crate::http::HttpRequest;
use crate::{Completion, Reply};

/// Between a set's name and its element's, and the character after it: the end of the range that holds the set.
const SEPARATOR: char = '/';
const AFTER_SEPARATOR: char = '0';
/// Codes of gRPC for requests that never reached the log: an argument that makes no sense, and a member or a disk that has
/// too much to do already.
const NOT_DONE: [i64; 2] = [3, 8];

/// The gateway writes 64-bit numbers as text.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Header {
    #[serde(default, rename = "member_id", deserialize_with = "number")]
    pub(super) member: u64,
    #[serde(default, deserialize_with = "number")]
    pub(super) revision: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Entry {
    key: String,
    #[serde(default)]
    value: String,
    #[serde(default, deserialize_with = "number")]
    mod_revision: u64,
}

#[derive(Debug, Default, Deserialize)]
struct Answer {
    #[serde(default)]
    header: Header,
    #[serde(default)]
    kvs: Vec<Entry>,
    #[serde(default)]
    succeeded: bool,
    #[serde(default)]
    responses: Vec<Response>,
}

#[derive(Debug, Default, Deserialize)]
struct Response {
    #[serde(default)]
    response_range: Range,
}

#[derive(Debug, Default, Deserialize)]
struct Range {
    #[serde(default)]
    kvs: Vec<Entry>,
}

#[derive(Debug, Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    error: String,
}

pub(super) fn supports(function: &Function) -> bool {
    matches!(
        function,
        Function::Read
            | Function::Write
            | Function::Cas
            | Function::Add
            | Function::Remove
            | Function::ReadAll
            | Function::Append
            | Function::Dump
    )
}

/// How a member is.
pub(super) fn status() -> HttpRequest {
    post("/v3/maintenance/status", &json!({}))
}

/// A read that a majority confirms, of nothing.
pub(super) fn probe() -> HttpRequest {
    post("/v3/kv/range", &json!({ "key": encoded("partita"), "keys_only": true }))
}

/// All keys of a run; nothing before them means all there are.
fn everything(prefix: &str) -> (String, String) {
    let mut end = prefix.to_owned();
    match end.pop() {
        // The next character ends the range; prefixes are of the harness's making, and end with a slash.
        Some(last) => end.extend(char::from_u32(u32::from(last) + 1)),
        None => end.push('\0'),
    }
    let begin = if prefix.is_empty() { "\0" } else { prefix };
    (encoded(begin), encoded(&end))
}

/// Removes all keys of a run.
pub(super) fn remove_all(prefix: &str) -> HttpRequest {
    let (key, end) = everything(prefix);
    post("/v3/kv/deleterange", &json!({ "key": key, "range_end": end }))
}

/// The key of an operation behind the run's prefix.
pub(super) fn key(op: &Op, prefix: &str) -> Result<String, String> {
    let key = op.key.as_ref().ok_or_else(|| format!("{} needs a key", op.function))?;
    Ok(format!("{prefix}{}", key.as_str()))
}

/// What is sent for `op`, which is no append; the error says why etcd cannot be asked that.
pub(super) fn request(op: &Op, serializable: bool, prefix: &str) -> Result<HttpRequest, String> {
    if op.function == Function::Dump {
        let (key, end) = everything(prefix);
        let body = json!({ "key": key, "range_end": end, "serializable": true });
        return Ok(post("/v3/kv/range", &body));
    }
    let key = key(op, prefix)?;
    let key = key.as_str();
    let element = || encoded(&format!("{key}{SEPARATOR}{}", text(&op.value)));
    Ok(match &op.function {
        Function::Read => read(key, serializable),
        Function::ReadAll => {
            let end = encoded(&format!("{key}{AFTER_SEPARATOR}"));
            let body = json!({ "key": encoded(key), "range_end": end, "serializable": serializable });
            post("/v3/kv/range", &body)
        }
        Function::Write => put(&encoded(key), &op.value),
        Function::Add => put(&element(), &op.value),
        Function::Remove => post("/v3/kv/deleterange", &json!({ "key": element() })),
        Function::Cas => {
            let (from, to) = op.value.as_pair().ok_or("cas takes [from, to]")?;
            let compare = match from {
                Value::Null => json!({ "target": "VERSION", "version": "0" }),
                from => json!({ "target": "VALUE", "value": encoded(&text(from)) }),
            };
            exchange(key, compare, to)
        }
        other => return Err(format!("etcd has no {other}")),
    })
}

/// A read of one key.
pub(super) fn read(key: &str, serializable: bool) -> HttpRequest {
    post("/v3/kv/range", &json!({ "key": encoded(key), "serializable": serializable }))
}

/// Writes a key that has not changed since `revision`, 0 where it was not there.
pub(super) fn replace(key: &str, revision: u64, value: &Value) -> HttpRequest {
    exchange(key, json!({ "target": "MOD", "mod_revision": revision.to_string() }), value)
}

fn put(key: &str, value: &Value) -> HttpRequest {
    post("/v3/kv/put", &json!({ "key": key, "value": encoded(&text(value)) }))
}

/// Writes where the comparison holds, and reads where it does not.
fn exchange(key: &str, mut compare: Json, value: &Value) -> HttpRequest {
    let key = encoded(key);
    compare["key"] = json!(key);
    compare["result"] = json!("EQUAL");
    let put = json!({ "request_put": { "key": key, "value": encoded(&text(value)) } });
    let range = json!({ "request_range": { "key": key } });
    post("/v3/kv/txn", &json!({ "compare": [compare], "success": [put], "failure": [range] }))
}

/// What an answer means for `op`. A refusal that may have been made after the log took the request says nothing.
pub(super) fn completion(op: &Op, status: u16, body: &[u8], prefix: &str) -> Completion {
    match answer(op, status, body) {
        Ok(answer) => completed(op, &answer, prefix),
        Err(completion) => completion,
    }
}

/// The value of one key with its revision, as [`read`] asked for it.
pub(super) fn found(op: &Op, status: u16, body: &[u8]) -> Result<(Value, u64), Completion> {
    let answer = answer(op, status, body)?;
    let entry = answer.kvs.first();
    let value = entry.map_or(Ok(Value::Null), value_of).map_err(|nonsense| unclear(op, nonsense))?;
    Ok((value, entry.map_or(0, |entry| entry.mod_revision)))
}

/// Whether [`replace`] found the key unchanged, with the revision that it wrote.
pub(super) fn replaced(op: &Op, status: u16, body: &[u8]) -> Result<Option<u64>, Completion> {
    let answer = answer(op, status, body)?;
    Ok(answer.succeeded.then_some(answer.header.revision))
}

fn answer(op: &Op, status: u16, body: &[u8]) -> Result<Answer, Completion> {
    if status == 200 {
        return serde_json::from_slice(body).map_err(|error| unclear(op, format!("the answer: {error}")));
    }
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let error = if refusal.error.is_empty() { format!("HTTP status {status}") } else { refusal.error };
    if NOT_DONE.contains(&refusal.code) { Err(failed(error)) } else { Err(unclear(op, error)) }
}

/// A read that was not answered did nothing; of anything else it is not known.
pub(super) fn unclear(op: &Op, error: String) -> Completion {
    if op.function.only_looks() { failed(error) } else { Completion::Info(error) }
}

pub(super) fn failed(error: String) -> Completion {
    Completion::Fail { error, seen: None, hints: Hints::NONE }
}

fn completed(op: &Op, answer: &Answer, prefix: &str) -> Completion {
    let done = |value, version| {
        Completion::Ok(Reply { value, hints: Hints { version: Some(version), ..Hints::NONE } })
    };
    let read = |value: Result<Value, String>, version| match value {
        Ok(value) => done(value, version),
        Err(nonsense) => unclear(op, nonsense),
    };
    let revision = answer.header.revision;
    match &op.function {
        Function::Read => {
            let entry = answer.kvs.first();
            let version = entry.map_or(0, |entry| entry.mod_revision);
            read(entry.map_or(Ok(Value::Null), value_of), version)
        }
        Function::ReadAll => read(whole(op, &answer.kvs, prefix), revision),
        Function::Dump => read(state(&answer.kvs, prefix), revision),
        Function::Cas if !answer.succeeded => {
            let entry = answer.responses.first().and_then(|response| response.response_range.kvs.first());
            match entry.map_or(Ok(Value::Null), value_of) {
                Ok(seen) => {
                    let version = entry.map(|entry| entry.mod_revision);
                    let hints = Hints { version, ..Hints::NONE };
                    Completion::Fail { error: "another value".to_owned(), seen: Some(seen), hints }
                }
                Err(nonsense) => failed(nonsense),
            }
        }
        _ => done(op.value.clone(), revision),
    }
}

/// A list, which is one key, or the elements of a set, each a key.
fn whole(op: &Op, entries: &[Entry], prefix: &str) -> Result<Value, String> {
    let name = key(op, prefix)?;
    if let Some(entry) = entries.iter().find(|entry| entry.key == encoded(&name)) {
        return value_of(entry);
    }
    let elements: Result<Vec<Value>, String> = entries.iter().map(value_of).collect();
    elements.map(Value::list)
}

/// What a member holds: each key with its value, sets as lists of their elements.
fn state(entries: &[Entry], prefix: &str) -> Result<Value, String> {
    let mut state: BTreeMap<String, Value> = BTreeMap::new();
    let mut sets: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in entries {
        let key = decoded(&entry.key)?;
        let key = key.strip_prefix(prefix).unwrap_or(&key).to_owned();
        match key.split_once(SEPARATOR) {
            Some((set, _)) => sets.entry(set.to_owned()).or_default().push(value_of(entry)?),
            None => {
                state.insert(key, value_of(entry)?);
            }
        }
    }
    state.extend(sets.into_iter().map(|(set, elements)| (set, Value::list(elements))));
    Ok(Value::map(state))
}

fn value_of(entry: &Entry) -> Result<Value, String> {
    let text = decoded(&entry.value)?;
    serde_json::from_str(&text).map_err(|error| format!("a value that no client wrote, {text:?}: {error}"))
}

fn decoded(text: &str) -> Result<String, String> {
    let bytes = STANDARD.decode(text).map_err(|error| format!("base64: {error}"))?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

fn text(value: &Value) -> String {
    json!(value).to_string()
}

fn post(path: &str, body: &Json) -> HttpRequest {
    HttpRequest::post(path, body.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(op: &Op) -> String {
        String::from_utf8(request(op, true, "").unwrap().body).unwrap()
    }

    fn kv(key: &str, value: &str, revision: u64) -> String {
        let (key, value) = (encoded(key), encoded(value));
        format!(r#"{{"key":"{key}","value":"{value}","mod_revision":"{revision}"}}"#)
    }

    fn ok(value: Value, version: u64) -> Completion {
        Completion::Ok(Reply { value, hints: Hints { version: Some(version), ..Hints::NONE } })
    }

    #[test]
    fn requests_are_those_of_the_gateway() {
        assert_eq!(body(&Op::read("x")), r#"{"key":"eA==","serializable":true}"#);
        assert_eq!(body(&Op::write("x", 7)), r#"{"key":"eA==","value":"Nw=="}"#);
        let from_nothing = body(&Op::cas("x", Value::Null, 7));
        assert!(from_nothing.contains(r#""target":"VERSION","version":"0""#), "{from_nothing}");
        let set = Op::new(Function::ReadAll, "s1", Value::Null);
        // "s1" to "s10": "s1/…" lies between, the set "s10" does not.
        assert_eq!(body(&set), r#"{"key":"czE=","range_end":"czEw","serializable":true}"#);
    }

    #[test]
    fn what_a_run_leaves_in_a_database_of_others_lies_behind_its_prefix() {
        assert_eq!(everything("p/"), (encoded("p/"), encoded("p0")));
        assert_eq!(everything(""), (encoded("\0"), encoded("\0")));
        let set = format!(r#"{{"kvs":[{}]}}"#, kv("p/s1/4", "4", 5));
        let dump = completion(&Op::global(Function::Dump, Value::Null), 200, set.as_bytes(), "p/");
        assert_eq!(dump, ok(Value::map([("s1".to_owned(), Value::list([Value::Int(4)]))]), 0));
    }

    #[test]
    fn answers_are_understood() {
        let read = format!(r#"{{"header":{{"revision":"9"}},"kvs":[{}],"count":"1"}}"#, kv("x", "7", 5));
        assert_eq!(completion(&Op::read("x"), 200, read.as_bytes(), ""), ok(Value::Int(7), 5));
        let nothing = br#"{"header":{"revision":"9"}}"#;
        assert_eq!(completion(&Op::read("x"), 200, nothing, ""), ok(Value::Null, 0));
        assert_eq!(completion(&Op::write("x", 3), 200, nothing, ""), ok(Value::Int(3), 9));
        let other = format!(
            r#"{{"header":{{"revision":"9"}},"responses":[{{"response_range":{{"kvs":[{}]}}}}]}}"#,
            kv("x", "7", 5)
        );
        let Completion::Fail { seen, hints, .. } = completion(&Op::cas("x", 1, 2), 200, other.as_bytes(), "")
        else {
            panic!("it found another value")
        };
        assert_eq!((seen, hints.version), (Some(Value::Int(7)), Some(5)));
        let set = format!(r#"{{"kvs":[{},{}]}}"#, kv("s1/4", "4", 5), kv("s1/5", "5", 6));
        let elements = Value::list([Value::Int(4), Value::Int(5)]);
        let whole = completion(&Op::new(Function::ReadAll, "s1", Value::Null), 200, set.as_bytes(), "");
        assert_eq!(whole, ok(elements.clone(), 0));
        let dump = completion(&Op::global(Function::Dump, Value::Null), 200, set.as_bytes(), "");
        assert_eq!(dump, ok(Value::map([("s1".to_owned(), elements)]), 0));
    }

    #[test]
    fn only_what_certainly_did_not_happen_fails() {
        let write = Op::write("x", 3);
        let refused = |code| format!(r#"{{"error":"etcdserver: …","code":{code}}}"#);
        let unavailable = completion(&write, 503, refused(14).as_bytes(), "");
        assert!(matches!(unavailable, Completion::Info(_)), "{unavailable:?}");
        assert!(matches!(completion(&write, 500, b"<html>", ""), Completion::Info(_)));
        assert!(matches!(completion(&write, 200, b"{", ""), Completion::Info(_)));
        assert!(matches!(completion(&write, 429, refused(8).as_bytes(), ""), Completion::Fail { .. }));
        assert!(matches!(
            completion(&Op::read("x"), 503, refused(14).as_bytes(), ""),
            Completion::Fail { .. }
        ));
    }
}
