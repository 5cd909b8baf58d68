//! What is worth a line beside what came of a run, as data. [`crate::report`] makes words of it.

use histories::{Function, ModelName};
use nemesis::FaultSpec;
use systems::lies::LieKind;

/// Something to be told of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The mode has no such operation: the workload goes without it.
    LeftOut { mode: String, function: Function },
    /// The mode does not survive these faults: only `demanded` is demanded, of what it promises.
    PromiseReduced { mode: String, unsurvived: Vec<FaultSpec>, demanded: Vec<ModelName> },
    /// Fewer operations were issued than were asked for, because the clients were waiting for answers.
    ClientsWaited { issued: u64, due: f64 },
    /// A promised model that stayed open: why, or `None` where no checker decides it.
    Undecided { model: ModelName, why: Option<String> },
    /// The clients lied on purpose, so often: nothing that was found says anything of the system.
    Lied { lie: LieKind, rate: f64, told: u64 },
    /// The run ended at the first violation that nothing later could mend, without final reads.
    StoppedAtViolation,
    /// A person or the system ended the run: it was healed and stopped, and nothing was read in the end.
    Interrupted,
    /// What the system tells of itself, in its own words.
    OfSystem(String),
    /// The harness failed, and there is no outcome.
    Failed { why: String },
    /// The harness failed; what was recorded before shows a violation all the same.
    FailedAfterwards { why: String },
}

/// What the harness itself fell short of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shortfall {
    /// It stood still for longer than a client waits for an answer.
    StoodStill { times: usize, longest: super::Stall },
    /// It issued far fewer operations than were due while a client was free.
    TooSlow { issued: u64, due: f64 },
}
