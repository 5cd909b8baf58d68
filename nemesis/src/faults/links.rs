//! Which links between nodes get worse. Pure: from nodes and dice to effects.

use histories::Node;

use super::aim::Aim;
use super::partition::rest_of;
use super::targets;
use crate::{Dice, Effect, LinkChange, View};

/// The same change on every link that is aimed at; `None` where there is nobody to aim at now.
pub(super) fn changes(aim: Aim, change: LinkChange, view: &View, dice: &mut Dice) -> Option<Vec<Effect>> {
    let link = |from: Vec<Node>, to: Vec<Node>| Effect::Link { from, to, change };
    let both_ways =
        |one: Vec<Node>, other: Vec<Node>| vec![link(one.clone(), other.clone()), link(other, one)];
    let effects = match aim {
        Aim::All => vec![link(view.nodes.clone(), view.nodes.clone())],
        Aim::Datacentres => view
            .layout
            .sites()
            .map(|site| {
                let members: Vec<Node> = view.layout.members(site).collect();
                link(members.clone(), rest_of(&members, &view.nodes))
            })
            .collect(),
        Aim::Link => {
            let (one, other) = *dice.pick(&view.flows())?;
            both_ways(view.layout.members(one).collect(), view.layout.members(other).collect())
        }
        _ => {
            let node =
                if aim == Aim::Leader { targets::leader(view, dice)? } else { *dice.pick(&view.nodes)? };
            both_ways(vec![node], rest_of(&[node], &view.nodes))
        }
    };
    Some(effects)
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
