//! Which links between nodes get worse. Pure: from nodes and dice to links.

use histories::Node;

use super::aim::{Aim, Choice, Way, Ways};
use super::partition::rest_of;
use super::targets;
use crate::{Dice, Effect, LinkChange, View};

/// The aims of faults that change links, an entry an aim.
pub(super) static CHOICES: [Choice<Ways>; 6] = [
    Choice::ways(Aim::All, "every link between nodes", |view, _| {
        Some(vec![(view.nodes.clone(), view.nodes.clone())])
    }),
    Choice::ways(Aim::Leader, "every link to and from the leader", |view, dice| {
        Some(around(targets::leader(view, dice)?, view))
    }),
    Choice::ways(Aim::One, "every link to and from one node, by dice", |view, dice| {
        Some(around(*dice.pick(&view.nodes)?, view))
    }),
    Choice::ways(Aim::Datacentres, "every link from one datacentre to another", |view, _| {
        let members = |site| view.layout.members(site).collect::<Vec<Node>>();
        Some(view.layout.sites().map(|site| (members(site), rest_of(&members(site), &view.nodes))).collect())
    })
    .of_datacentres(2),
    Choice::ways(Aim::Link, "the links between two datacentres that exchange changes", |view, dice| {
        let (one, other) = *dice.pick(&view.flows())?;
        Some(both_ways(view.layout.members(one).collect(), view.layout.members(other).collect()))
    })
    .of_datacentres(2),
    // Which of the others it is each time is chosen before.
    Choice::ways(Aim::Any, "other links each time, by dice", |_, _| None),
];

/// The same change on every link that is aimed at; `None` where there is nothing to aim at now.
pub(super) fn changes(aim: Aim, change: LinkChange, view: &View, dice: &mut Dice) -> Option<Vec<Effect>> {
    let ways = (aim.find(&CHOICES).choose)(view, dice)?;
    Some(ways.into_iter().map(|(from, to)| Effect::Link { from, to, change }).collect())
}

/// To and from a node.
fn around(node: Node, view: &View) -> Vec<Way> {
    both_ways(vec![node], rest_of(&[node], &view.nodes))
}

fn both_ways(one: Vec<Node>, other: Vec<Node>) -> Vec<Way> {
    vec![(one.clone(), other.clone()), (other, one)]
}

#[cfg(test)]
mod tests {
    use histories::Nanos;

    use super::*;
    use crate::Layout;
    use crate::action::describe_effects;

    #[test]
    fn links_get_worse_both_ways() {
        let layout = Layout { datacentres: 2, nodes_each: 2 };
        let view = View::new(Nanos::ZERO, layout, vec![(4, Node(1))]);
        let told = |aim| {
            let effects = changes(aim, LinkChange::Lose { percent: 20 }, &view, &mut Dice::new(1));
            describe_effects(&effects.unwrap())
        };
        assert_eq!(told(Aim::All), "lose 20 %: among n1,n2,n3,n4");
        assert_eq!(told(Aim::Leader), "lose 20 %: n2 | n1,n3,n4");
        assert_eq!(told(Aim::Datacentres), "lose 20 %: n1,n2 | n3,n4");
        assert_eq!(told(Aim::Link), "lose 20 %: n1,n2 | n3,n4");
    }
}
