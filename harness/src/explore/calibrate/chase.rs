//! Runs in turn, each with its next seed, until something was noticed often enough or the runs are spent.

use std::time::Instant;

use systems::lies::Observed;

use super::{Effort, Subject, operations};
use crate::judge::outcome::{RunOutcome, VerdictReport};
use crate::judge::unnoticed::Unnoticed;
use crate::plan::spec::RunSpec;
use crate::report::calibration::{LieOrBug, LieReport, Needed, Notice};
use crate::report::spent::Spent;
use crate::run::RunError;
use crate::run::progress::Interrupt;

/// What runs with one lie, or one bug, came to.
#[derive(Default)]
pub(super) struct Chase {
    runs: u64,
    operations: u64,
    told: u64,
    pub(super) noticed: u64,
    finds: Vec<Spent>,
    /// Since the last find.
    spent: Spent,
    by: Vec<String>,
    workloads: Vec<String>,
    reproduce: Option<String>,
    /// Why a run did not come to an end.
    failure: Option<String>,
}

impl Chase {
    pub(super) fn of(
        tried: &[(&Subject<'_>, RunSpec)],
        effort: Effort,
        interrupt: &Interrupt,
        untold_max: u64,
    ) -> Result<Self, RunError> {
        let mut chase = Self::default();
        if tried.is_empty() {
            return Ok(chase);
        }
        for seed in effort.first_seed.. {
            for (subject, spec) in tried {
                if chase.finds.len() >= effort.finds || chase.spent.seeds >= effort.runs {
                    return Ok(chase);
                }
                chase.run(subject, &RunSpec { seed, ..spec.clone() }, interrupt)?;
            }
            if chase.told == 0 && chase.noticed == 0 && seed - effort.first_seed + 1 >= untold_max {
                return Ok(chase);
            }
        }
        Ok(chase)
    }

    fn run(&mut self, subject: &Subject<'_>, spec: &RunSpec, interrupt: &Interrupt) -> Result<(), RunError> {
        let began = Instant::now();
        let result = subject.run(spec, interrupt);
        self.runs += 1;
        self.spent.seeds += 1;
        self.spent.seconds += began.elapsed().as_secs_f64();
        match result {
            Ok(outcome) => self.count(subject, &outcome),
            // A lie or a bug may keep a run from ever coming to an end: that is told, and no verdict.
            Err(RunError::Harness(why)) => {
                self.failure.get_or_insert(why);
            }
            Err(interrupted) => return Err(interrupted),
        }
        Ok(())
    }

    fn count(&mut self, subject: &Subject<'_>, outcome: &RunOutcome) {
        let all = operations(outcome);
        self.operations += all;
        self.told += outcome.observed.as_ref().map_or(0, |observed| observed.told);
        let notices = subject.notices(outcome);
        if notices.is_empty() {
            self.spent.operations += all;
            return;
        }
        self.noticed += 1;
        self.spent.operations += until_proved(&notices).map_or(all, |operations| operations.min(all));
        self.finds.push(std::mem::take(&mut self.spent));
        let by = notices.iter().map(|verdict| verdict.subject.to_string());
        by.for_each(|model| add(&mut self.by, model));
        add(&mut self.workloads, outcome.workload.clone());
        self.reproduce.get_or_insert_with(|| outcome.reproduce.clone());
    }

    /// Why a lie that could have been noticed was not.
    pub(super) fn unseen(&self, seen: &Observed) -> Unnoticed {
        let Self { runs, told, .. } = *self;
        match &self.failure {
            Some(why) if self.operations == 0 => Unnoticed::NeverRan { why: why.clone() },
            _ if told == 0 => Unnoticed::NoOccasion { runs },
            _ if seen.repeated * REPEATED_PARTS > seen.updates => {
                Unnoticed::ValuesRepeat { updates: seen.updates, repeated: seen.repeated, told, runs }
            }
            _ => Unnoticed::Unseen { told, runs },
        }
    }

    /// The same of a bug.
    pub(super) fn not_found(&self) -> Unnoticed {
        match &self.failure {
            Some(why) if self.operations == 0 => Unnoticed::NeverRan { why: why.clone() },
            _ => Unnoticed::NotFound { runs: self.runs },
        }
    }

    pub(super) fn report(self, name: &str, kind: LieOrBug, about: &str, why: Option<Unnoticed>) -> LieReport {
        let needed = |percent| {
            let spent = Spent::percentile(&self.finds, percent)?;
            Some(Needed { runs: spent.seeds, operations: spent.operations })
        };
        LieReport {
            name: name.to_owned(),
            kind,
            about: about.to_owned(),
            outcome: why.as_ref().map_or(Notice::Noticed, |why| why.gravity().into()),
            runs: self.runs,
            operations: self.operations,
            told: (kind == LieOrBug::Lie).then_some(self.told),
            noticed: self.noticed,
            median: needed(50),
            p95: needed(95),
            by: self.by,
            workloads: self.workloads,
            why: why.as_ref().map(ToString::to_string),
            reason: why,
            reproduce: self.reproduce,
        }
    }
}

/// Where more than one of so many values repeats, that is why.
const REPEATED_PARTS: u64 = 10;

/// How many operations there were up to the one that completed the first proof, counted by events, two each.
fn until_proved(notices: &[&VerdictReport]) -> Option<u64> {
    let anomalies = notices.iter().flat_map(|verdict| &verdict.anomalies);
    let completed = anomalies.filter_map(|anomaly| anomaly.events.iter().max());
    completed.min().map(|event| u64::from(*event) / 2 + 1)
}

fn add(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}
