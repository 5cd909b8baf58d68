//! Operations as SQL, and rows as answers, for every database that speaks it. Pure: what differs between databases is a
//! [`Dialect`].

pub(super) mod transactions;
pub(super) mod transfer;

use histories::{Function, Op, Value};

/// The statements of a database, each with its parameters in the order in which they stand here. Values are JSON, as text; a
/// list is one text, and an account a register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    /// Of a key.
    pub(super) read_counter: &'static str,
    pub(super) read_register: &'static str,
    /// One row, `[1,2]`, or none.
    pub(super) read_list: &'static str,
    /// A row for each element.
    pub(super) read_set: &'static str,
    /// A key and a value.
    pub(super) write: &'static str,
    /// The new value, a key, and the value that it has to have; a row comes back where it had.
    pub(super) cas: &'static str,
    /// A key and an element.
    pub(super) add: &'static str,
    pub(super) remove: &'static str,
    pub(super) append: &'static str,
    /// A key and an amount.
    pub(super) count: &'static str,
    /// What a table holds: a key and a value in each row.
    pub(super) registers: &'static str,
    pub(super) elements: &'static str,
    pub(super) lists: &'static str,
    pub(super) counters: &'static str,
}

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
    /// One list, empty where there is no row.
    List,
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
            | Function::Transfer
            | Function::Dump
    )
}

impl Dialect {
    /// The statement of an operation; the error says why there is none.
    pub(super) fn statement(&self, table: Table, op: &Op) -> Result<Statement, String> {
        let all = |text| Ok(Statement { text, parameters: Vec::new(), answer: Answer::Pairs });
        match (&op.function, &op.key) {
            (Function::Dump, _) => return all(self.whole(table)),
            // Of all accounts.
            (Function::Read, None) => return all(self.registers),
            _ => {}
        }
        let key = op.key.as_ref().ok_or_else(|| format!("{} needs a key", op.function))?.as_str().to_owned();
        let value = || json(&op.value);
        let amount = || op.value.as_int().ok_or_else(|| format!("an amount is an integer, not {}", op.value));
        let (text, parameters, answer) = match (&op.function, table) {
            (Function::Read, Table::Counters) => (self.read_counter, vec![key], Answer::Number),
            (Function::Read, _) => (self.read_register, vec![key], Answer::Value),
            (Function::ReadAll, Table::Lists) => (self.read_list, vec![key], Answer::List),
            (Function::ReadAll, _) => (self.read_set, vec![key], Answer::Values),
            (Function::Write, _) => (self.write, vec![key, value()], Answer::Done),
            (Function::Cas, _) => {
                let (from, to) = op.value.as_pair().ok_or("cas takes [from, to]")?;
                (self.cas, vec![json(to), key, json(from)], Answer::IfAny)
            }
            (Function::Add, _) => (self.add, vec![key, value()], Answer::Done),
            (Function::Remove, _) => (self.remove, vec![key, value()], Answer::Done),
            (Function::Append, _) => (self.append, vec![key, value()], Answer::Done),
            (Function::Increment, _) => (self.count, vec![key, amount()?.to_string()], Answer::Done),
            (Function::Decrement, _) => {
                let amount = amount()?.checked_neg().ok_or("the amount is out of bounds")?;
                (self.count, vec![key, amount.to_string()], Answer::Done)
            }
            (other, _) => return Err(format!("the driver has no {other}")),
        };
        Ok(Statement { text, parameters, answer })
    }

    /// The statement of a step of a transaction.
    fn step(&self, table: Table, function: &str, key: String, value: &Value) -> Result<Statement, String> {
        let (text, parameters, answer) = match (function, table) {
            ("r", Table::Lists) => (self.read_list, vec![key], Answer::Value),
            ("r", Table::Registers) => (self.read_register, vec![key], Answer::Value),
            ("w", Table::Registers) => (self.write, vec![key, json(value)], Answer::Done),
            ("append", Table::Lists) => (self.append, vec![key, json(value)], Answer::Done),
            _ => return Err(format!("a transaction of this workload has no {function:?}")),
        };
        Ok(Statement { text, parameters, answer })
    }

    fn whole(&self, table: Table) -> &'static str {
        match table {
            Table::Registers => self.registers,
            Table::Elements => self.elements,
            Table::Lists => self.lists,
            Table::Counters => self.counters,
        }
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
        Answer::List => first.map_or(Ok(Value::list([])), parsed).map(Some),
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
    use crate::drivers::postgres::DIALECT;

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
            (Table::Registers, Op::global(Function::Read, Value::Null), &[&["a", "3"]]),
            (Table::Registers, Op::read("x"), &[&["oops"]]),
            (Table::Registers, of(Function::Enqueue, 3), &[]),
        ];
        let told: Vec<String> = cases
            .iter()
            .map(|(table, op, rows)| match DIALECT.statement(*table, op) {
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
