//! The one task that owns a replica: hands it what comes in, and carries what goes out. It never decides anything.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use histories::{Key, Nanos, Node};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant as TokioInstant, sleep_until};

use super::clock::{ClockReading, NodeClock};
use super::disk::{Disk, DiskError};
use crate::cluster::ClockSetting;
use crate::store::{DumpEntry, Input, Now, Outbox, Replica, ReplicaStatus, Request, RequestId, Response};

/// What comes to the task.
pub(crate) enum Event<M> {
    Message { from: Node, message: M },
    Request { request: Request, answer: oneshot::Sender<Response> },
    Persisted(Result<u64, DiskError>),
    Status(oneshot::Sender<ReplicaStatus>),
    Dump(oneshot::Sender<BTreeMap<Key, DumpEntry>>),
    Clock { setting: ClockSetting, answer: oneshot::Sender<ClockReading> },
}

/// Handed over in one go: the more, the larger the batches that the replica can make of them.
const BATCH_MAX: usize = 256;
/// How often requests whose clients are gone are forgotten.
const SWEEP: Duration = Duration::from_secs(5);

/// A replica with everything that carries its outputs.
pub(crate) struct Actor<R: Replica> {
    replica: R,
    disk: Disk<R::Record>,
    peers: BTreeMap<Node, mpsc::Sender<Bytes>>,
    pending: BTreeMap<RequestId, oneshot::Sender<Response>>,
    next_request: u64,
    began: Instant,
    clock: NodeClock,
    timer: Option<Nanos>,
    out: Outbox<R::Message, R::Record>,
}

impl<R> Actor<R>
where
    R: Replica,
    R::Record: Send + 'static,
{
    pub(crate) fn new(replica: R, disk: Disk<R::Record>, peers: BTreeMap<Node, mpsc::Sender<Bytes>>) -> Self {
        Self {
            replica,
            disk,
            peers,
            pending: BTreeMap::new(),
            // A late answer to a request of an earlier life must not meet a request of this one.
            next_request: wall().0,
            began: Instant::now(),
            clock: NodeClock::default(),
            timer: None,
            out: Outbox::default(),
        }
    }

    /// Runs until the disk fails or nobody can send events any more.
    pub(crate) async fn run(
        mut self,
        mut events: mpsc::Receiver<Event<R::Message>>,
    ) -> Result<(), DiskError> {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut swept = self.began;
        self.handle(Input::Tick);
        self.flush();
        loop {
            let timer = self.timer.map(|at| {
                let at = self.clock.machine_time(at);
                TokioInstant::from_std(self.began + at.to_duration())
            });
            let ticks = async {
                match timer {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                count = events.recv_many(&mut batch, BATCH_MAX) => if count == 0 { return Ok(()) },
                () = ticks => {}
            }
            for event in batch.drain(..) {
                self.take(event)?;
            }
            if self.timer.is_some_and(|at| at <= self.now().monotonic) {
                self.timer = None;
                self.handle(Input::Tick);
            }
            self.flush();
            if swept.elapsed() >= SWEEP {
                swept = Instant::now();
                self.pending.retain(|_, answer| !answer.is_closed());
            }
        }
    }

    fn take(&mut self, event: Event<R::Message>) -> Result<(), DiskError> {
        // Whoever asked may be gone; then nobody misses the answer.
        match event {
            Event::Message { from, message } => self.handle(Input::Message { from, message }),
            Event::Persisted(seq) => self.handle(Input::Persisted(seq?)),
            Event::Status(answer) => drop(answer.send(self.replica.status())),
            Event::Dump(answer) => drop(answer.send(self.replica.dump())),
            Event::Clock { setting, answer } => {
                let reading = self.clock.set(setting, self.began.elapsed().into());
                let _ = answer.send(reading);
            }
            Event::Request { request, answer } => {
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.pending.insert(id, answer);
                self.handle(Input::Request { id, request });
            }
        }
        Ok(())
    }

    fn handle(&mut self, input: Input<R::Message>) {
        let now = self.now();
        self.replica.handle(now, input, &mut self.out);
        // A tick too many does no harm, one too few might.
        self.timer = [self.timer, self.out.timer.take()].into_iter().flatten().min();
    }

    fn flush(&mut self) {
        for persist in self.out.persists.drain(..) {
            // Where the thread has ended, why is on its way as an event, and nothing counts as persisted any more.
            self.disk.persist(persist);
        }
        for (to, message) in self.out.sends.drain(..) {
            let Some(peer) = self.peers.get(&to).filter(|peer| peer.capacity() > 0) else { continue };
            if let Ok(mut line) = serde_json::to_vec(&message) {
                line.push(b'\n');
                // Full or gone: the message is lost, which the protocol expects.
                let _ = peer.try_send(line.into());
            }
        }
        for (id, response) in self.out.replies.drain(..) {
            if let Some(answer) = self.pending.remove(&id) {
                let _ = answer.send(response);
            }
        }
    }

    fn now(&self) -> Now {
        self.clock.now(Now { monotonic: self.began.elapsed().into(), wall: wall() })
    }
}

fn wall() -> Nanos {
    SystemTime::now().duration_since(UNIX_EPOCH).map(Nanos::from).unwrap_or_default()
}
