//! A checker of one's own, and a report: `cargo run --example own_checker -- check history.jsonl`.
//!
//! The property is about time, which no consistency model speaks of: an answer that comes late is a violation.

use std::process::ExitCode;

use histories::{History, Nanos};
use partita::judge::outcome::RunOutcome;
use partita::judge::own::{Counterexample, Property, PropertyChecker};
use partita::report::Reporter;

/// Every answer comes within this time.
struct Prompt(Nanos);

impl PropertyChecker for Prompt {
    fn name(&self) -> &'static str {
        "prompt"
    }

    fn check(&self, history: &History) -> Property {
        let answered = || history.iter().filter(|(_, operation)| operation.is_ok());
        if answered().next().is_none() {
            return Property::Unknown("nothing was answered".to_owned());
        }
        let late = answered().filter(|(_, operation)| operation.completed.since(operation.invoked) > self.0);
        let shown: Vec<Counterexample> = late
            .map(|(id, operation)| Counterexample {
                summary: format!(
                    "client {} waited {} for its {}",
                    operation.process,
                    operation.completed.since(operation.invoked),
                    operation.function
                ),
                operations: vec![id],
            })
            .collect();
        if shown.is_empty() { Property::Held } else { Property::Violated(shown) }
    }
}

/// A line a run.
struct Lines;

impl Reporter for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }

    fn about(&self) -> &'static str {
        "a line a run"
    }

    fn render(&self, runs: &[RunOutcome]) -> String {
        let line = |run: &RunOutcome| format!("{} {} {}", run.mode, run.seed, run.outcome.name());
        runs.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
    }
}

fn main() -> ExitCode {
    partita::builder().checker(Prompt(Nanos::from_millis(800))).reporter(Lines).main()
}
