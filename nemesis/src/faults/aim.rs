//! Whom a fault may be aimed at, by name. How each aim chooses stands in a table a manner of faults:
//! [`super::partition::CHOICES`], [`super::links::CHOICES`] and [`super::targets::CHOICES`].

use histories::Node;

use super::kind::FaultKind;
use super::table::Make;
use super::{links, partition, targets};
use crate::{Dice, Layout, View};

/// Whom a fault hits, or in which shape it cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Aim {
    Leader,
    One,
    Minority,
    Majority,
    All,
    Follower,
    Rolling,
    Elected,
    Halves,
    Ring,
    Bridge,
    OneWay,
    Random,
    Flapping,
    Datacentre,
    Datacentres,
    Hub,
    Link,
    Home,
    Any,
}

/// From some nodes to others.
pub(super) type Way = (Vec<Node>, Vec<Node>);
/// Chooses links; `None` where there is nothing to aim at now.
pub(super) type Ways = fn(&View, &mut Dice) -> Option<Vec<Way>>;

/// How an aim is taken, as an entry of a table.
pub(super) struct Choice<F: 'static> {
    pub(super) terms: Terms,
    pub(super) choose: F,
}

/// What an aim is, and what it takes.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) aim: Aim,
    /// Whom or what it means, in words.
    about: &'static str,
    nodes_min: usize,
    datacentres_min: u16,
}

impl Choice<Ways> {
    pub(super) const fn ways(aim: Aim, about: &'static str, choose: Ways) -> Self {
        Self::new(aim, about, choose)
    }
}

impl<F: Copy> Choice<F> {
    pub(super) const fn new(aim: Aim, about: &'static str, choose: F) -> Self {
        Self { terms: Terms { aim, about, nodes_min: 1, datacentres_min: 1 }, choose }
    }

    pub(super) const fn of_nodes(self, nodes_min: usize) -> Self {
        Self { terms: Terms { nodes_min, ..self.terms }, choose: self.choose }
    }

    pub(super) const fn of_datacentres(self, datacentres_min: u16) -> Self {
        Self { terms: Terms { datacentres_min, ..self.terms }, choose: self.choose }
    }
}

impl Aim {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::One => "one",
            Self::Minority => "minority",
            Self::Majority => "majority",
            Self::All => "all",
            Self::Follower => "follower",
            Self::Rolling => "rolling",
            Self::Elected => "elected",
            Self::Halves => "halves",
            Self::Ring => "ring",
            Self::Bridge => "bridge",
            Self::OneWay => "one-way",
            Self::Random => "random",
            Self::Flapping => "flapping",
            Self::Datacentre => "datacentre",
            Self::Datacentres => "datacentres",
            Self::Hub => "hub",
            Self::Link => "link",
            Self::Home => "home",
            Self::Any => "any",
        }
    }

    /// Whom or what it means for `kind`, in words.
    pub(super) fn about(self, kind: FaultKind) -> &'static str {
        self.terms(kind).about
    }

    fn terms(self, kind: FaultKind) -> Terms {
        match kind.entry().make {
            Make::Cuts => self.find(&partition::CHOICES).terms,
            Make::Links(_) => self.find(&links::CHOICES).terms,
            Make::Nodes(_) => self.find(&targets::CHOICES).terms,
        }
    }

    /// The first choice, which every table has, stands for what a table lacks; a test sees to it that none does.
    pub(super) fn find<F>(self, choices: &'static [Choice<F>]) -> &'static Choice<F> {
        choices.iter().find(|choice| choice.terms.aim == self).unwrap_or(&choices[0])
    }

    /// Why a cluster of this layout has nobody like that.
    pub(super) fn refusal(self, kind: FaultKind, layout: Layout) -> Option<String> {
        let Terms { nodes_min, datacentres_min: datacentres, .. } = self.terms(kind);
        let nodes = nodes_min.max(if kind.is_of_links() { 2 } else { 1 });
        if usize::from(layout.total()) < nodes {
            return Some(format!("needs {nodes} nodes or more; there are {}", layout.total()));
        }
        (layout.datacentres < datacentres)
            .then(|| format!("needs {datacentres} datacentres or more; there are {}", layout.datacentres))
    }

    /// At most a minority is down at once, unless more were asked for.
    pub(super) fn spares_the_majority(self) -> bool {
        !matches!(self, Self::Majority | Self::All | Self::Datacentre)
    }

    /// What [`Aim::Any`] may come to: aims with a rhythm of their own are for whoever asks for them.
    pub(super) fn any(kind: FaultKind, layout: Layout) -> Vec<Self> {
        let special = [Self::Any, Self::Flapping, Self::Elected, Self::Rolling];
        let fits = |aim: &Self| !special.contains(aim) && aim.refusal(kind, layout).is_none();
        kind.entry().aims.iter().copied().filter(fits).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_aim_of_every_kind_is_in_its_table() {
        for kind in FaultKind::ALL {
            for &aim in kind.entry().aims {
                assert_eq!(aim.terms(kind).aim, aim, "{}:{}", kind.name(), aim.name());
            }
        }
    }
}
