//! What a fault breaks: its name, what it takes, and what it is to those who have to live with it. It never says whom
//! or when.

use histories::{Nanos, Node};

use super::aim::Aim;
use super::amount::Unit;
use crate::{ClockChange, DiskChange, Effect, LinkChange, Powers};

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Links between nodes.
    Partition,
    /// Links between clients and nodes.
    Clients,
    /// Messages between nodes are late, all by the same time.
    Slow,
    /// Messages between nodes are lost.
    Loss,
    /// Messages between nodes arrive twice.
    Duplicate,
    /// Messages between nodes overtake each other.
    Reorder,
    /// SIGKILL, then a restart on the same disk.
    Kill,
    /// SIGSTOP, then SIGCONT.
    Pause,
    /// Wall time jumps.
    ClockStep,
    /// Clocks run fast or slow.
    ClockDrift,
    /// Wall time jumps to and fro.
    ClockStrobe,
    /// A kill that takes with it what was not forced to disk.
    Power,
    /// A death in the middle of a write.
    DiskTorn,
    /// A bit of the log flips.
    DiskFlip,
    /// The log's end is gone.
    DiskTruncate,
    /// No room for another write.
    DiskFull,
    /// Writes take long.
    DiskSlow,
    /// Writes are said to be safe and are not.
    DiskLies,
}

impl FaultKind {
    pub const ALL: [Self; 18] = [
        Self::Partition,
        Self::Clients,
        Self::Slow,
        Self::Loss,
        Self::Duplicate,
        Self::Reorder,
        Self::Kill,
        Self::Pause,
        Self::ClockStep,
        Self::ClockDrift,
        Self::ClockStrobe,
        Self::Power,
        Self::DiskTorn,
        Self::DiskFlip,
        Self::DiskTruncate,
        Self::DiskFull,
        Self::DiskSlow,
        Self::DiskLies,
    ];

    /// `partition`, `clock:drift`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Clients => "clients",
            Self::Slow => "slow",
            Self::Loss => "loss",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::ClockStep => "clock:step",
            Self::ClockDrift => "clock:drift",
            Self::ClockStrobe => "clock:strobe",
            Self::Power => "power",
            Self::DiskTorn => "disk:torn",
            Self::DiskFlip => "disk:flip",
            Self::DiskTruncate => "disk:truncate",
            Self::DiskFull => "disk:full",
            Self::DiskSlow => "disk:slow",
            Self::DiskLies => "disk:lies",
        }
    }

    /// As it is written, with an example of its amount, `clock:drift[:by=20ms/s]`.
    pub fn form(self) -> String {
        match self.unit() {
            Some(unit) => format!("{}[:by={}]", self.name(), unit.example()),
            None => self.name().to_owned(),
        }
    }

    /// Every aim by name, the default first.
    pub fn aims(self) -> impl Iterator<Item = &'static str> {
        Aim::of(self).iter().map(|aim| aim.name())
    }

    /// One line for `partita list faults`.
    pub fn about(self) -> &'static str {
        match self {
            Self::Partition => "cuts links between nodes, each direction by itself",
            Self::Clients => "cuts every client from some nodes, both ways",
            Self::Slow => "messages between nodes are late by this much, in order",
            Self::Loss => "so many messages in a hundred between nodes never arrive",
            Self::Duplicate => "so many messages in a hundred between nodes arrive twice",
            Self::Reorder => "messages between nodes are late by up to this much and overtake each other",
            Self::Kill => "kills nodes (SIGKILL) and restarts them on their disks",
            Self::Pause => "stops nodes (SIGSTOP) and lets them go on",
            Self::ClockStep => "wall time jumps by this much, and back at the end",
            Self::ClockDrift => "both clocks run fast or slow; wall time is right again at the end",
            Self::ClockStrobe => "wall time jumps to and fro by this much, several times a second",
            Self::Power => "kills nodes, and what was not forced to disk is gone",
            Self::DiskTorn => "a node dies in the middle of a write, part of which stays on its disk",
            Self::DiskFlip => "a node dies, and a bit in the middle of its log has flipped",
            Self::DiskTruncate => "a node dies, and the end of its log, forced to disk or not, is gone",
            Self::DiskFull => "no write to disk succeeds",
            Self::DiskSlow => "every write to disk takes longer by this much",
            Self::DiskLies => "disks say of writes that they are safe, and a loss of power takes them",
        }
    }

    pub fn needs(self) -> Powers {
        let none = Powers::default();
        match self {
            Self::Partition => Powers { cut: true, ..none },
            Self::Clients => Powers { cut_clients: true, ..none },
            Self::Slow => Powers { slow: true, ..none },
            Self::Loss | Self::Duplicate | Self::Reorder => Powers { unreliable: true, ..none },
            Self::Kill => Powers { kill: true, ..none },
            Self::Pause => Powers { pause: true, ..none },
            Self::ClockStep | Self::ClockStrobe => Powers { step: true, ..none },
            Self::ClockDrift => Powers { drift: true, ..none },
            Self::Power => Powers { power: true, ..none },
            Self::DiskTorn
            | Self::DiskFlip
            | Self::DiskTruncate
            | Self::DiskFull
            | Self::DiskSlow
            | Self::DiskLies => Powers { disk: true, ..none },
        }
    }

    /// What a mode has to survive to keep its promise under it: `network`, `kill`, `pause`, `clock` or `power`; `None`
    /// for what nobody survives.
    pub fn survived_as(self) -> Option<&'static str> {
        match self {
            Self::Partition | Self::Clients | Self::Slow | Self::Loss | Self::Duplicate | Self::Reorder => {
                Some("network")
            }
            // To the others, a node with no room is a dead one, and a node with a slow disk one that is paused.
            Self::Kill | Self::DiskFull => Some("kill"),
            Self::Pause | Self::DiskSlow => Some("pause"),
            Self::ClockStep | Self::ClockDrift | Self::ClockStrobe => Some("clock"),
            Self::Power | Self::DiskTorn => Some("power"),
            Self::DiskFlip | Self::DiskTruncate | Self::DiskLies => None,
        }
    }

    /// It makes conditions worse rather than break something, so it lasts, and others begin and end meanwhile.
    pub(super) fn is_condition(self) -> bool {
        match self {
            Self::Slow
            | Self::Loss
            | Self::Duplicate
            | Self::Reorder
            | Self::ClockStep
            | Self::ClockDrift
            | Self::ClockStrobe
            | Self::DiskSlow
            | Self::DiskLies => true,
            Self::Partition
            | Self::Clients
            | Self::Kill
            | Self::Pause
            | Self::Power
            | Self::DiskTorn
            | Self::DiskFlip
            | Self::DiskTruncate
            | Self::DiskFull => false,
        }
    }

    /// Nodes that it hits do no work until it ends.
    pub(super) fn takes_down(self) -> bool {
        self.crashes() || matches!(self, Self::Pause | Self::DiskFull)
    }

    /// Nodes that it hits die and are started again.
    pub(super) fn crashes(self) -> bool {
        matches!(self, Self::Kill | Self::Power | Self::DiskTorn | Self::DiskFlip | Self::DiskTruncate)
    }

    /// What `by=` is of, `None` where there is nothing to tell.
    pub(super) fn unit(self) -> Option<Unit> {
        match self {
            Self::Slow | Self::Reorder | Self::ClockStrobe | Self::DiskSlow => Some(Unit::Time),
            Self::Loss | Self::Duplicate => Some(Unit::Percent),
            Self::ClockStep => Some(Unit::Offset),
            Self::ClockDrift => Some(Unit::Rate),
            Self::Partition
            | Self::Clients
            | Self::Kill
            | Self::Pause
            | Self::Power
            | Self::DiskTorn
            | Self::DiskFlip
            | Self::DiskTruncate
            | Self::DiskFull
            | Self::DiskLies => None,
        }
    }

    /// What is drawn from where nobody says `by=`, in its unit; an offset or a rate has either sign. A drift is beyond what
    /// any lease allows for, so that one that is held by such a clock shows.
    pub(super) fn amounts(self) -> (i64, i64) {
        match self {
            // A round trip stays below what elections wait for: slow is not cut.
            Self::Slow | Self::Reorder => (20, 80),
            Self::Loss | Self::Duplicate => (5, 30),
            Self::ClockStep => (100, 2000),
            Self::ClockDrift => (300, 800),
            Self::ClockStrobe => (50, 500),
            Self::DiskSlow => (20, 200),
            _ => (0, 0),
        }
    }

    /// What becomes of messages, `None` where it is no matter of links.
    pub(super) fn link_change(self, amount: i64) -> Option<LinkChange> {
        let by = Nanos::from_millis(amount.unsigned_abs());
        let percent = u8::try_from(amount).unwrap_or(100).min(100);
        match self {
            Self::Slow => Some(LinkChange::Slow { by }),
            Self::Loss => Some(LinkChange::Lose { percent }),
            Self::Duplicate => Some(LinkChange::Duplicate { percent }),
            Self::Reorder => Some(LinkChange::Reorder { by }),
            _ => None,
        }
    }

    /// What is done to nodes; `None` where it is a matter of links between them.
    pub(super) fn effect(self, nodes: Vec<Node>, amount: i64) -> Option<Effect> {
        let disk = |nodes, change| Some(Effect::Disk { nodes, change });
        let clock = |nodes, change| Some(Effect::Clock { nodes, change });
        match self {
            Self::Clients => Some(Effect::CutClients { nodes }),
            Self::Kill => Some(Effect::Kill { nodes }),
            Self::Pause => Some(Effect::Pause { nodes }),
            Self::Power => Some(Effect::Power { nodes }),
            Self::ClockStep => clock(nodes, ClockChange::Step { by_ms: amount }),
            Self::ClockDrift => clock(nodes, ClockChange::Drift { ms_per_s: amount }),
            Self::ClockStrobe => clock(nodes, ClockChange::Strobe { by_ms: amount }),
            Self::DiskTorn => disk(nodes, DiskChange::Torn),
            Self::DiskFlip => disk(nodes, DiskChange::Flip),
            Self::DiskTruncate => disk(nodes, DiskChange::Truncate),
            Self::DiskFull => disk(nodes, DiskChange::Full),
            Self::DiskSlow => disk(nodes, DiskChange::Slow { by: Nanos::from_millis(amount.unsigned_abs()) }),
            Self::DiskLies => disk(nodes, DiskChange::Lies),
            Self::Partition | Self::Slow | Self::Loss | Self::Duplicate | Self::Reorder => None,
        }
    }
}
