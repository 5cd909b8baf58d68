//! Controllers that promote a replica, for systems that do not do so by themselves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::join_all;
use histories::Node;
use nemesis::BoxFuture;
use nemesis::backends::{ProcessError, Proxies};

use super::Running;
use super::member::Members;

/// Watches a cluster and promotes a replica when the primary is gone.
pub trait Failover: Send + Sync {
    /// Runs beside the cluster, from the first start of its nodes until the cluster stops.
    fn watch(self: Arc<Self>, nodes: Nodes) -> BoxFuture<'static, ()>;
}

/// The nodes of a cluster, for a controller. It sees the links between them as the nodes do, cut where they are cut.
#[derive(Clone)]
pub struct Nodes {
    pub(super) members: Members,
    pub(super) proxies: Arc<Proxies>,
}

impl Nodes {
    /// The nodes that are neither dead nor stopped, past every proxy.
    pub async fn running(&self) -> Vec<Running> {
        let asked = join_all(self.members.iter().map(async |member| member.lock().await.running())).await;
        asked.into_iter().flatten().collect()
    }

    /// Where a controller that stands beside `from` finds a port of `to`.
    pub fn between(&self, from: Node, to: Node, port: usize) -> Option<SocketAddr> {
        self.proxies.peer_address(from, to, port)
    }

    /// The folder of what a node stores.
    pub async fn data(&self, node: Node) -> Option<PathBuf> {
        Some(self.members.get(node.index())?.lock().await.data().to_owned())
    }

    /// Ends a node and starts it again, with `between` done while it is down. A node that is dead or stopped already is a
    /// fault's, and is left alone: then the answer is `None`.
    pub async fn restart(
        &self,
        node: Node,
        between: impl FnOnce() -> BoxFuture<'static, ()>,
    ) -> Result<Option<String>, ProcessError> {
        let Some(member) = self.members.get(node.index()) else { return Ok(None) };
        let mut member = member.lock().await;
        if member.running().is_none() {
            return Ok(None);
        }
        member.kill().await?;
        between().await;
        member.start().await.map(Some)
    }
}
