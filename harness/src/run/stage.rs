//! Where a run takes place. The conductor drives this seam and nothing else, so that live processes and a simulated
//! world see the same workloads, faults and checkers.

use histories::{Applied, Draft, Event, Kind, Nanos, Node, Op, Process};
use nemesis::Action;
use systems::{Completion, Status};

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

impl Call {
    /// As it stands in the history, before anything leaves.
    pub fn invoked(&self) -> Draft {
        self.draft(Kind::Invoke, self.op.clone())
    }

    /// What it came to, as it stands in the history.
    pub fn completed(&self, completion: Completion) -> Draft {
        match completion {
            Completion::Ok(reply) => {
                let op = Op { value: reply.value, ..self.op.clone() };
                Draft { hints: reply.hints, ..self.draft(Kind::Ok, op) }
            }
            Completion::Fail { error, seen, hints } => {
                Draft { error: Some(error), seen, hints, ..self.draft(Kind::Fail, self.op.clone()) }
            }
            Completion::Info(error) => {
                Draft { error: Some(error), ..self.draft(Kind::Info, self.op.clone()) }
            }
        }
    }

    fn draft(&self, kind: Kind, op: Op) -> Draft {
        Draft { node: Some(self.node), ..Draft::new(Process::Client(self.process), kind, op) }
    }
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
    /// A node ended and nothing that was done to it explains that; the run is over.
    NodeEnded,
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
