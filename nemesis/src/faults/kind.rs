//! The kinds of faults by name. What each of them is stands in [`super::table`].

use super::amount::Unit;
use super::table::{Entry, Make, TABLE, Toll};
use crate::Power;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Links between nodes.
    Partition,
    /// Links between clients and nodes.
    Clients,
    /// Messages between nodes are late, all by the same time.
    Slow,
    /// Messages between nodes are late, each by another time.
    Jitter,
    /// Links between nodes carry little.
    Throttle,
    /// Messages between nodes are lost.
    Loss,
    /// Messages between nodes arrive twice.
    Duplicate,
    /// Messages between nodes overtake each other.
    Reorder,
    /// Connections between nodes are reset, again and again.
    Reset,
    /// Nodes refuse each other's connections.
    Refuse,
    /// New connections between nodes are never answered.
    Hang,
    /// One end of a connection is gone, and the other is not told.
    HalfOpen,
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
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [Self::Partition; TABLE.len()];
        let mut place = 0;
        // No iterator runs in a constant.
        while place < all.len() {
            all[place] = TABLE[place].kind;
            place += 1;
        }
        all
    };

    pub(super) fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }

    /// `partition`, `clock:drift`.
    pub fn name(self) -> &'static str {
        self.entry().name
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
        self.entry().aims.iter().map(|aim| aim.name())
    }

    /// What it does, in a line.
    pub fn about(self) -> &'static str {
        self.entry().about
    }

    /// What shows that it had an effect, in words.
    pub fn evidence(self) -> &'static str {
        self.entry().evidence
    }

    /// How its end undoes it, in words.
    pub fn undo(self) -> &'static str {
        self.entry().undo
    }

    pub fn needs(self) -> Power {
        self.entry().needs
    }

    /// What a mode has to survive to keep its promise under it: `network`, `kill`, `pause`, `clock` or `power`; `None`
    /// for what no mode survives.
    pub fn survived_as(self) -> Option<&'static str> {
        self.entry().survived_as
    }

    /// Whether it hits links between nodes, of which there have to be two.
    pub(super) fn is_of_links(self) -> bool {
        matches!(self.entry().make, Make::Cuts | Make::Links(_))
    }

    /// Nodes that it hits do no work until it ends.
    pub(super) fn takes_down(self) -> bool {
        self.entry().toll != Toll::Working
    }

    /// Nodes that it hits die and are started again.
    pub fn crashes(self) -> bool {
        self.entry().toll == Toll::Dead
    }

    /// What `by=` is of, `None` where there is nothing to tell.
    pub(super) fn unit(self) -> Option<Unit> {
        self.entry().strength.as_ref().map(|strength| strength.unit)
    }
}
