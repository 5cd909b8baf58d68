//! `partita probe`: does a system's client keep its contract?
//!
//! Judges clients, never databases: a model that is violated is no business of it.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use nemesis::Layout;
use systems::probe;
use systems::{Setup, SystemOptions};

use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::quantity::List;
use crate::plan::catalogue::Catalogue;
use crate::report::{Client, Report};

#[derive(Args, Debug)]
pub(crate) struct ProbeArgs {
    /// The system: a name, or a TOML file that describes it.
    #[arg(value_name = "SYSTEM")]
    pub(crate) system: String,

    /// The mode [default: the system's first].
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<String>,

    /// The program that the system's nodes run, or the folder that it lies in. Default: it is looked for.
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,

    /// Where the nodes are of a system that runs already: `host:port`, one for each node. Nothing is started then.
    #[arg(long, value_name = "HOST:PORT,…")]
    pub(crate) endpoints: Option<List>,

    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Two threads of clients: one is tried, the other looks what came of it.
const CLIENTS: u32 = 2;

pub(crate) fn probe(
    args: &ProbeArgs,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let system = catalogue.only_system(Some(&List(vec![args.system.clone()]))).map_err(Failure::Usage)?;
    let first = system.modes().into_iter().next();
    let mode = match (&args.mode, first) {
        (Some(name), _) => system.mode(name).map_err(Failure::Usage)?,
        (None, Some(mode)) => mode,
        (None, None) => return Err(Failure::Usage(format!("{} has no mode", system.name()))),
    };
    let endpoints = args.endpoints.as_ref().map(|list| list.0.clone()).unwrap_or_default();
    let count = u16::try_from(endpoints.len()).ok().filter(|&count| count > 0);
    let layout = count.map_or(mode.layout, Layout::single);
    let folder = tempfile::tempdir().map_err(|error| Failure::Harness(error.to_string()))?;
    let setup = Setup {
        layout,
        mode,
        workload: "register".to_owned(),
        options: SystemOptions { binary: args.binary.clone(), endpoints, ..SystemOptions::default() },
        clients: CLIENTS,
        logs: folder.path().join("logs"),
        disks: folder.path().join("disks"),
        seed: 1,
    };
    session.say(&format!("probing the client of {} in mode {}", system.name(), setup.mode.name));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::Harness(error.to_string()))?;
    let tried = runtime
        .block_on(probe::probe(system.as_ref(), &setup))
        .map_err(|error| Failure::Harness(error.to_string()))?;
    let is_kept = tried.iter().all(|tried| tried.faults.is_empty());
    let exit = if is_kept { Exit::Success } else { Exit::Violation };
    session.print(&Report::Client(Client { exit, tried: &tried }), args.json, out)?;
    Ok(exit)
}
