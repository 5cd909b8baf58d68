//! A fault that comes and goes: waits, aims, holds, ends, rests. It never acts, it only plans.

use histories::{Nanos, Node};

use super::aim::{self, Aim};
use super::partition;
use super::rhythm::{CALM, Rhythm, SUCCESSOR_POLL, SUCCESSOR_WAIT_MAX, retry};
use super::spec::{FaultKind, FaultSpec};
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
    name: String,
    kind: FaultKind,
    aim: Aim,
    nodes_min: usize,
    rhythm: Rhythm,
    phase: Phase,
    /// The end of a window in which it flaps, with its beginning.
    burst: Option<(Nanos, Nanos)>,
    last: Option<Node>,
    /// Term of the leader that was killed: the end waits for one with a higher.
    deposed: Option<u64>,
    /// `elected`: the leader was hit, and now whoever follows it is.
    provoked: bool,
}

impl Cycle {
    pub(super) fn new(spec: &FaultSpec, rhythm: Rhythm) -> Self {
        Self {
            name: spec.name(),
            kind: spec.kind,
            aim: spec.aim,
            nodes_min: spec.nodes_min(),
            rhythm,
            phase: Phase::Fresh,
            burst: None,
            last: None,
            deposed: None,
            provoked: false,
        }
    }

    fn effects(&self, view: &View, dice: &mut Dice) -> Option<Vec<Effect>> {
        if view.nodes.len() < self.nodes_min {
            return None;
        }
        if self.kind == FaultKind::Partition {
            return partition::cuts(self.aim, view, dice);
        }
        let nodes = aim::nodes(self.aim, self.last, view, dice)?;
        Some(vec![match self.kind {
            FaultKind::Kill => Effect::Kill { nodes },
            FaultKind::Pause => Effect::Pause { nodes },
            FaultKind::Clients | FaultKind::Partition => Effect::CutClients { nodes },
        }])
    }

    fn begin(&mut self, at_once: bool, view: &View, dice: &mut Dice) -> Plan {
        let wait = Plan { step: Step::Wait, wake: Some(retry(view.now)) };
        let calm = view.calm_since.is_some_and(|since| view.now.since(since) >= CALM);
        if !at_once && self.rhythm.every.is_none() && !calm {
            return wait;
        }
        let Some(effects) = self.effects(view, dice) else { return wait };
        self.remember(&effects, view);
        let hold = match self.rhythm.flap {
            Some((on, _)) => {
                let window = self.rhythm.hold.roll(dice);
                self.burst.get_or_insert((view.now, view.now + window));
                on.roll(dice)
            }
            // The provocation ends as soon as there is a successor.
            None if self.aim == Aim::Elected && !self.provoked => SUCCESSOR_POLL,
            None => self.rhythm.hold.roll(dice),
        };
        let until = view.now + hold;
        self.phase = Phase::InForce { began: view.now, until };
        Plan { step: Step::Begin(effects), wake: Some(until) }
    }

    /// Whom it hits, and whether the leader is among them and those who are left can elect another.
    fn remember(&mut self, effects: &[Effect], view: &View) {
        self.deposed = None;
        for effect in effects {
            let (Effect::Kill { nodes } | Effect::Pause { nodes }) = effect else { continue };
            self.last = nodes.last().copied();
            let left = view.nodes.len() - view.down.union(&nodes.iter().copied().collect()).count();
            let awaited = self.kind == FaultKind::Kill || self.aim == Aim::Elected;
            if awaited && left >= view.majority() && view.leader().is_some_and(|node| nodes.contains(&node)) {
                self.deposed = view.leaders.iter().map(|&(term, _)| term).max();
            }
        }
    }

    fn end(&mut self, began: Nanos, until: Nanos, view: &View, dice: &mut Dice) -> Plan {
        if view.now < until {
            return Plan { step: Step::Wait, wake: Some(until) };
        }
        let succeeded = |deposed| view.leaders.iter().any(|&(term, _)| term > deposed);
        if self.deposed.is_some_and(|term| !succeeded(term)) && view.now.since(began) < SUCCESSOR_WAIT_MAX {
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
        if self.aim == Aim::Elected && !self.provoked {
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
        self.kind.needs()
    }

    fn plan(&mut self, view: &View, dice: &mut Dice) -> Plan {
        match self.phase {
            Phase::Fresh => {
                self.phase = Phase::Due { at_once: false };
                Plan { step: Step::Wait, wake: Some(view.now + self.rhythm.first.roll(dice)) }
            }
            Phase::Due { at_once } => self.begin(at_once, view, dice),
            Phase::InForce { began, until } => self.end(began, until, view, dice),
        }
    }
}
