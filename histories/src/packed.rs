//! Micro-operations on whole numbers in as few bytes as the numbers need, which is what nearly every transaction is.
//!
//! It never holds anything but whole numbers and null.

use std::borrow::Cow;

use crate::micros::{Micro, Row, Verb};
use crate::{Micros, Value};

/// For each micro-operation a byte that tells the verb and how many bytes key and value take, the key, and the value.
/// Numbers take as few bytes as they can, low ones first, so that equal micro-operations have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed(Box<[u8]>);

const VERBS: [Verb; 3] = [Verb::Read, Verb::Write, Verb::Append];

impl Packed {
    /// `None` where a key or a value is no whole number.
    pub(crate) fn of(rows: &[Row]) -> Option<Self> {
        let number = |row: &Row| {
            let value = if row.value.is_null() { None } else { Some(row.value.as_int()?) };
            Some((row.verb, row.key.as_int()?, value))
        };
        let mut bytes = Vec::with_capacity(8 * rows.len());
        for row in rows {
            let (verb, key, value) = number(row)?;
            push(&mut bytes, verb, key, value);
        }
        Some(Self(bytes.into()))
    }

    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter(&self.0)
    }

    /// What was asked, where this is the answer: of what was read nothing is known.
    pub(crate) fn question(&self) -> Self {
        let mut bytes = Vec::with_capacity(self.0.len());
        for (verb, key, value) in self.iter() {
            push(&mut bytes, verb, key, value.filter(|_| verb != Verb::Read));
        }
        Self(bytes.into())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<(Verb, i64, Option<i64>)> for Micros {
    fn from_iter<I: IntoIterator<Item = (Verb, i64, Option<i64>)>>(items: I) -> Self {
        let items = items.into_iter();
        let mut bytes = Vec::with_capacity(8 * items.size_hint().0);
        for (verb, key, value) in items {
            push(&mut bytes, verb, key, value);
        }
        Self::packed(Packed(bytes.into()))
    }
}

fn push(bytes: &mut Vec<u8>, verb: Verb, key: i64, value: Option<i64>) {
    let (key_bytes, value_bytes) = (length(key), value.map_or(0, length));
    bytes.push((verb as usize + VERBS.len() * (key_bytes - 1 + 8 * value_bytes)) as u8);
    bytes.extend_from_slice(&key.to_le_bytes()[..key_bytes]);
    bytes.extend_from_slice(&value.unwrap_or(0).to_le_bytes()[..value_bytes]);
}

/// How many bytes hold a number with its sign.
fn length(number: i64) -> usize {
    8 - ((number ^ (number >> 63)).leading_zeros() as usize).saturating_sub(1) / 8
}

pub(crate) struct Iter<'a>(&'a [u8]);

impl Iter<'_> {
    fn number(&mut self, bytes: usize) -> i64 {
        let (number, rest) = self.0.split_at(bytes);
        self.0 = rest;
        let unused = 64 - 8 * bytes as u32;
        (number.iter().rev().fold(0, |sum, byte| sum << 8 | i64::from(*byte)) << unused) >> unused
    }
}

impl Iterator for Iter<'_> {
    type Item = (Verb, i64, Option<i64>);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_first()?;
        self.0 = rest;
        let (verb, lengths) = (VERBS[usize::from(*head) % VERBS.len()], usize::from(*head) / VERBS.len());
        let key = self.number(lengths % 8 + 1);
        let value = (lengths >= 8).then(|| self.number(lengths / 8));
        Some((verb, key, value))
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
