//! An order of an object's operations, taken one by one on the object.

use std::collections::BTreeSet;

use histories::{Function, History, Operation, OperationId, Outcome};

use crate::action::Action;
use crate::named;
use crate::parts::{Kind, QueueOrder};
use crate::state::State;

/// Whether an order of the operations on one object respects time, leaves out nothing that certainly happened, and explains
/// every answer. `operations` are all that there are on the object.
pub fn replay(
    history: &History,
    operations: &[OperationId],
    kind: Kind,
    queues: QueueOrder,
    order: &[OperationId],
) -> Result<(), String> {
    let on_object: BTreeSet<OperationId> = operations.iter().copied().collect();
    let mut placed = BTreeSet::new();
    let mut state = State::initial(kind, queues);
    let mut latest_call = 0;
    for &id in order {
        if !on_object.contains(&id) {
            return Err(format!("operation {} is not on the object", id.0));
        }
        let op = history.operation(id);
        if op.returned().0 < latest_call {
            return Err(format!("{} returned before what stands earlier began", named(history, id)));
        }
        if !placed.insert(id) && !takes_one_by_one(op) {
            return Err(format!("{} stands twice", named(history, id)));
        }
        latest_call = latest_call.max(op.invoked.0);
        let Some(action) = Action::of(kind, op)? else {
            return Err(format!("{} did nothing that an order can hold", named(history, id)));
        };
        if !state.apply(&action) {
            return Err(format!("{} does not fit where it stands", named(history, id)));
        }
    }
    for &id in operations.iter().filter(|id| !placed.contains(id)) {
        let op = history.operation(id);
        if op.outcome != Outcome::Info && Action::of(kind, op)?.is_some() {
            return Err(format!("{} is left out", named(history, id)));
        }
    }
    Ok(())
}

/// A drain of unknown outcome may have taken some elements, one after another.
fn takes_one_by_one(op: &Operation) -> bool {
    op.function == Function::Drain && op.outcome == Outcome::Info
}
