//! `partita compare`: modes side by side, each against its promise and against what it gives up.
//!
//! A promise that breaks fails, and so does a weakness that no longer shows: then the test has lost its teeth.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use clap::Args;
use nemesis::{FaultSpec, Layout};
use systems::Mode;

use super::Session;
use super::run::{Carried, Pages, carry_out, draw_seed, exit};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::flags::flags;
use crate::cli::names::shell_quote;
use crate::cli::options::Options;
use crate::cli::quantity::{List, Seeds, Time};
use crate::judge::expect::{Judgement, judge_runs};
use crate::judge::outcome::RunOutcome;
use crate::load::workloads::{self, Workload};
use crate::plan;
use crate::plan::catalogue::Catalogue;
use crate::plan::expect::{Decided, Expectation};
use crate::plan::faults;
use crate::plan::spec::{RunSpec, StageName};
use crate::report::modes::Compared;
use crate::report::{Purpose, RunsReport, Targets};

#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// The trade-offs of replication, measured: consistency, availability, scaling, recovery and conflicts of a mode of
    /// each type, in simulation unless --stage says otherwise.
    #[arg(long)]
    pub(crate) tradeoffs: bool,

    #[command(flatten)]
    pub(crate) options: Options,
}

/// Every mode meets at least these.
const FAULTS: [&str; 2] = ["partition:leader", "kill:leader"];
const LEADERLESS: [&str; 2] = ["partition:one", "kill:one"];
/// All modes, one after the other: long enough to see each fault several times, short enough to wait for.
const TIME: Duration = Duration::from_secs(15);

const SEEDS_SIMULATED: u32 = 20;

/// One live and several simulated, where nobody said how many.
pub(super) fn seeds(options: &Options, simulated: u32) -> Option<Seeds> {
    let several = options.stage == Some(StageName::Sim) && options.seed.is_none();
    several.then_some(Seeds::Count(simulated))
}

pub(crate) fn compare(
    args: &CompareArgs,
    config: Options,
    catalogue: &Catalogue,
    session: &Session,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let options = args.options.clone().over(config);
    super::place::check(&options)?;
    let targets = Targets::parse(options.report.as_ref())?;
    let defaults =
        Options { time: Some(Time(TIME)), seeds: seeds(&options, SEEDS_SIMULATED), ..Options::default() };
    let specs = specs(&options.clone().over(defaults), catalogue, draw_seed()).map_err(Failure::Usage)?;
    if let Some(exit) = super::apart::enter(specs.iter(), session)? {
        return Ok(exit);
    }
    for (mode, faults) in otherwise(&options, &specs) {
        session.say(&format!("{mode} has no place for all of these faults: it is run under {faults}"));
    }
    for left_out in plan::left_out(&options, &specs) {
        session.warn(&left_out);
    }
    let again = again("compare", &options, &specs);
    session.say(&again);
    let total = plan::running_time(&specs);
    session.say(&format!("{} runs, {:.0} s of running time", specs.len(), total.as_secs_f64()));
    let mut stderr = std::io::stderr();
    let people: &mut dyn Write = if targets.take_stdout() { &mut stderr } else { out };
    let (mut carried, pages) = (Carried::default(), Pages::wanted(&options));
    let expectations = expectations(&specs);
    if session.verbose {
        carry_out(&specs, &expectations, pages, session, people, &mut carried)?;
    } else {
        // The table says it all; -v asks for each run.
        carry_out(&specs, &expectations, pages, session, &mut std::io::sink(), &mut carried)?;
    }
    let compared = compared(&specs, &carried.runs, &expectations);
    let mut judgement = Judgement::default();
    for mode in &compared {
        judgement.extend(mode.judgement.clone());
    }
    let exit = exit(&carried, &judgement);
    let page = (pages == Pages::Written).then(|| super::report::write_comparison(&carried.runs, session));
    let page = page.flatten();
    let told = RunsReport {
        exit,
        runs: &carried.runs,
        missed: &judgement.missed,
        expectations: &expectations,
        again: &again,
        purpose: Purpose::Comparison { rows: &compared, page: page.as_deref() },
    };
    session.tell(told, &targets, out)
}

/// A mode that has no place for a fault - between datacentres, where it has one - is run with the others that were asked
/// for, or with its own; one that no mode has a place for is refused.
fn specs(options: &Options, catalogue: &Catalogue, seed: u64) -> Result<Vec<RunSpec>, String> {
    let stage = options.stage.unwrap_or_default();
    let usual = |mode: &Mode| faults_of(mode, stage, plan::layout(options, mode));
    let Some(asked) = &options.faults else {
        return plan::specs("compare", options, catalogue, seed, &usual);
    };
    let fitting = |mode: &Mode| {
        let layout = plan::layout(options, mode);
        let fits = |fault: &&String| {
            fault.parse::<FaultSpec>().map_or(true, |fault| fault.refusal(layout).is_none())
        };
        asked.0.iter().filter(fits).cloned().collect::<Vec<_>>()
    };
    let own =
        |mode: &Mode| Some(fitting(mode)).filter(|faults| !faults.is_empty()).unwrap_or_else(|| usual(mode));
    let free = Options { faults: None, ..options.clone() };
    let specs = plan::specs("compare", &free, catalogue, seed, &own)?;
    if specs.iter().any(|spec| !fitting(&spec.mode).is_empty()) {
        Ok(specs)
    } else {
        plan::specs("compare", options, catalogue, seed, &usual)
    }
}

/// The modes that are run under other faults than were asked for, with those.
fn otherwise(options: &Options, specs: &[RunSpec]) -> BTreeMap<String, String> {
    let named =
        |asked: &&List| !faults::is_all(&asked.0) && !asked.0.iter().all(|fault| faults::is_none(fault));
    let Some(asked) = options.faults.as_ref().filter(named) else {
        return BTreeMap::new();
    };
    let other = specs.iter().filter(|spec| spec.faults != asked.0);
    other.map(|spec| (spec.mode.name.clone(), spec.faults.join(","))).collect()
}

/// What a mode is run with unless told: what shows its weaknesses, and what breaks most stores in ways that this does not.
fn faults_of(mode: &Mode, stage: StageName, layout: Layout) -> Vec<String> {
    // A partition of one shape leaves no time for another: `kill:leader` and `kill:one` are of one kind.
    let kind = |fault: &str| fault.parse::<FaultSpec>().ok().map(|fault| fault.kind());
    let shown =
        mode.shows.iter().filter(|show| show.live || stage == StageName::Sim).flat_map(|show| &show.under);
    let mut met: Vec<String> = Vec::new();
    for fault in shown {
        if !met.contains(fault) && !faults::is_none(fault) {
            met.push(fault.clone());
        }
    }
    let common = if mode.led { FAULTS } else { LEADERLESS };
    // A mode of one node has no place for some of them.
    let fits = |fault: &str| fault.parse::<FaultSpec>().is_ok_and(|fault| fault.refusal(layout).is_none());
    for fault in common.into_iter().filter(|fault| fits(fault)) {
        if !met.iter().any(|shown| kind(shown) == kind(fault)) {
            met.push(fault.to_owned());
        }
    }
    met
}

/// One for each mode, under the faults that it was run with.
pub(super) fn expectations(specs: &[RunSpec]) -> Vec<Expectation> {
    let mut decided: BTreeMap<&str, Decided<'_>> = BTreeMap::new();
    for spec in specs {
        let models = workloads::by_name(&spec.workload).map(Workload::models).unwrap_or_default();
        decided.entry(&spec.mode.name).or_default().insert(&spec.workload, models);
    }
    let mut expectations: Vec<Expectation> = Vec::new();
    for spec in specs {
        let decided = &decided[spec.mode.name.as_str()];
        let expectation = Expectation::of_mode(&spec.mode, spec.stage, &spec.faults, decided);
        if !expectations.contains(&expectation) {
            expectations.push(expectation);
        }
    }
    expectations
}

/// The modes in the order in which they were asked for, without those that were not reached.
fn compared<'a>(
    specs: &'a [RunSpec],
    runs: &'a [RunOutcome],
    expectations: &[Expectation],
) -> Vec<Compared<'a>> {
    let mut modes: Vec<&Mode> = Vec::new();
    for spec in specs {
        if !modes.iter().any(|mode| mode.name == spec.mode.name) {
            modes.push(&spec.mode);
        }
    }
    let row = |mode: &'a Mode| {
        let runs: Vec<&RunOutcome> = runs.iter().filter(|run| run.mode == mode.name).collect();
        let own: Vec<Expectation> = expectations
            .iter()
            .filter(|expectation| expectation.modes.contains(&mode.name))
            .cloned()
            .collect();
        Compared { mode, judgement: judge_runs(&own, &runs), runs }
    };
    modes.into_iter().map(row).filter(|compared| !compared.runs.is_empty()).collect()
}

pub(super) fn again(command: &str, options: &Options, specs: &[RunSpec]) -> String {
    let seeds: BTreeSet<u64> = specs.iter().map(|spec| spec.seed).collect();
    let seeds: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let mut words = vec![format!("partita {command}")];
    words.extend(flags(options));
    let flag = if seeds.len() == 1 { "--seed" } else { "--seeds" };
    let seeds = seeds.join(",");
    format!("seed {seeds}; again: {} {flag} {}", words.join(" "), shell_quote(&seeds))
}

#[cfg(test)]
mod tests {
    use histories::{AnomalyKind, ModelName};
    use systems::Show;

    use super::*;
    use crate::testing::{catalogue, mode};

    const LIVE: StageName = StageName::Live;
    const THREE: Layout = Layout { datacentres: 1, nodes_each: 3 };

    fn show(under: &str, live: bool) -> Show {
        Show {
            model: ModelName::Durability,
            kinds: vec![AnomalyKind::LostWrite],
            under: vec![under.to_owned()],
            with: Vec::new(),
            live,
        }
    }

    #[test]
    fn a_mode_meets_the_common_faults_and_those_that_show_its_weaknesses() {
        let weak =
            Mode { shows: vec![show("pause:leader", true), show("power:all", false)], ..mode("single/x") };
        assert_eq!(faults_of(&weak, LIVE, THREE), ["pause:leader", "partition:leader", "kill:leader"]);
        let simulated = faults_of(&weak, StageName::Sim, THREE);
        assert_eq!(simulated, ["pause:leader", "power:all", "partition:leader", "kill:leader"]);
        let cut = Mode { shows: vec![show("partition:one:for=4s", true)], ..mode("single/x") };
        assert_eq!(
            faults_of(&cut, LIVE, THREE),
            ["partition:one:for=4s", "kill:leader"],
            "one partition leaves it time"
        );
        assert_eq!(faults_of(&mode("single/quorum"), LIVE, THREE), FAULTS);
        let nobody_leads = Mode { led: false, ..mode("leaderless/abd") };
        assert_eq!(faults_of(&nobody_leads, LIVE, THREE), ["partition:one", "kill:one"]);
        let alone = faults_of(&mode("single/quorum"), LIVE, Layout::single(1));
        assert_eq!(alone, ["kill:leader"], "one node cannot be cut off from others");
    }

    #[test]
    fn a_mode_without_datacentres_is_run_under_faults_of_its_own() {
        let options = Options {
            mode: Some("single/quorum,multi/lww".parse().unwrap()),
            faults: Some("partition:datacentres".parse().unwrap()),
            datacentres: None,
            ..Options::default()
        };
        let one = specs(&options, &catalogue(), 7).map(|specs| specs.len()).unwrap_err();
        assert!(one.contains("needs 2 datacentres"), "no mode of paper has two: {one}");
        let two = Options { datacentres: Some(2), ..options.clone() };
        let all = specs(&two, &catalogue(), 7).unwrap();
        assert!(otherwise(&two, &all).is_empty());
        let others = Options { faults: Some("kill:leader".parse().unwrap()), ..options };
        assert_eq!(otherwise(&others, &all)["multi/lww"], "partition:datacentres");
    }

    #[test]
    fn modes_are_rows_in_the_order_asked_for_each_with_its_own_judgement() {
        let options =
            Options { mode: Some("single/async,single/quorum".parse().unwrap()), ..Options::default() };
        let specs = specs(&options, &catalogue(), 7).unwrap();
        let runs: Vec<RunOutcome> = specs
            .iter()
            .map(|spec| RunOutcome {
                mode: spec.mode.name.clone(),
                workload: spec.workload.clone(),
                ..RunOutcome::complete_example()
            })
            .collect();
        let expectations = expectations(&specs);
        let rows = compared(&specs, &runs, &expectations);
        let summary: Vec<_> = rows.iter().map(|row| (row.mode.name.as_str(), row.runs.len())).collect();
        assert_eq!(summary, [("single/async", 2), ("single/quorum", 2)]);
        // The example run holds linearizability and says nothing of durability.
        assert_eq!(rows[1].judgement.exit(), Exit::Undecided);
        insta::assert_snapshot!(again("compare", &options, &specs));
    }
}
