//! Whom a fault may be aimed at. It never chooses; [`super::targets`] does.

use super::kind::FaultKind;
use crate::Layout;

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

const PARTITION: &[Aim] = &[
    Aim::Leader,
    Aim::One,
    Aim::Majority,
    Aim::Minority,
    Aim::Halves,
    Aim::Ring,
    Aim::Bridge,
    Aim::OneWay,
    Aim::Random,
    Aim::Flapping,
    Aim::Datacentres,
    Aim::Hub,
    Aim::Link,
    Aim::Home,
    Aim::Any,
];
const LINKS: &[Aim] = &[Aim::All, Aim::Leader, Aim::One, Aim::Datacentres, Aim::Link, Aim::Any];
const PROCESS: &[Aim] = &[
    Aim::Leader,
    Aim::One,
    Aim::Minority,
    Aim::Majority,
    Aim::All,
    Aim::Follower,
    Aim::Rolling,
    Aim::Elected,
    Aim::Datacentre,
    Aim::Home,
    Aim::Any,
];
const NODES: &[Aim] = &[
    Aim::One,
    Aim::Leader,
    Aim::Minority,
    Aim::Majority,
    Aim::All,
    Aim::Follower,
    Aim::Datacentre,
    Aim::Any,
];
const NODES_ALL_FIRST: &[Aim] = &[
    Aim::All,
    Aim::One,
    Aim::Leader,
    Aim::Minority,
    Aim::Majority,
    Aim::Follower,
    Aim::Datacentre,
    Aim::Any,
];

impl Aim {
    /// What `kind` can be aimed at, its default first.
    pub(super) fn of(kind: FaultKind) -> &'static [Self] {
        match kind {
            FaultKind::Partition => PARTITION,
            FaultKind::Clients => &[Self::One, Self::Leader, Self::Datacentre, Self::Any],
            FaultKind::Slow | FaultKind::Loss | FaultKind::Duplicate | FaultKind::Reorder => LINKS,
            FaultKind::Kill | FaultKind::Pause => PROCESS,
            FaultKind::ClockStep
            | FaultKind::ClockDrift
            | FaultKind::ClockStrobe
            | FaultKind::Power
            | FaultKind::DiskTorn
            | FaultKind::DiskFlip
            | FaultKind::DiskTruncate
            | FaultKind::DiskFull
            | FaultKind::DiskSlow => NODES,
            // One disk that lies loses nothing that a majority holds.
            FaultKind::DiskLies => NODES_ALL_FIRST,
        }
    }

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

    pub(super) fn about(self, kind: FaultKind) -> &'static str {
        match kind {
            FaultKind::Partition => self.about_cuts(),
            FaultKind::Slow | FaultKind::Loss | FaultKind::Duplicate | FaultKind::Reorder => {
                self.about_links()
            }
            _ => self.about_nodes(),
        }
    }

    fn about_cuts(self) -> &'static str {
        match self {
            Self::Leader => "the leader alone on one side",
            Self::One => "one node, by dice, alone on one side",
            Self::Minority => "the leader left with a minority",
            Self::Majority => "a minority cut off from the leader, who keeps a majority",
            Self::Halves => "two halves, by dice",
            Self::Ring => "a ring: every node hears a majority, and no two the same one",
            Self::Bridge => "two halves with one node between that sees both",
            Self::OneWay => "one node (every other time the leader) that is not heard, or does not hear",
            Self::Random => "two sides of any size, by dice",
            Self::Flapping => "a link to the leader that comes and goes several times a second",
            Self::Datacentres => "one datacentre, by dice, cut off from the others",
            Self::Hub => "the datacentre that most changes flow through, cut off from the others",
            Self::Link => "two datacentres that exchange changes, cut off from each other",
            Self::Home => "the datacentre that is home to most keys, cut off from the others",
            Self::Any => "another shape each time, by dice",
            _ => self.about_nodes(),
        }
    }

    fn about_links(self) -> &'static str {
        match self {
            Self::All => "every link between nodes",
            Self::Leader => "every link to and from the leader",
            Self::One => "every link to and from one node, by dice",
            Self::Datacentres => "every link from one datacentre to another",
            Self::Link => "the links between two datacentres that exchange changes",
            Self::Any => "other links each time, by dice",
            _ => self.about_nodes(),
        }
    }

    fn about_nodes(self) -> &'static str {
        match self {
            Self::Leader => "the leader",
            Self::One => "one node, by dice",
            Self::Minority => "as many nodes as leave a majority",
            Self::Majority => "the fewest nodes that are a majority",
            Self::All => "every node",
            Self::Follower => "one node that does not lead",
            Self::Rolling => "one node after the other, in turn",
            Self::Elected => "the leader, and then whoever is elected in its place, at once",
            Self::Datacentre => "every node of one datacentre, by dice",
            Self::Home => "the leader of the datacentre that is home to most keys",
            Self::Any => "others each time, by dice",
            _ => self.about_cuts(),
        }
    }

    /// Why a cluster of this layout has nobody like that.
    pub(super) fn refusal(self, kind: FaultKind, layout: Layout) -> Option<String> {
        let (nodes, datacentres) = (self.nodes_min(kind), self.datacentres_min());
        if usize::from(layout.total()) < nodes {
            return Some(format!("needs {nodes} nodes or more; there are {}", layout.total()));
        }
        (layout.datacentres < datacentres)
            .then(|| format!("needs {datacentres} datacentres or more; there are {}", layout.datacentres))
    }

    fn nodes_min(self, kind: FaultKind) -> usize {
        let links = matches!(
            kind,
            FaultKind::Partition
                | FaultKind::Slow
                | FaultKind::Loss
                | FaultKind::Duplicate
                | FaultKind::Reorder
        );
        match self {
            Self::Ring | Self::Bridge | Self::Minority => 3,
            Self::Majority if kind == FaultKind::Partition => 3,
            Self::Follower => 2,
            _ if links => 2,
            _ => 1,
        }
    }

    fn datacentres_min(self) -> u16 {
        match self {
            Self::Datacentre | Self::Datacentres | Self::Hub | Self::Link | Self::Home => 2,
            _ => 1,
        }
    }

    /// At most a minority is down at once, unless more were asked for.
    pub(super) fn spares_the_majority(self) -> bool {
        !matches!(self, Self::Majority | Self::All | Self::Datacentre)
    }

    /// What [`Aim::Any`] may come to: aims with a rhythm of their own are for whoever asks for them.
    pub(super) fn any(kind: FaultKind, layout: Layout) -> Vec<Self> {
        let special = [Self::Any, Self::Flapping, Self::Elected, Self::Rolling];
        let fits = |aim: &Self| !special.contains(aim) && aim.refusal(kind, layout).is_none();
        Self::of(kind).iter().copied().filter(fits).collect()
    }
}
