//! Runs as rows of bare numbers, for spreadsheets and scripts: shares from 0 to 1, times in milliseconds, lists separated by
//! spaces, and nothing where nothing was measured.

use super::{Purpose, RunsReport, modes, tradeoffs};
use crate::judge::outcome::{Percentiles, RunOutcome};
use crate::judge::verdict::VerdictKind;
use crate::report::figures::bare;
use crate::report::grid::Grid;

/// One row a run, a mode of a comparison or a lie of a calibration.
pub(crate) fn render(report: &RunsReport<'_>) -> String {
    let grid = match report.purpose {
        Purpose::Suites | Purpose::Hunt(_) => runs(report.runs),
        Purpose::Comparison { rows, .. } => modes::numbers(rows),
        Purpose::Tradeoffs(rows) => tradeoffs::numbers(rows),
        Purpose::Calibration(report) => report.numbers(),
    };
    grid.csv()
}

/// A column's name, and what stands in it for a run.
type Column = (&'static str, fn(&RunOutcome) -> String);

const COLUMNS: &[Column] = &[
    ("suite", |run| run.suite.clone()),
    ("system", |run| run.system.clone()),
    ("mode", |run| run.mode.clone()),
    ("workload", |run| run.workload.clone()),
    ("faults", |run| run.faults.join(" ")),
    ("seed", |run| run.seed.to_string()),
    ("stage", |run| run.stage.to_string()),
    ("outcome", |run| run.outcome.name().to_owned()),
    ("violated", |run| models(run, VerdictKind::Invalid)),
    ("undecided", |run| models(run, VerdictKind::Unknown)),
    ("ok", |run| run.operations.ok.to_string()),
    ("fail", |run| run.operations.fail.to_string()),
    ("info", |run| run.operations.info.to_string()),
    ("acknowledged", |run| bare(run.durability.as_ref().map(|durability| durability.acknowledged))),
    ("lost", |run| bare(run.durability.as_ref().map(|durability| durability.lost))),
    ("superseded", |run| bare(run.durability.as_ref().map(|durability| durability.superseded))),
    ("discarded", |run| bare(run.durability.as_ref().map(|durability| durability.discarded))),
    ("availability", |run| bare(run.availability.overall)),
    ("availability_before", |run| bare(run.availability.before)),
    ("availability_during", |run| bare(run.availability.during)),
    ("availability_after", |run| bare(run.availability.after)),
    ("availability_reads", |run| bare(run.availability.reads)),
    ("availability_writes", |run| bare(run.availability.writes)),
    ("reads_without_leader", |run| bare(run.reads_without_leader)),
    ("read_p50_ms", |run| median(run.latency_ms.read)),
    ("read_p99_ms", |run| slowest(run.latency_ms.read)),
    ("write_p50_ms", |run| median(run.latency_ms.write)),
    ("write_p99_ms", |run| slowest(run.latency_ms.write)),
    ("stale_reads", |run| bare(run.staleness.as_ref().map(|staleness| staleness.stale_reads))),
    ("staleness_p99_ms", |run| bare(run.staleness.as_ref().map(|staleness| staleness.p99_ms))),
    ("staleness_max_ms", |run| bare(run.staleness.as_ref().map(|staleness| staleness.max_ms))),
    ("failover_max_ms", |run| bare(run.failover_ms.iter().copied().max_by(f64::total_cmp))),
    ("converged", |run| bare(run.convergence.as_ref().map(|convergence| convergence.converged))),
    ("converged_after_ms", |run| bare(run.convergence.as_ref().and_then(|convergence| convergence.after_ms))),
    ("elapsed_ms", |run| run.elapsed_ms.to_string()),
    ("dir", |run| run.dir.clone()),
];

fn runs(runs: &[RunOutcome]) -> Grid {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let mut grid = Grid::new(&names);
    for run in runs {
        grid.push(COLUMNS.iter().map(|(_, cell)| cell(run)).collect());
    }
    grid
}

fn models(run: &RunOutcome, verdict: VerdictKind) -> String {
    let of = run.verdicts.iter().filter(|given| given.is(verdict));
    of.map(|given| given.subject.name()).collect::<Vec<_>>().join(" ")
}

fn median(latency: Option<Percentiles>) -> String {
    bare(latency.map(|latency| latency.p50))
}

fn slowest(latency: Option<Percentiles>) -> String {
    bare(latency.map(|latency| latency.p99))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_bare_numbers_or_nothing() {
        let example = RunOutcome::complete_example();
        let bare = RunOutcome { durability: None, failover_ms: Vec::new(), ..example.clone() };
        let text = runs(&[example, bare]).csv();
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        let cell =
            |row: usize, column: &str| lines[row][lines[0].iter().position(|name| *name == column).unwrap()];
        assert_eq!(
            (cell(1, "availability"), cell(1, "failover_max_ms"), cell(1, "lost")),
            ("0.975", "1410.5", "0")
        );
        assert_eq!((cell(2, "lost"), cell(2, "failover_max_ms"), cell(2, "seed")), ("", "", "7"));
        assert!(lines.iter().all(|line| line.len() == COLUMNS.len()), "{text}");
    }
}
