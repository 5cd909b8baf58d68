//! Clocks of nodes that the harness can set wrong.

use nemesis::{BoxFuture, ClockChange};
use serde::{Deserialize, Serialize};

use super::Running;

/// What is wrong with a node's clocks; by default nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockSetting {
    /// Wall time is off by this much.
    pub offset_ms: i64,
    /// Both clocks run fast by so many milliseconds a second.
    pub drift_ms_per_s: i64,
    /// Wall time is off by this much every other tenth of a second.
    pub strobe_ms: i64,
}

impl ClockSetting {
    /// Several faults of one clock add up.
    pub fn with(self, change: ClockChange) -> Self {
        match change {
            ClockChange::Step { by_ms } => Self { offset_ms: self.offset_ms.saturating_add(by_ms), ..self },
            ClockChange::Drift { ms_per_s } => {
                Self { drift_ms_per_s: self.drift_ms_per_s.saturating_add(ms_per_s), ..self }
            }
            ClockChange::Strobe { by_ms } => Self { strobe_ms: self.strobe_ms.saturating_add(by_ms), ..self },
        }
    }
}

/// Sets the clocks of nodes that run.
pub trait ClockControl: Send + Sync {
    /// Makes the node's clocks as wrong as `setting` says, and answers with what they show; the error says why not.
    fn set<'a>(&'a self, node: &'a Running, setting: ClockSetting) -> BoxFuture<'a, Result<String, String>>;
}
