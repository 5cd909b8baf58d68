//! Whether operations of one register, each in its time, have a legal order.

use histories::{Operation, Outcome, Value};

use crate::Unconfirmed;
use crate::action::Action;
use crate::orders::{Entry, Timed, linearizable};
use crate::state::State;

/// An operation of the one object that a witness is about.
pub(super) fn timed(op: &Operation, action: Action) -> Timed {
    let entry = Entry { action, object: 0, required: op.outcome != Outcome::Info };
    Timed { invoked: op.invoked.0, returned: op.returned().0, entry }
}

/// Whether operations of a register have no legal order.
pub(super) fn decided(operations: Vec<Timed>) -> Result<(), Unconfirmed> {
    let count = operations.len();
    match linearizable(operations, State::Register(Value::Null)) {
        Some(false) => Ok(()),
        Some(true) => Err("the witness has a valid order".into()),
        None => Err(Unconfirmed::too_many_operations(count)),
    }
}
