//! A node of a world: a replica that may be dead or stopped, with a clock, a disk and a timer of its own. It never sees
//! the network.

use std::collections::{BTreeSet, VecDeque};

use histories::{Nanos, Node};
use nemesis::{Dice, Layout};

use super::clients::Call;
use super::clock::Clock;
use super::conditions::Conditions;
use super::disk::{Death, Disk};
use crate::store::codec::Ask;
use crate::store::{self, Protocol, Replica};

pub(super) type Message<P> = <<P as Protocol>::Replica as Replica>::Message;
pub(super) type Record<P> = <<P as Protocol>::Replica as Replica>::Record;

/// What waits for a node that is stopped.
#[derive(Debug)]
pub(super) enum Held<M> {
    Message { from: Node, sent: Nanos, message: M },
    Ask { call: Call, sent: Nanos, ask: Ask },
    Persisted(u64),
}

pub(super) struct Member<P: Protocol> {
    pub(super) node: Node,
    /// `None` while it is dead.
    pub(super) replica: Option<P::Replica>,
    /// Counts its processes: what was planned for an earlier one is nobody's.
    pub(super) life: u32,
    pub(super) clock: Clock,
    pub(super) disk: Disk<Record<P>>,
    pub(super) stopped: bool,
    /// Until when it is busy with what came last.
    busy: Nanos,
    pub(super) backlog: VecDeque<Held<Message<P>>>,
    /// Requests that this process has not answered.
    pub(super) pending: BTreeSet<Call>,
    /// When the replica wants a tick, and the earliest for which one is planned, both by its own monotonic clock.
    timer: Option<Nanos>,
    armed: Nanos,
    seeds: Dice,
}

impl<P: Protocol> Member<P> {
    /// Dead, with an empty disk.
    pub(super) fn new(protocol: &P, node: Node, conditions: &Conditions, dice: &Dice) -> Self {
        let own = |what: &str| dice.split(&format!("{what} {node}"));
        Self {
            node,
            replica: None,
            life: 0,
            clock: Clock::new(conditions, &mut own("clock")),
            disk: Disk::new(protocol.sync(), *conditions, own("disk")),
            stopped: false,
            busy: Nanos::ZERO,
            backlog: VecDeque::new(),
            pending: BTreeSet::new(),
            timer: None,
            armed: Nanos::MAX,
            seeds: own("lives"),
        }
    }

    /// A new process on the old disk. The error says why it refuses to start.
    pub(super) fn start(&mut self, protocol: &P, layout: Layout, now: Nanos) -> Result<String, String> {
        self.life += 1;
        let found =
            self.disk.recover().map_err(|error| format!("{} refuses to start: {error}", self.node))?;
        let torn = if found.torn { ", without a torn tail" } else { "" };
        let told = format!("{} started from {} records{torn}", self.node, found.records.len());
        let member = store::Member { node: self.node, layout };
        // Each life has a seed of its own.
        let seed = self.seeds.below(u64::MAX);
        self.replica = Some(protocol.recover(member, seed, found.records, self.clock.now(now)));
        (self.timer, self.armed) = (None, Nanos::MAX);
        Ok(told)
    }

    /// The process is gone; says what its disk holds, and who waits for it in vain.
    pub(super) fn die(&mut self, death: Death, now: Nanos) -> (String, BTreeSet<Call>) {
        let was = if self.replica.take().is_some() { "died" } else { "was dead already" };
        self.life += 1;
        self.backlog.clear();
        let told = format!("{} {was}: {}", self.node, self.disk.die(death, now));
        (told, std::mem::take(&mut self.pending))
    }

    pub(super) fn runs(&self) -> bool {
        self.replica.is_some() && !self.stopped
    }

    /// Takes something up that keeps it busy for `service`, unless it is busy until later.
    pub(super) fn take_up(&mut self, now: Nanos, service: Nanos) -> Result<(), Nanos> {
        if self.busy > now {
            return Err(self.busy);
        }
        self.busy = now + service;
        Ok(())
    }

    /// The replica asked for a tick at `timer`. Where none is planned that early, says when in the world's time.
    pub(super) fn arm(&mut self, timer: Option<Nanos>) -> Option<Nanos> {
        self.timer = timer.or(self.timer);
        let timer = self.timer.filter(|timer| *timer < self.armed)?;
        self.armed = timer;
        Some(self.clock.world_time(timer))
    }

    /// A planned wake-up has come: whether it is time for a tick.
    pub(super) fn wake(&mut self, now: Nanos) -> bool {
        let monotonic = self.clock.now(now).monotonic;
        if self.armed <= monotonic {
            self.armed = Nanos::MAX;
        }
        let due = self.timer.is_some_and(|timer| timer <= monotonic);
        if due {
            self.timer = None;
        }
        due
    }

    /// The clock runs otherwise now: whatever is planned comes at the wrong time.
    pub(super) fn disarm(&mut self) {
        self.armed = Nanos::MAX;
    }
}
