//! A node's disk: what is synced, what is only written, and what is on its way. It knows nothing of the node's process.
//!
//! Writes go one group at a time, and everything that comes meanwhile is the next group (group commit). Records are kept
//! as they are; where single bytes matter, they go through the log's real framing, both ways.

use histories::Nanos;
use nemesis::{Dice, DiskChange};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::conditions::Conditions;
use crate::store::wal::{self, CorruptLog};
use crate::store::{Persist, Sync};

/// For `sync=interval`: as long as a live node waits.
const SYNC_INTERVAL: Nanos = Nanos::from_millis(50);

#[derive(Debug)]
pub(super) struct Disk<R> {
    sync: Sync,
    conditions: Conditions,
    dice: Dice,
    /// Written, in order. The first [`Disk::synced`] of them survive the loss of power.
    records: Vec<R>,
    synced: usize,
    /// Since when there is something written that is not synced, under `sync=interval`.
    unsynced_since: Option<Nanos>,
    writing: Option<Group<R>>,
    waiting: Vec<Persist<R>>,
    wrong: Wrong,
    /// The log's bytes, where they are no longer what was written.
    damaged: Option<Vec<u8>>,
}

#[derive(Debug)]
struct Group<R> {
    last: u64,
    records: Vec<R>,
    compact: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Wrong {
    torn: bool,
    full: bool,
    lies: bool,
    slow: Nanos,
}

/// What happens to a log when its node dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// The process alone: the operating system still has what was written.
    Kill,
    /// What was not synced may be gone.
    Power,
    /// In the middle of a write.
    Torn,
    /// And a bit in the middle flips.
    Flip,
    /// And the end is gone, synced or not.
    Truncate,
}

/// What becomes of a write that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Started {
    /// Another is on its way; it goes with the next.
    Waits,
    /// Done after this time.
    Takes(Nanos),
    /// The disk is full: the node cannot go on.
    Full,
    /// The node dies in the middle of it.
    Dies,
}

/// A log as a node finds it when it starts.
#[derive(Debug)]
pub(super) struct Found<R> {
    pub(super) records: Vec<R>,
    pub(super) torn: bool,
}

impl<R: Clone + Serialize + DeserializeOwned> Disk<R> {
    pub(super) fn new(sync: Sync, conditions: Conditions, dice: Dice) -> Self {
        Self {
            sync,
            conditions,
            dice,
            records: Vec::new(),
            synced: 0,
            unsynced_since: None,
            writing: None,
            waiting: Vec::new(),
            wrong: Wrong::default(),
            damaged: None,
        }
    }

    /// What is wrong with it from now on: all that is in force.
    pub(super) fn set(&mut self, changes: &[DiskChange]) {
        self.wrong = Wrong::default();
        for change in changes {
            match *change {
                DiskChange::Torn => self.wrong.torn = true,
                DiskChange::Full => self.wrong.full = true,
                DiskChange::Lies => self.wrong.lies = true,
                DiskChange::Slow { by } => self.wrong.slow = self.wrong.slow + by,
                DiskChange::Flip | DiskChange::Truncate => {}
            }
        }
    }

    pub(super) fn write(&mut self, persist: Persist<R>) -> Started {
        self.waiting.push(persist);
        if self.writing.is_some() { Started::Waits } else { self.start() }
    }

    /// Starts on everything that waits.
    fn start(&mut self) -> Started {
        let mut group = Group { last: 0, records: Vec::new(), compact: false };
        for persist in self.waiting.drain(..) {
            if persist.compact {
                // It replaces what is written before, and so also what waits to be written.
                group.records.clear();
                group.compact = true;
            }
            group.last = persist.seq;
            if group.records.is_empty() {
                group.records = persist.records;
            } else {
                group.records.extend(persist.records);
            }
        }
        let torn = self.wrong.torn && !group.compact;
        self.writing = Some(group);
        if self.wrong.full {
            return Started::Full;
        }
        if torn {
            return Started::Dies;
        }
        let latency = if self.sync == Sync::Always { self.conditions.sync } else { self.conditions.write };
        Started::Takes(latency.draw(&mut self.dice) + self.wrong.slow)
    }

    /// The write on its way is done: the number up to which the node may rely on it, and what becomes of the next one.
    pub(super) fn written(&mut self, now: Nanos) -> Option<(u64, Option<Started>)> {
        let group = self.writing.take()?;
        self.settle(now);
        if group.compact {
            // A new file, synced before it takes the old one's place, whatever `sync` says.
            self.records = group.records;
            self.synced = if self.wrong.lies { 0 } else { self.records.len() };
        } else {
            self.records.extend(group.records);
            self.unsynced_since = self.unsynced_since.or(Some(now));
        }
        if self.sync == Sync::Always {
            self.force();
        }
        let next = if self.waiting.is_empty() { None } else { Some(self.start()) };
        Some((group.last, next))
    }

    fn force(&mut self) {
        if !self.wrong.lies {
            self.synced = self.records.len();
        }
        self.unsynced_since = None;
    }

    /// Under `sync=interval`, what was written long enough ago has been synced by now.
    fn settle(&mut self, now: Nanos) {
        let due = self.unsynced_since.is_some_and(|since| now.since(since) >= SYNC_INTERVAL);
        if self.sync == Sync::Interval && due {
            self.force();
        }
    }

    /// The node dies. Says what shows it.
    pub(super) fn die(&mut self, death: Death, now: Nanos) -> String {
        self.settle(now);
        self.waiting.clear();
        let written = self.records.len();
        let tail =
            self.writing.take().filter(|group| !group.compact).map_or_else(Vec::new, |group| group.records);
        let under_way = tail.len();
        self.records.extend(tail);
        match death {
            Death::Kill => {
                // Some of what was on its way has reached the operating system, unannounced.
                let kept = self.dice.below(under_way as u64 + 1) as usize;
                self.records.truncate(written + kept);
                format!("{written} records written, {kept} of {under_way} on their way")
            }
            Death::Power => {
                let unsynced = self.records.len() - self.synced;
                let lucky =
                    if self.dice.chance(1, 2) { self.dice.below(unsynced as u64 + 1) as usize } else { 0 };
                self.records.truncate(self.synced + lucky);
                self.synced = self.records.len();
                format!("{} records left, {} that were not synced are gone", self.synced, unsynced - lucky)
            }
            Death::Torn | Death::Flip | Death::Truncate => self.damage(death, under_way),
        }
    }

    /// Changes the log's bytes.
    fn damage(&mut self, death: Death, under_way: usize) -> String {
        let (mut bytes, mut last_at) = (Vec::new(), 0);
        for record in &self.records {
            last_at = bytes.len();
            if let Err(error) = wal::encode(record, &mut bytes) {
                // Nothing that a protocol persists fails to be written; if it did, nobody could start from it either.
                return format!("a record cannot be written: {error}");
            }
        }
        if bytes.is_empty() {
            return "the log was empty".to_owned();
        }
        let whole = bytes.len();
        let told = match death {
            Death::Flip => {
                // In the middle: a changed byte at the very end could be a write that was cut short.
                let at = self.dice.below((whole as u64 / 2).max(1)) as usize;
                bytes[at] ^= 1 << self.dice.below(8);
                format!("bit flipped in byte {at} of {whole}")
            }
            Death::Truncate => {
                bytes.truncate(whole - self.dice.between(1, (whole as u64 / 2).max(1)) as usize);
                format!("{} of {whole} bytes left", bytes.len())
            }
            _ => {
                bytes.truncate(self.dice.between(last_at as u64 + 1, whole as u64 - 1) as usize);
                format!("died in a write of {under_way} records; {} of {whole} bytes left", bytes.len())
            }
        };
        self.damaged = Some(bytes);
        told
    }

    /// Reads the log, as a node does when it starts. A torn tail is cut off, and what is there is synced.
    pub(super) fn recover(&mut self) -> Result<Found<R>, CorruptLog> {
        let mut torn = false;
        if let Some(bytes) = &self.damaged {
            let recovered = wal::decode(bytes)?;
            torn = recovered.torn;
            self.records = recovered.records;
            self.damaged = None;
            self.synced = self.synced.min(self.records.len());
        }
        self.force();
        Ok(Found { records: self.records.clone(), torn })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(sync: Sync, seed: u64) -> Disk<String> {
        let dice = Dice::new(seed);
        Disk::new(sync, Conditions::draw(&mut dice.split("conditions")), dice)
    }

    fn persist(seq: u64, records: &[&str]) -> Persist<String> {
        Persist { seq, records: records.iter().map(|&record| record.to_owned()).collect(), compact: false }
    }

    const NOW: Nanos = Nanos::from_secs(1);

    #[test]
    fn what_comes_during_a_write_goes_together_in_the_next() {
        let mut disk = disk(Sync::Always, 1);
        assert!(matches!(disk.write(persist(1, &["a"])), Started::Takes(_)));
        assert_eq!(disk.write(persist(2, &["b"])), Started::Waits);
        assert_eq!(disk.write(persist(3, &["c"])), Started::Waits);
        assert!(matches!(disk.written(NOW), Some((1, Some(Started::Takes(_))))));
        assert!(matches!(disk.written(NOW), Some((3, None))));
        assert_eq!(disk.written(NOW), None);
        assert_eq!(disk.recover().unwrap().records, ["a", "b", "c"]);
    }

    #[test]
    fn power_takes_what_was_not_synced_and_a_kill_does_not() {
        let mut kept = 0;
        for seed in 0..40 {
            let run = |sync, death, later| {
                let mut disk = disk(sync, seed);
                disk.write(persist(1, &["a", "b"]));
                disk.written(NOW);
                disk.die(death, NOW + later);
                disk.recover().unwrap().records.len()
            };
            assert_eq!(run(Sync::Always, Death::Power, Nanos::ZERO), 2);
            assert_eq!(run(Sync::Never, Death::Kill, Nanos::ZERO), 2);
            assert_eq!(run(Sync::Interval, Death::Power, SYNC_INTERVAL), 2);
            kept += run(Sync::Never, Death::Power, Nanos::from_secs(60));
        }
        assert!((1..60).contains(&kept), "mostly all is gone, and sometimes a beginning is left: {kept}");
    }

    #[test]
    fn a_disk_that_lies_loses_what_it_called_safe() {
        let mut lost = 0;
        for seed in 0..20 {
            let mut disk = disk(Sync::Always, seed);
            disk.write(persist(1, &["a"]));
            disk.written(NOW);
            disk.set(&[DiskChange::Lies]);
            disk.write(persist(2, &["b"]));
            assert!(matches!(disk.written(NOW), Some((2, None))));
            disk.die(Death::Power, NOW);
            let left = disk.recover().unwrap().records;
            assert_eq!(left[0], "a");
            lost += 2 - left.len();
        }
        assert!(lost >= 5, "{lost}");
    }

    #[test]
    fn a_torn_write_is_dropped_a_flipped_bit_is_refused_and_a_truncated_log_starts() {
        for seed in 0..40 {
            let mut torn = disk(Sync::Always, seed);
            torn.write(persist(1, &["a"]));
            torn.written(NOW);
            torn.set(&[DiskChange::Torn]);
            assert_eq!(torn.write(persist(2, &["bcd"])), Started::Dies);
            torn.die(Death::Torn, NOW);
            let found = torn.recover().unwrap();
            assert_eq!((found.records.as_slice(), found.torn), (["a".to_owned()].as_slice(), true));
            let mut flipped = disk(Sync::Always, seed);
            flipped.write(persist(1, &["a", "b", "c"]));
            flipped.written(NOW);
            flipped.die(Death::Flip, NOW);
            flipped.recover().unwrap_err();
            let mut short = disk(Sync::Always, seed);
            short.write(persist(1, &["a", "b", "c"]));
            short.written(NOW);
            short.die(Death::Truncate, NOW);
            assert!(short.recover().unwrap().records.len() < 3);
        }
    }

    #[test]
    fn a_full_disk_takes_nothing() {
        let mut disk = disk(Sync::Always, 1);
        disk.set(&[DiskChange::Full]);
        assert_eq!(disk.write(persist(1, &["a"])), Started::Full);
    }
}
