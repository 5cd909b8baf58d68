//! A cluster and its clients in virtual time, on one thread. Everything that happens is an event in one queue, and every
//! decision is a roll of seeded dice, so that a seed is a whole world.
//!
//! It never reads a clock, opens a file or knows a protocol by name. What faults do is in `faults`.

use std::collections::VecDeque;

use histories::{Nanos, Node};
use nemesis::{Dice, Layout};

use super::backlog::{Backlog, Late};
use super::clients::{Call, Clients};
use super::conditions::{Conditions, Latency};
use super::disk::{Death, Started};
use super::forces::Forces;
use super::invariants::Watcher;
use super::member::{Held, Member, Message, Record};
use super::network::{Fate, Network};
use super::queue::Queue;
use super::trace::{Happening, Trace};
use super::{Figures, Happened, Setup};
use crate::http::Loss;
use crate::store::codec::{Answer, Ask};
use crate::store::{Input, Outbox, Protocol, Replica, ReplicaStatus, status};
use crate::{Completion, SetupError, Status};

/// How long a cluster may take to elect its first leader, and how often it is asked.
const READY_MAX: Nanos = Nanos::from_secs(30);
const READY_POLL: Nanos = Nanos::from_millis(10);
/// A node that asks for a tick in the past gets one this much later.
const TICK_MIN: Nanos = Nanos(1000);

pub(super) enum Event<M> {
    Message { from: Node, to: Node, sent: Nanos, message: M },
    Wake { node: Node, life: u32 },
    Written { node: Node, life: u32 },
    Ask { node: Node, call: Call, sent: Nanos, ask: Ask },
    Answer { call: Call, sent: Nanos, answer: Answer },
    GoOn(Call),
    GiveUp(Call),
}

/// A simulated cluster of a protocol, with clients.
pub struct World<P: Protocol> {
    pub(super) protocol: P,
    pub(super) layout: Layout,
    /// Counts from when the cluster was started; a run counts from when it was ready.
    pub(super) now: Nanos,
    pub(super) began: Nanos,
    pub(super) queue: Queue<Event<Message<P>>>,
    pub(super) members: Vec<Member<P>>,
    pub(super) network: Network,
    held: Backlog<Message<P>>,
    pub(super) clients: Clients,
    pub(super) forces: Forces,
    /// Nodes that hear no client, what they would have heard and said, and how much that was.
    pub(super) deaf: Vec<bool>,
    pub(super) unsaid: Vec<Vec<Event<Message<P>>>>,
    pub(super) unheard: Vec<u64>,
    pub(super) cuts_hold: bool,
    pub(super) client_latency: Latency,
    pub(super) client_dice: Dice,
    /// How long a member is busy with each message and request.
    pub(super) service: Nanos,
    out: Outbox<Message<P>, Record<P>>,
    pub(super) done: VecDeque<(u32, Completion)>,
    pub(super) trace: Trace,
    pub(super) watcher: Watcher,
    figures: Figures,
}

impl<P: Protocol> World<P> {
    /// Starts a cluster and waits until it is ready.
    pub fn start(protocol: P, setup: &Setup) -> Result<Self, SetupError> {
        let mut world = Self::new(protocol, setup);
        for node in setup.layout.nodes() {
            world.start_node(node);
        }
        while world.now < READY_MAX {
            let until = world.now + READY_POLL;
            world.run_until(until);
            if world.status().ready {
                world.began = world.now;
                world.trace.on = setup.trace;
                return Ok(world);
            }
        }
        let what = format!("elect a leader within {} s", READY_MAX.as_secs_f64());
        Err(SetupError { what, why: format!("what the nodes say: {:?}", world.status()) })
    }

    fn new(protocol: P, setup: &Setup) -> Self {
        let dice = Dice::new(setup.seed).split("world");
        let conditions = Conditions::draw(&mut dice.split("conditions"));
        let layout = setup.layout;
        let nodes = usize::from(layout.total());
        Self {
            now: Nanos::ZERO,
            began: Nanos::ZERO,
            queue: Queue::default(),
            members: layout.nodes().map(|node| Member::new(&protocol, node, &conditions, &dice)).collect(),
            network: Network::new(layout, &conditions, protocol.wide_area(), dice.split("network")),
            held: Backlog::new(nodes),
            clients: Clients::new(protocol.memory(), setup.clients),
            forces: Forces::default(),
            deaf: vec![false; nodes],
            unsaid: (0..nodes).map(|_| Vec::new()).collect(),
            cuts_hold: conditions.cuts_hold,
            unheard: vec![0; nodes],
            client_latency: conditions.client,
            client_dice: dice.split("clients"),
            service: setup.service,
            out: Outbox::default(),
            done: VecDeque::new(),
            trace: Trace::default(),
            watcher: Watcher::new(protocol.invariants(layout), nodes),
            figures: Figures::default(),
            layout,
            protocol,
        }
    }

    /// The time of the run.
    pub(super) fn time(&self) -> Nanos {
        self.now.since(self.began)
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> Happening) {
        self.trace.note(self.now.since(self.began), what);
    }

    pub(super) fn figures(&self) -> Figures {
        self.figures
    }

    /// What running members say.
    pub(super) fn told(&self) -> Vec<ReplicaStatus> {
        let running = self.members.iter().filter(|member| member.runs());
        running.filter_map(|member| member.replica.as_ref()).map(Replica::status).collect()
    }

    pub(super) fn status(&self) -> Status {
        status::summary(self.layout, self.protocol.leadership(), &self.told())
    }

    /// Goes on until something is to be told, at `until` (of the run) at the latest.
    pub(super) fn advance(&mut self, until: Nanos) -> Happened {
        let until = self.began + until;
        while self.done.is_empty() {
            let Some((at, event)) = self.queue.pop(until) else {
                self.now = self.now.max(until);
                return Happened::Nothing;
            };
            self.now = at;
            self.happen(event);
        }
        match self.done.pop_front() {
            Some((thread, completion)) => Happened::Completed { thread, completion },
            None => Happened::Nothing,
        }
    }

    fn run_until(&mut self, until: Nanos) {
        while let Some((at, event)) = self.queue.pop(until) {
            self.now = at;
            self.happen(event);
        }
        self.now = until;
    }

    fn happen(&mut self, event: Event<Message<P>>) {
        self.figures.events += 1;
        match event {
            Event::Message { from, to, sent, message } => self.on_message(from, to, sent, message),
            Event::Wake { node, life } => self.on_wake(node, life),
            Event::Written { node, life } => self.on_written(node, life),
            Event::Ask { node, call, sent, ask } => self.on_ask(node, call, sent, ask),
            Event::Answer { call, sent, answer } => self.on_answer(call, sent, answer),
            Event::GoOn(call) => {
                let told = self.clients.go_on(call);
                self.complete(call, told);
            }
            Event::GiveUp(call) => {
                let told = self.clients.give_up(self.now, call);
                self.complete(call, told);
            }
        }
    }
}

/// Nodes.
impl<P: Protocol> World<P> {
    /// Starts a node that is dead; says from what, or why it refuses.
    pub(super) fn start_node(&mut self, node: Node) -> String {
        let member = &mut self.members[node.index()];
        let told = match member.start(&self.protocol, self.layout, self.now) {
            Ok(told) => told,
            Err(refused) => return refused,
        };
        self.note(|| Happening::Started { node, text: told.clone() });
        if let Some(replica) = &self.members[node.index()].replica {
            self.watcher.started(node, replica);
        }
        self.feed(node, Input::Tick);
        told
    }

    /// Kills a node; its clients notice. Says what is left on its disk.
    pub(super) fn kill_node(&mut self, node: Node, death: Death) -> String {
        let (told, orphans) = self.members[node.index()].die(death, self.now);
        self.held.forget(node);
        self.unsaid[node.index()].clear();
        self.note(|| Happening::Died { node, text: told.clone() });
        for call in orphans {
            self.answer(node, call, Answer::Lost(Loss::Broken(format!("{node} died: connection reset"))));
        }
        told
    }

    fn on_message(&mut self, from: Node, to: Node, sent: Nanos, message: Message<P>) {
        let member = &mut self.members[to.index()];
        if member.replica.is_none() {
            return;
        }
        if member.stopped {
            return member.backlog.push_back(Held::Message { from, sent, message });
        }
        if let Err(later) = member.take_up(self.now, self.service) {
            return self.queue.push(later, Event::Message { from, to, sent, message });
        }
        self.figures.messages += 1;
        let sent = sent.since(self.began);
        self.note(|| Happening::Message { from, to, sent, text: format!("{message:?}") });
        self.feed(to, Input::Message { from, message });
    }

    fn on_wake(&mut self, node: Node, life: u32) {
        let member = &mut self.members[node.index()];
        if member.life != life || member.stopped {
            return;
        }
        if member.wake(self.now) {
            self.note(|| Happening::Timer { node });
            self.feed(node, Input::Tick);
        } else {
            self.set_timer(node, None);
        }
    }

    fn on_written(&mut self, node: Node, life: u32) {
        let member = &mut self.members[node.index()];
        if member.life != life {
            return;
        }
        let Some((seq, next)) = member.disk.written(self.now) else { return };
        let alive = next.is_none_or(|next| self.write_started(node, next));
        if alive {
            self.on_persisted(node, seq);
        }
    }

    fn on_persisted(&mut self, node: Node, seq: u64) {
        let member = &mut self.members[node.index()];
        if member.stopped {
            return member.backlog.push_back(Held::Persisted(seq));
        }
        self.note(|| Happening::Persisted { node, seq });
        self.feed(node, Input::Persisted(seq));
    }

    /// Whether the node lives on.
    fn write_started(&mut self, node: Node, started: Started) -> bool {
        match started {
            Started::Waits => true,
            Started::Takes(time) => {
                let life = self.members[node.index()].life;
                self.queue.push(self.now + time, Event::Written { node, life });
                true
            }
            Started::Full => {
                self.kill_node(node, Death::Kill);
                false
            }
            Started::Dies => {
                self.kill_node(node, Death::Torn);
                false
            }
        }
    }

    /// Lets a node that was stopped go on with what came meanwhile.
    pub(super) fn resume(&mut self, node: Node) -> usize {
        let held = std::mem::take(&mut self.members[node.index()].backlog);
        let count = held.len();
        for held in held {
            match held {
                Held::Message { from, sent, message } => self.on_message(from, node, sent, message),
                Held::Ask { call, sent, ask } => self.on_ask(node, call, sent, ask),
                Held::Persisted(seq) => self.on_persisted(node, seq),
            }
        }
        // Whatever its timer was, it is asked whether it has come.
        self.rearm(node);
        count
    }

    /// Plans the node's next tick anew.
    pub(super) fn rearm(&mut self, node: Node) {
        self.members[node.index()].disarm();
        self.set_timer(node, None);
    }

    /// The one door to a replica: an input in, and everything that comes out on its way.
    pub(super) fn feed(&mut self, node: Node, input: Input<Message<P>>) {
        let member = &mut self.members[node.index()];
        let Some(replica) = member.replica.as_mut() else { return };
        let mut out = std::mem::take(&mut self.out);
        replica.handle(member.clock.now(self.now), input, &mut out);
        if let Some(broken) = self.watcher.look(node, replica) {
            let text = format!("replicas contradict each other: {broken}");
            self.trace.note(self.now.since(self.began), || Happening::Broken { text });
        }
        for (to, message) in out.sends.drain(..) {
            self.transmit(node, to, message);
        }
        for (id, response) in out.replies.drain(..) {
            self.members[node.index()].pending.remove(&id.into());
            self.answer(node, id.into(), Answer::Response(response));
        }
        let timer = out.timer.take();
        let mut alive = true;
        for persist in out.persists.drain(..) {
            self.note(|| Happening::Persist { node, text: format!("{:?}", persist.records) });
            if alive {
                let started = self.members[node.index()].disk.write(persist);
                alive = self.write_started(node, started);
            }
        }
        self.out = out;
        if alive {
            self.set_timer(node, timer);
        }
    }

    fn set_timer(&mut self, node: Node, timer: Option<Nanos>) {
        let member = &mut self.members[node.index()];
        if let Some(at) = member.arm(timer) {
            let life = member.life;
            self.queue.push(at.max(self.now + TICK_MIN), Event::Wake { node, life });
        }
    }

    fn transmit(&mut self, from: Node, to: Node, message: Message<P>) {
        if to.0 < self.layout.total() {
            self.carry(Late { from, to, sent: self.now, message });
        }
    }

    fn carry(&mut self, Late { from, to, sent, message }: Late<Message<P>>) {
        let now = self.now;
        match self.network.carry(from, to) {
            Fate::Lost => self.lost(from, to, &message),
            Fate::Held => {
                if let Some(message) = self.held.hold(from, to, sent, message) {
                    self.lost(from, to, &message);
                }
            }
            Fate::Arrives(takes) => {
                self.queue.push(now + takes, Event::Message { from, to, sent, message });
            }
            Fate::Twice(first, second) => {
                let copy = message.clone();
                self.queue.push(now + first, Event::Message { from, to, sent, message });
                self.queue.push(now + second, Event::Message { from, to, sent, message: copy });
            }
        }
    }

    fn lost(&mut self, from: Node, to: Node, message: &Message<P>) {
        self.note(|| Happening::Lost { from, to, text: format!("{message:?}") });
    }

    /// Whatever cut links held goes on its way where they flow again, and so does what was between clients and a node
    /// that is deaf no more.
    pub(super) fn let_flow(&mut self) {
        for late in self.held.release(|from, to| self.network.flows(from, to)) {
            self.carry(late);
        }
        for node in self.layout.nodes().filter(|node| !self.deaf[node.index()]) {
            for event in std::mem::take(&mut self.unsaid[node.index()]) {
                let takes = self.client_latency.draw(&mut self.client_dice);
                self.queue.push(self.now + takes, event);
            }
        }
    }
}
