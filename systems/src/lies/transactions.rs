//! Transactions taken apart into accesses and put together again.

use std::collections::BTreeSet;

use histories::{Function, Key, Op, Value};

/// One micro-operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Access {
    /// `r`, `w`, `append` or another word.
    pub(super) word: String,
    pub(super) key: Key,
    /// The key as it stands in the transaction.
    name: Value,
    /// What is written; of a read what it saw.
    pub(super) value: Value,
}

impl Access {
    pub(super) fn is_read(&self) -> bool {
        self.word == "r"
    }

    pub(super) fn is_append(&self) -> bool {
        self.word == "append"
    }

    /// The key with the value that it is given.
    pub(super) fn written(self) -> Option<(Key, Value)> {
        (!self.is_read()).then_some((self.key, self.value))
    }
}

/// The micro-operations of a transaction, asked or answered; none of anything else.
pub(super) fn accesses(op: &Op) -> Vec<Access> {
    if op.function != Function::Txn {
        return Vec::new();
    }
    let micros = op.value.micros().into_iter().flatten().flatten();
    let access = |micro: histories::Micro<'_>| {
        let name = micro.key.into_owned();
        let key = name.as_text().map_or_else(|| Key::from(name.to_string()), Key::from);
        Access { word: micro.function.to_owned(), key, name, value: micro.value.into_owned() }
    };
    micros.map(access).collect()
}

/// A transaction of these.
pub(super) fn transaction(accesses: &[Access]) -> Op {
    let micro =
        |access: &Access| Value::list([Value::text(&access.word), access.name.clone(), access.value.clone()]);
    Op::global(Function::Txn, Value::list(accesses.iter().map(micro)))
}

/// The reads that show what others wrote: those of keys that the transaction has not written before.
pub(super) fn outer_reads(accesses: &[Access]) -> Vec<usize> {
    let mut written = BTreeSet::new();
    let mut reads = Vec::new();
    for (place, access) in accesses.iter().enumerate() {
        if !access.is_read() {
            written.insert(&access.key);
        } else if !written.contains(&access.key) {
            reads.push(place);
        }
    }
    reads
}

/// Whether it reads a key that it has written before.
pub(super) fn reads_its_own(accesses: &[Access]) -> bool {
    outer_reads(accesses).len() < accesses.iter().filter(|access| access.is_read()).count()
}

/// The same transaction with what was answered to some of its micro-operations, in order, in their places.
pub(super) fn merged(asked: &[Access], is_sent: impl Fn(&Access) -> bool, answered: Vec<Access>) -> Op {
    let mut answered = answered.into_iter();
    let whole: Vec<Access> = asked
        .iter()
        .map(|access| {
            let of_answer = if is_sent(access) { answered.next() } else { None };
            of_answer.unwrap_or_else(|| access.clone())
        })
        .collect();
    transaction(&whole)
}
