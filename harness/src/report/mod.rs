//! Outcomes of runs, for people and for machines. Every format is one small module with one entry function.
//!
//! No verdict is formed here.

pub(crate) mod explain;
pub(crate) mod grid;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod markdown;
pub(crate) mod modes;
pub(crate) mod terminal;
pub(crate) mod tradeoffs;

use std::path::PathBuf;
use std::str::FromStr;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::unknown;
use crate::judge::expect::Miss;
use crate::judge::outcome::RunOutcome;
use crate::plan::expect::Expectation;
use crate::report::grid::Grid;
use crate::report::tradeoffs::Tradeoff;

/// Everything that a report can show.
pub(crate) struct Report<'a> {
    pub(crate) exit: Exit,
    pub(crate) runs: &'a [RunOutcome],
    pub(crate) missed: &'a [Miss],
    /// What was expected of the runs beside what their modes promise.
    pub(crate) expectations: &'a [Expectation],
    /// Of a comparison: one row a mode.
    pub(crate) modes: Option<&'a Grid>,
    /// Of `compare --tradeoffs`: the same rows as data.
    pub(crate) tradeoffs: &'a [Tradeoff],
}

/// A format that machines, or other people's pages, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Markdown,
    Junit,
    Csv,
}

impl Format {
    pub(crate) const ALL: [Self; 4] = [Self::Json, Self::Markdown, Self::Junit, Self::Csv];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::Csv => "csv",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Json => "everything that came of the runs, as one object",
            Self::Markdown => "tables for a pull request or a page",
            Self::Junit => "a test case for each checker, faults and seed",
            Self::Csv => "one row a run, or a mode of a comparison",
        }
    }

    fn render(self, report: &Report<'_>) -> Result<String, Failure> {
        match self {
            Self::Json => Ok(json::render(report)),
            Self::Markdown => Ok(markdown::render(report)),
            Self::Junit => junit::render(report).map_err(Failure::Harness),
            Self::Csv => Ok(report.modes.map_or_else(|| markdown::runs(report.runs).csv(), Grid::csv)),
        }
    }
}

/// `junit=target/junit.xml`, or `json` for standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    format: Format,
    /// `None` is standard output.
    path: Option<PathBuf>,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').map_or((text, None), |(name, path)| (name, Some(path)));
        if path == Some("") {
            return Err(format!("--report {name}= names no file"));
        }
        let known = Format::ALL.map(Format::name);
        let format = Format::ALL.into_iter().find(|format| format.name() == name);
        let format = format.ok_or_else(|| unknown("report format", name, &known))?;
        Ok(Self { format, path: path.filter(|&path| path != "-").map(PathBuf::from) })
    }
}

/// Where reports go, checked before anything runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Targets(Vec<Target>);

impl Targets {
    pub(crate) fn parse(texts: Option<&Vec<String>>) -> Result<Self, Failure> {
        let texts = texts.map(Vec::as_slice).unwrap_or_default();
        let targets: Vec<Target> =
            texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map_err(Failure::Usage)?;
        if targets.iter().filter(|target| target.path.is_none()).count() > 1 {
            return Err(Failure::usage(
                "two reports cannot share standard output; give one a file: --report json=FILE",
            ));
        }
        Ok(Self(targets))
    }

    /// Whether standard output belongs to a report, so that people read standard error.
    pub(crate) fn take_stdout(&self) -> bool {
        self.0.iter().any(|target| target.path.is_none())
    }

    pub(crate) fn write(&self, report: &Report<'_>, out: &mut dyn std::io::Write) -> Result<(), Failure> {
        for target in &self.0 {
            let text = target.format.render(report)?;
            match &target.path {
                None => out.write_all(text.as_bytes())?,
                Some(path) => {
                    if let Some(folder) = path.parent() {
                        // A failure shows as that of the write below, which names the file.
                        let _ = std::fs::create_dir_all(folder);
                    }
                    std::fs::write(path, text).map_err(|error| {
                        Failure::Harness(format!("{}: the report cannot be written: {error}", path.display()))
                    })?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_format_and_perhaps_a_file() {
        let target: Target = "junit=target/junit.xml".parse().unwrap();
        assert_eq!(target, Target { format: Format::Junit, path: Some("target/junit.xml".into()) });
        assert_eq!("json".parse(), Ok(Target { format: Format::Json, path: None }));
        assert!("jsn".parse::<Target>().unwrap_err().contains("did you mean \"json\""));
        assert!("json=".parse::<Target>().is_err());
    }

    #[test]
    fn standard_output_holds_one_report() {
        let parse = |texts: &[&str]| Targets::parse(Some(&texts.iter().map(ToString::to_string).collect()));
        assert!(parse(&["json", "junit=a.xml"]).unwrap().take_stdout());
        assert!(!parse(&["json=a.json"]).unwrap().take_stdout());
        assert!(parse(&["json", "markdown"]).is_err());
    }
}
