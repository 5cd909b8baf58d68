//! One partition: its records, and at which offsets they were shown.
//!
//! It is a table to look records and offsets up in. `log` judges what they mean.

use std::borrow::Cow;

use histories::{History, OperationId, Outcome, Value};
use rustc_hash::FxHashMap;

/// What is known of a partition.
pub(super) struct Partition<'h> {
    pub(super) name: Cow<'h, str>,
    pub(super) records: Vec<Record<'h>>,
    of_value: FxHashMap<&'h Value, u32>,
    /// Which record was shown first at an offset, and by which operation.
    at: FxHashMap<i64, (u32, OperationId)>,
    /// Two records at one offset.
    pub(super) conflict: Option<(i64, OperationId, OperationId)>,
    /// The largest offset that was polled.
    furthest: Option<(i64, OperationId)>,
    /// The offsets at which records were shown, in order, each with an operation that shows it.
    known: Vec<(i64, OperationId)>,
}

/// A value that was sent or polled.
pub(super) struct Record<'h> {
    pub(super) value: &'h Value,
    /// Sends that put it there, or may have.
    pub(super) sends: Vec<OperationId>,
    pub(super) failed: Option<OperationId>,
    /// The first operation that was told of each of its offsets.
    pub(super) shown: Vec<(i64, OperationId)>,
    /// The acknowledged send that was told an offset.
    acknowledged: Option<(i64, OperationId)>,
    /// The poll that showed it first.
    pub(super) polled: Option<OperationId>,
}

/// A record that no client polled.
pub(super) struct Lost<'h> {
    pub(super) value: &'h Value,
    pub(super) offset: i64,
    pub(super) send: OperationId,
    /// A poll that shows a record behind it.
    pub(super) poll: OperationId,
}

impl<'h> Partition<'h> {
    pub(super) fn new(name: Cow<'h, str>) -> Self {
        Self {
            name,
            records: Vec::new(),
            of_value: FxHashMap::default(),
            at: FxHashMap::default(),
            conflict: None,
            furthest: None,
            known: Vec::new(),
        }
    }

    fn record(&mut self, value: &'h Value) -> u32 {
        let next = self.records.len() as u32;
        let place = *self.of_value.entry(value).or_insert(next);
        if place == next {
            self.records.push(Record {
                value,
                sends: Vec::new(),
                failed: None,
                shown: Vec::new(),
                acknowledged: None,
                polled: None,
            });
        }
        place
    }

    pub(super) fn send(&mut self, history: &History, id: OperationId, value: &'h Value, offset: Option<i64>) {
        let place = self.record(value);
        let record = &mut self.records[place as usize];
        match history.operation(id).outcome {
            Outcome::Fail => record.failed = record.failed.or(Some(id)),
            Outcome::Ok | Outcome::Info => record.sends.push(id),
        }
        if let Some(offset) = offset {
            record.acknowledged = record.acknowledged.or(Some((offset, id)));
            self.show(place, offset, id);
        }
    }

    pub(super) fn poll(&mut self, history: &History, id: OperationId, offset: i64, value: &'h Value) {
        let place = self.record(value);
        let record = &mut self.records[place as usize];
        let ended = |id: OperationId| history.operation(id).completed;
        record.polled = record.polled.filter(|&other| ended(other) <= ended(id)).or(Some(id));
        self.furthest = self.furthest.filter(|(furthest, _)| *furthest >= offset).or(Some((offset, id)));
        self.show(place, offset, id);
    }

    fn show(&mut self, place: u32, offset: i64, id: OperationId) {
        let (other, shown_by) = *self.at.entry(offset).or_insert((place, id));
        if other != place {
            self.conflict = self.conflict.or(Some((offset, shown_by, id)));
        }
        let record = &mut self.records[place as usize];
        if !record.shown.iter().any(|(shown, _)| *shown == offset) {
            record.shown.push((offset, id));
        }
    }

    /// Comes after all operations were added.
    pub(super) fn sort(&mut self) {
        self.known = self.records.iter().flat_map(|record| record.shown.iter().copied()).collect();
        self.known.sort_unstable();
        self.known.dedup_by_key(|(offset, _)| *offset);
    }

    /// The offset of a value, where it was sent once and shown at one alone, with an operation that shows it there.
    pub(super) fn only_offset(&self, value: &Value) -> Option<(i64, OperationId)> {
        let record = &self.records[*self.of_value.get(value)? as usize];
        match record.shown[..] {
            [shown] if record.sends.len() == 1 => Some(shown),
            _ => None,
        }
    }

    /// The first offset after this one at which a record is known to be.
    pub(super) fn after(&self, offset: i64) -> Option<(i64, OperationId)> {
        let place = self.known.partition_point(|(known, _)| *known <= offset);
        self.known.get(place).copied()
    }

    /// The acknowledged records that no client polled, though one behind them was.
    pub(super) fn lost(&self) -> Vec<Lost<'h>> {
        let Some((furthest, poll)) = self.furthest else { return Vec::new() };
        let unseen = self.records.iter().filter(|record| record.polled.is_none());
        let acknowledged = unseen.filter_map(|record| Some((record.value, record.acknowledged?)));
        let mut lost: Vec<_> = acknowledged
            .filter(|(_, (offset, _))| *offset < furthest)
            .map(|(value, (offset, send))| Lost { value, offset, send, poll })
            .collect();
        lost.sort_unstable_by_key(|lost| (lost.offset, lost.send));
        lost
    }
}
