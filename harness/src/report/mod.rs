//! Outcomes of runs, for people and for machines. Every format is one small module with one entry function.
//!
//! No verdict is formed here.

pub(crate) mod advice;
pub(crate) mod calibration;
pub(crate) mod csv;
pub(crate) mod explain;
pub(crate) mod github;
pub(crate) mod grid;
pub(crate) mod json;
pub(crate) mod junit;
pub(crate) mod lesson;
pub(crate) mod markdown;
pub(crate) mod modes;
pub(crate) mod otlp;
pub(crate) mod page;
pub(crate) mod perfetto;
pub(crate) mod plots;
pub(crate) mod sarif;
pub(crate) mod terminal;
pub(crate) mod timeline;
pub(crate) mod trace;
pub(crate) mod tradeoffs;
pub(crate) mod words;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Serialize;

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::unknown;
use crate::judge::expect::Miss;
use crate::judge::outcome::RunOutcome;
use crate::plan::expect::Expectation;
use crate::report::calibration::CalibrationReport;
use crate::report::grid::Grid;
use crate::report::tradeoffs::Tradeoff;

/// Everything that a report can show.
pub(crate) struct Report<'a> {
    pub(crate) exit: Exit,
    pub(crate) runs: &'a [RunOutcome],
    pub(crate) missed: &'a [Miss],
    /// What was expected of the runs beside what their modes promise.
    pub(crate) expectations: &'a [Expectation],
    /// Of a comparison or a calibration.
    pub(crate) modes: Option<Modes<'a>>,
    /// Of `compare --tradeoffs`: the same rows as data.
    pub(crate) tradeoffs: &'a [Tradeoff],
    /// Of a hunt: what it looked at, also where it found nothing.
    pub(crate) hunt: Option<HuntReport>,
    /// Of a calibration: which lies were noticed.
    pub(crate) calibration: Option<&'a CalibrationReport>,
}

/// A comparison, one row a mode; or a calibration, one row a lie.
#[derive(Clone, Copy)]
pub(crate) struct Modes<'a> {
    /// Of the table, where it has one.
    pub(crate) title: &'static str,
    /// As people read it.
    pub(crate) words: &'a Grid,
    /// The same in bare numbers.
    pub(crate) numbers: &'a Grid,
}

/// What a hunt came to, beside the run that failed.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct HuntReport {
    pub(crate) first_seed: u64,
    pub(crate) runs: u64,
    pub(crate) operations: u64,
    /// In virtual time, over all runs.
    pub(crate) simulated_ms: u64,
    /// In real time, over all sessions.
    pub(crate) spent_ms: u64,
    pub(crate) inconclusive: u64,
    pub(crate) unknown: u64,
    /// Why so little happened: how many runs for each kind of reason.
    pub(crate) thin: BTreeMap<String, u64>,
    /// Why runs were undecided, some of them.
    pub(crate) doubts: Vec<String>,
    pub(crate) coverage: CoverageReport,
}

/// Each with the number of runs in which it was seen.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct CoverageReport {
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) states: BTreeMap<String, u64>,
    pub(crate) anomalies: BTreeMap<String, u64>,
}

/// A format of one's own for `--report`.
pub trait Reporter: Send + Sync {
    fn name(&self) -> &'static str;
    /// One line for `partita list formats`.
    fn about(&self) -> &'static str;
    /// The whole document, over all runs of the command.
    fn render(&self, runs: &[RunOutcome]) -> String;
}

/// Those that this program brings along, told once when it starts.
static OWN: OnceLock<Vec<Box<dyn Reporter>>> = OnceLock::new();

/// To be called once, before anything is reported.
pub(crate) fn add(own: Vec<Box<dyn Reporter>>) {
    OWN.get_or_init(|| own);
}

pub(crate) fn own() -> &'static [Box<dyn Reporter>] {
    OWN.get().map(Vec::as_slice).unwrap_or_default()
}

/// A format that machines, or other people's pages, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Markdown,
    Junit,
    Csv,
    Github,
    Sarif,
    Perfetto,
    Otlp,
}

impl Format {
    pub(crate) const ALL: [Self; 8] = [
        Self::Json,
        Self::Markdown,
        Self::Junit,
        Self::Csv,
        Self::Github,
        Self::Sarif,
        Self::Perfetto,
        Self::Otlp,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::Csv => "csv",
            Self::Github => "github",
            Self::Sarif => "sarif",
            Self::Perfetto => "perfetto",
            Self::Otlp => "otlp",
        }
    }

    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Json => "everything that came of the runs, as one object",
            Self::Markdown => "tables for a pull request or a page",
            Self::Junit => "a test case for each checker, faults and seed",
            Self::Csv => "one row a run, a mode of a comparison or a lie of a calibration, in bare numbers",
            Self::Github => "a job's summary, and annotations as workflow commands",
            Self::Sarif => "a result for each finding, with its proof as a code flow (SARIF 2.1.0)",
            Self::Perfetto => "operations and faults over time, for ui.perfetto.dev",
            Self::Otlp => "operations and faults as spans of OpenTelemetry, in JSON lines",
        }
    }

    fn write(self, report: &Report<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        let text = match self {
            Self::Json => json::render(report),
            Self::Markdown => markdown::render(report),
            Self::Junit => junit::render(report).map_err(Failure::Harness)?,
            Self::Csv => csv::render(report),
            Self::Github => github::summary(report),
            Self::Sarif => sarif::render(report),
            Self::Perfetto => return perfetto::write(report, out),
            Self::Otlp => return otlp::write(report, out),
        };
        Ok(out.write_all(text.as_bytes())?)
    }
}

/// One of ours, or one of those that this program brings along, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Ours(Format),
    Own(usize),
}

impl Chosen {
    fn by_name(name: &str) -> Result<Self, String> {
        let ours = Format::ALL.into_iter().find(|format| format.name() == name).map(Self::Ours);
        let own = || own().iter().position(|own| own.name() == name).map(Self::Own);
        ours.or_else(own).ok_or_else(|| {
            let own = self::own().iter().map(|own| own.name());
            let known: Vec<_> = Format::ALL.map(Format::name).into_iter().chain(own).collect();
            unknown("report format", name, &known)
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ours(format) => format.name(),
            Self::Own(place) => own().get(place).map_or("", |own| own.name()),
        }
    }

    fn write(self, report: &Report<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        match self {
            Self::Ours(format) => format.write(report, out),
            Self::Own(place) => {
                let text = own().get(place).map(|own| own.render(report.runs)).unwrap_or_default();
                Ok(out.write_all(text.as_bytes())?)
            }
        }
    }
}

/// `junit=target/junit.xml`, or `json` for standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    format: Chosen,
    /// `None` is standard output.
    path: Option<PathBuf>,
}

impl Target {
    /// Where it goes; `None` is standard output. GitHub names the file of a job's summary in the environment.
    fn file(&self) -> Option<PathBuf> {
        let named =
            || std::env::var_os("GITHUB_STEP_SUMMARY").filter(|name| !name.is_empty()).map(PathBuf::from);
        let is_github = self.format == Chosen::Ours(Format::Github);
        self.path.clone().or_else(|| named().filter(|_| is_github))
    }

    fn write_file(&self, report: &Report<'_>, path: &Path) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::Harness(format!("{}: the report cannot be written: {error}", path.display()))
        };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        self.format.write(report, &mut file).map_err(|failure| match failure {
            Failure::Output(error) => failed(error),
            other => other,
        })?;
        file.flush().map_err(failed)
    }

    /// The folder that its file is to lie in, where the path names one.
    fn folder(&self) -> Option<&Path> {
        self.path.as_deref()?.parent().filter(|folder| !folder.as_os_str().is_empty())
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').map_or((text, None), |(name, path)| (name, Some(path)));
        if path == Some("") {
            return Err(format!("--report {name}= names no file"));
        }
        let format = Chosen::by_name(name)?;
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
        let nowhere = |target: &&Target| target.folder().is_some_and(|folder| !folder.is_dir());
        if let Some(target) = targets.iter().find(nowhere) {
            let (folder, name) = (target.folder().unwrap_or(Path::new("")), target.format.name());
            return Err(Failure::Usage(format!(
                "--report {name}: there is no folder {}; make it first",
                folder.display()
            )));
        }
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

    pub(crate) fn write(&self, report: &Report<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        for target in &self.0 {
            if target.format == Chosen::Ours(Format::Github) {
                // The commands are read from what the step prints, wherever its summary goes.
                out.write_all(github::annotations(report).as_bytes())?;
            }
            match target.file() {
                None => target.format.write(report, out)?,
                Some(path) => target.write_file(report, &path)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::judge::outcome::{AnomalyReport, Outcome};
    use crate::judge::verdict::VerdictKind;

    /// Of runs of which nothing was expected beside what their modes promise.
    pub(crate) fn report_of(runs: &[RunOutcome]) -> Report<'_> {
        Report {
            exit: Exit::Violation,
            runs,
            missed: &[],
            expectations: &[],
            modes: None,
            tradeoffs: &[],
            hunt: None,
            calibration: None,
        }
    }

    /// A run that broke its promise by a stale read.
    pub(crate) fn violated_example(seed: u64) -> RunOutcome {
        let mut run = RunOutcome { seed, outcome: Outcome::Violation, ..RunOutcome::complete_example() };
        run.verdicts[0].verdict = VerdictKind::Invalid;
        let history = explain::tests::stale_history();
        let anomaly = explain::tests::stale_anomaly();
        let explanation = explain::anomaly(&history, "history.jsonl", &anomaly, None);
        run.verdicts[0].anomalies.push(AnomalyReport::proved(&history, &anomaly, explanation));
        run
    }

    /// The same with a folder that holds its history.
    pub(crate) fn stored_example(folder: &Path) -> RunOutcome {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("history.jsonl"), explain::tests::STALE).unwrap();
        RunOutcome { dir: folder.display().to_string(), ..violated_example(7) }
    }

    #[test]
    fn a_target_is_a_format_and_perhaps_a_file() {
        let target: Target = "junit=target/junit.xml".parse().unwrap();
        assert_eq!(
            target,
            Target { format: Chosen::Ours(Format::Junit), path: Some("target/junit.xml".into()) }
        );
        assert_eq!("json".parse(), Ok(Target { format: Chosen::Ours(Format::Json), path: None }));
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
