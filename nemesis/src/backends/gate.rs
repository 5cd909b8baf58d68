//! One direction between two ends: open, or held by one or more cuts, and as slow as it is. It never touches a byte.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Counted: it opens when the last cut has ended, and delays of several faults add up.
#[derive(Debug, Default)]
pub(super) struct Gate {
    cuts: AtomicUsize,
    changed: Notify,
    delay_nanos: AtomicU64,
    blocked_bytes: AtomicU64,
    blocked_streams: AtomicU64,
    held_connections: AtomicU64,
    late_bytes: AtomicU64,
}

/// What cuts have held and slow links have kept so far, since the gate was made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    pub(super) bytes: u64,
    pub(super) streams: u64,
    pub(super) connections: u64,
    pub(super) late_bytes: u64,
}

impl Gate {
    pub(super) fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn heal(&self) {
        self.cuts.fetch_sub(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    pub(super) fn slow_down(&self, by: Duration) {
        self.delay_nanos.fetch_add(nanos(by), Ordering::SeqCst);
    }

    pub(super) fn speed_up(&self, by: Duration) {
        self.delay_nanos.fetch_sub(nanos(by), Ordering::SeqCst);
    }

    /// How long whatever comes now is under way.
    pub(super) fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay_nanos.load(Ordering::SeqCst))
    }

    pub(super) fn is_open(&self) -> bool {
        self.cuts.load(Ordering::SeqCst) == 0
    }

    /// Returns once it is open.
    pub(super) async fn opened(&self) {
        loop {
            // Made before the look: `notify_waiters` reaches whoever waits since before it was called.
            let changed = self.changed.notified();
            if self.is_open() {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn count_blocked(&self, bytes: usize) {
        self.blocked_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.blocked_streams.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_held_connection(&self) {
        self.held_connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_late(&self, bytes: usize) {
        self.late_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn held(&self) -> Held {
        Held {
            bytes: self.blocked_bytes.load(Ordering::Relaxed),
            streams: self.blocked_streams.load(Ordering::Relaxed),
            connections: self.held_connections.load(Ordering::Relaxed),
            late_bytes: self.late_bytes.load(Ordering::Relaxed),
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
