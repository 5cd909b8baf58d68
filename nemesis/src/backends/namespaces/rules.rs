//! What the router does about a fault, as rules of nftables. Pure: from effects to text.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::Ipv4Addr;

use histories::Node;

use crate::{Effect, FaultId, LinkChange};

/// Everything of this backend stands in this table.
pub(super) const TABLE: &str = "inet partita";
/// How many bytes of a burst a narrow link lets pass.
const BURST_BYTES_MIN: u64 = 4096;

/// Where a node is found.
pub(super) fn address(node: Node) -> Ipv4Addr {
    let [high, low] = node.0.to_be_bytes();
    Ipv4Addr::new(10, 77 + high, low.wrapping_add(1), 2)
}

/// A fault as the router carries it out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) links: usize,
    /// Lines of a chain; none where nothing is done to packets.
    pub(super) rules: Vec<String>,
    /// Connections that end at once: by node, those that it has with others.
    pub(super) ends: BTreeMap<Node, Vec<Node>>,
    /// They end again whenever this time has passed.
    pub(super) again: Option<histories::Nanos>,
}

/// The chain and the counter of a fault.
pub(super) fn name(fault: FaultId) -> String {
    format!("fault{}", fault.0)
}

impl Plan {
    /// What those of the effects come to that are about links between nodes; `None` where none is.
    pub(super) fn of(fault: FaultId, effects: &[Effect]) -> Option<Self> {
        let mut plan = Self::default();
        for effect in effects {
            match effect {
                Effect::Cut { from, to } => {
                    plan.add(fault, &pairs(from, to), |packets, count| format!("{packets} {count} drop"));
                }
                Effect::Link { from, to, change } => plan.change(fault, &pairs(from, to), *change),
                Effect::CutClients { .. }
                | Effect::Kill { .. }
                | Effect::Pause { .. }
                | Effect::Power { .. }
                | Effect::Clock { .. }
                | Effect::Disk { .. } => {}
            }
        }
        (plan.links > 0).then_some(plan)
    }

    fn change(&mut self, fault: FaultId, pairs: &[(Node, Node)], change: LinkChange) {
        match change {
            LinkChange::Lose { percent: 100.. } => {
                self.add(fault, pairs, |packets, count| format!("{packets} {count} drop"));
            }
            LinkChange::Lose { percent } => self.add(fault, pairs, |packets, count| {
                format!("{packets} numgen random mod 100 < {percent} {count} drop")
            }),
            LinkChange::Throttle { kb_per_s } => {
                let rate = kb_per_s.saturating_mul(1000);
                let burst = (rate / 20).max(BURST_BYTES_MIN);
                // Each link by itself.
                for pair in pairs {
                    self.add(fault, &[*pair], |packets, count| {
                        format!(
                            "{packets} limit rate over {rate} bytes/second burst {burst} bytes {count} drop"
                        )
                    });
                }
            }
            LinkChange::Reset { every } => {
                self.links += pairs.len();
                self.end(pairs);
                self.again = Some(every);
            }
            LinkChange::Refuse => {
                self.add(fault, pairs, |packets, count| {
                    format!("{packets} meta l4proto tcp {count} reject with tcp reset")
                });
                self.end(pairs);
            }
            LinkChange::Hang => {
                self.add(fault, pairs, |packets, count| {
                    format!("{packets} tcp flags & (syn | ack) == syn {count} drop")
                });
                self.end(pairs);
            }
            LinkChange::HalfOpen => {
                // What the end that is gone says of it does not get through.
                let back: Vec<_> = pairs.iter().map(|&(from, to)| (to, from)).collect();
                self.add(fault, &back, |packets, count| {
                    format!("{packets} tcp flags & rst == rst {count} drop")
                });
                for &(from, to) in pairs {
                    self.ends.entry(to).or_default().push(from);
                }
            }
            // Not among what namespaces can do; refused before it comes here.
            LinkChange::Slow { .. }
            | LinkChange::Duplicate { .. }
            | LinkChange::Reorder { .. }
            | LinkChange::Jitter { .. } => {}
        }
    }

    /// A rule for what flows on these links.
    fn add(&mut self, fault: FaultId, pairs: &[(Node, Node)], rule: impl Fn(&str, &str) -> String) {
        if pairs.is_empty() {
            return;
        }
        let listed: Vec<String> =
            pairs.iter().map(|&(from, to)| format!("{} . {}", address(from), address(to))).collect();
        let packets = format!("ip saddr . ip daddr {{ {} }}", listed.join(", "));
        self.rules.push(rule(&packets, &format!("counter name {}", name(fault))));
        self.links += pairs.len();
    }

    fn end(&mut self, pairs: &[(Node, Node)]) {
        for &(from, to) in pairs {
            for (node, other) in [(from, to), (to, from)] {
                let others = self.ends.entry(node).or_default();
                if !others.contains(&other) {
                    others.push(other);
                }
            }
        }
    }

    /// A script that puts the rules in force, all at once.
    pub(super) fn script(&self, fault: FaultId) -> String {
        let name = name(fault);
        let mut script = format!(
            "add table {TABLE}\nadd counter {TABLE} {name}\n\
             add chain {TABLE} {name} {{ type filter hook forward priority 0; policy accept; }}\n"
        );
        for rule in &self.rules {
            // Writing to a string cannot fail.
            let _ = writeln!(script, "add rule {TABLE} {name} {rule}");
        }
        script
    }
}

/// A script that takes the rules of a fault out of force.
pub(super) fn undo(fault: FaultId) -> String {
    let name = name(fault);
    format!("flush chain {TABLE} {name}\ndelete chain {TABLE} {name}\n")
}

/// Nothing is ever done to what a node sends to itself.
fn pairs(from: &[Node], to: &[Node]) -> Vec<(Node, Node)> {
    let all = from.iter().flat_map(|&from| to.iter().map(move |&to| (from, to)));
    all.filter(|(from, to)| from != to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: [Node; 3] = [Node(0), Node(1), Node(2)];

    #[test]
    fn a_cut_is_one_rule_for_all_its_links() {
        let cut = Effect::Cut { from: vec![Node(0)], to: NODES.to_vec() };
        let plan = Plan::of(FaultId(7), &[cut]).unwrap();
        assert_eq!(plan.links, 2);
        assert_eq!(
            plan.script(FaultId(7)),
            "add table inet partita\nadd counter inet partita fault7\n\
             add chain inet partita fault7 { type filter hook forward priority 0; policy accept; }\n\
             add rule inet partita fault7 ip saddr . ip daddr \
             { 10.77.1.2 . 10.77.2.2, 10.77.1.2 . 10.77.3.2 } counter name fault7 drop\n"
        );
        assert_eq!(address(Node(255)), Ipv4Addr::new(10, 77, 0, 2));
        assert_eq!(address(Node(256)), Ipv4Addr::new(10, 78, 1, 2));
    }

    #[test]
    fn connections_end_at_both_ends_and_those_that_are_half_open_at_one() {
        let link = |change| Effect::Link { from: vec![Node(0)], to: vec![Node(1)], change };
        let refuse = Plan::of(FaultId(1), &[link(LinkChange::Refuse)]).unwrap();
        assert_eq!(refuse.ends, BTreeMap::from([(Node(0), vec![Node(1)]), (Node(1), vec![Node(0)])]));
        let half = Plan::of(FaultId(1), &[link(LinkChange::HalfOpen)]).unwrap();
        assert_eq!(half.ends, BTreeMap::from([(Node(1), vec![Node(0)])]));
        assert!(half.rules[0].starts_with("ip saddr . ip daddr { 10.77.2.2 . 10.77.1.2 } tcp flags"));
        assert_eq!(Plan::of(FaultId(1), &[Effect::Kill { nodes: NODES.to_vec() }]), None);
    }
}
