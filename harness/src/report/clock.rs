//! Where operations stand in a picture: by their times, or by their places in the file where it tells no times.

use histories::{History, Operation};
use serde::Serialize;

/// What positions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Clock {
    /// Nanoseconds since the run began.
    Time,
    /// Indices of events.
    Place,
}

impl Clock {
    pub(crate) fn of(history: &History) -> Self {
        // Where a file tells no times, everything is at 0.
        if history.end().0 > 0 { Self::Time } else { Self::Place }
    }

    /// When an operation was invoked, and when it was answered if it was.
    pub(crate) fn span(self, operation: &Operation) -> (u64, Option<u64>) {
        let completed = match self {
            Self::Time => operation.completed.0,
            Self::Place => u64::from(operation.reply_event),
        };
        let invoked = match self {
            Self::Time => operation.invoked.0,
            Self::Place => u64::from(operation.call_event),
        };
        (invoked, operation.has_completion().then_some(completed))
    }

    pub(crate) fn end(self, history: &History) -> u64 {
        match self {
            Self::Time => history.end().0,
            Self::Place => u64::from(history.event_count()),
        }
    }
}
