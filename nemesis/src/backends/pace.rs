//! How many bytes a second a link carries, over all its connections together. Only counts: the pump waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What passes at once: small, so that a slow link trickles instead of coming in lumps.
const SLICE: Duration = Duration::from_millis(20);
const SLICE_BYTES_MIN: usize = 256;

/// Limits of several faults: the narrowest counts.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Bytes a second, 0 where nothing limits them.
    rate: AtomicU64,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Every limit in force, in bytes a second.
    limits: Vec<u64>,
    /// When everything that was taken so far has passed.
    free_at: Option<Instant>,
}

impl Pace {
    pub(super) fn limit(&self, bytes_per_s: u64) {
        self.change(|limits| limits.push(bytes_per_s));
    }

    pub(super) fn lift(&self, bytes_per_s: u64) {
        self.change(|limits| {
            if let Some(place) = limits.iter().position(|&limit| limit == bytes_per_s) {
                limits.remove(place);
            }
        });
    }

    fn change(&self, how: impl FnOnce(&mut Vec<u64>)) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        how(&mut queue.limits);
        let narrowest = queue.limits.iter().copied().min().unwrap_or(0);
        queue.free_at = None;
        self.rate.store(narrowest, Ordering::SeqCst);
    }

    /// Bytes that pass in one go; `None` where nothing limits them.
    pub(super) fn slice(&self) -> Option<usize> {
        let rate = self.rate.load(Ordering::Relaxed);
        let bytes = rate as f64 * SLICE.as_secs_f64();
        (rate > 0).then(|| (bytes as usize).max(SLICE_BYTES_MIN))
    }

    /// Bytes that pass in this time.
    pub(super) fn carried_in(&self, time: Duration) -> usize {
        (self.rate.load(Ordering::Relaxed) as f64 * time.as_secs_f64()) as usize
    }

    /// When bytes that come now have passed, behind all that came before; `None` where nothing limits them.
    pub(super) fn pass(&self, bytes: usize, now: Instant) -> Option<Instant> {
        let rate = self.rate.load(Ordering::Relaxed);
        if rate == 0 {
            return None;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = queue.free_at.map_or(now, |free| free.max(now));
        let end = begin + Duration::from_secs_f64(bytes as f64 / rate as f64);
        queue.free_at = Some(end);
        Some(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_queue_up_behind_each_other_and_the_narrowest_limit_counts() {
        let (pace, began) = (Pace::default(), Instant::now());
        assert_eq!((pace.pass(1000, began), pace.slice()), (None, None));
        pace.limit(100_000);
        pace.limit(10_000);
        assert_eq!(pace.pass(1000, began), Some(began + Duration::from_millis(100)));
        assert_eq!(pace.pass(1000, began), Some(began + Duration::from_millis(200)));
        pace.lift(10_000);
        assert_eq!(pace.slice(), Some(2000));
        assert_eq!(pace.pass(1000, began), Some(began + Duration::from_millis(10)));
        pace.lift(100_000);
        assert_eq!(pace.pass(1000, began), None);
    }
}
