//! Operations as SQL, and rows as answers. Pure.

use histories::{Function, Op, Value};

/// The tables that workloads use. Values are JSON, as text.
pub(super) const SCHEMA: &str = "\
    CREATE TABLE IF NOT EXISTS registers (k text PRIMARY KEY, v text NOT NULL);\
    CREATE TABLE IF NOT EXISTS elements (k text, e text, PRIMARY KEY (k, e));\
    CREATE TABLE IF NOT EXISTS lists (k text PRIMARY KEY, v text[] NOT NULL);\
    CREATE TABLE IF NOT EXISTS counters (k text PRIMARY KEY, n bigint NOT NULL);";

pub(super) const SCHEMA_GONE: &str = "DROP TABLE IF EXISTS registers, elements, lists, counters;";

/// Which table a workload reads: reads of registers and of counters, of sets and of lists, are called the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Registers,
    Elements,
    Lists,
    Counters,
}

impl Table {
    pub(super) fn of(workload: &str) -> Self {
        match workload {
            "set" | "or-set" => Self::Elements,
            "list" | "txn-list" => Self::Lists,
            "counter" => Self::Counters,
            _ => Self::Registers,
        }
    }
}

/// A statement with its parameters, all texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) text: &'static str,
    pub(super) parameters: Vec<String>,
    pub(super) answer: Answer,
}

/// What the rows of a statement are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It was done.
    Done,
    /// It was done where a row came back.
    IfAny,
    /// One value, or nothing.
    Value,
    /// A value each.
    Values,
    /// A number, 0 where there is none.
    Number,
    /// A key and a value each.
    Pairs,
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
            | Function::Increment
            | Function::Decrement
            | Function::Txn
            | Function::Dump
    )
}

/// The statement of an operation; the error says why there is none.
pub(super) fn statement(table: Table, op: &Op) -> Result<Statement, String> {
    if op.function == Function::Dump {
        return Ok(Statement { text: dump(table), parameters: Vec::new(), answer: Answer::Pairs });
    }
    let key = op.key.as_ref().ok_or_else(|| format!("{} needs a key", op.function))?.as_str().to_owned();
    let value = || json(&op.value);
    let amount = || op.value.as_int().ok_or_else(|| format!("an amount is an integer, not {}", op.value));
    let (text, parameters, answer) = match (&op.function, table) {
        (Function::Read, Table::Counters) => {
            ("SELECT n::text FROM counters WHERE k = $1", vec![key], Answer::Number)
        }
        (Function::Read, _) => ("SELECT v FROM registers WHERE k = $1", vec![key], Answer::Value),
        (Function::ReadAll, Table::Lists) => {
            ("SELECT unnest(v) FROM lists WHERE k = $1", vec![key], Answer::Values)
        }
        (Function::ReadAll, _) => ("SELECT e FROM elements WHERE k = $1", vec![key], Answer::Values),
        (Function::Write, _) => (WRITE, vec![key, value()], Answer::Done),
        (Function::Cas, _) => {
            let (from, to) = op.value.as_pair().ok_or("cas takes [from, to]")?;
            let text = "UPDATE registers SET v = $3 WHERE k = $1 AND v = $2 RETURNING v";
            (text, vec![key, json(from), json(to)], Answer::IfAny)
        }
        (Function::Add, _) => {
            ("INSERT INTO elements VALUES ($1, $2) ON CONFLICT DO NOTHING", vec![key, value()], Answer::Done)
        }
        (Function::Remove, _) => {
            ("DELETE FROM elements WHERE k = $1 AND e = $2", vec![key, value()], Answer::Done)
        }
        (Function::Append, _) => (APPEND, vec![key, value()], Answer::Done),
        (Function::Increment, _) => (COUNT, vec![key, amount()?.to_string()], Answer::Done),
        (Function::Decrement, _) => {
            let amount = amount()?.checked_neg().ok_or("the amount is out of bounds")?;
            (COUNT, vec![key, amount.to_string()], Answer::Done)
        }
        (other, _) => return Err(format!("the driver has no {other}")),
    };
    Ok(Statement { text, parameters, answer })
}

/// The statement of a step of a transaction.
pub(super) fn statement_of_micro(
    table: Table,
    function: &str,
    key: String,
    value: &Value,
) -> Result<Statement, String> {
    let (text, parameters, answer) = match (function, table) {
        ("r", Table::Lists) => {
            ("SELECT '[' || array_to_string(v, ',') || ']' FROM lists WHERE k = $1", vec![key], Answer::Value)
        }
        ("r", Table::Registers) => ("SELECT v FROM registers WHERE k = $1", vec![key], Answer::Value),
        ("w", Table::Registers) => (WRITE, vec![key, json(value)], Answer::Done),
        ("append", Table::Lists) => (APPEND, vec![key, json(value)], Answer::Done),
        _ => return Err(format!("a transaction of this workload has no {function:?}")),
    };
    Ok(Statement { text, parameters, answer })
}

const WRITE: &str = "INSERT INTO registers VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = excluded.v";
const APPEND: &str =
    "INSERT INTO lists VALUES ($1, ARRAY[$2::text]) ON CONFLICT (k) DO UPDATE SET v = lists.v || excluded.v";
const COUNT: &str = "INSERT INTO counters VALUES ($1, $2::text::bigint) ON CONFLICT (k) DO UPDATE SET n = counters.n + excluded.n";

fn dump(table: Table) -> &'static str {
    match table {
        Table::Registers => "SELECT k, v FROM registers",
        Table::Elements => "SELECT k, '[' || string_agg(e, ',' ORDER BY e) || ']' FROM elements GROUP BY k",
        Table::Lists => "SELECT k, '[' || array_to_string(v, ',') || ']' FROM lists",
        Table::Counters => "SELECT k, n::text FROM counters",
    }
}

pub(super) fn json(value: &Value) -> String {
    // A value is always JSON.
    serde_json::to_string(value).unwrap_or_default()
}

/// The one value that rows hold; null where there is none.
pub(super) fn value_of(answer: Answer, rows: &[Vec<String>]) -> Result<Value, String> {
    let first = rows.first().and_then(|row| row.first()).filter(|_| answer == Answer::Value);
    first.map_or(Ok(Value::Null), |text| {
        serde_json::from_str(text).map_err(|error| format!("{text:?}: {error}"))
    })
}

/// What rows of texts say; `None` where a compare-and-set found another value. The error says what makes no sense.
pub(super) fn understood(op: &Op, answer: Answer, rows: &[Vec<String>]) -> Result<Option<Value>, String> {
    let parsed = |text: &String| serde_json::from_str(text).map_err(|error| format!("{text:?}: {error}"));
    let first = rows.first().and_then(|row| row.first());
    match answer {
        Answer::Done => Ok(Some(op.value.clone())),
        Answer::IfAny => Ok(first.map(|_| op.value.clone())),
        Answer::Value => value_of(answer, rows).map(Some),
        Answer::Number => first.map_or(Ok(Value::Int(0)), parsed).map(Some),
        Answer::Values => {
            let values = rows.iter().filter_map(|row| row.first()).map(parsed);
            values.collect::<Result<Vec<Value>, String>>().map(|values| Some(Value::list(values)))
        }
        Answer::Pairs => {
            let pair = |row: &Vec<String>| match &row[..] {
                [key, value] => Ok((key.clone(), parsed(value)?)),
                _ => Err(format!("{row:?} is no pair")),
            };
            let pairs = rows.iter().map(pair).collect::<Result<Vec<_>, String>>()?;
            Ok(Some(Value::map(pairs)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_become_statements_and_rows_answers() {
        let of = |function, value: i64| Op::new(function, "x", value.into());
        let all = |function| Op::new(function, "x", Value::Null);
        let cases: Vec<(Table, Op, &[&[&str]])> = vec![
            (Table::Registers, Op::read("x"), &[&["3"]]),
            (Table::Registers, Op::read("x"), &[]),
            (Table::Registers, Op::write("x", 3), &[]),
            (Table::Registers, Op::cas("x", 3, 4), &[&["4"]]),
            (Table::Registers, Op::cas("x", 3, 4), &[]),
            (Table::Elements, of(Function::Add, 3), &[]),
            (Table::Elements, all(Function::ReadAll), &[&["3"], &["4"]]),
            (Table::Lists, of(Function::Append, 3), &[]),
            (Table::Lists, all(Function::ReadAll), &[]),
            (Table::Counters, of(Function::Decrement, 3), &[]),
            (Table::Counters, all(Function::Read), &[]),
            (Table::Elements, Op::global(Function::Dump, Value::Null), &[&["x", "[3,4]"]]),
            (Table::Registers, Op::read("x"), &[&["oops"]]),
            (Table::Registers, of(Function::Enqueue, 3), &[]),
        ];
        let told: Vec<String> = cases
            .iter()
            .map(|(table, op, rows)| match statement(*table, op) {
                Err(why) => why,
                Ok(statement) => {
                    let rows: Vec<Vec<String>> =
                        rows.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()).collect();
                    let told = understood(op, statement.answer, &rows);
                    format!("{} {:?}\n  {told:?}", statement.text, statement.parameters)
                }
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
