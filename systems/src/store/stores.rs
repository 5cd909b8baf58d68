//! The families of the reference store, and the one place that tells them apart.

use histories::{Function, Key, Nanos};
use nemesis::Layout;

use super::family::{self, Family};
use super::protocol::{Leadership, Memory, Protocol};
use super::words::nearest;
use super::{leaderless, multi, single};
use crate::Mode;
use crate::mode::split_options;

/// A mode's protocol with its options resolved, whichever family it is of.
#[derive(Clone, Debug, PartialEq)]
pub enum Store {
    Single(single::Options),
    Multi(multi::Options),
    Leaderless(leaderless::Options),
}

/// What is to be done with a protocol of any family.
pub trait Visit {
    type Out;
    fn visit<P: Protocol>(self, protocol: P) -> Self::Out;
}

/// Does the same with whichever options a store has.
macro_rules! each {
    ($store:expr, $options:ident => $body:expr) => {
        match $store {
            Store::Single($options) => $body,
            Store::Multi($options) => $body,
            Store::Leaderless($options) => $body,
        }
    };
}

impl Store {
    /// Goes on with the protocol itself.
    pub fn visit<V: Visit>(self, visitor: V) -> V::Out {
        each!(self, options => visitor.visit(options))
    }

    /// Refuses what no cluster of this layout can do, with the reason.
    pub fn validate(&self, layout: Layout) -> Result<(), String> {
        each!(self, options => Family::validate(options, layout))
    }

    /// Whether reads and writes go on with a majority of all nodes, and with one of each datacentre.
    pub fn available(&self, layout: Layout) -> (bool, bool) {
        each!(self, options => {
            (options.available_with_majority(layout), options.available_with_majorities(layout))
        })
    }

    /// What it can be asked and answers as meant: a single leader's log takes a replace as a write, and shows one value
    /// where siblings are asked for.
    pub fn supports(&self, function: &Function) -> bool {
        let shown = *function != Function::Replace || !matches!(self, Self::Single(_));
        shown && each!(self, options => options.supports(function))
    }

    pub fn memory(&self) -> Memory {
        each!(self, options => options.memory())
    }

    pub fn leadership(&self) -> Leadership {
        each!(self, options => options.leadership())
    }

    /// How long a message between datacentres takes, one way, from and to; `None` where all are near.
    pub fn wide_area(&self) -> Option<(Nanos, Nanos)> {
        each!(self, options => options.wide_area())
    }

    /// See [`Protocol::links`].
    pub fn links(&self, layout: Layout) -> Vec<(u16, u16)> {
        each!(self, options => options.links(layout))
    }

    /// See [`Protocol::home`].
    pub fn home(&self, layout: Layout, key: &Key) -> Option<u16> {
        each!(self, options => options.home(layout, key))
    }
}

/// Every preset of the reference store.
pub fn modes() -> Vec<Mode> {
    let mut modes = family::modes::<single::Options>();
    modes.extend(family::modes::<multi::Options>());
    modes.extend(family::modes::<leaderless::Options>());
    modes
}

/// A mode by name, `single/quorum` or `single/quorum[read=lease,sync=never]`. [`Store::validate`] says which layouts can do it.
///
/// ```
/// use systems::store::{Store, mode, single::Read};
///
/// let (mode, store) = mode("single/quorum[read=follower]")?;
/// assert!(matches!(store, Store::Single(options) if options.read == Read::Follower));
/// // The promise follows the options: any replica answers, so reads may be stale.
/// assert!(!mode.promise.contains(&histories::ModelName::Linearizable));
/// # Ok::<(), String>(())
/// ```
pub fn mode(text: &str) -> Result<(Mode, Store), String> {
    let text = text.trim();
    let (name, overrides) = split_options(text)?;
    let found = of_family(name, text, &overrides, Store::Single)
        .or_else(|| of_family(name, text, &overrides, Store::Multi))
        .or_else(|| of_family(name, text, &overrides, Store::Leaderless));
    if let Some(found) = found {
        return found;
    }
    let known = modes();
    let known = known.iter().map(|mode| mode.name.as_str());
    Err(format!("no mode is called {name:?}; {}", nearest(name, known)))
}

/// `None` where the family has no preset of this name.
fn of_family<F: Family>(
    name: &str,
    text: &str,
    overrides: &[(&str, &str)],
    store: impl FnOnce(F) -> Store,
) -> Option<Result<(Mode, Store), String>> {
    let preset = F::presets().iter().find(|preset| preset.name == name)?;
    Some(family::mode::<F>(preset, text, overrides).map(|(mode, options)| (mode, store(options))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_are_kept_by_modes_that_have_versions_for_them_only() {
        let keeps = |mode: &Mode| self::mode(&mode.name).unwrap().1.supports(&Function::Replace);
        let keeping: Vec<String> =
            modes().iter().filter(|mode| keeps(mode)).map(|mode| mode.name.clone()).collect();
        let (vectors, crdts) = ("multi/version-vector", "multi/crdt");
        assert!(keeping.iter().any(|mode| mode == vectors) && keeping.iter().any(|mode| mode == crdts));
        assert!(
            keeping.iter().all(|mode| mode.starts_with(vectors) || mode.starts_with(crdts)),
            "{keeping:?}"
        );
        assert!(mode("leaderless/quorum[versions=vector]").unwrap().1.supports(&Function::Replace));
    }
}
