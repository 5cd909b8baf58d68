//! Bugs that a system can have planted in it, as data: whoever tests the tests needs to know no system for it.

/// A known defect, off unless it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlantedBug {
    pub name: &'static str,
    /// The families of modes that can have it, `single leaderless`.
    pub families: &'static str,
    /// What it breaks, in one line.
    pub about: &'static str,
}

/// A run that should find a planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The name of a [`PlantedBug`].
    pub bug: &'static str,
    pub mode: &'static str,
    pub workload: &'static str,
    /// A comma list.
    pub faults: &'static str,
    /// As many as the mode has where it is not said.
    pub nodes: Option<u16>,
    /// Whether a minority stays lost at the end, too.
    pub liveness: bool,
}
