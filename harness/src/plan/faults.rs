//! Faults as they are named on a command line, checked before anything starts.
//!
//! Plans none: that is the nemesis's.

use std::fmt;

use nemesis::{FaultSpec, Layout, Powers};
use serde::{Serialize, Serializer};
use systems::Mode;

use crate::load::script::FREEZE;

/// Refuses a fault that cannot be read, that the system cannot have done to it, or that takes more nodes or datacentres.
pub(crate) fn check(text: &str, system: &str, powers: Powers, layout: Layout) -> Result<(), String> {
    let spec: FaultSpec = text.parse().map_err(|error: nemesis::FaultSyntaxError| error.to_string())?;
    if !powers.has(spec.needs()) {
        return Err(format!("fault {text:?} needs to {}, which {system} cannot", spec.needs().words()));
    }
    if let Some(refusal) = spec.refusal(layout) {
        return Err(format!("fault {text:?} {refusal}"));
    }
    Ok(())
}

/// `all`: every fault that the mode survives and a stage of these powers can have done to it.
pub(crate) fn all(powers: Powers, mode: &Mode, layout: Layout) -> Vec<String> {
    FaultSpec::all(&mode.survives, powers, layout).iter().map(FaultSpec::to_string).collect()
}

/// A fault as a history names it: read once, so that nothing is decided by its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultName {
    Known(FaultSpec),
    /// The loss of a minority at the end of a run.
    Freeze,
    /// As another tool, or another version, called it.
    Foreign(String),
}

impl FaultName {
    pub(crate) fn read(name: &str) -> Self {
        match name.parse() {
            Ok(spec) => Self::Known(spec),
            Err(_) if name == FREEZE => Self::Freeze,
            Err(_) => Self::Foreign(name.to_owned()),
        }
    }

    /// What of it is known, `None` for what no fault of ours is.
    pub(crate) fn spec(&self) -> Option<&FaultSpec> {
        match self {
            Self::Known(spec) => Some(spec),
            Self::Freeze | Self::Foreign(_) => None,
        }
    }

    /// Whether both are the same fault, whatever their rhythms.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(one), Self::Known(other)) => one.is_same_as(other),
            _ => self == other,
        }
    }
}

impl fmt::Display for FaultName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(spec) => f.pad(&spec.to_string()),
            Self::Freeze => f.pad(FREEZE),
            Self::Foreign(name) => f.pad(name),
        }
    }
}

impl Serialize for FaultName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether these are faults of one kind and aim, whatever their rhythms; what cannot be read is no fault of ours.
pub(crate) fn are_same(one: &str, other: &str) -> bool {
    FaultName::read(one).is_same_as(&FaultName::read(other))
}
