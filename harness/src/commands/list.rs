//! `partita list`: what there is to choose from.
//!
//! Asks no system to start and changes nothing.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use histories::{Function, ModelName};
use nemesis::{FaultKind, FaultSpec, Layout};
use systems::lies::LieKind;
use systems::{Mode, Presence, System, SystemOptions};

use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::judge::outcome::StoredRun;
use crate::plan::catalogue::Catalogue;
use crate::plan::{faults, recipe, suite};
use crate::report::grid::Grid;
use crate::report::{self, Format};

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// What to list.
    #[arg(value_enum)]
    pub(crate) what: Listed,

    /// Of which system, where that matters.
    #[arg(long, value_name = "NAME", env = "PARTITA_SYSTEM")]
    pub(crate) system: Option<String>,

    /// Where runs are looked for.
    #[arg(long, value_name = "DIR", env = "PARTITA_OUT", default_value = "runs")]
    pub(crate) out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listed {
    Systems,
    Modes,
    Suites,
    Workloads,
    Faults,
    Models,
    Bugs,
    /// What the clients of `partita calibrate` can say that is not so.
    Lies,
    Formats,
    /// The keys of a suite and of a profile.
    Keys,
    /// What a suite can expect something of.
    Figures,
    Runs,
}

pub(crate) fn list(
    args: &ListArgs,
    cli: &clap::Command,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let system = || catalogue.system(args.system.as_deref()).map_err(Failure::Usage);
    let grid = match args.what {
        Listed::Systems => systems(catalogue),
        Listed::Modes => modes(system()?.as_ref()),
        Listed::Suites => suites()?,
        Listed::Workloads => workloads(catalogue),
        Listed::Faults => all_faults(session.verbose),
        Listed::Models => models(),
        Listed::Formats => formats(),
        Listed::Bugs => bugs(system()?.as_ref()),
        Listed::Lies => lies(),
        Listed::Keys => super::keys::keys(cli),
        Listed::Figures => super::keys::figures(),
        Listed::Runs => runs(&args.out),
    };
    if grid.is_empty() {
        writeln!(out, "nothing yet")?;
    } else {
        writeln!(out, "{}", grid.terminal(0, session.width))?;
    }
    Ok(Exit::Success)
}

fn systems(catalogue: &Catalogue) -> Grid {
    let mut grid = Grid::new(&["system", "modes", "faults", "on this machine"]);
    for system in &catalogue.systems {
        let powers = system.powers();
        let kinds = FaultKind::ALL.into_iter().filter(|kind| powers.has(kind.needs()));
        grid.push(vec![
            system.name().to_owned(),
            system.modes().len().to_string(),
            kinds.map(FaultKind::name).collect::<Vec<_>>().join(", "),
            match system.presence(&SystemOptions::default()) {
                Presence::Bundled => "part of this program".to_owned(),
                Presence::Installed { program, version, .. } => {
                    format!(
                        "{} ({})",
                        version.unwrap_or_else(|| "unknown version".to_owned()),
                        program.display()
                    )
                }
                Presence::Missing { install, .. } => format!("no: {install}"),
            },
        ]);
    }
    grid
}

fn modes(system: &dyn System) -> Grid {
    let mut grid = Grid::new(&["mode", "nodes", "promises", "gives up", "about"]);
    for mode in system.modes() {
        let promise: Vec<_> = mode.promise.iter().map(|model| model.name()).collect();
        grid.push(vec![
            mode.name.clone(),
            match mode.layout {
                Layout { datacentres: 1, nodes_each } => nodes_each.to_string(),
                Layout { datacentres, nodes_each } => format!("{datacentres} x {nodes_each}"),
            },
            if promise.is_empty() { "nothing".to_owned() } else { promise.join(", ") },
            Some(gives_up(&mode).join(", ")).filter(|text| !text.is_empty()).unwrap_or("-".into()),
            mode.about.clone(),
        ]);
    }
    grid
}

/// Each once: that it may need a workload is not told, and what needs no fault needs none of several.
fn gives_up(mode: &Mode) -> Vec<String> {
    let always =
        |model: ModelName| mode.shows.iter().any(|show| show.model == model && show.under.is_empty());
    let mut texts: Vec<String> = Vec::new();
    for show in &mode.shows {
        let text = match show.under.as_slice() {
            under if under.is_empty() || always(show.model) => show.model.name().to_owned(),
            under => format!("{} ({})", show.model, under.join(", ")),
        };
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

fn bugs(system: &dyn System) -> Grid {
    let mut grid = Grid::new(&["bug", "families", "breaks"]);
    for bug in system.bugs() {
        grid.push([bug.name, bug.families, bug.about].map(str::to_owned).to_vec());
    }
    grid
}

fn lies() -> Grid {
    let mut grid = Grid::new(&["lie", "says", "of"]);
    for lie in LieKind::ALL {
        let functions: Vec<&str> = lie.functions().iter().map(Function::name).collect();
        grid.push(vec![lie.name().to_owned(), lie.about().to_owned(), functions.join(", ")]);
    }
    grid
}

fn suites() -> Result<Grid, Failure> {
    let mut grid = Grid::new(&["suite", "about"]);
    for suite in suite::built_in()? {
        grid.push(vec![suite.name, suite.about]);
    }
    Ok(grid)
}

fn workloads(catalogue: &Catalogue) -> Grid {
    let mut grid = Grid::new(&["workload", "about"]);
    for workload in &catalogue.workloads {
        grid.push(vec![workload.name.to_owned(), workload.about.to_owned()]);
    }
    grid
}

/// Every kind with what it can be aimed at, the default first; below, each aim where it first means something.
fn all_faults(verbose: bool) -> Grid {
    if verbose {
        return effects_of_faults();
    }
    let mut grid = Grid::new(&["fault", "aims", "about"]);
    for kind in FaultKind::ALL {
        let aims = kind.aims().collect::<Vec<_>>().join(" ");
        grid.push(vec![kind.form(), aims, kind.about().to_owned()]);
    }
    let mut told = BTreeSet::new();
    for fault in FaultSpec::catalogue().filter(|fault| told.insert(fault.about())) {
        grid.push(vec![fault.name(), String::new(), fault.about().to_owned()]);
    }
    for own in faults::own() {
        grid.push([own.name, "", own.about].map(str::to_owned).to_vec());
    }
    grid.push(vec!["none".to_owned(), String::new(), "no fault".to_owned()]);
    let all = "every kind that the mode survives and the system can have done to it, at :any";
    grid.push(vec!["all".to_owned(), String::new(), all.to_owned()]);
    grid
}

/// Every kind with what it takes, what shows that it had an effect, and how it ends.
fn effects_of_faults() -> Grid {
    let mut grid = Grid::new(&["fault", "needs to", "shown by", "at its end"]);
    for kind in FaultKind::ALL {
        let cells = [kind.name(), kind.needs().words(), kind.evidence(), kind.undo()];
        grid.push(cells.map(str::to_owned).into());
    }
    grid
}

fn models() -> Grid {
    let mut grid = Grid::new(&["model", "about"]);
    for model in ModelName::ALL {
        grid.push(vec![model.name().to_owned(), model.about().to_owned()]);
    }
    grid
}

fn formats() -> Grid {
    let mut grid = Grid::new(&["format", "for", "about"]);
    for format in histories::read::Format::ALL {
        let written = if histories::write::FORMATS.contains(format) { "read, write" } else { "read" };
        grid.push(vec![format.name().to_owned(), written.to_owned(), format.about().to_owned()]);
    }
    let parquet = "columns for analysis, a row an operation (built with the feature parquet)";
    grid.push(["parquet", "write", parquet].map(str::to_owned).to_vec());
    for format in Format::ALL {
        grid.push(vec![format.name().to_owned(), "--report".to_owned(), format.about().to_owned()]);
    }
    for own in report::own() {
        grid.push([own.name(), "--report", own.about()].map(str::to_owned).to_vec());
    }
    grid
}

/// Newest first. A run is a folder with an `env.json` of one, wherever it lies below.
fn runs(out: &Path) -> Grid {
    let mut grid = Grid::new(&["folder", "outcome", "workload", "mode", "faults", "seed"]);
    let mut folders = Vec::new();
    find_runs(out, DEPTH_MAX, &mut folders);
    folders.sort_by(|a, b| b.file_name().cmp(&a.file_name()).then_with(|| a.cmp(b)));
    for folder in folders {
        let text = std::fs::read_to_string(folder.join("results.json")).unwrap_or_default();
        let name = folder.display().to_string();
        let mut row = vec![name];
        if let Ok(run) = serde_json::from_str::<StoredRun>(&text) {
            let outcome = if run.finished { run.outcome.name() } else { "unfinished" }.to_owned();
            row.extend([outcome, run.workload, run.mode, run.faults.join(","), run.seed.to_string()]);
        } else {
            row.push("no results".to_owned());
            row.resize(6, "-".to_owned());
        }
        grid.push(row);
    }
    grid
}

/// Deeper than this nothing that is meant lies.
const DEPTH_MAX: usize = 16;

fn find_runs(folder: &Path, depth: usize, found: &mut Vec<std::path::PathBuf>) {
    let is_run = recipe::environment(folder).is_ok_and(|env| env["configuration"]["seed"].is_u64());
    if is_run {
        found.push(folder.to_owned());
    }
    if depth > 0 {
        for child in children(folder) {
            find_runs(&child, depth - 1, found);
        }
    }
}

/// Folders in a folder, the links to the newest left out.
fn children(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::layout::Width;
    use crate::judge::outcome::RunOutcome;

    #[test]
    fn runs_are_listed_newest_first_and_broken_ones_say_so() {
        let out = tempfile::tempdir().unwrap();
        let names = ["quick/20260101T000000Z-1", "quick/20260103T000000Z-3", "deep/smoke/20260102T000000Z-2"];
        for name in names {
            std::fs::create_dir_all(out.path().join(name).join("disks/n1")).unwrap();
            let env = r#"{"configuration": {"seed": 7}}"#;
            std::fs::write(out.path().join(name).join("env.json"), env).unwrap();
        }
        std::fs::create_dir_all(out.path().join("hunts/20260104T000000Z-4")).unwrap();
        let results = serde_json::to_string(&RunOutcome::complete_example()).unwrap();
        std::fs::write(out.path().join("quick/20260103T000000Z-3/results.json"), results).unwrap();
        let text =
            runs(out.path()).terminal(0, Width::UNLIMITED).replace(&out.path().display().to_string(), "runs");
        let columns: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().take(2).collect()).collect();
        insta::assert_debug_snapshot!(columns);
        assert!(runs(&out.path().join("nowhere")).is_empty());
    }

    #[test]
    fn what_a_mode_gives_up_is_listed_once() {
        let several = systems::store::modes().into_iter().filter(|mode| mode.shows.len() > 1);
        let mut shorter = 0;
        for mode in several {
            let texts = gives_up(&mode);
            let bare: BTreeSet<&str> = texts.iter().map(|text| text.split(" (").next().unwrap()).collect();
            let told: BTreeSet<&String> = texts.iter().collect();
            assert_eq!(told.len(), texts.len(), "{}: {texts:?}", mode.name);
            let doubled = |name: &&str| {
                texts.contains(&(*name).to_owned())
                    && texts.iter().any(|text| text.starts_with(&format!("{name} (")))
            };
            assert!(!bare.iter().any(doubled), "{}: {texts:?}", mode.name);
            let shown: BTreeSet<&str> = mode.shows.iter().map(|show| show.model.name()).collect();
            assert_eq!(bare, shown, "{}", mode.name);
            shorter += usize::from(texts.len() < mode.shows.len());
        }
        assert!(shorter > 0);
    }

    #[test]
    fn every_model_and_fault_says_what_it_is() {
        insta::assert_snapshot!(models().terminal(0, Width::UNLIMITED));
        insta::assert_snapshot!("faults", all_faults(false).terminal(0, Width::UNLIMITED));
        let effects = all_faults(true).csv();
        assert!(
            effects
                .contains("kill,kill and restart nodes,the process is gone,it is started again on its disk")
        );
        assert_eq!(effects.lines().count(), FaultKind::ALL.len() + 1);
    }
}
