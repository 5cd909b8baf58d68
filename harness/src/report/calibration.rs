//! A calibration: which lies, and which planted bugs, a suite noticed, what that took, and why it missed the others.

use std::fmt;

use histories::Function;
use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::layout::Width;
use crate::cli::names::counted;
use crate::judge::unnoticed::{Gravity, Unnoticed};
use crate::report::figures::bare;
use crate::report::grid::Grid;

#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct CalibrationReport {
    pub(crate) suites: Vec<String>,
    pub(crate) first_seed: u64,
    /// The share of the operations it applies to that each lie is told of.
    pub(crate) lie_rate: f64,
    /// How many versions old a stale read may be.
    pub(crate) versions: u16,
    pub(crate) control: ControlReport,
    pub(crate) lies: Vec<LieReport>,
}

/// The same runs without a lie.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct ControlReport {
    pub(crate) runs: u64,
    pub(crate) operations: u64,
    /// The commands of runs that were violated all the same.
    pub(crate) violated: Vec<String>,
    /// The commands of runs that decided nothing, each with the reason.
    pub(crate) undecided: Vec<String>,
}

/// What became of one lie.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct LieReport {
    pub(crate) name: String,
    pub(crate) kind: LieOrBug,
    pub(crate) about: String,
    pub(crate) outcome: Notice,
    /// All that was run with it.
    pub(crate) runs: u64,
    pub(crate) operations: u64,
    /// How often the lie was told; of a bug, nothing.
    pub(crate) told: Option<u64>,
    /// Runs in which it was noticed.
    pub(crate) noticed: u64,
    /// What it took to notice it, each time counted from the time before.
    pub(crate) median: Option<Needed>,
    pub(crate) p95: Option<Needed>,
    /// Models that were found violated.
    pub(crate) by: Vec<String>,
    /// Workloads in which it was noticed.
    pub(crate) workloads: Vec<String>,
    /// Why it was not noticed, in a word.
    #[schemars(with = "Option<String>")]
    pub(crate) reason: Option<Unnoticed>,
    /// The same in a sentence.
    pub(crate) why: Option<String>,
    /// The command that shows it the first time.
    pub(crate) reproduce: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LieOrBug {
    /// Told by the clients.
    Lie,
    /// Planted in the system.
    Bug,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Notice {
    Noticed,
    /// It could have been noticed, and was not.
    Missed,
    /// The suite can never tell.
    Blind,
    /// There was nothing to lie about, or what is promised allows the lie.
    OutOfScope,
}

impl Notice {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Noticed => "noticed",
            Self::Missed => "missed",
            Self::Blind => "blind",
            Self::OutOfScope => "out of scope",
        }
    }

    /// Whether it counts against the suite.
    pub(crate) fn is_failure(self) -> bool {
        matches!(self, Self::Missed | Self::Blind)
    }
}

impl From<Gravity> for Notice {
    fn from(gravity: Gravity) -> Self {
        match gravity {
            Gravity::OutOfScope => Self::OutOfScope,
            Gravity::Blind => Self::Blind,
            Gravity::Missed => Self::Missed,
        }
    }
}

/// Runs of the suite, and the operations in them up to the one that completed a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, Serialize)]
pub(crate) struct Needed {
    pub(crate) runs: u64,
    pub(crate) operations: u64,
}

impl CalibrationReport {
    pub(crate) fn count(&self, notice: Notice) -> usize {
        self.lies.iter().filter(|lie| lie.outcome == notice).count()
    }

    /// What was noticed, for people: the median, and behind it the 95th percentile.
    pub(crate) fn words(&self) -> Grid {
        let mut grid = Grid::new(&["lie", "noticed", "runs", "operations", "by", "in"]);
        for lie in self.lies.iter().filter(|lie| lie.outcome == Notice::Noticed) {
            let figure = |of: fn(&Needed) -> u64| match (&lie.median, &lie.p95) {
                (Some(median), Some(p95)) => format!("{} ({})", of(median), of(p95)),
                _ => "-".to_owned(),
            };
            grid.push(vec![
                lie.title(),
                format!("{}/{}", lie.noticed, lie.runs),
                figure(|needed| needed.runs),
                figure(|needed| needed.operations),
                lie.by.join(", "),
                lie.workloads.join(", "),
            ]);
        }
        grid
    }

    /// What was not, worst first.
    pub(crate) fn reasons(&self) -> Grid {
        let mut grid = Grid::new(&["lie", "outcome", "why"]);
        for notice in [Notice::Missed, Notice::Blind, Notice::OutOfScope] {
            for lie in self.lies.iter().filter(|lie| lie.outcome == notice) {
                grid.push(vec![lie.title(), notice.name().to_owned(), lie.why.clone().unwrap_or_default()]);
            }
        }
        grid
    }

    /// All of it in bare numbers and words.
    pub(crate) fn numbers(&self) -> Grid {
        let mut grid = Grid::new(&[
            "lie",
            "kind",
            "outcome",
            "rate",
            "runs",
            "operations",
            "told",
            "noticed",
            "runs_median",
            "runs_p95",
            "operations_median",
            "operations_p95",
            "by",
            "workloads",
            "reason",
        ]);
        for lie in &self.lies {
            let figure = |needed: Option<Needed>, of: fn(Needed) -> u64| bare(needed.map(of));
            grid.push(vec![
                lie.name.clone(),
                if lie.kind == LieOrBug::Lie { "lie" } else { "bug" }.to_owned(),
                lie.outcome.name().replace(' ', "-"),
                bare((lie.kind == LieOrBug::Lie).then_some(self.lie_rate)),
                lie.runs.to_string(),
                lie.operations.to_string(),
                bare(lie.told),
                lie.noticed.to_string(),
                figure(lie.median, |needed| needed.runs),
                figure(lie.p95, |needed| needed.runs),
                figure(lie.median, |needed| needed.operations),
                figure(lie.p95, |needed| needed.operations),
                lie.by.join(" "),
                lie.workloads.join(" "),
                lie.reason.as_ref().map_or_else(String::new, |reason| reason.name().to_owned()),
            ]);
        }
        grid
    }

    /// Both tables, for Markdown.
    pub(crate) fn all(&self) -> Grid {
        let mut grid =
            Grid::new(&["lie", "outcome", "noticed", "runs (95 %)", "operations (95 %)", "by", "why not"]);
        for lie in &self.lies {
            let figure = |of: fn(&Needed) -> u64| match (&lie.median, &lie.p95) {
                (Some(median), Some(p95)) => format!("{} ({})", of(median), of(p95)),
                _ => String::new(),
            };
            grid.push(vec![
                lie.title(),
                lie.outcome.name().to_owned(),
                format!("{}/{}", lie.noticed, lie.runs),
                figure(|needed| needed.runs),
                figure(|needed| needed.operations),
                lie.by.join(", "),
                lie.why.clone().unwrap_or_default(),
            ]);
        }
        grid
    }

    /// For a terminal: the control, what was noticed, and what was not.
    pub(crate) fn terminal(&self, width: Width) -> String {
        let mut parts = vec![width.wrap(&self.control.to_string(), 2)];
        parts.extend(
            [self.words(), self.reasons()]
                .iter()
                .filter(|grid| !grid.is_empty())
                .map(|grid| grid.terminal(0, width)),
        );
        parts.join("\n\n") + "\n"
    }
}

impl LieReport {
    fn title(&self) -> String {
        match self.kind {
            LieOrBug::Lie => self.name.clone(),
            LieOrBug::Bug => format!("bug {}", self.name),
        }
    }
}

impl fmt::Display for ControlReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (runs, operations) = (counted(self.runs, "run"), counted(self.operations, "operation"));
        let found = match (self.violated.len(), self.undecided.len()) {
            (0, 0) => "nothing violated".to_owned(),
            (0, undecided) => format!("nothing violated, {undecided} inconclusive or undecided"),
            (violated, _) => format!("{violated} violated"),
        };
        write!(f, "without a lie: {runs}, {operations}, {found}")
    }
}

fn listed(names: impl IntoIterator<Item = &'static str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// How many models are named where none of them is promised.
const MODELS_NAMED: usize = 3;

impl fmt::Display for Unnoticed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOperation { functions } => {
                write!(
                    f,
                    "no workload issues such an operation: {}",
                    listed(functions.iter().map(Function::name))
                )
            }
            Self::NotPromised { models } => {
                let named = listed(models.iter().take(MODELS_NAMED).map(|model| model.name()));
                let more = if models.len() > MODELS_NAMED { " or any of its kin" } else { "" };
                write!(f, "no model that forbids it is promised: {named}{more}")
            }
            Self::NoOccasion { runs } => {
                write!(f, "no operation gave occasion to it in {}", counted(*runs, "run"))
            }
            Self::OtherTrap(trap) => write!(
                f,
                "known to be found by --mode {} --workload {} --faults {}, and that is no run of the suite",
                trap.mode, trap.workload, trap.faults
            ),
            Self::NothingReadBack => f.write_str("no workload reads back what it updates"),
            Self::FewClients { needed, there } => {
                write!(
                    f,
                    "it takes {needed} clients on one key; no key is used by more than {there}: --clients 10"
                )
            }
            Self::FewKeys { needed, there } => {
                write!(f, "it takes {needed} keys; {there} in use: --keys 5")
            }
            Self::ValuesRepeat { updates, repeated, told, runs } => write!(
                f,
                "told {} in {}; values repeat: {repeated} of {updates} updates gave their key a value that it had had",
                counted(*told, "time"),
                counted(*runs, "run")
            ),
            Self::Unseen { told, runs } => {
                let (told, runs) = (counted(*told, "time"), counted(*runs, "run"));
                write!(
                    f,
                    "told {told} in {runs}, and no checker noticed; --lie-rate, --time and --runs tell it more often"
                )
            }
            Self::NotFound { runs } => {
                write!(f, "not found in {}; try more --runs or --time", counted(*runs, "run"))
            }
            Self::NeverRan { why } => write!(f, "no run came to an end: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use histories::ModelName;

    use super::*;
    use crate::cli::exit::Exit;
    use crate::judge::expect::{Miss, Why};
    use crate::report::{Purpose, RunsReport, github, junit, markdown, tests::report_of};

    fn report() -> CalibrationReport {
        let needed = |runs, operations| Some(Needed { runs, operations });
        let seen = LieReport {
            name: "stale-read".into(),
            kind: LieOrBug::Lie,
            about: "a read answers what the key held some versions ago".into(),
            outcome: Notice::Noticed,
            runs: 6,
            operations: 24_000,
            told: Some(97),
            noticed: 5,
            median: needed(1, 311),
            p95: needed(2, 4_120),
            by: vec!["linearizable".into()],
            workloads: vec!["register".into(), "set".into()],
            reason: None,
            why: None,
            reproduce: Some("partita calibrate --lies stale-read".into()),
        };
        let unseen = |name: &str, kind, reason: Unnoticed| LieReport {
            name: name.into(),
            kind,
            outcome: reason.gravity().into(),
            noticed: 0,
            median: None,
            p95: None,
            by: Vec::new(),
            workloads: Vec::new(),
            why: Some(reason.to_string()),
            reason: Some(reason),
            reproduce: None,
            ..seen.clone()
        };
        let lie = LieOrBug::Lie;
        CalibrationReport {
            suites: vec!["quick".into()],
            first_seed: 7,
            lie_rate: 0.05,
            versions: 3,
            control: ControlReport { runs: 6, operations: 24_100, ..ControlReport::default() },
            lies: vec![
                seen.clone(),
                unseen("lock-twice", lie, Unnoticed::NoOperation { functions: &[Function::Acquire] }),
                unseen("early-ack", lie, Unnoticed::FewClients { needed: 2, there: 1 }),
                unseen("ghost-write", lie, Unnoticed::Unseen { told: 12, runs: 20 }),
                unseen("off-by-one", lie, Unnoticed::NotPromised { models: &[ModelName::Counter] }),
                unseen("vote-twice", LieOrBug::Bug, Unnoticed::NotFound { runs: 20 }),
            ],
        }
    }

    #[test]
    fn a_terminal_shows_what_was_noticed_and_why_the_rest_was_not() {
        insta::assert_snapshot!("calibration-80", report().terminal(Width::columns(80)));
        insta::assert_snapshot!("calibration-200", report().terminal(Width::columns(200)));
    }

    #[test]
    fn numbers_are_bare() {
        insta::assert_snapshot!("calibration-csv", report().numbers().csv());
    }

    #[test]
    fn every_format_tells_the_lies() {
        let (calibration, runs) = (report(), []);
        let missed = [Miss {
            subject: "ghost-write".into(),
            why: Why::Unnoticed(Unnoticed::Unseen { told: 12, runs: 20 }),
            exit: Exit::Violation,
            again: None,
        }];
        let purpose = Purpose::Calibration(&calibration);
        let report = RunsReport { missed: &missed, purpose, ..report_of(&runs) };
        let texts =
            [markdown::render(&report), junit::render(&report).unwrap(), github::annotations(&report)];
        insta::assert_snapshot!("calibration-formats", texts.join("\n=====\n"));
    }
}
