//! Which anomalies the transactions of a history could have shown at all, whatever the system did: told by which keys they read
//! and wrote together.
//!
//! It looks at no value. What could show need not have shown.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{AnomalyKind, Value};

/// Whether an anomaly could have shown.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Could {
    #[schemars(with = "String")]
    pub kind: AnomalyKind,
    pub could: bool,
    /// What it takes and no transaction did, where it could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
}

/// What transactions did to a key. Of each no more than that two did it is known.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each was done or not, whatever else was")]
struct Marks {
    writers: u8,
    readers: u8,
    /// Read and written by one transaction.
    updated: bool,
    /// Read, and not written, by a transaction that wrote another key.
    beside: bool,
    /// Read by a transaction that read another key, too.
    in_pair: bool,
    /// Written twice by one transaction.
    rewritten: bool,
    /// Read twice by one transaction.
    reread: bool,
}

#[derive(Debug, Default)]
pub(super) struct Shapes {
    by_key: FxHashMap<Value, Marks>,
}

impl Shapes {
    /// A transaction's steps: the key of each, and whether it writes.
    pub(super) fn add(&mut self, steps: &[(Value, bool)]) {
        let mut counts: BTreeMap<&Value, (u32, u32)> = BTreeMap::new();
        for (key, writes) in steps {
            let (read, written) = counts.entry(key).or_default();
            *(if *writes { written } else { read }) += 1;
        }
        let keys_read = counts.values().filter(|(read, _)| *read > 0).count();
        let writes = counts.values().any(|(_, written)| *written > 0);
        for (key, (read, written)) in counts {
            let marks = match self.by_key.get_mut(key) {
                Some(marks) => marks,
                None => self.by_key.entry(key.clone()).or_default(),
            };
            marks.writers = marks.writers.saturating_add(u8::from(written > 0));
            marks.readers = marks.readers.saturating_add(u8::from(read > 0));
            marks.updated |= read > 0 && written > 0;
            marks.beside |= read > 0 && written == 0 && writes;
            marks.in_pair |= read > 0 && keys_read > 1;
            marks.rewritten |= written > 1;
            marks.reread |= read > 1;
        }
    }

    /// `ended` transactions did not commit, for certain or perhaps.
    pub(super) fn told(&self, ended: u64) -> Vec<Could> {
        if self.by_key.is_empty() {
            return Vec::new();
        }
        // order never shows: it is a count.
        let count = |fits: fn(&Marks) -> bool| self.by_key.values().filter(|marks| fits(marks)).count();
        let read = count(|marks| marks.writers > 0 && marks.readers > 0);
        [
            (
                AnomalyKind::G1a,
                ended > 0 && read > 0,
                "every transaction committed, or nothing that was written was read",
            ),
            (
                AnomalyKind::G1b,
                count(|marks| marks.rewritten && marks.readers > 0) > 0,
                "no transaction wrote a key twice that was read",
            ),
            (
                AnomalyKind::NonRepeatableRead,
                count(|marks| marks.reread && marks.writers > 0) > 0,
                "no transaction read a key twice that another wrote",
            ),
            (
                AnomalyKind::ReadSkew,
                count(|marks| marks.in_pair && marks.writers > 0) > 1,
                "no transaction read two keys that others wrote",
            ),
            (
                AnomalyKind::LostUpdate,
                count(|marks| marks.updated && marks.writers > 1) > 0,
                "no transaction read a key and wrote it that another wrote, too",
            ),
            (
                AnomalyKind::LongFork,
                count(|marks| marks.in_pair && marks.writers > 0 && marks.readers > 1) > 1,
                "no two transactions read the same two keys that others wrote",
            ),
            (
                AnomalyKind::WriteSkew,
                count(|marks| marks.beside && marks.writers > 0) > 1,
                "no transaction read a key that another wrote without writing it",
            ),
        ]
        .into_iter()
        .map(|(kind, could, why)| Could { kind, could, why: (!could).then_some(why) })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn could(transactions: &[&[(&str, bool)]], ended: u64) -> Vec<&'static str> {
        let mut shapes = Shapes::default();
        for steps in transactions {
            let steps: Vec<_> = steps.iter().map(|&(key, writes)| (Value::text(key), writes)).collect();
            shapes.add(&steps);
        }
        let told = shapes.told(ended);
        assert!(told.iter().all(|one| one.could == one.why.is_none()));
        told.into_iter().filter(|one| one.could).map(|one| one.kind.name()).collect()
    }

    #[test]
    fn an_anomaly_could_show_where_its_reads_and_writes_are_there() {
        let (r, w) = (false, true);
        assert_eq!(could(&[&[("x", w)], &[("y", w)]], 0), Vec::<&str>::new());
        assert_eq!(could(&[&[("x", r), ("y", w)], &[("y", r), ("x", w)]], 0), ["write-skew"]);
        assert_eq!(could(&[&[("x", r), ("x", w)], &[("x", r), ("x", w)]], 0), ["lost-update"]);
        let forked = could(&[&[("x", w)], &[("y", w)], &[("x", r), ("y", r)], &[("y", r), ("x", r)]], 0);
        assert_eq!(forked, ["read-skew", "long-fork"]);
        assert_eq!(could(&[&[("x", w), ("x", w)], &[("x", r)]], 1), ["g1a", "g1b"]);
        assert_eq!(could(&[&[("x", r), ("x", r)], &[("x", w)]], 0), ["non-repeatable-read"]);
    }
}
