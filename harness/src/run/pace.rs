//! Whether the harness itself kept time: it says nothing of the system under test.

use histories::Nanos;

/// How a run was driven.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace {
    /// Every time that the conductor stood still for longer than a client waits for an answer, and for how long.
    pub stalls: Vec<Stall>,
    /// Operations that the workload issued.
    pub issued: u64,
    /// How long the workload had an operation to issue and a client to issue it with, waits for the rate included.
    pub able: Nanos,
    /// How long the workload went on.
    pub lasted: Nanos,
}

/// The conductor stood still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    pub from: Nanos,
    pub lasted: Nanos,
}

/// Below this share of the operations that were due the rate was missed by far.
const SHARE_MIN: f64 = 0.5;
/// Of fewer operations than this a share says nothing.
const DUE_MIN: f64 = 50.0;

impl Pace {
    /// Why a run that was driven like this shows little, one reason a line. `rate` is what was asked for.
    pub(crate) fn thin(&self, rate: Option<f64>) -> Vec<String> {
        let stalls = self.stalled().into_iter();
        stalls.chain(rate.and_then(|rate| self.slow(rate))).collect()
    }

    fn stalled(&self) -> Option<String> {
        let longest = self.stalls.iter().max_by_key(|stall| stall.lasted)?;
        let (lasted, from) = (seconds(longest.lasted), seconds(longest.from));
        Some(match self.stalls.len() {
            1 => format!("the harness stood still for {lasted}, from {from} on"),
            times => {
                format!("the harness stood still {times} times, for {lasted} from {from} on at the longest")
            }
        })
    }

    /// Less was issued than clients were free for: then it was the harness that was slow.
    fn slow(&self, rate: f64) -> Option<String> {
        let due = rate * self.able.to_duration().as_secs_f64();
        let missed = due >= DUE_MIN && (self.issued as f64) < SHARE_MIN * due;
        missed.then(|| {
            format!(
                "the harness issued {} of {due:.0} operations that were due while a client was free",
                self.issued
            )
        })
    }

    /// What is worth a note where clients were what kept the rate from being met.
    pub(crate) fn note(&self, rate: Option<f64>) -> Option<String> {
        let due = rate? * self.lasted.to_duration().as_secs_f64();
        let missed = self.stalls.is_empty() && due >= DUE_MIN && (self.issued as f64) < SHARE_MIN * due;
        missed.then(|| {
            format!(
                "{} operations were issued where {due:.0} were asked for: the clients were waiting for answers",
                self.issued
            )
        })
    }
}

fn seconds(time: Nanos) -> String {
    format!("{:.1} s", time.to_duration().as_secs_f64())
}

/// Watches the conductor's loop, which comes round every few milliseconds unless the harness is stopped or starved.
pub(super) struct Watch {
    patience: Nanos,
    beat: Nanos,
    stalls: Vec<Stall>,
}

impl Watch {
    /// `patience` is how long clients wait for an answer: a pause that is shorter leaves what they saw as it was.
    pub(super) fn new(patience: Nanos, now: Nanos) -> Self {
        Self { patience, beat: now, stalls: Vec::new() }
    }

    pub(super) fn beat(&mut self, now: Nanos) {
        let lasted = now.since(self.beat);
        if lasted > self.patience {
            self.stalls.push(Stall { from: self.beat, lasted });
        }
        self.beat = now;
    }

    pub(super) fn stalls(self) -> Vec<Stall> {
        self.stalls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_stands_still_is_noticed() {
        let mut watch = Watch::new(Nanos::from_secs(1), Nanos::ZERO);
        for millis in [10, 900, 1900, 6900, 6910, 9000] {
            watch.beat(Nanos::from_millis(millis));
        }
        let pace = Pace { stalls: watch.stalls(), ..Pace::default() };
        assert_eq!(
            pace.thin(None),
            ["the harness stood still 2 times, for 5.0 s from 1.9 s on at the longest"]
        );
        assert_eq!(Pace::default().thin(Some(200.0)), [] as [&str; 0]);
    }

    #[test]
    fn a_rate_is_missed_by_the_harness_or_for_want_of_clients() {
        let pace = |issued, able, lasted| Pace {
            stalls: Vec::new(),
            issued,
            able: Nanos::from_secs(able),
            lasted: Nanos::from_secs(lasted),
        };
        let of = |pace: Pace| (pace.thin(Some(100.0)).join(";"), pace.note(Some(100.0)).unwrap_or_default());
        assert_eq!(of(pace(950, 10, 10)), (String::new(), String::new()));
        let (thin, _) = of(pace(300, 10, 10));
        assert_eq!(thin, "the harness issued 300 of 1000 operations that were due while a client was free");
        let (thin, note) = of(pace(300, 3, 10));
        assert_eq!(thin, "");
        assert!(note.contains("300 operations were issued where 1000 were asked for"), "{note}");
        assert_eq!(pace(300, 10, 10).thin(None), [] as [&str; 0], "as fast as they go");
    }
}
