//! How long a check may take. Checked inside every loop that can be long.

use std::time::{Duration, Instant};

/// Wall time and memory that a check may use.
#[derive(Clone, Debug)]
pub struct Budget {
    deadline: Option<Instant>,
    /// What the configurations that a search remembers may take, in bytes; searches that run side by side share it
    /// evenly. It bounds nothing else: neither the history, nor the tables of zones, chains, sessions and causal
    /// orders, which grow with the history.
    pub memory_bytes_max: usize,
}

/// The budget has run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time budget ran out")]
pub struct Exhausted;

impl Budget {
    pub const MEMORY_BYTES_DEFAULT: usize = 4 << 30;

    pub fn unlimited() -> Self {
        Self { deadline: None, memory_bytes_max: usize::MAX }
    }

    pub fn new(time: Duration, memory_bytes_max: usize) -> Self {
        Self { deadline: Instant::now().checked_add(time), memory_bytes_max }
    }

    /// Errs once the time has run out. Call it every few thousand steps, not at each.
    pub fn check(&self) -> Result<(), Exhausted> {
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(Exhausted),
            _ => Ok(()),
        }
    }
}

/// How long a check has taken, for its finding: it never decides anything.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
