//! The common shape of our own lines, read without a general parser.
//!
//! It never decides that a line is wrong: whatever it does not know for certain is left to the general parser, which
//! gives every line that this one reads the same meaning.

use std::borrow::Cow;
use std::sync::Arc;

use crate::micros::{Micros, Row, Verb};
use crate::numbers::{self, Started};
use crate::packed::{self, Packed};
use crate::raw::{RawEvent, RawProcess};
use crate::{Function, Kind, Value};

/// The event on a line, if the line has the shape that our writer gives it.
pub(crate) fn event(line: &[u8]) -> Option<RawEvent<'_>> {
    let mut scan = Scan { line, at: 0 };
    scan.literal(b"{\"index\":")?;
    let index = scan.count()?;
    scan.literal(b",\"time\":")?;
    let time = scan.count()?;
    scan.literal(b",\"process\":")?;
    let process = match scan.line.get(scan.at)? {
        b'"' => {
            scan.literal(b"\"nemesis\"")?;
            RawProcess::Nemesis
        }
        _ => RawProcess::Number(u32::try_from(scan.count()?).ok()?),
    };
    scan.literal(b",\"type\":\"")?;
    let kind = match scan.line.get(scan.at)? {
        b'i' if scan.literal(b"invoke\"").is_some() => Kind::Invoke,
        b'o' if scan.literal(b"ok\"").is_some() => Kind::Ok,
        b'f' if scan.literal(b"fail\"").is_some() => Kind::Fail,
        b'i' if scan.literal(b"info\"").is_some() => Kind::Info,
        _ => return None,
    };
    scan.literal(b",\"f\":\"")?;
    let function = Function::named(scan.text()?).ok()?;
    let mut event = RawEvent::new(process, kind, function, Value::Null);
    (event.index, event.time) = (Some(index), Some(time));
    let seen = scan.fields(&mut event)?;
    // One that lacks the value that it needs is left to the general parser, which says so.
    let lacks = kind == Kind::Invoke && seen & VALUE == 0 && event.function.is_update();
    (!lacks).then_some(event)
}

/// Stands for the field `value` among those that were seen.
const VALUE: u8 = 1 << 1;

struct Scan<'a> {
    line: &'a [u8],
    at: usize,
}

/// Room for the micro-operations of most transactions.
const ROWS_MEAN: usize = 8;

/// Lists nested deeper are left to the general parser.
const DEPTH_MAX: usize = 8;

impl<'a> Scan<'a> {
    fn literal(&mut self, expected: &[u8]) -> Option<()> {
        self.line.get(self.at..)?.starts_with(expected).then(|| self.at += expected.len())
    }

    /// The fields after the function, in any order, each at most once, to the end of the line; which ones there are.
    fn fields(&mut self, event: &mut RawEvent<'a>) -> Option<u8> {
        let mut seen = 0_u8;
        loop {
            match self.line.get(self.at)? {
                b'}' => return self.line[self.at + 1..].iter().all(u8::is_ascii_whitespace).then_some(seen),
                b',' => self.at += 1,
                _ => return None,
            }
            self.literal(b"\"")?;
            let name = self.text()?;
            self.literal(b":")?;
            let bit = self.field(name, event)?;
            if seen & bit != 0 {
                return None;
            }
            seen |= bit;
        }
    }

    /// Reads a field, and says which one.
    fn field(&mut self, name: &str, event: &mut RawEvent<'a>) -> Option<u8> {
        let bit = match name {
            "key" => {
                event.key = Some(self.key()?);
                1
            }
            "value" => {
                event.value = match event.function {
                    Function::Txn => self.transaction()?,
                    _ => self.value(0)?,
                };
                VALUE
            }
            "node" => {
                event.node = Some(Cow::Borrowed(self.string()?));
                1 << 2
            }
            "error" => {
                event.error = Some(self.string()?.to_owned());
                1 << 3
            }
            "seen" => {
                event.seen = Some(self.value(0)?);
                1 << 4
            }
            "version" => {
                event.version = Some(self.count()?);
                1 << 5
            }
            "term" => {
                event.term = Some(self.count()?);
                1 << 6
            }
            "served_by" => {
                event.served_by = Some(Cow::Borrowed(self.string()?));
                1 << 7
            }
            _ => return None,
        };
        Some(bit)
    }

    fn key(&mut self) -> Option<Cow<'a, str>> {
        if self.line.get(self.at)? == &b'"' {
            return self.string().map(Cow::Borrowed);
        }
        self.count().map(|number| Cow::Owned(number.to_string()))
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        match self.line.get(self.at)? {
            b'"' => self.string().map(Value::word),
            b'[' if depth < DEPTH_MAX => self.list(depth),
            b'n' => self.literal(b"null").map(|()| Value::Null),
            b't' => self.literal(b"true").map(|()| Value::Bool(true)),
            b'f' => self.literal(b"false").map(|()| Value::Bool(false)),
            _ => self.int().map(Value::Int),
        }
    }

    fn int(&mut self) -> Option<i64> {
        if self.line.get(self.at)? != &b'-' {
            return self.count().map(|count| count as i64);
        }
        self.at += 1;
        let count = self.count()?;
        // `-0` is a fraction in JSON.
        (count > 0).then_some(-(count as i64))
    }

    /// Micro-operations straight into their packed form or into rows; any other value as it is.
    fn transaction(&mut self) -> Option<Value> {
        let start = self.at;
        if let Some(packed) = Packed::build(|bytes| self.packed(bytes)) {
            return Some(Value::Txn(Arc::new(Micros::packed(packed))));
        }
        self.at = start;
        if let Some(rows) = self.rows() {
            return Some(Value::Txn(Arc::new(Micros::new(rows))));
        }
        self.at = start;
        self.value(0)
    }

    fn packed(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        self.literal(b"[[")?;
        loop {
            let verb = self.verb()?;
            let key = self.int()?;
            self.literal(b",")?;
            match self.line.get(self.at)? {
                b'[' => self.numbers(packed::push_list(bytes, verb, key), bytes)?,
                b'n' => {
                    self.literal(b"null")?;
                    packed::push(bytes, verb, key, None);
                }
                _ => packed::push(bytes, verb, key, Some(self.int()?)),
            }
            self.literal(b"]")?;
            if self.literal(b"]").is_some() {
                return Some(());
            }
            self.literal(b",[")?;
        }
    }

    /// The name of a micro-operation and the comma after it.
    fn verb(&mut self) -> Option<Verb> {
        match self.line.get(self.at + 1)? {
            b'r' => self.literal(b"\"r\",").map(|()| Verb::Read),
            b'w' => self.literal(b"\"w\",").map(|()| Verb::Write),
            _ => self.literal(b"\"append\",").map(|()| Verb::Append),
        }
    }

    /// The list that comes next, into the one that was started.
    fn numbers(&mut self, list: Started, bytes: &mut Vec<u8>) -> Option<()> {
        self.at += 1;
        if self.literal(b"]").is_none() {
            loop {
                numbers::push(bytes, self.int()?);
                self.at += 1;
                match self.line.get(self.at - 1)? {
                    b',' => {}
                    b']' => break,
                    _ => return None,
                }
            }
        }
        list.finish(bytes);
        Some(())
    }

    fn rows(&mut self) -> Option<Vec<Row>> {
        self.literal(b"[[")?;
        let mut rows = Vec::with_capacity(ROWS_MEAN);
        loop {
            let verb = Verb::of(self.string()?)?;
            self.literal(b",")?;
            let key = self.value(2)?;
            self.literal(b",")?;
            let value = self.value(2)?;
            rows.push(Row { verb, key, value });
            self.literal(b"]")?;
            if self.literal(b"]").is_some() {
                return Some(rows);
            }
            self.literal(b",[")?;
        }
    }

    fn list(&mut self, depth: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::with_capacity(numbers_ahead(&self.line[self.at..]));
        if self.literal(b"]").is_some() {
            return Some(Value::list(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            match self.line.get(self.at)? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(Value::list(items));
                }
                _ => return None,
            }
        }
    }

    /// At most 18 digits, which every integer type of ours holds, without a leading zero.
    fn count(&mut self) -> Option<u64> {
        let start = self.at;
        let mut count = 0_u64;
        while let Some(digit) = self.line.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            count = count.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        let length = self.at - start;
        let ends = matches!(self.line.get(self.at)?, b',' | b'}' | b']');
        (ends && (1..=18).contains(&length) && (length == 1 || self.line[start] != b'0')).then_some(count)
    }

    fn string(&mut self) -> Option<&'a str> {
        self.literal(b"\"")?;
        self.text()
    }

    /// The rest of a string that has no escapes.
    fn text(&mut self) -> Option<&'a str> {
        let rest = &self.line[self.at..];
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        if rest[length] != b'"' {
            return None;
        }
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).ok()
    }
}

/// How many whole numbers come before the next closing bracket, as room for a list of them. No more than a hint, which
/// what is no list of numbers cannot make large.
fn numbers_ahead(text: &[u8]) -> usize {
    let Some(end) = memchr::memchr(b']', text) else { return 0 };
    let ends_number = |pair: &&[u8]| pair[0].is_ascii_digit() && !pair[1].is_ascii_digit();
    text[..=end].windows(2).filter(ends_number).count().min(NUMBERS_MAX)
}

const NUMBERS_MAX: usize = 1024;
