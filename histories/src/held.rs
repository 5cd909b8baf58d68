//! The memory that a reader and what it reads take, by estimate, against a limit.
//!
//! Nothing is measured: what is held tells how much it is.

use crate::raw::Problem;

/// The memory that operations take, by estimate, against its limit.
#[derive(Debug)]
pub(crate) struct Held {
    bytes: u64,
    bytes_max: u64,
}

const MIB: u64 = 1 << 20;

impl Held {
    pub(crate) fn new(bytes_max: u64) -> Self {
        Self { bytes: 0, bytes_max }
    }

    pub(crate) fn add(&mut self, bytes: u64) -> Result<(), Problem> {
        self.change(0, bytes)
    }

    /// What took some bytes takes so many now.
    pub(crate) fn change(&mut self, before: u64, after: u64) -> Result<(), Problem> {
        self.bytes = self.bytes.saturating_sub(before) + after;
        self.with(0)
    }

    /// Refuses what is held for a while beside what was added, where the two are too much.
    pub(crate) fn with(&self, bytes: u64) -> Result<(), Problem> {
        if self.bytes.saturating_add(bytes) <= self.bytes_max {
            return Ok(());
        }
        let limit = match self.bytes_max {
            small @ 0..MIB => format!("{} KiB", small >> 10),
            limit => format!("{} MiB", limit / MIB),
        };
        Err(format!(
            "what has to be held up to here takes more than {limit} of memory, the limit that is set"
        ))
    }
}

impl Default for Held {
    fn default() -> Self {
        Self::new(u64::MAX)
    }
}
