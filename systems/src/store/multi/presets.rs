//! The named modes as data: what each promises, what each gives up, and under which faults that shows.

use histories::{AnomalyKind, ModelName};
use nemesis::Layout;

use super::options::{Conflict, Delivery, Options};
use crate::Routing;
use crate::store::Sync;
use crate::store::family::{Family, Gap, Preset};

const LAYOUT: Layout = Layout { datacentres: 3, nodes_each: 3 };

const LOST: &[Gap] = &[Gap {
    model: ModelName::Durability,
    kinds: &[AnomalyKind::LostWrite],
    under: &["partition:datacentres"],
    // A register forgets what it is told to forget; of a set or a list nothing may go.
    with: &["set", "list"],
    live: true,
}];

/// Carts and sets by union: what was removed comes back with a version that did not know of it.
const REAPPEARS: &[Gap] = &[Gap {
    model: ModelName::ConflictPolicy,
    kinds: &[AnomalyKind::Resurrected],
    under: &["partition:datacentres"],
    with: &["or-set"],
    live: true,
}];

/// A preset and its variants in a ring and a star.
macro_rules! presets {
    ($($name:literal, [$($option:expr),*], $shows:expr, [$($figure:literal),*], $about:literal;)*) => {
        &[$(
            Preset {
                name: $name, options: &[$($option),*], layout: LAYOUT, shows: $shows,
                figures: &[$($figure),*], about: $about,
            },
            Preset {
                name: concat!($name, "-ring"), options: &[("topology", "ring"), $($option),*], layout: LAYOUT,
                shows: $shows, figures: &["propagation time per hop", "what one broken link stops", $($figure),*],
                about: concat!($about, "; in a ring"),
            },
            Preset {
                name: concat!($name, "-star"), options: &[("topology", "star"), $($option),*], layout: LAYOUT,
                shows: $shows, figures: &["propagation time per hop", "what a broken hub stops", $($figure),*],
                about: concat!($about, "; in a star"),
            },
        )*]
    };
}

pub(super) const PRESETS: &[Preset] = presets! {
    "multi/home", [], &[], ["keys unavailable while their home is cut off"],
        "each key has a home datacentre, which reads and writes it";
    "multi/lww", [("conflict", "lww")], LOST, ["acknowledged writes lost under concurrency"],
        "all datacentres write, and the last by the wall clock wins";
    "multi/lww-hlc", [("conflict", "lww-hlc"), ("delivery", "causal")], &[], ["concurrent writes discarded"],
        "all datacentres write, and the last by a hybrid clock wins, in causal order";
    "multi/version-vector", [("conflict", "version-vector"), ("delivery", "causal")], &[], ["siblings and their growth"],
        "concurrent versions are kept side by side until a write quotes them";
    "multi/merge", [("conflict", "merge")], REAPPEARS, ["removed items that reappear under union"],
        "carts and sets are merged by the application: sum, union or maximum";
    "multi/crdt", [("conflict", "crdt")], &[], ["stale reads", "writes that its register discards"],
        "replicated data types: counter, set, list and registers that merge by themselves";
};

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
        Options::validate(self, layout.datacentres, layout.nodes_each)
    }

    fn promise(&self) -> Vec<ModelName> {
        use ModelName::{CausalConvergence, ConflictPolicy, Convergence, Durability, Linearizable};
        match (self.conflict, self.delivery) {
            (Conflict::Home, _) => vec![Linearizable, Durability, Convergence],
            (Conflict::LwwHlc, Delivery::Causal) => vec![CausalConvergence, Convergence],
            (Conflict::VersionVector | Conflict::Crdt, _) => vec![ConflictPolicy, Convergence],
            _ => vec![Convergence],
        }
    }

    fn survives(&self) -> Vec<&'static str> {
        let mut kinds = vec!["network", "kill", "pause", "clock"];
        kinds.extend((self.group.sync == Sync::Always).then_some("power"));
        kinds
    }

    /// A datacentre that is cut off goes on, or its keys wait for it: never a matter of a majority of all.
    fn available_with_majority(&self, _layout: Layout) -> bool {
        false
    }

    /// Each datacentre is a group of its own.
    fn available_with_majorities(&self, _layout: Layout) -> bool {
        true
    }

    fn routing(&self) -> Routing {
        Routing::Sticky
    }
}
