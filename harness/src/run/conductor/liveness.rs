//! The second phase of a run: everything is healed but a minority that stays lost, and whoever talks to the others has to
//! make progress within a deadline. Pure, like the conductor, whose part it is.
//!
//! A cluster that answers wrongly is no matter of it: checkers see to that.

use std::collections::{BTreeMap, BTreeSet};

use histories::{Event, Function, Kind, Nanos, Node};
use nemesis::{Action, Dice, Effect, FaultId, Layout, Power, Powers};

use crate::load::script::FREEZE;

/// How the minority is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    Cut,
    Kill,
    Pause,
}

impl Loss {
    /// Those that a mode survives and a stage can inject.
    fn among(survives: &[&str], powers: Powers) -> Vec<Self> {
        let possible = [
            (Self::Cut, "network", powers.has(Power::Cut)),
            (Self::Kill, "kill", powers.has(Power::Kill)),
            (Self::Pause, "pause", powers.has(Power::Pause)),
        ];
        let survived =
            |(loss, kind, power): (Self, &str, bool)| (power && survives.contains(&kind)).then_some(loss);
        possible.into_iter().filter_map(survived).collect()
    }

    fn effects(self, lost: Vec<Node>, others: Vec<Node>) -> Vec<Effect> {
        match self {
            Self::Cut => vec![
                Effect::Cut { from: lost.clone(), to: others.clone() },
                Effect::Cut { from: others, to: lost },
            ],
            Self::Kill => vec![Effect::Kill { nodes: lost }],
            Self::Pause => vec![Effect::Pause { nodes: lost }],
        }
    }
}

/// What of a datacentre was seen to work.
type Step = (u16, Operated);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Operated {
    Read,
    Update,
}

impl Operated {
    fn of(function: &Function) -> Self {
        if function.is_read() { Self::Read } else { Self::Update }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progressed {
    /// What was done to the minority, in words.
    pub lost: String,
    /// How long it took until everybody had made progress; `None` where somebody had not when the deadline came.
    pub within: Option<Nanos>,
    /// What nobody was answered, often as it was asked for, in words.
    pub missing: Vec<String>,
    /// Operations that the others were asked for, and those that were answered.
    pub asked: u64,
    pub answered: u64,
}

/// Loses a minority and watches for progress.
pub struct Liveness {
    layout: Layout,
    losses: Vec<Loss>,
    dice: Dice,
    lost: BTreeSet<Node>,
    effects: Vec<Effect>,
    since: Option<Nanos>,
    /// Nothing else is needed.
    wanted: BTreeSet<Step>,
    open: BTreeMap<u32, Step>,
    asked: BTreeMap<Step, u64>,
    answered: u64,
    made: Option<Nanos>,
}

impl Liveness {
    /// As the fault stands in a history.
    pub const NAME: &str = FREEZE;
    /// From the loss to the last of the answers that count. Several elections, each of which may fail a few times, with as
    /// many time-outs of clients in between.
    pub const DEADLINE: Nanos = Nanos::from_secs(10);
    /// What was asked for less often says nothing: each of a few may fail, and some workloads hardly read.
    const ASKED_ENOUGH: u64 = 5;
    /// Operations a second, over all clients.
    pub const RATE: f64 = 20.0;
    /// Values are counted from here, so that none is one of the workload's.
    pub const FIRST_VALUE: i64 = 1_000_000_000;

    /// `mix` is what clients may ask for; `threads` of them are spread over the datacentres.
    pub fn new(
        layout: Layout,
        survives: &[&str],
        powers: Powers,
        threads: u32,
        mix: &[Function],
        dice: Dice,
    ) -> Self {
        let sites = layout.sites().take(threads as usize);
        let kinds: BTreeSet<Operated> = mix.iter().map(Operated::of).collect();
        Self {
            layout,
            losses: Loss::among(survives, powers),
            dice,
            lost: BTreeSet::new(),
            effects: Vec::new(),
            since: None,
            wanted: sites.flat_map(|site| kinds.iter().map(move |&kind| (site, kind))).collect(),
            open: BTreeMap::new(),
            asked: BTreeMap::new(),
            answered: 0,
            made: None,
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.since.is_some()
    }

    /// Draws the minority, half of the time with those that lead, and loses it. Nobody where there is no minority.
    pub(super) fn begin(&mut self, now: Nanos, leaders: &[(u64, Node)]) -> Option<Action> {
        self.since = Some(now);
        let loss = *self.dice.pick(&self.losses)?;
        for site in self.layout.sites() {
            let most = u64::from(self.layout.nodes_each.saturating_sub(1) / 2);
            let mut members: Vec<Node> = self.layout.members(site).collect();
            self.dice.shuffle(&mut members);
            if self.dice.chance(1, 2) {
                members.sort_by_key(|node| !leaders.iter().any(|(_, leader)| leader == node));
            }
            let count = self.dice.between(1, most.max(1)).min(most);
            self.lost.extend(members.into_iter().take(count as usize));
        }
        if self.lost.is_empty() {
            return None;
        }
        let (lost, others) = self.layout.nodes().partition(|node| self.lost.contains(node));
        self.effects = loss.effects(lost, others);
        Some(Action::Begin { fault: Self::ID, name: Self::NAME.to_owned(), effects: self.effects.clone() })
    }

    /// Its number in the history; faults of a schedule are counted from 1.
    const ID: FaultId = FaultId(0);

    /// The minority comes back.
    pub(super) fn end(&self) -> Vec<Action> {
        if self.effects.is_empty() {
            return Vec::new();
        }
        let (name, effects) = (Self::NAME.to_owned(), self.effects.clone());
        vec![Action::End { fault: Self::ID, name, effects }, Action::EndAll]
    }

    pub(super) fn deadline(&self) -> Nanos {
        self.since.unwrap_or_default() + Self::DEADLINE
    }

    pub(super) fn is_over(&self, now: Nanos) -> bool {
        self.wanted.is_empty() || now >= self.deadline()
    }

    /// A node of the client's datacentre that is not lost.
    pub(super) fn node_for(&mut self, thread: u32) -> Option<Node> {
        let spared: Vec<Node> =
            self.layout.members(self.site(thread)).filter(|node| !self.lost.contains(node)).collect();
        self.dice.pick(&spared).copied()
    }

    fn site(&self, thread: u32) -> u16 {
        (thread % u32::from(self.layout.datacentres)) as u16
    }

    pub(super) fn asked(&mut self, thread: u32, function: &Function) {
        let step = (self.site(thread), Operated::of(function));
        *self.asked.entry(step).or_default() += 1;
        self.open.insert(thread, step);
    }

    pub(super) fn answered(&mut self, thread: u32, event: &Event) {
        let Some(step) = self.open.remove(&thread) else { return };
        if event.kind == Kind::Ok && event.time <= self.deadline() {
            self.answered += 1;
            self.wanted.remove(&step);
            if self.wanted.is_empty() && self.made.is_none() {
                self.made = Some(event.time);
            }
        }
    }

    /// `None` where it never came to that.
    pub(super) fn report(&self) -> Option<Progressed> {
        let since = self.since?;
        let words: Vec<String> = self.effects.iter().map(Effect::to_string).collect();
        let missing = |&(site, kind): &Step| {
            let what = if kind == Operated::Read { "read" } else { "update" };
            let place = format!(" in datacentre {}", site + 1);
            format!("no {what}{}", if self.layout.datacentres > 1 { place.as_str() } else { "" })
        };
        let often = |step: &&Step| self.asked.get(step).is_some_and(|&asked| asked >= Self::ASKED_ENOUGH);
        Some(Progressed {
            lost: if words.is_empty() { "nobody".to_owned() } else { words.join("; ") },
            within: self.made.map(|made| made.since(since)),
            missing: self.wanted.iter().filter(|step| often(step)).map(missing).collect(),
            asked: self.asked.values().sum(),
            answered: self.answered,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: &[&str] = &["network", "kill", "pause"];

    fn liveness(layout: Layout, seed: u64) -> Liveness {
        let mix = [Function::Read, Function::Write];
        Liveness::new(layout, EVERYTHING, systems::sim::POWERS, 6, &mix, Dice::new(seed))
    }

    #[test]
    fn a_majority_of_each_datacentre_is_left_and_clients_talk_to_it() {
        let layouts = [Layout::single(3), Layout::single(5), Layout { datacentres: 3, nodes_each: 3 }];
        for (seed, layout) in (0..60).zip(layouts.into_iter().cycle()) {
            let mut liveness = liveness(layout, seed);
            assert!(liveness.begin(Nanos(0), &[(1, Node(0))]).is_some());
            for site in layout.sites() {
                let lost = layout.members(site).filter(|node| liveness.lost.contains(node)).count();
                assert!((1..=usize::from(layout.nodes_each - 1) / 2).contains(&lost), "seed {seed}: {lost}");
            }
            for thread in 0..6 {
                let node = liveness.node_for(thread).unwrap();
                assert!(!liveness.lost.contains(&node));
                assert_eq!(u32::from(layout.datacentre(node)), thread % u32::from(layout.datacentres));
            }
        }
    }

    #[test]
    fn the_leader_is_among_the_lost_more_often_than_not() {
        let hit = (0..100).filter(|&seed| {
            let mut liveness = liveness(Layout::single(3), seed);
            liveness.begin(Nanos(0), &[(1, Node(2))]);
            liveness.lost.contains(&Node(2))
        });
        let hit = hit.count();
        assert!((50..90).contains(&hit), "{hit}");
    }

    #[test]
    fn what_was_hardly_asked_for_is_not_missed() {
        let missing = |reads: u64| {
            let mut liveness = liveness(Layout::single(3), 3);
            liveness.begin(Nanos(0), &[]);
            (0..reads).for_each(|_| liveness.asked(0, &Function::Read));
            (0..9).for_each(|_| liveness.asked(1, &Function::Write));
            liveness.report().unwrap().missing
        };
        assert_eq!(missing(Liveness::ASKED_ENOUGH), ["no read", "no update"]);
        assert_eq!(missing(1), ["no update"]);
    }

    #[test]
    fn what_has_no_minority_loses_nobody() {
        let mut liveness = liveness(Layout::single(2), 1);
        assert_eq!(liveness.begin(Nanos(0), &[]), None);
        assert_eq!(liveness.end(), []);
        assert_eq!(liveness.report().unwrap().lost, "nobody");
    }
}
