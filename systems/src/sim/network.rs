//! The network between nodes: for each direction of each link how long messages take, and what becomes of them. It never
//! holds a message: it says when copies of it arrive.

use std::fmt;

use histories::{Nanos, Node};
use nemesis::{Dice, Effect, Layout, LinkChange};

use super::conditions::{Conditions, Latency};

/// One direction of a link.
#[derive(Clone, Debug)]
struct Line {
    latency: Latency,
    wrong: Option<Wrong>,
    toll: Toll,
}

/// What is wrong with a line: all that is in force.
#[derive(Clone, Copy, Debug, Default)]
struct Wrong {
    cut: bool,
    slow: Nanos,
    lose_percent: u64,
    duplicate_percent: u64,
    reorder: Nanos,
}

/// What faults did to the messages of a line, or of some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Toll {
    pub(super) cut: u64,
    pub(super) held: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) delayed: u64,
}

impl Toll {
    fn plus(self, other: Self) -> Self {
        Self {
            cut: self.cut + other.cut,
            held: self.held + other.held,
            lost: self.lost + other.lost,
            duplicated: self.duplicated + other.duplicated,
            delayed: self.delayed + other.delayed,
        }
    }

    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            cut: self.cut - earlier.cut,
            held: self.held - earlier.held,
            lost: self.lost - earlier.lost,
            duplicated: self.duplicated - earlier.duplicated,
            delayed: self.delayed - earlier.delayed,
        }
    }

    pub(super) fn total(self) -> u64 {
        self.cut + self.held + self.lost + self.duplicated + self.delayed
    }
}

impl fmt::Display for Toll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.cut, "cut off"),
            (self.held, "held"),
            (self.lost, "lost"),
            (self.duplicated, "sent twice"),
            (self.delayed, "late"),
        ];
        let told: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        write!(f, "{} messages", if told.is_empty() { "no".to_owned() } else { told.join(", ") })
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Lost,
    /// It waits until the line flows again.
    Held,
    /// It takes so long.
    Arrives(Nanos),
    Twice(Nanos, Nanos),
}

#[derive(Debug)]
pub(super) struct Network {
    nodes: usize,
    cuts_hold: bool,
    lines: Vec<Line>,
    dice: Dice,
}

impl Network {
    pub(super) fn new(
        layout: Layout,
        conditions: &Conditions,
        wide_area: Option<(Nanos, Nanos)>,
        dice: Dice,
    ) -> Self {
        let far = wide_area.map(|(low, high)| Latency::within(low, high));
        let line = |from: Node, to: Node| {
            let latency = far.filter(|_| layout.far(from, to)).unwrap_or(conditions.near);
            Line { latency, wrong: None, toll: Toll::default() }
        };
        let lines = layout.nodes().flat_map(|from| layout.nodes().map(move |to| line(from, to))).collect();
        Self { nodes: usize::from(layout.total()), cuts_hold: conditions.cuts_hold, lines, dice }
    }

    /// Rolls the dice for a message.
    pub(super) fn carry(&mut self, from: Node, to: Node) -> Fate {
        let line = &mut self.lines[from.index() * self.nodes + to.index()];
        let takes = line.latency.draw(&mut self.dice);
        match line.wrong {
            None => Fate::Arrives(takes),
            Some(Wrong { cut: true, .. }) if !self.cuts_hold => {
                line.toll.cut += 1;
                Fate::Lost
            }
            Some(Wrong { cut: true, .. }) => {
                line.toll.held += 1;
                Fate::Held
            }
            Some(wrong) => wrong.carry(takes, &mut line.toll, &mut self.dice),
        }
    }

    /// From now on all of `effects` is in force, and nothing else.
    pub(super) fn set<'a>(&mut self, effects: impl Iterator<Item = &'a Effect>) {
        for line in &mut self.lines {
            line.wrong = None;
        }
        for effect in effects {
            for place in self.places(effect) {
                let wrong = self.lines[place].wrong.get_or_insert_default();
                match effect {
                    Effect::Link { change: LinkChange::Slow { by }, .. } => wrong.slow = wrong.slow + *by,
                    Effect::Link { change: LinkChange::Reorder { by }, .. } => {
                        wrong.reorder = wrong.reorder.max(*by);
                    }
                    Effect::Link { change: LinkChange::Lose { percent }, .. } => {
                        wrong.lose_percent = wrong.lose_percent.max((*percent).into());
                    }
                    Effect::Link { change: LinkChange::Duplicate { percent }, .. } => {
                        wrong.duplicate_percent = wrong.duplicate_percent.max((*percent).into());
                    }
                    // Not among the powers of a world.
                    Effect::Link { .. } => {}
                    _ => wrong.cut = true,
                }
            }
        }
    }

    /// Nothing cuts the line.
    pub(super) fn flows(&self, from: Node, to: Node) -> bool {
        self.lines[from.index() * self.nodes + to.index()].wrong.is_none_or(|wrong| !wrong.cut)
    }

    /// Lines that an effect touches.
    pub(super) fn lines(&self, effect: &Effect) -> usize {
        self.places(effect).len()
    }

    /// What faults did so far to what went over the lines that an effect touches.
    pub(super) fn toll(&self, effect: &Effect) -> Toll {
        self.places(effect).into_iter().fold(Toll::default(), |toll, place| toll.plus(self.lines[place].toll))
    }

    fn places(&self, effect: &Effect) -> Vec<usize> {
        let (Effect::Cut { from, to } | Effect::Link { from, to, .. }) = effect else { return Vec::new() };
        let known = |node: &&Node| node.index() < self.nodes;
        let pairs =
            from.iter().filter(known).flat_map(|from| to.iter().filter(known).map(move |to| (from, to)));
        pairs
            .filter(|(from, to)| from != to)
            .map(|(from, to)| from.index() * self.nodes + to.index())
            .collect()
    }
}

impl Wrong {
    fn carry(self, takes: Nanos, toll: &mut Toll, dice: &mut Dice) -> Fate {
        if dice.chance(self.lose_percent, 100) {
            toll.lost += 1;
            return Fate::Lost;
        }
        toll.delayed += u64::from(self.slow > Nanos::ZERO || self.reorder > Nanos::ZERO);
        let mut late = || takes + self.slow + Nanos(dice.below(self.reorder.0 + 1));
        let first = late();
        let second = late();
        if dice.chance(self.duplicate_percent, 100) {
            toll.duplicated += 1;
            Fate::Twice(first, second + takes)
        } else {
            Fate::Arrives(first)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: (Nanos, Nanos) = (Nanos::from_millis(30), Nanos::from_millis(40));

    fn network(cuts_hold: bool) -> Network {
        let layout = Layout { datacentres: 2, nodes_each: 2 };
        let dice = Dice::new(5);
        let conditions = Conditions { cuts_hold, ..Conditions::draw(&mut dice.split("conditions")) };
        Network::new(layout, &conditions, Some(FAR), dice)
    }

    fn link(change: LinkChange) -> Effect {
        Effect::Link { from: vec![Node(0)], to: vec![Node(1)], change }
    }

    #[test]
    fn datacentres_are_far_apart() {
        let mut network = network(false);
        for _ in 0..100 {
            let Fate::Arrives(takes) = network.carry(Node(1), Node(2)) else { panic!("it is lost") };
            assert!((FAR.0..=FAR.1).contains(&takes));
        }
    }

    #[test]
    fn a_cut_is_of_one_direction_and_ends_with_the_last_that_wants_it() {
        let mut network = network(false);
        let cut = Effect::Cut { from: vec![Node(0)], to: vec![Node(0), Node(1)] };
        network.set([&cut, &cut].into_iter());
        assert_eq!(network.lines(&cut), 1);
        assert_eq!(network.carry(Node(0), Node(1)), Fate::Lost);
        assert!(!network.flows(Node(0), Node(1)) && network.flows(Node(1), Node(0)));
        assert!(matches!(network.carry(Node(1), Node(0)), Fate::Arrives(_)));
        network.set([&cut].into_iter());
        assert_eq!(network.carry(Node(0), Node(1)), Fate::Lost);
        network.set([].into_iter());
        assert!(matches!(network.carry(Node(0), Node(1)), Fate::Arrives(_)));
        assert_eq!(network.toll(&cut), Toll { cut: 2, ..Toll::default() });
    }

    #[test]
    fn a_cut_holds_where_connections_do_not_break() {
        let mut network = network(true);
        let cut = Effect::Cut { from: vec![Node(0)], to: vec![Node(1)] };
        network.set([&cut].into_iter());
        assert_eq!(network.carry(Node(0), Node(1)), Fate::Held);
        assert_eq!(network.toll(&cut), Toll { held: 1, ..Toll::default() });
    }

    #[test]
    fn a_bad_link_loses_doubles_and_delays_what_it_carries() {
        let mut network = network(false);
        let effects = [
            link(LinkChange::Lose { percent: 30 }),
            link(LinkChange::Duplicate { percent: 30 }),
            link(LinkChange::Slow { by: Nanos::from_millis(100) }),
            link(LinkChange::Reorder { by: Nanos::from_millis(50) }),
        ];
        network.set(effects.iter());
        let fates: Vec<Fate> = (0..1000).map(|_| network.carry(Node(0), Node(1))).collect();
        let lost = fates.iter().filter(|fate| **fate == Fate::Lost).count();
        let twice = fates.iter().filter(|fate| matches!(fate, Fate::Twice(..))).count();
        assert!((200..400).contains(&lost) && (130..300).contains(&twice), "{lost} {twice}");
        let late = |fate: &Fate| match fate {
            Fate::Arrives(takes) => (Nanos::from_millis(100)..Nanos::from_millis(250)).contains(takes),
            _ => true,
        };
        assert!(fates.iter().all(late));
        let toll = network.toll(&effects[0]);
        assert_eq!((toll.lost, toll.duplicated), (lost as u64, twice as u64));
    }
}
