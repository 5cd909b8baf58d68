//! Lists of whole numbers in as few bytes as the numbers need: seven bits of a number in each byte.
//!
//! Equal lists have equal bytes, and other lists have others.

use std::sync::Arc;

use crate::Value;

/// A list as it is packed, without its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbers<'a>(&'a [u8]);

/// Set in each byte of a number but the last.
const MORE: u8 = 0x80;

/// A list that is being packed, by the place where it begins.
#[must_use]
pub(crate) struct Started(usize);

impl Started {
    pub(crate) fn new(bytes: &mut Vec<u8>) -> Self {
        // Room for the length of most lists.
        bytes.push(0);
        Self(bytes.len())
    }

    /// Puts the length before the numbers that were pushed since.
    pub(crate) fn finish(self, bytes: &mut Vec<u8>) {
        let length = bytes.len() - self.0;
        if let (Ok(short), true) = (u8::try_from(length), length < usize::from(MORE)) {
            bytes[self.0 - 1] = short;
            return;
        }
        let mut prefix = Vec::with_capacity(5);
        push_bits(&mut prefix, length as u64);
        bytes.splice(self.0 - 1..self.0, prefix);
    }
}

/// Adds a number to the list that was started last.
pub(crate) fn push(bytes: &mut Vec<u8>, number: i64) {
    // Small ones of both signs are few bits.
    push_bits(bytes, (number << 1 ^ number >> 63) as u64);
}

fn push_bits(bytes: &mut Vec<u8>, mut bits: u64) {
    while bits >= u64::from(MORE) {
        bytes.push(bits as u8 | MORE);
        bits >>= 7;
    }
    bytes.push(bits as u8);
}

fn take_bits(bytes: &mut &[u8]) -> Option<u64> {
    let (mut bits, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        bits |= u64::from(byte & !MORE) << shift;
        if byte & MORE == 0 {
            return Some(bits);
        }
        shift += 7;
    }
}

impl<'a> Numbers<'a> {
    /// The list at the front, and what comes after it.
    pub(crate) fn split(mut bytes: &'a [u8]) -> (Self, &'a [u8]) {
        let length = take_bits(&mut bytes).unwrap_or_default() as usize;
        let (list, rest) = bytes.split_at(length);
        (Self(list), rest)
    }

    /// Adds the whole list.
    pub(crate) fn push_to(&self, bytes: &mut Vec<u8>) {
        push_bits(bytes, self.0.len() as u64);
        bytes.extend_from_slice(self.0);
    }

    pub(crate) fn into_value(self) -> Value {
        let mut items = Vec::with_capacity(self.0.iter().filter(|byte| *byte & MORE == 0).count());
        items.extend(self.map(Value::Int));
        Value::List(Arc::new(items))
    }
}

impl Iterator for Numbers<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        take_bits(&mut self.0).map(|bits| (bits >> 1) as i64 ^ -((bits & 1) as i64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(numbers: &[i64]) -> Vec<u8> {
        let mut bytes = vec![7];
        let list = Started::new(&mut bytes);
        for number in numbers {
            push(&mut bytes, *number);
        }
        list.finish(&mut bytes);
        bytes
    }

    proptest! {
        #[test]
        fn lists_come_back_and_end_where_they_end(
            numbers in proptest::collection::vec(prop_oneof![any::<i64>(), -70_i64..70], 0..200),
            after in any::<u8>(),
        ) {
            let mut bytes = packed(&numbers);
            bytes.push(after);
            let (list, rest) = Numbers::split(&bytes[1..]);
            prop_assert_eq!(rest, [after]);
            prop_assert_eq!(list.clone().into_value(), Value::list(numbers.iter().copied().map(Value::Int)));
            let mut again = vec![7];
            list.push_to(&mut again);
            prop_assert_eq!(again, &bytes[..bytes.len() - 1]);
            prop_assert_eq!(list.collect::<Vec<_>>(), numbers);
        }
    }

    #[test]
    fn small_numbers_take_a_byte_each() {
        assert_eq!(packed(&[0, -1, 1, 63, -64]).len(), 2 + 5);
        assert_eq!(packed(&[i64::MAX, i64::MIN]).len(), 2 + 20);
    }
}
