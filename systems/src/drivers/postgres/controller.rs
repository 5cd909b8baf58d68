//! Promotes a standby when the primary is gone, and makes a primary that was deposed a standby. It sees what the standbys see:
//! a primary that a majority cannot reach is gone.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use histories::Node;
use nemesis::{BoxFuture, Layout};

use super::launcher::{SERVER, conninfo};
use super::session::Session;
use crate::cluster::{Failover, Nodes, Running};

const POLL: Duration = Duration::from_millis(200);
const ANSWER_MAX: Duration = Duration::from_millis(300);
const PROMOTE_MAX: Duration = Duration::from_secs(12);
/// How long a standby may take to let go of its primary.
const DETACH_MAX: Duration = Duration::from_secs(3);

/// Which node is the primary, and the how-manieth.
#[derive(Debug)]
pub(super) struct Topology(Mutex<(Node, u64)>);

impl Default for Topology {
    fn default() -> Self {
        Self(Mutex::new((Node(0), 1)))
    }
}

impl Topology {
    pub(super) fn primary(&self) -> (Node, u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn promoted(&self, node: Node) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = (node, held.1 + 1);
    }
}

pub(super) struct Controller {
    topology: Arc<Topology>,
    majority: usize,
    down_after: Duration,
}

impl Controller {
    pub(super) fn new(topology: Arc<Topology>, layout: Layout, down_after: Duration) -> Self {
        Self { topology, majority: usize::from(layout.total()) / 2 + 1, down_after }
    }

    /// One look at the cluster; `seen` is when a standby reached the primary last.
    async fn look(&self, nodes: &Nodes, seen: &mut Instant) {
        let (primary, _) = self.topology.primary();
        let running = nodes.running().await;
        let standbys: Vec<&Running> = running.iter().filter(|node| node.node != primary).collect();
        let reached = join_all(standbys.iter().map(async |standby| {
            let address = nodes.between(standby.node, primary, SERVER);
            matches!(address, Some(address) if role(address).await.as_deref() == Some("primary"))
        }));
        if reached.await.contains(&true) {
            *seen = Instant::now();
            self.set_right(nodes, primary, &standbys).await;
        } else if seen.elapsed() >= self.down_after
            && let Some(candidates) = self.majority_of(nodes, &standbys).await
            && self.promote(&candidates).await
        {
            *seen = Instant::now();
        }
    }

    /// The standbys of a side that is a majority: those that one of them reaches, itself included.
    async fn majority_of<'r>(&self, nodes: &Nodes, standbys: &[&'r Running]) -> Option<Vec<&'r Running>> {
        for standby in standbys {
            let reached = join_all(standbys.iter().map(async |other| {
                let address = nodes.between(standby.node, other.node, SERVER);
                other.node == standby.node
                    || matches!(address, Some(address) if role(address).await.is_some())
            }));
            let side: Vec<&Running> = standbys
                .iter()
                .zip(reached.await)
                .filter(|(_, reached)| *reached)
                .map(|(node, _)| *node)
                .collect();
            if side.len() >= self.majority {
                return Some(side);
            }
        }
        None
    }

    /// Promotes the standby that has received most, once none of them listens to the old primary any more: what it
    /// acknowledges then, it acknowledges alone.
    async fn promote(&self, candidates: &[&Running]) -> bool {
        let detached = join_all(candidates.iter().map(async |standby| {
            let address = *standby.ports.first()?;
            detach(address).await.then_some(())?;
            Some((received(address).await?, standby.node, address))
        }));
        let Some(mut received) = detached.await.into_iter().collect::<Option<Vec<_>>>() else { return false };
        received.sort_unstable_by_key(|&(bytes, node, _)| (bytes, std::cmp::Reverse(node)));
        let Some(&(_, node, address)) = received.last() else { return false };
        let promoted = one(address, "SELECT pg_promote(true, 10)::text", PROMOTE_MAX).await;
        let done = promoted.as_deref() == Some("true");
        if done {
            self.topology.promoted(node);
        }
        done
    }

    /// Every standby that can follows the primary; a second primary becomes a standby.
    async fn set_right(&self, nodes: &Nodes, primary: Node, standbys: &[&Running]) {
        for standby in standbys {
            let (Some(&direct), Some(follows)) =
                (standby.ports.first(), nodes.between(standby.node, primary, SERVER))
            else {
                continue;
            };
            match role(direct).await.as_deref() {
                // It is reached, or it would be let alone until it is.
                Some("primary") if role(follows).await.is_some() => {
                    // Where that fails, its end is found out like any other.
                    let _ = nodes.restart(standby.node, || Box::pin(async {})).await;
                }
                Some("standby") => follow(direct, &conninfo(standby.node, follows)).await,
                _ => {}
            }
        }
    }
}

impl Failover for Controller {
    fn watch(self: Arc<Self>, nodes: Nodes) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut seen = Instant::now();
            loop {
                tokio::time::sleep(POLL).await;
                self.look(&nodes, &mut seen).await;
            }
        })
    }
}

/// The only cell that a statement answers with.
async fn one(address: SocketAddr, text: &'static str, limit: Duration) -> Option<String> {
    let rows = Session::default().ask(address, text, &[], limit).await.ok()?;
    rows.into_iter().next()?.into_iter().next()
}

/// `primary` or `standby`, where the server answers.
async fn role(address: SocketAddr) -> Option<String> {
    let text = "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END";
    one(address, text, ANSWER_MAX).await
}

/// How far a standby has received what primaries wrote.
async fn received(address: SocketAddr) -> Option<u64> {
    let text = "SELECT (greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0')::text";
    one(address, text, ANSWER_MAX * 3).await?.parse().ok()
}

/// Makes a standby listen to no primary, and waits until it does not.
async fn detach(address: SocketAddr) -> bool {
    set_primary(address, "").await;
    let began = Instant::now();
    while began.elapsed() < DETACH_MAX {
        let receivers = one(address, "SELECT count(*)::text FROM pg_stat_wal_receiver", ANSWER_MAX).await;
        if receivers.as_deref() == Some("0") {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

/// Makes a standby follow the primary that is found so, unless it does already.
async fn follow(address: SocketAddr, conninfo: &str) {
    let followed = one(address, "SELECT current_setting('primary_conninfo')", ANSWER_MAX).await;
    if followed.is_some_and(|followed| followed != conninfo) {
        set_primary(address, conninfo).await;
    }
}

async fn set_primary(address: SocketAddr, conninfo: &str) {
    let mut session = Session::default();
    let text = format!("ALTER SYSTEM SET primary_conninfo = '{conninfo}'");
    // A server that does not take it is asked again at the next look.
    if session.run(address, &text, ANSWER_MAX * 3).await.is_ok() {
        let _ = session.run(address, "SELECT pg_reload_conf()", ANSWER_MAX * 3).await;
    }
}
