//! A way of running a system, with what it promises, as data.

use std::ops::RangeInclusive;

use histories::{AnomalyKind, Conflict, ModelName};
use nemesis::{FaultSpec, Layout};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;

use crate::store::nearest;

/// Which node a client talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Routing {
    /// Thread t talks to node t mod N and does not fail over.
    Sticky,
    /// A node per operation, by dice.
    Roam,
}

/// What decides between concurrent updates of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    OneLeader,
    /// One leader for each key.
    HomeLeader,
    Quorums,
    LastWrite,
    /// Both are kept, for the reader to settle.
    Siblings,
    /// Both count.
    Merge,
}

/// What a mode is run with unless told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Operations on single registers, sets and other objects.
    Objects,
    Transactions(Steps),
}

/// What the steps of transactions do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// They read and append to lists.
    Lists,
    /// They read and write registers.
    Registers,
    /// Both are understood.
    Any,
}

impl Steps {
    /// Whether who understands these steps understands those of `workload`.
    pub fn understand(self, workload: Self) -> bool {
        self == Self::Any || self == workload
    }
}

/// Something that a mode gives up, and the faults under which a run must find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Show {
    /// The verdict that must be invalid.
    pub model: ModelName,
    /// Of at least one of these kinds; any kind where empty.
    pub kinds: Vec<AnomalyKind>,
    /// The faults under which it shows, `kill:leader`; none needed where empty.
    pub under: Vec<String>,
    /// The workloads that can show it, `set`; any of them where empty.
    pub with: Vec<String>,
    /// False where it takes a fault that only simulation can inject: then a live run does not expect it.
    pub live: bool,
}

/// A mode of a system: a preset, or a preset with options changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Mode {
    /// As the user writes it, `single/quorum` or `single/quorum[read=lease]`.
    pub name: String,
    /// The name that it starts from, `single/quorum`.
    pub preset: String,
    /// Every option with its value, resolved, in a fixed order.
    pub options: Vec<(String, String)>,
    /// What holds under every fault that the mode survives.
    pub promise: Vec<ModelName>,
    pub shows: Vec<Show>,
    /// The kinds of fault under which the promise is kept, `network`, `kill`, `pause`, `clock`, `power`.
    pub survives: Vec<&'static str>,
    /// What of the promise holds under clock faults and power loss, too, where the mode does not survive those.
    pub regardless: Vec<ModelName>,
    /// Figures worth a look, in words, `write availability with one node cut off`.
    pub figures: Vec<String>,
    /// Writes go on as long as a majority is up and connected.
    pub available_with_majority: bool,
    /// Reads and writes go on in every datacentre whose members are up and connected to each other and to those of the
    /// other datacentres, a minority of each datacentre's apart.
    pub available_with_majorities: bool,
    pub routing: Routing,
    /// On how many nodes each key is kept; on all where it is not said.
    pub copies: Option<u16>,
    /// There is one object, which has no key: a workload uses one key, as long as the run lasts.
    pub one_object: bool,
    /// Some member leads: faults can be aimed at it.
    pub led: bool,
    /// What it is made for.
    pub purpose: Purpose,
    /// Default datacentres and nodes.
    pub layout: Layout,
    /// One line for `partita list modes`.
    pub about: String,
}

/// What a mode is made of, one call after the other: a mode of three nodes, one of which leads, that promises nothing yet.
impl Mode {
    /// `about` is one line for `partita list modes`.
    pub fn new(name: &str, about: &str) -> Self {
        Self {
            name: name.to_owned(),
            preset: name.to_owned(),
            options: Vec::new(),
            promise: Vec::new(),
            shows: Vec::new(),
            survives: Vec::new(),
            regardless: Vec::new(),
            figures: Vec::new(),
            available_with_majority: false,
            available_with_majorities: false,
            routing: Routing::Sticky,
            copies: None,
            one_object: false,
            led: true,
            purpose: Purpose::Objects,
            layout: Layout::single(3),
            about: about.to_owned(),
        }
    }

    /// An option that users may set in brackets behind the name, with its value where they do not.
    pub fn with_option(mut self, name: &str, value: &str) -> Self {
        self.options.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What holds under every fault that the mode survives.
    pub fn promising(mut self, models: &[ModelName]) -> Self {
        self.promise.extend(models);
        self
    }

    /// The kinds of fault under which the promise is kept.
    pub fn surviving(mut self, kinds: &[&'static str]) -> Self {
        self.survives.extend(kinds);
        self
    }

    /// What a run of one of these workloads under all of these faults must find violated.
    pub fn showing(self, model: ModelName, under: &[&str], with: &[&str]) -> Self {
        self.showing_kinds(model, &[], under, with)
    }

    /// The same, by an anomaly of one of these kinds.
    pub fn showing_kinds(
        mut self,
        model: ModelName,
        kinds: &[AnomalyKind],
        under: &[&str],
        with: &[&str],
    ) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let (kinds, under, with) = (kinds.to_vec(), owned(under), owned(with));
        self.shows.push(Show { model, kinds, under, with, live: true });
        self
    }

    /// Figures worth a look.
    pub fn with_figures(mut self, figures: &[&str]) -> Self {
        self.figures.extend(figures.iter().map(|&figure| figure.to_owned()));
        self
    }

    /// Reads and writes go on as long as a majority is up and connected.
    pub fn available_with_majority(mut self) -> Self {
        self.available_with_majority = true;
        self.available_with_majorities = true;
        self
    }

    /// It is made for transactions.
    pub fn for_transactions(mut self) -> Self {
        self.purpose = Purpose::Transactions(Steps::Any);
        self
    }

    pub fn routed(mut self, routing: Routing) -> Self {
        self.routing = routing;
        self
    }

    pub fn on_nodes(mut self, nodes: u16) -> Self {
        self.layout = Layout::single(nodes);
        self
    }

    /// No member leads: faults cannot be aimed at one that does.
    pub fn without_leader(mut self) -> Self {
        self.led = false;
        self
    }
}

/// A mode of those that a system has, by name, with options in brackets; the error names the nearest known.
pub(crate) fn choose(modes: &[Mode], text: &str) -> Result<Mode, String> {
    let text = text.trim();
    let (name, overrides) = split_options(text)?;
    let known = || modes.iter().map(|mode| mode.name.as_str());
    let preset = modes.iter().find(|mode| mode.name == name);
    let preset = preset.ok_or_else(|| format!("no mode is called {name:?}; {}", nearest(name, known())))?;
    let mut mode = Mode { name: text.to_owned(), ..preset.clone() };
    for (option, value) in overrides {
        let known = preset.options.iter().map(|(known, _)| known.as_str());
        let place = mode.options.iter_mut().find(|(known, _)| known == option);
        let (_, place) = place
            .ok_or_else(|| format!("{text}: no option is called {option:?}; {}", nearest(option, known)))?;
        value.clone_into(place);
    }
    if mode.options != preset.options {
        // A gap may close when an option changes: then none is demanded to show.
        mode.shows.clear();
        mode.about = format!("{}, with options changed", preset.about);
    }
    Ok(mode)
}

/// Whether one of these promises is a model or implies it. No mode names a bank: its total is kept where reads are of one
/// snapshot and no update is lost. A snapshot that may be an old one may be older than the accounts, and show nothing.
fn holds(promise: &[ModelName], model: ModelName) -> bool {
    let keeps_totals = |level: &ModelName| {
        matches!(level, ModelName::StrictSerializable | ModelName::StrongSnapshotIsolation)
    };
    promise.contains(&model) || (model == ModelName::Bank && promise.iter().any(keeps_totals))
}

/// An option that is one word of several.
pub(crate) fn word_in(mode: &Mode, name: &str, words: &[&str]) -> Result<(), String> {
    let value = mode.option(name).unwrap_or_default();
    if words.contains(&value) {
        return Ok(());
    }
    Err(format!("{}: {name} = {value:?}: there is {}", mode.name, words.join(", ")))
}

impl Mode {
    /// Whether the promise is kept under each of these faults.
    pub fn survives_all(&self, faults: &[FaultSpec]) -> bool {
        faults
            .iter()
            .all(|fault| fault.kind().survived_as().is_some_and(|word| self.survives.contains(&word)))
    }

    /// What has to hold under these faults: the promise where the mode survives each of them, else what holds
    /// regardless. No mode promises anything under a disk that lies or changes what it holds.
    pub fn demanded_under(&self, faults: &[FaultSpec]) -> &[ModelName] {
        if self.survives_all(faults) {
            &self.promise
        } else if faults.iter().all(|fault| fault.kind().survived_as().is_some()) {
            &self.regardless
        } else {
            &[]
        }
    }

    /// Whether the mode promises a model, by its name or because it follows.
    pub fn promises(&self, model: ModelName) -> bool {
        holds(&self.promise, model)
    }

    /// Whether a model has to hold under these faults, by its name or because it follows.
    pub fn demands_under(&self, faults: &[FaultSpec], model: ModelName) -> bool {
        holds(self.demanded_under(faults), model)
    }

    /// An option's value, by name.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(option, _)| option == name).map(|(_, value)| value.as_str())
    }

    /// An option that is a number, within these bounds; the error says which they are.
    pub fn option_in(&self, name: &str, bounds: RangeInclusive<u64>) -> Result<u64, String> {
        let value = self.option(name).unwrap_or_default();
        value.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
            let (least, most) = (bounds.start(), bounds.end());
            format!("{}: {name} = {value:?}: give a number from {least} to {most}", self.name)
        })
    }

    /// What becomes of concurrent writes, where the mode accepts them in several places.
    pub fn conflict(&self) -> Option<Conflict> {
        let name = IntoDeserializer::<Error>::into_deserializer(self.option("conflict")?);
        Conflict::deserialize(name).ok()
    }
}

/// Options by name, with their values.
pub(crate) type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// The preset's name, and what stands in brackets behind it.
pub(crate) fn split_options(text: &str) -> Result<(&str, Pairs<'_>), String> {
    let Some((name, rest)) = text.split_once('[') else { return Ok((text, Vec::new())) };
    let inside = rest
        .strip_suffix(']')
        .ok_or_else(|| format!("{text:?} opens a bracket and never closes it: single/quorum[read=lease]"))?;
    let mut pairs: Pairs<'_> = Vec::new();
    for pair in inside.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (option, value) = pair
            .split_once('=')
            .map(|(option, value)| (option.trim(), value.trim()))
            .ok_or_else(|| format!("{pair:?} in {text:?} is no option: write name=value, read=lease"))?;
        if let Some((_, before)) = pairs.iter().find(|(other, _)| *other == option) {
            return Err(format!(
                "{text:?} gives {option} twice, as {before:?} and as {value:?}: give it once"
            ));
        }
        pairs.push((option, value));
    }
    Ok((name, pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_follows_from_what_loses_no_update_and_reads_the_newest_snapshot() {
        let promising = |level| Mode::new("own/m", "m").promising(&[level]);
        for level in [ModelName::StrongSnapshotIsolation, ModelName::StrictSerializable] {
            assert!(promising(level).promises(ModelName::Bank), "{level:?}");
            assert!(promising(level).demands_under(&[], ModelName::Bank), "{level:?}");
        }
        for level in [ModelName::ReadCommitted, ModelName::SnapshotIsolation, ModelName::Linearizable] {
            assert!(!promising(level).promises(ModelName::Bank), "{level:?}");
        }
        let faults = FaultSpec::parse_list("kill").expect("a fault");
        assert!(!promising(ModelName::StrictSerializable).demands_under(&faults, ModelName::Bank));
    }

    #[test]
    fn a_promise_is_demanded_under_the_faults_that_the_mode_survives() {
        let demanded = |mode: &str, faults: &str| {
            let (mode, _) = crate::store::mode(mode).unwrap();
            mode.demanded_under(&FaultSpec::parse_list(faults).unwrap()).to_vec()
        };
        let all = [
            ModelName::Linearizable,
            ModelName::StrictSerializable,
            ModelName::Durability,
            ModelName::Convergence,
        ];
        for survived in ["none", "kill:all", "partition:leader,clock:drift,disk:full,power:majority"] {
            assert_eq!(demanded("single/quorum", survived), all, "{survived}");
        }
        assert_eq!(demanded("single/quorum", "kill:leader,disk:lies"), []);
        assert_eq!(demanded("single/no-sync", "kill:all"), all);
        assert_eq!(demanded("single/no-sync", "kill:all,power:majority"), []);
        assert_eq!(demanded("single/lease", "kill:leader"), all);
        assert_eq!(demanded("single/lease", "clock:drift,kill:leader"), all[2..]);
        assert_eq!(demanded("single/lease", "disk:flip"), []);
        assert_eq!(demanded("single/lease[sync=never]", "clock:drift"), [], "power might be lost as well");
    }

    fn known() -> Vec<Mode> {
        let quick =
            Mode::new("own/quick", "quick").with_option("beat", "100").promising(&[ModelName::Durability]);
        let safe = Mode::new("own/safe", "safe").showing(ModelName::Linearizable, &["kill:one"], &[]);
        vec![quick, safe.with_option("beat", "5")]
    }

    #[test]
    fn a_mode_is_chosen_with_its_options() {
        let mode = choose(&known(), "own/quick[beat=7]").unwrap();
        assert_eq!((mode.name.as_str(), mode.preset.as_str()), ("own/quick[beat=7]", "own/quick"));
        assert_eq!(mode.option_in("beat", 1..=10), Ok(7));
        assert_eq!(mode.promise, [ModelName::Durability]);
        let error = mode.option_in("beat", 8..=10).unwrap_err();
        assert_eq!(error, "own/quick[beat=7]: beat = \"7\": give a number from 8 to 10");
        assert!(choose(&known(), "own/safe[beat=6]").unwrap().shows.is_empty(), "an option has changed");
        assert_eq!(choose(&known(), "own/safe[beat=5]").unwrap().shows.len(), 1);
    }

    #[test]
    fn what_is_not_known_names_the_nearest() {
        assert!(choose(&known(), "own/quik").unwrap_err().contains("did you mean \"own/quick\"?"));
        assert!(choose(&known(), "own/quick[beet=1]").unwrap_err().contains("did you mean \"beat\"?"));
        assert!(choose(&known(), "own/quick[beat=1").unwrap_err().contains("never closes it"));
    }
}
