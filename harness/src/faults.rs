//! Faults as they are named on a command line, checked before anything starts.
//!
//! Plans none: that is the nemesis's.

use nemesis::{FaultSpec, Powers};

/// Refuses a fault that cannot be read, that the system cannot have done to it, or that takes more nodes.
pub(crate) fn check(text: &str, system: &str, powers: Powers, nodes: u16) -> Result<(), String> {
    let spec: FaultSpec = text.parse().map_err(|error: nemesis::FaultSyntaxError| error.to_string())?;
    let missing = spec.needs().missing(powers);
    if !missing.is_empty() {
        return Err(format!("fault {text:?} needs to {}, which {} cannot", missing.join(" and "), system));
    }
    if usize::from(nodes) < spec.nodes_min() {
        return Err(format!("fault {text:?} needs {} nodes or more; there are {nodes}", spec.nodes_min()));
    }
    Ok(())
}

/// Without its rhythm: `kill@3s` and `kill:leader` are the same fault. What cannot be read stays as it is.
pub(crate) fn plain_name(text: &str) -> String {
    text.parse::<FaultSpec>().map_or_else(|_| text.to_owned(), |spec| spec.name())
}
