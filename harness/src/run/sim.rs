//! The simulated stage: a world in virtual time and a tape. It never waits, and writes no file by itself.

use std::collections::{BTreeSet, VecDeque};
use std::fs;

use histories::{Draft, Kind, Nanos, Op, Process, Tape};
use nemesis::{Action, Schedule};
use systems::Status;
use systems::lies::{self, SharedLiar};
use systems::sim::{Figures, Happened, Request, Setup, Simulation};

use super::lag::LagFile;
use super::prepared::Prepared;
use super::{Conducted, RunError, RunFolder, conduct};
use crate::plan::spec::{OnViolation, RunSpec};
use crate::run::progress::{Ends, Interrupt, Phase, Progress};
use crate::run::stage::{Call, Stage, StageEvent};

/// A run that took place in a world.
pub(crate) struct Simulated {
    pub(crate) conducted: Conducted,
    pub(crate) tape: Tape,
    pub(crate) figures: Figures,
    /// States of the cluster that were seen from outside.
    pub(crate) states: BTreeSet<&'static str>,
    /// Of the world, in virtual time.
    pub(crate) lasted: Nanos,
}

/// What is kept of a run beside its history.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) lag: Option<LagFile>,
    pub(crate) trace: bool,
}

/// Conducts a run in a world of its own, in memory.
pub(crate) fn simulate(
    spec: &RunSpec,
    prepared: &Prepared,
    watch: Watch,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<Simulated, RunError> {
    let name = spec.system.name();
    let simulator =
        spec.system.simulator().ok_or_else(|| RunError::Harness(format!("{name} cannot be simulated")))?;
    let setup = Setup {
        layout: spec.layout,
        clients: spec.clients,
        seed: spec.seed,
        service: Nanos::ZERO,
        trace: watch.trace,
    };
    let world = simulator.simulate(&spec.mode, &setup).map_err(RunError::harness)?;
    let liar = spec.telling.map(|telling| SharedLiar::new(telling, spec.seed));
    let world = match &liar {
        Some(liar) => lies::in_world(world, liar.clone()),
        None => world,
    };
    let mut stage = SimStage::new(world, spec.clients, watch.lag);
    progress.phase(Phase::Running);
    let mut conductor = prepared.conductor(spec);
    // A simulated run ends before its beginning could be checked beside it.
    let ends = Ends::by(interrupt, OnViolation::GoOn);
    let mut conducted = conduct(&mut conductor, &mut stage, progress, &ends).map_err(RunError::Harness)?;
    conducted.trace = stage.world.trace().to_vec();
    conducted.observed = liar.map(|liar| liar.observed());
    conducted.broken = stage.world.broken().map(str::to_owned);
    Ok(Simulated {
        conducted,
        figures: stage.world.figures(),
        lasted: stage.world.now(),
        states: stage.states,
        tape: stage.tape,
    })
}

/// A simulated run whose history is written to its folder.
pub(super) fn drive(
    spec: &RunSpec,
    prepared: &Prepared,
    folder: &RunFolder,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<Conducted, RunError> {
    let lag = LagFile::create(&folder.lag()).map_err(RunError::harness)?;
    let watch = Watch { lag: Some(lag), trace: spec.trace };
    let run = simulate(spec, prepared, watch, progress, interrupt)?;
    let bytes = run.tape.to_bytes(&prepared.header(spec, ""));
    fs::write(folder.history(), bytes).map_err(RunError::harness)?;
    Ok(run.conducted)
}

struct SimStage {
    world: Box<dyn Simulation>,
    tape: Tape,
    open: Vec<Option<Call>>,
    told: VecDeque<StageEvent>,
    status_at: Nanos,
    states: BTreeSet<&'static str>,
    lag: Option<LagFile>,
}

impl SimStage {
    const STATUS_INTERVAL: Nanos = Nanos::from_millis(100);

    fn new(world: Box<dyn Simulation>, threads: u32, lag: Option<LagFile>) -> Self {
        Self {
            world,
            tape: Tape::default(),
            open: vec![None; threads as usize],
            told: VecDeque::new(),
            status_at: Nanos::ZERO,
            states: BTreeSet::new(),
            lag,
        }
    }

    fn completed(&mut self, thread: u32, completion: systems::Completion) -> StageEvent {
        let Some(call) = self.open.get_mut(thread as usize).and_then(Option::take) else {
            return StageEvent::Failed(format!("thread {thread} was answered and had not asked"));
        };
        let event = self.tape.record(self.world.now(), call.completed(completion)).clone();
        StageEvent::Completed { thread, event }
    }

    fn look(&mut self) -> StageEvent {
        self.status_at = self.status_at + Self::STATUS_INTERVAL;
        let status = self.world.status();
        self.states.extend(states(&status));
        let written = self.lag.as_mut().map_or(Ok(()), |lag| lag.append(self.world.now(), &status));
        match written {
            Ok(()) => StageEvent::Status(status),
            Err(error) => StageEvent::Failed(format!("cannot write lag.csv: {error}")),
        }
    }
}

impl Stage for SimStage {
    fn now(&self) -> Nanos {
        self.world.now()
    }

    fn submit(&mut self, call: Call) {
        self.tape.record(self.world.now(), call.invoked());
        let Call { thread, process, node, op, deadline } = call.clone();
        if let Some(open) = self.open.get_mut(thread as usize) {
            *open = Some(call);
        }
        self.world.submit(Request { thread, process, node, op, deadline });
    }

    fn apply(&mut self, action: Action) {
        let record = |tape: &mut Tape, now: Nanos, op: Op| {
            tape.record(now, Draft::new(Process::Nemesis, Kind::Info, op));
        };
        let now = self.world.now();
        let step = Schedule::describe(&action);
        record(&mut self.tape, now, step.to_op());
        let applied = self.world.apply(&action);
        record(&mut self.tape, now, step.done(applied.clone()).to_op());
        self.told.push_back(StageEvent::Applied { action, applied });
    }

    fn next(&mut self, until: Nanos) -> StageEvent {
        if let Some(event) = self.told.pop_front() {
            return event;
        }
        if self.world.now() >= self.status_at {
            return self.look();
        }
        match self.world.advance(until.min(self.status_at)) {
            Happened::Completed { thread, completion } => self.completed(thread, completion),
            Happened::Nothing => StageEvent::Time,
        }
    }
}

/// What a look at a cluster finds, in words for the coverage of a hunt.
fn states(status: &Status) -> impl Iterator<Item = &'static str> + use<> {
    const LAGS: u64 = 50;
    let leaders = status.leaders.len();
    [
        (leaders == 0, "nobody leads"),
        (leaders == 1, "one leads"),
        (leaders > 1, "several lead"),
        (status.leaders.iter().any(|(term, _)| *term >= 10), "tenth term"),
        (status.lag.iter().any(|(_, lag)| lag.entries >= LAGS), "somebody lags by 50"),
        (status.up.len() <= 1, "at most one node is up"),
        (status.ready, "ready"),
        (!status.ready, "not ready"),
    ]
    .into_iter()
    .filter_map(|(seen, state)| seen.then_some(state))
}
