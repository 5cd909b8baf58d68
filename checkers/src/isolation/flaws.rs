//! What is wrong with a history's transactions whatever their order is.

use histories::OperationId;

/// Stronger levels forbid more of these; [`super::level::Level::forbids`] says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FlawKind {
    /// A read shows a value that no transaction wrote.
    Garbage,
    /// A read of a list shows an element twice.
    Duplicate,
    /// Two reads of a list show elements in orders that contradict each other.
    IncompatibleOrder,
    /// Two transactions' appends to a list lie between one another (G0).
    Interleaved,
    /// A read of a list shows a transaction's appends in another order than it made them, or not from its first.
    Disordered,
    /// A read shows what a transaction wrote that did not commit (G1a).
    Aborted,
    /// A read shows what its writer overwrote in the same transaction (G1b).
    Intermediate,
    /// A read after a write of the same transaction does not show that write.
    Internal,
    /// A read shows what its own transaction writes only later.
    Future,
    /// A committed append stands behind one that did not commit.
    DirtyUpdate,
    /// A transaction read two versions of a key and wrote none of them, or appended to another version of a list than it had
    /// read.
    NonRepeatable,
    /// Two transactions both replaced the version that both had read.
    LostUpdate,
}

/// One flaw with the operations that show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) kind: FlawKind,
    pub(super) key: u32,
    /// What was read or written, by its number in [`super::draft::Values`]; [`crate::graph::NONE`] for the initial value.
    pub(super) value: u32,
    /// The operation that shows it.
    pub(super) operation: OperationId,
    /// The other party, where there is one.
    pub(super) other: Option<OperationId>,
}
