//! The shapes of a partition. Pure: from nodes and dice to cuts.

use std::collections::BTreeSet;

use histories::Node;

use super::aim::{Aim, Choice, Way, Ways};
use super::targets::{leader, some_of};
use crate::{Dice, Effect, View};

/// The shapes of a partition, an entry an aim.
pub(super) static CHOICES: [Choice<Ways>; 15] = [
    Choice::ways(Aim::Leader, "the leader alone on one side", |view, dice| {
        Some(sides(&[leader(view, dice)?], view))
    }),
    Choice::ways(Aim::One, "one node, by dice, alone on one side", |view, dice| {
        Some(sides(&[*dice.pick(&view.nodes)?], view))
    }),
    Choice::ways(Aim::Majority, "a minority cut off from the leader, who keeps a majority", |view, dice| {
        let others = rest_of(&[leader(view, dice)?], &view.nodes);
        Some(sides(&some_of(&others, view.nodes.len() - view.majority(), dice), view))
    })
    .of_nodes(3),
    Choice::ways(Aim::Minority, "the leader left with a minority", with_a_minority).of_nodes(3),
    Choice::ways(Aim::Halves, "two halves, by dice", |view, dice| {
        Some(sides(&some_of(&view.nodes, view.nodes.len() / 2, dice), view))
    }),
    Choice::ways(Aim::Ring, "a ring: every node hears a majority, and no two the same one", |view, dice| {
        Some(ring(&view.nodes, view.majority(), dice))
    })
    .of_nodes(3),
    Choice::ways(Aim::Bridge, "two halves with one node between that sees both", |view, dice| {
        Some(bridge(&view.nodes, dice))
    })
    .of_nodes(3),
    Choice::ways(
        Aim::OneWay,
        "one node (every other time the leader) that is not heard, or does not hear",
        one_way,
    ),
    Choice::ways(Aim::Random, "two sides of any size, by dice", |view, dice| {
        let size = dice.between(1, (view.nodes.len() as u64).saturating_sub(1)) as usize;
        Some(sides(&some_of(&view.nodes, size, dice), view))
    }),
    Choice::ways(
        Aim::Flapping,
        "a link to the leader that comes and goes several times a second",
        |view, dice| Some(sides(&[leader(view, dice)?], view)),
    ),
    Choice::ways(Aim::Datacentres, "one datacentre, by dice, cut off from the others", |view, dice| {
        Some(site(dice.below(u64::from(view.layout.datacentres)) as u16, view))
    })
    .of_datacentres(2),
    Choice::ways(
        Aim::Hub,
        "the datacentre that most changes flow through, cut off from the others",
        |view, dice| Some(site(*dice.pick(&hubs(view))?, view)),
    )
    .of_datacentres(2),
    Choice::ways(
        Aim::Link,
        "two datacentres that exchange changes, cut off from each other",
        |view, dice| {
            let (one, other) = *dice.pick(&view.flows())?;
            Some(both_ways(view.layout.members(one).collect(), view.layout.members(other).collect()))
        },
    )
    .of_datacentres(2),
    Choice::ways(
        Aim::Home,
        "the datacentre that is home to most keys, cut off from the others",
        |view, _| Some(site(view.home?, view)),
    )
    .of_datacentres(2),
    // Which of the others it is each time is chosen before.
    Choice::ways(Aim::Any, "another shape each time, by dice", |_, _| None),
];

/// The cuts of one partition; `None` where there is nothing to aim at now.
pub(super) fn cuts(aim: Aim, view: &View, dice: &mut Dice) -> Option<Vec<Effect>> {
    let ways = (aim.find(&CHOICES).choose)(view, dice)?;
    let effects: Vec<Effect> = ways.into_iter().map(|(from, to)| Effect::Cut { from, to }).collect();
    (!effects.is_empty()).then_some(effects)
}

fn with_a_minority(view: &View, dice: &mut Dice) -> Option<Vec<Way>> {
    let leader = leader(view, dice)?;
    let others = rest_of(&[leader], &view.nodes);
    let mut side = some_of(&others, (view.nodes.len() - view.majority()).saturating_sub(1), dice);
    side.push(leader);
    Some(sides(&side, view))
}

/// Both directions between `side` and everybody else.
fn sides(side: &[Node], view: &View) -> Vec<Way> {
    let mut sorted = side.to_vec();
    sorted.sort_unstable();
    both_ways(sorted, rest_of(side, &view.nodes))
}

/// Everybody but these.
pub(super) fn rest_of(side: &[Node], nodes: &[Node]) -> Vec<Node> {
    nodes.iter().copied().filter(|node| !side.contains(node)).collect()
}

/// A datacentre on one side, the others on the other.
fn site(datacentre: u16, view: &View) -> Vec<Way> {
    let members: Vec<Node> = view.layout.members(datacentre).collect();
    sides(&members, view)
}

/// The datacentres that exchange changes with most others.
fn hubs(view: &View) -> Vec<u16> {
    let flows = view.flows();
    let degree = |site: u16| flows.iter().filter(|&&(one, other)| one == site || other == site).count();
    let most = view.layout.sites().map(degree).max();
    view.layout.sites().filter(|&site| Some(degree(site)) == most).collect()
}

fn both_ways(left: Vec<Node>, right: Vec<Node>) -> Vec<Way> {
    if left.is_empty() || right.is_empty() {
        return Vec::new();
    }
    vec![(left.clone(), right.clone()), (right, left)]
}

/// Nodes in a circle, by dice; each hears itself and its nearest neighbours up to a majority.
fn ring(nodes: &[Node], majority: usize, dice: &mut Dice) -> Vec<Way> {
    let mut circle = nodes.to_vec();
    dice.shuffle(&mut circle);
    let count = circle.len();
    let before = (majority - 1) / 2;
    let mut ways = Vec::new();
    for (place, &node) in circle.iter().enumerate() {
        let heard: BTreeSet<Node> =
            (0..majority).map(|step| circle[(place + count - before + step) % count]).collect();
        let from: Vec<Node> = nodes.iter().copied().filter(|other| !heard.contains(other)).collect();
        if !from.is_empty() {
            ways.push((from, vec![node]));
        }
    }
    ways
}

fn bridge(nodes: &[Node], dice: &mut Dice) -> Vec<Way> {
    let mut shuffled = nodes.to_vec();
    dice.shuffle(&mut shuffled);
    let Some((_, rest)) = shuffled.split_first() else { return Vec::new() };
    let (left, right) = rest.split_at(rest.len() / 2);
    let sorted = |side: &[Node]| {
        let mut side = side.to_vec();
        side.sort_unstable();
        side
    };
    both_ways(sorted(left), sorted(right))
}

fn one_way(view: &View, dice: &mut Dice) -> Option<Vec<Way>> {
    let leader = if dice.chance(1, 2) { leader(view, dice) } else { None };
    let node = leader.or_else(|| dice.pick(&view.nodes).copied())?;
    let rest = rest_of(&[node], &view.nodes);
    if rest.is_empty() {
        return None;
    }
    let deaf = dice.chance(1, 2);
    Some(vec![if deaf { (rest, vec![node]) } else { (vec![node], rest) }])
}

#[cfg(test)]
mod tests {
    use histories::Nanos;

    use super::*;
    use crate::Layout;

    fn view(nodes: u16) -> View {
        View::new(Nanos::ZERO, Layout::single(nodes), vec![(1, Node(0))])
    }

    /// Who hears whom, itself included.
    fn heard(effects: &[Effect], nodes: u16) -> Vec<BTreeSet<Node>> {
        let mut heard: Vec<BTreeSet<Node>> =
            Node::first(nodes).map(|_| Node::first(nodes).collect()).collect();
        for effect in effects {
            let Effect::Cut { from, to } = effect else { panic!("{effect} is no cut") };
            for node in to {
                heard[node.index()].retain(|other| !from.contains(other));
            }
        }
        heard
    }

    #[test]
    fn in_a_ring_everybody_hears_a_majority_and_no_two_the_same() {
        for nodes in [3, 5, 6, 7] {
            let view = view(nodes);
            for seed in 0..20 {
                let effects = cuts(Aim::Ring, &view, &mut Dice::new(seed)).unwrap();
                let heard = heard(&effects, nodes);
                assert!(heard.iter().all(|set| set.len() == view.majority()), "{heard:?}");
                assert_eq!(heard.iter().collect::<BTreeSet<_>>().len(), usize::from(nodes));
                assert!((0..).zip(&heard).all(|(node, set)| set.contains(&Node(node))));
            }
        }
    }

    #[test]
    fn a_bridge_hears_everybody_and_nobody_else_does() {
        for nodes in [3, 4, 5] {
            let heard = heard(&cuts(Aim::Bridge, &view(nodes), &mut Dice::new(3)).unwrap(), nodes);
            assert_eq!(heard.iter().filter(|set| set.len() == usize::from(nodes)).count(), 1);
        }
    }

    #[test]
    fn the_leader_is_on_the_side_that_was_asked_for() {
        for seed in 0..20 {
            let view = view(5);
            let minority = heard(&cuts(Aim::Minority, &view, &mut Dice::new(seed)).unwrap(), 5);
            assert_eq!(minority[0].len(), 2);
            let majority = heard(&cuts(Aim::Majority, &view, &mut Dice::new(seed)).unwrap(), 5);
            assert_eq!(majority[0].len(), 3);
            let leader = heard(&cuts(Aim::Leader, &view, &mut Dice::new(seed)).unwrap(), 5);
            assert_eq!(leader[0].len(), 1);
        }
    }

    #[test]
    fn one_way_leaves_the_other_way_open() {
        for seed in 0..20 {
            let effects = cuts(Aim::OneWay, &view(3), &mut Dice::new(seed)).unwrap();
            assert_eq!(effects.len(), 1);
            let links: usize = heard(&effects, 3).iter().map(BTreeSet::len).sum();
            assert_eq!(links, 9 - 2);
        }
    }

    const THREE_SITES: Layout = Layout { datacentres: 3, nodes_each: 2 };

    /// Who is cut off from whom, in words.
    fn told(aim: Aim, view: &View, seed: u64) -> Option<String> {
        cuts(aim, view, &mut Dice::new(seed)).map(|effects| crate::action::describe_effects(&effects))
    }

    #[test]
    fn datacentres_are_cut_off_as_wholes() {
        let view = View::new(Nanos::ZERO, THREE_SITES, vec![(1, Node(0))]);
        let sites = ["cut n1,n2 | n3,n4,n5,n6", "cut n3,n4 | n1,n2,n5,n6", "cut n5,n6 | n1,n2,n3,n4"];
        let seen: BTreeSet<String> = (0..50).filter_map(|seed| told(Aim::Datacentres, &view, seed)).collect();
        assert_eq!(seen, sites.map(str::to_owned).into());
        assert_eq!(told(Aim::Home, &view, 1), None, "no key has a home");
        let at_home = View { home: Some(1), ..view };
        assert_eq!(told(Aim::Home, &at_home, 1).as_deref(), Some(sites[1]));
    }

    #[test]
    fn the_hub_of_a_star_is_cut_off_and_of_a_ring_one_link_at_a_time() {
        let star = View { links: vec![(0, 2), (2, 1)], ..View::new(Nanos::ZERO, THREE_SITES, Vec::new()) };
        for seed in 0..20 {
            assert_eq!(told(Aim::Hub, &star, seed).as_deref(), Some("cut n5,n6 | n1,n2,n3,n4"));
        }
        let links: BTreeSet<String> = (0..50).filter_map(|seed| told(Aim::Link, &star, seed)).collect();
        assert_eq!(links, ["cut n1,n2 | n5,n6", "cut n5,n6 | n3,n4"].map(str::to_owned).into());
        let mesh = View { links: Vec::new(), ..star };
        let links: BTreeSet<String> = (0..50).filter_map(|seed| told(Aim::Link, &mesh, seed)).collect();
        assert_eq!(links.len(), 3, "where nobody says, every two exchange changes");
    }

    #[test]
    fn without_a_leader_nobody_is_aimed_at() {
        let view = View { leaders: Vec::new(), ..view(3) };
        assert_eq!(cuts(Aim::Leader, &view, &mut Dice::new(1)), None);
    }
}
