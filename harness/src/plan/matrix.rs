//! From options and a suite to runs: every open question gets its answer, and every name is checked.
//!
//! Pure: nothing is started, and nothing is asked of the machine.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use histories::Function;
use nemesis::{FaultSpec, Layout, Powers};
use systems::own::FaultCommands;
use systems::{Mode, Net, Purpose, Settles, System, SystemOptions};

use crate::cli::net::NetName;
use crate::cli::options::{Options, Rate};
use crate::cli::quantity::{Lengths, Seeds};
use crate::load::workloads::{self, Tuning};
use crate::plan::catalogue::Catalogue;
use crate::plan::faults;
use crate::plan::spec::{OnViolation, RunSpec, StageName, Violations};

/// What is taken where neither flags nor profile nor suite say anything.
mod defaults {
    use std::time::Duration;

    pub(super) const CLIENTS: u32 = 10;
    pub(super) const RATE: f64 = 200.0;
    pub(super) const TIME: Duration = Duration::from_secs(30);
    /// Long enough for a failover to end within it or not at all, short enough for clients to go on.
    pub(super) const DEADLINE: Duration = Duration::from_secs(1);
    pub(super) const OUT: &str = "runs";
}

/// Faults that a mode is run with: the same for all, or each mode's own.
pub(crate) type FaultsOf<'a> = &'a dyn Fn(&Mode) -> Vec<String>;

/// The runs of a matrix: seeds, then modes, then workloads.
pub(crate) fn specs(
    suite: &str,
    options: &Options,
    catalogue: &Catalogue,
    seed_drawn: u64,
    faults_default: FaultsOf<'_>,
) -> Result<Vec<RunSpec>, String> {
    let modes = modes(options, catalogue)?;
    let asked = options.workload.as_ref().map(|list| list.0.clone());
    let every = || catalogue.workloads.iter().map(|workload| workload.name.to_owned()).collect();
    let workloads = asked.unwrap_or_else(every);
    let workloads: Vec<_> =
        workloads.iter().map(|name| catalogue.workload(name)).collect::<Result<_, _>>()?;
    let budget = options.budget.unwrap_or_default();
    let stage = options.stage.unwrap_or_default();
    let unsimulated = modes.iter().find(|(system, _)| system.simulator().is_none());
    if let Some((system, _)) = unsimulated.filter(|_| stage == StageName::Sim) {
        return Err(format!("{} cannot be simulated; use --stage live", system.name()));
    }
    let system_options = system_options(options, &modes)?;
    let mut specs = Vec::new();
    for seed in seeds(options, seed_drawn)? {
        for (system, mode) in &modes {
            let layout = layout(options, mode);
            let mode = &system.on(mode, layout)?;
            let ground = ground(options, &system_options, system.as_ref(), mode, faults_default)?;
            let faults = faults(options, system.as_ref(), mode, faults_default, ground.powers)?;
            let system_options = SystemOptions { net: ground.net, ..system_options.clone() };
            for workload in suited(&workloads, options, mode, system.as_ref())? {
                specs.push(RunSpec {
                    suite: suite.to_owned(),
                    system: system.clone(),
                    options: system_options.clone(),
                    mode: mode.clone(),
                    workload: workload.clone(),
                    faults: faults.clone(),
                    layout,
                    clients: options.clients.unwrap_or(defaults::CLIENTS),
                    rate: options.rate.unwrap_or(Rate(Some(defaults::RATE))).0,
                    keys: options.keys,
                    tuning: tuning(options),
                    script: None,
                    liveness: options.liveness.unwrap_or(stage == StageName::Sim),
                    violations: Violations::Any,
                    telling: None,
                    on_violation: OnViolation::GoOn,
                    trace: false,
                    time: options.time.map_or(defaults::TIME, |time| time.0),
                    operations_max: options.ops,
                    routing: options.routing.map_or(mode.routing, |routing| routing.0),
                    deadline: defaults::DEADLINE,
                    seed,
                    stage,
                    out: options.out.clone().unwrap_or_else(|| PathBuf::from(defaults::OUT)),
                    keep: options.keep.unwrap_or(false),
                    check_time: budget.time,
                    check_memory_bytes: budget.memory_bytes,
                });
            }
        }
    }
    Ok(specs)
}

/// What is said of the workload beside its keys.
fn tuning(options: &Options) -> Tuning {
    Tuning {
        txn_length: options.txn_length.map(|Lengths(least, most)| (least, most)),
        key_skew: options.key_skew.map(|skew| skew.0),
        writes_per_key: options.writes_per_key,
        accounts: options.accounts,
        total_amount: options.total_amount,
        negative_balances: options.negative_balances.unwrap_or(false),
    }
}

/// A mode with the system that it is of.
type SystemMode = (Arc<dyn System>, Mode);

/// The modes to run, each with its system. A pattern means the modes of those systems that have any of its kind.
fn modes(options: &Options, catalogue: &Catalogue) -> Result<Vec<SystemMode>, String> {
    let systems = catalogue.systems(options.system.as_ref())?;
    let patterns = options.mode.as_ref().map_or_else(|| vec!["*".to_owned()], |list| list.0.clone());
    let mut modes: Vec<SystemMode> = Vec::new();
    for pattern in patterns {
        let meant: Vec<_> = systems
            .iter()
            .map(|system| (system, Catalogue::modes(system.as_ref(), std::slice::from_ref(&pattern))))
            .collect();
        if meant.iter().all(|(_, modes)| modes.is_err()) {
            let errors: Vec<String> = meant.into_iter().filter_map(|(_, modes)| modes.err()).collect();
            return Err(errors.join("\n"));
        }
        for (system, found) in meant {
            for mode in found.unwrap_or_default() {
                let known =
                    |(other, known): &SystemMode| other.name() == system.name() && known.name == mode.name;
                if !modes.iter().any(known) {
                    modes.push((Arc::clone(system), mode));
                }
            }
        }
    }
    let Some(bug) = &options.bug else { return Ok(modes) };
    let faulty = |(system, mode): SystemMode| {
        let mode = system.with_bug(&mode, bug)?;
        Ok((system, mode))
    };
    modes.into_iter().map(faulty).collect()
}

/// What is said of a system beside its mode; it can be said of one at a time.
fn system_options(options: &Options, modes: &[SystemMode]) -> Result<SystemOptions, String> {
    let endpoints = options.endpoints.as_ref().map(|list| list.0.clone()).unwrap_or_default();
    let fault_commands = fault_commands(options, modes)?;
    let told = SystemOptions {
        binary: options.binary.clone(),
        endpoints,
        fault_commands,
        ..SystemOptions::default()
    };
    let systems: BTreeSet<&str> = modes.iter().map(|(system, _)| system.name()).collect();
    if told != SystemOptions::default() && systems.len() > 1 {
        let names: Vec<_> = systems.into_iter().collect();
        return Err(format!("--binary and --endpoints are of one system, not of {}", names.join(" and ")));
    }
    Ok(told)
}

/// The user's own commands for faults on nodes that run already: those of the file that is named, else of the system's.
fn fault_commands(options: &Options, modes: &[SystemMode]) -> Result<Option<Arc<FaultCommands>>, String> {
    match (&options.fault_commands, &options.endpoints) {
        (Some(_), None) => {
            Err("--fault-commands are for nodes that run already: name these by --endpoints".to_owned())
        }
        (Some(file), Some(_)) => {
            let commands = FaultCommands::load(file).map_err(|error| error.to_string())?;
            Ok(Some(Arc::new(commands)))
        }
        (None, Some(_)) => Ok(modes.first().and_then(|(system, _)| system.fault_commands())),
        (None, None) => Ok(None),
    }
}

/// Workloads that were asked for and that some mode cannot do, in words.
pub(crate) fn left_out(options: &Options, specs: &[RunSpec]) -> Vec<String> {
    let asked = options.workload.iter().flat_map(|list| &list.0);
    let modes: BTreeSet<&str> = specs.iter().map(|spec| spec.mode.name.as_str()).collect();
    let is_run = |mode: &str, workload: &str| {
        specs.iter().any(|spec| spec.mode.name == mode && spec.workload == workload)
    };
    let pairs = asked.flat_map(|workload| modes.iter().map(move |mode| (*mode, workload)));
    pairs
        .filter(|(mode, workload)| !is_run(mode, workload))
        .map(|(mode, workload)| {
            format!("{mode} has no operation that {workload} changes anything with: not run")
        })
        .collect()
}

/// The workloads that a mode is run with: of those that were asked for, which it can do, else the usual ones.
fn suited<'w>(
    workloads: &'w [String],
    options: &Options,
    mode: &Mode,
    system: &dyn System,
) -> Result<Vec<&'w String>, String> {
    let asked = options.workload.is_some();
    let suits = |workload: &&String| {
        (asked || is_usual(workload, mode, system)) && has_something_to_do(workload, mode, system)
    };
    let suited: Vec<_> = workloads.iter().filter(suits).collect();
    if asked && suited.is_empty() {
        let (mode, asked) = (&mode.name, workloads.join(" or "));
        return Err(format!("{mode} has no operation that the {asked} workload changes anything with"));
    }
    Ok(suited)
}

/// What a mode is run with unless told: data types of their own where it merges them, transactions where it is made for
/// them.
fn is_usual(workload: &str, mode: &Mode, system: &dyn System) -> bool {
    let merges = system.settles(mode) == Settles::Merge;
    workloads::by_name(workload).is_none_or(|workload| {
        workload.transactions().is_some() == (mode.purpose != Purpose::Objects)
            && (merges || workload.by_default())
    })
}

/// Whether the mode takes any of the workload's updates.
fn has_something_to_do(workload: &str, mode: &Mode, system: &dyn System) -> bool {
    let Some(workload) = workloads::by_name(workload) else { return true };
    let understood = match (mode.purpose, workload.transactions()) {
        (Purpose::Transactions(known), Some(steps)) => known.understand(steps),
        _ => true,
    };
    let mix = workload.mix();
    let updates = |function: &&Function| !function.is_read();
    let supported = |function| system.supports(mode, function);
    understood && (mix.is_empty() || mix.iter().filter(updates).any(supported))
}

pub(crate) fn layout(options: &Options, mode: &Mode) -> Layout {
    let endpoints = options.endpoints.as_ref().map(|list| list.0.len() as u16);
    Layout {
        datacentres: options.datacentres.unwrap_or(mode.layout.datacentres),
        nodes_each: options.nodes.or(endpoints).unwrap_or(mode.layout.nodes_each),
    }
}

fn seeds(options: &Options, drawn: u64) -> Result<Vec<u64>, String> {
    match (&options.seeds, options.seed) {
        (Some(Seeds::These(_)), Some(_)) => {
            Err("--seed and a list of --seeds exclude each other; --seeds 20 counts from --seed on".into())
        }
        (Some(seeds), seed) => Ok(seeds.resolve(seed.map_or(drawn, |seed| seed.0))),
        (None, seed) => Ok(vec![seed.map_or(drawn, |seed| seed.0)]),
    }
}

/// How nodes are joined, and what they can have done to them there.
struct Ground {
    net: Net,
    powers: Powers,
}

/// Namespaces where they were asked for, or where a fault takes them that proxies cannot carry out; else proxies.
fn ground(
    options: &Options,
    told: &SystemOptions,
    system: &dyn System,
    mode: &Mode,
    default: FaultsOf<'_>,
) -> Result<Ground, String> {
    let stage = options.stage.unwrap_or_default();
    let asked = options.net.unwrap_or_default();
    if options.endpoints.is_some() || stage == StageName::Sim {
        let remote = options.endpoints.is_some();
        let powers = if remote { told.remote_powers() } else { stage.powers(system, Net::Proxy) };
        return match asked {
            NetName::Netns => Err("--net netns is for live runs of nodes that the harness starts".to_owned()),
            NetName::Auto | NetName::Proxy => Ok(Ground { net: Net::Proxy, powers }),
        };
    }
    let proxied = Ground { net: Net::Proxy, powers: stage.powers(system, Net::Proxy) };
    let apart = system.powers_in_namespaces().map(|powers| Ground { net: Net::Netns, powers });
    match (asked, apart) {
        (NetName::Netns, None) => {
            Err(format!("--net netns: nodes of {} listen at 127.0.0.1 alone; use --net proxy", system.name()))
        }
        (NetName::Netns, Some(apart)) => Ok(apart),
        (NetName::Auto, Some(apart)) => {
            let faults = options.faults.as_ref().map_or_else(|| default(mode), |list| list.0.clone());
            let needs = faults.iter().filter_map(|fault| Some(fault.parse::<FaultSpec>().ok()?.needs()));
            let needs: Powers = needs.collect();
            let fits = |ground: &Ground| needs.missing(ground.powers).is_empty();
            Ok(if fits(&apart) && !fits(&proxied) { apart } else { proxied })
        }
        (NetName::Auto | NetName::Proxy, _) => Ok(proxied),
    }
}

/// Each fault is parsed, and refused here where the system cannot have it done to it.
fn faults(
    options: &Options,
    system: &dyn System,
    mode: &Mode,
    default: FaultsOf<'_>,
    powers: Powers,
) -> Result<Vec<String>, String> {
    let asked = options.faults.as_ref().map_or_else(|| default(mode), |list| list.0.clone());
    let layout = layout(options, mode);
    if faults::is_all(&asked) {
        return Ok(faults::all(powers, mode, layout));
    }
    let named: Vec<String> = asked.into_iter().filter(|fault| !faults::is_none(fault)).collect();
    for fault in &named {
        faults::check(fault, system.name(), powers, layout)?;
    }
    Ok(named)
}

/// How long the workloads of these runs take, their starts and epilogues apart.
pub(crate) fn running_time(specs: &[RunSpec]) -> Duration {
    specs.iter().map(|spec| spec.time).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::catalogue;

    fn plan(options: Options) -> Result<Vec<RunSpec>, String> {
        specs("quick", &options, &catalogue(), 7, &|_| Vec::new())
    }

    fn list(text: &str) -> crate::cli::quantity::List {
        text.parse().unwrap()
    }

    #[test]
    fn a_matrix_is_seeds_by_modes_by_workloads() {
        let options = Options {
            mode: Some(list("single/*[sync=never],single/async")),
            workload: Some(list("register,set")),
            seeds: Some("2".parse().unwrap()),
            ..Options::default()
        };
        let specs = plan(options).unwrap();
        let titles: Vec<String> = specs.iter().map(RunSpec::title).collect();
        assert_eq!(specs.len(), 2 * 4 * 2);
        insta::assert_debug_snapshot!(titles);
    }

    #[test]
    fn what_nobody_said_is_as_the_mode_says_or_by_default() {
        let options =
            Options { mode: Some(list("single/quorum")), workload: Some(list("set")), ..Options::default() };
        let specs = plan(options).unwrap();
        insta::assert_snapshot!(specs[0].reproduce());
        assert_eq!(specs[0].deadline, Duration::from_secs(1));
    }

    #[test]
    fn what_a_mode_cannot_do_is_told_and_not_run() {
        let options = Options {
            mode: Some(list("leaderless/abd,single/quorum")),
            workload: Some(list("register,set")),
            ..Options::default()
        };
        let catalogue = Catalogue::with(PathBuf::from("partita"), &[]);
        let specs = specs("quick", &options, &catalogue, 7, &|_| Vec::new()).unwrap();
        assert_eq!(specs.len(), 3);
        let told = left_out(&options, &specs);
        assert_eq!(told, ["leaderless/abd has no operation that set changes anything with: not run"]);
        assert!(left_out(&Options::default(), &specs).is_empty(), "nobody asked");
    }

    #[test]
    fn siblings_are_not_asked_of_a_mode_that_keeps_none() {
        let options = Options {
            mode: Some(list("single/quorum,leaderless/abd,multi/version-vector")),
            workload: Some(list("register,siblings")),
            ..Options::default()
        };
        let catalogue = Catalogue::with(PathBuf::from("partita"), &[]);
        let specs = specs("quick", &options, &catalogue, 7, &|_| Vec::new()).unwrap();
        let titles: Vec<_> =
            specs.iter().map(|spec| format!("{} {}", spec.mode.name, spec.workload)).collect();
        let expected = ["single/quorum register", "leaderless/abd register", "multi/version-vector siblings"];
        assert_eq!(titles, expected);
        let told = left_out(&options, &specs);
        let single = "single/quorum has no operation that siblings changes anything with: not run";
        assert!(told.contains(&single.to_owned()) && told.len() == 3, "{told:?}");
    }

    #[test]
    fn names_and_faults_are_checked_before_anything_starts() {
        let error = |options| plan(options).map(|specs| specs.len()).unwrap_err();
        let errors = [
            error(Options { system: Some(list("stor")), ..Options::default() }),
            error(Options { mode: Some(list("single/quorun")), ..Options::default() }),
            error(Options { mode: Some(list("triple/*")), ..Options::default() }),
            error(Options { workload: Some(list("registre")), ..Options::default() }),
            error(Options { faults: Some(list("kil:leader")), ..Options::default() }),
            error(Options { faults: Some(list("clients:one")), ..Options::default() }),
            error(Options { faults: Some(list("kill,all")), ..Options::default() }),
            error(Options { faults: Some(list("partition:hub")), ..Options::default() }),
            error(Options { faults: Some(list("partition:ring")), nodes: Some(2), ..Options::default() }),
            error(Options {
                seed: Some("1".parse().unwrap()),
                seeds: Some("1..2".parse().unwrap()),
                ..Options::default()
            }),
        ];
        insta::assert_snapshot!(errors.join("\n"));
        let none = Options { faults: Some(list("none")), ..Options::default() };
        assert!(plan(none).unwrap().iter().all(|spec| spec.faults.is_empty()));
        let all = Options { faults: Some(list("all")), ..Options::default() };
        assert!(plan(all).unwrap().iter().all(|spec| spec.faults == ["partition:any", "kill:any"]));
    }
}
