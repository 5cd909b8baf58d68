//! What a fault can be done to.

use std::future::Future;
use std::pin::Pin;

use histories::{Applied, Node};

use crate::{Action, Powers};

/// What asynchronous trait methods return, so that the traits can be used as `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The means failed: the run is a harness failure, never a verdict.
#[derive(Debug, thiserror::Error)]
#[error("the nemesis could not {what}: {why}")]
pub struct ControlError {
    pub what: String,
    pub why: String,
}

/// A system that faults can be done to.
pub trait Target: Send + Sync {
    fn nodes(&self) -> &[Node];
    fn powers(&self) -> Powers;
    /// Carries an action out, and says what shows that it had its effect.
    fn apply<'a>(&'a self, action: &'a Action) -> BoxFuture<'a, Result<Applied, ControlError>>;
}
