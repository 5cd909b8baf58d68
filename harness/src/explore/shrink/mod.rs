//! Shrinking: the smallest run, or history, that still fails the same check.

mod delta;
pub(crate) mod history;
mod justified;
mod target;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use histories::{Nanos, Node};
use nemesis::{Effect, Layout, ScriptedFault};

use self::delta::minimize;
pub(crate) use self::target::Target;
use crate::judge::{Trial, trial};
use crate::load::script::{Script, ScriptedOperation};
use crate::plan::spec::RunSpec;
use crate::report::shrunk::Size;
use crate::run::RunError;
use crate::run::progress::Interrupt;

/// What a person can follow: above it, other seeds are tried.
const FAULTS_FEW: usize = 5;
const OPERATIONS_FEW: usize = 20;
const SEEDS_OTHER: u64 = 40;

/// A run that fails, and tries at smaller ones.
pub(crate) struct Shrinking<'a> {
    spec: RunSpec,
    script: Script,
    target: Target,
    interrupt: &'a Interrupt,
    deadline: Instant,
    pub(crate) trials: u64,
}

impl<'a> Shrinking<'a> {
    /// `None` where the run does not fail. The same run with its faults and operations at fixed times fails, too, be it
    /// with latencies and losses of another seed, or there is nothing to take away from.
    pub(crate) fn start(
        spec: &RunSpec,
        interrupt: &'a Interrupt,
        time: Duration,
    ) -> Result<Option<Self>, RunError> {
        let Trial { outcome, script, .. } = trial(spec, interrupt)?;
        let Some(target) = Target::of(&outcome) else { return Ok(None) };
        let deadline = Instant::now() + time;
        let mut shrinking = Self { spec: spec.clone(), script, target, interrupt, deadline, trials: 1 };
        let whole = shrinking.script.clone();
        let mut seeds = (0..=SEEDS_OTHER).map(|step| spec.seed.wrapping_add(step));
        if !seeds.any(|seed| shrinking.accepts(&RunSpec { seed, ..spec.clone() }, &whole)) {
            return Err(RunError::Harness(
                "the run fails, but not with its operations at fixed times; nothing can be taken away"
                    .to_owned(),
            ));
        }
        Ok(Some(shrinking))
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn spec(&self) -> RunSpec {
        with(&self.spec, &self.script)
    }

    pub(crate) fn size(&self) -> Size {
        let operations = self.script.operations.as_deref().unwrap_or_default();
        let count = |keys: BTreeSet<String>| keys.len();
        Size {
            faults: self.script.faults.len(),
            operations: operations.len(),
            nodes: self.spec.layout.total(),
            clients: operations.iter().map(|operation| operation.thread).collect::<BTreeSet<_>>().len(),
            keys: count(
                operations.iter().filter_map(|o| o.key.as_ref().map(|key| key.as_str().to_owned())).collect(),
            ),
            seconds: self.spec.time.as_secs(),
        }
    }

    /// Takes away what can be taken away, the largest parts first, until nothing more can.
    pub(crate) fn run(&mut self) {
        self.without_freeze();
        loop {
            let before = (self.script.clone(), self.spec.time, self.spec.layout);
            self.fewer_faults();
            self.less_time();
            self.fewer_nodes();
            self.fewer_of(|operation| operation.key.as_ref().map(|key| key.as_str().to_owned()));
            self.fewer_of(|operation| operation.thread);
            self.fewer_operations();
            self.shorter_faults();
            let stuck = before == (self.script.clone(), self.spec.time, self.spec.layout);
            if self.spent() || stuck && !(self.is_large() && self.in_other_weather()) {
                return;
            }
        }
    }

    fn is_large(&self) -> bool {
        let Size { faults, operations, .. } = self.size();
        faults > FAULTS_FEW || operations > OPERATIONS_FEW
    }

    /// Half of the operations, with latencies and losses of another seed: what is left out changes what happens to the rest,
    /// so that a run may be stuck by mere bad luck.
    fn in_other_weather(&mut self) -> bool {
        let all = self.operations();
        let half = all.len().div_ceil(2);
        (1..=SEEDS_OTHER).any(|step| {
            let spec = RunSpec { seed: self.spec.seed.wrapping_add(step), ..self.spec.clone() };
            [0, all.len() - half, half / 2].into_iter().any(|from| {
                let kept = all.iter().skip(from).take(half).cloned().collect();
                let script = Script { operations: Some(kept), ..self.script.clone() };
                self.accepts(&spec, &script)
            })
        })
    }

    fn spent(&self) -> bool {
        Instant::now() >= self.deadline || self.interrupt.is_set()
    }

    /// Whether this one fails in the same way; then it is what is shrunk further.
    fn accepts(&mut self, spec: &RunSpec, script: &Script) -> bool {
        if self.spent() {
            return false;
        }
        self.trials += 1;
        let fails =
            trial(&with(spec, script), self.interrupt).is_ok_and(|trial| self.target.is_hit(&trial.outcome));
        if fails {
            (self.spec, self.script) = (spec.clone(), script.clone());
        }
        fails
    }

    /// Nothing where the time is up.
    fn tries(&mut self, spec: &RunSpec, script: &Script) -> Option<bool> {
        (!self.spent()).then(|| self.accepts(spec, script))
    }

    /// What is lost at the end hardly ever matters, unless progress does.
    fn without_freeze(&mut self) {
        let (spec, script) = (RunSpec { liveness: false, ..self.spec.clone() }, self.script.clone());
        if self.spec.liveness {
            self.accepts(&spec, &script);
        }
    }

    fn fewer_faults(&mut self) {
        let (spec, script) = (self.spec.clone(), self.script.clone());
        minimize(&script.faults, |faults| {
            self.tries(&spec, &Script { faults: faults.to_vec(), ..script.clone() })
        });
    }

    fn operations(&self) -> Vec<ScriptedOperation> {
        self.script.operations.clone().unwrap_or_default()
    }

    fn fewer_operations(&mut self) {
        let (spec, script) = (self.spec.clone(), self.script.clone());
        let all = self.operations();
        minimize(&all, |kept| {
            self.tries(&spec, &Script { operations: Some(kept.to_vec()), ..script.clone() })
        });
    }

    /// Leaves out all operations of a key, or of a client, at once.
    fn fewer_of<K: Ord + Clone>(&mut self, group: impl Fn(&ScriptedOperation) -> K) {
        let (spec, script) = (self.spec.clone(), self.script.clone());
        let all = self.operations();
        let groups: Vec<K> = all.iter().map(&group).collect::<BTreeSet<_>>().into_iter().collect();
        minimize(&groups, |kept| {
            let kept = all.iter().filter(|operation| kept.contains(&group(operation))).cloned().collect();
            self.tries(&spec, &Script { operations: Some(kept), ..script.clone() })
        });
    }

    fn less_time(&mut self) {
        for share in [4_u32, 2] {
            while self.spec.time > Duration::from_secs(2) {
                let time = self.spec.time.saturating_sub(self.spec.time / share);
                let spec = RunSpec { time, ..self.spec.clone() };
                let end: Nanos = time.into();
                let mut script = self.script.clone();
                script.operations = script.operations.map(|mut operations| {
                    operations.retain(|operation| operation.at < end);
                    operations
                });
                if !self.accepts(&spec, &script) {
                    break;
                }
            }
        }
    }

    fn fewer_nodes(&mut self) {
        while self.spec.layout.datacentres == 1 && self.spec.layout.nodes_each > 3 {
            let nodes = self.spec.layout.nodes_each - 1;
            let spec = RunSpec { layout: Layout::single(nodes), ..self.spec.clone() };
            let mut script = self.script.clone();
            for operation in script.operations.iter_mut().flatten() {
                operation.node = Node(operation.node.0 % nodes);
            }
            for fault in &mut script.faults {
                fault.effects = fault.effects.iter().map(|effect| among(effect, nodes)).collect();
            }
            if !self.accepts(&spec, &script) {
                return;
            }
        }
    }

    /// Ends each fault earlier, by halves.
    fn shorter_faults(&mut self) {
        for place in 0..self.script.faults.len() {
            for _ in 0..4 {
                let mut script = self.script.clone();
                let ScriptedFault { from, until, .. } = &mut script.faults[place];
                let end: Nanos = self.spec.time.into();
                let lasts = (*until).min(end).since(*from);
                if lasts < Nanos::from_millis(50) {
                    break;
                }
                *until = *from + Nanos(lasts.0 / 2);
                let spec = self.spec.clone();
                if !self.accepts(&spec, &script) {
                    break;
                }
            }
        }
    }
}

fn with(spec: &RunSpec, script: &Script) -> RunSpec {
    RunSpec { script: Some(Arc::new(script.clone())), ..spec.clone() }
}

/// The effect on the nodes that are left.
fn among(effect: &Effect, nodes: u16) -> Effect {
    let left = |of: &Vec<Node>| of.iter().copied().filter(|node| node.0 < nodes).collect::<Vec<_>>();
    match effect {
        Effect::Cut { from, to } => Effect::Cut { from: left(from), to: left(to) },
        Effect::Link { from, to, change } => Effect::Link { from: left(from), to: left(to), change: *change },
        Effect::CutClients { nodes } => Effect::CutClients { nodes: left(nodes) },
        Effect::Kill { nodes } => Effect::Kill { nodes: left(nodes) },
        Effect::Pause { nodes } => Effect::Pause { nodes: left(nodes) },
        Effect::Power { nodes } => Effect::Power { nodes: left(nodes) },
        Effect::Clock { nodes, change } => Effect::Clock { nodes: left(nodes), change: *change },
        Effect::Disk { nodes, change } => Effect::Disk { nodes: left(nodes), change: *change },
    }
}
