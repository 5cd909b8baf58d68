//! The lines of the charts, from a run's series and from its replicas' lag.

use super::chart::Line;
use crate::report::lag::Lag;
use crate::report::series::{Percentiles, Series};

fn line(series: &Series, name: &str, values: impl Iterator<Item = Option<f64>>) -> Line {
    Line::joined(name, series.middles_s().zip(values).collect())
}

fn known(values: &[Option<f32>]) -> impl Iterator<Item = Option<f64>> + '_ {
    values.iter().map(|value| value.map(f64::from))
}

/// Milliseconds of reads and of other operations, of those that were ok.
pub(super) fn latency(series: &Series) -> Vec<Line> {
    let of = |name: &str, of: &Percentiles| {
        [("median", &of.p50), ("p99", &of.p99)]
            .map(|(which, values)| line(series, &format!("{name}, {which}"), known(values)))
    };
    [of("reads", &series.read), of("writes", &series.write)].concat()
}

/// Operations a second by how they came out, by when they were invoked.
pub(super) fn rate(series: &Series) -> Vec<Line> {
    let outcomes = [("ok", &series.ok), ("failed", &series.fail), ("unknown outcome", &series.info)];
    let seen = outcomes.into_iter().filter(|(_, counts)| counts.iter().any(|count| *count > 0));
    let rate = |count: &u32| Some(f64::from(*count) / (series.bin / 1e9));
    seen.map(|(name, counts)| line(series, name, counts.iter().map(rate))).collect()
}

/// How far stale reads lay behind: the median as a line, the furthest of each bin as points.
pub(super) fn staleness(series: &Series) -> Vec<Line> {
    let Some(stale) = &series.stale else { return Vec::new() };
    let furthest = series.middles_s().zip(known(&stale.behind.max));
    let furthest = furthest.filter_map(|(at, value)| Some((at, value?))).collect();
    vec![
        line(series, "stale reads, median", known(&stale.behind.p50)),
        Line::points("furthest behind", furthest),
    ]
}

/// A line for each replica that lay behind, the worst first: where there are many, those are drawn.
pub(super) fn lag(lag: &[Lag]) -> Vec<Line> {
    let mut behind: Vec<&Lag> = lag.iter().filter(|lag| lag.most() > 0).collect();
    behind.sort_by_key(|lag| std::cmp::Reverse(lag.most()));
    let points =
        |lag: &Lag| lag.points.iter().map(|&(ms, entries)| (ms / 1e3, Some(entries as f64))).collect();
    behind.into_iter().map(|lag| Line::joined(&lag.name, points(lag))).collect()
}
