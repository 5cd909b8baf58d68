//! From an invalid part to few operations that prove it, by delta debugging.
//!
//! It never weakens what it cannot decide again quickly, and every step is sound: what proves the result wrong
//! proves the part wrong.

use finding::{Meter, Stop};

use super::closure::Closure;
use super::compile::Compiled;
use super::selection::{QueueOrder, Standing, limited};
use super::{Answer, Want};

/// So many of the latest operations are tried first; then four times as many, until they are enough.
const LATEST_FIRST: usize = 4;
/// Steps that one trial may take, at least.
const TRIAL_STEPS_MIN: u64 = 20_000;
/// What all trials together may take: so many steps, and so many times what it took to find that there is no order.
const STEPS_MIN: u64 = 500_000;
const TIMES_MAX: u64 = 50;

/// What to make of each operation so that no order explains what is left, given that no order explains the return
/// of `last`.
pub(crate) fn shrink(
    compiled: &Compiled<'_>,
    last: u32,
    order: QueueOrder,
    meter: &Meter<'_>,
) -> Vec<Standing> {
    let mut shrinking = Shrinking {
        compiled,
        order,
        closure: Closure::of(compiled),
        meter: meter.clone(),
        trial_steps: u64::MAX,
        standing: prefix(compiled, last),
    };
    let before = shrinking.meter.steps();
    if !shrinking.is_invalid(&shrinking.standing.clone()) {
        return vec![Standing::Kept; compiled.len()];
    }
    let steps = shrinking.meter.steps() - before;
    shrinking.trial_steps = (4 * steps).max(TRIAL_STEPS_MIN);
    shrinking.meter = limited(&shrinking.meter, STEPS_MIN + TIMES_MAX * steps);
    shrinking.begin_with_the_latest();
    shrinking.run();
    shrinking.standing
}

/// Everything that was called by the return of `last`. What had not returned by then may have happened or not, but not
/// with another answer than the one that it got later: the search knows that answer, too.
fn prefix(compiled: &Compiled<'_>, last: u32) -> Vec<Standing> {
    let end = compiled.times(last as usize).1.unwrap_or(u64::MAX);
    (0..compiled.len())
        .map(|i| {
            let (invoked, returned) = compiled.times(i);
            match returned {
                Some(returned) if returned <= end => Standing::Kept,
                _ if invoked > end || compiled.only_reads(i) => Standing::Dropped,
                _ if compiled.has_reply(i) => Standing::Open,
                _ => Standing::Weakened,
            }
        })
        .collect()
}

struct Shrinking<'a, 'h, 'b> {
    compiled: &'a Compiled<'h>,
    order: QueueOrder,
    /// Of objects whose reads tell what they owe their answers to.
    closure: Option<Closure>,
    meter: Meter<'b>,
    trial_steps: u64,
    standing: Vec<Standing>,
}

impl Shrinking<'_, '_, '_> {
    /// Most contradictions are among operations that follow each other closely.
    fn begin_with_the_latest(&mut self) {
        let mut named = self.named();
        named.sort_by_key(|&i| (self.compiled.times(i).1, i));
        let mut count = LATEST_FIRST;
        while count < named.len() && !self.meter.is_spent() {
            if self.try_without(&named[..named.len() - count]) {
                return;
            }
            count *= 4;
        }
    }

    fn run(&mut self) {
        let mut chunk = self.named().len().div_ceil(2).max(1);
        loop {
            let mut progress = false;
            let named = self.named();
            // The latest operations are needed most: begin with the oldest.
            for part in named.chunks(chunk) {
                let still: Vec<usize> =
                    part.iter().copied().filter(|&i| is_named(self.standing[i])).collect();
                if !still.is_empty() && self.meter.tick() != Err(Stop::Time) && !self.meter.is_spent() {
                    progress |= self.try_without(&still);
                }
            }
            if self.meter.is_spent() || chunk == 1 && !progress {
                return;
            }
            if !progress || chunk > 1 {
                chunk = (chunk / 2).max(1);
            }
        }
    }

    fn named(&self) -> Vec<usize> {
        (0..self.standing.len()).filter(|&i| is_named(self.standing[i])).collect()
    }

    /// Leaves these out, or weakens them, if the rest still proves it.
    fn try_without(&mut self, out: &[usize]) -> bool {
        let mut trial = self.standing.clone();
        for &i in out {
            trial[i] = if self.compiled.only_reads(i) { Standing::Dropped } else { Standing::Weakened };
        }
        if let Some(closure) = &self.closure {
            closure.close(&mut trial, &self.standing);
        }
        if trial == self.standing || !self.is_invalid(&trial) {
            return false;
        }
        self.standing = trial;
        true
    }

    fn is_invalid(&mut self, standing: &[Standing]) -> bool {
        let mut meter = limited(&self.meter, self.trial_steps);
        let answer = self.compiled.decide(Some(standing), self.order, &mut meter, Want::Verdict);
        self.meter.count(meter.steps());
        matches!(answer, Answer::Unexplained { .. })
    }
}

/// Whether anything is taken of an operation beside that it was called.
fn is_named(standing: Standing) -> bool {
    matches!(standing, Standing::Kept | Standing::Open)
}
