//! Who is told how a run goes on. Implemented by the terminal, and by nobody in tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::plan::spec::OnViolation;

/// A phase of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Starting,
    Running,
    /// Cluster and faults stay as they are, for a person to look at.
    Frozen,
    Healing,
    Reading,
    Stopping,
    Checking,
}

impl Phase {
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Frozen => "frozen",
            Self::Healing => "healing",
            Self::Reading => "final reads",
            Self::Stopping => "stopping",
            Self::Checking => "checking",
        }
    }
}

/// Told from the thread that runs; must return at once.
pub trait Progress: Send + Sync {
    fn phase(&self, _phase: Phase) {}
    /// Some times a second while operations are issued.
    fn tick(&self, _elapsed: Duration, _operations: u64) {}
    /// A fault began or ended, in words.
    fn fault(&self, _elapsed: Duration, _text: &str) {}
    /// The names of the faults that are in force from now on.
    fn in_force(&self, _faults: &[String]) {}
    /// Something worth a line.
    fn note(&self, _text: &str) {}
}

/// Nobody is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {}

/// What ends a run before its time.
#[derive(Clone, Debug, Default)]
pub struct Ends {
    pub interrupt: Interrupt,
    /// Set once a violation is known.
    pub violated: Interrupt,
    pub on_violation: OnViolation,
}

impl Ends {
    pub fn by(interrupt: &Interrupt, on_violation: OnViolation) -> Self {
        Self { interrupt: interrupt.clone(), violated: Interrupt::default(), on_violation }
    }

    /// Whether a violation is known that the run is to end at.
    pub(crate) fn stops(&self) -> bool {
        self.on_violation != OnViolation::GoOn && self.violated.is_set()
    }
}

/// Set by Ctrl-C; the run ends, heals, flushes and stops what it started.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
