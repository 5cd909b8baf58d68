//! How servers are started, and asked how they are.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use histories::Node;
use nemesis::backends::{PeerUse, PortUse};
use nemesis::{BoxFuture, Layout, Powers};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::{Use, ZookeeperClient};
use super::program::Program;
use super::{LOCKS, READS, SESSION, TICK};
use crate::cluster::{CommandLine, Doors, LOCAL_POWERS, Launcher, NodeSite, Running};
use crate::{Behind, Client, Lag, Mode, Setup, SetupError, Status};

/// Places of the ports in [`ZookeeperLauncher::ports`].
pub(super) const CLIENT: usize = 0;
/// Followers dial the leader there.
const QUORUM: usize = 1;
const ELECTION: usize = 2;
/// A server that does not answer within this time is not up.
const STATUS_MAX: Duration = Duration::from_millis(500);
const STATUS_BYTES_MAX: u64 = 4096;
/// Ticks until a follower has to be connected, and until one that does not answer is given up.
const INIT_TICKS: u32 = 16;
const SYNC_TICKS: u32 = 4;
/// The most that a session may ask for.
const SESSION_MS_MAX: u32 = 60_000;

pub(super) struct ZookeeperLauncher {
    program: Program,
    mode: Mode,
    layout: Layout,
}

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    leads: bool,
    /// The last transaction that it has: in its upper half the epoch of the leader that made it.
    transaction: u64,
}

impl Told {
    fn epoch(self) -> u64 {
        self.transaction >> 32
    }

    /// The answer to `srvr`; `None` from a server that takes no requests.
    fn of(text: &str) -> Option<Self> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let leads = match field("Mode:")? {
            "leader" | "standalone" => true,
            "follower" => false,
            _ => return None,
        };
        let transaction = u64::from_str_radix(field("Zxid:")?.trim_start_matches("0x"), 16).ok()?;
        Some(Self { leads, transaction })
    }
}

impl ZookeeperLauncher {
    pub(super) fn new(program: Program, setup: &Setup) -> Self {
        Self { program, mode: setup.mode.clone(), layout: setup.layout }
    }

    fn option(&self, name: &str) -> &str {
        self.mode.option(name).unwrap_or_default()
    }

    /// Its own addresses are those that it listens at, the others' are proxies.
    fn configuration(&self, site: &NodeSite) -> Result<String, SetupError> {
        let client = site.listen(CLIENT)?;
        let data = std::path::absolute(&site.data).map_err(|error| failed("zoo.cfg", &error))?;
        let mut text = format!(
            "dataDir={}\nclientPort={}\nclientPortAddress={}\ntickTime={}\ninitLimit={INIT_TICKS}\nsyncLimit={SYNC_TICKS}\n\
             maxSessionTimeout={SESSION_MS_MAX}\nmaxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=srvr\n",
            data.display(),
            client.port(),
            client.ip(),
            self.option(TICK),
        );
        for node in site.layout.nodes() {
            let own = node == site.node;
            let at = |port| if own { site.listen(port) } else { site.peer(node, port) };
            let (quorum, election) = (at(QUORUM)?, at(ELECTION)?);
            let host = if own { own_name(node) } else { quorum.ip().to_string() };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "server.{}={host}:{}:{}", number(node), quorum.port(), election.port());
        }
        Ok(text)
    }
}

/// What a server calls itself.
fn own_name(node: Node) -> String {
    format!("self-{node}")
}

/// A server tells the others what it calls itself, and they would dial back there, past the proxies. So each finds at its own
/// name where it listens, and at the others' an address that nobody can be dialled at: then it uses its list.
fn hosts(site: &NodeSite) -> String {
    let address = |node| if node == site.node { "127.0.0.1" } else { "0.0.0.0" };
    let line = |node| format!("{} {}\n", address(node), own_name(node));
    site.layout.nodes().map(line).collect::<String>() + "127.0.0.1 localhost\n"
}

/// Servers are numbered from 1.
fn number(node: Node) -> usize {
    node.index() + 1
}

async fn ask(address: SocketAddr) -> Option<Told> {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"srvr").await?;
        let mut text = String::new();
        stream.take(STATUS_BYTES_MAX).read_to_string(&mut text).await?;
        Ok::<_, std::io::Error>(text)
    };
    let text = tokio::time::timeout(STATUS_MAX, asked).await.ok()?.ok()?;
    Told::of(&text)
}

impl Launcher for ZookeeperLauncher {
    fn ports(&self) -> Vec<PortUse> {
        let peers = PortUse { clients: false, peers: PeerUse::EachItsOwn };
        vec![PortUse { clients: true, peers: PeerUse::Never }, peers, peers]
    }

    fn powers(&self) -> Powers {
        LOCAL_POWERS
    }

    /// Three virtual machines of Java start at once, perhaps on one busy core.
    fn ready_max(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn commands(&self, site: &NodeSite) -> Result<Vec<CommandLine>, SetupError> {
        let write = |name: &str, text: String| -> Result<PathBuf, SetupError> {
            let path = std::path::absolute(site.data.join(name)).map_err(|error| failed(name, &error))?;
            fs::write(&path, text).map_err(|error| failed(name, &error))?;
            Ok(path)
        };
        write("myid", number(site.node).to_string())?;
        let hosts = write("hosts", hosts(site))?;
        let configuration = write("zoo.cfg", self.configuration(site)?)?;
        let arguments = [
            "-Xmx128m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dzookeeper.jmx.log4j.disable=true",
            // Kilobytes that a log file takes at once.
            "-Dzookeeper.preAllocSize=1024",
            // Milliseconds after which a server that looks for a leader asks again, at most: a minute unless told.
            "-Dzookeeper.fastleader.maxNotificationInterval=800",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
            // It would say a line for each look at its state.
            "-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.NIOServerCnxn=error",
        ];
        Ok(vec![
            CommandLine::new(&self.program.java)
                .args(arguments)
                .arg(format!("-Djdk.net.hosts.file={}", hosts.display()))
                .args(["-cp", &self.program.classpath()])
                .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
                .arg(configuration.display().to_string()),
        ])
    }

    fn status<'a>(&'a self, nodes: &'a [Running]) -> BoxFuture<'a, Status> {
        Box::pin(async move {
            let asked = join_all(nodes.iter().map(async |node| {
                let address = *node.ports.get(CLIENT)?;
                Some((node.node, ask(address).await?))
            }));
            let told: Vec<(Node, Told)> = asked.await.into_iter().flatten().collect();
            let mut leaders: Vec<(u64, Node)> = told
                .iter()
                .filter(|(_, told)| told.leads)
                .map(|&(node, told)| (told.epoch(), node))
                .collect();
            leaders.sort_unstable();
            let foremost =
                told.iter().filter(|(_, told)| told.leads).max_by_key(|(_, told)| told.transaction);
            let lag = |&(node, told): &(Node, Told)| {
                let (leader, last) = *foremost?;
                let same = leader != node && last.epoch() == told.epoch();
                let entries = last.transaction.saturating_sub(told.transaction);
                same.then_some((leader, Lag { of: Behind::Follower(node), entries }))
            };
            Status {
                lag: told.iter().filter_map(lag).collect(),
                up: told.iter().map(|(node, _)| *node).collect(),
                ready: told.len() == usize::from(self.layout.total()) && leaders.len() == 1,
                leaders,
            }
        })
    }

    fn client(&self, doors: Doors) -> Result<Box<dyn Client>, SetupError> {
        let session = self.option(SESSION).parse().map_or(Duration::from_secs(10), Duration::from_millis);
        let (sync, ephemeral) = (self.option(READS) == "sync", self.option(LOCKS) == "ephemeral");
        Ok(Box::new(ZookeeperClient::new(doors, Use { sync, ephemeral, session })))
    }
}

fn failed(name: &str, why: &dyn std::fmt::Display) -> SetupError {
    SetupError { what: format!("write {name}"), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_of_itself_is_understood() {
        let text =
            "Zookeeper version: 3.8.0\nLatency min/avg/max: 0/0.0/0\nZxid: 0x500000007\nMode: leader\n";
        let told = Told::of(text).unwrap();
        assert_eq!((told.leads, told.epoch(), told.transaction & 0xff), (true, 5, 7));
        assert!(!Told::of(&text.replace("leader", "follower")).unwrap().leads);
        assert_eq!(Told::of("This ZooKeeper instance is not currently serving requests\n"), None);
    }
}
