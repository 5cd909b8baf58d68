//! From a resolved run to its outcome: start, drive, heal, read, stop, check.

mod conduct;
mod folder;
mod judge;
mod lag;
mod live;
mod measure;

use std::sync::Arc;

use checkers::Budget;
use histories::{Clock, Header, History, ModelName, Nanos, Recorder};
use nemesis::{Dice, FaultSpec, Schedule};
use systems::{Cluster, Setup};

pub use conduct::{Conducted, conduct};
pub use folder::RunFolder;
pub use judge::{Facts, judge};

use crate::conductor::{Conductor, Score};
use crate::findings;
use crate::outcome::{ConvergenceReport, DurabilityReport, Outcome, RunOutcome, StalenessReport};
use crate::progress::{Interrupt, Phase, Progress};
use crate::spec::RunSpec;
use crate::workloads::{self, Shape, Workload};

/// The harness could not carry a run out: no verdict, and never a pass.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{0}")]
    Harness(String),
    /// Ctrl-C. What was recorded is in the folder.
    #[error("interrupted; what was recorded is in {0}")]
    Interrupted(String),
}

impl RunError {
    fn harness(error: impl std::fmt::Display) -> Self {
        Self::Harness(error.to_string())
    }
}

/// Carries a run out and checks its history.
pub fn execute(
    spec: &RunSpec,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<RunOutcome, RunError> {
    let prepared = Prepared::new(spec)?;
    let folder = RunFolder::create(spec).map_err(RunError::harness)?;
    progress.phase(Phase::Starting);
    prepared.notes.iter().for_each(|note| progress.note(note));
    let driven = drive(spec, &prepared, &folder, progress, interrupt);
    if !spec.keep {
        folder.remove_disks().map_err(RunError::harness)?;
    }
    let (conducted, failure) = match driven {
        Ok(conducted) if conducted.interrupted => {
            return Err(RunError::Interrupted(folder.path().display().to_string()));
        }
        Ok(conducted) => (conducted, None),
        Err(failure) => (Conducted::default(), Some(failure)),
    };
    progress.phase(Phase::Checking);
    let history = match histories::read::file(&folder.history()) {
        Ok(history) => history,
        Err(error) => return Err(failure.unwrap_or_else(|| RunError::harness(error))),
    };
    let mut outcome = check(spec, &prepared, &folder, &history, &conducted);
    if let Some(failure) = failure {
        // A failure of the harness is never a verdict, and never hides a counterexample.
        if outcome.outcome != Outcome::Violation {
            return Err(failure);
        }
        outcome.notes.push(format!("the harness failed: {failure}"));
    }
    folder.write_schedule(&history).map_err(RunError::harness)?;
    folder.write_outcome(&outcome).map_err(RunError::harness)?;
    Ok(outcome)
}

/// Everything about a run that can be refused before anything starts.
struct Prepared {
    workload: &'static dyn Workload,
    shape: Shape,
    faults: Vec<FaultSpec>,
    notes: Vec<String>,
}

impl Prepared {
    fn new(spec: &RunSpec) -> Result<Self, RunError> {
        let workload = workloads::by_name(&spec.workload)
            .ok_or_else(|| RunError::Harness(format!("no workload is called {:?}", spec.workload)))?;
        let faults = FaultSpec::parse_list(&spec.faults.join(",")).map_err(RunError::harness)?;
        let missing = Self::schedule(&faults, &Dice::new(spec.seed)).needs().missing(spec.system.powers());
        if !missing.is_empty() {
            return Err(RunError::Harness(format!(
                "{} cannot be had with --faults {}: nobody here can {}",
                spec.system.name(),
                spec.faults.join(","),
                missing.join(", ")
            )));
        }
        if let Some(fault) = faults.iter().find(|fault| fault.nodes_min() > usize::from(spec.layout.total()))
        {
            let (name, needed) = (fault.name(), fault.nodes_min());
            return Err(RunError::Harness(format!(
                "{name} takes {needed} nodes or more; this run has {}",
                spec.layout.total()
            )));
        }
        let mut functions = workload.mix();
        functions.push(histories::Function::Dump);
        let unsupported =
            functions.into_iter().filter(|function| !spec.system.supports(&spec.mode, function)).collect();
        let shape = Shape { threads: spec.clients, nodes: spec.layout.total(), rate: spec.rate, unsupported };
        let notes = shape
            .unsupported
            .iter()
            .map(|function| format!("{} has no {function}: left out of the workload", spec.mode.name))
            .collect();
        Ok(Self { workload, shape, faults, notes })
    }

    fn schedule(faults: &[FaultSpec], dice: &Dice) -> Schedule {
        Schedule::new(FaultSpec::build_all(faults), dice.split("faults"))
    }

    /// What both the mode promises and the workload's histories decide.
    fn demands(&self, spec: &RunSpec) -> Vec<ModelName> {
        spec.mode.promise.iter().copied().filter(|model| self.workload.models().contains(model)).collect()
    }

    fn conductor(&self, spec: &RunSpec) -> Conductor {
        let dice = Dice::new(spec.seed);
        let score = Score {
            time: spec.time.into(),
            operation_deadline: spec.deadline.into(),
            operations_max: spec.operations_max,
            routing: spec.routing,
            threads: spec.clients,
            layout: spec.layout,
        };
        let schedule = Self::schedule(&self.faults, &dice);
        Conductor::new(score, self.workload, self.shape.clone(), schedule, &dice)
    }

    fn header(&self, spec: &RunSpec, folder: &RunFolder) -> Header {
        Header {
            partita: Header::VERSION,
            suite: spec.suite.clone(),
            system: spec.system.name().to_owned(),
            mode: spec.mode.name.clone(),
            workload: spec.workload.clone(),
            nodes: spec.layout.nodes().map(|node| node.to_string()).collect(),
            seed: Some(spec.seed),
            started: folder.started().to_owned(),
            conflict: spec.mode.conflict(),
            demands: self.demands(spec),
        }
    }
}

/// Starts the cluster, conducts the run on it and stops it, whatever happens between.
fn drive(
    spec: &RunSpec,
    prepared: &Prepared,
    folder: &RunFolder,
    progress: &dyn Progress,
    interrupt: &Interrupt,
) -> Result<Conducted, RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(RunError::harness)?;
    let setup = Setup {
        mode: spec.mode.clone(),
        layout: spec.layout,
        clients: spec.clients,
        logs: folder.path().to_owned(),
        disks: folder.disks(),
        seed: spec.seed,
    };
    let cluster: Arc<dyn Cluster> =
        runtime.block_on(spec.system.start(&setup)).map_err(RunError::harness)?.into();
    let recorder = Recorder::create(&folder.history(), &prepared.header(spec, folder), Clock::monotonic())
        .map_err(RunError::harness)?;
    let recorder = Arc::new(recorder);
    let lag = lag::LagFile::create(&folder.lag()).map_err(RunError::harness)?;
    let mut stage = live::LiveStage::new(
        runtime.handle(),
        Arc::clone(&cluster),
        Arc::clone(&recorder),
        spec.clients,
        lag,
    );
    progress.phase(Phase::Running);
    let mut conductor = prepared.conductor(spec);
    let conducted = conduct(&mut conductor, &mut stage, progress, interrupt).map_err(RunError::Harness);
    runtime.block_on(stage.close());
    progress.phase(Phase::Stopping);
    let flushed = recorder.flush().map_err(RunError::harness);
    let stopped = runtime.block_on(cluster.stop()).map_err(RunError::harness);
    let conducted = conducted?;
    flushed?;
    stopped?;
    Ok(conducted)
}

fn check(
    spec: &RunSpec,
    prepared: &Prepared,
    folder: &RunFolder,
    history: &History,
    conducted: &Conducted,
) -> RunOutcome {
    let budget = Budget::new(spec.check_time, spec.check_memory_bytes);
    let findings = crate::checking::check(history, Some(prepared.workload.models()), &budget);
    let facts = Facts {
        mode: &spec.mode,
        mix: prepared
            .workload
            .mix()
            .into_iter()
            .filter(|f| !prepared.shape.unsupported.contains(f))
            .collect(),
        faults: prepared.faults.iter().map(FaultSpec::name).collect(),
        demands: prepared.demands(spec),
        settled: conducted.settled,
        history,
        findings: &findings,
    };
    let judgement = judge(&facts);
    let figure = |pick: fn(&checkers::Figures) -> bool| findings.iter().map(|f| &f.figures).find(|f| pick(f));
    let durability = figure(|f| f.durability.is_some()).and_then(|f| f.durability.as_ref());
    let convergence = figure(|f| f.convergence.is_some()).and_then(|f| f.convergence.as_ref());
    let staleness = figure(|f| f.staleness.is_some()).and_then(|f| f.staleness.as_ref());
    let file = folder.history().display().to_string();
    let reproduce = spec.reproduce();
    RunOutcome {
        suite: spec.suite.clone(),
        system: spec.system.name().to_owned(),
        mode: spec.mode.name.clone(),
        workload: spec.workload.clone(),
        faults: prepared.faults.iter().map(ToString::to_string).collect(),
        seed: spec.seed,
        stage: "live".into(),
        dir: folder.path().display().to_string(),
        outcome: judgement.outcome,
        notes: prepared.notes.iter().cloned().chain(judgement.undecided).collect(),
        thin: judgement.thin,
        operations: measure::operations(history),
        verdicts: findings
            .iter()
            .map(|finding| {
                let expected = findings::expected(facts.mode, &facts.demands, finding.model);
                findings::report(history, &file, finding, expected, Some(&reproduce))
            })
            .collect(),
        durability: durability.map(DurabilityReport::from),
        convergence: convergence.map(ConvergenceReport::from),
        availability: measure::availability(history),
        latency_ms: measure::latencies(history),
        staleness: staleness.map(StalenessReport::from),
        failover_ms: measure::failovers(history),
        fault_windows: measure::fault_windows(history),
        elapsed_ms: Nanos::from(conducted.elapsed).as_millis_f64(),
        reproduce,
    }
}
