//! One direction between two ends: open or held by cuts, slow, narrow, and what it does to connections. The bytes
//! themselves are not its business.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::breaks::{Break, Told};
use super::pace::Pace;
use super::report::Counts;
use crate::Dice;

/// Counted: it opens when the last cut has ended, delays of several faults add up, and the narrowest limit counts.
#[derive(Debug, Default)]
pub(super) struct Gate {
    cuts: AtomicUsize,
    /// Faults that leave new connections unanswered.
    hangs: AtomicUsize,
    /// Faults that keep one end of connections in the belief that the other is there.
    half_opens: AtomicUsize,
    /// Told when one of the counts above has gone down.
    changed: Notify,
    /// How many faults refuse new connections.
    refusals: watch::Sender<usize>,
    breaks: watch::Sender<Told>,
    delay_nanos: AtomicU64,
    jitter_nanos: AtomicU64,
    pub(super) pace: Pace,
    pub(super) counters: Counters,
}

/// What has happened at a gate since it was made.
#[derive(Debug, Default)]
pub(super) struct Counters {
    bytes: AtomicU64,
    streams: AtomicU64,
    connections: AtomicU64,
    late_bytes: AtomicU64,
    waited_bytes: AtomicU64,
    resets: AtomicU64,
    refused: AtomicU64,
    half_open: AtomicU64,
    /// Streams that have begun, by which the dice of each are told apart.
    begun: AtomicU64,
}

impl Gate {
    pub(super) fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn heal(&self) {
        self.lower(&self.cuts);
    }

    pub(super) fn hang(&self) {
        self.hangs.fetch_add(1, Ordering::SeqCst);
        self.break_connections(Break::Reset);
    }

    pub(super) fn answer(&self) {
        self.lower(&self.hangs);
    }

    pub(super) fn half_open(&self) {
        self.half_opens.fetch_add(1, Ordering::SeqCst);
        self.break_connections(Break::HalfOpen);
    }

    pub(super) fn close_half_open(&self) {
        self.lower(&self.half_opens);
    }

    fn lower(&self, count: &AtomicUsize) {
        count.fetch_sub(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    pub(super) fn refuse(&self) {
        self.refusals.send_modify(|count| *count += 1);
        self.break_connections(Break::Reset);
    }

    pub(super) fn accept_again(&self) {
        self.refusals.send_modify(|count| *count -= 1);
    }

    /// How many faults refuse connections now, and whenever that changes.
    pub(super) fn refusals(&self) -> watch::Receiver<usize> {
        self.refusals.subscribe()
    }

    pub(super) fn break_connections(&self, how: Break) {
        self.breaks.send_modify(|(count, told)| {
            *count += 1;
            *told = Some(how);
        });
    }

    pub(super) fn breaks(&self) -> watch::Receiver<Told> {
        self.breaks.subscribe()
    }

    pub(super) fn slow_down(&self, by: Duration) {
        self.delay_nanos.fetch_add(nanos(by), Ordering::SeqCst);
    }

    pub(super) fn speed_up(&self, by: Duration) {
        self.delay_nanos.fetch_sub(nanos(by), Ordering::SeqCst);
    }

    pub(super) fn shake(&self, by: Duration) {
        self.jitter_nanos.fetch_add(nanos(by), Ordering::SeqCst);
    }

    pub(super) fn steady(&self, by: Duration) {
        self.jitter_nanos.fetch_sub(nanos(by), Ordering::SeqCst);
    }

    /// How long everything that comes now is under way at least.
    pub(super) fn delay(&self) -> Duration {
        Duration::from_nanos(self.delay_nanos.load(Ordering::SeqCst))
    }

    /// How long what comes now is under way, by dice where the link is unsteady.
    pub(super) fn delay_by(&self, dice: &mut Dice) -> Duration {
        let jitter = self.jitter_nanos.load(Ordering::SeqCst);
        let more = if jitter == 0 { 0 } else { dice.below(jitter + 1) };
        self.delay() + Duration::from_nanos(more)
    }

    pub(super) fn is_open(&self) -> bool {
        self.cuts.load(Ordering::SeqCst) == 0
    }

    pub(super) fn answers(&self) -> bool {
        self.hangs.load(Ordering::SeqCst) == 0
    }

    /// Returns once it is open.
    pub(super) async fn opened(&self) {
        self.until_none(&self.cuts).await;
    }

    /// Returns once new connections are answered.
    pub(super) async fn answered(&self) {
        self.until_none(&self.hangs).await;
    }

    /// Returns once no fault keeps connections half-open.
    pub(super) async fn half_opens_ended(&self) {
        self.until_none(&self.half_opens).await;
    }

    async fn until_none(&self, count: &AtomicUsize) {
        loop {
            // Made before the look: `notify_waiters` reaches what waits since before it was called.
            let changed = self.changed.notified();
            if count.load(Ordering::SeqCst) == 0 {
                return;
            }
            changed.await;
        }
    }
}

impl Counters {
    /// The number of a stream that begins.
    pub(super) fn stream(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn blocked(&self, bytes: usize) {
        add(&self.bytes, bytes as u64);
        add(&self.streams, 1);
    }

    pub(super) fn held_connection(&self) {
        add(&self.connections, 1);
    }

    pub(super) fn late(&self, bytes: usize) {
        add(&self.late_bytes, bytes as u64);
    }

    pub(super) fn waited(&self, bytes: usize) {
        add(&self.waited_bytes, bytes as u64);
    }

    pub(super) fn reset(&self) {
        add(&self.resets, 1);
    }

    pub(super) fn refused(&self) {
        add(&self.refused, 1);
    }

    pub(super) fn half_open(&self) {
        add(&self.half_open, 1);
    }

    pub(super) fn read(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            bytes: read(&self.bytes),
            streams: read(&self.streams),
            connections: read(&self.connections),
            late_bytes: read(&self.late_bytes),
            waited_bytes: read(&self.waited_bytes),
            resets: read(&self.resets),
            refused: read(&self.refused),
            half_open: read(&self.half_open),
        }
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
