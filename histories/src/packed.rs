//! Micro-operations on whole numbers and lists of them in as few bytes as the numbers need, which is what nearly every
//! transaction is.
//!
//! It never holds anything but whole numbers, lists of them and null.

use std::borrow::Cow;
use std::cell::RefCell;

use crate::Value;
use crate::micros::{Micro, Row, Verb};
use crate::numbers::{self, Numbers, Started};

/// For each micro-operation a byte that tells the verb and how many bytes key and value take, the key, and the value.
/// Numbers take as few bytes as they can, low ones first, so that equal micro-operations have equal bytes.
#[derive(Clone, Debug)]
pub(crate) struct Packed(Bytes);

/// Those of most transactions need no memory of their own.
#[derive(Clone, Debug)]
enum Bytes {
    Short { length: u8, bytes: [u8; SHORT_BYTES_MAX] },
    Long(Box<[u8]>),
}

const SHORT_BYTES_MAX: usize = 22;

const _: () = assert!(size_of::<Packed>() == 24);

/// A head and two numbers.
const ITEM_BYTES_MAX: usize = 17;

const VERBS: [Verb; 3] = [Verb::Read, Verb::Write, Verb::Append];

/// What a micro-operation wrote or saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Null,
    Number(i64),
    Numbers(Numbers<'a>),
}

impl Part<'_> {
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Number(number) => Value::Int(number),
            Self::Numbers(numbers) => numbers.into_value(),
        }
    }
}

thread_local! {
    /// Where micro-operations are packed before it is known how long they are.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// More room is not kept.
const ROOM_BYTES_MAX: usize = 64 * 1024;

impl Packed {
    /// `None` where a key is no whole number, or a value neither that nor a list of them.
    pub(crate) fn of(rows: &[Row]) -> Option<Self> {
        Self::build(|bytes| rows.iter().try_for_each(|row| push_row(bytes, row)))
    }

    /// Of what `fill` pushes, if it can.
    pub(crate) fn build(fill: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<Self> {
        ROOM.with_borrow_mut(|room| {
            room.clear();
            let packed = fill(room).map(|()| Self::of_bytes(room));
            // Nothing shrinks to less than it holds.
            room.clear();
            room.shrink_to(ROOM_BYTES_MAX);
            packed
        })
    }

    /// Of bytes that [`push`] made: in room of their own, for what an allocation that shrinks leaves behind is in the
    /// way of the next ones.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        if bytes.len() > SHORT_BYTES_MAX {
            return Self(Bytes::Long(bytes.into()));
        }
        let mut short = [0; SHORT_BYTES_MAX];
        short[..bytes.len()].copy_from_slice(bytes);
        Self(Bytes::Short { length: bytes.len() as u8, bytes: short })
    }

    fn bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Short { length, bytes } => &bytes[..usize::from(*length)],
            Bytes::Long(bytes) => bytes,
        }
    }

    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter(self.bytes())
    }

    /// What was asked, where this is the answer: of what was read nothing is known.
    pub(crate) fn question(&self) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes().len());
        for (head, parts) in (Items { rest: self.bytes() }) {
            bytes.push(head.question().0);
            bytes.extend_from_slice(head.asked(parts));
        }
        Self::of_bytes(&bytes)
    }

    /// Whether [`Packed::question`] of `answer` is this.
    pub(crate) fn is_question_of(&self, answer: &Self) -> bool {
        let mut asked = self.bytes();
        let all = Items { rest: answer.bytes() }.all(|(head, parts)| {
            let Some((first, rest)) = asked.split_first() else { return false };
            let parts = head.asked(parts);
            let same = *first == head.question().0 && rest.get(..parts.len()) == Some(parts);
            asked = rest.get(parts.len()..).unwrap_or_default();
            same
        });
        all && asked.is_empty()
    }

    /// The same where reads that saw `value` saw nothing, if `changes` says so of the key.
    pub(crate) fn unread(&self, value: i64, changes: impl Fn(i64) -> bool) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes().len() + ITEM_BYTES_MAX);
        for (verb, key, seen) in self.iter() {
            let unread = verb == Verb::Read && seen == Part::Number(value) && changes(key);
            match seen {
                Part::Number(seen) => push(&mut bytes, verb, key, (!unread).then_some(seen)),
                Part::Null => push(&mut bytes, verb, key, None),
                Part::Numbers(numbers) => {
                    push_head(&mut bytes, verb, key);
                    numbers.push_to(&mut bytes);
                }
            }
        }
        Self::of_bytes(&bytes)
    }

    /// Memory of its own, by estimate.
    pub(crate) fn heap_bytes(&self) -> u64 {
        if let Bytes::Long(bytes) = &self.0 { 16 + bytes.len() as u64 } else { 0 }
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Packed {}

fn push_row(bytes: &mut Vec<u8>, row: &Row) -> Option<()> {
    let key = row.key.as_int()?;
    match &row.value {
        Value::Null => push(bytes, row.verb, key, None),
        Value::Int(value) => push(bytes, row.verb, key, Some(*value)),
        Value::List(items) => {
            let list = push_list(bytes, row.verb, key);
            for item in &**items {
                numbers::push(bytes, item.as_int()?);
            }
            list.finish(bytes);
        }
        _ => return None,
    }
    Some(())
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

/// Adds a micro-operation whose value is a list, to which [`numbers::push`] adds.
pub(crate) fn push_list(bytes: &mut Vec<u8>, verb: Verb, key: i64) -> Started {
    push_head(bytes, verb, key);
    Started::new(bytes)
}

/// All but the list.
fn push_head(bytes: &mut Vec<u8>, verb: Verb, key: i64) {
    let key_bytes = length(key);
    bytes.push(Head::new(verb, key_bytes, Head::LIST).0);
    bytes.extend_from_slice(&key.to_le_bytes()[..key_bytes]);
}

/// The first byte of a micro-operation.
#[derive(Clone, Copy)]
struct Head(u8);

impl Head {
    /// What differs only in how long the value is differs by a multiple of it.
    const VALUE_BYTE: u8 = 8 * VERBS.len() as u8;

    /// Stands in the place of how many bytes the value takes, and says that it is a list.
    const LIST: usize = 9;

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

    fn question(self) -> Self {
        if self.verb() == Verb::Read { Self(self.0 % Self::VALUE_BYTE) } else { self }
    }

    /// Of key and value what was asked.
    fn asked(self, parts: &[u8]) -> &[u8] {
        if self.verb() == Verb::Read { &parts[..self.key_bytes()] } else { parts }
    }
}

/// Micro-operations as they are packed: a head, and the bytes of key and value.
struct Items<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Items<'a> {
    type Item = (Head, &'a [u8]);

    fn next(&mut self) -> Option<(Head, &'a [u8])> {
        let (head, rest) = self.rest.split_first()?;
        let head = Head(*head);
        let length = match head.value_bytes() {
            Head::LIST => rest.len() - Numbers::split(&rest[head.key_bytes()..]).1.len(),
            bytes => head.key_bytes() + bytes,
        };
        let (parts, rest) = rest.split_at(length);
        self.rest = rest;
        Some((head, parts))
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

impl<'a> Iterator for Iter<'a> {
    type Item = (Verb, i64, Part<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_first()?;
        self.0 = rest;
        let head = Head(*head);
        let key = self.number(head.key_bytes());
        let value = match head.value_bytes() {
            0 => Part::Null,
            Head::LIST => {
                let (numbers, rest) = Numbers::split(self.0);
                self.0 = rest;
                Part::Numbers(numbers)
            }
            bytes => Part::Number(self.number(bytes)),
        };
        Some((head.verb(), key, value))
    }
}

/// The same in values.
pub(crate) fn micro((verb, key, value): (Verb, i64, Part<'_>)) -> Micro<'static> {
    Micro { function: verb.name(), key: Cow::Owned(Value::Int(key)), value: Cow::Owned(value.into_value()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_transaction_leaves_no_room_behind() {
        let long = |bytes: &mut Vec<u8>| {
            (0..100_000).for_each(|number| push(bytes, Verb::Write, number, Some(number)));
            Some(())
        };
        assert_eq!(Packed::build(long).unwrap().iter().count(), 100_000);
        assert!(ROOM.with_borrow(Vec::capacity) <= ROOM_BYTES_MAX);
        assert!(Packed::build(|bytes| long(bytes).and(None)).is_none());
        assert_eq!(Packed::build(|_| Some(())).unwrap().iter().count(), 0);
    }

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
                let items = [(number, None), (0, Some(number)), (number, Some(number))];
                let mut bytes = Vec::new();
                for (key, value) in items {
                    push(&mut bytes, verb, key, value);
                }
                let list = push_list(&mut bytes, verb, number);
                numbers::push(&mut bytes, number);
                list.finish(&mut bytes);
                let packed = Packed::of_bytes(&bytes);
                let all: Vec<_> =
                    packed.iter().map(|(verb, key, value)| (verb, key, value.into_value())).collect();
                let plain = items.map(|(key, value)| (verb, key, value.map_or(Value::Null, Value::Int)));
                assert_eq!(all[..3], plain);
                assert_eq!(all[3..], [(verb, number, Value::list([number.into()]))]);
            }
        }
    }
}
