//! What an effect asks of commands: a kind of fault, the nodes or links that it is done to, and how strong it is.

use histories::Node;
use nemesis::{ClockChange, Effect, FaultKind, LinkChange};

/// Where a command acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Site {
    Node(Node),
    /// What flows this way; the other way is another site.
    Link {
        from: Node,
        to: Node,
    },
}

/// An effect as commands carry it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) kind: FaultKind,
    pub(super) sites: Vec<Site>,
    /// In the unit of the kind: milliseconds, KB/s, percent, or milliseconds a second.
    pub(super) by: Option<i64>,
}

const OF_NODE: &[&str] = &["node", "id", "address", "host", "port"];
const OF_NODE_BY: &[&str] = &["node", "id", "address", "host", "port", "by"];
const OF_LINK: &[&str] =
    &["from", "to", "from_id", "to_id", "from_address", "to_address", "from_host", "to_host"];
const OF_LINK_BY: &[&str] =
    &["from", "to", "from_id", "to_id", "from_address", "to_address", "from_host", "to_host", "by"];

/// What stands in braces in the commands of a kind.
pub(super) fn places(kind: FaultKind) -> &'static [&'static str] {
    match kind {
        FaultKind::Partition => OF_LINK,
        FaultKind::Slow | FaultKind::Jitter | FaultKind::Throttle | FaultKind::Loss => OF_LINK_BY,
        FaultKind::ClockDrift => OF_NODE_BY,
        _ => OF_NODE,
    }
}

/// What commands have to do for an effect; `None` for those that no command carries out.
pub(super) fn asked(effect: &Effect) -> Option<Asked> {
    let (kind, by) = match effect {
        Effect::Cut { .. } => (FaultKind::Partition, None),
        Effect::Kill { .. } => (FaultKind::Kill, None),
        Effect::Pause { .. } => (FaultKind::Pause, None),
        Effect::Power { .. } => (FaultKind::Power, None),
        Effect::Link { change, .. } => of_link(*change)?,
        Effect::Clock { change: ClockChange::Drift { ms_per_s }, .. } => {
            (FaultKind::ClockDrift, Some(*ms_per_s))
        }
        Effect::Clock { .. } | Effect::CutClients { .. } | Effect::Disk { .. } => return None,
    };
    let sites = match effect {
        Effect::Cut { from, to } | Effect::Link { from, to, .. } => links(from, to),
        Effect::CutClients { nodes }
        | Effect::Kill { nodes }
        | Effect::Pause { nodes }
        | Effect::Power { nodes }
        | Effect::Clock { nodes, .. }
        | Effect::Disk { nodes, .. } => nodes.iter().copied().map(Site::Node).collect(),
    };
    Some(Asked { kind, sites, by })
}

fn of_link(change: LinkChange) -> Option<(FaultKind, Option<i64>)> {
    let whole = |amount: u64| i64::try_from(amount).ok();
    Some(match change {
        LinkChange::Slow { by } => (FaultKind::Slow, whole(by.0 / 1_000_000)),
        LinkChange::Jitter { by } => (FaultKind::Jitter, whole(by.0 / 1_000_000)),
        LinkChange::Throttle { kb_per_s } => (FaultKind::Throttle, whole(kb_per_s)),
        LinkChange::Lose { percent } => (FaultKind::Loss, Some(percent.into())),
        LinkChange::Duplicate { .. }
        | LinkChange::Reorder { .. }
        | LinkChange::Reset { .. }
        | LinkChange::Refuse
        | LinkChange::Hang
        | LinkChange::HalfOpen => return None,
    })
}

fn links(from: &[Node], to: &[Node]) -> Vec<Site> {
    let pairs = from.iter().flat_map(|&from| to.iter().map(move |&to| (from, to)));
    pairs.filter(|(from, to)| from != to).map(|(from, to)| Site::Link { from, to }).collect()
}

/// What stands in a place of a command. `endpoints` are those of the nodes, in their order.
pub(super) fn fill(place: &str, site: Site, by: Option<i64>, endpoints: &[String]) -> String {
    let (first, second, name) = match site {
        Site::Node(node) => (node, node, place),
        Site::Link { from, to } => (from, to, place),
    };
    let (node, what) = match name.split_once('_') {
        Some(("from", what)) => (first, what),
        Some(("to", what)) => (second, what),
        _ if name == "from" => (first, "node"),
        _ if name == "to" => (second, "node"),
        _ => (first, name),
    };
    let endpoint = endpoints.get(node.index()).map(String::as_str).unwrap_or_default();
    let (host, port) = endpoint.rsplit_once(':').unwrap_or((endpoint, ""));
    match what {
        "node" => node.to_string(),
        "id" => (node.index() + 1).to_string(),
        "address" => endpoint.to_owned(),
        "host" => host.to_owned(),
        "port" => port.to_owned(),
        _ => by.unwrap_or_default().to_string(),
    }
}
