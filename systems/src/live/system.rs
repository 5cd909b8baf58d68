//! The reference store as a system under test: how its nodes are started, and asked how they are.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::future::join_all;
use histories::{Conflict, Function, Nanos, Node};
use nemesis::backends::{PeerUse, PortUse};
use nemesis::{BoxFuture, Dice, Layout, Power, Powers};
use tokio::sync::Mutex;

use super::arguments::NodeArguments;
use super::client::StoreClient;
use super::clock::ClockReading;
use super::token::Token;
use crate::cluster::{
    ClockControl, ClockSetting, CommandLine, Doors, LOCAL_POWERS, Launcher, LocalCluster, NodeSite, Running,
    in_namespaces,
};
use crate::http::{HttpRequest, Link};
use crate::store::codec::Session;
use crate::store::status::summary;
use crate::store::{self, Bug, ReplicaStatus, Store, TRAPS};
use crate::{
    Client, Cluster, Ground, Mode, PlantedBug, Settles, Setup, SetupError, Simulator, Status, System, Trap,
};

/// A node that does not answer within this time is not up.
const STATUS_MAX: Duration = Duration::from_millis(250);
const CLOCK_MAX: Duration = Duration::from_secs(5);

/// The bundled reference store.
#[derive(Clone, Debug)]
pub struct StoreSystem {
    exe: PathBuf,
}

impl StoreSystem {
    /// What every live cluster of the store can have done to it.
    pub const POWERS: Powers = LOCAL_POWERS.union(Powers::of(&[Power::Step, Power::Drift]));

    /// `exe node …` must run [`super::run_blocking`] with what follows `node`, and `exe child …`
    /// [`crate::cluster::replace_process`] with what follows `child`.
    pub fn new(exe: PathBuf) -> Self {
        Self { exe }
    }
}

impl System for StoreSystem {
    fn name(&self) -> &'static str {
        "store"
    }

    fn modes(&self) -> Vec<Mode> {
        store::modes()
    }

    fn mode(&self, text: &str) -> Result<Mode, String> {
        store::mode(text).map(|(mode, _)| mode)
    }

    fn on(&self, mode: &Mode, layout: Layout) -> Result<Mode, String> {
        let (_, store) = store::mode(&mode.name)?;
        store.validate(layout).map_err(|why| format!("{}: {why}", mode.name))?;
        let (available_with_majority, available_with_majorities) = store.available(layout);
        Ok(Mode { available_with_majority, available_with_majorities, ..mode.clone() })
    }

    fn supports(&self, mode: &Mode, function: &Function) -> bool {
        store::mode(&mode.name).is_ok_and(|(_, store)| store.supports(function))
    }

    fn powers(&self) -> Powers {
        Self::POWERS
    }

    fn powers_in_namespaces(&self) -> Option<Powers> {
        Some(in_namespaces(Self::POWERS))
    }

    fn ground(&self, mode: &Mode, layout: Layout) -> Ground {
        let Ok((_, store)) = store::mode(&mode.name) else { return Ground::default() };
        Ground { links: store.links(layout), home: Some(Box::new(move |key| store.home(layout, key))) }
    }

    fn start<'a>(&'a self, setup: &'a Setup) -> BoxFuture<'a, Result<Box<dyn Cluster>, SetupError>> {
        Box::pin(async move {
            let launcher = StoreLauncher::new(&self.exe, setup)?;
            let cluster = LocalCluster::start(launcher, &self.exe, setup).await?;
            Ok(Box::new(cluster) as Box<dyn Cluster>)
        })
    }

    fn is_bundled(&self) -> bool {
        true
    }

    fn simulator(&self) -> Option<&dyn Simulator> {
        Some(self)
    }

    fn bugs(&self) -> Vec<PlantedBug> {
        let told = |bug: &Bug| PlantedBug { name: bug.name(), families: bug.families(), about: bug.about() };
        Bug::ALL.iter().map(told).collect()
    }

    fn with_bug(&self, mode: &Mode, bug: &str) -> Result<Mode, String> {
        let bug: Bug = bug.parse()?;
        self.mode(&match mode.name.strip_suffix(']') {
            Some(options) => format!("{options},bug={bug}]"),
            None => format!("{}[bug={bug}]", mode.name),
        })
    }

    fn traps(&self) -> &'static [Trap] {
        TRAPS
    }

    /// A mode of each type, and for several leaders one of each way to settle conflicts.
    fn tradeoff_modes(&self) -> Vec<String> {
        let modes = [
            "single/sync",
            "single/async",
            "single/follower-read",
            "multi/lww",
            "multi/version-vector",
            "multi/crdt",
            "leaderless/quorum[n=3]",
        ];
        modes.map(str::to_owned).to_vec()
    }

    fn replication(&self, mode: &Mode) -> String {
        let family = mode.preset.split('/').next().unwrap_or_default();
        let words = match (family, mode.option("ack")) {
            ("multi", _) => "multi-leader",
            ("leaderless", _) => "leaderless",
            (_, Some("all" | "chain")) => "single-leader, synchronous",
            (_, Some("none")) => "single-leader, asynchronous",
            (_, Some(_)) => "single-leader, semi-synchronous",
            (_, None) => &mode.name,
        };
        words.to_owned()
    }

    fn conflict(&self, mode: &Mode) -> Option<Conflict> {
        mode.conflict()
    }

    fn settles(&self, mode: &Mode) -> Settles {
        match self.conflict(mode) {
            Some(Conflict::Home) => Settles::HomeLeader,
            Some(Conflict::Lww | Conflict::LwwHlc) => Settles::LastWrite,
            Some(Conflict::VersionVector) => Settles::Siblings,
            Some(Conflict::Merge | Conflict::Crdt) => Settles::Merge,
            None => match mode.option("versions") {
                Some("timestamp") => Settles::LastWrite,
                Some("vector") => Settles::Siblings,
                Some(_) => Settles::Quorums,
                None => Settles::OneLeader,
            },
        }
    }
}

/// How the store's nodes are started and asked how they are.
struct StoreLauncher {
    exe: PathBuf,
    mode: String,
    store: Store,
    layout: Layout,
    seed: u64,
    token: Token,
    /// A connection to each node, for asking how it is.
    links: Vec<Mutex<Link>>,
    began: Instant,
}

impl StoreLauncher {
    fn new(exe: &Path, setup: &Setup) -> Result<Self, SetupError> {
        let failed = |what: &str, why: String| SetupError { what: what.to_owned(), why };
        let (_, store) = store::mode(&setup.mode.name).map_err(|why| failed("read the mode", why))?;
        store.validate(setup.layout).map_err(|why| failed("use the mode", why))?;
        let token = Token::draw().map_err(|error| failed("draw the run's token", error.to_string()))?;
        Ok(Self {
            exe: exe.to_owned(),
            mode: setup.mode.name.clone(),
            store,
            layout: setup.layout,
            seed: setup.seed,
            links: setup.layout.nodes().map(|_| Mutex::new(token.link())).collect(),
            token,
            began: Instant::now(),
        })
    }

    async fn ask(&self, node: &Running) -> Option<ReplicaStatus> {
        let (link, address) = (self.links.get(node.node.index())?, *node.ports.first()?);
        let mut link = link.lock().await;
        let (code, body) = link.send(address, HttpRequest::get("/status"), STATUS_MAX).await.ok()?;
        (code == 200).then(|| serde_json::from_slice(&body).ok())?
    }
}

impl Launcher for StoreLauncher {
    fn ports(&self) -> Vec<PortUse> {
        vec![PortUse { clients: true, peers: PeerUse::EachItsOwn }]
    }

    fn powers(&self) -> Powers {
        StoreSystem::POWERS
    }

    fn takes_any_address(&self) -> bool {
        true
    }

    fn commands(&self, site: &NodeSite) -> Result<Vec<CommandLine>, SetupError> {
        let peers: Result<_, _> = site.others().map(|to| Ok((to, site.peer(to, 0)?))).collect();
        let arguments = NodeArguments {
            node: site.node,
            layout: site.layout,
            mode: self.mode.clone(),
            disk: site.data.clone(),
            peers: peers?,
            listen: site.listen(0)?,
            seed: site.seed,
        };
        let command = CommandLine::new(&self.exe).arg("node").args(arguments.to_arguments());
        Ok(vec![command.input(self.token.to_line())])
    }

    fn status<'a>(&'a self, nodes: &'a [Running]) -> BoxFuture<'a, Status> {
        Box::pin(async move {
            let asked = join_all(nodes.iter().map(|node| self.ask(node))).await;
            let told: Vec<ReplicaStatus> = asked.into_iter().flatten().collect();
            summary(self.layout, self.store.leadership(), &told)
        })
    }

    fn client(&self, doors: Doors) -> Result<Box<dyn Client>, SetupError> {
        let session = Session::new(self.store.memory());
        Ok(Box::new(StoreClient::new(doors, self.token.clone(), session, self.began)))
    }

    /// Between any two datacentres a latency of its own for the life of the cluster, the same both ways.
    fn latencies(&self) -> Vec<(Node, Node, Duration)> {
        let Some((least, most)) = self.store.wide_area() else { return Vec::new() };
        let mut dice = Dice::new(self.seed).split("wide area");
        let layout = self.layout;
        let mut latencies = Vec::new();
        for one in layout.sites() {
            for other in one + 1..layout.datacentres {
                let latency = Nanos(dice.between(least.0, most.0)).to_duration();
                let pairs =
                    layout.members(one).flat_map(|from| layout.members(other).map(move |to| (from, to)));
                latencies.extend(pairs.flat_map(|(from, to)| [(from, to, latency), (to, from, latency)]));
            }
        }
        latencies
    }

    fn clocks(&self) -> Option<&dyn ClockControl> {
        Some(self)
    }
}

impl ClockControl for StoreLauncher {
    fn set<'a>(&'a self, node: &'a Running, setting: ClockSetting) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            let &address = node.ports.first().ok_or("it listens nowhere")?;
            let body = serde_json::to_vec(&setting).map_err(|error| error.to_string())?;
            let request = HttpRequest::post("/clock", body);
            let answer = self.token.link().send(address, request, CLOCK_MAX).await;
            let (_, body) = answer.map_err(|loss| format!("{loss:?}"))?;
            let reading: ClockReading = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
            let ClockReading { before_ms, after_ms, drift_ms_per_s } = reading;
            let node = node.node;
            let drift = if drift_ms_per_s == 0 {
                String::new()
            } else {
                format!(", running {drift_ms_per_s:+} ms/s")
            };
            Ok(format!("{node}'s clock was {before_ms:+.1} ms off, is {after_ms:+.1} ms off{drift}"))
        })
    }
}
