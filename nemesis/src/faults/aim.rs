//! Whom a fault hits. It never decides when.

use std::collections::BTreeSet;

use histories::Node;

use super::spec::FaultKind;
use crate::{Dice, View};

/// Whom a fault hits, or in which shape it cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Aim {
    Leader,
    One,
    Minority,
    Majority,
    All,
    Follower,
    Rolling,
    Elected,
    Halves,
    Ring,
    Bridge,
    OneWay,
    Random,
    Flapping,
}

impl Aim {
    /// What `kind` can be aimed at, its default first.
    pub(super) fn of(kind: FaultKind) -> &'static [Self] {
        const PARTITION: &[Aim] = &[
            Aim::Leader,
            Aim::One,
            Aim::Majority,
            Aim::Minority,
            Aim::Halves,
            Aim::Ring,
            Aim::Bridge,
            Aim::OneWay,
            Aim::Random,
            Aim::Flapping,
        ];
        const PROCESS: &[Aim] = &[
            Aim::Leader,
            Aim::One,
            Aim::Minority,
            Aim::Majority,
            Aim::All,
            Aim::Follower,
            Aim::Rolling,
            Aim::Elected,
        ];
        match kind {
            FaultKind::Partition => PARTITION,
            FaultKind::Clients => &[Aim::One, Aim::Leader],
            FaultKind::Kill | FaultKind::Pause => PROCESS,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::One => "one",
            Self::Minority => "minority",
            Self::Majority => "majority",
            Self::All => "all",
            Self::Follower => "follower",
            Self::Rolling => "rolling",
            Self::Elected => "elected",
            Self::Halves => "halves",
            Self::Ring => "ring",
            Self::Bridge => "bridge",
            Self::OneWay => "one-way",
            Self::Random => "random",
            Self::Flapping => "flapping",
        }
    }

    pub(super) fn about(self, kind: FaultKind) -> &'static str {
        let cuts = kind == FaultKind::Partition;
        match self {
            Self::Leader if cuts => "the leader alone on one side",
            Self::One if cuts => "one node, by dice, alone on one side",
            Self::Minority if cuts => "the leader left with a minority",
            Self::Majority if cuts => "a minority cut off from the leader, who keeps a majority",
            Self::Leader => "the leader",
            Self::One => "one node, by dice",
            Self::Minority => "as many nodes as leave a majority",
            Self::Majority => "the fewest nodes that are a majority",
            Self::All => "every node",
            Self::Follower => "one node that does not lead",
            Self::Rolling => "one node after the other, in turn",
            Self::Elected => "the leader, and then whoever is elected in its place, at once",
            Self::Halves => "two halves, by dice",
            Self::Ring => "a ring: every node hears a majority, and no two the same one",
            Self::Bridge => "two halves with one node between that sees both",
            Self::OneWay => "one node (every other time the leader) that is not heard, or does not hear",
            Self::Random => "two sides of any size, by dice",
            Self::Flapping => "a link to the leader that comes and goes several times a second",
        }
    }

    pub(super) fn nodes_min(self, kind: FaultKind) -> usize {
        match (kind, self) {
            (FaultKind::Partition, Self::Ring | Self::Bridge | Self::Majority | Self::Minority)
            | (FaultKind::Kill | FaultKind::Pause, Self::Minority) => 3,
            (FaultKind::Partition, _) | (FaultKind::Kill | FaultKind::Pause, Self::Follower) => 2,
            _ => 1,
        }
    }

    /// At most a minority is down at once when a single node is aimed at.
    fn spares_the_majority(self) -> bool {
        !matches!(self, Self::Majority | Self::All)
    }
}

/// Nodes to kill, pause or hide from clients; `None` where there is nobody to aim at now. `last` is whom a rolling
/// fault hit before.
pub(super) fn nodes(aim: Aim, last: Option<Node>, view: &View, dice: &mut Dice) -> Option<Vec<Node>> {
    let up: Vec<Node> = view.nodes.iter().copied().filter(|node| !view.down.contains(node)).collect();
    let minority = view.nodes.len() - view.majority();
    let mut targets = match aim {
        Aim::Leader | Aim::Elected => vec![view.leader()?],
        Aim::Follower => {
            let leader = view.leader()?;
            let followers: Vec<Node> = up.iter().copied().filter(|&node| node != leader).collect();
            vec![*dice.pick(&followers)?]
        }
        Aim::Rolling => vec![next_in_turn(&up, last)?],
        Aim::Minority => some_of(&up, minority.checked_sub(view.down.len())?, dice),
        Aim::Majority => some_of(&up, view.majority(), dice),
        Aim::All => up,
        _ => vec![*dice.pick(&up)?],
    };
    targets.sort_unstable();
    // A cluster of one or two has no minority to spare: there the aim itself is what was asked for.
    let down_max = minority.max(1);
    let too_many = aim.spares_the_majority() && view.down.len() + targets.len() > down_max;
    (!targets.is_empty() && !too_many).then_some(targets)
}

fn next_in_turn(up: &[Node], last: Option<Node>) -> Option<Node> {
    let after = |last: Node| up.iter().copied().find(|&node| node > last);
    last.and_then(after).or_else(|| up.first().copied())
}

/// `count` of `nodes`, by dice, or all of them where there are fewer.
pub(super) fn some_of(nodes: &[Node], count: usize, dice: &mut Dice) -> Vec<Node> {
    let mut shuffled = nodes.to_vec();
    dice.shuffle(&mut shuffled);
    shuffled.truncate(count);
    let chosen: BTreeSet<Node> = shuffled.into_iter().collect();
    chosen.into_iter().collect()
}
