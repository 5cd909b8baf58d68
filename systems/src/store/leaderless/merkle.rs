//! A tree of hashes over the keys that two members share: it finds what they hold differently without listing what they
//! hold alike. It never holds a key.

use super::hash::Hash;

/// Children of each inner hash.
pub(super) const FAN: usize = 16;
const LEVELS: usize = 3;
/// Keys fall into this many leaves.
const LEAVES: usize = FAN.pow(LEVELS as u32);

/// Which leaf a key falls into.
pub(super) fn leaf(key: &str) -> u16 {
    (Hash::default().text(key).finish() % LEAVES as u64) as u16
}

/// An inner hash or a leaf: the `level`-th row from the root, which is row 0, and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Place {
    pub level: u8,
    pub index: u16,
}

impl Place {
    pub(super) const ROOT: Self = Self { level: 0, index: 0 };

    pub(super) const fn is_leaf(self) -> bool {
        self.level as usize >= LEVELS
    }

    pub(super) const fn child(self, number: usize) -> Self {
        Self { level: self.level + 1, index: self.index * FAN as u16 + number as u16 }
    }

    const fn is_inner(self) -> bool {
        (self.level as usize) < LEVELS && (self.index as usize) < FAN.pow(self.level as u32)
    }
}

/// Merkle's tree, "A digital signature based on a conventional encryption function" (CRYPTO 1987), but for the way in
/// which hashes are joined: a node's hash is the sum of what lies below it, so that one key's change costs one addition
/// a level. Nobody here forges hashes, against which a sum would be weak.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// Row by row below the root.
    rows: [Vec<u64>; LEVELS],
}

impl Default for Tree {
    fn default() -> Self {
        Self { rows: std::array::from_fn(|row| vec![0; FAN.pow(row as u32 + 1)]) }
    }
}

impl Tree {
    /// A key's hash in `leaf` has changed; 0 stands for a key that is not held.
    pub(super) fn replace(&mut self, leaf: u16, old: u64, new: u64) {
        let difference = new.wrapping_sub(old);
        let mut index = usize::from(leaf);
        for row in self.rows.iter_mut().rev() {
            row[index] = row[index].wrapping_add(difference);
            index /= FAN;
        }
    }

    /// The hashes right below an inner place; `None` where there is none such.
    pub(super) fn below(&self, place: Place) -> Option<&[u64]> {
        let first = usize::from(place.index) * FAN;
        place.is_inner().then(|| &self.rows[usize::from(place.level)][first..first + FAN])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The leaves in which two trees differ, found from the root down.
    fn differing(one: &Tree, other: &Tree, place: Place) -> Vec<u16> {
        if place.is_leaf() {
            return vec![place.index];
        }
        let pairs = one.below(place).unwrap().iter().zip(other.below(place).unwrap());
        let unequal = pairs.enumerate().filter(|(_, (a, b))| a != b);
        unequal.flat_map(|(number, _)| differing(one, other, place.child(number))).collect()
    }

    #[test]
    fn trees_lead_to_what_differs_and_to_nothing_else() {
        let (mut one, mut other) = (Tree::default(), Tree::default());
        for number in 0..5000_u64 {
            let hash = Hash::default().number(number).finish();
            let at = leaf(&format!("k{number}"));
            one.replace(at, 0, hash);
            other.replace(at, 0, hash);
        }
        assert!(differing(&one, &other, Place::ROOT).is_empty());
        one.replace(leaf("k7"), Hash::default().number(7).finish(), 1);
        other.replace(leaf("new"), 0, 5);
        let mut expected = vec![leaf("k7"), leaf("new")];
        expected.sort_unstable();
        assert_eq!(differing(&one, &other, Place::ROOT), expected);
    }

    #[test]
    fn the_order_of_changes_leaves_no_trace() {
        let (mut one, mut other) = (Tree::default(), Tree::default());
        one.replace(3, 0, 10);
        one.replace(3, 10, 20);
        one.replace(3, 0, 5);
        other.replace(3, 0, 5);
        other.replace(3, 0, 20);
        assert_eq!(one.below(Place::ROOT), other.below(Place::ROOT));
    }

    #[test]
    fn a_place_from_elsewhere_is_refused() {
        let tree = Tree::default();
        assert_eq!(tree.below(Place { level: 1, index: 16 }), None);
        assert_eq!(tree.below(Place { level: 3, index: 0 }), None);
        assert_eq!(tree.below(Place { level: 200, index: 0 }), None);
    }
}
