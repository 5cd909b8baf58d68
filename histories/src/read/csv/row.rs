//! One row of a table: an event, or an operation with its beginning and its end.

use std::borrow::Cow;

use super::Table;
use super::columns::Column;
use crate::raw::{RawEvent, RawProcess};
use crate::read::form::weigh_json;
use crate::read::jepsen::function;
use crate::read::{names, tuple};
use crate::{Function, Kind, Value};

pub(super) struct Row<'a> {
    pub(super) table: &'a Table,
    pub(super) cells: Vec<Cow<'a, str>>,
}

impl Row<'_> {
    /// The cell of a column, if there is one and it is not empty.
    fn cell(&self, column: Column) -> Option<&str> {
        let place = self.table.header.place(column)?;
        self.cells.get(place).map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
    }

    /// What was asked stands in the column of values; what came of it in that of replies, where it says something.
    pub(super) fn event(&self) -> Result<RawEvent<'static>, String> {
        let kind = match self.cell(Column::Type) {
            Some("invoke") => Kind::Invoke,
            Some("ok") => Kind::Ok,
            Some("fail") => Kind::Fail,
            Some("info") => Kind::Info,
            other => {
                return Err(format!(
                    "type is {:?}; expected invoke, ok, fail or info",
                    other.unwrap_or_default()
                ));
            }
        };
        let answers = kind != Kind::Invoke && self.cell(Column::Reply).is_some();
        let column = if answers { Column::Reply } else { Column::Value };
        let (key, value) = self.value(kind, column)?;
        let function = self.function(&value)?;
        if kind == Kind::Invoke {
            self.has_value(&function)?;
        }
        let index = self.cell(Column::Index).map(|cell| whole_number(cell, "the index")).transpose()?;
        let time = self.time(Column::Time)?;
        Ok(RawEvent { index, time, ..self.base(kind, function, key, value) })
    }

    /// When an operation begins and when it ends, if it does.
    pub(super) fn times(&self) -> Result<(u64, Option<u64>), String> {
        let begin = self.time(Column::Begin)?.ok_or("this operation has no beginning")?;
        let end = self.time(Column::End)?;
        match end {
            Some(end) if end < begin => {
                Err(format!("this operation ends at {end} ns before it begins at {begin} ns"))
            }
            end => Ok((begin, end)),
        }
    }

    fn time(&self, column: Column) -> Result<Option<u64>, String> {
        let Some(cell) = self.cell(column) else { return Ok(None) };
        let seconds = cell.contains('.');
        if self.table.seconds.replace(Some(seconds)).is_some_and(|before| before != seconds) {
            return Err(format!(
                "the time {cell} is of another kind than those before: seconds have a point"
            ));
        }
        nanoseconds(cell).map(Some)
    }

    /// An invocation, and the completion if there was one.
    pub(super) fn operation(&self) -> Result<(RawEvent<'static>, Option<RawEvent<'static>>), String> {
        let kind = match self.cell(Column::Outcome) {
            None | Some("ok") => Kind::Ok,
            Some("fail") => Kind::Fail,
            Some("info") => Kind::Info,
            Some(other) => return Err(format!("outcome is {other:?}; expected ok, fail or info")),
        };
        let (key, asked) = self.value(Kind::Invoke, Column::Value)?;
        let function = self.function(&asked)?;
        self.has_value(&function)?;
        let reads = matches!(function, Function::Read | Function::ReadAll);
        let (call, answer) = if !self.table.header.has(Column::Reply) {
            (if reads { Value::Null } else { asked.clone() }, asked)
        } else if function.is_update() {
            // What comes back of a write is no value of its key.
            (asked.clone(), asked)
        } else {
            let (_, answer) = self.value(kind, Column::Reply)?;
            let answer = if answer.is_null() && !reads { asked.clone() } else { answer };
            (asked, answer)
        };
        let reply = self.cell(Column::End).map(|_| self.base(kind, function.clone(), key.clone(), answer));
        Ok((self.base(Kind::Invoke, function, key, call), reply))
    }

    /// The key and the value that a cell tells.
    fn value(&self, kind: Kind, column: Column) -> Result<(Option<String>, Value), String> {
        let value = self.cell(column).map_or(Ok(Value::Null), cell_value)?;
        if self.table.independent
            && self.cell(Column::Process) != Some("nemesis")
            && let Some((key, inner)) = tuple::apart(kind, self.cell(Column::Function), &value)?
        {
            return Ok((Some(key), inner));
        }
        Ok((self.cell(Column::Key).map(str::to_owned), value))
    }

    fn function(&self, value: &Value) -> Result<Function, String> {
        function(self.cell(Column::Function), value, false)
    }

    fn has_value(&self, function: &Function) -> Result<(), String> {
        let missing = function.is_update() && self.cell(Column::Value).is_none();
        if missing { Err(names::without_value(function)) } else { Ok(()) }
    }

    fn base(&self, kind: Kind, function: Function, key: Option<String>, value: Value) -> RawEvent<'static> {
        let process = match self.cell(Column::Process) {
            None => RawProcess::Absent,
            Some("nemesis") => RawProcess::Nemesis,
            Some(name) => match name.parse::<u32>() {
                Ok(number) if is_plain(name) => RawProcess::Number(number),
                _ => RawProcess::Named(Cow::Owned(name.to_owned())),
            },
        };
        let owned = |column| self.cell(column).map(str::to_owned);
        RawEvent {
            key: key.map(Cow::Owned),
            node: owned(Column::Node).map(Cow::Owned),
            error: if kind == Kind::Invoke { None } else { owned(Column::Error) },
            ..RawEvent::new(process, kind, function, value)
        }
    }
}

fn whole_number(cell: &str, what: &str) -> Result<u64, String> {
    cell.parse().map_err(|_| format!("expected a whole number as {what}, not {cell:?}"))
}

/// Whole nanoseconds, or seconds with a point; less than a nanosecond is let go.
fn nanoseconds(cell: &str) -> Result<u64, String> {
    let wrong = || format!("expected whole nanoseconds as a time, or seconds with a point, not {cell:?}");
    let Some((seconds, fraction)) = cell.split_once('.') else { return cell.parse().map_err(|_| wrong()) };
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds: u64 = seconds.parse().map_err(|_| wrong())?;
    let nanos: u64 = format!("{:0<9}", &fraction[..fraction.len().min(9)]).parse().map_err(|_| wrong())?;
    seconds.checked_mul(1_000_000_000).and_then(|whole| whole.checked_add(nanos)).ok_or_else(wrong)
}

/// Whether digits stand as a number is written: what begins with further zeros is another text.
fn is_plain(digits: &str) -> bool {
    digits == "0" || digits.starts_with(|first: char| matches!(first, '1'..='9'))
}

/// JSON where it is JSON, text where it is not.
fn cell_value(cell: &str) -> Result<Value, String> {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        if !is_plain(digits) {
            return Ok(Value::text(cell));
        }
        let too_large = |_| format!("{cell} is larger than a 64-bit integer holds");
        return cell.parse().map(Value::Int).map_err(too_large);
    }
    if cell == "nil" {
        return Ok(Value::Null);
    }
    weigh_json(cell.as_bytes())?;
    Ok(serde_json::from_str(cell).unwrap_or_else(|_| Value::text(cell)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_stay() {
        for text in ["01", "-01", "007", "00"] {
            assert_eq!(cell_value(text), Ok(Value::text(text)));
        }
        for (text, int) in [("0", 0), ("-0", 0), ("10", 10), ("-7", -7)] {
            assert_eq!(cell_value(text), Ok(Value::Int(int)));
        }
    }

    #[test]
    fn a_time_is_nanoseconds_or_seconds_with_a_point() {
        assert_eq!(nanoseconds("12"), Ok(12));
        assert_eq!(nanoseconds("0.001"), Ok(1_000_000));
        assert_eq!(nanoseconds("2.0000000019"), Ok(2_000_000_001));
        for wrong in ["1.", ".5", "1e3", "1.5e3", "-1", "-0.5", "1.é", "99999999999999.0"] {
            assert!(nanoseconds(wrong).is_err(), "{wrong}");
        }
    }
}
