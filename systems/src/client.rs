//! A client of the system under test.

use std::time::{Duration, Instant};

use histories::{Hints, Node, Op, Value};
use nemesis::BoxFuture;

/// A successful answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// What a read saw; what a write wrote.
    pub value: Value,
    pub hints: Hints,
}

/// What became of a call, as the client knows it. When in doubt, `Info`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    Ok(Reply),
    /// It certainly did not happen and never will. `seen` is what a failed compare-and-set found.
    Fail {
        error: String,
        seen: Option<Value>,
        hints: Hints,
    },
    Info(String),
}

/// One logical client. Session tokens live here and die with it.
pub trait Client: Send {
    /// Makes what the workload needs of the system: a schema, accounts. One client does so, once, before all others.
    fn set_up(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    /// Removes what [`Client::set_up`] made, from a system that goes on after the run.
    fn tear_down(&mut self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }

    /// Sends the request to `node` at most once and waits for the answer until the deadline.
    fn call<'a>(&'a mut self, node: Node, op: &'a Op, deadline: Duration) -> BoxFuture<'a, Completion>;
}

/// How long a call takes at least that nothing decided, so that a node which is dead or knows no leader is not asked
/// thousands of times a second.
const REFUSED_BACK_OFF: Duration = Duration::from_millis(50);

/// Waits after a call that was refused, `sent` then.
pub(crate) async fn back_off(completion: &Completion, sent: Instant, deadline: Duration) {
    if matches!(completion, Completion::Fail { seen: None, .. }) {
        tokio::time::sleep(REFUSED_BACK_OFF.min(deadline).saturating_sub(sent.elapsed())).await;
    }
}
