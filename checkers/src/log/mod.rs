//! Logs of records, as streams and queues with offsets are: no record is lost, comes from nowhere, is there twice or stands
//! in another order than its producer sent it, and offsets grow and agree. In time that grows with the number of records.
//!
//! A record is lost if it was acknowledged, a record behind it in the partition was polled, and no client ever polled it. So a
//! consumer that began late is not blamed for what other consumers polled. One consumer's polls go on from each other only while it is
//! assigned its partitions: a group gives them and takes them away unseen.

mod contradictions;
mod found;
mod operations;
mod partition;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use finding::Stopwatch;
use histories::{History, ModelName, OperationId};
use rustc_hash::FxHashMap;

use crate::{Anomaly, Budget, Checker, Figures, Finding, Verdict};

pub(crate) use operations::is_log;
use operations::{LogOperation, Step};
use partition::Partition;

/// How many anomalies a finding lists.
const ANOMALIES_MAX: usize = 10;

/// Decides [`ModelName::Log`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Logs;

impl Checker for Logs {
    fn name(&self) -> &'static str {
        "log"
    }

    fn models(&self) -> &'static [ModelName] {
        &[ModelName::Log]
    }

    fn check(&self, history: &History, _budget: &Budget) -> Vec<Finding> {
        let started = Stopwatch::start();
        let verdict = decide(history);
        let (figures, elapsed) = (Figures::default(), started.elapsed());
        vec![Finding { model: ModelName::Log, verdict, method: "offsets", figures, elapsed }]
    }
}

fn decide(history: &History) -> Verdict {
    if !is_log(history) {
        return Verdict::NotApplicable("no operation sends or polls records".into());
    }
    let log = match Log::of(history) {
        Ok(log) => log,
        Err(why) => return Verdict::Unknown(why),
    };
    let mut anomalies = log.contradictions();
    anomalies.extend(log.producers());
    anomalies.extend(log.consumers());
    let (lost, doubt) = log.lost();
    anomalies.extend(lost);
    anomalies.truncate(ANOMALIES_MAX);
    match doubt {
        _ if !anomalies.is_empty() => Verdict::Invalid(anomalies),
        Some(doubt) => Verdict::Unknown(doubt),
        None if !log.has_polls => {
            Verdict::Unknown("no poll was answered, so that nothing shows what is there".into())
        }
        None => Verdict::Valid,
    }
}

/// All partitions, and what is known of their records.
struct Log<'h> {
    history: &'h History,
    /// By operation.
    does: Vec<LogOperation<'h>>,
    partitions: Vec<Partition<'h>>,
    places: FxHashMap<Cow<'h, str>, u32>,
    has_polls: bool,
    /// A poll of unknown outcome, which may have taken anything.
    unknown_poll: Option<OperationId>,
}

impl<'h> Log<'h> {
    fn of(history: &'h History) -> Result<Self, String> {
        let mut log = Self {
            history,
            does: Vec::with_capacity(history.operations().len()),
            partitions: Vec::new(),
            places: FxHashMap::default(),
            has_polls: false,
            unknown_poll: None,
        };
        for (id, op) in history.iter() {
            let partition = op.key.map(|key| history.key(key).as_str());
            let does = LogOperation::of(op, partition).map_err(|expected| {
                let line =
                    history.line(op.call_event).map_or_else(String::new, |line| format!(" on line {line}"));
                let value = if op.is_ok() && !op.reply().is_null() { op.reply() } else { op.call() };
                format!("the {}{line} has the value {value} instead of {expected}", op.function)
            })?;
            if let LogOperation::Steps(steps) = &does {
                for step in steps {
                    log.add(id, step);
                }
            }
            let polls = matches!(&does, LogOperation::Steps(_)) && operations::polls(op);
            log.has_polls |= polls && op.is_ok();
            if polls && op.outcome == histories::Outcome::Info {
                log.unknown_poll = log.unknown_poll.or(Some(id));
            }
            log.does.push(does);
        }
        log.partitions.iter_mut().for_each(Partition::sort);
        Ok(log)
    }

    fn add(&mut self, id: OperationId, step: &Step<'h>) {
        let (Step::Send { partition, .. } | Step::Poll { partition, .. }) = step;
        let known = self.places.get(partition).copied();
        let place = known.unwrap_or(self.partitions.len() as u32);
        if known.is_none() {
            self.places.insert(partition.clone(), place);
            self.partitions.push(Partition::new(partition.clone()));
        }
        let partition = &mut self.partitions[place as usize];
        match step {
            Step::Send { value, offset, .. } => partition.send(self.history, id, value, *offset),
            Step::Poll { records, .. } => {
                for &(offset, value) in records {
                    partition.poll(self.history, id, offset, value);
                }
            }
        }
    }

    fn place(&self, partition: &str) -> u32 {
        self.places.get(partition).copied().unwrap_or_default()
    }

    /// What two or three observations of one partition contradict by themselves.
    fn contradictions(&self) -> Vec<Anomaly> {
        let found = self
            .partitions
            .iter()
            .flat_map(|partition| contradictions::contradictions(partition, self.history));
        found.take(ANOMALIES_MAX).collect()
    }

    /// Records that stand in another order than their producer sent them.
    fn producers(&self) -> Vec<Anomaly> {
        // Of each producer and partition, the last record that was acknowledged.
        let mut last: FxHashMap<(u32, u32), found::Sent> = FxHashMap::default();
        let mut found = Vec::new();
        for (id, op) in self.history.iter().filter(|(_, op)| op.outcome != histories::Outcome::Fail) {
            let LogOperation::Steps(steps) = &self.does[id.index()] else { continue };
            let mut within: Vec<(u32, found::Sent)> = Vec::new();
            for step in steps {
                let Step::Send { partition, value, offset } = step else { continue };
                let place = self.place(partition);
                let shown =
                    offset.map(|at| (at, id)).or_else(|| self.partitions[place as usize].only_offset(value));
                let Some((offset, shown_by)) = shown else { continue };
                let sent = found::Sent { offset, send: id, shown_by };
                let earlier = within.iter().rev().find(|(other, _)| *other == place).map(|(_, sent)| *sent);
                let earlier = earlier.or_else(|| last.get(&(op.process, place)).copied());
                if let Some(before) = earlier.filter(|before| before.offset > offset) {
                    let partition = &self.partitions[place as usize];
                    found.push(found::sent_out_of_order(self.history, partition, before, sent));
                }
                within.push((place, sent));
            }
            if op.is_ok() {
                last.extend(within.into_iter().map(|(place, sent)| ((op.process, place), sent)));
            }
            if found.len() >= ANOMALIES_MAX {
                break;
            }
        }
        found
    }

    /// Records that came to a consumer out of their order, or that it passed over.
    fn consumers(&self) -> Vec<Anomaly> {
        let mut consumers: FxHashMap<u32, Consumer> = FxHashMap::default();
        let mut found = Vec::new();
        for (id, op) in self.history.iter() {
            let consumer = consumers.entry(op.process).or_default();
            match &self.does[id.index()] {
                LogOperation::Assign => {
                    *consumer = Consumer { assigned: op.is_ok(), at: FxHashMap::default() }
                }
                LogOperation::Subscribe => *consumer = Consumer::default(),
                LogOperation::Steps(_) if !op.is_ok() => consumer.at.clear(),
                LogOperation::Steps(steps) => {
                    for step in steps {
                        if let Step::Poll { partition, records } = step {
                            let place = self.place(partition);
                            self.follow(consumer, place, id, records, &mut found);
                        }
                    }
                }
                LogOperation::Other => {}
            }
            if found.len() >= ANOMALIES_MAX {
                break;
            }
        }
        found
    }

    fn follow(
        &self,
        consumer: &mut Consumer,
        place: u32,
        id: OperationId,
        records: &[(i64, &'h histories::Value)],
        found: &mut Vec<Anomaly>,
    ) {
        let partition = &self.partitions[place as usize];
        let mut before = consumer.at.get(&place).copied().filter(|_| consumer.assigned);
        for &(offset, _) in records {
            if let Some((at, poll)) = before {
                if offset <= at {
                    found.push(found::polled_out_of_order(self.history, partition, (at, poll), (offset, id)));
                } else if let Some(passed) = partition.after(at).filter(|(passed, _)| *passed < offset) {
                    found.push(found::skipped(self.history, partition, passed, (at, poll), (offset, id)));
                }
            }
            before = Some((offset, id));
        }
        consumer.at.extend(before.map(|before| (place, before)));
    }

    /// Acknowledged records that no client polled, though one behind them was; and why nothing is said of others.
    fn lost(&self) -> (Vec<Anomaly>, Option<String>) {
        let mut found = Vec::new();
        let mut doubt = None;
        for partition in &self.partitions {
            let lost = partition.lost();
            if let (Some(lost), Some(poll)) = (lost.first(), self.unknown_poll) {
                let client = self.history.operation(poll).process;
                doubt = doubt.or(Some(format!(
                    "the record at offset {} of {} was polled by no client, but client {client}'s poll of unknown outcome may \
                     have shown it",
                    lost.offset, partition.name
                )));
                continue;
            }
            let count = lost.len();
            let lost = lost.into_iter().take(ANOMALIES_MAX);
            found.extend(lost.map(|lost| found::lost(self.history, partition, &lost, count)));
        }
        (found, doubt)
    }
}

/// What a client has polled.
#[derive(Default)]
struct Consumer {
    /// Whether it polls the partitions that it was assigned, and no group moves it.
    assigned: bool,
    /// Of each partition the last record that it was shown.
    at: FxHashMap<u32, (i64, OperationId)>,
}
