//! Faults as they are named on a command line, checked before anything starts.
//!
//! Plans none: that is the nemesis's.

use std::fmt;
use std::sync::OnceLock;

use nemesis::{Fault, FaultSpec, FaultSyntaxError, Layout, Powers};
use serde::{Serialize, Serializer};
use systems::Mode;

use crate::load::script::FREEZE;

/// A fault that this program brings along beside ours. It has a name, and no aim or rhythm to be told.
pub struct OwnFault {
    pub name: &'static str,
    /// One line for `partita list faults`.
    pub about: &'static str,
    /// Makes it anew for each run.
    pub build: fn() -> Box<dyn Fault>,
}

/// Those that this program brings along, told once when it starts.
static OWN: OnceLock<Vec<OwnFault>> = OnceLock::new();

/// To be called once, before anything is planned.
pub(crate) fn add(own: Vec<OwnFault>) {
    OWN.get_or_init(|| own);
}

pub(crate) fn own() -> &'static [OwnFault] {
    OWN.get().map(Vec::as_slice).unwrap_or_default()
}

/// The faults of a run: ours, as they were asked for, and those that this program brings along.
pub(crate) fn read(faults: &[String]) -> Result<(Vec<FaultSpec>, Vec<&'static OwnFault>), FaultSyntaxError> {
    let own_of = |text: &String| own().iter().find(|own| own.name == text);
    let ours: Vec<&str> = faults.iter().filter(|text| own_of(text).is_none()).map(String::as_str).collect();
    Ok((FaultSpec::parse_list(&ours.join(","))?, faults.iter().filter_map(own_of).collect()))
}

/// Whether this is the word that stands for no fault.
pub(crate) fn is_none(text: &str) -> bool {
    text == "none"
}

/// Whether this is the word that stands for [`all`].
pub(crate) fn is_all(list: &[String]) -> bool {
    list == ["all"]
}

/// Refuses a fault that cannot be read, that the system cannot have done to it, or that takes more nodes or datacentres.
pub(crate) fn check(text: &str, system: &str, powers: Powers, layout: Layout) -> Result<(), String> {
    if let Some(own) = own().iter().find(|own| own.name == text) {
        let missing = (own.build)().needs().missing(powers);
        if missing.is_empty() {
            return Ok(());
        }
        return Err(format!("fault {text:?} needs to {}, which {system} cannot", missing.join(" and ")));
    }
    let spec: FaultSpec = text.parse().map_err(|error: nemesis::FaultSyntaxError| error.to_string())?;
    if !powers.has(spec.needs()) {
        return Err(format!(
            "fault {text:?} needs to {}, which {system} cannot here; `partita doctor` says what can carry it out",
            spec.needs().words()
        ));
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
