//! A family of modes as data: presets by name, options in brackets, and what is promised with them.
//!
//! Nothing here runs a protocol, and nothing here knows a family by name: see [`super::stores`].

use histories::{AnomalyKind, ModelName};
use nemesis::Layout;

use crate::{Mode, Purpose, Routing, Show, Steps};

/// The options of a family of protocols. The default is what a preset starts from.
pub trait Family: Clone + Default + PartialEq {
    /// The named modes.
    fn presets() -> &'static [Preset];
    /// Sets one option by name; the error names the nearest known.
    fn set(&mut self, name: &str, value: &str) -> Result<(), String>;
    /// Every option with its value, in a fixed order.
    fn resolved(&self) -> Vec<(String, String)>;
    /// Refuses what no group of this layout can do, with the reason.
    fn validate(&self, layout: Layout) -> Result<(), String>;
    /// What holds under every fault of [`Family::survives`].
    fn promise(&self) -> Vec<ModelName>;
    /// The kinds of fault under which the promise is kept, `network`, `kill`, `pause`, `clock`, `power`.
    fn survives(&self) -> Vec<&'static str>;
    /// What of the promise holds under clock faults and power loss, too, where those are not survived.
    fn regardless(&self) -> Vec<ModelName> {
        Vec::new()
    }
    /// Writes go on as long as a majority is up and connected.
    fn available_with_majority(&self, layout: Layout) -> bool;
    /// Reads and writes go on without a minority of each datacentre.
    fn available_with_majorities(&self, layout: Layout) -> bool {
        self.available_with_majority(layout)
    }
    fn routing(&self) -> Routing;
    /// Some member leads.
    fn led(&self) -> bool {
        true
    }
    /// On how many nodes each key is kept, where not on all.
    fn copies(&self) -> Option<u16> {
        None
    }
}

/// Options that differ from the family's defaults, and what no option tells.
#[derive(Debug)]
pub struct Preset {
    pub name: &'static str,
    pub options: &'static [(&'static str, &'static str)],
    pub layout: Layout,
    pub shows: &'static [Gap],
    pub figures: &'static [&'static str],
    pub about: &'static str,
}

/// A [`Show`] as a constant.
#[derive(Debug)]
pub struct Gap {
    pub model: ModelName,
    pub kinds: &'static [AnomalyKind],
    pub under: &'static [&'static str],
    pub with: &'static [&'static str],
    pub live: bool,
}

impl Gap {
    fn to_show(&self) -> Show {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Show {
            model: self.model,
            kinds: self.kinds.to_vec(),
            under: owned(self.under),
            with: owned(self.with),
            live: self.live,
        }
    }
}

/// Every preset of a family.
pub(super) fn modes<F: Family>() -> Vec<Mode> {
    let mode = |preset: &Preset| {
        let options = resolve::<F>(preset);
        debug_assert!(options.is_ok(), "{}: {:?}", preset.name, options.err());
        options.ok().map(|options| describe(preset, preset.name.to_owned(), &options, false))
    };
    F::presets().iter().filter_map(mode).collect()
}

/// A preset with options changed; `text` is the mode as the user wrote it. Whether a cluster can do that depends on its
/// layout: [`Family::validate`].
pub(super) fn mode<F: Family>(
    preset: &Preset,
    text: &str,
    overrides: &[(&str, &str)],
) -> Result<(Mode, F), String> {
    let original = resolve::<F>(preset)?;
    let mut options = original.clone();
    for (name, value) in overrides {
        options.set(name, value).map_err(|error| format!("{text}: {error}"))?;
    }
    Ok((describe(preset, text.to_owned(), &options, options != original), options))
}

fn resolve<F: Family>(preset: &Preset) -> Result<F, String> {
    let mut options = F::default();
    for (name, value) in preset.options {
        options.set(name, value)?;
    }
    Ok(options)
}

fn describe<F: Family>(preset: &Preset, name: String, options: &F, changed: bool) -> Mode {
    // A gap may close when an option changes: then none is demanded to show.
    let shows = if changed { &[] } else { preset.shows };
    let about = if changed {
        format!("{}, with options changed: promises what they still give", preset.about)
    } else {
        preset.about.to_owned()
    };
    let isolates = preset.options.iter().any(|(option, _)| *option == "isolation");
    Mode {
        name,
        preset: preset.name.to_owned(),
        options: options.resolved(),
        promise: options.promise(),
        shows: shows.iter().map(Gap::to_show).collect(),
        survives: options.survives(),
        regardless: options.regardless(),
        figures: preset.figures.iter().map(|figure| (*figure).to_owned()).collect(),
        available_with_majority: options.available_with_majority(preset.layout),
        available_with_majorities: options.available_with_majorities(preset.layout),
        routing: options.routing(),
        copies: options.copies(),
        one_object: false,
        led: options.led(),
        purpose: if isolates { Purpose::Transactions(Steps::Any) } else { Purpose::Objects },
        layout: preset.layout,
        about,
    }
}
