//! The conductor: generator, fault schedule and clients in step. Pure: time and completions come in, decisions go out.
//!
//! A run goes through [`Part`]s: faults and workload together; the faults healed and the workload going on, so that
//! recovery can be measured; where asked for, a minority lost again and progress required of the others ([`Liveness`]);
//! what is open drained; the cluster given time to settle; and the epilogue's reads.

mod clients;
mod liveness;

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use histories::{Event, Key, Nanos, Node, Op};
use indexmap::IndexSet;
use nemesis::{Action, Dice, Layout, Schedule, View};
use systems::{Ground, Routing, Status};

use self::clients::Clients;
pub use self::liveness::{Liveness, Progressed};
use crate::load::generator::{Context, Generator, Next};
use crate::load::script::{Scripted, ScriptedOperation};
use crate::load::workloads::{Shape, Workload};
use crate::run::Pace;
use crate::run::stage::{Call, StageEvent};

/// How long things take, and who takes part.
#[derive(Clone, Debug)]
pub struct Score {
    /// Of the workload; the faults are healed before it ends, see [`Score::heal_at`].
    pub time: Nanos,
    pub operation_deadline: Nanos,
    pub operations_max: Option<u64>,
    pub routing: Routing,
    pub threads: u32,
    pub layout: Layout,
}

impl Score {
    const RECOVERY_MAX: Nanos = Nanos::from_secs(3);
    /// How long the cluster may take until it is ready for the epilogue.
    pub const SETTLE_MAX: Nanos = Nanos::from_secs(15);

    /// The workload's last sixth, at most three seconds, runs without faults.
    pub fn heal_at(&self) -> Nanos {
        Self::heal_time(self.time)
    }

    /// When the faults of a workload of that length are healed.
    pub(crate) fn heal_time(time: Nanos) -> Nanos {
        time.since(Nanos(time.0 / 6).min(Self::RECOVERY_MAX))
    }
}

/// How long a workload has to be for its faults to be healed no earlier than at `at`.
pub(crate) fn time_to_heal_at(at: Nanos) -> Nanos {
    at + Nanos(at.0.div_ceil(5)).min(Score::RECOVERY_MAX)
}

/// What a stage is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Submit(Call),
    Apply(Action),
    /// Nothing before this time, unless something completes.
    Wait(Nanos),
    Done,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Faults,
    Recovery,
    /// A minority is lost, and the others have to make progress.
    Freeze,
    Drain,
    Settle,
    Epilogue,
    Done,
}

pub struct Conductor {
    score: Score,
    workload: &'static dyn Workload,
    shape: Shape,
    part: Part,
    /// When the current part began.
    since: Nanos,
    generator: Box<dyn Generator>,
    schedule: Schedule,
    liveness: Option<Liveness>,
    leaders: Vec<(u64, Node)>,
    ground: Ground,
    /// How many of the keys are at home in each datacentre.
    homes: BTreeMap<u16, usize>,
    clients: Clients,
    generator_dice: Dice,
    /// Keys that were used, for the final reads.
    keys: IndexSet<Key>,
    actions: VecDeque<Action>,
    /// An action is being carried out.
    acting: bool,
    ready: bool,
    settled: bool,
    operations: u64,
    pace: Pace,
    /// When the workload could issue an operation, or wait for its rate, since when.
    able_since: Option<Nanos>,
}

impl Conductor {
    pub fn new(
        score: Score,
        workload: &'static dyn Workload,
        shape: Shape,
        faults: Schedule,
        dice: &Dice,
    ) -> Self {
        Self {
            part: Part::Faults,
            since: Nanos::ZERO,
            generator: workload_generator(workload, &shape, &score),
            schedule: faults,
            liveness: None,
            leaders: Vec::new(),
            ground: Ground::default(),
            homes: BTreeMap::new(),
            clients: Clients::new(score.threads, dice.split("routing")),
            generator_dice: dice.split("generator"),
            keys: IndexSet::new(),
            actions: VecDeque::new(),
            acting: false,
            ready: false,
            settled: true,
            operations: 0,
            pace: Pace::default(),
            able_since: None,
            score,
            workload,
            shape,
        }
    }

    /// What faults may know of the system.
    #[must_use]
    pub fn on(self, ground: Ground) -> Self {
        Self { ground, ..self }
    }

    /// Requires progress once the workload is over.
    #[must_use]
    pub fn requires_progress(self, liveness: Liveness) -> Self {
        Self { liveness: Some(liveness), ..self }
    }

    /// Issues these operations in place of the workload's.
    pub(crate) fn scripted(mut self, operations: &[ScriptedOperation]) -> Self {
        self.generator = Box::new(Scripted::new(operations, self.score.threads));
        self
    }

    pub fn part(&self) -> Part {
        self.part
    }

    /// Operations issued so far.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// How long clients wait for an answer.
    pub(crate) fn deadline(&self) -> Nanos {
        self.score.operation_deadline
    }

    /// How the workload was issued; whether the loop around the conductor stood still it does not know.
    pub(crate) fn pace(&self) -> Pace {
        self.pace.clone()
    }

    /// Whether the cluster became ready for the epilogue in time.
    pub fn settled(&self) -> bool {
        self.settled
    }

    /// What came of the progress that was required; `None` where it never came to that.
    pub fn progressed(&self) -> Option<Progressed> {
        self.liveness.as_ref().and_then(Liveness::report)
    }

    pub fn poll(&mut self, now: Nanos) -> Decision {
        if self.part <= Part::Recovery {
            self.pace.lasted = now;
            self.pace.able =
                self.pace.able + self.able_since.take().map_or(Nanos::ZERO, |since| now.since(since));
        }
        loop {
            let step = match self.part {
                Part::Faults => self.poll_faults(now),
                Part::Recovery => self.poll_recovery(now),
                Part::Freeze => self.poll_freeze(now),
                Part::Drain => self.poll_drain(now),
                Part::Settle => self.poll_settle(now),
                Part::Epilogue => self.poll_epilogue(now),
                Part::Done => Some(Decision::Done),
            };
            if let Some(decision) = step {
                return decision;
            }
        }
    }

    /// Takes what a stage tells.
    pub fn observe(&mut self, event: &StageEvent) {
        match event {
            StageEvent::Completed { thread, event } => self.completed(*thread, event),
            StageEvent::Applied { .. } => self.acting = false,
            StageEvent::Status(status) => self.status(status),
            StageEvent::Time | StageEvent::NodeEnded | StageEvent::Failed(_) => {}
        }
    }

    fn completed(&mut self, thread: u32, event: &Event) {
        // What a process was told that was renewed meanwhile, the one after it does not know.
        let known = self.clients.is(thread, event.process);
        self.clients.give_back(thread, event);
        if known {
            self.generator.observe(event);
        }
        if let Some(liveness) = &mut self.liveness {
            liveness.answered(thread, event);
        }
    }

    fn status(&mut self, status: &Status) {
        self.leaders.clone_from(&status.leaders);
        self.ready = status.ready;
    }

    fn enter(&mut self, part: Part, now: Nanos) -> Option<Decision> {
        self.part = part;
        self.since = now;
        None
    }

    fn poll_faults(&mut self, now: Nanos) -> Option<Decision> {
        if now >= self.score.heal_at() {
            return self.enter(Part::Recovery, now).or_else(|| self.heal());
        }
        if !self.acting && self.actions.is_empty() {
            let view = self.view(now);
            self.actions.extend(self.schedule.poll(&view));
        }
        if let Some(action) = self.next_action() {
            return Some(Decision::Apply(action));
        }
        let wake = if self.acting { None } else { self.schedule.next_wake() };
        let until = wake.unwrap_or(Nanos::MAX).min(self.score.heal_at());
        self.poll_generator(now, until, Part::Recovery).or_else(|| self.heal())
    }

    fn view(&self, now: Nanos) -> View {
        // Of equals the first: which one it is must not change from look to look.
        let home = self.homes.iter().max_by_key(|&(&site, &keys)| (keys, Reverse(site)));
        View {
            links: self.ground.links.clone(),
            home: home.map(|(&site, _)| site),
            acks: self.clients.acks,
            in_flight: self.clients.in_flight(),
            ..View::new(now, self.score.layout, self.leaders.clone())
        }
    }

    fn heal(&mut self) -> Option<Decision> {
        self.actions.clear();
        self.actions.extend(self.schedule.end());
        None
    }

    fn next_action(&mut self) -> Option<Action> {
        if self.acting {
            return None;
        }
        let action = self.actions.pop_front()?;
        self.acting = true;
        // What the cluster said of itself before is no longer true.
        self.ready = false;
        Some(action)
    }

    fn poll_recovery(&mut self, now: Nanos) -> Option<Decision> {
        if let Some(action) = self.next_action() {
            return Some(Decision::Apply(action));
        }
        if now >= self.score.time {
            return self.enter(Part::Freeze, now);
        }
        self.poll_generator(now, self.score.time, Part::Freeze)
    }

    fn poll_freeze(&mut self, now: Nanos) -> Option<Decision> {
        if let Some(action) = self.next_action() {
            return Some(Decision::Apply(action));
        }
        let Some(liveness) = &mut self.liveness else { return self.enter(Part::Drain, now) };
        if self.acting {
            return Some(Decision::Wait(Nanos::MAX));
        }
        if !liveness.has_begun() {
            self.actions.extend(liveness.begin(now, &self.leaders));
            self.generator = probes(self.workload, &self.shape);
            // The new generator knows of no session.
            self.clients.renew();
            return None;
        }
        if liveness.is_over(now) {
            self.actions.extend(liveness.end());
            return self.enter(Part::Drain, now);
        }
        let until = liveness.deadline();
        self.poll_generator(now, until, Part::Drain)
    }

    fn poll_drain(&mut self, now: Nanos) -> Option<Decision> {
        if let Some(action) = self.next_action() {
            return Some(Decision::Apply(action));
        }
        if self.acting || !self.clients.all_free() {
            return Some(Decision::Wait(Nanos::MAX));
        }
        self.enter(Part::Settle, now)
    }

    fn poll_settle(&mut self, now: Nanos) -> Option<Decision> {
        let patience = self.since + Score::SETTLE_MAX;
        if !self.ready && now < patience {
            return Some(Decision::Wait(patience));
        }
        self.settled = self.ready;
        self.generator = self.workload.epilogue(&self.shape, self.keys.iter().cloned().collect());
        self.enter(Part::Epilogue, now)
    }

    fn poll_epilogue(&mut self, now: Nanos) -> Option<Decision> {
        if let Some(decision) = self.poll_generator(now, Nanos::MAX, Part::Done) {
            return Some(decision);
        }
        if !self.clients.all_free() {
            self.part = Part::Epilogue;
            return Some(Decision::Wait(Nanos::MAX));
        }
        None
    }

    /// The generator's next operation or how long it has none; `None` once it is done, and `then` has begun.
    fn poll_generator(&mut self, now: Nanos, until: Nanos, then: Part) -> Option<Decision> {
        if self.clients.free.is_empty() {
            return Some(Decision::Wait(until));
        }
        let context = Context {
            now,
            free: &self.clients.free,
            threads: self.score.threads,
            nodes: self.score.layout.total(),
        };
        let next = self.generator.next(&context, &mut self.generator_dice);
        if self.part <= Part::Recovery {
            self.pace.issued += u64::from(matches!(next, Next::Op(_)));
            self.able_since = matches!(next, Next::Op(_) | Next::Until(_)).then_some(now);
        }
        match next {
            Next::Op(invocation) => {
                self.call(invocation).map(Decision::Submit).or(Some(Decision::Wait(until)))
            }
            Next::Until(time) => Some(Decision::Wait(time.min(until))),
            Next::Pending => Some(Decision::Wait(until)),
            Next::Done => self.enter(then, now),
        }
    }

    /// Remembers the keys of an operation for the final reads.
    fn note_keys(&mut self, op: &Op) {
        for key in op.keys() {
            if !self.keys.contains(&key) {
                if let Some(home) = self.ground.home.as_ref().and_then(|home_of| home_of(&key)) {
                    *self.homes.entry(home).or_default() += 1;
                }
                self.keys.insert(key);
            }
        }
    }

    fn call(&mut self, invocation: crate::load::generator::Invocation) -> Option<Call> {
        let thread = self.clients.take(invocation.thread)?;
        let node = invocation.node.unwrap_or_else(|| self.route(thread));
        let node = self.spared(thread, &invocation.op).unwrap_or(node);
        self.note_keys(&invocation.op);
        self.clients.begin(thread, &invocation.op.function);
        self.operations += 1;
        let process = self.clients.processes[thread as usize];
        Some(Call { thread, process, node, op: invocation.op, deadline: self.score.operation_deadline })
    }
}

impl Conductor {
    /// While a minority is lost clients talk to the others.
    fn spared(&mut self, thread: u32, op: &Op) -> Option<Node> {
        let liveness = self.liveness.as_mut().filter(|_| self.part == Part::Freeze)?;
        liveness.asked(thread, &op.function);
        liveness.node_for(thread)
    }

    /// A client belongs to one datacentre for life.
    fn route(&mut self, thread: u32) -> Node {
        let Layout { datacentres, nodes_each } = self.score.layout;
        let datacentre = thread % u32::from(datacentres);
        let place = match self.score.routing {
            Routing::Sticky => u64::from(thread / u32::from(datacentres) % u32::from(nodes_each)),
            Routing::Roam => self.clients.routing.below(u64::from(nodes_each)),
        };
        Node(datacentre as u16 * nodes_each + place as u16)
    }
}

fn workload_generator(workload: &dyn Workload, shape: &Shape, score: &Score) -> Box<dyn Generator> {
    use crate::load::generator::{Limit, Rate};
    let mut generator = workload.generator(shape);
    if let Some(rate) = shape.rate {
        generator = Box::new(Rate::new(rate, generator));
    }
    if let Some(operations_max) = score.operations_max {
        generator = Box::new(Limit::new(operations_max, generator));
    }
    generator
}

/// What clients ask for while a minority is lost: the workload anew, with values of its own.
fn probes(workload: &dyn Workload, shape: &Shape) -> Box<dyn Generator> {
    let rate = Liveness::RATE;
    let shape = Shape { first_value: Liveness::FIRST_VALUE, rate: Some(rate), ..shape.clone() };
    Box::new(crate::load::generator::Rate::new(rate, workload.generator(&shape)))
}

#[cfg(test)]
mod tests;
