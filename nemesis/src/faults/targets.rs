//! Whom a fault hits, of the nodes that a view shows. It never decides when.

use std::collections::BTreeSet;

use histories::Node;

use super::aim::{Aim, Choice};
use super::kind::FaultKind;
use crate::{Dice, View};

/// What there is to choose from.
pub(super) struct Sight<'a> {
    view: &'a View,
    /// Nodes that no fault has taken down.
    up: Vec<Node>,
    /// As many as leave a majority of all.
    minority: usize,
    /// Nodes that are hit do no work.
    takes_down: bool,
    /// The node that the fault hit before.
    last: Option<Node>,
}

/// Chooses nodes; `None` where there is nothing to aim at now.
pub(super) type Nodes = fn(&Sight<'_>, &mut Dice) -> Option<Vec<Node>>;

impl Choice<Nodes> {
    const fn nodes(aim: Aim, about: &'static str, choose: Nodes) -> Self {
        Self::new(aim, about, choose)
    }
}

/// The aims of faults that are done to nodes, an entry an aim.
pub(super) static CHOICES: [Choice<Nodes>; 11] = [
    Choice::nodes(Aim::Leader, "the leader", |sight, dice| Some(vec![leader(sight.view, dice)?])),
    Choice::nodes(Aim::One, "one node, by dice", |sight, dice| Some(vec![*dice.pick(&sight.up)?])),
    Choice::nodes(Aim::Minority, "as many nodes as leave a majority", |sight, dice| {
        let down = if sight.takes_down { sight.view.down.len() } else { 0 };
        Some(some_of(&sight.up, sight.minority.checked_sub(down)?, dice))
    })
    .of_nodes(3),
    Choice::nodes(Aim::Majority, "the fewest nodes that are a majority", |sight, dice| {
        Some(some_of(&sight.up, sight.view.majority(), dice))
    }),
    Choice::nodes(Aim::All, "every node", |sight, _| Some(sight.up.clone())),
    Choice::nodes(Aim::Follower, "one node that does not lead", |sight, dice| {
        let leads: BTreeSet<Node> = sight.view.leads().collect();
        let followers: Vec<Node> = sight.up.iter().copied().filter(|node| !leads.contains(node)).collect();
        Some(vec![*dice.pick(&followers).filter(|_| !leads.is_empty())?])
    })
    .of_nodes(2),
    Choice::nodes(Aim::Rolling, "one node after the other, in turn", |sight, _| {
        Some(vec![next_in_turn(&sight.up, sight.last)?])
    }),
    Choice::nodes(
        Aim::Elected,
        "the leader, and then whoever is elected in its place, at once",
        |sight, dice| Some(vec![leader(sight.view, dice)?]),
    ),
    Choice::nodes(Aim::Datacentre, "every node of one datacentre, by dice", |sight, dice| {
        let layout = sight.view.layout;
        let datacentre = dice.below(u64::from(layout.datacentres)) as u16;
        Some(sight.up.iter().copied().filter(|&node| layout.datacentre(node) == datacentre).collect())
    })
    .of_datacentres(2),
    Choice::nodes(Aim::Home, "the leader of the datacentre that is home to most keys", |sight, _| {
        Some(vec![sight.view.leader_of(sight.view.home?)?])
    })
    .of_datacentres(2),
    // Which of the others it is each time is chosen before.
    Choice::nodes(Aim::Any, "others each time, by dice", |_, _| None),
];

/// Nodes to do something to; `None` where there is nothing to aim at now. `last` is the node that a rolling fault hit
/// before.
pub(super) fn nodes(
    kind: FaultKind,
    aim: Aim,
    last: Option<Node>,
    view: &View,
    dice: &mut Dice,
) -> Option<Vec<Node>> {
    let up: Vec<Node> = view.nodes.iter().copied().filter(|node| !view.down.contains(node)).collect();
    let minority = view.nodes.len() - view.majority();
    let sight = Sight { view, up, minority, takes_down: kind.takes_down(), last };
    let mut targets = (aim.find(&CHOICES).choose)(&sight, dice)?;
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
