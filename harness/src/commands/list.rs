//! `partita list`: what there is to choose from.
//!
//! Asks no system to start and changes nothing.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use histories::{Function, ModelName};
use nemesis::{FaultKind, FaultSpec};
use systems::lies::LieKind;
use systems::{Mode, Presence, System, SystemOptions};

use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::output::OutputFormat;
use crate::judge::outcome::StoredRun;
use crate::plan::catalogue::Catalogue;
use crate::plan::{faults, recipe, suite};
use crate::report::listing::{
    Effect, FormatUse, GivenUp, Here, ListedBug, ListedFault, ListedFormat, ListedLie, ListedMode, ListedRun,
    ListedSystem, Listing, Named, RunSummary,
};
use crate::report::{self, Format, Report};

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

    /// For a person, or one JSON object.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: OutputFormat,
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
    let listing = match args.what {
        Listed::Systems => {
            Listing::Systems(catalogue.systems.iter().map(|system| listed(&**system)).collect())
        }
        Listed::Modes => Listing::Modes(system()?.modes().into_iter().map(mode).collect()),
        Listed::Suites => suites()?,
        Listed::Workloads => workloads(catalogue),
        Listed::Faults => all_faults(),
        Listed::Models => models(),
        Listed::Formats => formats(),
        Listed::Bugs => bugs(system()?.as_ref()),
        Listed::Lies => lies(),
        Listed::Keys => super::keys::keys(cli),
        Listed::Figures => super::keys::figures(),
        Listed::Runs => runs(&args.out),
    };
    session.print(&Report::Listing(&listing), args.format.is_json(), out)?;
    Ok(Exit::Success)
}

fn listed(system: &dyn System) -> ListedSystem {
    let powers = system.powers();
    let kinds = FaultKind::ALL.into_iter().filter(|kind| powers.has(kind.needs()));
    ListedSystem {
        name: system.name().to_owned(),
        modes: system.modes().len(),
        faults: kinds.map(FaultKind::name).collect(),
        here: match system.presence(&SystemOptions::default()) {
            Presence::Bundled => Here::Bundled,
            Presence::Installed { program, version, .. } => {
                let program = program.display().to_string();
                Here::Installed { program, version }
            }
            Presence::Missing { install, .. } => Here::Missing { install },
        },
    }
}

fn mode(mode: Mode) -> ListedMode {
    ListedMode {
        datacentres: mode.layout.datacentres,
        nodes_each: mode.layout.nodes_each,
        promises: mode.promise.iter().map(|model| model.name()).collect(),
        gives_up: gives_up(&mode),
        name: mode.name,
        about: mode.about,
    }
}

/// Each once: that it may need a workload is not told, and what needs no fault needs none of several.
fn gives_up(mode: &Mode) -> Vec<GivenUp> {
    let always =
        |model: ModelName| mode.shows.iter().any(|show| show.model == model && show.under.is_empty());
    let mut all: Vec<GivenUp> = Vec::new();
    for show in &mode.shows {
        let under = if always(show.model) { Vec::new() } else { show.under.clone() };
        let given = GivenUp { model: show.model.name(), under };
        if !all.contains(&given) {
            all.push(given);
        }
    }
    all
}

fn bugs(system: &dyn System) -> Listing {
    let bugs = system.bugs().into_iter();
    let listed = bugs.map(|bug| ListedBug { name: bug.name, families: bug.families, about: bug.about });
    Listing::Bugs(listed.collect())
}

fn lies() -> Listing {
    let listed = LieKind::ALL.iter().map(|lie| ListedLie {
        name: lie.name(),
        about: lie.about(),
        functions: lie.functions().iter().map(Function::name).collect(),
    });
    Listing::Lies(listed.collect())
}

fn suites() -> Result<Listing, Failure> {
    let suites = suite::built_in()?.into_iter();
    Ok(Listing::Suites(suites.map(|suite| Named { name: suite.name, about: suite.about }).collect()))
}

fn named(name: &str, about: &str) -> Named {
    Named { name: name.to_owned(), about: about.to_owned() }
}

fn workloads(catalogue: &Catalogue) -> Listing {
    let workloads = catalogue.workloads.iter();
    Listing::Workloads(workloads.map(|workload| named(workload.name, workload.about)).collect())
}

fn models() -> Listing {
    Listing::Models(ModelName::ALL.iter().map(|model| named(model.name(), model.about())).collect())
}

/// Every kind with what it can be aimed at, the default first; below, each aim where it first means something.
fn all_faults() -> Listing {
    let of_kind = |kind: FaultKind| ListedFault {
        name: kind.name().to_owned(),
        form: kind.form(),
        aims: kind.aims().collect(),
        about: kind.about().to_owned(),
        effect: Some(Effect {
            needs: kind.needs().words(),
            shown_by: kind.evidence(),
            at_its_end: kind.undo(),
        }),
    };
    let other = |name: &str, about: &str| ListedFault {
        name: name.to_owned(),
        form: name.to_owned(),
        aims: Vec::new(),
        about: about.to_owned(),
        effect: None,
    };
    let mut all: Vec<ListedFault> = FaultKind::ALL.into_iter().map(of_kind).collect();
    let mut told = BTreeSet::new();
    let aims = FaultSpec::catalogue().filter(|fault| told.insert(fault.about()));
    all.extend(aims.map(|fault| other(&fault.name(), fault.about())));
    all.extend(faults::own().iter().map(|own| other(own.name, own.about)));
    all.push(other("none", "no fault"));
    let every = "every kind that the mode survives and the system can have done to it, at :any";
    all.push(other("all", every));
    Listing::Faults(all)
}

fn formats() -> Listing {
    let format = |name: &str, uses: FormatUse, about: &str| ListedFormat {
        name: name.to_owned(),
        uses,
        about: about.to_owned(),
    };
    let read = histories::read::Format::ALL.iter().map(|read| {
        let written = histories::write::FORMATS.contains(read);
        let uses = if written { FormatUse::ReadAndWrite } else { FormatUse::Read };
        format(read.name(), uses, read.about())
    });
    let parquet = "columns for analysis, a row an operation (built with the feature parquet)";
    let parquet = format("parquet", FormatUse::Write, parquet);
    let ours = Format::ALL.iter().map(|ours| format(ours.name(), FormatUse::Report, ours.about()));
    let own = report::own().iter().map(|own| format(own.name(), FormatUse::Report, own.about()));
    Listing::Formats(read.chain([parquet]).chain(ours).chain(own).collect())
}

/// Newest first. A run is a folder with an `env.json` of one, wherever it lies below.
fn runs(out: &Path) -> Listing {
    let mut folders = Vec::new();
    find_runs(out, DEPTH_MAX, &mut folders);
    folders.sort_by(|a, b| b.file_name().cmp(&a.file_name()).then_with(|| a.cmp(b)));
    let listed = folders
        .iter()
        .map(|folder| ListedRun { results: summary(folder), folder: folder.display().to_string() });
    Listing::Runs(listed.collect())
}

fn summary(folder: &Path) -> Option<RunSummary> {
    let text = std::fs::read_to_string(folder.join("results.json")).ok()?;
    let run: StoredRun = serde_json::from_str(&text).ok()?;
    let StoredRun { outcome, finished, workload, mode, faults, seed, .. } = run;
    Some(RunSummary { finished, outcome, workload, mode, faults, seed })
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
    use crate::report::terminal;

    fn told(listing: &Listing) -> String {
        terminal::listing(listing, false).terminal(0, Width::UNLIMITED)
    }

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
        let text = told(&runs(out.path())).replace(&out.path().display().to_string(), "runs");
        let columns: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().take(2).collect()).collect();
        insta::assert_debug_snapshot!(columns);
        assert!(terminal::listing(&runs(&out.path().join("nowhere")), false).is_empty());
    }

    #[test]
    fn what_a_mode_gives_up_is_listed_once() {
        let several = systems::store::modes().into_iter().filter(|mode| mode.shows.len() > 1);
        let mut shorter = 0;
        for mode in several {
            let given = gives_up(&mode);
            let models: BTreeSet<&str> = given.iter().map(|given| given.model).collect();
            let told: BTreeSet<(&str, &[String])> =
                given.iter().map(|given| (given.model, given.under.as_slice())).collect();
            assert_eq!(told.len(), given.len(), "{}: {given:?}", mode.name);
            let doubled = |model: &&str| {
                let under = given.iter().filter(|given| given.model == *model);
                let (always, with_faults): (Vec<_>, Vec<_>) = under.partition(|given| given.under.is_empty());
                !always.is_empty() && !with_faults.is_empty()
            };
            assert!(!models.iter().any(doubled), "{}: {given:?}", mode.name);
            let shown: BTreeSet<&str> = mode.shows.iter().map(|show| show.model.name()).collect();
            assert_eq!(models, shown, "{}", mode.name);
            shorter += usize::from(given.len() < mode.shows.len());
        }
        assert!(shorter > 0);
    }

    #[test]
    fn every_model_and_fault_says_what_it_is() {
        insta::assert_snapshot!(told(&models()));
        insta::assert_snapshot!("faults", told(&all_faults()));
        let effects = terminal::listing(&all_faults(), true).csv();
        assert!(
            effects
                .contains("kill,kill and restart nodes,the process is gone,it is started again on its disk")
        );
        assert_eq!(effects.lines().count(), FaultKind::ALL.len() + 1);
    }
}
