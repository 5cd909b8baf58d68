//! Clusters of real processes under real faults. The nodes are this very program, which is why it has a `main` of its
//! own instead of the test harness's.

use std::error::Error;
use std::fmt::Display;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use histories::{Applied, Function, Node, Op, Value};
use nemesis::backends::watchdog::guard;
use nemesis::backends::{NodeProcess, ProcessSpec};
use nemesis::{Action, ClockChange, Effect, FaultId, LinkChange, View};
use systems::cluster::replace_process;
use systems::live::{NodeArguments, NodeError, StoreSystem, run_blocking};
use systems::{Client, Cluster, Completion, Setup, System, SystemOptions};

type Tested = Result<(), Box<dyn Error>>;

const DEADLINE: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "node") {
        arguments.remove(0);
        let ran = NodeArguments::parse(&arguments).map_err(Box::<dyn Error>::from);
        return match ran.and_then(|arguments| Ok(run_blocking(arguments)?)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                say(&error);
                ExitCode::from(NodeError::EXIT_CODE)
            }
        };
    }
    if arguments.first().is_some_and(|first| first == "child") {
        say(&replace_process(&arguments[1..]));
        return ExitCode::from(NodeError::EXIT_CODE);
    }
    if let [first, harness] = arguments.as_slice()
        && first == "watchdog"
    {
        let harness = harness.parse().map_err(Box::<dyn Error>::from);
        let guarded = harness.and_then(|harness| Ok(guard(harness, std::io::stdin().lock())?));
        return if guarded.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if let [first, folder] = arguments.as_slice()
        && first == "idle"
    {
        return idle(Path::new(folder));
    }
    let filter = arguments.iter().find(|argument| !argument.starts_with('-')).cloned().unwrap_or_default();
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
    else {
        return ExitCode::FAILURE;
    };
    let mut failed = false;
    let mut check = |name: &str, test: &mut dyn FnMut() -> Tested| {
        if !name.contains(&filter) {
            return;
        }
        let tested = test();
        failed |= tested.is_err();
        say(&format!(
            "test {name} ... {}",
            tested.map_or_else(|error| format!("FAILED: {error}"), |()| "ok".into())
        ));
    };
    check("acknowledged_writes_survive_a_kill_of_everyone", &mut || runtime.block_on(kill_everyone()));
    check("a_leader_that_is_cut_off_is_replaced_and_rejoins", &mut || runtime.block_on(cut_leader()));
    check("a_paused_leader_is_replaced", &mut || runtime.block_on(pause_leader()));
    check("clients_that_are_cut_off_do_not_know", &mut || runtime.block_on(cut_clients()));
    check("overlapping_faults_end_one_by_one", &mut || runtime.block_on(overlapping()));
    check("clocks_are_off_until_the_last_fault_ends", &mut || runtime.block_on(wrong_clocks()));
    check("slow_links_make_writes_slow", &mut || runtime.block_on(slow_links()));
    check("a_corrupt_log_stops_its_node_with_a_reason", &mut || runtime.block_on(corrupt_log()));
    check("nodes_die_with_the_harness", &mut || runtime.block_on(harness_killed()));
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn say(text: &dyn Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn ensure(truth: bool, text: impl Display) -> Tested {
    if truth { Ok(()) } else { Err(text.to_string().into()) }
}

async fn start(folder: &Path) -> Result<Box<dyn Cluster>, Box<dyn Error>> {
    let system = StoreSystem::new(std::env::current_exe()?);
    let mode = system.mode("single/quorum")?;
    let (logs, disks) = (folder.join("logs"), folder.join("disks"));
    Ok(system
        .start(&Setup {
            mode,
            workload: "register".into(),
            options: SystemOptions::default(),
            layout: nemesis::Layout::single(3),
            clients: 2,
            logs,
            disks,
            seed: 5,
        })
        .await?)
}

/// A client that tries until it has an answer.
async fn insist(client: &mut dyn Client, node: Node, op: &Op) -> Result<Value, Box<dyn Error>> {
    let began = Instant::now();
    loop {
        let completion = client.call(node, op, DEADLINE).await;
        match completion {
            Completion::Ok(reply) => return Ok(reply.value),
            _ if began.elapsed() > SOON => return Err(format!("{op:?} at {node}: {completion:?}").into()),
            _ => {}
        }
    }
}

async fn leader(cluster: &dyn Cluster) -> Result<(u64, Node), Box<dyn Error>> {
    cluster.status().await.leaders.last().copied().ok_or_else(|| "nobody leads".into())
}

async fn await_status(cluster: &dyn Cluster, what: &str, done: impl Fn(&systems::Status) -> bool) -> Tested {
    let began = Instant::now();
    while began.elapsed() < SOON {
        if done(&cluster.status().await) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(format!("never: {what}; {:?}", cluster.status().await).into())
}

async fn begin(cluster: &dyn Cluster, fault: u64, effects: &[Effect]) -> Result<Applied, Box<dyn Error>> {
    let (fault, effects) = (FaultId(fault), effects.to_vec());
    Ok(cluster.target().apply(&Action::Begin { fault, name: "test".into(), effects }).await?)
}

async fn end(cluster: &dyn Cluster, fault: u64, effects: &[Effect]) -> Result<Applied, Box<dyn Error>> {
    let (fault, effects) = (FaultId(fault), effects.to_vec());
    Ok(cluster.target().apply(&Action::End { fault, name: "test".into(), effects }).await?)
}

async fn kill_everyone() -> Tested {
    let folder = tempfile::tempdir()?;
    let cluster = start(folder.path()).await?;
    let mut client = cluster.connect(0).await?;
    for value in 1..=20 {
        insist(&mut *client, Node((value % 3) as u16), &Op::write("x", value)).await?;
    }
    let kill = [Effect::Kill { nodes: Node::first(3).collect() }];
    let applied = begin(&*cluster, 1, &kill).await?;
    ensure(applied.evidence().matches("reaped: signal: 9").count() == 3, applied.evidence())?;
    let refused = client.call(Node(0), &Op::write("x", 99), DEADLINE).await;
    ensure(matches!(refused, Completion::Fail { .. }), format!("a dead node refuses: {refused:?}"))?;
    let applied = end(&*cluster, 1, &kill).await?;
    ensure(applied.evidence().matches("started again").count() == 3, applied.evidence())?;
    await_status(&*cluster, "ready again", |status| status.ready).await?;
    let value = insist(&mut *client, Node(1), &Op::read("x")).await?;
    ensure(value == Value::Int(20), format!("acknowledged 20, read {value}"))?;
    let dump = insist(&mut *client, Node(2), &Op::global(Function::Dump, Value::Null)).await?;
    ensure(dump.as_map().is_some_and(|map| map.contains_key("x")), format!("the dump is {dump}"))?;
    Ok(cluster.stop().await?)
}

async fn cut_leader() -> Tested {
    let folder = tempfile::tempdir()?;
    let cluster = start(folder.path()).await?;
    let (term, old) = leader(&*cluster).await?;
    let rest: Vec<Node> = Node::first(3).filter(|&node| node != old).collect();
    let cut = [
        Effect::Cut { from: vec![old], to: rest.clone() },
        Effect::Cut { from: rest.clone(), to: vec![old] },
    ];
    let applied = begin(&*cluster, 1, &cut).await?;
    ensure(applied.evidence() == "4 links hold what comes", applied.evidence())?;
    let replaced = |status: &systems::Status| status.leaders.iter().any(|&(other, _)| other > term);
    await_status(&*cluster, "another leads", replaced).await?;
    let mut client = cluster.connect(0).await?;
    insist(&mut *client, rest[0], &Op::write("x", 1)).await?;
    let stranded = client.call(old, &Op::write("x", 2), DEADLINE).await;
    ensure(!matches!(stranded, Completion::Ok(_)), format!("a minority acknowledged: {stranded:?}"))?;
    let applied = end(&*cluster, 1, &cut).await?;
    ensure(matches!(applied, Applied::Installed(_)), format!("the cut held something: {applied:?}"))?;
    await_status(&*cluster, "ready again", |status| status.ready).await?;
    insist(&mut *client, old, &Op::write("y", 3)).await?;
    let mut view = View::new(
        histories::Nanos::ZERO,
        nemesis::Layout::single(cluster.target().nodes().len() as u16),
        Vec::new(),
    );
    view.leaders = cluster.status().await.leaders;
    ensure(view.leader_of(0).is_some_and(|now| rest.contains(&now)), format!("{:?}", view.leaders))?;
    Ok(cluster.stop().await?)
}

async fn pause_leader() -> Tested {
    let folder = tempfile::tempdir()?;
    let cluster = start(folder.path()).await?;
    let (term, old) = leader(&*cluster).await?;
    let pause = [Effect::Pause { nodes: vec![old] }];
    let applied = begin(&*cluster, 1, &pause).await?;
    ensure(applied.evidence().ends_with("in state T"), applied.evidence())?;
    let replaced = |status: &systems::Status| status.leaders.iter().any(|&(other, _)| other > term);
    await_status(&*cluster, "another leads", replaced).await?;
    ensure(!cluster.status().await.up.contains(&old), "a paused node does not answer")?;
    end(&*cluster, 1, &pause).await?;
    await_status(&*cluster, "ready again", |status| status.ready).await?;
    Ok(cluster.stop().await?)
}

async fn wrong_clocks() -> Tested {
    let folder = tempfile::tempdir()?;
    let cluster = start(folder.path()).await?;
    let node = vec![Node(1)];
    let clock = |change| [Effect::Clock { nodes: node.clone(), change }];
    let step = clock(ClockChange::Step { by_ms: 5000 });
    let applied = begin(&*cluster, 1, &step).await?;
    ensure(applied.evidence() == "n2's clock was +0.0 ms off, is +5000.0 ms off", applied.evidence())?;
    // Another fault of the same clock, and a life that begins under both.
    let drift = clock(ClockChange::Drift { ms_per_s: -500 });
    let applied = begin(&*cluster, 2, &drift).await?;
    ensure(applied.evidence().ends_with("running -500 ms/s"), applied.evidence())?;
    let kill = [Effect::Kill { nodes: node.clone() }];
    begin(&*cluster, 3, &kill).await?;
    let applied = end(&*cluster, 3, &kill).await?;
    ensure(applied.evidence().contains("is +5000.0 ms off, running -500 ms/s"), applied.evidence())?;
    let applied = end(&*cluster, 1, &step).await?;
    ensure(applied.evidence().ends_with("running -500 ms/s"), applied.evidence())?;
    // A stopped node is told as it goes on.
    let pause = [Effect::Pause { nodes: node.clone() }];
    begin(&*cluster, 4, &pause).await?;
    let applied = end(&*cluster, 2, &drift).await?;
    ensure(applied.evidence() == "n2's clock is set when it runs again", applied.evidence())?;
    let applied = end(&*cluster, 4, &pause).await?;
    ensure(applied.evidence().ends_with("is +0.0 ms off"), applied.evidence())?;
    await_status(&*cluster, "ready again", |status| status.ready).await?;
    Ok(cluster.stop().await?)
}

async fn slow_links() -> Tested {
    let folder = tempfile::tempdir()?;
    let cluster = start(folder.path()).await?;
    let mut client = cluster.connect(0).await?;
    let (_, leads) = leader(&*cluster).await?;
    insist(&mut *client, leads, &Op::write("x", 1)).await?;
    let nodes: Vec<Node> = Node::first(3).collect();
    let by = histories::Nanos::from_millis(60);
    let slow = [Effect::Link { from: nodes.clone(), to: nodes, change: LinkChange::Slow { by } }];
    let applied = begin(&*cluster, 1, &slow).await?;
    ensure(applied.evidence() == "6 links are slow", applied.evidence())?;
    let began = Instant::now();
    insist(&mut *client, leads, &Op::write("x", 2)).await?;
    let took = began.elapsed();
    ensure(took >= Duration::from_millis(120), format!("a majority took one round trip: {took:?}"))?;
    let applied = end(&*cluster, 1, &slow).await?;
    ensure(matches!(applied, Applied::Installed(_)), format!("something was late: {applied:?}"))?;
    ensure(applied.evidence().starts_with("on 6 slow links "), applied.evidence())?;
    let lossy =
        [Effect::Link { from: vec![Node(0)], to: vec![Node(1)], change: LinkChange::Lose { percent: 9 } }];
    let applied = begin(&*cluster, 2, &lossy).await?;
    ensure(matches!(applied, Applied::Skipped(_)), format!("streams lose nothing: {applied:?}"))?;
    Ok(cluster.stop().await?)
}

async fn cut_clients() -> Tested {
    let folder = tempfile::tempdir()?;
    let cluster = start(folder.path()).await?;
    let mut client = cluster.connect(1).await?;
    insist(&mut *client, Node(0), &Op::write("x", 1)).await?;
    let cut = [Effect::CutClients { nodes: vec![Node(0)] }];
    begin(&*cluster, 1, &cut).await?;
    let short = Duration::from_millis(200);
    let written = client.call(Node(0), &Op::write("x", 2), short).await;
    ensure(matches!(written, Completion::Info(_)), format!("{written:?}"))?;
    let read = client.call(Node(0), &Op::read("x"), short).await;
    ensure(matches!(read, Completion::Fail { .. }), format!("a read changes nothing: {read:?}"))?;
    insist(&mut *client, Node(1), &Op::read("x")).await?;
    let applied = end(&*cluster, 1, &cut).await?;
    ensure(applied.evidence().contains("1 new connections"), applied.evidence())?;
    ensure(client_gone(&*cluster).await, "there is no client thread 2")?;
    Ok(cluster.stop().await?)
}

async fn client_gone(cluster: &dyn Cluster) -> bool {
    cluster.connect(2).await.is_err()
}

/// Node 1 is killed by one fault and paused by another: it runs again only when both have ended.
async fn overlapping() -> Tested {
    let folder = tempfile::tempdir()?;
    let cluster = start(folder.path()).await?;
    let (kill, pause) = ([Effect::Kill { nodes: vec![Node(0)] }], [Effect::Pause { nodes: vec![Node(0)] }]);
    begin(&*cluster, 1, &pause).await?;
    begin(&*cluster, 2, &kill).await?;
    begin(&*cluster, 3, &kill).await?;
    end(&*cluster, 2, &kill).await?;
    ensure(!cluster.status().await.up.contains(&Node(0)), "one fault still keeps it dead")?;
    let applied = end(&*cluster, 3, &kill).await?;
    ensure(applied.evidence().contains("in state T"), format!("stopped again: {}", applied.evidence()))?;
    ensure(!cluster.status().await.up.contains(&Node(0)), "one fault still keeps it stopped")?;
    cluster.target().apply(&Action::EndAll).await?;
    await_status(&*cluster, "ready again", |status| status.ready).await?;
    Ok(cluster.stop().await?)
}

async fn corrupt_log() -> Tested {
    let folder = tempfile::tempdir()?;
    let cluster = start(folder.path()).await?;
    let mut client = cluster.connect(0).await?;
    insist(&mut *client, Node(0), &Op::write("x", 1)).await?;
    let kill = [Effect::Kill { nodes: vec![Node(2)] }];
    begin(&*cluster, 1, &kill).await?;
    let log = folder.path().join("disks/n3/log");
    let mut bytes = std::fs::read(&log)?;
    bytes[20] ^= 4;
    std::fs::write(&log, bytes)?;
    let error = end(&*cluster, 1, &kill).await.err().ok_or("it started from a corrupt log")?.to_string();
    ensure(error.contains("exit status: 3") && error.contains("corrupt at byte 0"), error)
}

/// A harness that starts a cluster and does nothing, until it is killed.
fn idle(folder: &Path) -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
    else {
        return ExitCode::FAILURE;
    };
    runtime.block_on(async {
        match start(folder).await {
            Ok(_cluster) => {
                let _ = writeln!(std::io::stdout(), "listening 127.0.0.1:1");
                tokio::time::sleep(Duration::from_mins(10)).await;
            }
            Err(error) => say(&error),
        }
    });
    ExitCode::FAILURE
}

async fn harness_killed() -> Tested {
    let folder = tempfile::tempdir()?;
    let mut harness = NodeProcess::start(ProcessSpec {
        name: "harness".into(),
        program: std::env::current_exe()?,
        arguments: vec!["idle".into(), folder.path().display().to_string()],
        log: folder.path().join("harness.log"),
        ..ProcessSpec::default()
    })?;
    harness.ready(SOON).await?;
    let mut addresses = Vec::new();
    for node in Node::first(3) {
        let log = std::fs::read_to_string(folder.path().join(format!("logs/{node}.log")))?;
        let address =
            log.lines().find_map(|line| line.strip_prefix("listening ")).ok_or("it never listened")?;
        std::net::TcpStream::connect(address)?;
        addresses.push(address.to_owned());
    }
    harness.kill().await?;
    let began = Instant::now();
    for address in addresses {
        while std::net::TcpStream::connect(&address).is_ok() {
            ensure(began.elapsed() < SOON, format!("a node still listens at {address}"))?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}
