//! Micro-operations of transactions as histories and requests spell them, `["append", 3, 7]`, and as steps of the store.

use histories::{Key, Micro, Value};

use super::Step;

/// The steps of a transaction; the error names what the store cannot do.
pub(crate) fn parse(micros: &Value) -> Result<Vec<Step>, String> {
    let items = micros
        .micros()
        .ok_or_else(|| format!("a transaction is a list of micro-operations, this is {micros}"))?;
    items
        .map(|item| {
            let micro = item.map_err(|_| {
                format!("a micro-operation is [\"r\", key, null], [\"w\", key, value] or [\"append\", key, value]: {micros}")
            })?;
            step(&micro)
        })
        .collect()
}

fn step(micro: &Micro<'_>) -> Result<Step, String> {
    let (key, value) = (key(&micro.key)?, || micro.value.as_ref().clone());
    match micro.function {
        "r" => Ok(Step::Read { key }),
        "w" => Ok(Step::Write { key, value: value() }),
        "append" => Ok(Step::Append { key, value: value() }),
        "r-all" => Ok(Step::ReadAll { prefix: key.as_str().to_owned() }),
        "add" => match (micro.value.as_int(), micro.value.as_pair()) {
            (Some(by), _) => Ok(Step::Add { key, by, least: None }),
            (None, Some((Value::Int(by), Value::Int(least)))) => {
                Ok(Step::Add { key, by: *by, least: Some(*least) })
            }
            _ => Err(format!("add takes a number, or [number, least], this is {}", micro.value)),
        },
        other => Err(format!("a transaction has no {other:?}; there are r, w, append, add and r-all")),
    }
}

/// The store's keys are texts; transactions name theirs by numbers, too.
fn key(key: &Value) -> Result<Key, String> {
    match key {
        Value::Text(text) => Ok(Key::from(text.as_str())),
        Value::Int(number) => Ok(Key::from(number.to_string())),
        other => Err(format!("a key is a text or a number, this is {other}")),
    }
}

/// The same steps as micro-operations, as [`parse`] reads them.
pub(crate) fn spell(steps: &[Step]) -> Value {
    let micro = |name: &str, key: &str, value: Value| Value::list([name.into(), key.into(), value]);
    Value::list(steps.iter().map(|step| match step {
        Step::Read { key } => micro("r", key.as_str(), Value::Null),
        Step::Write { key, value } => micro("w", key.as_str(), value.clone()),
        Step::Append { key, value } => micro("append", key.as_str(), value.clone()),
        Step::ReadAll { prefix } => micro("r-all", prefix, Value::Null),
        Step::Add { key, by, least: None } => micro("add", key.as_str(), Value::Int(*by)),
        Step::Add { key, by, least: Some(least) } => {
            micro("add", key.as_str(), Value::list([Value::Int(*by), Value::Int(*least)]))
        }
    }))
}

/// The micro-operations with what each step saw in place of what was read; `None` where there are not as many.
pub(crate) fn answered(micros: &Value, seen: &Value) -> Option<Value> {
    let (asked, seen) = (micros.micros()?, seen.as_list()?);
    let asked: Vec<Micro<'_>> = asked.collect::<Result<_, _>>().ok()?;
    if asked.len() != seen.len() {
        return None;
    }
    let told = asked.into_iter().zip(seen).map(|(micro, seen)| {
        let value = if micro.function.starts_with('r') { seen.clone() } else { micro.value.into_owned() };
        Value::list([micro.function.into(), micro.key.into_owned(), value])
    });
    Some(Value::list(told))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn steps_are_spelt_as_they_are_read() {
        let micros = value(
            r#"[["r","x",null],["w","x",1],["append","y",[2]],["add","z",-3],["add","z",[-3,0]],["r-all","a",null]]"#,
        );
        assert_eq!(spell(&parse(&micros).unwrap()), micros);
        let numbers = parse(&value(r#"[["r",7,null]]"#)).unwrap();
        assert_eq!(numbers, [Step::Read { key: Key::from("7") }]);
    }

    #[test]
    fn what_is_no_transaction_is_told() {
        let errors: Vec<String> = [
            "3",
            "[3]",
            r#"[["r","x"]]"#,
            r#"[["cas","x",1]]"#,
            r#"[["r",null,null]]"#,
            r#"[["add","x","y"]]"#,
        ]
        .iter()
        .map(|wrong| parse(&value(wrong)).unwrap_err())
        .collect();
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn an_answer_tells_what_was_read_and_keeps_what_was_written() {
        let asked = value(r#"[["r",1,null],["append",1,4],["r",1,null]]"#);
        let told = answered(&asked, &value("[[3],null,[3,4]]")).unwrap();
        assert_eq!(told, value(r#"[["r",1,[3]],["append",1,4],["r",1,[3,4]]]"#));
        assert_eq!(answered(&asked, &value("[[3]]")), None);
    }
}
