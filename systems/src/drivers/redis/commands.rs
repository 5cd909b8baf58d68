//! Operations as commands, and answers as values. Pure. Values are kept as JSON, numbers of counters as Redis keeps them,
//! which is the same text.

use std::collections::BTreeMap;

use histories::{Function, Op, Value};
use redis::Cmd;
use serde_json::json;

/// Sets a key that holds one value to another; answers with nothing, or with what it found instead.
const CAS: &str = "local seen = redis.call('GET', KEYS[1]) or 'null'
if seen == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return false end
return seen";

/// All that a key holds, after the name of its type.
const WHOLE: &str = "local function whole(key)
local kind = redis.call('TYPE', key).ok
if kind == 'string' then return {kind, redis.call('GET', key)} end
if kind == 'set' then return {kind, redis.call('SMEMBERS', key)} end
if kind == 'list' then return {kind, redis.call('LRANGE', key, 0, -1)} end
if kind == 'hash' then return {kind, redis.call('HGETALL', key)} end
return {kind}
end
";
const WHOLE_OF_ONE: &str = "return whole(KEYS[1])";
const WHOLE_OF_ALL: &str = "local all = {}
for place, key in ipairs(redis.call('KEYS', '*')) do all[place] = {key, whole(key)} end
return all";

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
            | Function::Increment
            | Function::Decrement
            | Function::Dump
    )
}

/// What is sent for `op`; the error says why Redis cannot be asked that.
pub(super) fn command(op: &Op) -> Result<Cmd, String> {
    if op.function == Function::Dump {
        return Ok(script(&format!("{WHOLE}{WHOLE_OF_ALL}"), &[]));
    }
    let key = op.key.as_ref().ok_or_else(|| format!("{} needs a key", op.function))?.as_str();
    let with_value = |name| words(&[name, key, &text(&op.value)]);
    Ok(match &op.function {
        Function::Read => words(&["GET", key]),
        Function::Write => with_value("SET"),
        Function::Add => with_value("SADD"),
        Function::Remove => with_value("SREM"),
        Function::Append => with_value("RPUSH"),
        Function::ReadAll => script(&format!("{WHOLE}{WHOLE_OF_ONE}"), &[key]),
        Function::Increment => count(key, &op.value, 1)?,
        Function::Decrement => count(key, &op.value, -1)?,
        Function::Cas => {
            let (from, to) = op.value.as_pair().ok_or("cas takes [from, to]")?;
            let mut command = script(CAS, &[key]);
            command.arg(text(from)).arg(text(to));
            command
        }
        other => return Err(format!("Redis has no {other}")),
    })
}

/// Of a counter, or of an item of a cart.
fn count(key: &str, value: &Value, sign: i64) -> Result<Cmd, String> {
    let amount = |value: &Value| value.as_int().map(|amount| (amount * sign).to_string());
    if let Some(amount) = amount(value) {
        return Ok(words(&["INCRBY", key, &amount]));
    }
    let pair = value.as_pair().and_then(|(item, by)| Some((item.as_text()?, amount(by)?)));
    let (item, amount) = pair.ok_or("a counter takes an amount, a cart [item, amount]")?;
    Ok(words(&["HINCRBY", key, item, &amount]))
}

fn words(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}

fn script(text: &str, keys: &[&str]) -> Cmd {
    let mut command = words(&["EVAL", text]);
    command.arg(keys.len());
    for key in keys {
        command.arg(*key);
    }
    command
}

/// What an answer says of `op`: the value of a read or a write, or what a compare-and-set found instead.
pub(super) fn understood(op: &Op, answer: &redis::Value) -> Result<Result<Value, Value>, String> {
    Ok(match &op.function {
        Function::Read => Ok(one(answer)?),
        Function::ReadAll => Ok(whole(answer)?),
        Function::Dump => {
            let mut state = BTreeMap::new();
            for entry in list(answer)? {
                let [key, held] = list(entry)? else {
                    return Err(format!("no key with its value: {entry:?}"));
                };
                state.insert(word(key)?, whole(held)?);
            }
            Ok(Value::map(state))
        }
        Function::Cas => match answer {
            redis::Value::Nil => Ok(op.value.clone()),
            seen => Err(one(seen)?),
        },
        _ => Ok(op.value.clone()),
    })
}

fn whole(answer: &redis::Value) -> Result<Value, String> {
    let parts = list(answer)?;
    let kind = parts.first().map(word).transpose()?.unwrap_or_default();
    let Some(held) = parts.get(1) else { return Ok(Value::Null) };
    match kind.as_str() {
        "set" => {
            let mut elements = list(held)?.iter().map(one).collect::<Result<Vec<_>, _>>()?;
            // Each member keeps them in an order of its own.
            elements.sort();
            Ok(Value::list(elements))
        }
        "list" => Ok(Value::list(list(held)?.iter().map(one).collect::<Result<Vec<_>, _>>()?)),
        "hash" => {
            let entries = list(held)?.chunks_exact(2).map(|pair| Ok((word(&pair[0])?, one(&pair[1])?)));
            Ok(Value::map(entries.collect::<Result<Vec<_>, String>>()?))
        }
        _ => one(held),
    }
}

fn one(answer: &redis::Value) -> Result<Value, String> {
    if *answer == redis::Value::Nil {
        return Ok(Value::Null);
    }
    let text = word(answer)?;
    serde_json::from_str(&text).map_err(|error| format!("a value that no client wrote, {text:?}: {error}"))
}

fn list(answer: &redis::Value) -> Result<&[redis::Value], String> {
    match answer {
        redis::Value::Array(items) | redis::Value::Set(items) => Ok(items),
        redis::Value::Nil => Ok(&[]),
        other => Err(format!("no list: {other:?}")),
    }
}

/// A text, or a number as one.
pub(super) fn word(answer: &redis::Value) -> Result<String, String> {
    match answer {
        redis::Value::BulkString(bytes) => {
            String::from_utf8(bytes.clone()).map_err(|error| error.to_string())
        }
        redis::Value::SimpleString(text) => Ok(text.clone()),
        redis::Value::Int(number) => Ok(number.to_string()),
        redis::Value::Okay => Ok("OK".to_owned()),
        other => Err(format!("no text: {other:?}")),
    }
}

fn text(value: &Value) -> String {
    json!(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(op: &Op) -> String {
        let packed = String::from_utf8(command(op).unwrap().get_packed_command()).unwrap();
        let words: Vec<&str> = packed.split("\r\n").filter(|line| !line.starts_with(['*', '$'])).collect();
        words.join(" ").trim_end().to_owned()
    }

    fn bulk(text: &str) -> redis::Value {
        redis::Value::BulkString(text.into())
    }

    #[test]
    fn operations_are_commands() {
        assert_eq!(sent(&Op::read("x")), "GET x");
        assert_eq!(sent(&Op::write("x", 7)), "SET x 7");
        assert_eq!(sent(&Op::new(Function::Add, "s", Value::Int(7))), "SADD s 7");
        assert_eq!(sent(&Op::new(Function::Decrement, "c", Value::Int(7))), "INCRBY c -7");
        let item = Value::list([Value::text("fig"), Value::Int(2)]);
        assert_eq!(sent(&Op::new(Function::Increment, "cart", item)), "HINCRBY cart fig 2");
        assert!(sent(&Op::cas("x", Value::Null, 4)).ends_with("1 x null 4"));
        assert!(command(&Op::new(Function::Enqueue, "q", Value::Int(1))).is_err());
        assert!(command(&Op::new(Function::Increment, "c", Value::Null)).is_err());
    }

    #[test]
    fn answers_are_values() {
        let array = redis::Value::Array;
        let read = |answer| understood(&Op::read("x"), &answer).unwrap();
        assert_eq!(read(redis::Value::Nil), Ok(Value::Null));
        assert_eq!(read(bulk("7")), Ok(Value::Int(7)));
        let cas = |answer| understood(&Op::cas("x", 1, 2), &answer).unwrap();
        assert_eq!(cas(redis::Value::Nil), Ok(Op::cas("x", 1, 2).value));
        assert_eq!(cas(bulk("7")), Err(Value::Int(7)));
        let set = array(vec![bulk("set"), array(vec![bulk("10"), bulk("9")])]);
        let elements = Value::list([Value::Int(9), Value::Int(10)]);
        let all = Op::new(Function::ReadAll, "s", Value::Null);
        assert_eq!(understood(&all, &set).unwrap(), Ok(elements.clone()));
        assert_eq!(understood(&all, &array(vec![bulk("none")])).unwrap(), Ok(Value::Null));
        let cart = array(vec![bulk("hash"), array(vec![bulk("fig"), bulk("2")])]);
        let dump = array(vec![array(vec![bulk("s"), set]), array(vec![bulk("cart"), cart])]);
        let fig = Value::map([("fig".to_owned(), Value::Int(2))]);
        assert_eq!(
            understood(&Op::global(Function::Dump, Value::Null), &dump).unwrap(),
            Ok(Value::map([("s".to_owned(), elements), ("cart".to_owned(), fig)]))
        );
        assert!(understood(&Op::read("x"), &bulk("{")).is_err());
    }
}
