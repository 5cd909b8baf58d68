//! Expectations against what is going to run: one that nothing can ever speak of is a mistake, not a pass.

use std::collections::BTreeSet;

use super::Expectation;
use crate::plan::spec::RunSpec;

/// Why an expectation can never be met or missed by the planned runs, of the first for which that is so. One that covers
/// runs of the suite by itself, `own`, was only left out by whoever asked for a part of the suite.
pub(crate) fn refusal(expectations: &[Expectation], planned: &[RunSpec], own: &[RunSpec]) -> Option<String> {
    expectations.iter().find_map(|expectation| {
        let covers = |spec: &&RunSpec| expectation.covers(&spec.mode.name, &spec.workload);
        let seeds: BTreeSet<u64> = planned.iter().filter(covers).map(|spec| spec.seed).collect();
        let seeds_min = expectation.seeds_min.unwrap_or(0) as usize;
        if seeds.is_empty() {
            let nowhere = !own.iter().any(|spec| covers(&spec));
            return nowhere.then(|| format!("{} covers no run; {}", place(expectation), told(planned)));
        }
        (seeds.len() < seeds_min).then(|| {
            let seeds = match seeds.len() {
                1 => "1 seed is".to_owned(),
                count => format!("{count} seeds are"),
            };
            format!("{} asks for min-seeds = {seeds_min}, and {seeds} run", place(expectation))
        })
    })
}

/// `[[expect]] mode = "single/asnc"`.
fn place(expectation: &Expectation) -> String {
    let named = [("mode", &expectation.modes), ("workload", &expectation.workloads)];
    let named = named.into_iter().filter(|(_, names)| !names.is_empty());
    let named = named.map(|(key, names)| format!(" {key} = {:?}", names.join(",")));
    format!("[[expect]]{}", named.collect::<String>())
}

fn told(planned: &[RunSpec]) -> String {
    let joined = |names: BTreeSet<&str>| names.into_iter().collect::<Vec<_>>().join(", ");
    let modes = joined(planned.iter().map(|spec| spec.mode.name.as_str()).collect());
    let workloads = joined(planned.iter().map(|spec| spec.workload.as_str()).collect());
    format!("what runs is {workloads} on {modes}")
}
