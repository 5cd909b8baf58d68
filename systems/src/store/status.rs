//! A cluster as its members tell of themselves. Pure: whoever carries the members asks them.

use histories::Node;
use nemesis::Layout;

use super::protocol::Leadership;
use super::replica::{ReplicaStatus, Role};
use crate::Status;

/// What the members that answered make of the cluster. Ready: everybody answers, is ready, and as many lead as should.
pub fn summary(layout: Layout, leadership: Leadership, told: &[ReplicaStatus]) -> Status {
    let mut leaders: Vec<(u64, Node)> = told
        .iter()
        .filter(|status| status.role == Role::Leader)
        .map(|status| (status.term, status.node))
        .collect();
    leaders.sort_unstable();
    let foremost: Vec<Node> =
        (0..layout.datacentres).filter_map(|datacentre| foremost(layout, datacentre, &leaders)).collect();
    let counts =
        |status: &&ReplicaStatus| leadership == Leadership::Nobody || foremost.contains(&status.node);
    let lag = told.iter().filter(counts);
    let lag = lag.flat_map(|status| status.lag.iter().map(|&lag| (status.node, lag)));
    Status {
        ready: told.len() == usize::from(layout.total())
            && led(layout, leadership, &leaders)
            && told.iter().all(|status| status.ready),
        lag: lag.collect(),
        up: told.iter().map(|status| status.node).collect(),
        leaders,
    }
}

/// The leader of a datacentre with the highest term.
fn foremost(layout: Layout, datacentre: u16, leaders: &[(u64, Node)]) -> Option<Node> {
    leaders.iter().rev().map(|&(_, node)| node).find(|&node| layout.datacentre(node) == datacentre)
}

fn led(layout: Layout, leadership: Leadership, leaders: &[(u64, Node)]) -> bool {
    let count =
        |datacentre| leaders.iter().filter(|(_, node)| layout.datacentre(*node) == datacentre).count();
    (0..layout.datacentres).all(|datacentre| match leadership {
        Leadership::One => count(datacentre) == 1,
        Leadership::Any => count(datacentre) >= 1,
        Leadership::Nobody => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Behind, Lag};

    const TWO: Layout = Layout::single(2);

    fn behind(entries: u64) -> Lag {
        Lag { of: Behind::Follower(Node(2)), entries }
    }

    fn told(node: u16, role: Role, term: u64, ready: bool) -> ReplicaStatus {
        ReplicaStatus {
            node: Node(node),
            role,
            term,
            leader: None,
            last_index: 0,
            commit_index: 0,
            applied_index: 0,
            lag: vec![behind(u64::from(node))],
            ready,
        }
    }

    #[test]
    fn ready_means_that_all_answer_one_leads_and_all_serve() {
        let two = [told(0, Role::Leader, 1, true), told(1, Role::Follower, 1, true)];
        assert!(summary(TWO, Leadership::One, &two).ready);
        assert!(!summary(Layout::single(3), Leadership::One, &two).ready, "one does not answer");
        let lagging = [told(0, Role::Leader, 1, true), told(1, Role::Follower, 1, false)];
        assert!(!summary(TWO, Leadership::One, &lagging).ready);
        let leaderless = [told(0, Role::Follower, 1, true), told(1, Role::Follower, 1, true)];
        assert!(!summary(TWO, Leadership::One, &leaderless).ready);
        assert!(summary(TWO, Leadership::Nobody, &leaderless).ready);
    }

    #[test]
    fn of_two_leaders_the_later_one_is_last_and_its_lag_counts() {
        let two = [told(1, Role::Leader, 3, true), told(0, Role::Leader, 2, true)];
        let status = summary(TWO, Leadership::One, &two);
        assert_eq!(status.leaders, [(2, Node(0)), (3, Node(1))]);
        assert_eq!(status.lag, [(Node(1), behind(1))]);
        assert!(!status.ready);
        assert!(summary(TWO, Leadership::Any, &two).ready, "an unfenced pair of leaders stays one");
    }

    #[test]
    fn each_datacentre_has_a_leader_of_its_own() {
        let layout = Layout { datacentres: 2, nodes_each: 1 };
        let both = [told(0, Role::Leader, 1, true), told(1, Role::Leader, 4, true)];
        let status = summary(layout, Leadership::One, &both);
        assert!(status.ready);
        assert_eq!(status.lag, [(Node(0), behind(0)), (Node(1), behind(1))]);
        let one = [told(0, Role::Leader, 1, true), told(1, Role::Follower, 4, true)];
        assert!(!summary(layout, Leadership::One, &one).ready);
    }
}
