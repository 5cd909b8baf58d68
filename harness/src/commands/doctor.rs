//! `partita doctor`: which faults this machine can have, and what earlier harnesses left behind.
//!
//! Every means is tried, on something of the probe's own; nothing is assumed.

use std::fmt::Write as _;
use std::io::Write;

use clap::Args;
use nemesis::backends::leftovers::{Leftover, marked, reap};
use nemesis::backends::probe::Backend;
use nemesis::{FaultKind, Power, Powers};
use schemars::JsonSchema;
use serde::Serialize;
use systems::cluster::{NAMESPACE_POWERS, PEER_POWERS, sweep_private};

use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::report::grid::Grid;

#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// End processes and remove folders that harnesses have left which were killed.
    #[arg(long)]
    clean: bool,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(JsonSchema, Serialize)]
pub(crate) struct Diagnosis {
    means: Vec<Means>,
    leftovers: Leftovers,
}

/// A way to carry faults out.
#[derive(JsonSchema, Serialize)]
struct Means {
    name: &'static str,
    /// Whether this machine can do it.
    here: bool,
    /// The faults that it carries out.
    faults: Vec<&'static str>,
    /// What is missing, where it cannot be had.
    why: Option<String>,
    /// What brings it.
    remedy: Option<String>,
}

/// What harnesses have left that were killed.
#[derive(JsonSchema, Serialize)]
struct Leftovers {
    /// Whether they were removed.
    removed: bool,
    processes: Vec<LeftProcess>,
    /// Folders that were removed.
    folders: Vec<String>,
}

#[derive(JsonSchema, Serialize)]
struct LeftProcess {
    process: u32,
    command: String,
}

pub(crate) fn doctor(args: &DoctorArgs, session: &Session, out: &mut dyn Write) -> Result<Exit, Failure> {
    let mut means: Vec<Means> = Backend::ALL.into_iter().map(probed).collect();
    means.push(built_in("store", Powers::of(&[Power::Step, Power::Drift]), None));
    means.push(built_in("sim", systems::sim::POWERS, Some("--stage sim")));
    let diagnosis = Diagnosis { means, leftovers: leftovers(args.clean)? };
    if args.json {
        // Our types have string keys only, so they always serialise.
        writeln!(out, "{}", serde_json::to_string(&diagnosis).unwrap_or_default())?;
    } else {
        write!(out, "{}", told(&diagnosis, session))?;
    }
    Ok(Exit::Success)
}

fn probed(backend: Backend) -> Means {
    let powers = match backend {
        Backend::Proxy => PEER_POWERS.union(Power::CutClients.into()),
        Backend::Process => Powers::of(&[Power::Kill, Power::Pause]),
        Backend::Netns => NAMESPACE_POWERS,
        Backend::Faketime => Power::Step.into(),
    };
    let missing = backend.probe().err();
    Means {
        name: backend.name(),
        here: missing.is_none(),
        faults: faults(powers),
        why: missing.as_ref().map(|missing| missing.why.clone()),
        remedy: missing.map(|missing| missing.remedy),
    }
}

/// What is part of this program.
fn built_in(name: &'static str, powers: Powers, remedy: Option<&str>) -> Means {
    Means { name, here: true, faults: faults(powers), why: None, remedy: remedy.map(str::to_owned) }
}

fn faults(powers: Powers) -> Vec<&'static str> {
    FaultKind::ALL.into_iter().filter(|kind| powers.has(kind.needs())).map(FaultKind::name).collect()
}

fn leftovers(clean: bool) -> Result<Leftovers, Failure> {
    let gone = |process: &Leftover| process.harness.lives() == Some(false);
    let (processes, folders) = if clean {
        let ended = reap(|harness| harness.lives() == Some(false));
        (ended.map_err(|error| Failure::Harness(error.to_string()))?, sweep_private(&std::env::temp_dir()))
    } else {
        (marked().into_iter().filter(gone).collect(), Vec::new())
    };
    let process = |left: Leftover| LeftProcess { process: left.id, command: left.command };
    Ok(Leftovers {
        removed: clean,
        processes: processes.into_iter().map(process).collect(),
        folders: folders.into_iter().map(|folder| folder.display().to_string()).collect(),
    })
}

fn told(diagnosis: &Diagnosis, session: &Session) -> String {
    let mut grid = Grid::new(&["means", "here", "faults of real processes", "what to do"]);
    let (real, simulated): (Vec<&Means>, Vec<&Means>) =
        diagnosis.means.iter().partition(|means| means.name != "sim");
    for means in &real {
        let here = if means.here { session.paint.good("yes") } else { session.paint.bad("no") };
        let todo = match (&means.why, &means.remedy) {
            (Some(why), Some(remedy)) => format!("{why}; {remedy}"),
            _ => String::new(),
        };
        grid.push(vec![means.name.to_owned(), here, means.faults.join(", "), todo]);
    }
    let mut text = format!("{}\n", grid.terminal(0, session.width));
    let live: Vec<&str> = real.iter().flat_map(|means| means.faults.iter().copied()).collect();
    let only = simulated.iter().flat_map(|means| means.faults.iter().copied());
    let only: Vec<&str> = only.filter(|fault| !live.contains(fault)).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\nin simulation alone (--stage sim): {}", only.join(", "));
    let Leftovers { removed, processes, folders } = &diagnosis.leftovers;
    let _ = match (removed, processes.len(), folders.len()) {
        (false, 0, _) => writeln!(text, "no process is left of a harness that was killed"),
        (false, count, _) => writeln!(
            text,
            "{count} processes are left of harnesses that were killed; end them: partita doctor --clean"
        ),
        (true, processes, folders) => writeln!(text, "removed: {processes} processes, {folders} folders"),
    };
    text
}
