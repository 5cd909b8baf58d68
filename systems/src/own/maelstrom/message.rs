//! Messages of Maelstrom's protocol, <https://github.com/jepsen-io/maelstrom/blob/main/doc/protocol.md>.

use histories::Hints;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::Completion;

/// The body of a message, with its `type`.
pub(crate) type Body = Map<String, Json>;

/// A message on its way, one a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) src: String,
    pub(crate) dest: String,
    pub(crate) body: Body,
}

impl Message {
    /// Reads a line of a node; the error says what is wrong with it.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    pub(crate) fn line(&self) -> String {
        // A message is always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The message that this one answers.
    pub(crate) fn in_reply_to(&self) -> Option<u64> {
        self.body.get("in_reply_to")?.as_u64()
    }
}

/// A body of this type.
pub(crate) fn body(kind: &str, fields: impl IntoIterator<Item = (&'static str, Json)>) -> Body {
    let kind = ("type".to_owned(), Json::from(kind));
    std::iter::once(kind).chain(fields.into_iter().map(|(name, value)| (name.to_owned(), value))).collect()
}

pub(crate) fn kind(body: &Body) -> &str {
    body.get("type").and_then(Json::as_str).unwrap_or_default()
}

/// The codes of errors that the protocol defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    NotSupported,
    KeyDoesNotExist,
    PreconditionFailed,
}

impl ErrorCode {
    pub(crate) const fn number(self) -> u64 {
        match self {
            Self::NotSupported => 10,
            Self::KeyDoesNotExist => 20,
            Self::PreconditionFailed => 22,
        }
    }

    /// The body of such an error.
    pub(crate) fn body(self, text: &str) -> Body {
        body("error", [("code", self.number().into()), ("text", text.into())])
    }

    pub(crate) fn is_of(self, body: &Body) -> bool {
        kind(body) == "error" && body.get("code").and_then(Json::as_u64) == Some(self.number())
    }
}

/// Whether an operation that ended with this error certainly did not happen. Time-outs (0) and crashes (13) say nothing,
/// and neither do codes that the protocol does not define.
fn is_definite(code: u64) -> bool {
    matches!(code, 1 | 10 | 11 | 12 | 14 | 20 | 21 | 22 | 30)
}

/// What an error says of an operation.
pub(crate) fn failed(body: &Body) -> Completion {
    let code = body.get("code").and_then(Json::as_u64).unwrap_or_default();
    let text = body.get("text").and_then(Json::as_str).unwrap_or("no text");
    let error = format!("error {code}: {text}");
    if is_definite(code) {
        Completion::Fail { error, seen: None, hints: Hints::NONE }
    } else {
        Completion::Info(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_are_written() {
        let line = r#"{"src":"n1","dest":"c2","body":{"in_reply_to":4,"type":"read_ok","value":3}}"#;
        let message = Message::parse(line).unwrap();
        assert_eq!((message.in_reply_to(), kind(&message.body)), (Some(4), "read_ok"));
        assert_eq!(message.line(), line);
        for line in ["hello", "{}", r#"{"src":"n1","dest":"n2","body":3}"#] {
            assert!(Message::parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn errors_are_definite_or_not() {
        let of = |code: u64| failed(&body("error", [("code", code.into()), ("text", "why".into())]));
        for code in [1, 10, 11, 12, 14, 20, 21, 22, 30] {
            assert!(matches!(of(code), Completion::Fail { .. }), "{code}");
        }
        for code in [0, 13, 2, 1000] {
            assert_eq!(of(code), Completion::Info(format!("error {code}: why")));
        }
    }
}
