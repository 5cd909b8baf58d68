//! Which lies a run could notice: what it issues, what is promised of it, and what its clients were seen to do.

use histories::ModelName;
use systems::lies::LieKind;
use systems::{PlantedBug, Trap};

use super::Subject;
use crate::judge::unnoticed::{Gravity, Unnoticed};
use crate::plan::expect::{Claim, Expectation, Expected};
use crate::plan::faults::{are_same, is_none};
use crate::plan::spec::RunSpec;
use crate::run::{Prepared, RunError};

/// What is demanded of a run: what its mode promises under its faults, and what the suite expects to hold.
pub(super) fn models(spec: &RunSpec, expectations: &[Expectation]) -> Result<Vec<ModelName>, RunError> {
    let prepared = Prepared::new(spec)?;
    let mut models = prepared.demands(spec);
    let covering = expectations.iter().filter(|expect| expect.covers(&spec.mode.name, &spec.workload));
    for claim in covering.flat_map(|expect| &expect.claims) {
        if let Claim::Verdict { model, expected: Expected::Valid, .. } = claim
            && prepared.models().contains(model)
            && !models.contains(model)
        {
            models.push(*model);
        }
    }
    Ok(models)
}

/// Why a run can never notice the lie; `None` where it can.
pub(super) fn obstacle(kind: LieKind, subject: &Subject<'_>) -> Result<Option<Unnoticed>, RunError> {
    let Subject { spec, expectations, observed } = subject;
    let (functions, needs) = (kind.takes(), kind.needs());
    if !observed.has_any(functions) {
        return Ok(Some(Unnoticed::NoOperation { functions }));
    }
    let demanded = models(spec, expectations)?;
    if !kind.models().iter().any(|model| demanded.contains(model)) {
        return Ok(Some(Unnoticed::NotPromised { models: kind.models() }));
    }
    if needs.read_back && observed.read_back == 0 {
        return Ok(Some(Unnoticed::NothingReadBack));
    }
    if observed.clients_on_a_key < needs.clients {
        let (needed, there) = (needs.clients, observed.clients_on_a_key);
        return Ok(Some(Unnoticed::FewClients { needed, there }));
    }
    if observed.keys < needs.keys {
        return Ok(Some(Unnoticed::FewKeys { needed: needs.keys, there: observed.keys }));
    }
    Ok(None)
}

/// The nearer to a notice, the higher.
pub(super) fn rank(why: &Unnoticed) -> u8 {
    match (why.gravity(), why) {
        (Gravity::OutOfScope, Unnoticed::NoOperation { .. }) => 0,
        (Gravity::OutOfScope, _) => 1,
        (Gravity::Blind, _) => 2,
        (Gravity::Missed, _) => 3,
    }
}

/// Whether the bug can be planted in the mode of this run.
pub(super) fn is_of_family(bug: &PlantedBug, spec: &RunSpec) -> bool {
    let family = spec.mode.preset.split('/').next().unwrap_or_default();
    bug.families.split_whitespace().any(|of| of == family)
}

/// Whether the run is one that is known to find its bug.
pub(super) fn is_trap(trap: &Trap, spec: &RunSpec) -> bool {
    let faults = || trap.faults.split(',').filter(|fault| !is_none(fault));
    trap.mode == spec.mode.preset
        && trap.workload == spec.workload
        && faults().all(|fault| spec.faults.iter().any(|of_run| are_same(of_run, fault)))
}
