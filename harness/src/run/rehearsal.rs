//! Whether a run is long enough for its faults, told before it starts. The schedule of faults is pure, so that it can be
//! rehearsed on a cluster that elects a new leader whenever one is lost. It starts nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use histories::{Nanos, Node};
use nemesis::{Action, Dice, Effect, FaultId, FaultSpec, Schedule, View};

use crate::cli::quantity::Time;
use crate::plan::spec::RunSpec;
use crate::run::conductor::{Score, time_to_heal_at};

/// What comes later than this is not waited for.
const LONGEST: Nanos = Nanos::from_secs(600);
/// How long a fault has to be in force before it can be said to have been felt.
const FELT: Nanos = Nanos::from_secs(1);
/// How long the cluster is without a leader after it has lost one.
const ELECTION: Nanos = Nanos::from_millis(700);

/// Why the run is too short for its faults, and which time would do; `None` where it is long enough.
pub(crate) fn too_short(spec: &RunSpec) -> Option<String> {
    if spec.script.is_some() {
        return None;
    }
    let faults = FaultSpec::parse_list(&spec.faults.join(",")).ok()?;
    let end = workload_end(spec);
    let healed = Score::heal_time(spec.time.into()).min(end);
    let felt = rehearse(spec, &faults);
    // Of faults that are aimed anew each time some have to come; of the others, each.
    let is_aimed_anew = |name: &str| faults.iter().any(|fault| fault.aims_at_any() && fault.name() == name);
    let (any, each): (Vec<_>, Vec<_>) = felt.iter().partition(|(name, _)| is_aimed_anew(name));
    let needed = each.into_iter().chain(any.into_iter().min_by_key(|(_, at)| **at));
    let (name, &at) = needed.max_by_key(|(_, at)| **at).filter(|(_, at)| (healed..LONGEST).contains(*at))?;
    let time = Time(Duration::from_secs(time_to_heal_at(at).to_duration().as_secs() + 1));
    let (began, healed) = (seconds(at.since(FELT)), seconds(healed));
    let more = match spec.operations_max {
        Some(operations) if end < time_to_heal_at(at) => format!(" and more than --ops {operations}"),
        _ => String::new(),
    };
    Some(format!(
        "{} on {} is too short for {name}: it begins after about {began}, and faults end after {healed}; \
         --time {time}{more} would do",
        spec.workload, spec.mode.name
    ))
}

/// Of each mode and workload the first run that is too short, in words.
pub(crate) fn all_too_short(specs: &[RunSpec]) -> Vec<String> {
    let mut told = BTreeSet::new();
    let short = |spec: &RunSpec| {
        let of = (spec.mode.name.clone(), spec.workload.clone());
        let why = if told.contains(&of) { None } else { too_short(spec) }?;
        told.insert(of);
        Some(why)
    };
    specs.iter().filter_map(short).collect()
}

/// When the workload is over by the number of its operations.
fn workload_end(spec: &RunSpec) -> Nanos {
    match (spec.operations_max, spec.rate) {
        (Some(operations), Some(rate)) => {
            Duration::try_from_secs_f64(operations as f64 / rate).map_or(Nanos::MAX, Nanos::from)
        }
        _ => Nanos::MAX,
    }
}

/// By fault, when it has been felt first.
fn rehearse(spec: &RunSpec, faults: &[FaultSpec]) -> BTreeMap<String, Nanos> {
    let mut felt: BTreeMap<String, Nanos> = faults.iter().map(|fault| (fault.name(), Nanos::MAX)).collect();
    let mut schedule = Schedule::new(FaultSpec::build_all(faults), Dice::new(spec.seed).split("faults"));
    let mut cluster = Cluster::new(spec);
    let mut now = Nanos::ZERO;
    while let Some(wake) = schedule.next_wake().filter(|&wake| wake < LONGEST) {
        now = now.max(wake) + Nanos::from_millis(1);
        if felt.values().all(|&at| at < Nanos::MAX) {
            break;
        }
        for action in schedule.poll(&cluster.seen_at(now)) {
            if let Action::Begin { name, .. } = &action
                && let Some(at) = felt.get_mut(name)
            {
                *at = (*at).min(now + FELT);
            }
            cluster.apply(action);
        }
    }
    felt
}

/// A cluster as the nemesis sees it: each datacentre elects its first node that is up.
struct Cluster<'a> {
    spec: &'a RunSpec,
    links: Vec<(u16, u16)>,
    /// By datacentre.
    leaders: BTreeMap<u16, (u64, Node)>,
    lost: BTreeMap<u16, Nanos>,
    in_force: BTreeMap<FaultId, Vec<Effect>>,
}

impl<'a> Cluster<'a> {
    fn new(spec: &'a RunSpec) -> Self {
        let layout = spec.layout;
        let leader = |site| Some((site, (1, layout.members(site).next()?)));
        let leaders = layout.sites().filter_map(leader).filter(|_| spec.mode.led).collect();
        let links = spec.system.ground(&spec.mode, layout).links;
        Self { spec, links, leaders, lost: BTreeMap::new(), in_force: BTreeMap::new() }
    }

    fn apply(&mut self, action: Action) {
        match action {
            Action::Begin { fault, effects, .. } => drop(self.in_force.insert(fault, effects)),
            Action::End { fault, .. } => drop(self.in_force.remove(&fault)),
            Action::EndAll => self.in_force.clear(),
        }
    }

    fn seen_at(&mut self, now: Nanos) -> View {
        let layout = self.spec.layout;
        let down: BTreeSet<Node> =
            self.in_force.values().flatten().flat_map(Effect::downs).copied().collect();
        for (&site, leader) in &mut self.leaders {
            if !down.contains(&leader.1) {
                self.lost.remove(&site);
                continue;
            }
            let lost = *self.lost.entry(site).or_insert(now);
            if now.since(lost) >= ELECTION
                && let Some(next) = layout.members(site).find(|node| !down.contains(node))
            {
                *leader = (leader.0 + 1, next);
                self.lost.remove(&site);
            }
        }
        let up = self.leaders.values().filter(|(_, node)| !down.contains(node)).copied().collect();
        View { links: self.links.clone(), home: Some(0), ..View::new(now, layout, up) }
    }
}

fn seconds(time: Nanos) -> String {
    format!("{:.1} s", time.to_duration().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::cli::options::Options;
    use crate::plan::catalogue::Catalogue;
    use crate::plan::spec::StageName;

    fn told(mode: &str, faults: &str, time: &str, ops: Option<u64>) -> Option<String> {
        let options = Options {
            mode: Some(mode.parse().unwrap()),
            workload: Some("register".parse().unwrap()),
            faults: Some(faults.parse().unwrap()),
            stage: Some(StageName::Sim),
            time: Some(time.parse().unwrap()),
            ops,
            ..Options::default()
        };
        let catalogue = Catalogue::with(PathBuf::from("partita"), &[]);
        let specs = crate::plan::specs("own", &options, &catalogue, 7, &|_| Vec::new()).unwrap();
        too_short(&specs[0])
    }

    #[test]
    fn a_run_that_ends_before_its_faults_is_told_with_the_time_that_would_do() {
        let told = [
            told("single/quorum", "kill:leader", "2s", None),
            told("single/quorum", "kill:leader,pause:one", "6s", None),
            told("single/quorum", "kill:leader:first=50s", "20s", None),
            told("single/quorum", "kill:leader", "20s", Some(100)),
            told("multi/lww", "partition:datacentres", "1s", None),
        ]
        .map(Option::unwrap);
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_run_that_is_long_enough_is_not_told_anything() {
        for (mode, faults, time) in [
            ("single/quorum", "none", "1s"),
            ("single/quorum", "partition:leader,kill:leader", "20s"),
            ("single/quorum", "kill:any,pause:any,slow:any,power:any", "6s"),
            ("multi/lww", "partition:datacentres", "20s"),
            ("leaderless/abd", "partition:one,kill:one", "15s"),
        ] {
            assert_eq!(told(mode, faults, time, None), None, "{mode} {faults}");
        }
    }

    /// The time that is told does, as far as the rehearsal can know.
    #[test]
    fn the_time_that_would_do_does() {
        for faults in ["kill:leader", "kill:leader,pause:one", "kill:leader,pause:one,partition:leader"] {
            let why = told("single/quorum", faults, "2s", None).unwrap();
            let time = why.split("--time ").nth(1).unwrap().split(' ').next().unwrap();
            assert_eq!(told("single/quorum", faults, time, None), None, "{time}");
        }
    }
}
