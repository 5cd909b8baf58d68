//! Where runs take place, by name.

use std::fmt;
use std::str::FromStr;

use nemesis::Powers;
use serde::{Serialize, Serializer};
use systems::{Net, System};

use super::names::unknown;

/// Where a run takes place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StageName {
    /// Real processes on this machine.
    #[default]
    Live,
    /// A simulated world, in virtual time.
    Sim,
}

impl StageName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Sim => "sim",
        }
    }

    /// What a system can have done to it here.
    pub fn powers(self, system: &dyn System, net: Net) -> Powers {
        match (self, net) {
            (Self::Live, Net::Proxy) => system.powers(),
            (Self::Live, Net::Netns) => system.powers_in_namespaces().unwrap_or_default(),
            (Self::Sim, _) => system.simulator().map_or(Powers::NONE, systems::Simulator::powers),
        }
    }
}

impl Serialize for StageName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl FromStr for StageName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "live" => Ok(Self::Live),
            "sim" => Ok(Self::Sim),
            other => Err(unknown("stage", other, &["live", "sim"])),
        }
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
