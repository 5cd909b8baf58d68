//! What a hunt has reached: faults that were felt, states of the cluster, anomalies. It judges nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::judge::Trial;
use crate::judge::verdict::AppliedKind;

/// Each with the number of runs in which it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coverage {
    pub(crate) faults: BTreeMap<String, u64>,
    pub(crate) states: BTreeMap<String, u64>,
    pub(crate) anomalies: BTreeMap<String, u64>,
}

impl Coverage {
    pub(crate) fn add(&mut self, trial: &Trial) {
        let windows =
            trial.outcome.fault_windows.iter().filter(|window| window.applied == AppliedKind::Installed);
        count(&mut self.faults, windows.map(|window| window.fault.to_string()));
        count(&mut self.states, trial.states.iter().map(ToString::to_string));
        let anomalies = trial.outcome.verdicts.iter().flat_map(|verdict| &verdict.anomalies);
        count(&mut self.anomalies, anomalies.map(|anomaly| anomaly.kind.to_string()));
    }
}

/// Once a run each.
fn count(seen: &mut BTreeMap<String, u64>, names: impl Iterator<Item = String>) {
    let names: BTreeSet<String> = names.collect();
    for name in names {
        *seen.entry(name).or_default() += 1;
    }
}
