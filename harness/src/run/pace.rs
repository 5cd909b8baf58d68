//! Whether the harness itself kept time: it says nothing of the system under test.

use histories::Nanos;

use super::note::{Note, Shortfall};

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
    /// Why a run that was driven like this shows little. `rate` is what was asked for.
    pub(crate) fn shortfalls(&self, rate: Option<f64>) -> Vec<Shortfall> {
        let stalls = self.stalled().into_iter();
        stalls.chain(rate.and_then(|rate| self.slow(rate))).collect()
    }

    fn stalled(&self) -> Option<Shortfall> {
        let longest = *self.stalls.iter().max_by_key(|stall| stall.lasted)?;
        Some(Shortfall::StoodStill { times: self.stalls.len(), longest })
    }

    /// Less was issued than clients were free for: then it was the harness that was slow.
    fn slow(&self, rate: f64) -> Option<Shortfall> {
        let due = rate * self.able.to_duration().as_secs_f64();
        self.missed(due).then_some(Shortfall::TooSlow { issued: self.issued, due })
    }

    /// What is worth a note where clients were what kept the rate from being met.
    pub(crate) fn note(&self, rate: Option<f64>) -> Option<Note> {
        let due = rate? * self.lasted.to_duration().as_secs_f64();
        let missed = self.stalls.is_empty() && self.missed(due);
        missed.then_some(Note::ClientsWaited { issued: self.issued, due })
    }

    fn missed(&self, due: f64) -> bool {
        due >= DUE_MIN && (self.issued as f64) < SHARE_MIN * due
    }
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
        let longest = Stall { from: Nanos::from_millis(1900), lasted: Nanos::from_secs(5) };
        assert_eq!(pace.shortfalls(None), [Shortfall::StoodStill { times: 2, longest }]);
        assert_eq!(Pace::default().shortfalls(Some(200.0)), []);
    }

    #[test]
    fn a_rate_is_missed_by_the_harness_or_for_want_of_clients() {
        let pace = |issued, able, lasted| Pace {
            stalls: Vec::new(),
            issued,
            able: Nanos::from_secs(able),
            lasted: Nanos::from_secs(lasted),
        };
        let of = |pace: Pace| (pace.shortfalls(Some(100.0)), pace.note(Some(100.0)));
        assert_eq!(of(pace(950, 10, 10)), (vec![], None));
        let waited = Some(Note::ClientsWaited { issued: 300, due: 1000.0 });
        let slow = Shortfall::TooSlow { issued: 300, due: 1000.0 };
        assert_eq!(of(pace(300, 10, 10)), (vec![slow], waited.clone()));
        assert_eq!(of(pace(300, 3, 10)), (vec![], waited));
        assert_eq!(pace(300, 10, 10).shortfalls(None), [], "as fast as they go");
    }
}
