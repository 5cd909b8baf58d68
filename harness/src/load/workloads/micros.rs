//! Transactions and their micro-operations, as operations of a history hold them.

use histories::{Function, Op, Value};

/// A transaction of these micro-operations.
pub(super) fn transaction(micros: impl IntoIterator<Item = Value>) -> Op {
    Op::global(Function::Txn, Value::list(micros))
}

/// The micro-operation that reads a key.
pub(super) fn read(key: Value) -> Value {
    Value::list(["r".into(), key, Value::Null])
}

/// The micro-operation that writes a register.
pub(super) fn write(key: Value, value: Value) -> Value {
    Value::list(["w".into(), key, value])
}
