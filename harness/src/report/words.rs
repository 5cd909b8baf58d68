//! The sentences of reports: what notes, weak evidence and missed expectations are in words. Nothing is decided by them.

use std::fmt;

use histories::ModelName;
use nemesis::FaultSpec;

use crate::cli::names::counted;
use crate::judge::evidence::WeakEvidence;
use crate::judge::expect::{Came, Miss, Open, Reason, Violated, Why};
use crate::run::Note;

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOut { mode, function } => {
                write!(f, "{mode} has no {function}: left out of the workload")
            }
            Self::PromiseReduced { mode, unsurvived, demanded } => {
                let unsurvived: Vec<String> = unsurvived.iter().map(FaultSpec::name).collect();
                let demanded: Vec<&str> = demanded.iter().map(|model| model.name()).collect();
                let demanded = match demanded.as_slice() {
                    [] => "nothing of its promise is demanded of this run, and what is violated".to_owned(),
                    models => format!(
                        "no more than {} is demanded of this run, and what else is violated",
                        models.join(" and ")
                    ),
                };
                write!(f, "{mode} does not survive {}: {demanded} is shown", unsurvived.join(" and "))
            }
            Self::ClientsWaited { issued, due } => write!(
                f,
                "{issued} operations were issued where {due:.0} were asked for: the clients were waiting for answers"
            ),
            Self::Undecided { model, why } => undecided(*model, why.as_deref(), f),
            Self::Lied { lie, rate, told } => {
                let times = counted(*told, "time");
                write!(f, "the clients lied on purpose, {times} at a rate of {rate}: {}", lie.about())
            }
            Self::OfSystem(told) => f.write_str(told),
            Self::StoppedAtViolation => f.write_str(
                "the run ended at its first violation, as it was told to: nothing was read in the end",
            ),
            Self::Interrupted => f.write_str("the run was interrupted: nothing was read in the end"),
            Self::Failed { why } => f.write_str(why),
            Self::FailedAfterwards { why } => write!(f, "the harness failed: {why}"),
        }
    }
}

fn undecided(model: ModelName, why: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match why {
        None => write!(f, "{model} is promised, and no checker decided it"),
        Some(why) => write!(f, "{model} is promised, and undecided: {why}"),
    }
}

impl fmt::Display for WeakEvidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |ms: &f64| format!("{:.1} s", ms / 1e3);
        match self {
            Self::NotReady => f.write_str("the cluster did not become ready for the final reads"),
            Self::HarnessStoodStill { times: 1, from_ms, lasted_ms } => {
                write!(f, "the harness stood still for {}, from {} on", s(lasted_ms), s(from_ms))
            }
            Self::HarnessStoodStill { times, from_ms, lasted_ms } => {
                let (lasted, from) = (s(lasted_ms), s(from_ms));
                write!(f, "the harness stood still {times} times, for {lasted} from {from} on at the longest")
            }
            Self::HarnessTooSlow { issued, due } => write!(
                f,
                "the harness issued {issued} of {due:.0} operations that were due while a client was free"
            ),
            Self::FewAnswers { function, answered, needed } => {
                write!(f, "only {answered} {function} succeeded; {needed} are needed to say anything")
            }
            Self::FaultWithoutEffect { fault } => {
                write!(f, "{fault} was asked for, and no such fault is known to have had an effect")
            }
            Self::WindowWithoutEffect { fault, what, evidence } => {
                write!(f, "{fault} ({what}) is not known to have had an effect: {evidence}")
            }
            Self::SilentWindow { fault, what, answered } => {
                write!(f, "only {answered} operations succeeded during {fault} ({what})")
            }
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.why)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reasons) => f.write_str(&joined(reasons, "no reason was given")),
            Self::Inconclusive(reasons) => {
                write!(f, "inconclusive: {}", joined(reasons, "no reason was given"))
            }
            Self::Violated(violated) => f.write_str(&joined(violated, "a violation")),
            Self::Open(open) => {
                let open = open.iter().map(|open| format!("{} is undecided: {}", open.subject, open.why()));
                f.write_str(&open.collect::<Vec<_>>().join("; "))
            }
            Self::Unnoticed(unnoticed) => unnoticed.fmt(f),
            Self::BrokenPromise(subject) => write!(f, "{subject} was promised and is violated"),
            Self::OpenPromise(open) => write!(f, "{}: {}", open.subject, open.why()),
            Self::Claim { claim, came } => write!(f, "expected that {claim}: {came}"),
        }
    }
}

fn joined(items: &[impl fmt::Display], none: &str) -> String {
    if items.is_empty() {
        return none.to_owned();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weak(weak) => weak.fmt(f),
            Self::Note(note) => note.fmt(f),
        }
    }
}

impl fmt::Display for Violated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, promised, shown } = self;
        let shown = shown.map_or("violated", |shown| shown.name());
        if *promised {
            write!(f, "{subject} was promised and is violated ({shown})")
        } else {
            write!(f, "{subject} is violated ({shown})")
        }
    }
}

impl Open {
    fn why(&self) -> &str {
        self.why.as_deref().unwrap_or(self.verdict.name())
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ViolatedInAnotherWay => f.write_str("it is violated, but in another way"),
            Self::Violated { seed } => write!(f, "it is violated in seed {seed}"),
            Self::Held => f.write_str("it held"),
            Self::Inconclusive { seed } => write!(f, "seed {seed} was inconclusive"),
            Self::Open(open) => f.write_str(open.why()),
            Self::Figure { actual, seed } => write!(f, "it is {actual} in seed {seed}"),
            Self::NotMeasured { seed } => write!(f, "it was not measured in seed {seed}"),
            Self::NoRunCouldTell => f.write_str("no run could tell"),
            Self::TooSeldom { shown, seeds_min, reason } => {
                write!(f, "shown in {shown} of at least {seeds_min} seeds")?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, "; {reason}"))
            }
        }
    }
}

/// What a reason is called where many runs are counted.
pub(crate) fn kind(weak: &WeakEvidence) -> &'static str {
    match weak {
        WeakEvidence::NotReady => "not ready for the final reads",
        WeakEvidence::HarnessStoodStill { .. } => "a harness that stood still",
        WeakEvidence::HarnessTooSlow { .. } => "a harness that was too slow",
        WeakEvidence::FewAnswers { .. } => "too few of an operation",
        WeakEvidence::FaultWithoutEffect { .. } | WeakEvidence::WindowWithoutEffect { .. } => {
            "faults without a known effect"
        }
        WeakEvidence::SilentWindow { .. } => "silent under a fault",
    }
}
