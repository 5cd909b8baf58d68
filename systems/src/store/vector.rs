//! Version vectors: what has been seen of each writer. They order what happened before what, and know nothing of values.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use histories::Node;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many changes of each node are included (Parker et al., "Detection of mutual inconsistency in distributed systems",
/// IEEE TSE 1983). A node that is not named has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionVector(
    /// By rising node, and never empty. Shared until one is raised: the same vector stands in changes, in messages and in
    /// contexts.
    Option<Arc<[(Node, u64)]>>,
);

impl VersionVector {
    fn entries(&self) -> &[(Node, u64)] {
        self.0.as_deref().unwrap_or_default()
    }

    /// How many changes of `node` are included.
    pub fn get(&self, node: Node) -> u64 {
        // There are few of them.
        self.entries().iter().find(|(other, _)| *other == node).map_or(0, |(_, count)| *count)
    }

    /// Includes the changes of `node` up to `count`.
    pub fn raise(&mut self, node: Node, count: u64) {
        let place = match self.entries().iter().position(|(other, _)| *other >= node) {
            Some(place) if self.entries()[place].0 == node => {
                if let Some(held) = self.0.as_mut().filter(|held| held[place].1 < count) {
                    Arc::make_mut(held)[place].1 = count;
                }
                return;
            }
            Some(place) => place,
            None => self.entries().len(),
        };
        if count > 0 {
            let (before, after) = self.entries().split_at(place);
            let entries = before.iter().copied().chain([(node, count)]).chain(after.iter().copied());
            self.0 = Some(entries.collect());
        }
    }

    /// Includes everything that `other` includes.
    pub fn merge(&mut self, other: &Self) {
        if self.is_empty() {
            return self.clone_from(other);
        }
        for (node, count) in other.iter() {
            self.raise(node, count);
        }
    }

    /// Includes everything that `other` includes: equal, or later.
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|(node, count)| self.get(node) >= count)
    }

    /// Neither includes the other.
    pub fn concurrent(&self, other: &Self) -> bool {
        !self.covers(other) && !other.covers(self)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Node, u64)> + '_ {
        self.entries().iter().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// As a map.
impl Serialize for VersionVector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for VersionVector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::<Node, u64>::deserialize(deserializer).map(|counts| counts.into_iter().collect())
    }
}

/// `n1:3,n2:5`.
impl fmt::Display for VersionVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (node, count)) in self.iter().enumerate() {
            write!(f, "{}{node}:{count}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for VersionVector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (node, count) = pair.split_once(':').ok_or("no colon")?;
            Ok((node.parse()?, count.parse().map_err(|_| "no count")?))
        });
        pairs
            .collect::<Result<_, String>>()
            .map_err(|why| format!("{text:?} is no version vector ({why}); write n1:3,n2:5"))
    }
}

impl FromIterator<(Node, u64)> for VersionVector {
    fn from_iter<I: IntoIterator<Item = (Node, u64)>>(counts: I) -> Self {
        let mut vector = Self::default();
        counts.into_iter().for_each(|(node, count)| vector.raise(node, count));
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(counts: [u64; 2]) -> VersionVector {
        (0..).map(Node).zip(counts).collect()
    }

    #[test]
    fn a_vector_is_read_as_it_is_written() {
        let one = vector([2, 7]);
        assert_eq!(one.to_string(), "n1:2,n2:7");
        assert_eq!(one.to_string().parse(), Ok(one));
        assert_eq!("".parse(), Ok(VersionVector::default()));
        assert!("n1=2".parse::<VersionVector>().unwrap_err().contains("write n1:3,n2:5"));
    }

    #[test]
    fn vectors_are_equal_ordered_or_concurrent() {
        let (one, other) = (vector([2, 0]), vector([1, 3]));
        assert!(one.concurrent(&other) && !one.concurrent(&one) && one.covers(&one));
        let mut both = one.clone();
        both.merge(&other);
        assert_eq!(both, vector([2, 3]));
        assert!(both.covers(&one) && both.covers(&other) && !one.covers(&both));
        assert_eq!(vector([0, 0]), VersionVector::default(), "none is not written down");
    }
}
