//! What is drawn over time, in bins: how long answered operations took, how many came out how, and how far replicas lay
//! behind.

use std::collections::BTreeMap;

use histories::{Function, History, Operation, Outcome};

use super::chart::Line;

/// A chart has so many bins.
const BINS: usize = 160;

/// A history cut into bins of equal length.
struct Bins {
    /// Seconds.
    width: f64,
}

impl Bins {
    fn of(history: &History) -> Self {
        Self { width: history.end().as_secs_f64().max(1e-6) / BINS as f64 }
    }

    fn place(&self, operation: &Operation) -> usize {
        ((operation.invoked.as_secs_f64() / self.width) as usize).min(BINS - 1)
    }

    fn middle(&self, place: usize) -> f64 {
        (place as f64 + 0.5) * self.width
    }
}

/// A dump asks one node about itself, and says nothing of the service.
fn is_service(operation: &Operation) -> bool {
    operation.function != Function::Dump
}

/// Milliseconds of reads and of other operations, by bin, of those that were ok.
pub(super) struct Latencies {
    bins: Bins,
    reads: Vec<Vec<f64>>,
    writes: Vec<Vec<f64>>,
}

impl Latencies {
    pub(super) fn of(history: &History) -> Self {
        let bins = Bins::of(history);
        let (mut reads, mut writes) = (vec![Vec::new(); BINS], vec![Vec::new(); BINS]);
        let answered =
            history.operations().iter().filter(|operation| operation.is_ok() && is_service(operation));
        for operation in answered {
            let lasted = operation.completed.since(operation.invoked).as_millis_f64();
            let of = if operation.function.is_read() { &mut reads } else { &mut writes };
            of[bins.place(operation)].push(lasted);
        }
        for bin in reads.iter_mut().chain(&mut writes) {
            bin.sort_by(f64::total_cmp);
        }
        Self { bins, reads, writes }
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let of = |name: &str, bins: &[Vec<f64>], permille: usize| {
            let at = |bin: &Vec<f64>| {
                bin.get((bin.len() * permille / 1000).min(bin.len().saturating_sub(1))).copied()
            };
            let values = bins.iter().enumerate().map(|(place, bin)| (self.bins.middle(place), at(bin)));
            Line::joined(name, values.collect())
        };
        vec![
            of("reads, median", &self.reads, 500),
            of("reads, p99", &self.reads, 990),
            of("writes, median", &self.writes, 500),
            of("writes, p99", &self.writes, 990),
        ]
    }
}

/// Operations a second by how they came out, by when they were invoked.
pub(super) struct Rates {
    bins: Bins,
    counts: [Vec<u32>; 3],
}

impl Rates {
    pub(super) fn of(history: &History) -> Self {
        let bins = Bins::of(history);
        let mut counts = [vec![0; BINS], vec![0; BINS], vec![0; BINS]];
        for operation in history.operations().iter().filter(|operation| is_service(operation)) {
            let of = match operation.outcome {
                Outcome::Ok => 0,
                Outcome::Fail => 1,
                Outcome::Info => 2,
            };
            counts[of][bins.place(operation)] += 1;
        }
        Self { bins, counts }
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        let names = ["ok", "failed", "unknown outcome"];
        let line = |(name, counts): (&str, &Vec<u32>)| {
            let rate = |(place, count): (usize, &u32)| {
                (self.bins.middle(place), Some(f64::from(*count) / self.bins.width))
            };
            Line::joined(name, counts.iter().enumerate().map(rate).collect())
        };
        let is_seen = |(_, counts): &(&str, &Vec<u32>)| counts.iter().any(|count| *count > 0);
        names.into_iter().zip(&self.counts).filter(is_seen).map(line).collect()
    }
}

/// A line for each replica that lay behind, the furthest of each bin; from the rows of `lag.csv`.
pub(super) fn lag(csv: &str) -> Vec<Line> {
    let mut lines: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for row in csv.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let &[time, node, of, which, entries] = cells.as_slice() else { continue };
        if let (Ok(ms), Ok(entries)) = (time.parse::<f64>(), entries.parse::<f64>()) {
            lines.entry(format!("{of} {which} of {node}")).or_default().push((ms / 1e3, entries));
        }
    }
    let furthest = |points: &Vec<(f64, f64)>| {
        let group = points.len().div_ceil(BINS).max(1);
        let most = |chunk: &[(f64, f64)]| chunk.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        points.chunks(group).filter_map(most).map(|(at, entries)| (at, Some(entries))).collect()
    };
    let mut lines: Vec<(f64, Line)> = lines
        .iter()
        .map(|(name, points)| {
            let most = points.iter().map(|point| point.1).fold(0.0, f64::max);
            (most, Line::joined(name, furthest(points)))
        })
        .filter(|(most, _)| *most > 0.0)
        .collect();
    // Where there are many the worst are drawn.
    lines.sort_by(|one, other| other.0.total_cmp(&one.0));
    lines.into_iter().map(|(_, line)| line).collect()
}
