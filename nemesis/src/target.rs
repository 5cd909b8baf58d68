//! What a fault can be done to.

use std::future::Future;
use std::pin::Pin;

use histories::{Applied, Node};

use crate::Action;

/// What asynchronous trait methods return, so that the traits can be used as `dyn`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a target can have done to it. A fault that needs more is refused before the run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each power is there or not, whatever the others are")]
pub struct Powers {
    /// Cut links between nodes, each direction by itself.
    pub cut: bool,
    /// Cut clients from nodes.
    pub cut_clients: bool,
    /// Kill a node and restart it on its disk.
    pub kill: bool,
    /// Stop a node and let it go on.
    pub pause: bool,
    /// Make links between nodes slow.
    pub slow: bool,
    /// Lose, duplicate and reorder messages between nodes.
    pub unreliable: bool,
    /// Let clocks jump.
    pub step: bool,
    /// Let clocks, monotonic ones too, run fast or slow.
    pub drift: bool,
    /// Take what was not forced to disk with the process.
    pub power: bool,
    /// Tear, change, fill and slow disks.
    pub disk: bool,
}

impl Powers {
    /// The names of what `self` asks for and `had` lacks.
    pub fn missing(self, had: Self) -> Vec<&'static str> {
        [
            (self.cut && !had.cut, "cut links between nodes"),
            (self.cut_clients && !had.cut_clients, "cut clients from nodes"),
            (self.kill && !had.kill, "kill and restart nodes"),
            (self.pause && !had.pause, "pause nodes"),
            (self.slow && !had.slow, "slow links down"),
            (self.unreliable && !had.unreliable, "lose, duplicate and reorder messages"),
            (self.step && !had.step, "let clocks jump"),
            (self.drift && !had.drift, "let clocks drift"),
            (self.power && !had.power, "lose power"),
            (self.disk && !had.disk, "break disks"),
        ]
        .into_iter()
        .filter_map(|(missing, name)| missing.then_some(name))
        .collect()
    }

    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            cut: self.cut || other.cut,
            cut_clients: self.cut_clients || other.cut_clients,
            kill: self.kill || other.kill,
            pause: self.pause || other.pause,
            slow: self.slow || other.slow,
            unreliable: self.unreliable || other.unreliable,
            step: self.step || other.step,
            drift: self.drift || other.drift,
            power: self.power || other.power,
            disk: self.disk || other.disk,
        }
    }
}

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
