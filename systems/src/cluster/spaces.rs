//! Links between nodes that stand in namespaces of their own, and the proxies between them and clients.

use std::sync::Arc;

use nemesis::backends::namespaces::Network;
use nemesis::backends::{ProcessError, Proxies};
use nemesis::{Effect, FaultId};

use super::means::{LinkEvidence, LinkMeans};

pub(super) struct Spaces {
    pub(super) network: Arc<Network>,
    /// Of clients alone.
    pub(super) proxies: Arc<Proxies>,
}

impl Spaces {
    fn joined(network: Option<LinkEvidence>, doors: Option<LinkEvidence>) -> Option<LinkEvidence> {
        match (network, doors) {
            (Some(network), Some(doors)) => Some(LinkEvidence {
                told: format!("{}; {}", network.told, doors.told),
                felt: network.felt || doors.felt,
            }),
            (network, doors) => network.or(doors),
        }
    }
}

fn failed(what: &'static str) -> impl FnOnce(std::io::Error) -> ProcessError {
    move |error| ProcessError::Os { what, name: "links between namespaces".to_owned(), error }
}

impl LinkMeans for Spaces {
    fn begin(&self, fault: FaultId, effects: &[Effect]) -> Result<Vec<String>, ProcessError> {
        let is_door = |effect: &&Effect| matches!(effect, Effect::CutClients { .. });
        let doors: Vec<Effect> = effects.iter().filter(is_door).cloned().collect();
        let mut told = LinkMeans::begin(self.proxies.as_ref(), fault, &doors)?;
        let links = self.network.begin(fault, effects).map_err(failed("break"))?;
        told.extend(links.map(|links| format!("{links} links drop or reject packets")));
        Ok(told)
    }

    fn end(&self, fault: FaultId) -> Result<Option<LinkEvidence>, ProcessError> {
        let doors = LinkMeans::end(self.proxies.as_ref(), fault)?;
        let report = self.network.end(fault).map_err(failed("heal"))?;
        let network = report.map(|report| LinkEvidence { told: report.to_string(), felt: report.was_felt() });
        Ok(Self::joined(network, doors))
    }

    fn end_all(&self) -> Result<Option<LinkEvidence>, ProcessError> {
        let doors = LinkMeans::end_all(self.proxies.as_ref())?;
        let report = self.network.end_all().map_err(failed("heal"))?;
        let network =
            (report.links > 0).then(|| LinkEvidence { told: report.to_string(), felt: report.was_felt() });
        Ok(Self::joined(network, doors))
    }
}
