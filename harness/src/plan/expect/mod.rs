//! Expectations over the outcomes of runs: what a suite, or a mode by its promise, says must come out.
//!
//! Pure: no run is started, judged anew or left out here.

mod comparison;
mod figures;
mod parse;
mod planned;

pub use comparison::{Comparison, Figure};
pub(crate) use figures::FIGURES;
pub(crate) use parse::parse;
pub(crate) use planned::refusal;

use std::collections::BTreeMap;
use std::fmt;

use histories::{AnomalyKind, ModelName};
use nemesis::FaultSpec;
use serde::{Serialize, Serializer};
use systems::Mode;

use crate::cli::names::glob_matches;
use crate::plan::faults::{are_same, is_none};
use crate::plan::spec::StageName;

/// By the name of each workload that is run, the models that its histories decide.
pub type Decided<'a> = BTreeMap<&'a str, &'static [ModelName]>;

/// Claims about the runs of some modes and workloads.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// Names or globs; every mode where empty.
    pub modes: Vec<String>,
    /// Names or globs; every workload where empty.
    pub workloads: Vec<String>,
    /// In how many seeds at least a violation or a figure must show.
    pub seeds_min: Option<u32>,
    pub claims: Vec<Claim>,
}

/// One thing that is expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// Held in every run, or violated in at least so many seeds, with an anomaly of one of the kinds if any are named.
    Verdict { model: ModelName, expected: Expected, kinds: Vec<AnomalyKind> },
    /// A figure of the JSON compares as said: in every run, or in at least so many seeds where that is said.
    Figure { path: String, comparison: Comparison },
}

/// The two verdicts that can be demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Valid,
    Invalid,
}

impl Expectation {
    pub fn covers(&self, mode: &str, workload: &str) -> bool {
        let any = |patterns: &[String], name: &str| {
            patterns.is_empty()
                || patterns.iter().any(|pattern| pattern == name || glob_matches(pattern, name))
        };
        any(&self.modes, mode) && any(&self.workloads, workload)
    }

    /// What a mode says of itself: its promise, and what it must show under the faults that were injected; of both,
    /// what the workloads that were run can decide.
    pub fn of_mode(mode: &Mode, stage: StageName, faults: &[String], decided: &Decided<'_>) -> Self {
        let decides = |model: ModelName, with: &[String]| {
            decided.iter().any(|(&workload, models)| {
                models.contains(&model) && (with.is_empty() || with.iter().any(|name| name == workload))
            })
        };
        let shown = mode.shows.iter().filter(|show| {
            (show.live || stage == StageName::Sim)
                && decides(show.model, &show.with)
                && injected(&show.under, faults)
        });
        let shown: Vec<_> = shown.collect();
        let faults: Vec<FaultSpec> = faults.iter().filter_map(|fault| fault.parse().ok()).collect();
        // Under a mix of faults what shows one weakness may show it of what is promised under the others.
        let promised = mode
            .demanded_under(&faults)
            .iter()
            .filter(|&&model| decides(model, &[]) && !shown.iter().any(|show| show.model == model));
        let promised =
            promised.map(|&model| Claim::Verdict { model, expected: Expected::Valid, kinds: Vec::new() });
        let shown = shown.iter().map(|show| Claim::Verdict {
            model: show.model,
            expected: Expected::Invalid,
            kinds: show.kinds.clone(),
        });
        let mut claims: Vec<Claim> = Vec::new();
        for claim in promised.chain(shown) {
            // The same weakness may be told of several faults.
            if !claims.contains(&claim) {
                claims.push(claim);
            }
        }
        Self { modes: vec![mode.name.clone()], workloads: Vec::new(), seeds_min: None, claims }
    }
}

/// Whether every fault that is needed was among those injected; a rhythm (`@3s`) makes no other fault of it.
fn injected(needed: &[String], faults: &[String]) -> bool {
    needed.iter().all(|need| is_none(need) || faults.iter().any(|fault| are_same(fault, need)))
}

impl Serialize for Expected {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
        })
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verdict { model, expected, kinds } => {
                write!(f, "{model} is {expected}")?;
                if !kinds.is_empty() {
                    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
                    write!(f, " ({})", names.join(" or "))?;
                }
                Ok(())
            }
            Self::Figure { path, comparison } => write!(f, "{path} {comparison}"),
        }
    }
}
