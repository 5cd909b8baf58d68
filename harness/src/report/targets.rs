//! Where reports go: `--report FORMAT[=FILE]`, checked before anything runs.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;

use super::{RunsReport, csv, github, json, junit, markdown, otlp, perfetto, sarif};
use crate::cli::failure::Failure;
use crate::cli::names::unknown;
use crate::judge::outcome::RunOutcome;

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

    fn write(self, runs: &RunsReport<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        let text = match self {
            Self::Json => json::runs(runs),
            Self::Markdown => markdown::render(runs),
            Self::Junit => junit::render(runs).map_err(Failure::Harness)?,
            Self::Csv => csv::render(runs),
            Self::Github => github::summary(runs),
            Self::Sarif => sarif::render(runs),
            Self::Perfetto => return perfetto::write(runs, out),
            Self::Otlp => return otlp::write(runs, out),
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

    fn write(self, runs: &RunsReport<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        match self {
            Self::Ours(format) => format.write(runs, out),
            Self::Own(place) => {
                let text = own().get(place).map(|own| own.render(runs.runs)).unwrap_or_default();
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

    fn write_file(&self, runs: &RunsReport<'_>, path: &Path) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::Harness(format!("{}: the report cannot be written: {error}", path.display()))
        };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        self.format.write(runs, &mut file).map_err(|failure| match failure {
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

    pub(crate) fn write(&self, runs: &RunsReport<'_>, out: &mut dyn Write) -> Result<(), Failure> {
        for target in &self.0 {
            if target.format == Chosen::Ours(Format::Github) {
                // The commands are read from what the step prints, wherever its summary goes.
                out.write_all(github::annotations(runs).as_bytes())?;
            }
            match target.file() {
                None => target.format.write(runs, out)?,
                Some(path) => target.write_file(runs, &path)?,
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
