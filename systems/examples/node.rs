//! A development tool: `node …` runs a member; anything else runs a cluster of itself under load and faults.
//!
//! `node MODE CLIENTS SECONDS FAULTS`

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use histories::{Applied, Nanos, Node, Op};
use nemesis::{Dice, FaultSpec, Schedule, View};
use systems::live::{NodeArguments, StoreSystem, run_blocking};
use systems::{Cluster, Completion, Setup, System};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "node") {
        arguments.remove(0);
        return Ok(run_blocking(NodeArguments::parse(&arguments)?)?);
    }
    let argument = |place: usize, default: &str| arguments.get(place).cloned().unwrap_or(default.to_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(drive(
        argument(0, "single/quorum"),
        argument(1, "10").parse()?,
        Duration::from_secs(argument(2, "10").parse()?),
        argument(3, "none"),
    ))
}

async fn drive(
    mode: String,
    clients: u32,
    length: Duration,
    faults: String,
) -> Result<(), Box<dyn std::error::Error>> {
    let system = StoreSystem::new(std::env::current_exe()?);
    let mode = system.mode(&mode)?;
    let folder = std::env::current_dir()?.join("target").join(format!("live-{}", std::process::id()));
    let setup =
        Setup { nodes: mode.nodes, mode, clients, logs: folder.clone(), disks: folder.clone(), seed: 1 };
    let mut out = std::io::stdout();
    let began = Instant::now();
    let cluster: Arc<Box<dyn Cluster>> = Arc::new(system.start(&setup).await?);
    writeln!(out, "ready after {:?}", began.elapsed())?;
    let began = Instant::now();
    let mut tasks = Vec::new();
    for thread in 0..clients {
        tasks.push(tokio::spawn(client(Arc::clone(&cluster), thread, setup.nodes, began, length)));
    }
    nemesis(&**cluster, &setup, &faults, began, length, &mut out).await?;
    let mut all = Counts::default();
    for task in tasks {
        let one = task.await?;
        all.ok += one.ok;
        all.fail += one.fail;
        all.info += one.info;
        all.latencies.extend(one.latencies);
        all.errors.extend(one.errors);
    }
    all.latencies.sort_unstable();
    let at = |percent: usize| all.latencies.get(all.latencies.len() * percent / 100).copied();
    let rate = all.ok as f64 / length.as_secs_f64();
    writeln!(
        out,
        "ok {} fail {} info {}; {rate:.0}/s; p50 {:?} p99 {:?}",
        all.ok,
        all.fail,
        all.info,
        at(50),
        at(99)
    )?;
    all.errors.sort();
    all.errors.dedup();
    writeln!(out, "{:#?}", all.errors.iter().take(12).collect::<Vec<_>>())?;
    let healed = Instant::now();
    while !cluster.status().await.ready && healed.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    writeln!(out, "after {:?}: {:?}", healed.elapsed(), cluster.status().await)?;
    let mut client = cluster.connect(0).await?;
    let dump = Op::global(histories::Function::Dump, histories::Value::Null);
    let asked = Instant::now();
    loop {
        let mut dumps = Vec::new();
        for node in Node::first(setup.nodes) {
            dumps.push(client.call(node, &dump, Duration::from_secs(2)).await);
        }
        let equal = dumps.windows(2).all(|pair| pair[0] == pair[1]);
        if equal || asked.elapsed() > Duration::from_secs(5) {
            writeln!(out, "all dumps equal: {equal} after {:?}", asked.elapsed())?;
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Arc::try_unwrap(cluster).map_err(|_| "the cluster is still in use")?.stop().await?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

#[derive(Default)]
struct Counts {
    ok: u64,
    fail: u64,
    info: u64,
    latencies: Vec<Duration>,
    errors: Vec<String>,
}

async fn client(
    cluster: Arc<Box<dyn Cluster>>,
    thread: u32,
    nodes: u16,
    began: Instant,
    length: Duration,
) -> Counts {
    let mut counts = Counts::default();
    let node = Node((thread % u32::from(nodes)) as u16);
    let mut dice = Dice::new(u64::from(thread));
    let Ok(mut client) = cluster.connect(thread).await else { return counts };
    let mut value = 0;
    while began.elapsed() < length {
        let key = format!("k{}", dice.below(8));
        value += 1;
        let op = if dice.chance(1, 2) {
            Op::read(key)
        } else {
            Op::write(key, i64::from(thread) * 1_000_000 + value)
        };
        let sent = Instant::now();
        match client.call(node, &op, Duration::from_secs(1)).await {
            Completion::Ok(_) => {
                counts.ok += 1;
                counts.latencies.push(sent.elapsed());
            }
            Completion::Fail { error, .. } => {
                counts.fail += 1;
                counts.errors.push(format!("fail {} {error}", op.function));
            }
            Completion::Info(error) => {
                counts.info += 1;
                counts.errors.push(format!("info {} {error}", op.function));
            }
        }
    }
    counts
}

async fn nemesis(
    cluster: &dyn Cluster,
    setup: &Setup,
    faults: &str,
    began: Instant,
    length: Duration,
    out: &mut std::io::Stdout,
) -> Result<(), Box<dyn std::error::Error>> {
    let specs = FaultSpec::parse_list(faults)?;
    let mut schedule = Schedule::new(FaultSpec::build_all(&specs), Dice::new(7));
    let nodes: Vec<Node> = Node::first(setup.nodes).collect();
    while let Some(wake) = schedule.next_wake().filter(|wake| wake.to_duration() < length) {
        tokio::time::sleep(wake.to_duration().saturating_sub(began.elapsed())).await;
        let status = cluster.status().await;
        let view = View::new(Nanos::from(began.elapsed()), nodes.clone(), status.leaders);
        for action in schedule.poll(&view) {
            let asked = began.elapsed();
            let applied = cluster.target().apply(&action).await?;
            let step = Schedule::describe(&action).done(applied);
            writeln!(out, "{asked:?} {:?}: {:?}", began.elapsed() - asked, step)?;
        }
    }
    let healed: Applied = cluster.target().apply(&schedule.end()).await?;
    writeln!(out, "healed: {healed:?}")?;
    Ok(())
}
