//! The named modes as data: what each promises, what each gives up, and under which faults that shows.
//!
//! A promise is derived from the options, so a changed option changes it too; nothing here runs a protocol.

use histories::{AnomalyKind, ModelName};
use nemesis::Layout;

use super::options::{Count, Options, Versions};
use crate::Routing;
use crate::store::Sync;
use crate::store::family::{Family, Gap, Preset};

pub(super) const PRESETS: &[Preset] = &[
    Preset {
        name: "leaderless/abd",
        options: &[("versions", "tag"), ("write-back", "on")],
        layout: Layout::single(3),
        shows: &[],
        figures: &["write latency against leaderless/quorum", "availability with one node killed"],
        about: "majorities read and write, and a read writes back what it saw: registers without a leader",
    },
    Preset {
        name: "leaderless/quorum",
        options: &[],
        layout: Layout::single(3),
        shows: &[
            Gap {
                model: ModelName::Linearizable,
                kinds: &[],
                under: &["partition:one"],
                with: &[],
                live: false,
            },
            Gap {
                model: ModelName::Durability,
                kinds: &[AnomalyKind::LostWrite],
                under: &["clock:step:one"],
                with: &[],
                live: false,
            },
        ],
        figures: &["reads beside a write in flight", "acknowledged writes lost to a clock"],
        about: "r + w > n with wall-clock versions: strong by folklore, and not so",
    },
    Preset {
        name: "leaderless/weak",
        options: &[("r", "1"), ("w", "1"), ("read-repair", "off")],
        layout: Layout::single(3),
        shows: &[
            Gap { model: ModelName::Linearizable, kinds: &[], under: &[], with: &[], live: true },
            Gap {
                model: ModelName::Linearizable,
                kinds: &[],
                under: &["partition:one"],
                with: &[],
                live: true,
            },
        ],
        figures: &["staleness in ms and in versions", "write latency"],
        about: "one member acknowledges a write, and any one answers a read",
    },
    Preset {
        name: "leaderless/sloppy",
        options: &[("n", "3"), ("r", "3"), ("w", "1"), ("sloppy", "on")],
        layout: Layout::single(5),
        shows: &[Gap {
            model: ModelName::Linearizable,
            kinds: &[],
            under: &["partition:halves"],
            with: &[],
            live: true,
        }],
        figures: &["write availability in every partition", "reads that miss writes until handoff"],
        about: "members that do not hold a key stand in for those that do, and hand over later",
    },
];

impl Family for Options {
    fn presets() -> &'static [Preset] {
        PRESETS
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        Options::set(self, name, value)
    }

    fn resolved(&self) -> Vec<(String, String)> {
        Options::resolved(self)
    }

    fn validate(&self, layout: Layout) -> Result<(), String> {
        if layout.datacentres > 1 {
            return Err(format!(
                "a leaderless store stands in one datacentre, not {}; multi/* modes have several",
                layout.datacentres
            ));
        }
        Options::validate(self, layout.total())
    }

    fn promise(&self) -> Vec<ModelName> {
        promise(self)
    }

    /// Nobody survives a disk that lies or changes what it holds. Clocks decide at most which write is the last.
    fn survives(&self) -> Vec<&'static str> {
        let mut kinds = vec!["network", "kill", "pause", "clock"];
        kinds.extend((self.sync == Sync::Always).then_some("power"));
        kinds
    }

    /// Where not everybody holds a key, a majority of all may be a minority of those who do.
    fn available_with_majority(&self, layout: Layout) -> bool {
        let (nodes, homes) = (layout.total(), self.homes(layout.total()));
        let needed = self.r.of(homes).max(self.w.of(homes));
        (homes == nodes || self.sloppy.on()) && needed <= nodes / 2 + 1
    }

    fn routing(&self) -> Routing {
        Routing::Roam
    }

    fn led(&self) -> bool {
        false
    }

    fn copies(&self) -> Option<u16> {
        match self.n {
            Count::These(homes) => Some(homes),
            Count::All | Count::Majority => None,
        }
    }
}

/// What the options give under every fault that they survive. Only anti-entropy finds what nobody reads, and whom
/// nobody holds a hint for.
fn promise(options: &Options) -> Vec<ModelName> {
    let mut promise = Vec::new();
    if options.versions == Versions::Tag && options.overlaps() {
        promise.extend(options.write_back.on().then_some(ModelName::Linearizable));
        promise.push(ModelName::Durability);
    }
    // Without write-back a read may miss siblings that the same client has seen.
    let monotonic = options.write_back.on() && options.overlaps();
    if options.versions == Versions::Vector && monotonic && options.timing.anti_entropy.is_some() {
        promise.push(ModelName::ConflictPolicy);
    }
    promise.extend(options.timing.anti_entropy.map(|_| ModelName::Convergence));
    promise
}
