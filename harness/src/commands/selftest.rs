//! `partita selftest`: every planted bug, and what modes give up, against the runs that should catch it, in simulation.
//!
//! A bug that nothing finds is a failure of ours, and so is an alarm without a bug.

use std::io::Write;

use clap::Args;

use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::unknown;
use crate::cli::quantity::Time;
use systems::Trap;

use crate::explore::selftest::{Effort, expose, gaps, spring};
use crate::plan::catalogue::Catalogue;
use crate::report::selftest::Caught;
use crate::report::{Report, Selftest};

#[derive(Args, Debug)]
pub(crate) struct SelftestArgs {
    /// Only this bug.
    #[arg(long, value_name = "NAME")]
    pub(crate) bug: Option<String>,

    /// Seeds to look for each bug in, at most.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,

    /// Seeds to try at least, for how often a bug is found.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) rate_seeds: u64,

    /// Finds of each bug, for a median of what it takes.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) finds: u16,

    /// Seeds to run without the bug; none of them may find anything.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) control: u64,

    /// The first seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How long each run issues operations, in virtual time.
    #[arg(long, value_name = "T", default_value = "20s")]
    pub(crate) time: Time,

    /// One line of JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn selftest(
    args: &SelftestArgs,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let effort = Effort {
        first_seed: args.seed,
        seeds: args.seeds,
        rate_seeds: args.rate_seeds.min(args.seeds),
        finds: usize::from(args.finds),
        control_seeds: args.control,
        time: args.time.0,
    };
    let system = catalogue.system(None).map_err(Failure::Usage)?;
    let known: Vec<&str> = system.bugs().iter().map(|bug| bug.name).collect();
    if let Some(strange) = args.bug.as_deref().filter(|bug| !known.contains(bug)) {
        return Err(Failure::Usage(unknown("bug", strange, &known)));
    }
    let chosen = |trap: &&Trap| args.bug.as_deref().is_none_or(|bug| bug == trap.bug);
    let tell = |caught: Caught| {
        let Caught { bug, mode, found, seeds, .. } = &caught;
        session.say(&format!("{bug} in {mode}: {found} of {seeds} seeds"));
        caught
    };
    let mut results = Vec::new();
    for trap in system.traps().iter().filter(chosen) {
        results.push(tell(spring(trap, effort, catalogue, &session.interrupt)?));
    }
    let bugs = results.len();
    let gaps = if args.bug.is_none() { gaps(catalogue)? } else { Vec::new() };
    for (mode, show) in &gaps {
        results.push(tell(expose(mode, show, effort, catalogue, &session.interrupt)?));
    }
    let exit = if results.iter().all(Caught::is_well) { Exit::Success } else { Exit::Violation };
    let (bugs, shows) = results.split_at(bugs);
    session.print(&Report::Selftest(Selftest { exit, bugs, shows }), args.json, out)?;
    Ok(exit)
}
