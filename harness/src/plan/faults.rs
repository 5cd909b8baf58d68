//! Faults as they are named on a command line, checked before anything starts.
//!
//! Plans none: that is the nemesis's.

use nemesis::{FaultSpec, Layout, Powers};
use systems::Mode;

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

/// Without its rhythm: `kill@3s` and `kill:leader` are the same fault. What cannot be read stays as it is.
pub(crate) fn plain_name(text: &str) -> String {
    text.parse::<FaultSpec>().map_or_else(|_| text.to_owned(), |spec| spec.name())
}
