//! Names of functions that are none of ours, each held once for the whole process, so that a function takes four bytes.
//!
//! It never forgets a name, and so takes no more than a bounded number of them.

use std::cmp::Ordering;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;

/// All names together.
const BYTES_MAX: usize = 16 << 20;

/// The place of a name in the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name(u16);

/// A history calls its functions by more names than any system has functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the functions have more than 65,535 names, or names of more than 16 MiB")]
pub struct TooManyNames;

struct Table {
    names: IndexSet<&'static str, FxBuildHasher>,
    bytes: usize,
}

static TABLE: RwLock<Table> = RwLock::new(Table { names: IndexSet::with_hasher(FxBuildHasher), bytes: 0 });

impl Name {
    /// A place that the table never fills.
    pub(crate) const BEYOND: Self = Self(u16::MAX);

    pub(crate) fn of(text: &str) -> Result<Self, TooManyNames> {
        let known = TABLE.read().unwrap_or_else(PoisonError::into_inner).names.get_index_of(text);
        match known {
            Some(place) => u16::try_from(place).map(Self).map_err(|_| TooManyNames),
            None => TABLE.write().unwrap_or_else(PoisonError::into_inner).insert(text),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
        table.names.get_index(usize::from(self.0)).copied().unwrap_or("?")
    }
}

impl Table {
    /// Adds a name, unless somebody else just did.
    fn insert(&mut self, text: &str) -> Result<Name, TooManyNames> {
        let place = match self.names.get_index_of(text) {
            Some(place) => place,
            None if self.names.len() == usize::from(u16::MAX) || self.bytes + text.len() > BYTES_MAX => {
                return Err(TooManyNames);
            }
            None => {
                self.bytes += text.len();
                self.names.insert_full(Box::leak(text.into())).0
            }
        };
        u16::try_from(place).map(Name).map_err(|_| TooManyNames)
    }
}

/// By text: places depend on what was read before.
impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_held_once_and_ordered_by_their_text() {
        let [b, a] = ["zz-b", "zz-a"].map(|text| Name::of(text).unwrap());
        assert_eq!(Name::of("zz-b"), Ok(b));
        assert_eq!((a.as_str(), b.as_str()), ("zz-a", "zz-b"));
        assert!(a < b);
    }

    #[test]
    fn a_table_takes_no_more_than_its_bounds() {
        let table = || Table { names: IndexSet::default(), bytes: 0 };
        let mut many = table();
        for i in 0..u16::MAX {
            assert_eq!(many.insert(&i.to_string()), Ok(Name(i)));
        }
        assert_eq!(many.insert("one more"), Err(TooManyNames));
        assert_eq!(many.insert("7"), Ok(Name(7)));
        assert_eq!(table().insert(&"x".repeat(BYTES_MAX + 1)), Err(TooManyNames));
    }
}
