//! What a search has used of its budget, asked at every step.

use crate::Budget;

/// Why a search ended without a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    #[error("the time budget ran out")]
    Time,
    #[error("the memory budget ran out")]
    Memory,
    /// The try that ended was meant to be short.
    #[error("the limit of steps was reached")]
    Steps,
    #[error("more than {operations_max} operations are pending at once")]
    Concurrency { operations_max: usize },
}

/// Counts steps and bytes of one search.
#[derive(Clone, Debug)]
pub struct Meter<'a> {
    budget: &'a Budget,
    until_clock: u32,
    steps: u64,
    steps_max: u64,
    /// That no attempt may exceed.
    steps_limit: u64,
    bytes: usize,
    bytes_max: usize,
}

impl<'a> Meter<'a> {
    /// The clock is read once in so many steps: often enough for steps of a millisecond.
    const STEPS_PER_CLOCK: u32 = 64;

    pub fn new(budget: &'a Budget) -> Self {
        Self {
            budget,
            until_clock: Self::STEPS_PER_CLOCK,
            steps: 0,
            steps_max: u64::MAX,
            steps_limit: u64::MAX,
            bytes: 0,
            bytes_max: budget.memory_bytes_max,
        }
    }

    /// For one of several searches that run at once.
    pub fn sharing(budget: &'a Budget, searches: usize) -> Self {
        Self { bytes_max: budget.memory_bytes_max / searches.max(1), ..Self::new(budget) }
    }

    /// Counts a step. Call it in every loop that can be long.
    #[inline]
    pub fn tick(&mut self) -> Result<(), Stop> {
        self.until_clock -= 1;
        if self.until_clock == 0 { self.read_clock() } else { Ok(()) }
    }

    #[cold]
    fn read_clock(&mut self) -> Result<(), Stop> {
        self.until_clock = Self::STEPS_PER_CLOCK;
        self.steps += u64::from(Self::STEPS_PER_CLOCK);
        if self.steps >= self.steps_max.min(self.steps_limit) {
            return Err(Stop::Steps);
        }
        self.budget.check().map_err(|_| Stop::Time)
    }

    /// Counts memory that is about to be taken.
    #[inline]
    pub fn hold(&mut self, bytes: usize) -> Result<(), Stop> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.bytes_max { Err(Stop::Memory) } else { Ok(()) }
    }

    /// The memory that is counted now, in bytes.
    #[inline]
    pub fn held(&self) -> usize {
        self.bytes
    }

    /// Counts memory that was given back, down to what was held before.
    #[inline]
    pub fn release_to(&mut self, held: usize) {
        self.bytes = held;
    }

    /// Counts some memory that was given back.
    #[inline]
    pub fn release(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Lets the next attempt take `steps` more.
    pub fn allow_steps(&mut self, steps: u64) {
        self.steps_max = self.steps.saturating_add(steps);
    }

    /// Lets all attempts together take `steps` more.
    pub fn limit_steps(&mut self, steps: u64) {
        self.steps_limit = self.steps.saturating_add(steps);
    }

    /// Whether no attempt may take a step more.
    #[inline]
    pub fn is_spent(&self) -> bool {
        self.steps >= self.steps_limit
    }

    /// Counts the steps of a trial that had a meter of its own, which went on from this one.
    #[inline]
    pub fn count(&mut self, steps: u64) {
        self.steps = self.steps.max(steps);
    }

    #[inline]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Pushes onto a vector whose growth is counted.
    #[inline]
    pub fn push<T>(&mut self, items: &mut Vec<T>, item: T) -> Result<(), Stop> {
        if items.len() == items.capacity() {
            let more = items.capacity().max(16);
            self.hold(more * size_of::<T>())?;
            items.reserve_exact(more);
        }
        items.push(item);
        Ok(())
    }
}
