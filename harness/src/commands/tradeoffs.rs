//! `partita compare --tradeoffs`: the table of the theory, measured.
//!
//! What a mode promises is judged as in any comparison; what it gives up stands in the table and fails nothing.

use std::io::Write;
use std::time::Duration;

use histories::Function;
use nemesis::Layout;
use systems::{Mode, System};

use super::Session;
use super::compare::{CompareArgs, again, expectations, seeds};
use super::run::{Carried, Pages, carry_out, draw_seed, exit};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::options::Options;
use crate::cli::quantity::{List, Time};
use crate::judge::expect::judge_runs;
use crate::judge::outcome::RunOutcome;
use crate::plan;
use crate::plan::catalogue::Catalogue;
use crate::plan::spec::{RunSpec, StageName};
use crate::report::tradeoffs::{Growth, Tradeoff};
use crate::report::{Purpose, RunsReport, Targets};
use crate::run::{RunError, reads_per_second};

const TIME: Duration = Duration::from_secs(20);
const SEEDS_SIMULATED: u32 = 5;

/// The runs of a mode.
struct Planned {
    mode: Mode,
    faulty: Vec<RunSpec>,
    quiet: Vec<RunSpec>,
}

pub(crate) fn tradeoffs(
    args: &CompareArgs,
    config: Options,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let options = args.options.clone().over(config);
    super::place::check(&options)?;
    let targets = Targets::parse(options.report.as_ref())?;
    let stage = Some(options.stage.unwrap_or(StageName::Sim));
    let options = Options { stage, ..options };
    let defaults = Options {
        mode: Some(List(
            catalogue.only_system(options.system.as_ref()).map_err(Failure::Usage)?.tradeoff_modes(),
        )),
        time: Some(Time(TIME)),
        seeds: seeds(&options, SEEDS_SIMULATED),
        ..Options::default()
    };
    let planned = plan_all(&options.clone().over(defaults), catalogue).map_err(Failure::Usage)?;
    let specs: Vec<RunSpec> =
        planned.iter().flat_map(|mode| mode.faulty.iter().chain(&mode.quiet)).cloned().collect();
    let again = again("compare --tradeoffs", &options, &specs);
    session.say(&again);
    let mut carried = Carried::default();
    let expectations = expectations(&specs);
    carry_out(&specs, &expectations, Pages::wanted(&options), session, &mut std::io::sink(), &mut carried)?;
    let judgement = judge_runs(&expectations, &carried.runs.iter().collect::<Vec<_>>());
    let exit = exit(&carried, &judgement);
    let rows = rows(&planned, &carried.runs).map_err(Failure::Harness)?;
    let told = RunsReport {
        exit,
        runs: &carried.runs,
        missed: &judgement.missed,
        expectations: &expectations,
        again: &again,
        purpose: Purpose::Tradeoffs(&rows),
    };
    session.tell(told, &targets, out)
}

fn plan_all(options: &Options, catalogue: &Catalogue) -> Result<Vec<Planned>, String> {
    let system = catalogue.only_system(options.system.as_ref())?;
    let patterns = options.mode.as_ref().map(|list| list.0.clone()).unwrap_or_default();
    let seed = draw_seed();
    let plan_one = |mode: Mode| {
        let of = |faults: Vec<String>, workloads: Vec<&str>| {
            let options = Options {
                mode: Some(List(vec![mode.name.clone()])),
                workload: Some(List(workloads.into_iter().map(str::to_owned).collect())),
                faults: Some(List(faults)),
                ..options.clone()
            };
            let mut specs = plan::specs("tradeoffs", &options, catalogue, seed, &|_| Vec::new())?;
            // What is given up stands in the table.
            for spec in &mut specs {
                spec.mode.shows.clear();
            }
            Ok::<_, String>(specs)
        };
        let asked = options.faults.as_ref().map(|list| list.0.clone());
        let faulty = of(asked.unwrap_or_else(|| faults(&mode)), workloads(system.as_ref(), &mode))?;
        let quiet = of(vec!["none".to_owned()], vec![concurrent(system.as_ref(), &mode)])?;
        Ok(Planned { mode, faulty, quiet })
    };
    Catalogue::modes(system.as_ref(), &patterns)?.into_iter().map(plan_one).collect()
}

/// Whom a mode needs: its leaders, or any members.
fn faults(mode: &Mode) -> Vec<String> {
    let names: &[&str] = match (mode.led, mode.layout.datacentres) {
        (false, _) => &["partition:one", "kill:one"],
        (true, 1) => &["partition:one", "kill:leader"],
        (true, _) => &["partition:datacentres", "kill:leader"],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What shows the consistency of a mode, and its losses.
fn workloads(system: &dyn System, mode: &Mode) -> Vec<&'static str> {
    let supports = |function| system.supports(mode, &function);
    match (supports(Function::Write), supports(Function::Add)) {
        (true, true) => vec!["register", "set"],
        (true, false) => vec!["register"],
        _ => vec!["siblings"],
    }
}

/// What shows best what becomes of concurrent updates.
fn concurrent(system: &dyn System, mode: &Mode) -> &'static str {
    let supports = |function| system.supports(mode, &function);
    match (supports(Function::Add), supports(Function::Write)) {
        (true, _) => "set",
        (false, true) => "register",
        (false, false) => "siblings",
    }
}

/// The modes of which something came.
fn rows(planned: &[Planned], runs: &[RunOutcome]) -> Result<Vec<Tradeoff>, String> {
    let mut rows = Vec::new();
    for Planned { mode, faulty, .. } in planned {
        let Some(system) = faulty.first().map(|spec| &spec.system) else { continue };
        let of = |with_faults: bool| {
            let own = runs.iter().filter(|run| run.mode == mode.name);
            own.filter(|run| run.faults.is_empty() != with_faults).collect::<Vec<_>>()
        };
        let (with, without) = (of(true), of(false));
        if with.is_empty() {
            continue;
        }
        let growth = growth(faulty).map_err(|error| error.to_string())?;
        rows.push(Tradeoff::of(system.as_ref(), mode, &with, &without, growth));
    }
    Ok(rows)
}

/// Reads a second as the cluster is, and twice as large - twice the datacentres where there are several: the means over
/// the seeds. `None` where the system cannot be simulated.
fn growth(specs: &[RunSpec]) -> Result<Option<Growth>, RunError> {
    let mut seeds: Vec<&RunSpec> = specs.iter().filter(|spec| spec.system.simulator().is_some()).collect();
    seeds.dedup_by_key(|spec| spec.seed);
    let Some(now) = seeds.first().map(|spec| spec.layout) else { return Ok(None) };
    let twice = if now.datacentres > 1 {
        Layout { datacentres: now.datacentres * 2, ..now }
    } else {
        Layout::single(now.nodes_each * 2)
    };
    let mean = |layout| {
        let measured = seeds.iter().map(|spec| reads_per_second(spec, layout));
        let sum = measured.sum::<Result<f64, RunError>>()?;
        Ok(sum / seeds.len() as f64)
    };
    Ok(Some(Growth { nodes: [now.total(), twice.total()], reads_per_s: [mean(now)?, mean(twice)?] }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::catalogue;

    #[test]
    fn each_type_is_measured_with_faults_that_hurt_it_and_without() {
        let options =
            Options { mode: Some("single/quorum,multi/lww".parse().unwrap()), ..Options::default() };
        let planned = plan_all(&options, &catalogue()).unwrap();
        let titles: Vec<String> = planned
            .iter()
            .flat_map(|mode| mode.faulty.iter().chain(&mode.quiet))
            .map(|spec| format!("{} × {} × {:?}", spec.workload, spec.mode.name, spec.faults))
            .collect();
        insta::assert_snapshot!(titles.join("\n"));
        assert_eq!(faults(&Mode { led: false, ..planned[0].mode.clone() }), ["partition:one", "kill:one"]);
    }
}
