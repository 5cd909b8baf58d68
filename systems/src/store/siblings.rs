//! Concurrent versions side by side, each replaced only by a write that quotes it. Knows nothing of who sends what.

use histories::Node;
use serde::{Deserialize, Serialize};

use super::few::put;
use super::vector::VersionVector;

/// Names a version: the `count`th change of `node`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dot {
    pub node: Node,
    pub count: u64,
}

impl Dot {
    fn is_in(self, context: &VersionVector) -> bool {
        context.get(self.node) >= self.count
    }
}

/// A multi-value register: the versions that nothing replaced, and a vector of all that ever were (dotted version vectors,
/// Preguiça et al., "Dotted version vectors", 2010). Of each node one number is kept, however many versions it made: so
/// whoever quotes a context must have seen each node's versions of the key in their order, without gaps.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Siblings<V> {
    context: VersionVector,
    /// By rising dot.
    versions: Vec<(Dot, V)>,
}

impl<V> Default for Siblings<V> {
    fn default() -> Self {
        Self { context: VersionVector::default(), versions: Vec::new() }
    }
}

impl<V> Siblings<V> {
    /// What a write has to quote to replace all of this.
    pub fn context(&self) -> &VersionVector {
        &self.context
    }

    /// The versions by rising dot.
    pub fn versions(&self) -> impl ExactSizeIterator<Item = (Dot, &V)> {
        self.versions.iter().map(|(dot, value)| (*dot, value))
    }

    pub fn len(&self) -> usize {
        self.versions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// Replaces what `quoted` covers by a new version; nothing takes its place where there is no value. A version that
    /// something has replaced already, or that is there, changes nothing more.
    pub fn write(&mut self, dot: Dot, value: Option<V>, quoted: &VersionVector) {
        let known = dot.is_in(&self.context);
        self.versions.retain(|(old, _)| !old.is_in(quoted));
        self.context.merge(quoted);
        self.context.raise(dot.node, dot.count);
        if let Some(value) = value.filter(|_| !known && !dot.is_in(quoted)) {
            let place = self.versions.partition_point(|(old, _)| *old < dot);
            put(&mut self.versions, place, (dot, value));
        }
    }
}

impl<V: Clone> Siblings<V> {
    /// Takes in what another replica knows. Commutative, associative and idempotent.
    pub fn merge(&mut self, other: &Self) {
        let in_other = |dot: &Dot| other.versions.binary_search_by_key(dot, |(dot, _)| *dot).is_ok();
        self.versions.retain(|(dot, _)| !dot.is_in(&other.context) || in_other(dot));
        for (dot, value) in other.versions.iter().filter(|(dot, _)| !dot.is_in(&self.context)) {
            let place = self.versions.partition_point(|(old, _)| old < dot);
            put(&mut self.versions, place, (*dot, value.clone()));
        }
        self.context.merge(&other.context);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn dot(node: u16, count: u64) -> Dot {
        Dot { node: Node(node), count }
    }

    fn values(siblings: &Siblings<u32>) -> Vec<u32> {
        siblings.versions().map(|(_, value)| *value).collect()
    }

    #[test]
    fn blind_writes_stay_side_by_side_until_one_quotes_them() {
        let mut key = Siblings::default();
        key.write(dot(0, 1), Some(10), &VersionVector::default());
        key.write(dot(1, 1), Some(20), &VersionVector::default());
        assert_eq!(values(&key), [10, 20]);
        let read = key.context().clone();
        key.write(dot(1, 2), Some(30), &VersionVector::default());
        key.write(dot(0, 2), Some(40), &read);
        assert_eq!(values(&key), [40, 30], "what was not quoted stays");
        key.write(dot(0, 3), None, &key.context().clone());
        assert!(key.is_empty() && key.versions().len() == 0);
    }

    #[test]
    fn what_arrives_after_its_replacement_stays_away() {
        let mut key = Siblings::default();
        key.write(dot(1, 1), Some(20), &[(Node(0), 1)].into_iter().collect());
        key.write(dot(0, 1), Some(10), &VersionVector::default());
        assert_eq!(values(&key), [20]);
        key.write(dot(1, 1), Some(20), &VersionVector::default());
        assert_eq!(values(&key), [20], "twice is once");
    }

    /// What one replica does next.
    #[derive(Clone, Debug)]
    enum Step {
        /// Writes at a replica, quoting what it read that many steps ago.
        Write {
            at: usize,
            ago: usize,
        },
        Sync {
            from: usize,
            to: usize,
        },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let write = (0..3_usize, 0..4_usize).prop_map(|(at, ago)| Step::Write { at, ago });
        let sync = (0..3_usize, 0..3_usize).prop_map(|(from, to)| Step::Sync { from, to });
        prop::collection::vec(prop_oneof![write, sync], 0..40)
    }

    type Seen = (BTreeSet<Dot>, VersionVector);

    /// Explicit sets instead of vectors: which versions were shown, and which some write quoted.
    fn play(steps: &[Step]) -> (Vec<Siblings<u32>>, BTreeSet<Dot>) {
        let mut replicas = vec![Siblings::<u32>::default(); 3];
        let mut reads: Vec<Vec<Seen>> = vec![vec![Seen::default()]; 3];
        let (mut alive, mut counts, mut quoted) = (BTreeSet::new(), [0_u64; 3], BTreeSet::new());
        for step in steps {
            match *step {
                Step::Write { at, ago } => {
                    let (shown, context) = reads[at][reads[at].len().saturating_sub(ago + 1)].clone();
                    counts[at] += 1;
                    let new = dot(at as u16, counts[at]);
                    replicas[at].write(new, Some(0), &context);
                    quoted.extend(shown);
                    alive.insert(new);
                }
                Step::Sync { from, to } => {
                    let other = replicas[from].clone();
                    replicas[to].merge(&other);
                }
            }
            for (replica, reads) in replicas.iter().zip(&mut reads) {
                let shown = replica.versions().map(|(dot, _)| dot).collect();
                reads.push((shown, replica.context().clone()));
            }
        }
        (replicas, alive.difference(&quoted).copied().collect())
    }

    proptest! {
        #[test]
        fn in_the_end_everyone_has_what_nobody_quoted(steps in steps()) {
            let (replicas, expected) = play(&steps);
            let mut all = Siblings::default();
            for replica in &replicas {
                all.merge(replica);
            }
            prop_assert_eq!(all.versions().map(|(dot, _)| dot).collect::<BTreeSet<_>>(), expected);
        }

        #[test]
        fn merging_is_commutative_associative_and_idempotent(steps in steps()) {
            let (replicas, _) = play(&steps);
            let merged = |order: &[usize]| {
                let mut all = Siblings::default();
                for place in order {
                    all.merge(&replicas[*place]);
                }
                all
            };
            prop_assert_eq!(merged(&[0, 1, 2]), merged(&[2, 1, 0, 1]));
            let (mut left, mut right) = (replicas[1].clone(), replicas[0].clone());
            left.merge(&replicas[2]);
            right.merge(&left);
            prop_assert_eq!(right, merged(&[0, 1, 2]));
        }
    }
}
