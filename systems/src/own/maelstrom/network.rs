//! The network between nodes: which messages arrive, how often and how late. Pure: time and messages come in, decisions go
//! out.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use histories::Node;
use nemesis::{Dice, Effect, FaultId, LinkChange};

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Node(Node),
    Client,
    /// Outside of everything: no fault touches its messages.
    Harness,
}

/// All links of a cluster and what is wrong with them.
#[derive(Debug)]
pub(crate) struct Network {
    dice: Dice,
    /// What each fault does, with what it came to.
    in_force: BTreeMap<FaultId, (Vec<Effect>, Toll)>,
}

/// What became of messages while a fault was in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Toll {
    pub(crate) lost: u64,
    pub(crate) late: u64,
    pub(crate) doubled: u64,
}

impl Toll {
    /// Whether anything can have felt it.
    pub(crate) fn was_felt(self) -> bool {
        self != Self::default()
    }
}

impl fmt::Display for Toll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, late, doubled } = self;
        write!(f, "{lost} messages lost, {late} late, {doubled} doubled")
    }
}

impl Network {
    pub(crate) fn new(dice: Dice) -> Self {
        Self { dice, in_force: BTreeMap::new() }
    }

    /// Whether an effect is one on messages.
    pub(crate) fn carries(effect: &Effect) -> bool {
        matches!(effect, Effect::Cut { .. } | Effect::CutClients { .. } | Effect::Link { .. })
    }

    pub(crate) fn begin(&mut self, fault: FaultId, effect: &Effect) {
        self.in_force.entry(fault).or_default().0.push(effect.clone());
    }

    /// Undoes what a fault does to messages, and says what that came to; `None` where it does nothing to any.
    pub(crate) fn end(&mut self, fault: FaultId) -> Option<Toll> {
        self.in_force.remove(&fault).map(|(_, toll)| toll)
    }

    /// Undoes everything.
    pub(crate) fn end_all(&mut self) -> Option<Toll> {
        let tolls = std::mem::take(&mut self.in_force).into_values().map(|(_, toll)| toll);
        tolls.reduce(|one, other| Toll {
            lost: one.lost + other.lost,
            late: one.late + other.late,
            doubled: one.doubled + other.doubled,
        })
    }

    /// How late each copy of a message arrives: no copy where it is lost.
    pub(crate) fn pass(&mut self, from: End, to: End) -> Vec<Duration> {
        let mut copies = vec![Duration::ZERO];
        for (effects, toll) in self.in_force.values_mut() {
            for effect in effects.iter() {
                match effect {
                    Effect::Cut { from: near, to: far } if between(near, far, from, to) => {
                        toll.lost += copies.len() as u64;
                        copies.clear();
                    }
                    Effect::CutClients { nodes } if is_door(nodes, from, to) => {
                        toll.lost += copies.len() as u64;
                        copies.clear();
                    }
                    Effect::Link { from: near, to: far, change } if between(near, far, from, to) => {
                        change_copies(&mut self.dice, *change, toll, &mut copies);
                    }
                    _ => {}
                }
            }
        }
        copies
    }
}

fn change_copies(dice: &mut Dice, change: LinkChange, toll: &mut Toll, copies: &mut Vec<Duration>) {
    match change {
        LinkChange::Slow { by } => {
            for delay in copies.iter_mut() {
                *delay += by.to_duration();
            }
            toll.late += copies.len() as u64;
        }
        LinkChange::Lose { percent } => {
            let before = copies.len();
            copies.retain(|_| !dice.chance(percent.into(), 100));
            toll.lost += (before - copies.len()) as u64;
        }
        LinkChange::Duplicate { percent } => {
            if let Some(&first) = copies.first()
                && dice.chance(percent.into(), 100)
            {
                copies.push(first);
                toll.doubled += 1;
            }
        }
        LinkChange::Reorder { by } => {
            for delay in copies.iter_mut() {
                *delay += Duration::from_nanos(dice.below(by.0 + 1));
            }
            toll.late += copies.len() as u64;
        }
        // Not among the powers of nodes that exchange messages and have no connections.
        LinkChange::Jitter { .. }
        | LinkChange::Throttle { .. }
        | LinkChange::Reset { .. }
        | LinkChange::Refuse
        | LinkChange::Hang
        | LinkChange::HalfOpen => {}
    }
}

fn between(near: &[Node], far: &[Node], from: End, to: End) -> bool {
    match (from, to) {
        (End::Node(from), End::Node(to)) => from != to && near.contains(&from) && far.contains(&to),
        _ => false,
    }
}

fn is_door(nodes: &[Node], from: End, to: End) -> bool {
    match (from, to) {
        (End::Client, End::Node(node)) | (End::Node(node), End::Client) => nodes.contains(&node),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use histories::Nanos;

    use super::*;

    const ONE: End = End::Node(Node(0));
    const TWO: End = End::Node(Node(1));

    fn network(effects: &[Effect]) -> Network {
        let mut network = Network::new(Dice::new(1));
        for effect in effects {
            network.begin(FaultId(1), effect);
        }
        network
    }

    fn link(change: LinkChange) -> Effect {
        Effect::Link { from: vec![Node(0)], to: vec![Node(1)], change }
    }

    #[test]
    fn a_cut_loses_messages_of_its_direction_until_it_ends() {
        let mut network = network(&[Effect::Cut { from: vec![Node(0)], to: vec![Node(1)] }]);
        network.begin(FaultId(2), &Effect::CutClients { nodes: vec![Node(1)] });
        assert!(network.pass(ONE, TWO).is_empty());
        assert_eq!(network.pass(TWO, ONE), [Duration::ZERO]);
        assert!(network.pass(End::Client, TWO).is_empty() && network.pass(TWO, End::Client).is_empty());
        assert_eq!(network.pass(End::Client, ONE).len(), 1);
        assert_eq!(network.end(FaultId(1)), Some(Toll { lost: 1, ..Toll::default() }));
        assert_eq!(network.end(FaultId(1)), None);
        assert_eq!(network.pass(ONE, TWO).len(), 1);
        assert_eq!(network.end_all(), Some(Toll { lost: 2, ..Toll::default() }));
    }

    #[test]
    fn two_faults_that_cut_the_same_link_are_two() {
        let cut = Effect::Cut { from: vec![Node(0)], to: vec![Node(1)] };
        let mut network = network(std::slice::from_ref(&cut));
        network.begin(FaultId(2), &cut);
        network.end(FaultId(1));
        assert!(network.pass(ONE, TWO).is_empty());
        network.end(FaultId(2));
        assert_eq!(network.pass(ONE, TWO).len(), 1);
    }

    #[test]
    fn links_lose_double_and_delay_so_many_messages() {
        let arrived = |change| {
            let mut network = network(&[link(change)]);
            let copies: usize = (0..1000).map(|_| network.pass(ONE, TWO).len()).sum();
            (copies, network.end_all().unwrap())
        };
        let (copies, toll) = arrived(LinkChange::Lose { percent: 30 });
        assert!((600..800).contains(&copies) && toll.lost as usize == 1000 - copies, "{copies}");
        let (copies, toll) = arrived(LinkChange::Duplicate { percent: 30 });
        assert!((1200..1400).contains(&copies) && toll.doubled as usize == copies - 1000, "{copies}");
        let mut slow = network(&[link(LinkChange::Slow { by: Nanos::from_millis(5) })]);
        assert_eq!(slow.pass(ONE, TWO), [Duration::from_millis(5)]);
        let mut reorders = network(&[link(LinkChange::Reorder { by: Nanos::from_millis(5) })]);
        let delays: Vec<Duration> = (0..100).flat_map(|_| reorders.pass(ONE, TWO)).collect();
        assert!(delays.windows(2).any(|pair| pair[0] > pair[1]), "later ones overtake");
        assert!(delays.iter().all(|delay| *delay <= Duration::from_millis(5)));
    }
}
