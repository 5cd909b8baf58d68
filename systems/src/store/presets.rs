//! The named modes as data: what each promises, what each gives up, and under which faults that shows.
//!
//! A promise is derived from the options, so a changed option changes it too; nothing here runs a protocol.

use histories::{AnomalyKind, ModelName};

use super::options::{Ack, Fencing, Options, Read};
use super::words::nearest;
use crate::{Mode, Routing, Show};

/// A preset: options that differ from the defaults, and what no option tells.
struct Preset {
    name: &'static str,
    options: &'static [(&'static str, &'static str)],
    nodes: u16,
    shows: &'static [Gap],
    figures: &'static [&'static str],
    about: &'static str,
}

/// A [`Show`] as a constant.
struct Gap {
    model: ModelName,
    kinds: &'static [AnomalyKind],
    under: &'static [&'static str],
    live: bool,
}

const STALE: &[AnomalyKind] = &[AnomalyKind::StaleRead];
const LOST: &[AnomalyKind] = &[AnomalyKind::LostWrite, AnomalyKind::SplitBrain];

const PRESETS: &[Preset] = &[
    Preset {
        name: "single/quorum",
        options: &[],
        nodes: 3,
        shows: &[],
        figures: &["fail-over time when the leader is killed"],
        about: "a majority acknowledges writes; reads by the leader, confirmed by a majority",
    },
    Preset {
        name: "single/sync",
        options: &[("ack", "all")],
        nodes: 3,
        shows: &[],
        figures: &["write availability with one node cut off"],
        about: "every follower acknowledges each write: one that is cut off stops writes",
    },
    Preset {
        name: "single/chain",
        options: &[("ack", "chain"), ("read", "tail")],
        nodes: 3,
        shows: &[],
        figures: &["write latency per hop", "availability while the chain is repaired"],
        about: "entries run from head to tail; the tail acknowledges and answers reads",
    },
    Preset {
        name: "single/lease",
        options: &[("read", "lease")],
        nodes: 3,
        shows: &[Gap {
            model: ModelName::Linearizable,
            kinds: STALE,
            under: &["clock:drift:leader", "partition:leader"],
            live: false,
        }],
        figures: &["read latency against single/quorum"],
        about: "the leader reads on its own while its lease lasts, as long as clocks drift less than the bound",
    },
    Preset {
        name: "single/leader-read",
        options: &[("read", "leader")],
        nodes: 3,
        shows: &[Gap {
            model: ModelName::Linearizable,
            kinds: STALE,
            under: &["partition:leader"],
            live: true,
        }],
        figures: &["staleness of reads by a deposed leader"],
        about: "whoever believes it leads answers reads, unconfirmed",
    },
    Preset {
        name: "single/semi-sync",
        options: &[("ack", "any 1"), ("read", "leader"), ("promotion", "any")],
        nodes: 5,
        shows: &[Gap {
            model: ModelName::Durability,
            kinds: LOST,
            // With the leader cut off alone nobody acknowledges for it; with a follower on its side it goes on.
            under: &["partition:minority"],
            live: true,
        }],
        figures: &["acknowledged writes lost"],
        about: "one follower acknowledges writes, and any follower may be promoted",
    },
    Preset {
        name: "single/async",
        options: &[("ack", "none"), ("read", "leader"), ("promotion", "any")],
        nodes: 3,
        shows: &[
            Gap { model: ModelName::Durability, kinds: LOST, under: &["kill:leader"], live: true },
            Gap { model: ModelName::Durability, kinds: LOST, under: &["partition:leader"], live: true },
        ],
        figures: &["acknowledged writes lost", "replication lag"],
        about: "the leader alone acknowledges writes, and ships them every 20 ms",
    },
    Preset {
        name: "single/follower-read",
        options: &[("read", "follower")],
        nodes: 3,
        shows: &[
            Gap { model: ModelName::Linearizable, kinds: &[], under: &[], live: true },
            Gap { model: ModelName::Linearizable, kinds: &[], under: &["partition:one"], live: true },
            Gap {
                model: ModelName::MonotonicReads,
                kinds: &[AnomalyKind::NonMonotonicRead],
                under: &["partition:one"],
                live: true,
            },
        ],
        figures: &["staleness in ms and in versions", "share of reads served by followers"],
        about: "any replica answers reads from what it has applied",
    },
    Preset {
        name: "single/session-read",
        options: &[("read", "session")],
        nodes: 3,
        shows: &[
            Gap { model: ModelName::Linearizable, kinds: STALE, under: &[], live: true },
            Gap { model: ModelName::Linearizable, kinds: STALE, under: &["partition:one"], live: true },
        ],
        figures: &["staleness across sessions", "share of reads served by followers"],
        about: "any replica that has reached what the client has seen answers reads",
    },
    Preset {
        name: "single/recent-read",
        options: &[("read", "recent")],
        nodes: 3,
        shows: &[Gap {
            model: ModelName::ReadYourWrites,
            kinds: &[AnomalyKind::MissedOwnWrite],
            // Longer than the window in which own writes are read by index.
            under: &["partition:one:for=4s"],
            live: true,
        }],
        figures: &["own writes missed once lag outlives the window"],
        about: "keys that the client wrote within the last second are read by index, the rest anywhere",
    },
    Preset {
        name: "single/unfenced",
        options: &[("ack", "none"), ("read", "leader"), ("fencing", "none"), ("promotion", "any")],
        nodes: 3,
        shows: &[
            Gap {
                model: ModelName::Convergence,
                kinds: &[AnomalyKind::SplitBrain],
                under: &["partition:leader"],
                live: true,
            },
            Gap {
                model: ModelName::Convergence,
                kinds: &[AnomalyKind::Diverged],
                under: &["partition:leader"],
                live: true,
            },
        ],
        figures: &["how long two leaders acknowledge at the same time"],
        about: "nothing stops a deposed leader: the classic split brain, on purpose",
    },
    Preset {
        name: "single/no-sync",
        options: &[("sync", "never")],
        nodes: 3,
        shows: &[Gap {
            model: ModelName::Durability,
            kinds: &[AnomalyKind::LostWrite],
            under: &["power:majority"],
            live: false,
        }],
        figures: &["acknowledged writes lost by power loss"],
        about: "as single/quorum, but nobody forces the log to disk",
    },
];

/// Every preset of the reference store.
pub fn modes() -> Vec<Mode> {
    PRESETS
        .iter()
        .map(|preset| {
            let mut options = Options::default();
            for (name, value) in preset.options {
                let set = options.set(name, value);
                debug_assert_eq!(set, Ok(()), "{}", preset.name);
            }
            describe(preset, preset.name.to_owned(), &options, false)
        })
        .collect()
}

/// A mode by name, `single/quorum` or `single/quorum[read=lease,sync=never]`.
///
/// ```
/// use systems::store::{Read, mode};
///
/// let (mode, options) = mode("single/quorum[read=follower]")?;
/// assert_eq!(options.read, Read::Follower);
/// // The promise follows the options: any replica answers, so reads may be stale.
/// assert!(!mode.promise.contains(&histories::ModelName::Linearizable));
/// # Ok::<(), String>(())
/// ```
pub fn mode(text: &str) -> Result<(Mode, Options), String> {
    let text = text.trim();
    let (name, overrides) = match text.split_once('[') {
        None => (text, ""),
        Some((name, rest)) => (
            name,
            rest.strip_suffix(']').ok_or_else(|| {
                format!("{text:?} opens a bracket and never closes it: single/quorum[read=lease]")
            })?,
        ),
    };
    let preset = PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
        format!("no mode is called {name:?}; {}", nearest(name, PRESETS.iter().map(|preset| preset.name)))
    })?;
    let mut options = Options::default();
    for (name, value) in preset.options {
        options.set(name, value)?;
    }
    let original = options.clone();
    for pair in overrides.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("{pair:?} in {text:?} is no option: write name=value, read=lease"))?;
        options.set(name.trim(), value.trim()).map_err(|error| format!("{text}: {error}"))?;
    }
    options.validate(preset.nodes).map_err(|error| format!("{text}: {error}"))?;
    Ok((describe(preset, text.to_owned(), &options, options != original), options))
}

fn describe(preset: &Preset, name: String, options: &Options, changed: bool) -> Mode {
    // A gap may close when an option changes: then none is demanded to show.
    let shows = if changed { &[] } else { preset.shows };
    let about = if changed {
        format!("{}, with options changed: promises what they still give", preset.about)
    } else {
        preset.about.to_owned()
    };
    Mode {
        name,
        preset: preset.name.to_owned(),
        options: options.resolved(),
        promise: promise(options),
        shows: shows.iter().map(Gap::to_show).collect(),
        survives: survives(options),
        figures: preset.figures.iter().map(|figure| (*figure).to_owned()).collect(),
        available_with_majority: available_with_majority(options, preset.nodes),
        routing: routing(options),
        nodes: preset.nodes,
        about,
    }
}

/// Nobody survives a disk that lies or changes what it holds.
fn survives(options: &Options) -> Vec<&'static str> {
    let by_clock = options.read == Read::Lease || options.fencing == Fencing::Lease;
    let mut kinds = vec!["network", "kill", "pause"];
    kinds.extend((!by_clock).then_some("clock"));
    kinds.extend((options.sync == super::options::Sync::Always).then_some("power"));
    kinds
}

impl Gap {
    fn to_show(&self) -> Show {
        Show {
            model: self.model,
            kinds: self.kinds.to_vec(),
            under: self.under.iter().map(|fault| (*fault).to_owned()).collect(),
            live: self.live,
        }
    }
}

/// What the options give under every fault that they survive, by what replaces entries and by who answers reads.
fn promise(options: &Options) -> Vec<ModelName> {
    use ModelName::{Convergence, Durability, Linearizable, MonotonicWrites, Sequential, WritesFollowReads};
    if options.fencing == Fencing::None {
        return Vec::new();
    }
    if !options.keeps_commits() {
        return vec![Convergence];
    }
    match options.read {
        Read::Index | Read::Lease | Read::Tail => vec![Linearizable, Durability, Convergence],
        Read::Session => vec![Sequential, Durability, Convergence],
        Read::Leader | Read::Follower | Read::Recent => {
            vec![MonotonicWrites, WritesFollowReads, Durability, Convergence]
        }
    }
}

/// A chain of one member waits for it, and `all` waits for everyone.
fn available_with_majority(options: &Options, nodes: u16) -> bool {
    match options.ack {
        Ack::All | Ack::Chain => false,
        Ack::Majority | Ack::None => true,
        Ack::Any(count) => count <= nodes / 2,
    }
}

fn routing(options: &Options) -> Routing {
    match options.read {
        Read::Follower | Read::Session | Read::Recent => Routing::Roam,
        Read::Index | Read::Lease | Read::Leader | Read::Tail => Routing::Sticky,
    }
}
