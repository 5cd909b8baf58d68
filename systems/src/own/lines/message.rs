//! What is said on a line of the child protocol, version 1. `docs/protocol.md` is its law.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use histories::{Function, Hints, Key, Node, Op, Value};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;

use super::ledger::quoted;
use crate::{Completion, Reply};

/// The version of the protocol that is spoken here.
pub(crate) const VERSION: u32 = 1;

/// A request of the harness to the child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(crate) enum Request<'a> {
    /// The first request of all.
    Hello {
        partita: u32,
        mode: &'a str,
        workload: &'a str,
        nodes: Vec<Node>,
        clients: u32,
    },
    /// A new session with a node; `address` leads there through a proxy.
    Open {
        session: u64,
        node: Node,
        address: SocketAddr,
    },
    /// One operation in a session.
    Call {
        session: u64,
        deadline_ms: u64,
        op: Operation<'a>,
    },
    /// The session is not going to be used again. What it still has to answer is not waited for.
    Close {
        session: u64,
    },
    /// Starts a node, or starts it again on the data that it had.
    Start {
        node: Node,
        data: &'a Path,
        peers: &'a BTreeMap<Node, SocketAddr>,
    },
    /// Ends a node in good order.
    Stop {
        node: Node,
    },
    /// Ends a node at once; what it had not written is lost.
    Kill {
        node: Node,
    },
    /// A node does nothing until it is resumed.
    Pause {
        node: Node,
    },
    Resume {
        node: Node,
    },
    /// How a node is.
    Status {
        node: Node,
    },
    /// Which node leads.
    Primary,
}

/// An operation as a history writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Operation<'a> {
    f: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a Key>,
    value: &'a Value,
}

impl<'a> From<&'a Op> for Operation<'a> {
    fn from(op: &'a Op) -> Self {
        Self { f: op.function.name(), key: op.key.as_ref(), value: &op.value }
    }
}

impl Request<'_> {
    /// The line, without its end.
    pub(crate) fn line(&self, id: u64) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            id: u64,
            #[serde(flatten)]
            request: &'a Request<'a>,
        }
        serde_json::to_string(&Line { id, request: self })
    }
}

/// What the child says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Ok(Json),
    Fail { why: String, seen: Option<Value> },
    Info(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerLine {
    id: u64,
    #[serde(default, deserialize_with = "present")]
    ok: Option<Json>,
    fail: Option<String>,
    info: Option<String>,
    #[serde(default, deserialize_with = "seen")]
    seen: Option<Value>,
}

/// A null that is there is a value; serde would take it for one that is missing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

fn seen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Answer {
    /// Reads a line of the child; the error says what is wrong with it.
    pub(crate) fn parse(line: &str) -> Result<(u64, Self), String> {
        let AnswerLine { id, ok, fail, info, seen } =
            serde_json::from_str(line).map_err(|error| error.to_string())?;
        let answer = match (ok, fail, info, seen) {
            (Some(ok), None, None, None) => Self::Ok(ok),
            (None, Some(why), None, seen) => Self::Fail { why, seen },
            (None, None, Some(why), None) => Self::Info(why),
            (None | Some(_), None, _, Some(_)) => {
                return Err("only fail goes with seen".to_owned());
            }
            _ => return Err("an answer has one of ok, fail and info".to_owned()),
        };
        Ok((id, answer))
    }

    /// What it says of an operation; the error says why it cannot be an answer to it.
    pub(crate) fn completion(self, op: &Op) -> Result<Completion, String> {
        match self {
            Self::Ok(ok) => call_ok(ok, op).map(Completion::Ok),
            Self::Fail { why, seen } => Ok(Completion::Fail { error: why, seen, hints: Hints::NONE }),
            Self::Info(why) => Ok(Completion::Info(why)),
        }
    }
}

/// What `ok` holds for an operation.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CallOk {
    #[serde(deserialize_with = "seen")]
    value: Option<Value>,
    version: Option<u64>,
    term: Option<u64>,
    served_by: Option<Node>,
}

fn call_ok(ok: Json, op: &Op) -> Result<Reply, String> {
    let CallOk { value, version, term, served_by } = match ok {
        // Short for an object with nothing in it.
        Json::Null => CallOk::default(),
        ok => {
            let line = quoted(&ok.to_string());
            serde_json::from_value(ok)
                .map_err(|error| format!("the ok of {}: {error}: {line}", op.function))?
        }
    };
    let value = match value {
        Some(value) => value,
        None if has_answer(&op.function) => return Err(format!("the ok of {} has no value", op.function)),
        None => op.value.clone(),
    };
    Ok(Reply { value, hints: Hints { version, term, served_by } })
}

/// Whether the answer to such an operation is more than that it was done.
pub(crate) fn has_answer(function: &Function) -> bool {
    match function {
        Function::Read
        | Function::ReadAll
        | Function::Dequeue
        | Function::Drain
        | Function::Generate
        | Function::Txn
        | Function::Dump
        | Function::Custom(_) => true,
        Function::Write
        | Function::Cas
        | Function::Replace
        | Function::Append
        | Function::Add
        | Function::Remove
        | Function::Increment
        | Function::Decrement
        | Function::Enqueue
        | Function::Acquire
        | Function::Release
        | Function::Transfer => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_written_as_the_law_says() {
        let data = Path::new("/data/n1");
        let address = SocketAddr::from(([127, 0, 0, 1], 4001));
        let peers = BTreeMap::from([(Node(1), address)]);
        let cas = Op::cas("r0", 1, 2);
        let nodes = vec![Node(0), Node(1)];
        let requests = [
            Request::Hello { partita: VERSION, mode: "default", workload: "register", nodes, clients: 4 },
            Request::Open { session: 7, node: Node(0), address },
            Request::Call { session: 7, deadline_ms: 1000, op: (&cas).into() },
            Request::Close { session: 7 },
            Request::Start { node: Node(0), data, peers: &peers },
            Request::Stop { node: Node(0) },
            Request::Kill { node: Node(0) },
            Request::Pause { node: Node(0) },
            Request::Resume { node: Node(0) },
            Request::Status { node: Node(0) },
            Request::Primary,
        ];
        let lines: Vec<String> =
            (1..).zip(&requests).map(|(id, request)| request.line(id).unwrap()).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn answers_are_read_or_refused_with_the_reason() {
        let read = Op::read("x");
        let write = Op::write("x", 3);
        let told = |line: &str, op: &Op| match Answer::parse(line).map(|(_, answer)| answer.completion(op)) {
            Ok(Ok(completion)) => format!("{completion:?}"),
            Ok(Err(why)) => format!("no answer to it: {why}"),
            Err(why) => format!("malformed: {why}"),
        };
        let lines = [
            (r#"{"id":1,"ok":{"value":3,"version":9}}"#, &read),
            (r#"{"id":1,"ok":{"value":null}}"#, &read),
            (r#"{"id":1,"ok":{}}"#, &write),
            (r#"{"id":1,"ok":null}"#, &write),
            (r#"{"id":1,"fail":"no","seen":null}"#, &write),
            (r#"{"id":1,"info":"who knows"}"#, &write),
            (r#"{"id":1,"ok":{}}"#, &read),
            (r#"{"id":1,"ok":{"vlaue":3}}"#, &read),
            (r#"{"id":1,"ok":{"value":1.5}}"#, &read),
            (r#"{"id":1,"ok":{},"fail":"no"}"#, &read),
            (r#"{"id":1,"ok":{},"seen":1}"#, &read),
            (r#"{"id":1}"#, &read),
            (r#"{"ok":{}}"#, &read),
            (r#"{"id":1,"okay":{}}"#, &read),
            ("ready", &read),
        ];
        let told: Vec<String> = lines.map(|(line, op)| format!("{line}\n  {}", told(line, op))).to_vec();
        insta::assert_snapshot!(told.join("\n"));
    }
}
