//! A simulated run from its spec to its outcome, with nothing of it on any disk.

use std::collections::BTreeSet;
use std::path::Path;

use histories::{ModelName, Nanos};
use systems::sim::Figures;

use super::examine::examine;
use super::outcome::RunOutcome;
use crate::load::script::{self, Script};
use crate::plan::spec::RunSpec;
use crate::run::progress::{Interrupt, Silent};
use crate::run::{Prepared, RunError, Simulated, Watch, simulate};

/// A simulated run that was checked, with nothing of it on any disk.
pub struct Trial {
    pub outcome: RunOutcome,
    pub figures: Figures,
    /// States of the cluster that were seen from outside.
    pub states: BTreeSet<&'static str>,
    /// Of the world, in virtual time.
    pub lasted: Nanos,
    /// The faults and operations of the run at the times when they came.
    pub script: Script,
}

/// Runs a spec in a world and checks the models that its mode speaks of, in memory.
pub fn trial(spec: &RunSpec, interrupt: &Interrupt) -> Result<Trial, RunError> {
    let prepared = Prepared::new(spec)?;
    let models = prepared.spoken_of(spec);
    carry_out(spec, &prepared, &models, interrupt)
}

/// The same for these models.
pub(crate) fn trial_on(
    spec: &RunSpec,
    models: &[ModelName],
    interrupt: &Interrupt,
) -> Result<Trial, RunError> {
    carry_out(spec, &Prepared::new(spec)?, models, interrupt)
}

fn carry_out(
    spec: &RunSpec,
    prepared: &Prepared,
    models: &[ModelName],
    interrupt: &Interrupt,
) -> Result<Trial, RunError> {
    let run = simulate(spec, prepared, Watch::default(), &Silent, interrupt)?;
    let Simulated { conducted, tape, figures, states, lasted, .. } = run;
    if conducted.interrupted {
        return Err(RunError::Interrupted);
    }
    let operations = script::operations(tape.events(), spec.clients, conducted.elapsed.into());
    let script = Script { faults: script::faults(&conducted.actions), operations: Some(operations) };
    let history = tape.into_history(prepared.header(spec, "")).map_err(RunError::Harness)?;
    let outcome = examine(spec, prepared, Path::new(""), models, &history, &conducted);
    Ok(Trial { outcome, figures, states, lasted, script })
}

#[cfg(test)]
mod tests;
