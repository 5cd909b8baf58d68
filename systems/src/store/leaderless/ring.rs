//! Which members hold a key: the preference list, by consistent hashing. It never knows who is up.

use histories::{Key, Node};

use super::hash::Hash;

/// Places of each member on the ring, so that all hold about the same share (Karger et al., "Consistent hashing and
/// random trees", STOC 1997; DeCandia et al., "Dynamo", SOSP 2007, section 4.2).
const PLACES_EACH: u64 = 64;

/// Every member in the order in which a key prefers them; the first `homes` hold the key.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    homes: usize,
    /// By place, ascending; a key belongs to the first place that is not before it, and past the last to the first.
    lists: Vec<(u64, Vec<Node>)>,
}

impl Ring {
    pub(super) fn new(nodes: u16, homes: u16) -> Self {
        let place = |node: Node, number| Hash::default().number(u64::from(node.0)).number(number).finish();
        let mut places: Vec<(u64, Node)> = Node::first(nodes)
            .flat_map(|node| (0..PLACES_EACH).map(move |number| (place(node, number), node)))
            .collect();
        places.sort_unstable();
        let all = usize::from(nodes);
        let lists = (0..places.len()).map(|first| (places[first].0, preference(&places, first, all)));
        Self { homes: usize::from(homes), lists: lists.collect() }
    }

    /// Every member, homes first.
    pub(super) fn preference(&self, key: &Key) -> &[Node] {
        let hash = Hash::default().text(key.as_str()).finish();
        let at = self.lists.partition_point(|(place, _)| *place < hash);
        let list = self.lists.get(at).or_else(|| self.lists.first());
        list.map_or(&[], |(_, list)| list)
    }

    pub(super) fn homes(&self, key: &Key) -> &[Node] {
        let list = self.preference(key);
        &list[..self.homes.min(list.len())]
    }

    /// Who holds the key when its homes cannot be reached, in order.
    pub(super) fn substitutes(&self, key: &Key) -> &[Node] {
        let list = self.preference(key);
        &list[self.homes.min(list.len())..]
    }
}

/// Each of `all` members once, in the order in which the ring meets them from place `first` on.
fn preference(places: &[(u64, Node)], first: usize, all: usize) -> Vec<Node> {
    let mut list = Vec::with_capacity(all);
    for &(_, node) in places[first..].iter().chain(&places[..first]) {
        if !list.contains(&node) {
            list.push(node);
        }
        if list.len() == all {
            break;
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn keys() -> impl Iterator<Item = Key> {
        (0..3000).map(|number| Key::from(format!("k{number}")))
    }

    #[test]
    fn every_key_prefers_each_member_once() {
        let ring = Ring::new(5, 3);
        for key in keys() {
            let mut list = ring.preference(&key).to_vec();
            assert_eq!([ring.homes(&key), ring.substitutes(&key)].concat(), list);
            assert_eq!(ring.homes(&key).len(), 3);
            list.sort_unstable();
            assert_eq!(list, Node::first(5).collect::<Vec<_>>());
        }
    }

    #[test]
    fn members_hold_about_the_same_share() {
        let ring = Ring::new(5, 1);
        let mut share: BTreeMap<Node, u32> = BTreeMap::new();
        keys().for_each(|key| *share.entry(ring.homes(&key)[0]).or_default() += 1);
        assert!(share.len() == 5 && share.values().all(|count| (300..900).contains(count)), "{share:?}");
    }

    #[test]
    fn a_new_member_takes_keys_and_moves_no_others() {
        let (before, after) = (Ring::new(4, 1), Ring::new(5, 1));
        for key in keys() {
            let (old, new) = (before.homes(&key)[0], after.homes(&key)[0]);
            assert!(old == new || new == Node(4), "{key} moved from {old} to {new}");
        }
    }
}
