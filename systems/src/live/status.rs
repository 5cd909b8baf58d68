//! How a live cluster is, asked of each node directly, past every proxy. It never takes an answer for an obligation: a
//! node that does not answer soon is simply not up.

use std::time::Duration;

use futures::future::join_all;
use tokio::sync::Mutex;

use super::http::Link;
use super::member::Member;
use super::wire::HttpRequest;
use crate::Status;
use crate::store::{Fencing, ReplicaStatus, Role};

const ANSWER_MAX: Duration = Duration::from_millis(250);

/// Asks all nodes at once. Without fencing several leaders are as ready as one: they never will be fewer.
pub(crate) async fn of(members: &[Mutex<Member>], fencing: Fencing) -> Status {
    let asked = join_all(members.iter().map(ask)).await;
    let told: Vec<ReplicaStatus> = asked.into_iter().flatten().collect();
    summary(members.len(), fencing, &told)
}

fn summary(nodes: usize, fencing: Fencing, told: &[ReplicaStatus]) -> Status {
    let mut leaders: Vec<_> = told
        .iter()
        .filter(|status| status.role == Role::Leader)
        .map(|status| (status.term, status.node))
        .collect();
    leaders.sort_unstable();
    let foremost = leaders.last().and_then(|&(_, leader)| told.iter().find(|status| status.node == leader));
    let led = leaders.len() == 1 || fencing == Fencing::None && !leaders.is_empty();
    Status {
        ready: told.len() == nodes && led && told.iter().all(|status| status.ready),
        lag: foremost.map(|status| status.lag.clone()).unwrap_or_default(),
        up: told.iter().map(|status| status.node).collect(),
        leaders,
    }
}

async fn ask(member: &Mutex<Member>) -> Option<ReplicaStatus> {
    // The lock is not held while the node thinks: a fault must not wait for an answer.
    let (address, mut link) = {
        let mut member = member.lock().await;
        if member.paused {
            return None;
        }
        (member.address?, std::mem::take(&mut member.link))
    };
    let status = status_at(&mut link, address).await;
    if status.is_some() {
        member.lock().await.link = link;
    }
    status
}

async fn status_at(link: &mut Link, address: std::net::SocketAddr) -> Option<ReplicaStatus> {
    let (code, body) = link.send(address, HttpRequest::get("/status"), ANSWER_MAX).await.ok()?;
    (code == 200).then(|| serde_json::from_slice(&body).ok())?
}

#[cfg(test)]
mod tests {
    use histories::Node;

    use super::*;

    fn told(node: u16, role: Role, term: u64, ready: bool) -> ReplicaStatus {
        ReplicaStatus {
            node: Node(node),
            role,
            term,
            leader: None,
            last_index: 0,
            commit_index: 0,
            applied_index: 0,
            lag: vec![(Node(2), u64::from(node))],
            ready,
        }
    }

    #[test]
    fn ready_means_that_all_answer_one_leads_and_all_serve() {
        let two = [told(0, Role::Leader, 1, true), told(1, Role::Follower, 1, true)];
        assert!(summary(2, Fencing::Term, &two).ready);
        assert!(!summary(3, Fencing::Term, &two).ready, "one does not answer");
        assert!(
            !summary(2, Fencing::Term, &[told(0, Role::Leader, 1, true), told(1, Role::Follower, 1, false)])
                .ready
        );
        assert!(!summary(1, Fencing::Term, &[told(1, Role::Follower, 1, true)]).ready);
    }

    #[test]
    fn of_two_leaders_the_later_one_is_last_and_its_lag_counts() {
        let status =
            summary(2, Fencing::Term, &[told(1, Role::Leader, 3, true), told(0, Role::Leader, 2, true)]);
        assert_eq!(status.leaders, [(2, Node(0)), (3, Node(1))]);
        assert_eq!(status.lag, [(Node(2), 1)]);
        assert!(!status.ready);
        let two = [told(1, Role::Leader, 3, true), told(0, Role::Leader, 2, true)];
        assert!(summary(2, Fencing::None, &two).ready, "an unfenced pair of leaders stays one");
    }
}
