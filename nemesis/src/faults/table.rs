//! The table of faults: everything that tells one kind from another, an entry a kind. Backends carry [`Effect`]s out;
//! nothing else names a kind.

use histories::{Nanos, Node};

use super::aim::Aim;
use super::amount::Unit;
use super::kind::FaultKind;
use crate::{ClockChange, DiskChange, Effect, LinkChange, Power};

/// A kind of fault.
pub(super) struct Entry {
    pub(super) kind: FaultKind,
    /// `partition`, `clock:drift`.
    pub(super) name: &'static str,
    /// What it does, in a line.
    pub(super) about: &'static str,
    /// What shows that it had an effect.
    pub(super) evidence: &'static str,
    /// How its end undoes it.
    pub(super) undo: &'static str,
    /// Whom or what it can be aimed at, the default first.
    pub(super) aims: &'static [Aim],
    /// `None` where there is nothing to say with `by=`.
    pub(super) strength: Option<Strength>,
    pub(super) needs: Power,
    /// What a mode has to survive to keep its promise under it; `None` for what no mode survives.
    pub(super) survived_as: Option<&'static str>,
    /// It makes conditions worse rather than break something, so it lasts, and others begin and end meanwhile.
    pub(super) is_condition: bool,
    pub(super) toll: Toll,
    pub(super) make: Make,
}

/// How strong a fault can be.
pub(super) struct Strength {
    pub(super) unit: Unit,
    /// What is drawn from where `by=` is not given, in its unit, both ends included. An offset or a rate has either sign.
    pub(super) usual: (i64, i64),
}

/// What becomes of the nodes that are hit, until the fault ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Toll {
    /// They go on working.
    Working,
    /// They do no work.
    Stopped,
    /// They die, and are started again at the end.
    Dead,
}

/// How a fault comes to its effects.
#[derive(Clone, Copy)]
pub(super) enum Make {
    /// Links are cut in a shape: [`super::partition`].
    Cuts,
    /// The same change on every link that is aimed at, of this strength: [`super::links`].
    Links(fn(i64) -> LinkChange),
    /// Something is done to nodes, of this strength: [`super::targets`].
    Nodes(fn(Vec<Node>, i64) -> Effect),
}

const CUTS: &[Aim] = &[
    Aim::Leader,
    Aim::One,
    Aim::Majority,
    Aim::Minority,
    Aim::Halves,
    Aim::Ring,
    Aim::Bridge,
    Aim::OneWay,
    Aim::Random,
    Aim::Flapping,
    Aim::Datacentres,
    Aim::Hub,
    Aim::Link,
    Aim::Home,
    Aim::Any,
];
const LINKS: &[Aim] = &[Aim::All, Aim::Leader, Aim::One, Aim::Datacentres, Aim::Link, Aim::Any];
const CLIENTS: &[Aim] = &[Aim::One, Aim::Leader, Aim::Datacentre, Aim::Any];
const PROCESS: &[Aim] = &[
    Aim::Leader,
    Aim::One,
    Aim::Minority,
    Aim::Majority,
    Aim::All,
    Aim::Follower,
    Aim::Rolling,
    Aim::Elected,
    Aim::Datacentre,
    Aim::Home,
    Aim::Any,
];
const NODES: &[Aim] = &[
    Aim::One,
    Aim::Leader,
    Aim::Minority,
    Aim::Majority,
    Aim::All,
    Aim::Follower,
    Aim::Datacentre,
    Aim::Any,
];
/// One disk that lies loses nothing that a majority holds.
const NODES_ALL_FIRST: &[Aim] = &[
    Aim::All,
    Aim::One,
    Aim::Leader,
    Aim::Minority,
    Aim::Majority,
    Aim::Follower,
    Aim::Datacentre,
    Aim::Any,
];

const fn strength(unit: Unit, low: i64, high: i64) -> Strength {
    Strength { unit, usual: (low, high) }
}

/// A round trip stays below what elections wait for: slow is not cut.
const DELAY: Strength = strength(Unit::Time, 20, 80);
const SHARE: Strength = strength(Unit::Percent, 5, 30);

fn time(amount: i64) -> Nanos {
    Nanos::from_millis(amount.unsigned_abs())
}

fn percent(amount: i64) -> u8 {
    u8::try_from(amount).unwrap_or(100).min(100)
}

/// What the faults of links have in common.
const LINK: Entry = Entry {
    kind: FaultKind::Slow,
    name: "",
    about: "",
    evidence: "messages that it changed",
    undo: "messages flow as before",
    aims: LINKS,
    strength: Some(SHARE),
    needs: Power::Unreliable,
    survived_as: Some("network"),
    is_condition: true,
    toll: Toll::Working,
    make: Make::Cuts,
};

/// What the faults of connections have in common. They suffer as a whole, whichever way the bytes flow.
const CONNECTIONS: Entry = Entry {
    evidence: "connections that were reset, refused, left unanswered or half-open",
    undo: "connections are made as before",
    aims: &[Aim::Leader, Aim::All, Aim::One, Aim::Datacentres, Aim::Link, Aim::Any],
    strength: None,
    needs: Power::Connections,
    is_condition: false,
    ..LINK
};

/// What the faults of nodes have in common.
const NODE: Entry = Entry {
    kind: FaultKind::Kill,
    name: "",
    about: "",
    evidence: "the process is gone",
    undo: "it is started again on its disk",
    aims: NODES,
    strength: None,
    needs: Power::Disk,
    survived_as: None,
    is_condition: false,
    toll: Toll::Dead,
    make: Make::Cuts,
};

/// What the faults of clocks have in common.
const CLOCK: Entry = Entry {
    evidence: "the clock as it is read before and after",
    undo: "the clock is right again",
    needs: Power::Step,
    survived_as: Some("clock"),
    is_condition: true,
    toll: Toll::Working,
    ..NODE
};

/// In the order of [`FaultKind`], which lists show.
pub(super) static TABLE: [Entry; 24] = [
    Entry {
        kind: FaultKind::Partition,
        name: "partition",
        about: "cuts links between nodes, each direction by itself",
        evidence: "links that are cut, and what was held back on them",
        aims: CUTS,
        strength: None,
        needs: Power::Cut,
        is_condition: false,
        make: Make::Cuts,
        ..LINK
    },
    Entry {
        kind: FaultKind::Clients,
        name: "clients",
        about: "cuts every client from some nodes, both ways",
        evidence: "requests and answers that did not get through",
        undo: "clients reach the nodes again",
        aims: CLIENTS,
        needs: Power::CutClients,
        survived_as: Some("network"),
        toll: Toll::Working,
        make: Make::Nodes(|nodes, _| Effect::CutClients { nodes }),
        ..NODE
    },
    Entry {
        kind: FaultKind::Slow,
        name: "slow",
        about: "messages between nodes are late by this much, in order",
        strength: Some(DELAY),
        needs: Power::Slow,
        make: Make::Links(|by| LinkChange::Slow { by: time(by) }),
        ..LINK
    },
    Entry {
        kind: FaultKind::Jitter,
        name: "jitter",
        about: "what nodes send each other is late by up to this much, each time by another, in order",
        evidence: "bytes that were late",
        strength: Some(DELAY),
        needs: Power::Jitter,
        make: Make::Links(|by| LinkChange::Jitter { by: time(by) }),
        ..LINK
    },
    Entry {
        kind: FaultKind::Throttle,
        name: "throttle",
        about: "links between nodes carry no more than this",
        evidence: "bytes that had to wait for their turn",
        strength: Some(strength(Unit::Bandwidth, 32, 256)),
        needs: Power::Throttle,
        make: Make::Links(|rate| LinkChange::Throttle { kb_per_s: rate.unsigned_abs() }),
        ..LINK
    },
    Entry {
        kind: FaultKind::Loss,
        name: "loss",
        about: "so many messages in a hundred between nodes never arrive",
        needs: Power::Lose,
        make: Make::Links(|share| LinkChange::Lose { percent: percent(share) }),
        ..LINK
    },
    Entry {
        kind: FaultKind::Duplicate,
        name: "duplicate",
        about: "so many messages in a hundred between nodes arrive twice",
        make: Make::Links(|share| LinkChange::Duplicate { percent: percent(share) }),
        ..LINK
    },
    Entry {
        kind: FaultKind::Reorder,
        name: "reorder",
        about: "messages between nodes are late by up to this much and overtake each other",
        strength: Some(DELAY),
        make: Make::Links(|by| LinkChange::Reorder { by: time(by) }),
        ..LINK
    },
    Entry {
        kind: FaultKind::Reset,
        name: "reset",
        about: "connections between nodes are reset, and again whenever this time has passed",
        strength: Some(strength(Unit::Time, 100, 500)),
        make: Make::Links(|by| LinkChange::Reset { every: time(by) }),
        ..CONNECTIONS
    },
    Entry {
        kind: FaultKind::Refuse,
        name: "refuse",
        about: "connections between nodes are reset, and new ones are refused",
        make: Make::Links(|_| LinkChange::Refuse),
        ..CONNECTIONS
    },
    Entry {
        kind: FaultKind::Hang,
        name: "hang",
        about: "connections between nodes are reset, and new ones are never answered",
        make: Make::Links(|_| LinkChange::Hang),
        ..CONNECTIONS
    },
    Entry {
        kind: FaultKind::HalfOpen,
        name: "half-open",
        about: "one end of each connection between nodes is gone, and the other is not told",
        make: Make::Links(|_| LinkChange::HalfOpen),
        ..CONNECTIONS
    },
    Entry {
        kind: FaultKind::Kill,
        name: "kill",
        about: "kills nodes (SIGKILL) and restarts them on their disks",
        aims: PROCESS,
        needs: Power::Kill,
        survived_as: Some("kill"),
        make: Make::Nodes(|nodes, _| Effect::Kill { nodes }),
        ..NODE
    },
    Entry {
        kind: FaultKind::Pause,
        name: "pause",
        about: "stops nodes (SIGSTOP) and lets them go on",
        evidence: "the process is in state T",
        undo: "it goes on (SIGCONT)",
        aims: PROCESS,
        needs: Power::Pause,
        survived_as: Some("pause"),
        toll: Toll::Stopped,
        make: Make::Nodes(|nodes, _| Effect::Pause { nodes }),
        ..NODE
    },
    Entry {
        kind: FaultKind::ClockStep,
        name: "clock:step",
        about: "wall time jumps by this much, and back at the end",
        strength: Some(strength(Unit::Offset, 100, 2000)),
        make: Make::Nodes(|nodes, by_ms| Effect::Clock { nodes, change: ClockChange::Step { by_ms } }),
        ..CLOCK
    },
    Entry {
        kind: FaultKind::ClockDrift,
        name: "clock:drift",
        about: "both clocks run fast or slow; wall time is right again at the end",
        // Beyond what any lease allows for, so that one that is held by such a clock shows.
        strength: Some(strength(Unit::Rate, 300, 800)),
        needs: Power::Drift,
        make: Make::Nodes(|nodes, ms_per_s| Effect::Clock { nodes, change: ClockChange::Drift { ms_per_s } }),
        ..CLOCK
    },
    Entry {
        kind: FaultKind::ClockStrobe,
        name: "clock:strobe",
        about: "wall time jumps to and fro by this much, several times a second",
        strength: Some(strength(Unit::Time, 50, 500)),
        make: Make::Nodes(|nodes, by_ms| Effect::Clock { nodes, change: ClockChange::Strobe { by_ms } }),
        ..CLOCK
    },
    Entry {
        kind: FaultKind::Power,
        name: "power",
        about: "kills nodes, and what was not forced to disk is gone",
        evidence: "records that were not forced to disk and are gone",
        needs: Power::PowerLoss,
        survived_as: Some("power"),
        make: Make::Nodes(|nodes, _| Effect::Power { nodes }),
        ..NODE
    },
    Entry {
        kind: FaultKind::DiskTorn,
        name: "disk:torn",
        about: "a node dies in the middle of a write, part of which stays on its disk",
        evidence: "bytes of the write that are left",
        survived_as: Some("power"),
        make: Make::Nodes(|nodes, _| Effect::Disk { nodes, change: DiskChange::Torn }),
        ..NODE
    },
    Entry {
        kind: FaultKind::DiskFlip,
        name: "disk:flip",
        about: "a node dies, and a bit in the middle of its log has flipped",
        evidence: "the byte in which a bit flipped",
        make: Make::Nodes(|nodes, _| Effect::Disk { nodes, change: DiskChange::Flip }),
        ..NODE
    },
    Entry {
        kind: FaultKind::DiskTruncate,
        name: "disk:truncate",
        about: "a node dies, and the end of its log, forced to disk or not, is gone",
        evidence: "bytes of the log that are left",
        make: Make::Nodes(|nodes, _| Effect::Disk { nodes, change: DiskChange::Truncate }),
        ..NODE
    },
    Entry {
        kind: FaultKind::DiskFull,
        name: "disk:full",
        about: "no write to disk succeeds",
        evidence: "the node is down once it has written",
        undo: "there is room again, and the node is started again",
        // To the others, a node with no room is a dead one.
        survived_as: Some("kill"),
        toll: Toll::Stopped,
        make: Make::Nodes(|nodes, _| Effect::Disk { nodes, change: DiskChange::Full }),
        ..NODE
    },
    Entry {
        kind: FaultKind::DiskSlow,
        name: "disk:slow",
        about: "every write to disk takes longer by this much",
        evidence: "the disk takes longer",
        undo: "writes take as long as before",
        strength: Some(strength(Unit::Time, 20, 200)),
        // To the others, a node with a slow disk is one that is paused.
        survived_as: Some("pause"),
        is_condition: true,
        toll: Toll::Working,
        make: Make::Nodes(|nodes, by| Effect::Disk { nodes, change: DiskChange::Slow { by: time(by) } }),
        ..NODE
    },
    Entry {
        kind: FaultKind::DiskLies,
        name: "disk:lies",
        about: "disks say of writes that they are safe, and a loss of power takes them",
        evidence: "the disk lies from then on",
        undo: "what is written from then on is safe when the disk says so",
        aims: NODES_ALL_FIRST,
        is_condition: true,
        toll: Toll::Working,
        make: Make::Nodes(|nodes, _| Effect::Disk { nodes, change: DiskChange::Lies }),
        ..NODE
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_entry_and_a_default_aim() {
        for (place, entry) in TABLE.iter().enumerate() {
            assert_eq!(entry.kind as usize, place, "{}", entry.name);
            assert!(!entry.name.is_empty() && !entry.about.is_empty() && !entry.aims.is_empty());
            let needs = match entry.make {
                Make::Cuts => Effect::Cut { from: Vec::new(), to: Vec::new() }.needs(),
                Make::Links(change) => {
                    Effect::Link { from: Vec::new(), to: Vec::new(), change: change(5) }.needs()
                }
                Make::Nodes(effect) => effect(Vec::new(), 5).needs(),
            };
            assert_eq!(needs, entry.needs, "{} needs what its effects need", entry.name);
        }
    }

    #[test]
    fn nodes_that_a_fault_takes_down_are_down_by_its_effects() {
        for entry in &TABLE {
            let Make::Nodes(effect) = entry.make else { continue };
            let downs = !effect(vec![Node(0)], 5).downs().is_empty();
            assert_eq!(downs, entry.toll != Toll::Working, "{}", entry.name);
        }
    }
}
