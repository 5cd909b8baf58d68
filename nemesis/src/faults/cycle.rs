//! A fault that comes and goes: waits, aims, holds, ends, rests. It never acts, it only plans.

use std::collections::BTreeSet;

use histories::{Nanos, Node};

use super::aim::Aim;
use super::amount::Amount;
use super::rhythm::{CALM, Rhythm, SUCCESSOR_POLL, SUCCESSOR_WAIT_MAX, retry};
use super::spec::FaultSpec;
use super::table::Make;
use super::trigger::Watch;
use super::{links, partition, targets};
use crate::{Dice, Effect, Fault, Plan, Powers, Step, View};

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Not asked yet.
    Fresh,
    /// Begins as soon as it can aim. `at_once`: within a window already, so it need not be calm first.
    Due {
        at_once: bool,
    },
    InForce {
        began: Nanos,
        until: Nanos,
    },
}

/// Any fault of the catalogue, in its rhythm.
#[derive(Debug)]
pub(super) struct Cycle {
    spec: FaultSpec,
    name: String,
    rhythm: Rhythm,
    phase: Phase,
    /// The end of a window in which it flaps, with its beginning.
    burst: Option<(Nanos, Nanos)>,
    last: Option<Node>,
    /// The leader that was hit: the end waits for one of a higher term in its datacentre.
    deposed: Option<Deposed>,
    /// What it waits for before it begins.
    watch: Option<Watch>,
    /// `elected`: the leader was hit, and now whoever follows it is.
    provoked: bool,
}

#[derive(Clone, Copy, Debug)]
struct Deposed {
    datacentre: u16,
    term: u64,
}

impl Cycle {
    pub(super) fn new(spec: &FaultSpec, rhythm: Rhythm) -> Self {
        Self {
            spec: spec.clone(),
            name: spec.name(),
            rhythm,
            phase: Phase::Fresh,
            burst: None,
            last: None,
            deposed: None,
            watch: spec.on.clone().map(Watch::new),
            provoked: false,
        }
    }

    fn effects(&self, view: &View, dice: &mut Dice) -> Option<Vec<Effect>> {
        if self.spec.refusal(view.layout).is_some() {
            return None;
        }
        if self.spec.aim != Aim::Any {
            return self.aimed(self.spec.aim, view, dice);
        }
        let mut aims = Aim::any(self.spec.kind, view.layout);
        dice.shuffle(&mut aims);
        aims.into_iter().find_map(|aim| self.aimed(aim, view, dice))
    }

    fn aimed(&self, aim: Aim, view: &View, dice: &mut Dice) -> Option<Vec<Effect>> {
        let FaultSpec { kind, by, .. } = self.spec;
        let effect = match kind.entry().make {
            Make::Cuts => return partition::cuts(aim, view, dice),
            Make::Links(change) => {
                return links::changes(aim, change(Amount::roll(by, kind, dice)), view, dice);
            }
            Make::Nodes(effect) => effect,
        };
        let nodes = targets::nodes(kind, aim, self.last, view, dice)?;
        if kind.unit().is_none() {
            return Some(vec![effect(nodes, 0)]);
        }
        // To each its own amount: clocks that are all off by the same are not off.
        Some(nodes.into_iter().map(|node| effect(vec![node], Amount::roll(by, kind, dice))).collect())
    }

    fn begin(&mut self, at_once: bool, view: &View, dice: &mut Dice) -> Plan {
        let wait = Plan { step: Step::Wait, wake: Some(retry(view.now)) };
        let calm = view.calm_since.is_some_and(|since| view.now.since(since) >= CALM);
        if let Some(watch) = self.watch.as_mut().filter(|_| !at_once) {
            if !watch.has_gone_off(view) {
                return Plan { step: Step::Wait, wake: Some(Watch::next_look(view.now)) };
            }
        } else if !at_once && self.rhythm.every.is_none() && !self.is_condition() && !calm {
            return wait;
        }
        let Some(effects) = self.effects(view, dice) else { return wait };
        if let Some(watch) = &mut self.watch {
            watch.note(view);
        }
        self.remember(&effects, view);
        let hold = match self.rhythm.flap {
            Some((on, _)) => {
                let window = self.rhythm.hold.roll(dice);
                self.burst.get_or_insert((view.now, view.now + window));
                on.roll(dice)
            }
            // The provocation ends as soon as there is a successor.
            None if self.spec.aim == Aim::Elected && !self.provoked => SUCCESSOR_POLL,
            None => self.rhythm.hold.roll(dice),
        };
        let until = view.now + hold;
        self.phase = Phase::InForce { began: view.now, until };
        Plan { step: Step::Begin(effects), wake: Some(until) }
    }

    /// Whom it hits, and whether a leader is among them and those who are left can elect another.
    fn remember(&mut self, effects: &[Effect], view: &View) {
        let hit: BTreeSet<Node> = effects.iter().flat_map(Effect::downs).copied().collect();
        self.last = hit.last().copied().or(self.last);
        let awaited = self.spec.kind.crashes() || self.spec.aim == Aim::Elected;
        let leads = view.leads().filter(|node| awaited && hit.contains(node));
        self.deposed = leads.map(|node| view.layout.datacentre(node)).find_map(|datacentre| {
            let left = view
                .layout
                .members(datacentre)
                .filter(|node| !(hit.contains(node) || view.down.contains(node)));
            let here = |node: Node| view.layout.datacentre(node) == datacentre;
            let term = view.leaders.iter().filter(|&&(_, node)| here(node)).map(|&(term, _)| term).max()?;
            let electable = left.count() > usize::from(view.layout.nodes_each) / 2;
            electable.then_some(Deposed { datacentre, term })
        });
    }

    /// A leader followed the one that was hit, or none was hit for whom one is awaited.
    fn succeeded(&self, view: &View) -> bool {
        let follows = |deposed: Deposed| {
            view.leaders.iter().any(|&(term, node)| {
                term > deposed.term && view.layout.datacentre(node) == deposed.datacentre
            })
        };
        self.deposed.is_none_or(follows)
    }

    fn end(&mut self, began: Nanos, until: Nanos, view: &View, dice: &mut Dice) -> Plan {
        if view.now < until {
            return Plan { step: Step::Wait, wake: Some(until) };
        }
        if !self.succeeded(view) && view.now.since(began) < SUCCESSOR_WAIT_MAX {
            return Plan { step: Step::Wait, wake: Some(view.now + SUCCESSOR_POLL) };
        }
        let next = self.after(began, view.now, dice);
        Plan { step: Step::End, wake: Some(next) }
    }

    /// When to begin again, and in which phase.
    fn after(&mut self, began: Nanos, now: Nanos, dice: &mut Dice) -> Nanos {
        self.phase = Phase::Due { at_once: true };
        if let (Some((_, off)), Some((_, until))) = (self.rhythm.flap, self.burst)
            && now < until
        {
            return now + off.roll(dice);
        }
        if self.spec.aim == Aim::Elected && !self.provoked {
            self.provoked = true;
            return now;
        }
        self.phase = Phase::Due { at_once: false };
        self.provoked = false;
        let window_began = self.burst.take().map_or(began, |(began, _)| began);
        self.rhythm.next(window_began, now, dice)
    }
}

impl Fault for Cycle {
    fn name(&self) -> &str {
        &self.name
    }

    fn needs(&self) -> Powers {
        self.spec.needs().into()
    }

    fn is_condition(&self) -> bool {
        self.spec.kind.entry().is_condition
    }

    fn plan(&mut self, view: &View, dice: &mut Dice) -> Plan {
        match self.phase {
            Phase::Fresh => {
                self.phase = Phase::Due { at_once: false };
                if let Some(watch) = &mut self.watch {
                    watch.note(view);
                }
                Plan { step: Step::Wait, wake: Some(view.now + self.rhythm.first.roll(dice)) }
            }
            Phase::Due { at_once } => self.begin(at_once, view, dice),
            Phase::InForce { began, until } => self.end(began, until, view, dice),
        }
    }
}
