//! The trade-offs of replication: what each way of it gives and what that costs, with a figure in every cell.
//!
//! Pure: aggregates what came of runs and judges nothing.

use checkers::{Figures, Finding, Hierarchy, Verdict};
use histories::ModelName;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use systems::{Mode, Settles, System};

use crate::judge::outcome::RunOutcome;
use crate::judge::verdict::VerdictKind;
use crate::report::figures::{bare, percent, seconds};
use crate::report::grid::Grid;

/// What was measured of a mode.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
pub(crate) struct Tradeoff {
    #[serde(rename = "type")]
    kind: String,
    mode: String,
    consistency: Consistency,
    write_availability: WriteAvailability,
    read_scalability: ReadScalability,
    failure_recovery: FailureRecovery,
    conflict_resolution: Conflicts,
}

/// Over all runs with faults.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
struct Consistency {
    /// Maximal models that held in every run, and minimal ones that some run violated.
    strongest: Vec<&'static str>,
    weakest_violated: Vec<&'static str>,
    runs: usize,
    stale_reads: u64,
    reads: u64,
}

/// Shares of writes that were answered, the mean over runs with faults.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
struct WriteAvailability {
    before: Option<f64>,
    during: Option<f64>,
}

/// See [`crate::run::reads_per_second`].
#[derive(Clone, Copy, Debug, PartialEq, JsonSchema, Serialize)]
pub(crate) struct Growth {
    /// Of the cluster, and of one twice as large.
    pub(crate) nodes: [u16; 2],
    pub(crate) reads_per_s: [f64; 2],
}

#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
struct ReadScalability {
    /// Share of the reads of runs with faults that no leader decided.
    without_leader: Option<f64>,
    growth: Option<Growth>,
}

#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
struct FailureRecovery {
    /// The median over all losses of a leader, or of a member where nobody leads.
    failover_ms: Option<f64>,
    losses: usize,
    /// Acknowledged writes of runs with faults, and those of them that are gone.
    acknowledged: u64,
    lost: u64,
}

/// Of runs without faults: what concurrent updates of a key come to.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema, Serialize)]
struct Conflicts {
    #[schemars(with = "String")]
    policy: Policy,
    updates: u64,
    discarded: u64,
    sibling_reads: u64,
    reads: u64,
    siblings_max: u64,
}

impl Tradeoff {
    /// `faulty` are the runs with faults, `quiet` those without.
    pub(crate) fn of(
        system: &dyn System,
        mode: &Mode,
        faulty: &[&RunOutcome],
        quiet: &[&RunOutcome],
        growth: Option<Growth>,
    ) -> Self {
        Self {
            kind: system.replication(mode),
            mode: mode.name.clone(),
            consistency: Consistency::of(faulty),
            write_availability: WriteAvailability {
                before: mean(faulty.iter().filter_map(|run| run.availability.before)),
                during: mean(faulty.iter().filter_map(|run| run.availability.writes_during)),
            },
            read_scalability: ReadScalability {
                without_leader: mean(faulty.iter().filter_map(|run| run.reads_without_leader)),
                growth,
            },
            failure_recovery: FailureRecovery::of(faulty),
            conflict_resolution: Conflicts::of(system.settles(mode), quiet),
        }
    }
}

impl Consistency {
    fn of(runs: &[&RunOutcome]) -> Self {
        let findings: Vec<Finding> =
            ModelName::ALL.iter().filter_map(|&model| Some(finding(model, over(runs, model)?))).collect();
        let names = |models: Vec<ModelName>| models.iter().map(|model| model.name()).collect();
        let ladder = Hierarchy::default();
        let staleness = || runs.iter().filter_map(|run| run.staleness.as_ref());
        Self {
            strongest: names(ladder.strongest(&findings)),
            weakest_violated: names(ladder.weakest_violated(&findings)),
            runs: runs.len(),
            stale_reads: staleness().map(|staleness| staleness.stale_reads).sum(),
            reads: staleness().map(|staleness| staleness.reads).sum(),
        }
    }
}

/// Violated where one run violated it, held where all that could tell held it.
fn over(runs: &[&RunOutcome], model: ModelName) -> Option<Verdict> {
    let verdicts = || runs.iter().filter_map(|run| run.verdict_on(model));
    if verdicts().any(|verdict| verdict.is(VerdictKind::Invalid)) {
        return Some(Verdict::Invalid(Vec::new()));
    }
    let held = verdicts().any(|verdict| verdict.is(VerdictKind::Valid));
    (held && verdicts().all(|verdict| !verdict.is(VerdictKind::Unknown))).then_some(Verdict::Valid)
}

fn finding(model: ModelName, verdict: Verdict) -> Finding {
    let (method, figures) = ("runs", Figures::default());
    Finding { model, verdict, method, figures, elapsed: std::time::Duration::ZERO }
}

impl FailureRecovery {
    fn of(runs: &[&RunOutcome]) -> Self {
        let mut all: Vec<f64> = runs.iter().flat_map(|run| run.failover_ms.iter().copied()).collect();
        all.sort_by(f64::total_cmp);
        let (acknowledged, lost) = gone(runs);
        Self { failover_ms: all.get(all.len() / 2).copied(), losses: all.len(), acknowledged, lost }
    }
}

impl Conflicts {
    fn of(settles: Settles, runs: &[&RunOutcome]) -> Self {
        let conflicts = || runs.iter().filter_map(|run| run.conflicts.as_ref());
        let (updates, discarded) = gone(runs);
        Self {
            policy: Policy(settles),
            updates,
            discarded,
            sibling_reads: conflicts().map(|conflicts| conflicts.sibling_reads).sum(),
            reads: conflicts().map(|conflicts| conflicts.reads).sum(),
            siblings_max: conflicts().map(|conflicts| conflicts.siblings_max).max().unwrap_or(0),
        }
    }
}

/// Acknowledged updates, and those of them that left no trace and should have.
fn gone(runs: &[&RunOutcome]) -> (u64, u64) {
    let counted = runs.iter().map(|run| match (&run.durability, &run.conflicts) {
        (Some(durability), _) => (durability.acknowledged, durability.lost),
        (None, Some(conflicts)) => (conflicts.updates, conflicts.lost),
        (None, None) => (0, 0),
    });
    counted.fold((0, 0), |(all, lost), (acknowledged, gone)| (all + acknowledged, lost + gone))
}

/// What settles concurrent updates, which reports name in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Policy(Settles);

impl Policy {
    fn words(self) -> &'static str {
        match self.0 {
            Settles::OneLeader => "one leader orders writes",
            Settles::HomeLeader => "each key has one leader",
            Settles::Quorums => "quorums order writes",
            Settles::LastWrite => "last write wins",
            Settles::Siblings => "siblings",
            Settles::Merge => "merged",
        }
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.words())
    }
}

/// One row a mode.
pub(crate) fn grid(rows: &[Tradeoff]) -> Grid {
    let mut grid = Grid::new(&[
        "replication",
        "mode",
        "held",
        "violated",
        "stale reads",
        "writes answered during faults",
        "reads without a leader",
        "reads/s, twice the nodes",
        "failover",
        "lost",
        "conflicts",
    ]);
    for row in rows {
        grid.push(vec![
            row.kind.clone(),
            row.mode.clone(),
            words(&row.consistency.strongest),
            words(&row.consistency.weakest_violated),
            format!("{} of {}", row.consistency.stale_reads, row.consistency.reads),
            percent(row.write_availability.during),
            percent(row.read_scalability.without_leader),
            row.read_scalability.growth.map_or_else(|| "-".to_owned(), Growth::words),
            row.failure_recovery.failover_words(),
            format!("{} of {}", row.failure_recovery.lost, row.failure_recovery.acknowledged),
            row.conflict_resolution.words(),
        ]);
    }
    grid
}

/// The same rows in bare numbers.
pub(crate) fn numbers(rows: &[Tradeoff]) -> Grid {
    let mut grid = Grid::new(&[
        "replication",
        "mode",
        "held",
        "violated",
        "stale_reads",
        "reads",
        "writes_answered_before",
        "writes_answered_during",
        "reads_without_leader",
        "nodes",
        "reads_per_s",
        "nodes_doubled",
        "reads_per_s_doubled",
        "failover_ms",
        "acknowledged",
        "lost",
        "conflict_policy",
        "conflict_updates",
        "conflict_discarded",
    ]);
    for row in rows {
        let Tradeoff { consistency, write_availability, read_scalability, failure_recovery, .. } = row;
        let growth = read_scalability.growth;
        grid.push(vec![
            row.kind.clone(),
            row.mode.clone(),
            consistency.strongest.join(" "),
            consistency.weakest_violated.join(" "),
            consistency.stale_reads.to_string(),
            consistency.reads.to_string(),
            bare(write_availability.before),
            bare(write_availability.during),
            bare(read_scalability.without_leader),
            bare(growth.map(|growth| growth.nodes[0])),
            bare(growth.map(|growth| growth.reads_per_s[0])),
            bare(growth.map(|growth| growth.nodes[1])),
            bare(growth.map(|growth| growth.reads_per_s[1])),
            bare(failure_recovery.failover_ms),
            failure_recovery.acknowledged.to_string(),
            failure_recovery.lost.to_string(),
            row.conflict_resolution.policy.words().to_owned(),
            row.conflict_resolution.updates.to_string(),
            row.conflict_resolution.discarded.to_string(),
        ]);
    }
    grid
}

fn words(models: &[&str]) -> String {
    if models.is_empty() { "-".to_owned() } else { models.join(" ") }
}

impl Growth {
    fn words(self) -> String {
        let [few, many] = self.reads_per_s;
        format!("{few:.0} to {many:.0} (x{:.1})", many / few.max(1.0))
    }
}

impl FailureRecovery {
    fn failover_words(&self) -> String {
        self.failover_ms.map_or_else(|| "-".to_owned(), seconds)
    }
}

impl Conflicts {
    fn words(&self) -> String {
        let Self { policy, updates, discarded, .. } = self;
        match policy.0 {
            Settles::Siblings => format!(
                "siblings: in {} of {} reads, up to {}; {discarded} of {updates} discarded",
                self.sibling_reads, self.reads, self.siblings_max
            ),
            Settles::Merge => format!("merged: {} of {updates}; {discarded} discarded", updates - discarded),
            _ => format!("{}: {discarded} of {updates} discarded", policy.words()),
        }
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0_u32, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::outcome::{DurabilityReport, VerdictReport};
    use crate::testing::mode;

    fn verdict(model: ModelName, verdict: VerdictKind) -> VerdictReport {
        let example = RunOutcome::complete_example().verdicts.remove(0);
        VerdictReport { subject: model.into(), verdict, ..example }
    }

    fn with_option(name: &str, option: &str, value: &str) -> Mode {
        Mode { options: vec![(option.to_owned(), value.to_owned())], ..mode(name) }
    }

    #[test]
    fn every_cell_has_a_figure() {
        let example = RunOutcome::complete_example();
        let held = RunOutcome {
            verdicts: vec![
                verdict(ModelName::Linearizable, VerdictKind::Valid),
                verdict(ModelName::Sequential, VerdictKind::Valid),
            ],
            ..example.clone()
        };
        let violated = RunOutcome {
            verdicts: vec![
                verdict(ModelName::Linearizable, VerdictKind::Invalid),
                verdict(ModelName::Convergence, VerdictKind::Valid),
            ],
            durability: Some(DurabilityReport { acknowledged: 100, lost: 7, ..DurabilityReport::default() }),
            ..example.clone()
        };
        let store = systems::live::StoreSystem::new("never started".into());
        let quiet = [&example];
        let growth = Growth { nodes: [3, 6], reads_per_s: [5000.0, 10_000.0] };
        let rows = [
            Tradeoff::of(&store, &with_option("single/sync", "ack", "all"), &[&held], &quiet, Some(growth)),
            Tradeoff::of(
                &store,
                &with_option("single/async", "ack", "none"),
                &[&held, &violated],
                &quiet,
                None,
            ),
            Tradeoff::of(
                &store,
                &with_option("multi/lww", "conflict", "lww"),
                &[&violated],
                &[&violated],
                None,
            ),
            Tradeoff::of(
                &store,
                &with_option("multi/vv", "conflict", "version-vector"),
                &[&held],
                &quiet,
                None,
            ),
            Tradeoff::of(&store, &with_option("multi/crdt", "conflict", "crdt"), &[&held], &quiet, None),
            Tradeoff::of(
                &store,
                &with_option("leaderless/quorum", "versions", "timestamp"),
                &[],
                &quiet,
                None,
            ),
        ];
        insta::assert_snapshot!(grid(&rows).markdown());
        insta::assert_snapshot!("every_cell_is_a_bare_number", numbers(&rows).csv());
        insta::assert_snapshot!(serde_json::to_string_pretty(&rows[1]).unwrap());
    }

    #[test]
    fn what_one_run_left_open_did_not_hold() {
        let example = RunOutcome::complete_example();
        let runs = [VerdictKind::Valid, VerdictKind::Unknown].map(|given| RunOutcome {
            verdicts: vec![verdict(ModelName::Linearizable, given)],
            ..example.clone()
        });
        let all: Vec<&RunOutcome> = runs.iter().collect();
        assert_eq!(over(&all[..1], ModelName::Linearizable), Some(Verdict::Valid));
        assert_eq!(over(&all, ModelName::Linearizable), None);
        assert_eq!(over(&all, ModelName::Sequential), None, "nobody looked");
    }
}
