//! Micro-operations on whole numbers in as few bytes as the numbers need, which is what nearly every transaction is.
//!
//! It never holds anything but whole numbers and null.

use std::borrow::Cow;

use crate::Value;
use crate::micros::{Micro, Row, Verb};

/// For each micro-operation a byte that tells the verb and how many bytes key and value take, the key, and the value.
/// Numbers take as few bytes as they can, low ones first, so that equal micro-operations have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed(Box<[u8]>);

/// A head and two numbers.
const ITEM_BYTES_MAX: usize = 17;

const VERBS: [Verb; 3] = [Verb::Read, Verb::Write, Verb::Append];

impl Packed {
    /// `None` where a key or a value is no whole number.
    pub(crate) fn of(rows: &[Row]) -> Option<Self> {
        let number = |row: &Row| {
            let value = if row.value.is_null() { None } else { Some(row.value.as_int()?) };
            Some((row.verb, row.key.as_int()?, value))
        };
        let mut bytes = Vec::with_capacity(ITEM_BYTES_MAX * rows.len());
        for row in rows {
            let (verb, key, value) = number(row)?;
            push(&mut bytes, verb, key, value);
        }
        Some(Self::of_bytes(&bytes))
    }

    /// Of bytes that [`push`] made: in room of their own, for what an allocation that shrinks leaves behind is in the
    /// way of the next ones.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter(&self.0)
    }

    /// What was asked, where this is the answer: of what was read nothing is known.
    pub(crate) fn question(&self) -> Self {
        let mut bytes = Vec::with_capacity(self.0.len());
        for (head, numbers) in (Items { rest: &self.0 }) {
            bytes.push(head.question().0);
            bytes.extend_from_slice(&numbers[..head.question().number_bytes()]);
        }
        Self::of_bytes(&bytes)
    }

    /// Whether [`Packed::question`] of `answer` is this.
    pub(crate) fn is_question_of(&self, answer: &Self) -> bool {
        let mut asked = &*self.0;
        let all = Items { rest: &answer.0 }.all(|(head, numbers)| {
            let Some((first, rest)) = asked.split_first() else { return false };
            let length = head.question().number_bytes();
            let same = *first == head.question().0 && rest.get(..length) == Some(&numbers[..length]);
            asked = rest.get(length..).unwrap_or_default();
            same
        });
        all && asked.is_empty()
    }

    /// The same where reads that saw `value` saw nothing, if `changes` says so of the key.
    pub(crate) fn unread(&self, value: i64, changes: impl Fn(i64) -> bool) -> Self {
        let mut bytes = Vec::with_capacity(self.0.len() + ITEM_BYTES_MAX);
        for (verb, key, seen) in self.iter() {
            let unread = verb == Verb::Read && seen == Some(value) && changes(key);
            push(&mut bytes, verb, key, seen.filter(|_| !unread));
        }
        Self::of_bytes(&bytes)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Adds a micro-operation.
pub(crate) fn push(bytes: &mut Vec<u8>, verb: Verb, key: i64, value: Option<i64>) {
    let (key_bytes, value_bytes) = (length(key), value.map_or(0, length));
    let mut item = [0; ITEM_BYTES_MAX];
    item[0] = Head::new(verb, key_bytes, value_bytes).0;
    item[1..9].copy_from_slice(&key.to_le_bytes());
    item[1 + key_bytes..9 + key_bytes].copy_from_slice(&value.unwrap_or(0).to_le_bytes());
    // Whole and then cut, which is faster than as many bytes as there are.
    let length = bytes.len() + 1 + key_bytes + value_bytes;
    bytes.extend_from_slice(&item);
    bytes.truncate(length);
}

/// The first byte of a micro-operation.
#[derive(Clone, Copy)]
struct Head(u8);

impl Head {
    /// What differs only in how long the value is differs by a multiple of it.
    const VALUE_BYTE: u8 = 8 * VERBS.len() as u8;

    fn new(verb: Verb, key_bytes: usize, value_bytes: usize) -> Self {
        Self((verb as usize + VERBS.len() * (key_bytes - 1 + 8 * value_bytes)) as u8)
    }

    fn verb(self) -> Verb {
        VERBS[usize::from(self.0) % VERBS.len()]
    }

    fn key_bytes(self) -> usize {
        usize::from(self.0 % Self::VALUE_BYTE) / VERBS.len() + 1
    }

    fn value_bytes(self) -> usize {
        usize::from(self.0 / Self::VALUE_BYTE)
    }

    fn number_bytes(self) -> usize {
        self.key_bytes() + self.value_bytes()
    }

    fn question(self) -> Self {
        if self.verb() == Verb::Read { Self(self.0 % Self::VALUE_BYTE) } else { self }
    }
}

/// Micro-operations as they are packed: a head and the bytes of its numbers.
struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Items<'a> {
    type Item = (Head, &'a [u8]);

    fn next(&mut self) -> Option<(Head, &'a [u8])> {
        let (head, rest) = self.rest.split_first()?;
        let head = Head(*head);
        let (numbers, rest) = rest.split_at(head.number_bytes());
        self.rest = rest;
        Some((head, numbers))
    }
}

/// How many bytes hold a number with its sign.
fn length(number: i64) -> usize {
    8 - ((number ^ (number >> 63)).leading_zeros() as usize).saturating_sub(1) / 8
}

pub(crate) struct Iter<'a>(&'a [u8]);

impl Iter<'_> {
    fn number(&mut self, bytes: usize) -> i64 {
        let number = match self.0.first_chunk() {
            Some(chunk) => i64::from_le_bytes(*chunk),
            None => self.0[..bytes].iter().rev().fold(0, |sum, byte| sum << 8 | i64::from(*byte)),
        };
        self.0 = &self.0[bytes..];
        let unused = 64 - 8 * bytes as u32;
        (number << unused) >> unused
    }
}

impl Iterator for Iter<'_> {
    type Item = (Verb, i64, Option<i64>);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_first()?;
        self.0 = rest;
        let head = Head(*head);
        let key = self.number(head.key_bytes());
        let value = match head.value_bytes() {
            0 => None,
            bytes => Some(self.number(bytes)),
        };
        Some((head.verb(), key, value))
    }
}

/// The same in values.
pub(crate) fn micro((verb, key, value): (Verb, i64, Option<i64>)) -> Micro<'static> {
    Micro {
        function: verb.name(),
        key: Cow::Owned(Value::Int(key)),
        value: Cow::Owned(value.map_or(Value::Null, Value::Int)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_in_the_fewest_bytes() {
        let edges = (0..63).flat_map(|bit| {
            let power = 1_i64 << bit;
            [power - 1, power, -power, -power - 1]
        });
        for number in edges.chain([i64::MAX, i64::MIN]) {
            let fits = |bytes: u32| (number << (64 - 8 * bytes)) >> (64 - 8 * bytes) == number;
            assert_eq!(length(number), (1..=8).find(|bytes| fits(*bytes)).unwrap() as usize, "{number}");
            for verb in VERBS {
                let items = [(verb, number, None), (verb, 0, Some(number)), (verb, number, Some(number))];
                let mut bytes = Vec::new();
                for (verb, key, value) in items {
                    push(&mut bytes, verb, key, value);
                }
                assert_eq!(Packed(bytes.into()).iter().collect::<Vec<_>>(), items);
            }
        }
    }
}
