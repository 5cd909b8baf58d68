//! A way of running a system, with what it promises, as data.

use histories::{AnomalyKind, Conflict, ModelName};
use nemesis::{FaultSpec, Layout};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;

/// Which node a client talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// Thread t talks to node t mod N and does not fail over.
    Sticky,
    /// A node per operation, by dice.
    Roam,
}

/// Something that a mode gives up, and the faults under which a run must find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Show {
    /// The verdict that must be invalid.
    pub model: ModelName,
    /// Of at least one of these kinds; any kind where empty.
    pub kinds: Vec<AnomalyKind>,
    /// The faults under which it shows, `kill:leader`; none needed where empty.
    pub under: Vec<String>,
    /// The workloads that can show it, `set`; any of them where empty.
    pub with: Vec<String>,
    /// False where it takes a fault that only simulation can inject: then a live run does not expect it.
    pub live: bool,
}

/// A mode of a system: a preset, or a preset with options changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode {
    /// As the user writes it, `single/quorum` or `single/quorum[read=lease]`.
    pub name: String,
    /// The name that it starts from, `single/quorum`.
    pub preset: String,
    /// Every option with its value, resolved, in a fixed order.
    pub options: Vec<(String, String)>,
    /// What holds under every fault that the mode survives.
    pub promise: Vec<ModelName>,
    pub shows: Vec<Show>,
    /// The kinds of fault under which the promise is kept, `network`, `kill`, `pause`, `clock`, `power`.
    pub survives: Vec<&'static str>,
    /// What of the promise holds under clock faults and power loss, too, where the mode does not survive those.
    pub regardless: Vec<ModelName>,
    /// Figures worth a look, in words, `write availability with one node cut off`.
    pub figures: Vec<String>,
    /// Writes go on as long as a majority is up and connected.
    pub available_with_majority: bool,
    /// Reads and writes go on in every datacentre whose members are up and connected to each other and to those of the
    /// other datacentres, a minority of each datacentre's apart.
    pub available_with_majorities: bool,
    pub routing: Routing,
    /// On how many nodes each key is kept; on all where it is not said.
    pub copies: Option<u16>,
    /// Some member leads: faults can be aimed at it.
    pub led: bool,
    /// Default datacentres and nodes.
    pub layout: Layout,
    /// One line for `partita list modes`.
    pub about: String,
}

impl Mode {
    /// Whether the promise is kept under each of these faults.
    pub fn survives_all(&self, faults: &[FaultSpec]) -> bool {
        faults
            .iter()
            .all(|fault| fault.kind().survived_as().is_some_and(|word| self.survives.contains(&word)))
    }

    /// What has to hold under these faults: the promise where the mode survives each of them, else what holds
    /// regardless. No mode promises anything under a disk that lies or changes what it holds.
    pub fn demanded_under(&self, faults: &[FaultSpec]) -> &[ModelName] {
        if self.survives_all(faults) {
            &self.promise
        } else if faults.iter().all(|fault| fault.kind().survived_as().is_some()) {
            &self.regardless
        } else {
            &[]
        }
    }

    /// An option's value, by name.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(option, _)| option == name).map(|(_, value)| value.as_str())
    }

    /// What becomes of concurrent writes, where the mode accepts them in several places.
    pub fn conflict(&self) -> Option<Conflict> {
        let name = IntoDeserializer::<Error>::into_deserializer(self.option("conflict")?);
        Conflict::deserialize(name).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_demanded_under_the_faults_that_the_mode_survives() {
        let demanded = |mode: &str, faults: &str| {
            let (mode, _) = crate::store::mode(mode).unwrap();
            mode.demanded_under(&FaultSpec::parse_list(faults).unwrap()).to_vec()
        };
        let all = [ModelName::Linearizable, ModelName::Durability, ModelName::Convergence];
        for survived in ["none", "kill:all", "partition:leader,clock:drift,disk:full,power:majority"] {
            assert_eq!(demanded("single/quorum", survived), all, "{survived}");
        }
        assert_eq!(demanded("single/quorum", "kill:leader,disk:lies"), []);
        assert_eq!(demanded("single/no-sync", "kill:all"), all);
        assert_eq!(demanded("single/no-sync", "kill:all,power:majority"), []);
        assert_eq!(demanded("single/lease", "kill:leader"), all);
        assert_eq!(demanded("single/lease", "clock:drift,kill:leader"), all[1..]);
        assert_eq!(demanded("single/lease", "disk:flip"), []);
        assert_eq!(demanded("single/lease[sync=never]", "clock:drift"), [], "power might be lost as well");
    }
}
