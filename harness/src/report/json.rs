//! The JSON contract: `{"partita":version,"exit":code,"runs":[…]}`. It is versioned and only grows.

use schemars::JsonSchema;
use serde::Serialize;

use super::{HuntReport, Report};
use crate::judge::outcome::RunOutcome;
use crate::report::calibration::CalibrationReport;
use crate::report::tradeoffs::Tradeoff;

#[derive(JsonSchema, Serialize)]
pub(crate) struct Document<'a> {
    /// The version of the program.
    partita: &'static str,
    /// The exit code.
    exit: u8,
    #[schemars(with = "Vec<RunOutcome>")]
    runs: &'a [RunOutcome],
    /// Expectations that were not met, in words.
    missed: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(with = "Vec<Tradeoff>")]
    tradeoffs: &'a [Tradeoff],
    #[serde(skip_serializing_if = "Option::is_none")]
    hunt: Option<&'a HuntReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    calibration: Option<&'a CalibrationReport>,
}

/// One object and a line break.
pub(crate) fn render(report: &Report<'_>) -> String {
    let document = Document {
        partita: env!("CARGO_PKG_VERSION"),
        exit: report.exit.code(),
        runs: report.runs,
        missed: report.missed.iter().map(ToString::to_string).collect(),
        tradeoffs: report.tradeoffs,
        hunt: report.hunt.as_ref(),
        calibration: report.calibration,
    };
    // Our types have string keys only, so they always serialise.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn the_contract_holds() {
        let report = Report {
            exit: Exit::Success,
            runs: &[RunOutcome::complete_example()],
            missed: &[],
            expectations: &[],
            modes: None,
            tradeoffs: &[],
            hunt: None,
            calibration: None,
        };
        insta::assert_snapshot!(render(&report).replace(env!("CARGO_PKG_VERSION"), "VERSION"));
    }
}
