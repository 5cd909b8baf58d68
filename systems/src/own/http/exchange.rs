//! One operation as a request, and what its answer says. Pure: it sends nothing.

use histories::{Function, Hints, Node, Op, Value};

use super::answer::{Condition, Found};
use crate::own::template::Template;
use crate::{Completion, Reply};

/// What stands in braces in a request.
pub(crate) const PLACES: &[&str] = &["address", "node", "key", "value", "from", "to"];

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpRequest {
    pub(crate) method: &'static str,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A request with places for what an operation carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestTemplate {
    pub(crate) method: &'static str,
    pub(crate) url: Template,
    pub(crate) headers: Vec<(String, Template)>,
    pub(crate) body: Template,
}

/// How an operation is asked for, and which answers mean what.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exchange {
    pub(crate) request: RequestTemplate,
    pub(crate) ok: Condition,
    /// Where the value is that `ok` answers with.
    pub(crate) value: Option<Found>,
    /// Answers that say that there is nothing: ok, and the value is null.
    pub(crate) null: Option<Condition>,
    /// Answers after which it certainly did not happen, and never will.
    pub(crate) fail: Option<Condition>,
    /// Answers after which nothing is known, though another condition holds. So are all that no condition holds for.
    pub(crate) info: Option<Condition>,
    /// Where a failed compare-and-set says what it saw.
    pub(crate) seen: Option<Found>,
}

impl RequestTemplate {
    /// The request of `op` to `node`, which is reached at `address`.
    pub(crate) fn fill(&self, op: &Op, node: Node, address: &str) -> Result<HttpRequest, String> {
        let place = |place: &str, encode: fn(&Value) -> String| -> Result<String, String> {
            let text = |text: &str| Ok(encode(&Value::text(text)));
            let pair = || op.value.as_pair().ok_or_else(|| format!("{} carries no pair", op.function));
            match place {
                "address" => Ok(address.to_owned()),
                "node" => text(&node.to_string()),
                "key" => text(op.key.as_ref().ok_or_else(|| format!("{} has no key", op.function))?.as_str()),
                "from" => Ok(encode(pair()?.0)),
                "to" => Ok(encode(pair()?.1)),
                _ => Ok(encode(&op.value)),
            }
        };
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| Ok((name.clone(), value.fill(|name| place(name, plain))?)));
        Ok(HttpRequest {
            method: self.method,
            url: self.url.fill(|name| place(name, in_url))?,
            headers: headers.collect::<Result<_, String>>()?,
            body: self.body.fill(|name| place(name, if is_text(name) { inside_json } else { json }))?,
        })
    }
}

impl Exchange {
    /// Whether an answer says that the client may not ask: for want of a name or a token, or forbidden in a way that the file
    /// knows nothing of.
    pub(crate) fn denies(&self, status: u16, body: &str) -> bool {
        let conditions = [Some(&self.ok), self.null.as_ref(), self.fail.as_ref(), self.info.as_ref()];
        let known = || conditions.into_iter().flatten().any(|condition| condition.holds(status, body));
        matches!(status, 401 | 407) || status == 403 && !known()
    }

    /// What an answer says of `op`.
    pub(crate) fn completion(&self, op: &Op, status: u16, body: &str) -> Completion {
        let holds = |condition: &Option<Condition>| {
            condition.as_ref().is_some_and(|condition| condition.holds(status, body))
        };
        let error = format!("answered {status}: {}", crate::own::lines::quoted(body.trim()));
        if holds(&self.info) {
            return undecided(op, error);
        }
        if holds(&self.null) {
            return ok(Value::Null);
        }
        if self.ok.holds(status, body) {
            return match &self.value {
                None => ok(op.value.clone()),
                Some(found) => match found.value(body) {
                    Ok(value) => ok(value),
                    Err(why) => undecided(op, format!("an answer ({status}) that makes no sense: {why}")),
                },
            };
        }
        if holds(&self.fail) {
            let seen = self.seen.as_ref().and_then(|found| found.value(body).ok());
            return Completion::Fail { error, seen, hints: Hints::NONE };
        }
        undecided(op, error)
    }
}

/// Nothing is known of whether it happened; a read changes nothing, so one without an answer did not happen.
pub(crate) fn undecided(op: &Op, error: String) -> Completion {
    match op.function {
        Function::Read | Function::ReadAll | Function::Dump => {
            Completion::Fail { error, seen: None, hints: Hints::NONE }
        }
        _ => Completion::Info(error),
    }
}

fn ok(value: Value) -> Completion {
    Completion::Ok(Reply { value, hints: Hints::NONE })
}

/// In a body a key or a node is text; what an operation carries is JSON.
fn is_text(place: &str) -> bool {
    matches!(place, "key" | "node")
}

fn json(value: &Value) -> String {
    // A value is always JSON.
    serde_json::to_string(value).unwrap_or_default()
}

/// As it stands between the quotation marks of a JSON string.
fn inside_json(value: &Value) -> String {
    let text = json(&Value::text(plain(value)));
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

fn plain(value: &Value) -> String {
    value.as_text().map_or_else(|| json(value), str::to_owned)
}

/// Everything but unreserved characters, so that any value is one segment of a path.
fn in_url(value: &Value) -> String {
    plain(value)
        .bytes()
        .map(|byte| {
            let plain = byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
            if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::answer::{Place, Statuses, Written};
    use super::super::path::JsonPath;
    use super::*;

    fn template(text: &str) -> Template {
        Template::parse(text, PLACES).unwrap()
    }

    fn status(status: u16) -> Condition {
        Condition { statuses: vec![Statuses::One(status)], ..Condition::default() }
    }

    fn found(path: &str) -> Found {
        Found { place: Place::Path(JsonPath::parse(path).unwrap()), written: Written::AsIs }
    }

    fn exchange() -> Exchange {
        Exchange {
            request: RequestTemplate {
                method: "POST",
                url: template("http://{address}/kv/{key}?from={from}"),
                headers: vec![("X-Node".into(), template("{node}"))],
                body: template(r#"{"key": "{key}", "from": {from}, "to": {to}}"#),
            },
            ok: status(200),
            value: None,
            null: None,
            fail: Some(status(409)),
            info: Some(status(504)),
            seen: Some(found("$.current")),
        }
    }

    #[test]
    fn a_request_carries_what_the_operation_does() {
        let op = Op::cas("a/\"b\"", 1, "x y");
        let request = exchange().request.fill(&op, Node(1), "127.0.0.1:4001").unwrap();
        insta::assert_debug_snapshot!(request);
        let read = exchange().request.fill(&Op::read("x"), Node(1), "127.0.0.1:4001");
        assert_eq!(read, Err("read carries no pair".into()));
    }

    #[test]
    fn answers_are_ok_null_fail_or_nobody_knows() {
        let cas = Op::cas("x", 1, 2);
        let read = Op::read("x");
        let exchange = Exchange { value: Some(found("$.value")), null: Some(status(404)), ..exchange() };
        let write = Exchange { value: None, ..exchange.clone() };
        let told = [
            write.completion(&cas, 200, ""),
            write.completion(&cas, 409, r#"{"current": 7}"#),
            write.completion(&cas, 409, "no"),
            write.completion(&cas, 500, "oops"),
            write.completion(&cas, 504, "late"),
            exchange.completion(&read, 200, r#"{"value": 5}"#),
            exchange.completion(&read, 404, ""),
            exchange.completion(&read, 200, "{}"),
            exchange.completion(&read, 500, "oops"),
            exchange.completion(&Op::new(Function::Dequeue, "q", Value::Null), 200, "{}"),
        ];
        insta::assert_debug_snapshot!(told);
    }
}
