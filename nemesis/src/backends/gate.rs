//! One direction between two ends: open, or held by one or more cuts. It never touches a byte.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counted: it opens when the last cut has ended.
#[derive(Debug, Default)]
pub(super) struct Gate {
    cuts: AtomicUsize,
    changed: Notify,
    blocked_bytes: AtomicU64,
    blocked_streams: AtomicU64,
    held_connections: AtomicU64,
}

/// What cuts have held so far, since the gate was made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    pub(super) bytes: u64,
    pub(super) streams: u64,
    pub(super) connections: u64,
}

impl Gate {
    pub(super) fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn heal(&self) {
        self.cuts.fetch_sub(1, Ordering::SeqCst);
        self.changed.notify_waiters();
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

    pub(super) fn held(&self) -> Held {
        Held {
            bytes: self.blocked_bytes.load(Ordering::Relaxed),
            streams: self.blocked_streams.load(Ordering::Relaxed),
            connections: self.held_connections.load(Ordering::Relaxed),
        }
    }
}
