//! The transactions of a witness alone violate an isolation level, by relations written out in full for every order of the
//! versions.
//!
//! What transactions outside the witness wrote is left out of what is read here: an order that explains the whole
//! explains that, too.

mod names;
mod part;
mod relations;
mod repeated;

use finding::Anomaly;
use histories::{AnomalyKind, History, ModelName};

use super::Unconfirmed;
use part::Part;
use repeated::Repeated;

/// Beyond this the relations are too large.
const TRANSACTIONS_MAX: usize = 1_024;

/// What a level demands; see docs/models.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    ReadUncommitted,
    ReadCommitted,
    MonotonicAtomicView,
    Prefix,
    ParallelSnapshot,
    Snapshot,
    Serializable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    None,
    Session,
    RealTime,
}

fn level(model: ModelName) -> (Rule, Order) {
    use ModelName as M;
    match model {
        M::StrictSerializable => (Rule::Serializable, Order::RealTime),
        M::StrongSessionSerializable => (Rule::Serializable, Order::Session),
        M::StrongSnapshotIsolation => (Rule::Snapshot, Order::RealTime),
        M::StrongSessionSnapshotIsolation => (Rule::Snapshot, Order::Session),
        M::SnapshotIsolation => (Rule::Snapshot, Order::None),
        M::StrongSessionParallelSnapshotIsolation => (Rule::ParallelSnapshot, Order::Session),
        M::ParallelSnapshotIsolation => (Rule::ParallelSnapshot, Order::None),
        M::StrongSessionPrefix => (Rule::Prefix, Order::Session),
        M::Prefix => (Rule::Prefix, Order::None),
        M::MonotonicAtomicView => (Rule::MonotonicAtomicView, Order::None),
        M::ReadCommitted => (Rule::ReadCommitted, Order::None),
        M::ReadUncommitted => (Rule::ReadUncommitted, Order::None),
        _ => (Rule::Serializable, Order::None),
    }
}

pub(super) fn confirm(history: &History, anomaly: &Anomaly) -> Result<(), Unconfirmed> {
    let inside = &anomaly.witness.operations;
    if inside.len() > TRANSACTIONS_MAX {
        return Err(too_many(inside.len()));
    }
    let part = Part::of(history, inside);
    let repeated = || {
        let shown = part.shown().into_iter().map(|(_, key, value)| (key, value));
        Repeated::of(shown, history, anomaly.witness.model == ModelName::ReadUncommitted)
    };
    let telling = || part.telling(&repeated());
    let shows = match anomaly.kind {
        AnomalyKind::PhantomRead => part.reads_out_of_nowhere(history),
        AnomalyKind::G1a => part.reads_aborted(history),
        AnomalyKind::G1b => telling().reads_intermediate(),
        AnomalyKind::Internal | AnomalyKind::FutureRead => part.contradicts_itself(&repeated()),
        AnomalyKind::DuplicateElement => part.shows_twice(&repeated()),
        AnomalyKind::IncompatibleOrder => part.shows_two_orders() || telling().shows_disorder(),
        AnomalyKind::DirtyUpdate => part.rests_on_aborted(history),
        AnomalyKind::NonRepeatableRead => part.reads_two_versions(),
        _ => return confirm_order(&telling(), anomaly.witness.model),
    };
    if shows { Ok(()) } else { Err(format!("no transaction shows {}", anomaly.kind).into()) }
}

fn confirm_order(part: &Part, model: ModelName) -> Result<(), Unconfirmed> {
    let (rule, order) = level(model);
    match relations::violated(part, rule, order) {
        Some(true) => Ok(()),
        Some(false) => Err("the witness has a valid order".into()),
        None => Err(too_many(part.transactions.len())),
    }
}

fn too_many(count: usize) -> Unconfirmed {
    Unconfirmed::TooLarge { count, what: "transactions" }
}
