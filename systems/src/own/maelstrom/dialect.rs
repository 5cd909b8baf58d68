//! Maelstrom's workloads: how operations are asked for in each, and what answers say.

use histories::{Function, Hints, Key, ModelName, Op, Value};
use serde_json::Value as Json;

use super::message::{Body, ErrorCode, body, failed, kind};
use crate::{Completion, Purpose, Reply, Steps};

/// A workload that nodes were written for. The names are Maelstrom's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    LinKv,
    GSet,
    GCounter,
    PnCounter,
    Broadcast,
    UniqueIds,
    TxnListAppend,
    TxnRwRegister,
}

impl Dialect {
    pub(crate) const ALL: [Self; 8] = [
        Self::LinKv,
        Self::GSet,
        Self::GCounter,
        Self::PnCounter,
        Self::Broadcast,
        Self::UniqueIds,
        Self::TxnListAppend,
        Self::TxnRwRegister,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LinKv => "lin-kv",
            Self::GSet => "g-set",
            Self::GCounter => "g-counter",
            Self::PnCounter => "pn-counter",
            Self::Broadcast => "broadcast",
            Self::UniqueIds => "unique-ids",
            Self::TxnListAppend => "txn-list-append",
            Self::TxnRwRegister => "txn-rw-register",
        }
    }

    pub(crate) const fn about(self) -> &'static str {
        match self {
            Self::LinKv => "registers: read, write, cas (workload register)",
            Self::GSet => "one set that only grows: add, read (workload set)",
            Self::GCounter => "one counter that only grows: add, read (workload counter)",
            Self::PnCounter => "one counter: add, also less than nothing, read (workload counter)",
            Self::Broadcast => "messages that reach every node: topology, broadcast, read (workload set)",
            Self::UniqueIds => "identifiers that are given out once: generate (workload unique-ids)",
            Self::TxnListAppend => "transactions that read and append to lists: txn (workload txn-list)",
            Self::TxnRwRegister => "transactions that read and write registers: txn (workload txn-register)",
        }
    }

    pub(crate) fn promise(self) -> Vec<ModelName> {
        match self {
            Self::LinKv => vec![ModelName::Linearizable],
            Self::TxnListAppend | Self::TxnRwRegister => vec![ModelName::StrictSerializable],
            Self::GSet | Self::Broadcast => vec![ModelName::Durability, ModelName::Convergence],
            // A read may be late; what is read in the end has to be right.
            Self::GCounter | Self::PnCounter => vec![ModelName::ConflictPolicy, ModelName::Convergence],
            Self::UniqueIds => vec![ModelName::UniqueIds],
        }
    }

    pub(crate) const fn purpose(self) -> Purpose {
        match self {
            Self::TxnListAppend => Purpose::Transactions(Steps::Lists),
            Self::TxnRwRegister => Purpose::Transactions(Steps::Registers),
            _ => Purpose::Objects,
        }
    }

    /// Whether all operations are on one object, which has no key.
    pub(crate) fn has_one_object(self) -> bool {
        matches!(self, Self::GSet | Self::GCounter | Self::PnCounter | Self::Broadcast)
    }

    pub(crate) fn supports(self, function: &Function) -> bool {
        match self {
            Self::LinKv => matches!(function, Function::Read | Function::Write | Function::Cas),
            Self::GSet | Self::Broadcast => {
                matches!(function, Function::Add | Function::ReadAll | Function::Dump)
            }
            Self::GCounter => matches!(function, Function::Increment | Function::Read | Function::Dump),
            Self::PnCounter => {
                matches!(
                    function,
                    Function::Increment | Function::Decrement | Function::Read | Function::Dump
                )
            }
            Self::UniqueIds => *function == Function::Generate,
            Self::TxnListAppend | Self::TxnRwRegister => *function == Function::Txn,
        }
    }

    /// The body of the request for an operation; the error says why there is none.
    pub(crate) fn request(self, op: &Op) -> Result<Body, String> {
        if !self.supports(&op.function) {
            return Err(format!("{} has no {}", self.name(), op.function));
        }
        let value = json(&op.value);
        let key = || op.key.as_ref().map(key_json).ok_or_else(|| format!("{} needs a key", op.function));
        let amount = || op.value.as_int().ok_or_else(|| format!("an amount is an integer, not {}", op.value));
        Ok(match op.function {
            Function::Read | Function::ReadAll | Function::Dump if self.has_one_object() => body("read", []),
            Function::Read => body("read", [("key", key()?)]),
            Function::Write => body("write", [("key", key()?), ("value", value)]),
            Function::Cas => {
                let (from, to) = op.value.as_pair().ok_or("cas takes [from, to]")?;
                body("cas", [("key", key()?), ("from", json(from)), ("to", json(to))])
            }
            Function::Add if self == Self::Broadcast => body("broadcast", [("message", value)]),
            Function::Add => body("add", [("element", value)]),
            Function::Increment => body("add", [("delta", amount()?.into())]),
            Function::Decrement => body("add", [("delta", amount()?.wrapping_neg().into())]),
            Function::Generate => body("generate", []),
            _ => body("txn", [("txn", value)]),
        })
    }

    /// The field of an answer that holds what was read.
    fn answer_field(self, function: &Function) -> Option<&'static str> {
        match (self, function) {
            (Self::Broadcast, Function::ReadAll | Function::Dump) => Some("messages"),
            (_, Function::Read | Function::ReadAll | Function::Dump) => Some("value"),
            (_, Function::Generate) => Some("id"),
            (_, Function::Txn) => Some("txn"),
            _ => None,
        }
    }

    /// What an answer says of an operation; the error says why it cannot be an answer to it. `object` is the key of the
    /// one object, where there is one.
    pub(crate) fn completion(
        self,
        op: &Op,
        answer: &Body,
        object: Option<&Key>,
    ) -> Result<Completion, String> {
        if kind(answer) == "error" {
            let missing = ErrorCode::KeyDoesNotExist.is_of(answer) && op.function == Function::Read;
            return Ok(if missing { ok(Value::Null) } else { failed(answer) });
        }
        let asked = self.request(op)?;
        let expected = format!("{}_ok", kind(&asked));
        if kind(answer) != expected {
            return Err(format!("{} was answered with {:?}, not {expected:?}", kind(&asked), kind(answer)));
        }
        let Some(field) = self.answer_field(&op.function) else { return Ok(ok(op.value.clone())) };
        let told = answer.get(field).ok_or_else(|| format!("{expected} has no {field}"))?;
        let value: Value =
            serde_json::from_value(told.clone()).map_err(|error| format!("{field}: {error}"))?;
        if op.function != Function::Dump {
            return Ok(ok(value));
        }
        let sorted = match value.as_list() {
            Some(items) => {
                let mut items = items.to_vec();
                items.sort();
                Value::list(items)
            }
            None => value,
        };
        let entries = object.map(|key| (key.as_str().to_owned(), sorted));
        Ok(ok(Value::map(entries)))
    }
}

fn ok(value: Value) -> Completion {
    Completion::Ok(Reply { value, hints: Hints::NONE })
}

fn json(value: &Value) -> Json {
    // A value is always JSON.
    serde_json::to_value(value).unwrap_or_default()
}

/// Keys are integers in Maelstrom, and nodes may count on it. Ours are a word and a number, the word the same for all.
fn key_json(key: &Key) -> Json {
    let number = key.as_str().trim_start_matches(|c: char| c.is_ascii_alphabetic());
    match number.parse::<u64>() {
        Ok(parsed) if parsed.to_string() == number => parsed.into(),
        _ => key.as_str().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn txn() -> Op {
        let micro = |f: &str, value: Value| Value::list([Value::text(f), 7.into(), value]);
        let micros = Value::list([micro("r", Value::Null), micro("append", 3.into())]);
        Op::global(Function::Txn, micros)
    }

    fn cases() -> Vec<(Dialect, Op, &'static str)> {
        let all = |function| Op::new(function, "s0", Value::Null);
        let of = |function, value: i64| Op::new(function, "s0", value.into());
        vec![
            (Dialect::LinKv, Op::read("r12"), r#"{"type":"read_ok","value":3}"#),
            (Dialect::LinKv, Op::read("r12"), r#"{"type":"error","code":20,"text":"none"}"#),
            (Dialect::LinKv, Op::write("r12", 3), r#"{"type":"write_ok"}"#),
            (Dialect::LinKv, Op::write("odd key", 3), r#"{"type":"error","code":11,"text":"later"}"#),
            (Dialect::LinKv, Op::cas("r12", 3, 4), r#"{"type":"error","code":22,"text":"had 5"}"#),
            (Dialect::LinKv, Op::cas("r12", 3, 4), r#"{"type":"error","code":20,"text":"none"}"#),
            (Dialect::LinKv, Op::cas("r12", 3, 4), r#"{"type":"error","code":13,"text":"crash"}"#),
            (Dialect::GSet, of(Function::Add, 9), r#"{"type":"add_ok"}"#),
            (Dialect::GSet, all(Function::ReadAll), r#"{"type":"read_ok","value":[2,1]}"#),
            (Dialect::Broadcast, of(Function::Add, 9), r#"{"type":"broadcast_ok"}"#),
            (Dialect::Broadcast, all(Function::Dump), r#"{"type":"read_ok","messages":[2,1]}"#),
            (Dialect::GCounter, of(Function::Increment, 5), r#"{"type":"add_ok"}"#),
            (Dialect::PnCounter, of(Function::Decrement, 5), r#"{"type":"add_ok"}"#),
            (Dialect::PnCounter, all(Function::Read), r#"{"type":"read_ok","value":-5}"#),
            (
                Dialect::UniqueIds,
                Op::global(Function::Generate, Value::Null),
                r#"{"type":"generate_ok","id":"n1-1"}"#,
            ),
            (Dialect::TxnListAppend, txn(), r#"{"type":"txn_ok","txn":[["r",7,[1]],["append",7,3]]}"#),
            (Dialect::GCounter, of(Function::Decrement, 5), r#"{"type":"add_ok"}"#),
            (Dialect::LinKv, Op::read("r12"), r#"{"type":"write_ok"}"#),
            (Dialect::LinKv, Op::read("r12"), r#"{"type":"read_ok"}"#),
        ]
    }

    #[test]
    fn operations_are_asked_for_and_answered_as_maelstrom_has_it() {
        let key = Key::from("s0");
        let told: Vec<String> = cases()
            .into_iter()
            .map(|(dialect, op, answer)| {
                let asked = dialect.request(&op).map(|body| serde_json::to_string(&body).unwrap());
                let told = dialect.completion(&op, &serde_json::from_str(answer).unwrap(), Some(&key));
                format!("{}: {asked:?}\n  {answer}\n  {told:?}", dialect.name())
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn each_workload_supports_what_it_asks_for() {
        for dialect in Dialect::ALL {
            assert!(!dialect.promise().is_empty() && !dialect.about().is_empty());
        }
        assert!(!Dialect::GCounter.supports(&Function::Decrement));
    }
}
