//! Where a run takes place. The conductor drives this seam and nothing else, so that live processes and a simulated
//! world see the same workloads, faults and checkers.

use histories::{Applied, Event, Nanos, Node, Op};
use nemesis::Action;
use systems::Status;

/// An operation on its way to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The client thread, which has nothing open.
    pub thread: u32,
    /// Under which the history knows the client. Another number than at the thread's last call means a new client: a
    /// new connection and no session.
    pub process: u32,
    pub node: Node,
    pub op: Op,
    /// How long the client waits for the answer.
    pub deadline: Nanos,
}

/// What a stage has to tell.
#[derive(Clone, Debug)]
pub enum StageEvent {
    /// The thread is free again; the event is the completion as it was recorded.
    Completed { thread: u32, event: Event },
    /// An action was carried out, or not; it has been recorded.
    Applied { action: Action, applied: Applied },
    /// The cluster seen from outside.
    Status(Status),
    /// The time that was waited for has come, or the stage had reason to return early.
    Time,
    /// The harness itself failed; the run is over.
    Failed(String),
}

/// A place to run in. It stamps and records both sides of every call and action.
pub trait Stage {
    fn now(&self) -> Nanos;
    /// Issues an operation. The invocation is recorded before anything leaves.
    fn submit(&mut self, call: Call);
    /// Begins to carry out an action; one at a time.
    fn apply(&mut self, action: Action);
    /// The next thing to tell, or [`StageEvent::Time`] at `until` or before.
    fn next(&mut self, until: Nanos) -> StageEvent;
}
