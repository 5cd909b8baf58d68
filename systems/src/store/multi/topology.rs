//! Which datacentre ships to which, and what it passes on. Knows nothing of changes.

use std::collections::BTreeSet;
use std::fmt;

use crate::store::words::{nearest, option_values};

option_values! {
    /// The shape of the links between datacentres.
    Topology, "topology" {
        AllToAll = "all-to-all",
        Ring = "ring",
        Star = "star",
    }
}

/// Datacentre 0 is the hub of a star.
const HUB: u16 = 0;

impl Topology {
    /// The datacentres that `from` ships to, of `count`.
    pub fn downstream(self, from: u16, count: u16) -> Vec<u16> {
        match self {
            Self::Ring => vec![(from + 1) % count],
            Self::Star if from != HUB => vec![HUB],
            Self::AllToAll | Self::Star => (0..count).filter(|to| *to != from).collect(),
        }
    }

    /// The datacentres that ship to `to`.
    pub fn upstream(self, to: u16, count: u16) -> Vec<u16> {
        (0..count).filter(|from| *from != to && self.downstream(*from, count).contains(&to)).collect()
    }

    /// Changes of other origins are passed on.
    pub const fn forwards(self) -> bool {
        !matches!(self, Self::AllToAll)
    }

    /// Whom `me` ships to where some links are broken: past each broken one to those behind it.
    pub(super) fn around(self, me: u16, count: u16, works: impl Fn(u16) -> bool) -> BTreeSet<u16> {
        walk(me, |at| self.downstream(at, count), works)
    }

    /// Whom `me` asks instead of those upstream that it does not hear.
    pub(super) fn behind(self, me: u16, count: u16, works: impl Fn(u16) -> bool) -> BTreeSet<u16> {
        let reached = walk(me, |at| self.upstream(at, count), works);
        let usual = self.upstream(me, count);
        let silent = usual.len() > reached.iter().filter(|at| usual.contains(at)).count();
        let all = self == Self::AllToAll && silent;
        reached.into_iter().filter(|at| all || !usual.contains(at)).collect()
    }
}

/// The first working datacentre on each way from `me`.
fn walk(me: u16, next: impl Fn(u16) -> Vec<u16>, works: impl Fn(u16) -> bool) -> BTreeSet<u16> {
    let (mut open, mut seen) = (next(me), BTreeSet::from([me]));
    let mut reached = BTreeSet::new();
    while let Some(at) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        if works(at) {
            reached.insert(at);
        } else {
            open.extend(next(at));
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_goes_round_and_a_star_through_its_hub() {
        assert_eq!(Topology::Ring.downstream(2, 3), [0]);
        assert_eq!(Topology::Ring.upstream(0, 3), [2]);
        assert_eq!(Topology::Star.downstream(2, 3), [0]);
        assert_eq!(Topology::Star.upstream(0, 3), [1, 2]);
        assert_eq!(Topology::AllToAll.downstream(1, 3), [0, 2]);
    }

    #[test]
    fn what_is_broken_is_gone_around() {
        let set = |members: &[u16]| members.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(Topology::Ring.around(0, 4, |at| at != 1), set(&[2]));
        assert_eq!(Topology::Ring.behind(1, 4, |at| at != 0), set(&[3]));
        assert_eq!(Topology::Star.around(1, 4, |at| at != HUB), set(&[2, 3]));
        assert_eq!(Topology::Star.behind(1, 4, |at| at != HUB), set(&[2, 3]));
        assert_eq!(Topology::AllToAll.behind(2, 3, |at| at != 0), set(&[1]));
        assert_eq!(Topology::AllToAll.behind(2, 3, |_| true), set(&[]));
    }
}
