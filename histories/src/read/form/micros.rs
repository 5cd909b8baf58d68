//! Transactions straight into rows: of micro-operations files have more than of anything else.
//!
//! It never reads another value than [`Scanner::value`] would: what it does not know for certain is left to that.

use std::sync::Arc;

use super::{Dialect, Formed, Scanner, ends_token};
use crate::Value;
use crate::micros::{Micros, Row, Verb};

impl Scanner<'_> {
    /// Reads a form, which most often is a transaction.
    pub(crate) fn transaction(&mut self) -> Formed<Value> {
        let (start, depth) = (self.at, self.depth);
        if let Some(rows) = self.rows() {
            return Ok(Value::Txn(Arc::new(Micros::new(rows))));
        }
        (self.at, self.depth) = (start, depth);
        self.value()
    }

    /// `[[:r 1 nil] [:append 2 3]]`
    fn rows(&mut self) -> Option<Vec<Row>> {
        self.byte(b'[')?;
        self.blanks();
        self.byte(b'[')?;
        // As deep as the values stand in their list of lists.
        self.depth += 2;
        let mut rows = Vec::with_capacity(ROWS_MEAN);
        loop {
            self.blanks();
            let verb = self.verb()?;
            let key = self.part()?;
            let value = self.part()?;
            rows.push(Row { verb, key, value });
            self.blanks();
            self.byte(b']')?;
            self.blanks();
            if self.byte(b']').is_some() {
                self.depth -= 2;
                return Some(rows);
            }
            self.byte(b'[')?;
        }
    }

    fn byte(&mut self, expected: u8) -> Option<()> {
        (self.text.get(self.at) == Some(&expected)).then(|| self.at += 1)
    }

    /// Passes over what separates forms, but for comments.
    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0c | b',') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn verb(&mut self) -> Option<Verb> {
        let words: [&[u8]; 3] = match self.dialect {
            Dialect::Edn => [b":r", b":w", b":append"],
            Dialect::Json => [b"\"r\"", b"\"w\"", b"\"append\""],
        };
        let rest = &self.text[self.at..];
        let (word, verb) = words
            .into_iter()
            .zip([Verb::Read, Verb::Write, Verb::Append])
            .find(|(word, _)| rest.starts_with(word))?;
        ends_token(*rest.get(word.len())?, self.dialect).then(|| self.at += word.len())?;
        Some(verb)
    }

    /// A key or a value.
    fn part(&mut self) -> Option<Value> {
        self.blanks();
        if let Some(int) = self.short_int() {
            return Some(Value::Int(int));
        }
        self.nothing().or_else(|| self.ints()).or_else(|| self.value().ok())
    }

    /// `nil`
    fn nothing(&mut self) -> Option<Value> {
        let rest = self.text[self.at..].strip_prefix(self.nil().as_bytes())?;
        ends_token(*rest.first()?, self.dialect).then(|| self.at += self.nil().len())?;
        Some(Value::Null)
    }

    /// `[1 2 3]`, which reads of lists see.
    fn ints(&mut self) -> Option<Value> {
        let start = self.at;
        self.byte(b'[')?;
        let mut items = Vec::with_capacity(numbers_ahead(&self.text[self.at..]));
        loop {
            self.blanks();
            if self.byte(b']').is_some() {
                return Some(Value::list(items));
            }
            let Some(int) = self.short_int() else {
                self.at = start;
                return None;
            };
            items.push(Value::Int(int));
        }
    }
}

/// How many whole numbers come before the next closing bracket, as room for a list of them. No more than a hint, which
/// what is no list of numbers cannot make large.
pub(crate) fn numbers_ahead(text: &[u8]) -> usize {
    let Some(end) = memchr::memchr(b']', text) else { return 0 };
    let ends_number = |pair: &&[u8]| pair[0].is_ascii_digit() && !pair[1].is_ascii_digit();
    text[..=end].windows(2).filter(ends_number).count().min(NUMBERS_MAX)
}

const NUMBERS_MAX: usize = 1024;

/// Room for the micro-operations of most transactions.
const ROWS_MEAN: usize = 8;
