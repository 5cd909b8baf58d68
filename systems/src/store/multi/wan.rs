//! Between datacentres: leaders say who they are and what they have, ship what the others lack, and ask for what is late.
//!
//! Only a leader whose lead is settled speaks, and only of what its group has committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use histories::{Nanos, Node};

use super::Replica;
use super::change::{Change, Work};
use super::inbox::Inbox;
use super::message::{Hello, Message};
use super::options::{Delivery, Repair, Reroute};
use super::state::Trail;
use super::transfer::Holding;
use crate::store::{Bug, VersionVector};

/// Changes of an origin in one message.
const BATCH_MAX: usize = 512;
/// Changes of an origin on their way to one datacentre.
const WINDOW: u64 = 16_384;
/// Changes that all have are kept until there are so many: forgetting them costs an entry of the log.
const FORGET_FROM: usize = 1024;

impl Replica {
    /// What a leader does after each input.
    pub(super) fn tend(&mut self) {
        if !self.group.is_settled() {
            self.lead = None;
            return;
        }
        if self.lead != Some(self.group.term()) {
            self.lead = Some(self.group.term());
            self.shipped = None;
            self.forgotten = VersionVector::default();
            self.inbox = Inbox::starting_at(self.group.state().vector.clone());
            self.hello_at = self.now;
            for far in &mut self.far {
                far.sent = far.has.clone();
            }
        }
        self.acknowledge();
        if self.now >= self.hello_at {
            self.hello_at = self.now + self.options.hello;
            // Now and then it is seen who has not moved for long.
            self.shipped = None;
            self.hello_all();
            self.ask_around();
        }
        if self.now >= self.exchange_at {
            self.exchange_at = self.now + self.options.exchange;
            if matches!(self.options.repair, Repair::AntiEntropy | Repair::Both) {
                self.ask_next();
            }
        }
        self.ship();
    }

    fn hears(&self) -> Vec<u16> {
        let patience = self.options.patience();
        self.others().filter(|at| self.far[usize::from(*at)].is_heard(self.now, patience)).collect()
    }

    fn hello(&self) -> Message {
        let has = self.group.state().vector.clone();
        Message::Hello(Hello { term: self.group.term(), has, hears: self.hears() })
    }

    fn hello_all(&mut self) {
        let hello = self.hello();
        let here = self.here;
        let everyone = self.layout.nodes().filter(|node| self.layout.datacentre(*node) != here);
        self.sends.extend(everyone.map(|node| (node, hello.clone())));
    }

    /// Those who shipped learn what has come of it.
    fn acknowledge(&mut self) {
        if self.shippers.is_empty() || self.told == self.group.state().vector {
            return;
        }
        self.told = self.group.state().vector.clone();
        let hello = self.hello();
        for at in std::mem::take(&mut self.shippers) {
            self.tell(at, hello.clone());
        }
    }

    fn tell(&mut self, datacentre: u16, message: Message) {
        if let Some((_, leader)) = self.far[usize::from(datacentre)].leader {
            self.sends.push((leader, message));
        }
    }

    pub(super) fn on_hello(&mut self, from: Node, hello: Hello) {
        let datacentre = self.layout.datacentre(from);
        self.far[usize::from(datacentre)].hear(self.now, from, hello);
        self.shipped = None;
        if self.lead.is_some() {
            self.forget();
        }
    }

    pub(super) fn on_ship(&mut self, from: Node, changes: Vec<Arc<Change>>) {
        if self.lead.is_none() {
            return;
        }
        self.shippers.insert(self.layout.datacentre(from));
        if self.options.has(Bug::RingLoop) {
            let own: Vec<_> = changes.iter().filter(|change| change.origin == self.name).cloned().collect();
            self.group.enter(Work::Remote(own));
        }
        let delivery = match self.options.delivery {
            Delivery::Causal if self.options.has(Bug::CausalSkipsWait) => Delivery::Fifo,
            delivery => delivery,
        };
        let released = self.inbox.take(changes, delivery, self.name);
        if released.is_empty() {
            // Nothing new: the sender does not know what is here.
            self.told = VersionVector::default();
        } else {
            self.group.enter(Work::Remote(released));
        }
    }

    /// Nothing of it is new where the own vector covers its vector.
    pub(super) fn on_holding(&mut self, from: Node, holding: Box<Holding>) {
        if self.lead.is_none() {
            return;
        }
        self.shippers.insert(self.layout.datacentre(from));
        if self.group.state().vector.covers(&holding.vector) {
            self.told = VersionVector::default();
        } else {
            self.inbox.skip_to(&holding.vector);
            self.group.enter(Work::Holding(holding));
        }
    }

    /// Whether datacentre `name` lacks changes, of those `of` which it is sent, that are not kept any more.
    fn forgot(
        trails: &BTreeMap<Node, Trail>,
        name: Node,
        has: &VersionVector,
        of: impl Fn(Node) -> bool,
    ) -> bool {
        let trails = trails.iter().filter(|(origin, _)| **origin != name && of(**origin));
        trails.into_iter().any(|(origin, trail)| trail.has_forgotten(has.get(*origin)))
    }

    /// Whoever asks is sent the first of what it lacks, whatever the topology.
    pub(super) fn on_ask(&mut self, from: Node, has: &VersionVector) {
        let name = self.far[usize::from(self.layout.datacentre(from))].name;
        if self.lead.is_some() && Self::forgot(&self.group.state().trails, name, has, |_| true) {
            return self.sends.push((from, Message::Holding(Box::new(self.group.state().holding()))));
        }
        let trails = self.group.state().trails.iter().filter(|(origin, _)| **origin != name);
        let lacks = trails.flat_map(|(origin, trail)| trail.following(has.get(*origin), BATCH_MAX));
        let changes: Vec<_> = lacks.cloned().collect();
        if self.lead.is_some() && !changes.is_empty() {
            self.sends.push((from, Message::Ship(changes)));
        }
    }

    fn is_linked(&self, at: u16) -> bool {
        self.far[usize::from(at)].is_linked(self.now, self.options.patience(), self.here)
    }

    fn ship(&mut self) {
        if self.shipped.as_ref() == Some(&self.group.state().vector) {
            return;
        }
        self.shipped = Some(self.group.state().vector.clone());
        let (topology, count) = (self.options.topology, self.layout.datacentres);
        if self.options.reroute == Reroute::Off {
            for place in 0..self.downstream.len() {
                self.ship_to(self.downstream[place]);
            }
        } else {
            for at in topology.around(self.here, count, |at| self.is_linked(at)) {
                self.ship_to(at);
            }
        }
    }

    /// Everything that `at` may lack, as far as the window allows; again from what it has if nothing moves.
    fn ship_to(&mut self, at: u16) {
        let patience = Nanos(self.options.patience().0 * 2);
        let far = &mut self.far[usize::from(at)];
        let Some((_, leader)) = far.leader else { return };
        if !far.is_heard(self.now, patience) {
            return;
        }
        if far.sent == far.has {
            far.moved_at = self.now;
        } else if self.now >= far.moved_at + patience {
            (far.sent, far.moved_at) = (far.has.clone(), self.now);
        }
        let forwards = self.options.topology.forwards() || self.options.reroute == Reroute::On;
        let (own, trails) = (self.name, &self.group.state().trails);
        let is_sent = |origin: Node| forwards || origin == own;
        if Self::forgot(trails, far.name, &far.sent, is_sent) {
            return self.send_holding(at, leader);
        }
        let mut changes = Vec::new();
        for (origin, trail) in trails {
            let (has, sent) = (far.has.get(*origin), far.sent.get(*origin));
            let returns = *origin == far.name && !self.options.has(Bug::RingLoop);
            if returns || !is_sent(*origin) || sent >= has + WINDOW || trail.last() <= sent {
                continue;
            }
            let before = changes.len();
            changes.extend(trail.following(sent, BATCH_MAX).cloned());
            let count = changes.len() - before;
            far.sent.raise(*origin, sent + count as u64);
            if count == BATCH_MAX {
                self.shipped = None;
            }
        }
        if !changes.is_empty() {
            self.sends.push((leader, Message::Ship(changes)));
        }
    }

    /// The whole state, once until something moves.
    fn send_holding(&mut self, at: u16, leader: Node) {
        let holding = self.group.state().holding();
        self.far[usize::from(at)].sent.merge(&holding.vector);
        self.sends.push((leader, Message::Holding(Box::new(holding))));
    }

    /// With rerouting, what does not come from upstream is asked of those behind.
    fn ask_around(&mut self) {
        if self.options.reroute == Reroute::Off {
            return;
        }
        let linked = |at| self.is_linked(at);
        for at in self.options.topology.behind(self.here, self.layout.datacentres, linked) {
            self.tell(at, Message::Ask(self.group.state().vector.clone()));
        }
    }

    /// Asks one other datacentre, in turn.
    pub(super) fn ask_next(&mut self) {
        let count = self.layout.datacentres;
        self.asked = (self.asked + 1) % count;
        if self.asked == self.here {
            self.asked = (self.asked + 1) % count;
        }
        self.tell(self.asked, Message::Ask(self.group.state().vector.clone()));
    }

    /// Once all have enough that is kept, the log says so.
    fn forget(&mut self) {
        let state = self.group.state();
        let all_have = |origin: Node| {
            let others = self.others().map(|at| &self.far[usize::from(at)]).filter(|far| far.name != origin);
            // Where there are two, nobody else could lack what came from the other.
            others.map(|far| far.has.get(origin)).min().unwrap_or(state.vector.get(origin))
        };
        let due = state.trails.iter().any(|(origin, trail)| {
            let first = (state.vector.get(*origin) - trail.len() as u64).max(self.forgotten.get(*origin));
            trail.len() >= FORGET_FROM && all_have(*origin) >= first + FORGET_FROM as u64
        });
        if due {
            let forgotten = state.trails.keys().map(|origin| (*origin, all_have(*origin))).collect();
            let known = self.others().map(|at| &self.far[usize::from(at)]);
            let known = known.map(|far| (far.name, far.has.clone())).collect();
            self.forgotten = forgotten;
            self.group.enter(Work::Known(known));
        }
    }
}
