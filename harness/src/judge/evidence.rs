//! Why a run says little, as data. [`crate::report`] makes words of it.

use std::fmt;

use histories::Function;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::plan::faults::FaultName;
use crate::run::Shortfall;

/// Why what held in a run would not convince: told also where something was violated.
#[derive(Clone, Debug, PartialEq, JsonSchema, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WeakEvidence {
    /// The cluster did not become ready for the final reads.
    NotReady,
    /// The harness stood still, `times` times, at the longest from `from_ms` on for `lasted_ms`.
    HarnessStoodStill { times: usize, from_ms: f64, lasted_ms: f64 },
    /// The harness issued far fewer operations than were due while a client was free.
    HarnessTooSlow { issued: u64, due: f64 },
    /// Too few operations of a kind that the mix holds succeeded.
    FewAnswers {
        #[serde(serialize_with = "by_name")]
        #[schemars(with = "String")]
        function: Function,
        answered: u64,
        needed: u64,
    },
    /// A fault was asked for, and none of its windows is known to have had an effect.
    FaultWithoutEffect {
        #[schemars(with = "String")]
        fault: FaultName,
    },
    /// A window of a fault is not known to have had an effect.
    WindowWithoutEffect {
        #[schemars(with = "String")]
        fault: FaultName,
        what: String,
        evidence: String,
    },
    /// Hardly anything was answered during a fault that leaves a majority, though the mode promises to go on.
    SilentWindow {
        #[schemars(with = "String")]
        fault: FaultName,
        what: String,
        answered: u64,
    },
}

impl From<Shortfall> for WeakEvidence {
    fn from(shortfall: Shortfall) -> Self {
        match shortfall {
            Shortfall::StoodStill { times, longest } => Self::HarnessStoodStill {
                times,
                from_ms: longest.from.as_millis_f64(),
                lasted_ms: longest.lasted.as_millis_f64(),
            },
            Shortfall::TooSlow { issued, due } => Self::HarnessTooSlow { issued, due },
        }
    }
}

fn by_name<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
