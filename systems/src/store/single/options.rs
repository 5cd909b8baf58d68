//! The options of a single-leader store, parsed from `single/quorum[read=lease,sync=never]`.
//!
//! Says nothing of what an option promises: see [`super::presets`].

use std::fmt;

use histories::Nanos;

use crate::store::words::{duration, nearest, option_values, text};
use crate::store::{Bug, Sync};

option_values! {
    /// How fresh a read is, and who answers it.
    Read, "read" {
        Index = "index",
        Lease = "lease",
        Leader = "leader",
        Follower = "follower",
        Session = "session",
        Recent = "recent",
        Tail = "tail",
    }
}

option_values! {
    /// What an entry of the log carries.
    Format, "format" {
        Log = "log",
        Stream = "stream",
        Data = "data",
    }
}

option_values! {
    /// Who may lead next.
    Promotion, "promotion" {
        Complete = "complete",
        Any = "any",
    }
}

option_values! {
    /// What stops a deposed leader.
    Fencing, "fencing" {
        Term = "term",
        Lease = "lease",
        None = "none",
    }
}

option_values! {
    /// What transactions see of each other.
    Isolation, "isolation" {
        Serializable = "serializable",
        Snapshot = "snapshot",
        ReadCommitted = "read-committed",
        ReadUncommitted = "read-uncommitted",
    }
}

impl Isolation {
    /// Whether a transaction sees what was there when it began, and not what is there at each step.
    pub(super) fn reads_snapshot(self) -> bool {
        match self {
            Self::Serializable | Self::Snapshot => true,
            Self::ReadCommitted | Self::ReadUncommitted => false,
        }
    }
}

option_values! {
    /// In which order a replica applies what is committed.
    Apply, "apply" {
        InOrder = "in-order",
        Parallel = "parallel",
    }
}

/// When a write is committed, and so acknowledged, applied and served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ack {
    /// On every member's disk.
    All,
    /// On the tail's disk, which entries reach through every other member of the chain.
    Chain,
    /// On the leader's disk and on that of this many followers.
    Any(u16),
    Majority,
    /// On the leader's disk.
    None,
}

impl Ack {
    fn parse(text: &str) -> Result<Self, String> {
        const KNOWN: [&str; 5] = ["all", "chain", "any 1", "majority", "none"];
        match text {
            "all" => Ok(Self::All),
            "chain" => Ok(Self::Chain),
            "majority" => Ok(Self::Majority),
            "none" => Ok(Self::None),
            _ => match text.strip_prefix("any").map(|count| count.trim().parse()) {
                Some(Ok(count)) if count > 0 => Ok(Self::Any(count)),
                Some(_) => Err(format!("ack = {text:?}: `any` takes a number of followers from 1, `any 1`")),
                None => Err(format!("ack has no value {text:?}; {}", nearest(text, KNOWN))),
            },
        }
    }
}

impl fmt::Display for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Chain => f.write_str("chain"),
            Self::Any(count) => write!(f, "any {count}"),
            Self::Majority => f.write_str("majority"),
            Self::None => f.write_str("none"),
        }
    }
}

/// How long things take. All of it is monotonic time, by each node's own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    pub heartbeat: Nanos,
    /// Election time-outs are drawn between these two.
    pub election_min: Nanos,
    pub election_max: Nanos,
    /// For how long a voter refuses its vote after it last heard the leader. Below `election_min`.
    pub lease: Nanos,
    /// By how much, in percent, a clock may run fast or slow without breaking a lease.
    pub drift_percent: u64,
    /// How often a leader ships its log under `ack=none`.
    pub ship_interval: Nanos,
    /// For how long after a write a client reads its key by index under `read=recent`.
    pub recent_window: Nanos,
    /// For how long a chain waits for a silent or lagging member before it is dropped.
    pub repair: Nanos,
    /// For how long a read waits for a watermark, and a forwarded request for its answer.
    pub wait: Nanos,
    /// Between two steps of a transaction, on average.
    pub pause: Nanos,
    /// For how long at most a replica that applies in parallel puts an entry off.
    pub delay: Nanos,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat: Nanos::from_millis(50),
            election_min: Nanos::from_millis(400),
            election_max: Nanos::from_millis(800),
            lease: Nanos::from_millis(350),
            drift_percent: 5,
            ship_interval: Nanos::from_millis(20),
            recent_window: Nanos::from_millis(1000),
            repair: Nanos::from_millis(300),
            wait: Nanos::from_millis(2000),
            pause: Nanos::from_millis(4),
            delay: Nanos::from_millis(60),
        }
    }
}

impl Timing {
    /// How long a leader may rely on a round that a majority confirmed, counted from when it was sent: even when its
    /// own clock is slow by the bound and the voters' are fast by it, they still refuse their votes.
    pub fn leader_lease(&self) -> Nanos {
        Nanos(self.lease.0 * (100 - self.drift_percent) / (100 + self.drift_percent))
    }
}

/// A single-leader store, fully specified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub ack: Ack,
    pub read: Read,
    pub format: Format,
    pub promotion: Promotion,
    pub fencing: Fencing,
    pub sync: Sync,
    pub isolation: Isolation,
    pub apply: Apply,
    pub timing: Timing,
    /// The log is compacted once it holds more entries than this.
    pub snapshot_entries: usize,
    /// Planted, to be found.
    pub bug: Option<Bug>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ack: Ack::Majority,
            read: Read::Index,
            format: Format::Log,
            promotion: Promotion::Complete,
            fencing: Fencing::Term,
            sync: Sync::Always,
            isolation: Isolation::Serializable,
            apply: Apply::InOrder,
            timing: Timing::default(),
            snapshot_entries: 10_000,
            bug: None,
        }
    }
}

impl Options {
    /// The names that go in brackets.
    pub const NAMES: [&'static str; 18] = [
        "ack",
        "read",
        "format",
        "promotion",
        "fencing",
        "sync",
        "ship-interval",
        "heartbeat",
        "election",
        "lease",
        "drift",
        "window",
        "repair",
        "snapshot",
        "isolation",
        "apply",
        "pause",
        "delay",
    ];

    /// Sets one option by name.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let timing = &mut self.timing;
        match name {
            "ack" => self.ack = Ack::parse(value)?,
            "read" => self.read = Read::parse(value)?,
            "format" => self.format = Format::parse(value)?,
            "promotion" => self.promotion = Promotion::parse(value)?,
            "fencing" => self.fencing = Fencing::parse(value)?,
            "sync" => self.sync = Sync::parse(value)?,
            "ship-interval" => timing.ship_interval = duration(name, value)?,
            "heartbeat" => timing.heartbeat = duration(name, value)?,
            "election" => {
                let (min, max) = value
                    .split_once("..")
                    .ok_or_else(|| format!("election = {value:?}: give a range, 400ms..800ms"))?;
                timing.election_min = duration(name, min)?;
                timing.election_max = duration(name, max)?;
            }
            "lease" => timing.lease = duration(name, value)?,
            "drift" => timing.drift_percent = percent(value)?,
            "window" => timing.recent_window = duration(name, value)?,
            "repair" => timing.repair = duration(name, value)?,
            "snapshot" => {
                self.snapshot_entries =
                    value.parse().ok().filter(|entries| *entries >= 4).ok_or_else(|| {
                        format!("snapshot = {value:?}: give a number of log entries, at least 4")
                    })?;
            }
            "isolation" => self.isolation = Isolation::parse(value)?,
            "apply" => self.apply = Apply::parse(value)?,
            "pause" => timing.pause = duration(name, value)?,
            "delay" => timing.delay = duration(name, value)?,
            "bug" => self.bug = Some(Bug::of("single txn", value)?),
            other => {
                return Err(format!(
                    "a single-leader mode has no option {other:?}; {}",
                    nearest(other, Self::NAMES)
                ));
            }
        }
        Ok(())
    }

    /// Every option with its value, in the order of [`Self::NAMES`].
    pub fn resolved(&self) -> Vec<(String, String)> {
        let timing = &self.timing;
        let values = [
            self.ack.to_string(),
            self.read.to_string(),
            self.format.to_string(),
            self.promotion.to_string(),
            self.fencing.to_string(),
            self.sync.to_string(),
            text(timing.ship_interval),
            text(timing.heartbeat),
            format!("{}..{}", text(timing.election_min), text(timing.election_max)),
            text(timing.lease),
            format!("{}%", timing.drift_percent),
            text(timing.recent_window),
            text(timing.repair),
            self.snapshot_entries.to_string(),
            self.isolation.to_string(),
            self.apply.to_string(),
            text(timing.pause),
            text(timing.delay),
        ];
        let bug = self.bug.map(|bug| ("bug".to_owned(), bug.to_string()));
        Self::NAMES.into_iter().map(str::to_owned).zip(values).chain(bug).collect()
    }

    pub(super) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Refuses what no group of `nodes` can do, with the reason.
    pub fn validate(&self, nodes: u16) -> Result<(), String> {
        let Timing { heartbeat, election_min, election_max, lease, .. } = self.timing;
        let refuse = |what: &str| Err(what.to_owned());
        match (self.ack, self.read) {
            _ if nodes == 0 => return refuse("a store needs at least one node"),
            (Ack::Any(count), _) if count >= nodes => {
                return Err(format!(
                    "ack=any {count} needs {count} followers, and {nodes} nodes leave {}",
                    nodes - 1
                ));
            }
            (Ack::Chain, read) if read != Read::Tail => {
                return Err(format!("ack=chain answers reads at its tail: read=tail, not read={read}"));
            }
            (ack, Read::Tail) if ack != Ack::Chain => {
                return Err(format!("read=tail needs a chain: ack=chain, not ack={ack}"));
            }
            _ => {}
        }
        if self.ack == Ack::Chain && self.promotion == Promotion::Any {
            return refuse(
                "a chain is led by a member of its newest epoch: ack=chain excludes promotion=any",
            );
        }
        if self.fencing == Fencing::None && self.ack == Ack::Chain {
            return refuse("a chain is fenced by its epoch: ack=chain excludes fencing=none");
        }
        if self.fencing == Fencing::None && matches!(self.read, Read::Index | Read::Lease | Read::Recent) {
            return Err(format!(
                "read={} asks a majority who leads, and without fencing it has no answer: use read=leader",
                self.read
            ));
        }
        if self.apply == Apply::Parallel {
            self.validate_parallel()?;
        }
        if self.ack != Ack::None && self.timing.ship_interval != Timing::default().ship_interval {
            return Err(format!("ship-interval delays ack=none only; ack={} ships at once", self.ack));
        }
        if !(heartbeat < lease && lease < election_min && election_min < election_max) {
            return refuse("times have to rise: heartbeat < lease < election minimum < election maximum");
        }
        Ok(())
    }

    /// What is applied out of order must not be taken back, and says what it depends on.
    fn validate_parallel(&self) -> Result<(), String> {
        if self.isolation != Isolation::Snapshot {
            return Err(format!(
                "apply=parallel keeps parallel snapshots: isolation=snapshot, not isolation={}",
                self.isolation
            ));
        }
        if self.format != Format::Log {
            return Err(format!(
                "apply=parallel has to know what entries depend on: format=log, not format={}",
                self.format
            ));
        }
        if !self.keeps_commits() {
            return Err("apply=parallel takes nothing back: it needs a mode that loses no entries".to_owned());
        }
        Ok(())
    }

    /// Neither an acknowledged nor an applied entry is ever replaced.
    pub fn keeps_commits(&self) -> bool {
        matches!(self.ack, Ack::All | Ack::Chain | Ack::Majority)
            && self.promotion == Promotion::Complete
            && self.fencing != Fencing::None
    }

    /// A leader that hears no majority gives up, and nobody campaigns who could not win.
    pub(crate) fn cautious(&self) -> bool {
        self.fencing == Fencing::Lease
            || !(self.read == Read::Leader || self.ack == Ack::None || self.fencing == Fencing::None)
    }
}

fn percent(value: &str) -> Result<u64, String> {
    value
        .trim_end_matches('%')
        .parse()
        .ok()
        .filter(|percent| *percent < 100)
        .ok_or_else(|| format!("drift = {value:?}: give a percentage below 100, 5%"))
}
