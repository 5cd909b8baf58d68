//! The live stage: real processes and sockets. Clients are tasks, one a thread; another carries out the faults, and
//! another looks at the cluster from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use histories::{Applied, Clock, Draft, Kind, Nanos, Op, Process, RecordError, Recorder};
use nemesis::{Action, Power, Schedule};
use systems::lies::{self, SharedLiar};
use systems::{Client, Cluster, Setup, SystemOptions};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::folder::ScheduleFile;
use super::lag::LagFile;
use super::prepared::Prepared;
use super::{Conducted, Crashed, RunError, RunFolder, conduct};
use crate::load::script;
use crate::plan::spec::RunSpec;
use crate::run::progress::{Ends, Phase, Progress};
use crate::run::stage::{Call, Stage, StageEvent};

/// Starts the cluster, conducts the run on it and stops it, whatever happens between.
pub(super) fn drive(
    spec: &RunSpec,
    prepared: &Prepared,
    folder: &RunFolder,
    progress: &dyn Progress,
    ends: &Ends,
) -> Result<Conducted, RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(RunError::harness)?;
    let setup = Setup {
        mode: spec.mode.clone(),
        workload: spec.workload.clone(),
        options: SystemOptions { clocks: prepared.needs.has(Power::Step), ..spec.options.clone() },
        layout: spec.layout,
        clients: spec.clients,
        logs: folder.path().to_owned(),
        disks: folder.disks(),
        seed: spec.seed,
    };
    let cluster: Arc<dyn Cluster> =
        runtime.block_on(spec.system.start(&setup)).map_err(RunError::harness)?.into();
    let liar = spec.telling.map(|telling| SharedLiar::new(telling, spec.seed));
    let cluster = match &liar {
        Some(liar) => lies::in_cluster(cluster, liar.clone()),
        None => cluster,
    };
    let recorder =
        Recorder::create(&folder.history(), &prepared.header(spec, folder.started()), Clock::monotonic())
            .map_err(RunError::harness)?;
    let recorder = Arc::new(recorder);
    let lag = LagFile::create(&folder.lag()).map_err(RunError::harness)?;
    let schedule = folder.schedule(spec.seed);
    let mut stage = LiveStage::new(
        runtime.handle(),
        Arc::clone(&cluster),
        Arc::clone(&recorder),
        spec.clients,
        lag,
        schedule,
    );
    progress.phase(Phase::Running);
    let mut conductor = prepared.conductor(spec);
    let conducted = conduct(&mut conductor, &mut stage, progress, ends).map_err(RunError::Harness);
    // Before anything is stopped: a node that has ended by now did so by itself, and explains what else went wrong.
    let crashes = runtime.block_on(cluster.crashes());
    let alive_until = stage.alive_until();
    runtime.block_on(stage.close());
    progress.phase(Phase::Stopping);
    let flushed = recorder.flush().map_err(RunError::harness);
    let stopped = runtime.block_on(cluster.stop()).map_err(RunError::harness);
    if !crashes.is_empty() {
        flushed?;
        let crashed = Some(Crashed { nodes: crashes, alive_until });
        return Ok(Conducted { crashed, settled: false, ..conducted.unwrap_or_default() });
    }
    let conducted = conducted?;
    flushed?;
    stopped?;
    Ok(Conducted { notes: cluster.notes(), observed: liar.map(|liar| liar.observed()), ..conducted })
}

/// Told by every task to the conductor's thread.
type Told = SyncSender<StageEvent>;

struct LiveStage {
    recorder: Arc<Recorder>,
    told: Receiver<StageEvent>,
    calls: Vec<UnboundedSender<Call>>,
    actions: UnboundedSender<Action>,
    tasks: Vec<JoinHandle<()>>,
    observer: JoinHandle<()>,
    /// In nanoseconds of the run's clock.
    alive_until: Arc<AtomicU64>,
    /// What was done so far, kept on disk for whatever ends the run.
    actions_done: Vec<(Nanos, Action)>,
    schedule: ScheduleFile,
    /// What could not be handed over, to be told at the next opportunity.
    failure: Option<String>,
}

impl LiveStage {
    const STATUS_INTERVAL: Duration = Duration::from_millis(100);
    const TOLD_MAX: usize = 65_536;

    pub(super) fn new(
        runtime: &Handle,
        cluster: Arc<dyn Cluster>,
        recorder: Arc<Recorder>,
        threads: u32,
        lag: LagFile,
        schedule: ScheduleFile,
    ) -> Self {
        let (tell, told) = sync_channel(Self::TOLD_MAX);
        let mut tasks = Vec::new();
        let mut calls = Vec::new();
        for thread in 0..threads {
            let (sender, receiver) = unbounded_channel();
            let hand = ClientTask {
                thread,
                cluster: Arc::clone(&cluster),
                recorder: Arc::clone(&recorder),
                tell: tell.clone(),
            };
            tasks.push(runtime.spawn(hand.run(receiver)));
            calls.push(sender);
        }
        let (actions, to_carry_out) = unbounded_channel();
        tasks.push(runtime.spawn(carry_out(
            Arc::clone(&cluster),
            Arc::clone(&recorder),
            to_carry_out,
            tell.clone(),
        )));
        let alive_until = Arc::new(AtomicU64::new(recorder.now().0));
        let observer = Observer { cluster, recorder: Arc::clone(&recorder), lag, tell, alive_until };
        let alive_until = Arc::clone(&observer.alive_until);
        let observer = runtime.spawn(observer.run());
        Self {
            recorder,
            told,
            calls,
            actions,
            tasks,
            observer,
            alive_until,
            actions_done: Vec::new(),
            schedule,
            failure: None,
        }
    }

    /// The last moment at which no node was found to have ended by itself.
    fn alive_until(&self) -> Nanos {
        Nanos(self.alive_until.load(Ordering::Relaxed))
    }

    /// Lets every task end, so that nobody holds the cluster any more.
    pub(super) async fn close(self) {
        let Self { calls, actions, tasks, observer, .. } = self;
        drop((calls, actions));
        observer.abort();
        for task in tasks.into_iter().chain([observer]) {
            // A task that was aborted has ended, too.
            let _ = task.await;
        }
    }
}

impl Stage for LiveStage {
    fn now(&self) -> Nanos {
        self.recorder.now()
    }

    fn submit(&mut self, call: Call) {
        let thread = call.thread;
        let sent = self.calls.get(thread as usize).is_some_and(|calls| calls.send(call).is_ok());
        if !sent {
            self.failure = Some(format!("the task of client thread {thread} has ended"));
        }
    }

    fn apply(&mut self, action: Action) {
        self.actions_done.push((self.now(), action.clone()));
        if let Err(error) = self.schedule.write(&script::faults(&self.actions_done)) {
            self.failure = Some(format!("cannot write schedule.json: {error}"));
        }
        if self.actions.send(action).is_err() {
            self.failure = Some("the nemesis has ended".into());
        }
    }

    fn next(&mut self, until: Nanos) -> StageEvent {
        if let Some(why) = self.failure.take() {
            return StageEvent::Failed(why);
        }
        if let Ok(event) = self.told.try_recv() {
            return event;
        }
        if let Err(error) = self.recorder.flush_if_due() {
            return StageEvent::Failed(error.to_string());
        }
        let wait = until.since(self.now()).min(Recorder::FLUSH_INTERVAL).to_duration();
        match self.told.recv_timeout(wait) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => StageEvent::Time,
            Err(RecvTimeoutError::Disconnected) => {
                StageEvent::Failed("every task of the stage has ended".into())
            }
        }
    }
}

/// One client thread: at most one operation open.
struct ClientTask {
    thread: u32,
    cluster: Arc<dyn Cluster>,
    recorder: Arc<Recorder>,
    tell: Told,
}

impl ClientTask {
    async fn run(self, mut calls: UnboundedReceiver<Call>) {
        let mut client: Option<(u32, Box<dyn Client>)> = None;
        while let Some(call) = calls.recv().await {
            let told = match self.call(&mut client, call).await {
                Ok(event) => event,
                Err(why) => StageEvent::Failed(why),
            };
            if self.tell.send(told).is_err() {
                return;
            }
        }
    }

    async fn call(
        &self,
        client: &mut Option<(u32, Box<dyn Client>)>,
        call: Call,
    ) -> Result<StageEvent, String> {
        if client.as_ref().is_none_or(|(process, _)| *process != call.process) {
            let fresh = self.cluster.connect(self.thread).await.map_err(|error| error.to_string())?;
            *client = Some((call.process, fresh));
        }
        let Some((_, client)) = client else { return Err("no client".into()) };
        self.record(call.invoked())?;
        let completion = client.call(call.node, &call.op, call.deadline.to_duration()).await;
        let event = self.record(call.completed(completion))?;
        Ok(StageEvent::Completed { thread: self.thread, event })
    }

    fn record(&self, draft: Draft) -> Result<histories::Event, String> {
        self.recorder.record(draft).map_err(|error| error.to_string())
    }
}

/// The nemesis's hand: one action after the other, each recorded before and after.
async fn carry_out(
    cluster: Arc<dyn Cluster>,
    recorder: Arc<Recorder>,
    mut actions: UnboundedReceiver<Action>,
    tell: Told,
) {
    while let Some(action) = actions.recv().await {
        let event = match carry_out_one(cluster.as_ref(), &recorder, &action).await {
            Ok(applied) => StageEvent::Applied { action, applied },
            Err(why) => StageEvent::Failed(why),
        };
        if tell.send(event).is_err() {
            return;
        }
    }
}

async fn carry_out_one(
    cluster: &dyn Cluster,
    recorder: &Recorder,
    action: &Action,
) -> Result<Applied, String> {
    let record = |op: Op| -> Result<(), RecordError> {
        recorder.record(Draft::new(Process::Nemesis, Kind::Info, op))?;
        recorder.flush()
    };
    let step = Schedule::describe(action);
    record(step.to_op()).map_err(|error| error.to_string())?;
    let applied = cluster.target().apply(action).await.map_err(|error| error.to_string())?;
    record(step.done(applied.clone()).to_op()).map_err(|error| error.to_string())?;
    Ok(applied)
}

/// Looks at the cluster some times a second: which nodes run, who leads, who lags.
struct Observer {
    cluster: Arc<dyn Cluster>,
    recorder: Arc<Recorder>,
    lag: LagFile,
    tell: Told,
    alive_until: Arc<AtomicU64>,
}

impl Observer {
    async fn run(mut self) {
        let mut ticks = tokio::time::interval(LiveStage::STATUS_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let event = self.look().await;
            if self.tell.send(event).is_err() {
                return;
            }
        }
    }

    async fn look(&mut self) -> StageEvent {
        let now = self.recorder.now();
        if !self.cluster.crashes().await.is_empty() {
            return StageEvent::NodeEnded;
        }
        self.alive_until.store(now.0, Ordering::Relaxed);
        let status = self.cluster.status().await;
        match self.lag.append(self.recorder.now(), &status) {
            Ok(()) => StageEvent::Status(status),
            Err(error) => StageEvent::Failed(format!("cannot write lag.csv: {error}")),
        }
    }
}
