//! What the table of a partition contradicts by itself.
//!
//! That is two records at one offset, a record from nowhere or too early, or one that is there more often than it
//! was sent.

use histories::History;

use super::found;
use super::partition::{Partition, Record};
use crate::Anomaly;

pub(super) fn contradictions(partition: &Partition<'_>, history: &History) -> Vec<Anomaly> {
    let conflict = partition.conflict.map(|conflict| found::conflict(history, partition, conflict));
    let records = partition.records.iter().filter_map(|record| of_record(record, history, partition));
    conflict.into_iter().chain(records).collect()
}

fn of_record(record: &Record<'_>, history: &History, partition: &Partition<'_>) -> Option<Anomaly> {
    let first = record.sends.iter().min_by_key(|&&id| history.operation(id).invoked);
    match (record.polled, first) {
        (Some(poll), None) => return Some(found::from_nowhere(history, partition, record, poll)),
        (Some(poll), Some(&send)) if history.operation(poll).completed < history.operation(send).invoked => {
            return Some(found::too_early(history, partition, record, poll, send));
        }
        _ => {}
    }
    (record.shown.len() > record.sends.len() && !record.sends.is_empty())
        .then(|| found::doubled(history, partition, record))
}
