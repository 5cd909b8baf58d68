//! Whom a fault hits, of the nodes that a view shows. It never decides when.

use std::collections::BTreeSet;

use histories::Node;

use super::aim::Aim;
use super::kind::FaultKind;
use crate::{Dice, View};

/// Nodes to do something to; `None` where there is nobody to aim at now. `last` is whom a rolling fault hit before.
pub(super) fn nodes(
    kind: FaultKind,
    aim: Aim,
    last: Option<Node>,
    view: &View,
    dice: &mut Dice,
) -> Option<Vec<Node>> {
    let up: Vec<Node> = view.nodes.iter().copied().filter(|node| !view.down.contains(node)).collect();
    let minority = view.nodes.len() - view.majority();
    let mut targets = match aim {
        Aim::Leader | Aim::Elected => vec![leader(view, dice)?],
        Aim::Follower => {
            let leads: BTreeSet<Node> = view.leads().collect();
            let followers: Vec<Node> = up.iter().copied().filter(|node| !leads.contains(node)).collect();
            vec![*dice.pick(&followers).filter(|_| !leads.is_empty())?]
        }
        Aim::Rolling => vec![next_in_turn(&up, last)?],
        Aim::Minority if kind.takes_down() => some_of(&up, minority.checked_sub(view.down.len())?, dice),
        Aim::Minority => some_of(&up, minority, dice),
        Aim::Majority => some_of(&up, view.majority(), dice),
        Aim::All => up,
        Aim::Home => vec![view.leader_of(view.home?)?],
        Aim::Datacentre => {
            let datacentre = dice.below(u64::from(view.layout.datacentres)) as u16;
            up.into_iter().filter(|&node| view.layout.datacentre(node) == datacentre).collect()
        }
        _ => vec![*dice.pick(&up)?],
    };
    targets.sort_unstable();
    // A cluster of one or two has no minority to spare: there the aim itself is what was asked for.
    let down_max = minority.max(1);
    let too_many =
        kind.takes_down() && aim.spares_the_majority() && view.down.len() + targets.len() > down_max;
    (!targets.is_empty() && !too_many).then_some(targets)
}

/// The leader; where every datacentre has one, any of them.
pub(super) fn leader(view: &View, dice: &mut Dice) -> Option<Node> {
    let leads: Vec<Node> = view.leads().collect();
    if let [only] = leads.as_slice() { Some(*only) } else { dice.pick(&leads).copied() }
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
