//! From an invalid part to few operations that prove it, by delta debugging.
//!
//! It never weakens what it cannot decide again quickly, and every step is sound: what proves the result wrong
//! proves the part wrong.

use std::collections::BTreeSet;

use super::compile::{Compiled, Entries};
use super::meter::{Meter, Stop};
use super::register::{self, Action, INITIAL};
use super::selection::{QueueOrder, Standing, limited};
use super::{Answer, Want};

/// Steps that one trial may take, at least; and all trials together.
const TRIAL_STEPS_MIN: u64 = 20_000;
const ALL_STEPS_MAX: u64 = 20_000_000;

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
        meter: limited(meter, ALL_STEPS_MAX),
        trial_steps: u64::MAX,
        standing: prefix(compiled, last),
    };
    let before = shrinking.meter.steps();
    if !shrinking.is_invalid(&shrinking.standing.clone()) {
        return vec![Standing::Kept; compiled.len()];
    }
    shrinking.trial_steps = (4 * (shrinking.meter.steps() - before)).max(TRIAL_STEPS_MIN);
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
    meter: Meter<'b>,
    trial_steps: u64,
    standing: Vec<Standing>,
}

impl Shrinking<'_, '_, '_> {
    fn run(&mut self) {
        let mut chunk = self.kept().len().div_ceil(2).max(1);
        loop {
            let mut progress = false;
            let kept = self.kept();
            // The latest operations are needed most: begin with the oldest.
            for part in kept.chunks(chunk) {
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

    fn kept(&self) -> Vec<usize> {
        (0..self.standing.len()).filter(|&i| is_named(self.standing[i])).collect()
    }

    /// Leaves these out, or weakens them, if the rest still proves it.
    fn try_without(&mut self, out: &[usize]) -> bool {
        let mut trial = self.standing.clone();
        for &i in out {
            trial[i] = if self.compiled.only_reads(i) { Standing::Dropped } else { Standing::Weakened };
        }
        if let Entries::Register(accesses, _) = &self.compiled.entries {
            close_under_writers(accesses, &mut trial, &self.standing);
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

/// Of a register the writes of a value can be left out altogether once nobody left observes the value, and must
/// all stay otherwise: then an order of the whole, restricted to what is left, would be one of what is left.
fn close_under_writers(accesses: &[register::Access], trial: &mut [Standing], before: &[Standing]) {
    let observed = observed(accesses, trial);
    for (i, access) in accesses.iter().enumerate() {
        let (Action::Write(to) | Action::Cas { to, .. }) = access.call else { continue };
        trial[i] = match (trial[i], observed.contains(&to)) {
            (Standing::Kept, _) => Standing::Kept,
            (_, true) => before[i],
            (_, false) => Standing::Dropped,
        };
    }
}

/// The values that what is kept observes, or may: every value that a compare-and-set replaced which may be needed.
fn observed(accesses: &[register::Access], trial: &[Standing]) -> BTreeSet<u32> {
    let mut observed = BTreeSet::from([INITIAL]);
    loop {
        let known = observed.len();
        for (access, standing) in accesses.iter().zip(trial) {
            match access.call {
                Action::Read(value) | Action::Cas { from: value, .. } if *standing == Standing::Kept => {
                    observed.insert(value);
                }
                Action::Cas { from, to } if observed.contains(&to) => {
                    observed.insert(from);
                }
                _ => {}
            }
        }
        if observed.len() == known {
            return observed;
        }
    }
}

impl Compiled<'_> {
    /// Of a register a write that was dropped though what is kept observes its value; those that were called after
    /// `end` need not be there.
    pub(crate) fn unclosed(&self, standing: &[Standing], end: u64) -> Option<u32> {
        let Entries::Register(accesses, _) = &self.entries else { return None };
        let observed = observed(accesses, standing);
        let dropped =
            (0..).zip(accesses).zip(standing).filter(|(_, standing)| **standing == Standing::Dropped);
        dropped.map(|(access, _)| access).find_map(|(i, access)| match access.call {
            Action::Write(to) | Action::Cas { to, .. } if observed.contains(&to) && access.invoked <= end => {
                Some(i)
            }
            _ => None,
        })
    }
}
