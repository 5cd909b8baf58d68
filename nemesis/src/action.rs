//! What the nemesis does to a system.

use std::fmt;

use histories::{Nanos, Node};
use serde::{Deserialize, Serialize};

use crate::Power;

/// A fault that was begun, by its number in the run. It ends by the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub u64);

/// A step of the schedule. Cuts are counted: ending one fault leaves another's cut of the same link in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Puts all effects of a fault in force.
    Begin { fault: FaultId, name: String, effects: Vec<Effect> },
    /// Undoes them: links flow, processes run again (a killed one is restarted on its own disk).
    End { fault: FaultId, name: String, effects: Vec<Effect> },
    /// Undoes everything that is in force.
    EndAll,
}

/// One thing that can be done to a system, and undone. New kinds are added as backends learn them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing flows from any of `from` to any of `to`; the other way is not touched.
    Cut { from: Vec<Node>, to: Vec<Node> },
    /// No client reaches these nodes, and nothing comes back from them.
    CutClients { nodes: Vec<Node> },
    /// SIGKILL; the end restarts on the same disk.
    Kill { nodes: Vec<Node> },
    /// SIGSTOP; the end is SIGCONT.
    Pause { nodes: Vec<Node> },
    /// As a kill, and what was not forced to disk is gone; the end restarts.
    Power { nodes: Vec<Node> },
    /// What flows from any of `from` to any of `to` suffers; the other way is not touched.
    Link { from: Vec<Node>, to: Vec<Node>, change: LinkChange },
    /// The nodes' own clocks go wrong; the end sets them right.
    Clock { nodes: Vec<Node>, change: ClockChange },
    /// The nodes' disks go wrong.
    Disk { nodes: Vec<Node>, change: DiskChange },
}

impl Effect {
    /// What a target must be able to have done to it.
    pub fn needs(&self) -> Power {
        match self {
            Self::Cut { .. } => Power::Cut,
            Self::CutClients { .. } => Power::CutClients,
            Self::Kill { .. } => Power::Kill,
            Self::Pause { .. } => Power::Pause,
            Self::Power { .. } => Power::PowerLoss,
            Self::Link { change, .. } => change.needs(),
            Self::Clock { change: ClockChange::Drift { .. }, .. } => Power::Drift,
            Self::Clock { .. } => Power::Step,
            Self::Disk { .. } => Power::Disk,
        }
    }
}

impl Effect {
    /// Nodes that do no work while it is in force.
    pub fn downs(&self) -> &[Node] {
        match self {
            Self::Kill { nodes } | Self::Pause { nodes } | Self::Power { nodes } => nodes,
            Self::Disk { nodes, change } => match change {
                DiskChange::Torn | DiskChange::Flip | DiskChange::Truncate | DiskChange::Full => nodes,
                DiskChange::Slow { .. } | DiskChange::Lies => &[],
            },
            Self::Cut { .. } | Self::CutClients { .. } | Self::Link { .. } | Self::Clock { .. } => &[],
        }
    }

    /// Why it cannot be carried out in a cluster of so many nodes: for effects that were read from a file.
    pub fn refusal(&self, nodes: u16) -> Option<String> {
        const DAY: Nanos = Nanos::from_secs(86_400);
        const DAY_MS: u64 = 86_400_000;
        let strange = self.nodes().find(|node| node.0 >= nodes);
        if let Some(node) = strange {
            return Some(format!("{node} is named, and there are {nodes} nodes"));
        }
        let bounded = match self {
            Self::Link { change, .. } => match change {
                LinkChange::Slow { by } | LinkChange::Jitter { by } | LinkChange::Reorder { by } => {
                    *by <= DAY
                }
                LinkChange::Lose { percent } | LinkChange::Duplicate { percent } => *percent <= 100,
                LinkChange::Throttle { kb_per_s } => *kb_per_s > 0,
                LinkChange::Reset { every } => (Nanos::from_millis(1)..=DAY).contains(every),
                LinkChange::Refuse | LinkChange::Hang | LinkChange::HalfOpen => true,
            },
            Self::Clock { change, .. } => match change {
                ClockChange::Step { by_ms } | ClockChange::Strobe { by_ms } => by_ms.unsigned_abs() <= DAY_MS,
                ClockChange::Drift { ms_per_s } => (-999..=1_000_000).contains(ms_per_s),
            },
            Self::Disk { change: DiskChange::Slow { by }, .. } => *by <= DAY,
            Self::Disk { .. }
            | Self::Cut { .. }
            | Self::CutClients { .. }
            | Self::Kill { .. }
            | Self::Pause { .. }
            | Self::Power { .. } => true,
        };
        (!bounded).then(|| format!("{self:?} is out of bounds"))
    }

    fn nodes(&self) -> impl Iterator<Item = Node> {
        let (one, other): (&[Node], &[Node]) = match self {
            Self::Cut { from, to } | Self::Link { from, to, .. } => (from, to),
            Self::CutClients { nodes }
            | Self::Kill { nodes }
            | Self::Pause { nodes }
            | Self::Power { nodes }
            | Self::Clock { nodes, .. }
            | Self::Disk { nodes, .. } => (nodes, &[]),
        };
        one.iter().chain(other).copied()
    }

    /// The same on the links of the other direction.
    fn reversed(&self) -> Option<Self> {
        match self.clone() {
            Self::Cut { from, to } => Some(Self::Cut { from: to, to: from }),
            Self::Link { from, to, change } => Some(Self::Link { from: to, to: from, change }),
            _ => None,
        }
    }

    /// In words, where the other direction suffers the same.
    fn both_ways(&self) -> Option<String> {
        match self {
            Self::Cut { from, to } => Some(format!("cut {} | {}", names(from), names(to))),
            Self::Link { from, to, change } => Some(format!("{change}: {} | {}", names(from), names(to))),
            _ => None,
        }
    }
}

/// What becomes of messages on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkChange {
    /// Each is late by this much, one way.
    Slow { by: Nanos },
    /// So many in a hundred never arrive.
    Lose { percent: u8 },
    /// So many in a hundred arrive twice.
    Duplicate { percent: u8 },
    /// Each is late by up to this much, so that later ones overtake it.
    Reorder { by: Nanos },
    /// Each is late by up to this much, and none overtakes another.
    Jitter { by: Nanos },
    /// No more than so many kilobytes (of 1,000 bytes) a second flow.
    Throttle { kb_per_s: u64 },
    /// Connections are reset at once, and again whenever this time has passed.
    Reset { every: Nanos },
    /// Connections are reset, and new ones are refused.
    Refuse,
    /// Connections are reset, and new ones are never answered.
    Hang,
    /// The receiving end has lost its connections and the sending end is not told.
    HalfOpen,
}

impl LinkChange {
    fn needs(self) -> Power {
        match self {
            Self::Slow { .. } => Power::Slow,
            Self::Lose { .. } => Power::Lose,
            Self::Duplicate { .. } | Self::Reorder { .. } => Power::Unreliable,
            Self::Jitter { .. } => Power::Jitter,
            Self::Throttle { .. } => Power::Throttle,
            Self::Reset { .. } | Self::Refuse | Self::Hang | Self::HalfOpen => Power::Connections,
        }
    }
}

/// What a clock does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockChange {
    /// Wall time jumps, back where `by_ms` is negative. Monotonic time does not.
    Step { by_ms: i64 },
    /// Both clocks run fast by so many milliseconds a second, slow where negative (above -1,000).
    Drift { ms_per_s: i64 },
    /// Wall time jumps to and fro by this much, several times a second.
    Strobe { by_ms: i64 },
}

/// What a disk does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskChange {
    /// The node dies in the middle of a write, which leaves part of it behind.
    Torn,
    /// The node dies, and a bit in the middle of its log has flipped.
    Flip,
    /// The node dies, and the end of its log, synced or not, is gone.
    Truncate,
    /// No write succeeds.
    Full,
    /// Every write takes longer by this much.
    Slow { by: Nanos },
    /// Says that writes are safe which are not: what came since is gone at a power loss.
    Lies,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { from, to } => write!(f, "cut {} -> {}", names(from), names(to)),
            Self::CutClients { nodes } => write!(f, "cut clients from {}", names(nodes)),
            Self::Kill { nodes } => write!(f, "kill {}", names(nodes)),
            Self::Pause { nodes } => write!(f, "pause {}", names(nodes)),
            Self::Power { nodes } => write!(f, "power loss at {}", names(nodes)),
            Self::Link { from, to, change } if from == to => write!(f, "{change}: among {}", names(from)),
            Self::Link { from, to, change } => write!(f, "{change}: {} -> {}", names(from), names(to)),
            Self::Clock { nodes, change } => write!(f, "{change}: {}", names(nodes)),
            Self::Disk { nodes, change } => write!(f, "{change}: {}", names(nodes)),
        }
    }
}

impl fmt::Display for LinkChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow { by } => write!(f, "slow by {} ms", by.as_millis_f64()),
            Self::Lose { percent } => write!(f, "lose {percent} %"),
            Self::Duplicate { percent } => write!(f, "duplicate {percent} %"),
            Self::Reorder { by } => write!(f, "reorder within {} ms", by.as_millis_f64()),
            Self::Jitter { by } => write!(f, "late by up to {} ms", by.as_millis_f64()),
            Self::Throttle { kb_per_s } => write!(f, "at most {kb_per_s} KB/s"),
            Self::Reset { every } => write!(f, "reset every {} ms", every.as_millis_f64()),
            Self::Refuse => f.write_str("refuse connections"),
            Self::Hang => f.write_str("hang new connections"),
            Self::HalfOpen => f.write_str("half-open connections"),
        }
    }
}

impl fmt::Display for ClockChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Step { by_ms } => write!(f, "clock steps by {by_ms:+} ms"),
            Self::Drift { ms_per_s } => write!(f, "clock drifts by {ms_per_s:+} ms/s"),
            Self::Strobe { by_ms } => write!(f, "clock strobes by {by_ms} ms"),
        }
    }
}

impl fmt::Display for DiskChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Torn => f.write_str("torn write"),
            Self::Flip => f.write_str("flipped bit"),
            Self::Truncate => f.write_str("truncated log"),
            Self::Full => f.write_str("disk full"),
            Self::Slow { by } => write!(f, "disk slow by {} ms", by.as_millis_f64()),
            Self::Lies => f.write_str("disk that lies"),
        }
    }
}

/// `n1,n3`.
pub(crate) fn names(nodes: &[Node]) -> String {
    nodes.iter().map(Node::to_string).collect::<Vec<_>>().join(",")
}

/// What a fault does, in words; a cut both ways is written `cut n1 | n2,n3`.
pub(crate) fn describe_effects(effects: &[Effect]) -> String {
    let mut told = vec![false; effects.len()];
    let mut words = Vec::new();
    for (place, effect) in effects.iter().enumerate() {
        if told[place] {
            continue;
        }
        let back = effect.reversed().filter(|back| back != effect);
        let other_way = back.and_then(|back| {
            (place + 1..effects.len()).find(|&later| !told[later] && effects[later] == back)
        });
        words.push(match (other_way, effect.both_ways()) {
            (Some(later), Some(both)) => {
                told[later] = true;
                both
            }
            _ => effect.to_string(),
        });
    }
    words.join("; ")
}
