//! How members of etcd are started, and asked how they are.

use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use nemesis::backends::{PeerUse, PortUse};
use nemesis::{BoxFuture, Layout, Powers};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::client::EtcdClient;
use super::gateway::{self, Header, number};
use super::{ELECTION, HEARTBEAT, READS};
use crate::cluster::{CommandLine, Doors, LOCAL_POWERS, Launcher, NodeSite, Running, run_name};
use crate::http::Link;
use crate::{Behind, Client, Lag, Mode, Setup, SetupError, Status};

/// Places of the ports in [`EtcdLauncher::ports`].
pub(super) const CLIENT: usize = 0;
const PEER: usize = 1;
/// A member that does not answer within this time is not up.
const STATUS_MAX: Duration = Duration::from_millis(250);
/// Older revisions are forgotten: a run of hours must not fill the disk.
const REVISIONS_KEPT: &str = "20000";

pub(super) struct EtcdLauncher {
    binary: PathBuf,
    mode: Mode,
    layout: Layout,
    seed: u64,
    /// Before every key: something of the run's own where the cluster is not.
    prefix: String,
    /// A connection to each member, for asking how it is.
    links: Vec<Mutex<Link>>,
}

/// Answer to `/v3/maintenance/status`; the gateway leaves out what is zero.
#[derive(Debug, Deserialize)]
struct MemberStatus {
    header: Header,
    #[serde(default, deserialize_with = "number")]
    leader: u64,
    #[serde(default, rename = "raftTerm", deserialize_with = "number")]
    term: u64,
    #[serde(default, rename = "raftIndex", deserialize_with = "number")]
    index: u64,
    #[serde(default, rename = "raftAppliedIndex", deserialize_with = "number")]
    applied: u64,
}

impl MemberStatus {
    fn leads(&self) -> bool {
        self.leader != 0 && self.leader == self.header.member
    }
}

impl EtcdLauncher {
    pub(super) fn new(binary: PathBuf, setup: &Setup) -> Self {
        Self {
            binary,
            mode: setup.mode.clone(),
            layout: setup.layout,
            seed: setup.seed,
            prefix: if setup.options.endpoints.is_empty() {
                String::new()
            } else {
                format!("{}/", run_name())
            },
            links: setup.layout.nodes().map(|_| Mutex::new(Link::default())).collect(),
        }
    }

    /// What the member says of itself, and whether it serves reads that a majority confirms.
    async fn ask(&self, node: &Running) -> Option<(MemberStatus, bool)> {
        let (link, address) = (self.links.get(node.node.index())?, *node.ports.get(CLIENT)?);
        let mut link = link.lock().await;
        let (code, body) = link.send(address, gateway::status(), STATUS_MAX).await.ok()?;
        let status = (code == 200).then(|| serde_json::from_slice(&body).ok())??;
        let read = link.send(address, gateway::probe(), STATUS_MAX).await;
        Some((status, read.is_ok_and(|(code, _)| code == 200)))
    }
}

impl Launcher for EtcdLauncher {
    fn ports(&self) -> Vec<PortUse> {
        vec![
            PortUse { clients: true, peers: PeerUse::Never },
            // Members keep one list of addresses, and give it to each other.
            PortUse { clients: false, peers: PeerUse::OneForAll },
        ]
    }

    fn powers(&self) -> Powers {
        LOCAL_POWERS
    }

    fn takes_any_address(&self) -> bool {
        true
    }

    fn commands(&self, site: &NodeSite) -> Result<Vec<CommandLine>, SetupError> {
        let url = |address| format!("http://{address}");
        let (client, peer) = (url(site.listen(CLIENT)?), url(site.listen(PEER)?));
        let members: Result<Vec<String>, SetupError> =
            site.layout.nodes().map(|node| Ok(format!("{node}={}", url(site.shared(node, PEER)?)))).collect();
        let option = |name: &str| self.mode.option(name).unwrap_or_default().to_owned();
        let flags = [
            ("--name", site.node.to_string()),
            ("--data-dir", site.data.join("etcd").display().to_string()),
            ("--listen-client-urls", client.clone()),
            ("--advertise-client-urls", client),
            ("--listen-peer-urls", peer),
            ("--initial-advertise-peer-urls", url(site.shared(site.node, PEER)?)),
            ("--initial-cluster", members?.join(",")),
            ("--initial-cluster-state", "new".to_owned()),
            ("--initial-cluster-token", format!("partita-{}", self.seed)),
            ("--heartbeat-interval", option(HEARTBEAT)),
            ("--election-timeout", option(ELECTION)),
            ("--auto-compaction-mode", "revision".to_owned()),
            ("--auto-compaction-retention", REVISIONS_KEPT.to_owned()),
        ];
        let flags = flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
        Ok(vec![CommandLine::new(&self.binary).args(flags)])
    }

    fn status<'a>(&'a self, nodes: &'a [Running]) -> BoxFuture<'a, Status> {
        Box::pin(async move {
            let asked = join_all(nodes.iter().map(async |node| (node.node, self.ask(node).await))).await;
            let told: Vec<_> = asked
                .into_iter()
                .filter_map(|(node, told)| told.map(|(status, reads)| (node, status, reads)))
                .collect();
            let mut leaders: Vec<_> = told
                .iter()
                .filter(|(_, status, _)| status.leads())
                .map(|(node, status, _)| (status.term, *node))
                .collect();
            leaders.sort_unstable();
            let foremost = leaders.last().map(|&(_, node)| node);
            let last = told
                .iter()
                .find(|(node, ..)| Some(*node) == foremost)
                .map_or(0, |(_, status, _)| status.index);
            let followers = told.iter().filter(|(node, ..)| Some(*node) != foremost);
            let lag = followers.filter_map(|(node, status, _)| {
                let entries = last.saturating_sub(status.applied);
                Some((foremost?, Lag { of: Behind::Follower(*node), entries }))
            });
            Status {
                lag: lag.collect(),
                up: told.iter().map(|(node, ..)| *node).collect(),
                ready: told.len() == usize::from(self.layout.total())
                    && leaders.len() == 1
                    && told.iter().all(|(.., reads)| *reads),
                leaders,
            }
        })
    }

    fn client(&self, doors: Doors) -> Result<Box<dyn Client>, SetupError> {
        let serializable = self.mode.option(READS) == Some("serializable");
        Ok(Box::new(EtcdClient::new(doors, serializable, self.prefix.clone())))
    }
}
