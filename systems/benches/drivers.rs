//! How fast a driver is, behind its proxies, against a bare loop of the same crate with as many clients on nodes that were
//! started by hand: `cargo bench -p systems --bench drivers`. Needs etcd and Redis; one that is missing is told and left out.
//!
//! With `cycles N` it starts and stops each cluster so many times instead, tells how long they took to be ready, and what is
//! left of them in the end.
//!
//! Not one of criterion's: the same minute has to see both sides, again and again, for the machine may be busy.

use std::error::Error;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use histories::{Node, Op};
use nemesis::Layout;
use systems::cluster::{Host, replace_process};
use systems::drivers::{EtcdSystem, RedisSystem};
use systems::{Cluster, Completion, Presence, Setup, System, SystemOptions};

type Done<T> = Result<T, Box<dyn Error + Send + Sync>>;

const CLIENTS: u32 = 10;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(3);
const DEADLINE: Duration = Duration::from_secs(5);

/// Starts a system by hand, beside the harness.
type Start = fn(&Path) -> Done<ByHand>;

fn main() -> Done<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "child") {
        return Err(replace_process(&arguments[1..]).into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let host = Host { exe: std::env::current_exe()?, path: std::env::split_paths(&path).collect() };
    let count = match arguments.as_slice() {
        [first, count, ..] if first == "cycles" => Some(count.parse()?),
        _ => None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (etcd, redis) = (EtcdSystem::new(host.clone()), RedisSystem::redis(host));
    let systems: [(&dyn System, &str, Start); 2] =
        [(&etcd, "etcd/linearizable", ByHand::etcd), (&redis, "redis/sentinel", ByHand::redis)];
    for (system, mode, by_hand) in systems {
        match (system.presence(&SystemOptions::default()), count) {
            (Presence::Installed { .. }, Some(count)) => runtime.block_on(cycles(system, mode, count))?,
            (Presence::Installed { program, .. }, None) => {
                runtime.block_on(compare(system, mode, by_hand(&program)?))?;
            }
            _ => say(&format!("{} is not installed: left out", system.name())),
        }
    }
    Ok(())
}

fn setup(system: &dyn System, mode: &str, folder: &Path) -> Done<Setup> {
    Ok(Setup {
        mode: system.mode(mode)?,
        workload: "register".into(),
        options: SystemOptions::default(),
        layout: Layout::single(3),
        clients: CLIENTS,
        logs: folder.join("logs"),
        disks: folder.join("disks"),
        seed: 1,
    })
}

/// Starts and stops a cluster again and again.
async fn cycles(system: &dyn System, mode: &str, count: usize) -> Done<()> {
    let mut seconds = Vec::new();
    let before = (children(), entries("/proc/self/fd"));
    for _ in 0..count {
        let folder = tempfile::tempdir()?;
        let began = Instant::now();
        let cluster = system.start(&setup(system, mode, folder.path())?).await?;
        seconds.push(began.elapsed().as_secs_f64());
        cluster.stop().await?;
    }
    // Tasks of the last cluster's proxies may be about to end.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let after = (children(), entries("/proc/self/fd"));
    seconds.sort_by(f64::total_cmp);
    let (median, most) = (seconds[seconds.len() / 2], seconds[seconds.len() - 1]);
    say(&format!(
        "{mode}: {count} starts, ready after {median:.2} s (median), {most:.2} s (at most); children and open files before \
         {before:?}, after {after:?}"
    ));
    Ok(())
}

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

/// Processes whose parent is this one.
fn children() -> usize {
    let own = format!(" {} ", std::process::id());
    let stats = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = stats.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter(|stat| {
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.get(1..).unwrap_or("").starts_with(&own))
        })
        .count()
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Both sides by turns, and the share that the driver reaches.
async fn compare(system: &dyn System, mode: &str, bare: ByHand) -> Done<()> {
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let cluster: Arc<dyn Cluster> = system.start(&setup(system, mode, folder.path())?).await?.into();
    say(&format!("{mode}: ready after {:.2} s", began.elapsed().as_secs_f64()));
    bare.await_ready().await;
    let (mut driven, mut loops) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        driven.push(through_the_driver(&cluster).await?);
        loops.push(bare.rate().await);
    }
    cluster.stop().await?;
    driven.sort_by(f64::total_cmp);
    loops.sort_by(f64::total_cmp);
    let (driver, bare) = (driven[ROUNDS / 2], loops[ROUNDS / 2]);
    say(&format!(
        "{mode}: {CLIENTS} clients, half reads, half writes, medians of {ROUNDS} rounds: driver {driver:.0}/s, bare loop \
         {bare:.0}/s, {:.0} %",
        100.0 * driver / bare
    ));
    Ok(())
}

async fn through_the_driver(cluster: &Arc<dyn Cluster>) -> Done<f64> {
    let began = Instant::now();
    let tasks = (0..CLIENTS).map(|thread| {
        let cluster = Arc::clone(cluster);
        tokio::spawn(async move {
            let mut client = cluster.connect(thread).await.map_err(|error| error.to_string())?;
            let (node, key) = (Node((thread % 3) as u16), format!("r{thread}"));
            let mut done = 0_u32;
            while began.elapsed() < ROUND {
                let op = if done.is_multiple_of(2) {
                    Op::write(key.as_str(), i64::from(done))
                } else {
                    Op::read(key.as_str())
                };
                match client.call(node, &op, DEADLINE).await {
                    Completion::Ok(_) => done += 1,
                    other => return Err(format!("{op:?}: {other:?}")),
                }
            }
            Ok::<u32, String>(done)
        })
    });
    let mut sum = 0;
    for done in futures::future::join_all(tasks).await {
        sum += done??;
    }
    Ok(f64::from(sum) / began.elapsed().as_secs_f64())
}

/// Three nodes without harness and proxies.
struct ByHand {
    nodes: Vec<Child>,
    ports: Vec<u16>,
    etcd: bool,
    _folder: tempfile::TempDir,
}

impl Drop for ByHand {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.kill().and_then(|()| node.wait());
        }
    }
}

fn free_ports(count: usize) -> Done<Vec<u16>> {
    let listeners: Result<Vec<_>, _> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    listeners?.iter().map(|listener| Ok(listener.local_addr()?.port())).collect()
}

fn start(program: &Path, arguments: &[String]) -> Done<Child> {
    Ok(Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?)
}

impl ByHand {
    fn etcd(program: &Path) -> Done<Self> {
        let (folder, ports) = (tempfile::tempdir()?, free_ports(6)?);
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let peers: Vec<String> = (0..3).map(|node| format!("n{node}={}", url(ports[3 + node]))).collect();
        let node = |node: usize| {
            let data = folder.path().join(format!("n{node}")).display().to_string();
            let (client, peer) = (url(ports[node]), url(ports[3 + node]));
            let flags = [
                ("--name", format!("n{node}")),
                ("--data-dir", data),
                ("--listen-client-urls", client.clone()),
                ("--advertise-client-urls", client),
                ("--listen-peer-urls", peer.clone()),
                ("--initial-advertise-peer-urls", peer),
                ("--initial-cluster", peers.join(",")),
            ];
            let flags: Vec<String> =
                flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect();
            start(program, &flags)
        };
        let nodes: Done<Vec<Child>> = (0..3).map(node).collect();
        Ok(Self { nodes: nodes?, ports: ports[..3].to_vec(), etcd: true, _folder: folder })
    }

    fn redis(program: &Path) -> Done<Self> {
        let (folder, ports) = (tempfile::tempdir()?, free_ports(3)?);
        let node = |node: usize| {
            let data = folder.path().join(format!("n{node}"));
            std::fs::create_dir(&data)?;
            let data = data.display().to_string();
            let port = ports[node].to_string();
            let mut words: Vec<String> =
                ["--port", &port, "--dir", &data, "--appendonly", "yes", "--save", ""]
                    .map(str::to_owned)
                    .into();
            if node > 0 {
                words.extend(["--replicaof".to_owned(), "127.0.0.1".to_owned(), ports[0].to_string()]);
            }
            start(program, &words)
        };
        let nodes: Done<Vec<Child>> = (0..3).map(node).collect();
        // All clients write to the master.
        Ok(Self { nodes: nodes?, ports: vec![ports[0]; 3], etcd: false, _folder: folder })
    }

    async fn await_ready(&self) {
        while self.one(self.ports[0], 0, 1).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn rate(&self) -> f64 {
        let began = Instant::now();
        let clients = (0..CLIENTS).map(|thread| self.one(self.ports[thread as usize % 3], thread, u32::MAX));
        let done = futures::future::join_all(clients).await;
        let sum: u32 = done.into_iter().map(Result::unwrap_or_default).sum();
        f64::from(sum) / began.elapsed().as_secs_f64()
    }

    /// One client's loop, for so many operations or one round.
    async fn one(&self, port: u16, thread: u32, most: u32) -> Done<u32> {
        let began = Instant::now();
        let mut done = 0;
        if self.etcd {
            let client = reqwest::Client::builder().retry(reqwest::retry::never()).no_proxy().build()?;
            // base64 of "r0" to "r9".
            let key = ["cjA=", "cjE=", "cjI=", "cjM=", "cjQ=", "cjU=", "cjY=", "cjc=", "cjg=", "cjk="];
            let key = key[thread as usize % key.len()];
            while began.elapsed() < ROUND && done < most {
                let (verb, body) = match done % 2 {
                    0 => ("put", format!(r#"{{"key":"{key}","value":"Nw=="}}"#)),
                    _ => ("range", format!(r#"{{"key":"{key}"}}"#)),
                };
                let url = format!("http://127.0.0.1:{port}/v3/kv/{verb}");
                let answer = client.post(url).body(body).send().await?.error_for_status()?;
                answer.bytes().await?;
                done += 1;
            }
        } else {
            let client = redis::Client::open(("127.0.0.1".to_owned(), port))?;
            let mut connection = client.get_multiplexed_async_connection().await?;
            while began.elapsed() < ROUND && done < most {
                let mut command = redis::cmd(if done.is_multiple_of(2) { "SET" } else { "GET" });
                command.arg(format!("r{thread}"));
                if done.is_multiple_of(2) {
                    command.arg(done);
                }
                command.query_async::<redis::Value>(&mut connection).await?;
                done += 1;
            }
        }
        Ok(done)
    }
}
