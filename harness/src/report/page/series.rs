//! A run over time, in bins: how much was asked, how that came out, and how long it took.
//!
//! Always of the whole history, also where the page holds only a part of its operations.

use histories::{Function, History, Outcome};
use serde::Serialize;

use super::clock::Clock;

/// A bin holds so many operations on the average, as far as the number of bins allows.
const OPERATIONS_PER_BIN: usize = 15;
const BINS_MIN: usize = 60;
const BINS_MAX: usize = 400;

/// One entry a bin in each list. Latencies are in milliseconds, of what was ok, and null where nothing was.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Series {
    /// The width of a bin, on the clock.
    bin: f64,
    ok: Vec<u32>,
    fail: Vec<u32>,
    info: Vec<u32>,
    read: Percentiles,
    write: Percentiles,
}

#[derive(Clone, Debug, Default, Serialize)]
struct Percentiles {
    p50: Vec<Option<f32>>,
    p99: Vec<Option<f32>>,
    max: Vec<Option<f32>>,
}

impl Series {
    pub(super) fn of(history: &History) -> Self {
        let clock = Clock::of(history);
        let end = clock.end(history).max(1);
        let bins = (history.operations().len() / OPERATIONS_PER_BIN).clamp(BINS_MIN, BINS_MAX);
        let bin = end as f64 / bins as f64;
        let mut series =
            Self { bin, ok: vec![0; bins], fail: vec![0; bins], info: vec![0; bins], ..Self::default() };
        let mut lasted = [vec![Vec::new(); bins], vec![Vec::new(); bins]];
        for operation in history.operations() {
            let (invoked, completed) = clock.span(operation);
            let place = ((invoked as f64 / bin) as usize).min(bins - 1);
            let counts = match operation.outcome {
                Outcome::Ok => &mut series.ok,
                Outcome::Fail => &mut series.fail,
                Outcome::Info => &mut series.info,
            };
            counts[place] += 1;
            let is_service = operation.function != Function::Dump && clock == Clock::Time;
            if let Some(completed) = completed.filter(|_| is_service && operation.is_ok()) {
                let ms = completed.saturating_sub(invoked) as f64 / 1e6;
                lasted[usize::from(!operation.function.is_read())][place].push(ms as f32);
            }
        }
        let [reads, writes] = lasted;
        (series.read, series.write) = (Percentiles::of(reads), Percentiles::of(writes));
        series
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
        let series = Series::of(&history);
        let sums = [&series.ok, &series.fail, &series.info].map(|counts| counts.iter().sum::<u32>());
        assert_eq!(sums, [1, 1, 1]);
        assert_eq!(series.info[BINS_MIN - 1], 1, "what is asked at the very end is in the last bin");
        assert_eq!(series.write.p50[0], Some(2.0));
        assert!(series.read.p50.iter().all(Option::is_none), "a read that failed took no time");
    }
}
