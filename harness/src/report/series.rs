//! A run over time, in bins: how much was asked, how that came out, how long it took, and how far reads lay behind.
//!
//! The page and the pictures of a run's folder are drawn from it. It is always of the whole history, also where the page
//! holds only a part of its operations.

use std::time::Duration;

use checkers::Budget;
use histories::{Function, History, Nanos, Outcome};
use serde::Serialize;

use super::clock::Clock;

/// A bin holds so many operations on the average, as far as the number of bins allows.
const OPERATIONS_PER_BIN: usize = 15;
const BINS_MIN: usize = 60;
const BINS_MAX: usize = 400;
/// Staleness that is not measured in this time is not drawn.
const STALENESS_TIME: Duration = Duration::from_secs(10);

/// One entry a bin in each list. A dump asks one node about itself, says nothing of the service, and is not counted.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Series {
    /// The width of a bin, on the clock.
    pub(crate) bin: f64,
    pub(crate) ok: Vec<u32>,
    pub(crate) fail: Vec<u32>,
    pub(crate) info: Vec<u32>,
    /// Latency in milliseconds, of what was ok.
    pub(crate) read: Percentiles,
    pub(crate) write: Percentiles,
    /// Where some reads were stale.
    pub(crate) stale: Option<Stale>,
}

/// Of each bin, and null where there was nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: Vec<Option<f32>>,
    pub(crate) p99: Vec<Option<f32>>,
    pub(crate) max: Vec<Option<f32>>,
}

/// Reads whose value had been replaced before they began.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Stale {
    pub(crate) reads: Vec<u32>,
    /// By how many milliseconds.
    pub(crate) behind: Percentiles,
}

impl Series {
    /// `measures_staleness` is false where it is known that no read was stale, and where the run goes on.
    pub(crate) fn of(history: &History, measures_staleness: bool) -> Self {
        let clock = Clock::of(history);
        let end = clock.end(history).max(1);
        let bins = (history.operations().len() / OPERATIONS_PER_BIN).clamp(BINS_MIN, BINS_MAX);
        let bin = end as f64 / bins as f64;
        let place = |at: u64| ((at as f64 / bin) as usize).min(bins - 1);
        let mut series =
            Self { bin, ok: vec![0; bins], fail: vec![0; bins], info: vec![0; bins], ..Self::default() };
        let mut lasted = [vec![Vec::new(); bins], vec![Vec::new(); bins]];
        let service = history.operations().iter().filter(|operation| operation.function != Function::Dump);
        for operation in service {
            let (invoked, completed) = clock.span(operation);
            let counts = match operation.outcome {
                Outcome::Ok => &mut series.ok,
                Outcome::Fail => &mut series.fail,
                Outcome::Info => &mut series.info,
            };
            counts[place(invoked)] += 1;
            if let Some(completed) = completed.filter(|_| clock == Clock::Time && operation.is_ok()) {
                let ms = completed.saturating_sub(invoked) as f64 / 1e6;
                lasted[usize::from(!operation.function.is_read())][place(invoked)].push(ms as f32);
            }
        }
        let [reads, writes] = lasted;
        (series.read, series.write) = (Percentiles::of(reads), Percentiles::of(writes));
        if measures_staleness && clock == Clock::Time {
            let budget = Budget::new(STALENESS_TIME, Budget::MEMORY_BYTES_DEFAULT);
            series.stale = Stale::of(&checkers::stale_reads(history, &budget), bins, |at| place(at.0));
        }
        series
    }

    /// Of each bin its middle, in seconds. Only where the history tells times.
    pub(crate) fn middles_s(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.ok.len()).map(|place| (place as f64 + 0.5) * self.bin / 1e9)
    }
}

impl Stale {
    /// Of when stale reads were invoked, and how far each lay behind; `None` where there are none.
    fn of(stale: &[(Nanos, Nanos)], bins: usize, place: impl Fn(Nanos) -> usize) -> Option<Self> {
        let mut behind = vec![Vec::new(); bins];
        for &(at, by) in stale {
            behind[place(at)].push(by.as_millis_f64() as f32);
        }
        let reads = behind.iter().map(|bin| bin.len() as u32).collect();
        (!stale.is_empty()).then(|| Self { reads, behind: Percentiles::of(behind) })
    }
}

impl Percentiles {
    fn of(bins: Vec<Vec<f32>>) -> Self {
        let mut percentiles = Self::default();
        for mut bin in bins {
            bin.sort_unstable_by(f32::total_cmp);
            let at =
                |share: f64| bin.get(((bin.len() as f64 * share) as usize).min(bin.len().saturating_sub(1)));
            percentiles.p50.push(at(0.5).copied());
            percentiles.p99.push(at(0.99).copied());
            percentiles.max.push(bin.last().copied());
        }
        percentiles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_in_one_bin_and_latency_is_of_what_was_ok() {
        let run = r#"{"partita":1,"nodes":["n1"]}
{"index":0,"time":0,"process":0,"type":"invoke","f":"write","key":"x","value":1}
{"index":1,"time":2000000,"process":0,"type":"ok","f":"write","key":"x","value":1}
{"index":2,"time":5000000,"process":0,"type":"invoke","f":"read","key":"x"}
{"index":3,"time":8000000,"process":0,"type":"fail","f":"read","key":"x","error":"no"}
{"index":4,"time":8000000,"process":0,"type":"invoke","f":"read","key":"x"}
"#;
        let history = histories::read::read(run.as_bytes(), "run").unwrap();
        let series = Series::of(&history, true);
        let sums = [&series.ok, &series.fail, &series.info].map(|counts| counts.iter().sum::<u32>());
        assert_eq!(sums, [1, 1, 1]);
        assert_eq!(series.info[BINS_MIN - 1], 1, "what is asked at the very end is in the last bin");
        assert_eq!(series.write.p50[0], Some(2.0));
        assert!(series.read.p50.iter().all(Option::is_none), "a read that failed took no time");
    }

    #[test]
    fn stale_reads_are_counted_in_the_bin_in_which_they_began() {
        let history = crate::report::explain::tests::stale_history();
        let stale = Series::of(&history, true).stale.unwrap();
        assert_eq!(stale.reads.iter().sum::<u32>(), 1);
        let bin = stale.reads.iter().position(|&reads| reads == 1).unwrap();
        assert!(stale.behind.max[bin] > Some(0.0) && stale.behind.p50[bin] == stale.behind.max[bin]);
        assert_eq!(Series::of(&history, false).stale, None);
    }
}
