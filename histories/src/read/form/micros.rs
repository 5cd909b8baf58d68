//! Transactions straight into their packed form or into rows: of micro-operations files have more than of anything else.
//!
//! It never reads another value than [`Scanner::value`] would: what it does not know for certain is left to that.

use std::sync::Arc;

use super::{Dialect, EVENT_BYTES_MAX, Formed, Scanner, Trouble, ends_token, weight};
use crate::Value;
use crate::micros::{Micros, Row, Verb};
use crate::numbers::{self, Started};
use crate::packed::{self, Packed};

impl Scanner<'_> {
    /// Reads a form, which most often is a transaction.
    pub(crate) fn transaction(&mut self) -> Formed<Value> {
        let (start, depth, weight) = (self.at, self.depth, self.weight);
        if let Some(packed) = Packed::build(|bytes| self.packed(bytes)) {
            return Ok(Value::Txn(Arc::new(Micros::packed(packed))));
        }
        (self.at, self.weight) = (start, weight);
        if let Some(rows) = self.rows() {
            return Ok(Value::Txn(Arc::new(Micros::new(rows))));
        }
        (self.at, self.depth, self.weight) = (start, depth, weight);
        let mut ahead = self.fork();
        match self.value() {
            // Once all of it is there it may take far less than as a list.
            Err(Trouble::At(..)) if self.weight > EVENT_BYTES_MAX && ahead.skip() == Err(Trouble::More) => {
                Err(Trouble::More)
            }
            other => other,
        }
    }

    /// `[[:r 1 [2 3]] [:append 2 3]]`
    fn packed(&mut self, bytes: &mut Vec<u8>) -> Option<()> {
        self.byte(b'[')?;
        self.blanks();
        self.byte(b'[')?;
        loop {
            self.blanks();
            self.weight += size_of::<Row>();
            (self.weight <= EVENT_BYTES_MAX).then_some(())?;
            let verb = self.verb()?;
            self.blanks();
            let key = self.short_int()?;
            self.blanks();
            if let Some(value) = self.short_int() {
                packed::push(bytes, verb, key, Some(value));
            } else if self.nothing().is_some() {
                packed::push(bytes, verb, key, None);
            } else {
                self.numbers(packed::push_list(bytes, verb, key), bytes)?;
            }
            self.blanks();
            self.byte(b']')?;
            self.blanks();
            if self.byte(b']').is_some() {
                return Some(());
            }
            self.byte(b'[')?;
        }
    }

    /// `[1 2 3]`, which reads of lists see, into the list that was started.
    fn numbers(&mut self, list: Started, bytes: &mut Vec<u8>) -> Option<()> {
        self.byte(b'[')?;
        let mut count = 0;
        loop {
            self.blanks();
            if self.byte(b']').is_some() {
                list.finish(bytes);
                // Whoever asks for them gets a list.
                self.weight += weight::LIST + count * size_of::<Value>();
                return (self.weight <= EVENT_BYTES_MAX).then_some(());
            }
            numbers::push(bytes, self.short_int()?);
            count += 1;
        }
    }

    /// `[[:r :x nil] [:append 2 "a"]]`
    fn rows(&mut self) -> Option<Vec<Row>> {
        self.byte(b'[')?;
        self.blanks();
        self.byte(b'[')?;
        // As deep as the values stand in their list of lists.
        self.depth += 2;
        let mut rows = Vec::with_capacity(ROWS_MEAN);
        loop {
            self.blanks();
            (self.weight <= EVENT_BYTES_MAX).then_some(())?;
            let verb = self.verb()?;
            let key = self.part()?;
            let value = self.part()?;
            self.weight += size_of::<Row>();
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
        self.nothing().or_else(|| self.value().ok())
    }

    /// `nil`
    fn nothing(&mut self) -> Option<Value> {
        let rest = self.text[self.at..].strip_prefix(self.nil().as_bytes())?;
        ends_token(*rest.first()?, self.dialect).then(|| self.at += self.nil().len())?;
        Some(Value::Null)
    }
}

/// Room for the micro-operations of most transactions.
const ROWS_MEAN: usize = 8;
