//! Replication modes side by side: one row a mode, over all its runs.
//!
//! Pure: aggregates what came of runs and judges nothing.

use histories::ModelName;
use systems::Mode;

use crate::cli::paint::Paint;
use crate::judge::expect::Judgement;
use crate::judge::outcome::{
    ConflictsReport, DurabilityReport, Outcome, Percentiles, RunOutcome, VerdictReport,
};
use crate::judge::verdict::VerdictKind;
use crate::report::figures::{bare, seconds};
use crate::report::grid::Grid;

/// A mode with its runs and how its expectations came out.
pub(crate) struct Compared<'a> {
    pub(crate) mode: &'a Mode,
    pub(crate) runs: Vec<&'a RunOutcome>,
    pub(crate) judgement: Judgement,
}

/// The models with columns of their own, by the short names that people use.
const MODELS: [(&str, ModelName); 4] = [
    ("lin.", ModelName::Linearizable),
    ("seq.", ModelName::Sequential),
    ("RYW", ModelName::ReadYourWrites),
    ("MR", ModelName::MonotonicReads),
];

pub(crate) fn grid(modes: &[Compared<'_>], paint: Paint) -> Grid {
    let mut header = vec!["mode", "promise"];
    header.extend(MODELS.map(|(short, _)| short));
    header.extend([
        "lost",
        "discarded",
        "reappeared",
        "siblings",
        "stale p99",
        "avail. before",
        "during",
        "after",
        "read p50/p99",
        "write p50/p99",
        "failover",
        "converged",
        "seeds",
        "expected",
    ]);
    let mut grid = Grid::new(&header);
    for compared in modes {
        grid.push(row(compared, paint));
    }
    grid
}

/// The same rows in bare numbers: shares from 0 to 1, times in milliseconds, nothing where nothing was measured. Counts are
/// sums over the runs of the mode, shares means, times the worst.
pub(crate) fn numbers(modes: &[Compared<'_>]) -> Grid {
    let mut header = vec!["mode", "promise"];
    header.extend(MODELS.map(|(_, model)| model.name()));
    header.extend([
        "lost",
        "discarded",
        "stale_reads",
        "staleness_p99_ms",
        "availability_before",
        "availability_during",
        "availability_after",
        "read_p99_ms",
        "write_p99_ms",
        "failover_max_ms",
        "converged_after_ms",
        "seeds",
        "expectations_met",
        "expectations_missed",
    ]);
    let mut grid = Grid::new(&header);
    for compared in modes {
        grid.push(numbers_of(compared));
    }
    grid
}

fn numbers_of(compared: &Compared<'_>) -> Vec<String> {
    let runs = &compared.runs;
    let total = |count: fn(&RunOutcome) -> Option<u64>| {
        bare(runs.iter().filter_map(|run| count(run)).reduce(|a, b| a + b))
    };
    let share = |of: fn(&RunOutcome) -> Option<f64>| bare(mean(runs.iter().filter_map(|run| of(run))));
    let worst = |of: fn(&RunOutcome) -> Option<f64>| {
        bare(runs.iter().filter_map(|run| of(run)).max_by(f64::total_cmp))
    };
    let promise: Vec<&str> = compared.mode.promise.iter().map(|model| model.name()).collect();
    let mut cells = vec![compared.mode.name.clone(), promise.join(" ")];
    cells.extend(MODELS.map(|(_, model)| verdict(runs, model, Paint::PLAIN).replace('-', "")));
    let seeds: std::collections::BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
    cells.extend([
        total(|run| run.durability.as_ref().map(|durability| durability.lost)),
        total(|run| run.durability.as_ref().map(|durability| durability.discarded)),
        total(|run| run.staleness.as_ref().map(|staleness| staleness.stale_reads)),
        worst(|run| run.staleness.as_ref().map(|staleness| staleness.p99_ms)),
        share(|run| run.availability.before),
        share(|run| run.availability.during),
        share(|run| run.availability.after),
        worst(|run| run.latency_ms.read.map(|latency| latency.p99)),
        worst(|run| run.latency_ms.write.map(|latency| latency.p99)),
        worst(|run| run.failover_ms.iter().copied().max_by(f64::total_cmp)),
        worst(|run| run.convergence.as_ref().and_then(|convergence| convergence.after_ms)),
        seeds.len().to_string(),
        compared.judgement.met.to_string(),
        compared.judgement.missed.len().to_string(),
    ]);
    cells
}

fn row(compared: &Compared<'_>, paint: Paint) -> Vec<String> {
    let runs = &compared.runs;
    let mut cells = vec![compared.mode.name.clone(), promise(compared.mode)];
    cells.extend(MODELS.map(|(_, model)| verdict(runs, model, paint)));
    let latency = |of: fn(&RunOutcome) -> Option<Percentiles>| {
        let p50 = mean(runs.iter().filter_map(|run| of(run)).map(|p| p.p50));
        let p99 = runs.iter().filter_map(|run| of(run)).map(|p| p.p99).max_by(f64::total_cmp);
        match (p50, p99) {
            (Some(p50), Some(p99)) => format!("{p50:.1}/{p99:.1} ms"),
            _ => "-".to_owned(),
        }
    };
    let share = |of: fn(&RunOutcome) -> Option<f64>| {
        mean(runs.iter().filter_map(|run| of(run)))
            .map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0))
    };
    let expected = match (compared.judgement.missed.len(), compared.judgement.met) {
        (0, met) => paint.good(&format!("met ({met})")),
        (missed, met) => paint.bad(&format!("MISSED {missed} of {}", missed + met)),
    };
    cells.extend([
        of_durability(runs, |durability| durability.lost),
        of_durability(runs, |durability| durability.discarded),
        of_conflicts(runs, |conflicts| conflicts.reappeared),
        siblings(runs),
        stale(runs),
        share(|run| run.availability.before),
        share(|run| run.availability.during),
        share(|run| run.availability.after),
        latency(|run| run.latency_ms.read),
        latency(|run| run.latency_ms.write),
        failover(runs),
        converged(runs),
        seeds(runs),
        expected,
    ]);
    cells
}

/// The first promised model stands for what it implies.
fn promise(mode: &Mode) -> String {
    match mode.promise.as_slice() {
        [] => "nothing".to_owned(),
        [ModelName::Convergence] => "eventual".to_owned(),
        models => models.iter().take(2).map(|model| model.name()).collect::<Vec<_>>().join(", "),
    }
}

/// The worst over all runs that could tell: `no` where the mode need not keep it, `BROKEN` where it promises to.
fn verdict(runs: &[&RunOutcome], model: ModelName, paint: Paint) -> String {
    let any = |verdict| runs.iter().filter_map(|run| run.verdict_on(model)).any(|given| given.is(verdict));
    let breaks = |run: &&RunOutcome| run.verdict_on(model).is_some_and(VerdictReport::breaks_a_promise);
    if runs.iter().any(breaks) {
        paint.bad("BROKEN")
    } else if any(VerdictKind::Invalid) {
        paint.expected("no")
    } else if any(VerdictKind::Unknown) {
        "?".to_owned()
    } else if any(VerdictKind::Valid) {
        "ok".to_owned()
    } else {
        "-".to_owned()
    }
}

/// A count over all runs that have one.
fn of_durability(runs: &[&RunOutcome], count: fn(&DurabilityReport) -> u64) -> String {
    sum(runs.iter().filter_map(|run| run.durability.as_ref()).map(count))
}

fn of_conflicts(runs: &[&RunOutcome], count: fn(&ConflictsReport) -> u64) -> String {
    sum(runs.iter().filter_map(|run| run.conflicts.as_ref()).map(count))
}

fn sum(counts: impl Iterator<Item = u64>) -> String {
    counts.reduce(|one, other| one + other).map_or_else(|| "-".to_owned(), |sum| sum.to_string())
}

/// The most that one read showed.
fn siblings(runs: &[&RunOutcome]) -> String {
    let most = runs.iter().filter_map(|run| run.conflicts.as_ref()).map(|c| c.siblings_max).max();
    most.filter(|most| *most > 0).map_or_else(|| "-".to_owned(), |most| most.to_string())
}

fn stale(runs: &[&RunOutcome]) -> String {
    let stale =
        runs.iter().filter_map(|run| run.staleness.as_ref()).filter(|staleness| staleness.stale_reads > 0);
    stale
        .map(|staleness| staleness.p99_ms)
        .max_by(f64::total_cmp)
        .map_or("-".to_owned(), |ms| format!("{ms:.0} ms"))
}

/// The median over all failovers.
fn failover(runs: &[&RunOutcome]) -> String {
    let mut all: Vec<f64> = runs.iter().flat_map(|run| run.failover_ms.iter().copied()).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).map_or("-".to_owned(), |&ms| seconds(ms))
}

/// How long the slowest took, `no` where one did not.
fn converged(runs: &[&RunOutcome]) -> String {
    let measured: Vec<_> = runs.iter().filter_map(|run| run.convergence.as_ref()).collect();
    if measured.iter().any(|convergence| !convergence.converged) {
        return "no".to_owned();
    }
    let slowest = measured.iter().filter_map(|convergence| convergence.after_ms).max_by(f64::total_cmp);
    slowest.map_or_else(|| if measured.is_empty() { "-" } else { "yes" }.to_owned(), seconds)
}

/// In how many seeds every run came to a conclusion.
fn seeds(runs: &[&RunOutcome]) -> String {
    let all: std::collections::BTreeSet<u64> = runs.iter().map(|run| run.seed).collect();
    let open = |run: &&&RunOutcome| matches!(run.outcome, Outcome::Inconclusive | Outcome::HarnessFailure);
    let inconclusive: std::collections::BTreeSet<u64> =
        runs.iter().filter(open).map(|run| run.seed).collect();
    format!("{}/{}", all.len() - inconclusive.len(), all.len())
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    if values.is_empty() { None } else { Some(values.iter().sum::<f64>() / values.len() as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::outcome::StalenessReport;
    use crate::testing::mode;

    #[test]
    fn one_row_a_mode_over_all_its_runs() {
        let quorum = RunOutcome::complete_example();
        let mut asynchronous = RunOutcome {
            mode: "single/async".into(),
            durability: Some(DurabilityReport { lost: 41, ..DurabilityReport::default() }),
            staleness: Some(StalenessReport { stale_reads: 3, p99_ms: 812.0, ..StalenessReport::default() }),
            ..quorum.clone()
        };
        asynchronous.verdicts[0] =
            VerdictReport { verdict: VerdictKind::Invalid, ..asynchronous.verdicts[0].clone() };
        let second = RunOutcome { seed: 8, outcome: Outcome::Inconclusive, ..asynchronous.clone() };
        let (first_mode, second_mode) = (mode("single/quorum"), mode("single/async"));
        let judgement = Judgement { met: 4, missed: Vec::new() };
        let rows = [
            Compared { mode: &first_mode, runs: vec![&quorum], judgement: judgement.clone() },
            Compared { mode: &second_mode, runs: vec![&asynchronous, &second], judgement },
        ];
        insta::assert_snapshot!(grid(&rows, Paint::PLAIN).markdown());
        insta::assert_snapshot!("one_row_a_mode_in_bare_numbers", numbers(&rows).csv());
    }
}
