//! How requests and answers look in HTTP. Pure; used by both ends, so that they cannot disagree.

use histories::{Key, Node, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serialize};

use crate::http::{HttpRequest, Method};
use crate::store::codec::{Answer, Ask};
use crate::store::{Command, ReadLevel, Request, Response, steps};

/// The largest body that a node takes from a client.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueBody {
    value: Value,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CasBody {
    from: Value,
    to: Value,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct IncrementBody {
    by: i64,
    /// Of a cart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<String>,
}

/// `{"txn":[["r","x",null],["append","y",3]]}`
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TxnBody {
    txn: Value,
}

/// `?after=7&level=index`, `?context=n1:3,n2:5`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Query {
    pub(crate) after: Option<u64>,
    pub(crate) level: Option<Level>,
    /// `n1:3,n2:5`, as an answer gave it.
    pub(crate) context: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Index,
    Local,
}

/// An answer's body. Every field but the two kinds' first may be missing.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct AnswerBody {
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    value: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    definite: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    seen: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    term: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    served_by: Option<Node>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<String>,
}

/// A null that is there is a value; serde would take it for one that is missing.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// What a client sends.
pub(crate) fn request(ask: &Ask) -> Result<HttpRequest, serde_json::Error> {
    let Ask::Request(Request { command, level, after, context }) = ask else {
        return Ok(HttpRequest::get("/dump"));
    };
    let (method, verb) = match command {
        Command::Read { .. } => (Method::Get, ""),
        Command::Write { .. } => (Method::Put, ""),
        Command::Cas { .. } => (Method::Post, "/cas"),
        Command::Append { .. } => (Method::Post, "/append"),
        Command::Add { .. } => (Method::Post, "/add"),
        Command::Remove { .. } => (Method::Post, "/remove"),
        Command::Increment { .. } | Command::Count { .. } => (Method::Post, "/increment"),
        Command::Txn { .. } | Command::Commit(_) => (Method::Post, ""),
    };
    let body = match command.clone() {
        // What a transaction comes to members say to each other; a client has none to send.
        Command::Read { .. } | Command::Commit(_) => Vec::new(),
        Command::Write { value, .. }
        | Command::Append { value, .. }
        | Command::Add { value, .. }
        | Command::Remove { value, .. } => serde_json::to_vec(&ValueBody { value })?,
        Command::Cas { from, to, .. } => serde_json::to_vec(&CasBody { from, to })?,
        Command::Increment { by, .. } => serde_json::to_vec(&IncrementBody { by, item: None })?,
        Command::Count { by, item, .. } => serde_json::to_vec(&IncrementBody { by, item: Some(item) })?,
        Command::Txn { steps } => serde_json::to_vec(&TxnBody { txn: steps::spell(&steps) })?,
    };
    let mut path = match command.key() {
        Some(key) => format!("/kv/{}{verb}", utf8_percent_encode(key.as_str(), SEGMENT)),
        None => "/txn".to_owned(),
    };
    let after = after.map(|after| format!("after={after}"));
    let level = level.map(|level| match level {
        ReadLevel::Index => "level=index".to_owned(),
        ReadLevel::Local => "level=local".to_owned(),
    });
    let context = context.as_ref().map(|context| format!("context={context}"));
    for (place, parameter) in [after, level, context].into_iter().flatten().enumerate() {
        path.push(if place == 0 { '?' } else { '&' });
        path.push_str(&parameter);
    }
    Ok(HttpRequest { method, path, body })
}

/// Everything but unreserved characters, and full stops too, so that any key is one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// What a node understands: `verb` is the last segment of a POST, none for a GET or PUT.
pub(crate) fn command(method: Method, verb: &str, key: Key, body: &[u8]) -> Result<Command, String> {
    let told = |error: serde_json::Error| format!("the body: {error}");
    let value = || serde_json::from_slice(body).map(|ValueBody { value }| value).map_err(told);
    match (method, verb) {
        (Method::Get, _) => Ok(Command::Read { key }),
        (Method::Put, _) => Ok(Command::Write { key, value: value()? }),
        (Method::Post, "append") => Ok(Command::Append { key, value: value()? }),
        (Method::Post, "add") => Ok(Command::Add { key, value: value()? }),
        (Method::Post, "remove") => Ok(Command::Remove { key, value: value()? }),
        (Method::Post, "cas") => {
            let CasBody { from, to } = serde_json::from_slice(body).map_err(told)?;
            Ok(Command::Cas { key, from, to })
        }
        (Method::Post, "increment") => {
            let IncrementBody { by, item } = serde_json::from_slice(body).map_err(told)?;
            Ok(match item {
                Some(item) => Command::Count { key, item, by },
                None => Command::Increment { key, by },
            })
        }
        (Method::Post, other) => {
            Err(format!("unknown operation {other:?}; there are cas, append, add, remove and increment"))
        }
    }
}

/// What a node understands of `POST /txn`.
pub(crate) fn transaction(body: &[u8]) -> Result<Command, String> {
    let TxnBody { txn } = serde_json::from_slice(body).map_err(|error| format!("the body: {error}"))?;
    Ok(Command::Txn { steps: steps::parse(&txn)? })
}

/// The error says which parameter makes no sense.
pub(crate) fn asked(command: Command, query: &Query) -> Result<Request, String> {
    let level = query.level.map(|level| match level {
        Level::Index => ReadLevel::Index,
        Level::Local => ReadLevel::Local,
    });
    let context = query.context.as_deref().map(str::parse).transpose()?;
    Ok(Request { command, level, after: query.after, context })
}

/// A node's answer: status and body.
pub(crate) fn answer(response: Response) -> (u16, AnswerBody) {
    match response {
        Response::Done { value, version, term, served_by, context } => {
            let context = context.map(|context| context.to_string());
            let body = AnswerBody { value: Some(value), context, ..decided(version, term, served_by) };
            (200, body)
        }
        Response::Refused { error, definite, seen, version, term, served_by } => {
            let status = if definite { 409 } else { 503 };
            let body = AnswerBody {
                error: Some(error),
                definite: Some(definite),
                seen,
                ..decided(version, term, served_by)
            };
            (status, body)
        }
    }
}

fn decided(version: u64, term: u64, served_by: Node) -> AnswerBody {
    let (version, term, served_by) = (Some(version), Some(term), Some(served_by));
    AnswerBody { version, term, served_by, ..AnswerBody::default() }
}

impl AnswerBody {
    /// Says nothing of whether it happened.
    pub(crate) fn vague(error: &str) -> Self {
        Self { error: Some(error.to_owned()), definite: Some(false), ..Self::default() }
    }
}

/// Refused before any replica saw it.
pub(crate) fn rejection(error: String) -> AnswerBody {
    AnswerBody { error: Some(error), definite: Some(true), ..AnswerBody::default() }
}

/// What a client makes of status and body; the error says what made no sense.
pub(crate) fn understood(ask: &Ask, status: u16, body: &[u8]) -> Result<Answer, String> {
    let nonsense = |error: serde_json::Error| format!("the answer ({status}) makes no sense: {error}");
    if status == 200 && *ask == Ask::Dump {
        return serde_json::from_slice(body).map(Answer::State).map_err(nonsense);
    }
    let body: AnswerBody = serde_json::from_slice(body).map_err(nonsense)?;
    let decided = body.version.zip(body.term).zip(body.served_by);
    match (status, body.value, body.error, decided) {
        (200, Some(value), None, Some(((version, term), served_by))) => {
            let context = body.context.as_deref().map(str::parse).transpose()?;
            Ok(Answer::Response(Response::Done { value, version, term, served_by, context }))
        }
        (400.., _, Some(error), Some(((version, term), served_by))) => {
            let (definite, seen) = (body.definite == Some(true), body.seen);
            Ok(Answer::Response(Response::Refused { error, definite, seen, version, term, served_by }))
        }
        (400.., _, Some(error), None) => {
            Ok(Answer::Rejected { error, definite: body.definite == Some(true) })
        }
        _ => Err(format!("the answer ({status}) lacks what it should say")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::VersionVector;

    fn ask(command: Command, level: Option<ReadLevel>, after: Option<u64>) -> Ask {
        Ask::Request(Request { command, level, after, context: None })
    }

    #[test]
    fn a_command_is_understood_as_it_was_meant() {
        let key = || Key::from("a/b ü?");
        let (one, two) = (Value::Int(1), Value::Null);
        for command in [
            Command::Read { key: key() },
            Command::Write { key: key(), value: two.clone() },
            Command::Cas { key: key(), from: two.clone(), to: one.clone() },
            Command::Append { key: key(), value: one.clone() },
            Command::Add { key: key(), value: one.clone() },
            Command::Remove { key: key(), value: one.clone() },
            Command::Increment { key: key(), by: -4 },
            Command::Count { key: key(), item: "apple".to_owned(), by: -1 },
        ] {
            let http = request(&ask(command.clone(), None, None)).unwrap();
            let rest = http.path.strip_prefix("/kv/a%2Fb%20%C3%BC%3F").unwrap();
            let verb = rest.strip_prefix('/').unwrap_or(rest);
            assert_eq!(super::command(http.method, verb, key(), &http.body), Ok(command));
        }
        assert_eq!(request(&Ask::Dump).unwrap(), HttpRequest::get("/dump"));
    }

    #[test]
    fn a_session_travels_in_the_query() {
        let read = || Command::Read { key: Key::from("x") };
        let path = |level, after| request(&ask(read(), level, after)).unwrap().path;
        assert_eq!(path(None, Some(7)), "/kv/x?after=7");
        assert_eq!(path(Some(ReadLevel::Local), None), "/kv/x?level=local");
        assert_eq!(path(Some(ReadLevel::Index), Some(0)), "/kv/x?after=0&level=index");
        let context: VersionVector = [(Node(0), 3), (Node(2), 1)].into_iter().collect();
        let quoting = Request { command: read(), level: None, after: None, context: Some(context.clone()) };
        assert_eq!(request(&Ask::Request(quoting)).unwrap().path, "/kv/x?context=n1:3,n3:1");
        let query = Query { after: Some(3), level: Some(Level::Index), context: Some("n1:3,n3:1".into()) };
        let (level, after, context) = (Some(ReadLevel::Index), Some(3), Some(context));
        assert_eq!(asked(read(), &query), Ok(Request { command: read(), level, after, context }));
        let broken = Query { context: Some("n1".into()), ..Query::default() };
        assert!(asked(read(), &broken).unwrap_err().contains("version vector"));
    }

    #[test]
    fn an_answer_is_understood_as_it_was_meant() {
        let read = ask(Command::Read { key: Key::from("x") }, None, None);
        let context = Some([(Node(1), 4)].into_iter().collect());
        let done = Response::Done { value: Value::Null, version: 3, term: 1, served_by: Node(2), context };
        let refused = |definite, seen| Response::Refused {
            error: "no".into(),
            definite,
            seen,
            version: 3,
            term: 1,
            served_by: Node(2),
        };
        for (response, expected) in [
            (done, 200),
            (refused(true, Some(Value::Null)), 409),
            (refused(true, None), 409),
            (refused(false, None), 503),
        ] {
            let (status, body) = answer(response.clone());
            assert_eq!(status, expected);
            let body = serde_json::to_vec(&body).unwrap();
            assert_eq!(understood(&read, status, &body), Ok(Answer::Response(response)));
        }
        let body = serde_json::to_vec(&rejection("what?".into())).unwrap();
        let rejected = Answer::Rejected { error: "what?".into(), definite: true };
        assert_eq!(understood(&read, 400, &body), Ok(rejected));
    }

    #[test]
    fn nonsense_is_never_taken_for_an_answer() {
        let read = ask(Command::Read { key: Key::from("x") }, None, None);
        for (status, body) in
            [(200, "{}"), (200, "x"), (500, "oops"), (302, r#"{"error":"moved"}"#), (503, "{}")]
        {
            assert!(understood(&read, status, body.as_bytes()).is_err(), "{status} {body}");
        }
        let vague = understood(&read, 500, br#"{"error":"boom"}"#);
        assert_eq!(vague, Ok(Answer::Rejected { error: "boom".into(), definite: false }));
    }
}
