//! `partita doctor`: which faults this machine can have, and what earlier harnesses left behind.
//!
//! Every means is tried, on something of the probe's own; nothing is assumed.

use std::io::Write;

use clap::Args;
use nemesis::backends::leftovers::{Leftover, marked, reap};
use nemesis::backends::probe::Backend;
use nemesis::{FaultKind, Power, Powers};
use systems::cluster::{NAMESPACE_POWERS, PEER_POWERS, sweep_private};

use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::report::Report;
use crate::report::doctor::{Diagnosis, LeftProcess, Leftovers, Means};

#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// End processes and remove folders that harnesses have left which were killed.
    #[arg(long)]
    clean: bool,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn doctor(args: &DoctorArgs, session: &Session, out: &mut dyn Write) -> Result<Exit, Failure> {
    let mut means: Vec<Means> = Backend::ALL.into_iter().map(probed).collect();
    means.push(built_in("store", Powers::of(&[Power::Step, Power::Drift]), None));
    means.push(Means { simulated: true, ..built_in("sim", systems::sim::POWERS, Some("--stage sim")) });
    let diagnosis = Diagnosis { means, leftovers: leftovers(args.clean)? };
    session.print(&Report::Diagnosis(&diagnosis), args.json, out)?;
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
        simulated: false,
        here: missing.is_none(),
        faults: faults(powers),
        why: missing.as_ref().map(|missing| missing.why.clone()),
        remedy: missing.map(|missing| missing.remedy),
    }
}

/// What is part of this program.
fn built_in(name: &'static str, powers: Powers, remedy: Option<&str>) -> Means {
    Means {
        name,
        simulated: false,
        here: true,
        faults: faults(powers),
        why: None,
        remedy: remedy.map(str::to_owned),
    }
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
