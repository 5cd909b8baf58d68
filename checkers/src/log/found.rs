//! What is wrong with a log, in words.
//!
//! Each proof names the operations that show the offsets.

use histories::{AnomalyKind, History, ModelName, OperationId};

use super::partition::{Lost, Partition, Record};
use crate::{Anomaly, Step, Witness, words};

fn anomaly(kind: AnomalyKind, history: &History, summary: String, steps: Vec<Step>, fact: &str) -> Anomaly {
    let mut operations: Vec<OperationId> = Vec::new();
    for step in &steps {
        if !operations.contains(&step.operation) {
            operations.push(step.operation);
        }
    }
    Anomaly {
        kind,
        summary,
        key: operations.first().and_then(|&id| history.operation(id).key),
        steps,
        facts: vec![fact.to_owned()],
        edges: Vec::new(),
        not_rechecked: None,
        witness: Witness { model: ModelName::Log, operations },
    }
}

fn client(history: &History, id: OperationId) -> u32 {
    history.operation(id).process
}

/// An offset with the operation that was told of it.
type Told = (i64, OperationId);

/// A record that was sent, where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) offset: i64,
    pub(super) send: OperationId,
    /// The send itself, or an operation that shows the record at the offset, where the producer was not told.
    pub(super) shown_by: OperationId,
}

pub(super) fn conflict(
    history: &History,
    partition: &Partition<'_>,
    (offset, one, other): (i64, OperationId, OperationId),
) -> Anomaly {
    let name = &partition.name;
    let shows = |id| words::completed(history, id, format!("was told what stands at offset {offset}"));
    let summary = format!(
        "clients {} and {} were told of two records at offset {offset} of {name}",
        client(history, one),
        client(history, other)
    );
    let fact = "an offset is of one record, and stays so";
    anomaly(AnomalyKind::OffsetConflict, history, summary, vec![shows(one), shows(other)], fact)
}

pub(super) fn from_nowhere(
    history: &History,
    partition: &Partition<'_>,
    record: &Record<'_>,
    poll: OperationId,
) -> Anomaly {
    let (value, name) = (words::brief(record.value), &partition.name);
    let shows = words::completed(history, poll, format!("shows {value}"));
    let summary = format!("client {} polled {value} from {name}", client(history, poll));
    if let Some(failed) = record.failed {
        let steps = vec![words::completed(history, failed, "failed: it never happened"), shows];
        let summary = format!("{summary}, which failed to be sent");
        return anomaly(AnomalyKind::AbortedRead, history, summary, steps, "what fails must never happen");
    }
    let summary = format!("{summary}, and no client ever sent it");
    let fact = "no operation of the history sends it";
    anomaly(AnomalyKind::PhantomRead, history, summary, vec![shows], fact)
}

pub(super) fn too_early(
    history: &History,
    partition: &Partition<'_>,
    record: &Record<'_>,
    poll: OperationId,
    send: OperationId,
) -> Anomaly {
    let (value, name) = (words::brief(record.value), &partition.name);
    let summary = format!("client {} polled {value} from {name} before it was sent", client(history, poll));
    let steps = vec![
        words::completed(history, poll, format!("shows {value}")),
        words::invoked(send, "began to send it only now"),
    ];
    anomaly(AnomalyKind::FutureRead, history, summary, steps, "the poll ended before the first send began")
}

pub(super) fn doubled(history: &History, partition: &Partition<'_>, record: &Record<'_>) -> Anomaly {
    let (value, name) = (words::brief(record.value), &partition.name);
    let offsets: Vec<String> = record.shown.iter().map(|(offset, _)| offset.to_string()).collect();
    let summary = format!("{value} stands in {name} at the offsets {}", offsets.join(" and "));
    let shown = record.shown.iter().map(|&(offset, id)| {
        words::completed(history, id, format!("was told that {value} stands at offset {offset}"))
    });
    let fact = match record.sends.len() {
        1 => "it was sent once".to_owned(),
        count => format!("it was sent {count} times"),
    };
    anomaly(AnomalyKind::DuplicateElement, history, summary, shown.collect(), &fact)
}

pub(super) fn sent_out_of_order(
    history: &History,
    partition: &Partition<'_>,
    before: Sent,
    after: Sent,
) -> Anomaly {
    let summary = format!(
        "client {} sent a record to offset {} of {} after one to offset {}",
        client(history, after.send),
        after.offset,
        partition.name,
        before.offset
    );
    let at = |sent: Sent| {
        words::completed(history, sent.send, format!("sent what stands at offset {}", sent.offset))
    };
    let mut steps = vec![at(before), at(after)];
    for Sent { offset, send, shown_by } in [before, after] {
        if shown_by != send {
            steps.push(words::completed(history, shown_by, format!("shows the record at offset {offset}")));
        }
    }
    anomaly(
        AnomalyKind::OutOfOrder,
        history,
        summary,
        steps,
        "the first was sent, or acknowledged, before the second was sent",
    )
}

pub(super) fn polled_out_of_order(
    history: &History,
    partition: &Partition<'_>,
    (first, before): Told,
    (second, after): Told,
) -> Anomaly {
    let summary = format!(
        "client {} was shown offset {second} of {} after offset {first}",
        client(history, after),
        partition.name
    );
    let shows = |id, offset| words::completed(history, id, format!("shows offset {offset}"));
    let steps = vec![shows(before, first), shows(after, second)];
    let fact = "a consumer that is not moved is shown each record once, in the order of the offsets";
    anomaly(AnomalyKind::OutOfOrder, history, summary, steps, fact)
}

pub(super) fn skipped(
    history: &History,
    partition: &Partition<'_>,
    (passed, told): Told,
    (first, before): Told,
    (second, after): Told,
) -> Anomaly {
    let summary = format!(
        "client {} was shown offsets {first} and {second} of {}, and skipped offset {passed}",
        client(history, after),
        partition.name
    );
    let shows = |id, offset| words::completed(history, id, format!("shows offset {offset}"));
    let steps = vec![
        words::completed(history, told, format!("was told that a record stands at offset {passed}")),
        shows(before, first),
        shows(after, second),
    ];
    let fact = "a record is behind those of smaller offsets, and was there before those of larger ones";
    anomaly(AnomalyKind::SkippedRecord, history, summary, steps, fact)
}

pub(super) fn lost(
    history: &History,
    partition: &Partition<'_>,
    &Lost { value, offset, send, poll }: &Lost<'_>,
    count: usize,
) -> Anomaly {
    let others = match count {
        1 => String::new(),
        _ => format!("; {} of {} are", words::count(count, "record"), partition.name),
    };
    let summary = format!(
        "the record {} of client {}, acknowledged at offset {offset} of {}, is lost{others}",
        words::brief(value),
        client(history, send),
        partition.name
    );
    let steps = vec![
        words::completed(history, send, format!("was acknowledged at offset {offset}")),
        words::completed(history, poll, "shows a record that stands behind it"),
    ];
    let fact = "no poll of any client shows it";
    anomaly(AnomalyKind::LostWrite, history, summary, steps, fact)
}
