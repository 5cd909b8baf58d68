//! The options of a leaderless store, parsed from `leaderless/quorum[n=3,r=1]`.
//!
//! Says nothing of what an option promises: see [`super::presets`].

use std::fmt;

use histories::Nanos;

use crate::store::words::{duration, nearest, option_values, text};
use crate::store::{Bug, Sync};

option_values! {
    /// What orders the writes of a key.
    Versions, "versions" {
        // One more than the highest that a quorum has.
        Tag = "tag",
        // The coordinator's wall clock: the last write wins.
        Timestamp = "timestamp",
        // Who has seen what: concurrent versions are kept side by side until a write quotes them.
        Vector = "vector",
    }
}

option_values! {
    /// Whether something is done at all.
    Switch, "a switch" {
        On = "on",
        Off = "off",
    }
}

impl Switch {
    pub const fn on(self) -> bool {
        matches!(self, Self::On)
    }
}

/// A number of members, which may depend on how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    All,
    Majority,
    These(u16),
}

impl Count {
    fn parse(name: &str, value: &str) -> Result<Self, String> {
        match value {
            "all" => Ok(Self::All),
            "majority" => Ok(Self::Majority),
            number => match number.parse() {
                Ok(count) if count > 0 => Ok(Self::These(count)),
                _ => Err(format!("{name} = {value:?}: give a number from 1, `majority` or `all`")),
            },
        }
    }

    pub const fn of(self, all: u16) -> u16 {
        match self {
            Self::All => all,
            Self::Majority => all / 2 + 1,
            Self::These(count) => count,
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Majority => f.write_str("majority"),
            Self::These(count) => write!(f, "{count}"),
        }
    }
}

/// How long things take. All of it is monotonic time, by each node's own clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Who has not answered is asked again, and a sloppy quorum asks one member more.
    pub retry: Nanos,
    /// For how long a member may fail to answer until a hint is kept for it.
    pub hint_after: Nanos,
    /// How often hints are offered to whom they are for.
    pub handoff: Nanos,
    /// How often a member compares what it holds with the next other one; `None`: never.
    pub anti_entropy: Option<Nanos>,
    /// For how long a quorum is waited for.
    pub wait: Nanos,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            retry: Nanos::from_millis(50),
            hint_after: Nanos::from_millis(200),
            handoff: Nanos::from_millis(250),
            anti_entropy: Some(Nanos::from_millis(500)),
            wait: Nanos::from_millis(2000),
        }
    }
}

/// A leaderless store, fully specified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many members hold a key.
    pub n: Count,
    /// How many of them a read asks, and a write is stored on.
    pub r: Count,
    pub w: Count,
    pub versions: Versions,
    /// A read answers once what it saw is stored on `w` members.
    pub write_back: Switch,
    /// What a read finds out of date is mended behind its back.
    pub read_repair: Switch,
    /// Who coordinates a write keeps it for members that do not answer.
    pub handoff: Switch,
    /// Members that do not hold the key stand in for those that do not answer.
    pub sloppy: Switch,
    pub sync: Sync,
    pub timing: Timing,
    /// The log is compacted once it holds this many records more than twice what is stored.
    pub snapshot_records: usize,
    /// Planted, to be found.
    pub bug: Option<Bug>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            n: Count::All,
            r: Count::Majority,
            w: Count::Majority,
            versions: Versions::Timestamp,
            write_back: Switch::Off,
            read_repair: Switch::On,
            handoff: Switch::On,
            sloppy: Switch::Off,
            sync: Sync::Always,
            timing: Timing::default(),
            snapshot_records: 10_000,
            bug: None,
        }
    }
}

impl Options {
    const NAMES: [&'static str; 15] = [
        "n",
        "r",
        "w",
        "versions",
        "write-back",
        "read-repair",
        "handoff",
        "sloppy",
        "anti-entropy",
        "sync",
        "retry",
        "hint-after",
        "handoff-interval",
        "wait",
        "snapshot",
    ];

    /// Sets one option by name; the error names the nearest known.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let switch = || Switch::parse(value).map_err(|_| format!("{name} = {value:?}: give `on` or `off`"));
        let timing = &mut self.timing;
        match name {
            "n" if value == "majority" => {
                return Err("n = \"majority\": give a number from 1, or `all`".to_owned());
            }
            "n" => self.n = Count::parse(name, value)?,
            "r" => self.r = Count::parse(name, value)?,
            "w" => self.w = Count::parse(name, value)?,
            "versions" => self.versions = Versions::parse(value)?,
            "write-back" => self.write_back = switch()?,
            "read-repair" => self.read_repair = switch()?,
            "handoff" => self.handoff = switch()?,
            "sloppy" => self.sloppy = switch()?,
            "anti-entropy" if value == "off" => timing.anti_entropy = None,
            "anti-entropy" => timing.anti_entropy = Some(duration(name, value)?),
            "sync" => self.sync = Sync::parse(value)?,
            "retry" => timing.retry = duration(name, value)?,
            "hint-after" => timing.hint_after = duration(name, value)?,
            "handoff-interval" => timing.handoff = duration(name, value)?,
            "wait" => timing.wait = duration(name, value)?,
            "snapshot" => {
                self.snapshot_records =
                    value.parse().ok().filter(|records| *records >= 4).ok_or_else(|| {
                        format!("snapshot = {value:?}: give a number of records, at least 4")
                    })?;
            }
            "bug" => self.bug = Some(Bug::of("leaderless", value)?),
            other => {
                return Err(format!(
                    "a leaderless mode has no option {other:?}; {}",
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
            self.n.to_string(),
            self.r.to_string(),
            self.w.to_string(),
            self.versions.to_string(),
            self.write_back.to_string(),
            self.read_repair.to_string(),
            self.handoff.to_string(),
            self.sloppy.to_string(),
            timing.anti_entropy.map_or_else(|| "off".to_owned(), text),
            self.sync.to_string(),
            text(timing.retry),
            text(timing.hint_after),
            text(timing.handoff),
            text(timing.wait),
            self.snapshot_records.to_string(),
        ];
        let bug = self.bug.map(|bug| ("bug".to_owned(), bug.to_string()));
        Self::NAMES.into_iter().map(str::to_owned).zip(values).chain(bug).collect()
    }

    pub(super) fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Refuses what no group of `nodes` can do, with the reason.
    pub fn validate(&self, nodes: u16) -> Result<(), String> {
        if nodes == 0 {
            return Err("a store needs at least one node".to_owned());
        }
        let homes = self.homes(nodes);
        if homes > nodes {
            return Err(format!("n={homes} members cannot hold a key: there are {nodes} nodes"));
        }
        for (name, count) in [("r", self.r.of(homes)), ("w", self.w.of(homes))] {
            if count > homes {
                return Err(format!("{name}={count} needs {count} members, and a key is held by n={homes}"));
            }
        }
        if self.sloppy.on() && homes == nodes {
            return Err(format!(
                "a sloppy quorum needs members to stand in for others: n={homes} of {nodes} nodes leaves none"
            ));
        }
        if self.sloppy.on() && !self.handoff.on() {
            return Err("who stands in has to hand over: sloppy=on needs handoff=on".to_owned());
        }
        if self.write_back.on() && self.versions == Versions::Timestamp {
            return Err(
                "write-back serves to order reads by what was seen: versions=tag or vector, not timestamp"
                    .to_owned(),
            );
        }
        let Timing { retry, hint_after, wait, .. } = self.timing;
        if !(retry < hint_after && hint_after < wait) {
            return Err("times have to rise: retry < hint-after < wait".to_owned());
        }
        Ok(())
    }

    /// How many members hold a key, of `nodes`.
    pub fn homes(&self, nodes: u16) -> u16 {
        self.n.of(nodes)
    }

    /// Every read meets every write that was acknowledged before it, whatever the number of nodes turns out to be.
    pub fn overlaps(&self) -> bool {
        const NODES_MAX: u16 = 256;
        let meet = |nodes| {
            let homes = self.homes(nodes);
            self.validate(nodes).is_err() || self.r.of(homes) + self.w.of(homes) > homes
        };
        !self.sloppy.on() && (1..=NODES_MAX).all(meet)
    }
}
