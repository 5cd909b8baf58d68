//! A small world in virtual time: members, clocks that drift, disks that lose what was not synced, a network that
//! delays, reorders, duplicates, loses and cuts, and clients that write values of their own.
//!
//! It judges nothing: see `judge`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use histories::{Key, Nanos, Node, Value};
use nemesis::Dice;

use super::judge::Judge;
use crate::Routing;
use crate::store::protocol::{Member, Protocol as _};
use crate::store::replica::{
    Command, Input, Now, Outbox, Persist, Replica as _, Request, RequestId, Response,
};
use crate::store::single::{Message, Record, Replica};
use crate::store::single::{Options, Read};

/// What goes wrong, and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weather {
    pub(super) loss_percent: u64,
    pub(super) duplicate_percent: u64,
    pub(super) cuts: bool,
    pub(super) crashes: bool,
}

#[derive(Debug)]
enum Event {
    Deliver { from: Node, to: Node, message: Message },
    Synced { node: Node, life: u64, persist: Persist<Record> },
    Wake { node: Node, life: u64 },
    Restart { node: Node },
    Fault,
    Issue { client: usize },
    Arrive { client: usize, id: u64 },
    Answer { id: u64, response: Response },
    GiveUp { client: usize, id: u64 },
}

struct Machine {
    replica: Option<Replica>,
    life: u64,
    disk: Vec<Record>,
    syncing: VecDeque<Persist<Record>>,
    /// The longest that a write takes to reach the disk.
    sync_micros: u64,
    /// Runs at this many thousandths of real time.
    speed: u64,
    wakes_at: Nanos,
}

struct Client {
    open: Option<(u64, Node, Request)>,
    watermark: u64,
}

pub(super) struct World {
    pub(super) now: Nanos,
    dice: Dice,
    options: Options,
    routing: Routing,
    weather: Weather,
    machines: Vec<Machine>,
    events: BTreeMap<(Nanos, u64), Event>,
    sequence: u64,
    cut: BTreeSet<(Node, Node)>,
    clients: Vec<Client>,
    next_id: u64,
    next_value: i64,
    stop_at: Nanos,
    quiet: bool,
    pub(super) judge: Judge,
}

const CLIENTS: usize = 4;

impl World {
    pub(super) fn new(options: Options, routing: Routing, nodes: u16, weather: Weather, seed: u64) -> Self {
        let mut world = Self {
            now: Nanos::ZERO,
            dice: Dice::new(seed).split("world"),
            judge: Judge::new(options.clone(), nodes),
            options,
            routing,
            weather,
            machines: Vec::new(),
            events: BTreeMap::new(),
            sequence: 0,
            cut: BTreeSet::new(),
            clients: (0..CLIENTS).map(|_| Client { open: None, watermark: 0 }).collect(),
            next_id: 0,
            next_value: 0,
            stop_at: Nanos::MAX,
            quiet: false,
        };
        for node in Node::first(nodes) {
            let speed = world.dice.between(960, 1040);
            let wakes_at = Nanos::MAX;
            let sync_micros = if world.dice.chance(1, 4) { 60_000 } else { 3_000 };
            let machine = Machine {
                sync_micros,
                replica: None,
                life: 0,
                disk: Vec::new(),
                syncing: VecDeque::new(),
                speed,
                wakes_at,
            };
            world.machines.push(machine);
            world.start(node);
        }
        for client in 0..CLIENTS {
            world.after(1_000, Event::Issue { client });
        }
        world.after(900_000, Event::Fault);
        world
    }

    fn after(&mut self, micros: u64, event: Event) {
        self.sequence += 1;
        self.events.insert((self.now + Nanos(micros * 1000), self.sequence), event);
    }

    fn nodes(&self) -> u16 {
        self.machines.len() as u16
    }

    fn local(&self, node: Node) -> Now {
        let monotonic = Nanos(self.now.0 / 1000 * self.machines[node.index()].speed);
        Now { monotonic, wall: self.now }
    }

    fn start(&mut self, node: Node) {
        let (seed, now, nodes) =
            (self.dice.below(u64::MAX), self.local(node), self.nodes().max(self.judge.nodes));
        let machine = &mut self.machines[node.index()];
        machine.life += 1;
        machine.wakes_at = Nanos::MAX;
        let member = Member::of(node, nodes);
        machine.replica = Some(self.options.recover(member, seed, machine.disk.clone(), now));
        self.judge.restarted(node);
        self.handle(node, Input::Tick);
    }

    fn crash(&mut self, node: Node) {
        let written = self.dice.below(3) as usize;
        let machine = &mut self.machines[node.index()];
        if machine.replica.take().is_none() {
            return;
        }
        // Some of what was on its way may have arrived, unannounced.
        let syncing: Vec<_> = machine.syncing.drain(..).take(written).collect();
        for persist in syncing {
            write(&mut machine.disk, persist);
        }
        machine.life += 1;
    }

    fn handle(&mut self, node: Node, input: Input<Message>) {
        let now = self.local(node);
        let machine = &mut self.machines[node.index()];
        let life = machine.life;
        let Some(replica) = machine.replica.as_mut() else { return };
        let mut out = Outbox::default();
        replica.handle(now, input, &mut out);
        self.judge.look(node, replica);
        for persist in out.persists {
            self.machines[node.index()].syncing.push_back(persist.clone());
            let delay = self.dice.between(50, self.machines[node.index()].sync_micros);
            self.after(delay, Event::Synced { node, life, persist });
        }
        for (to, message) in out.sends {
            self.transmit(node, to, message);
        }
        for (RequestId(id), response) in out.replies {
            let delay = self.dice.between(50, 500);
            self.after(delay, Event::Answer { id, response });
        }
        self.set_timer(node, life, out.timer);
    }

    fn set_timer(&mut self, node: Node, life: u64, timer: Option<Nanos>) {
        let machine = &mut self.machines[node.index()];
        let Some(timer) = timer else { return };
        let real = Nanos((timer.0 / machine.speed + 1) * 1000).max(self.now);
        if real < machine.wakes_at {
            machine.wakes_at = real;
            self.sequence += 1;
            self.events.insert((real, self.sequence), Event::Wake { node, life });
        }
    }

    fn transmit(&mut self, from: Node, to: Node, message: Message) {
        if self.cut.contains(&(from, to)) || self.dice.chance(self.weather.loss_percent, 100) {
            return;
        }
        let copies = 1 + u64::from(self.dice.chance(self.weather.duplicate_percent, 100));
        for _ in 0..copies {
            // Mostly quick; now and then late enough to be overtaken by an election.
            let slow = self.dice.chance(1, 100);
            let delay = if slow { self.dice.between(1_000, 900_000) } else { self.dice.between(100, 2_000) };
            self.after(delay, Event::Deliver { from, to, message: message.clone() });
        }
    }

    /// Runs with faults for `faulty`, then without for `calm`, then without clients.
    pub(super) fn run(&mut self, faulty: Nanos, calm: Nanos) {
        self.stop_at = faulty;
        self.run_until(faulty);
        self.cut.clear();
        self.weather = Weather { loss_percent: 0, duplicate_percent: 0, cuts: false, crashes: false };
        for node in Node::first(self.nodes()) {
            if self.machines[node.index()].replica.is_none() {
                self.start(node);
            }
        }
        self.run_until(faulty + calm);
        // At last nobody asks, so that everybody catches up.
        self.quiet = true;
        self.run_until(faulty + calm + Nanos::from_millis(1500));
    }

    fn run_until(&mut self, until: Nanos) {
        while let Some(((at, _), event)) = self
            .events
            .first_key_value()
            .map(|(key, _)| *key)
            .and_then(|key| (key.0 <= until).then(|| self.events.remove_entry(&key)).flatten())
        {
            self.now = at;
            self.happen(event);
        }
        self.now = until;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver { from, to, message } => self.handle(to, Input::Message { from, message }),
            Event::Synced { node, life, persist } => self.synced(node, life, persist),
            Event::Wake { node, life } => {
                let machine = &mut self.machines[node.index()];
                if machine.life == life {
                    machine.wakes_at = Nanos::MAX;
                    self.handle(node, Input::Tick);
                }
            }
            Event::Restart { node } => {
                if self.machines[node.index()].replica.is_none() {
                    self.start(node);
                }
            }
            Event::Fault => self.fault(),
            Event::Issue { client } => self.issue(client),
            Event::Arrive { client, id } => {
                if let Some((open, node, request)) =
                    self.clients[client].open.clone().filter(|open| open.0 == id)
                {
                    self.handle(node, Input::Request { id: RequestId(open), request });
                }
            }
            Event::Answer { id, response } => self.answer(id, response),
            Event::GiveUp { client, id } => {
                if self.clients[client].open.take_if(|open| open.0 == id).is_some() {
                    self.after(1_000, Event::Issue { client });
                }
            }
        }
    }

    fn synced(&mut self, node: Node, life: u64, persist: Persist<Record>) {
        let machine = &mut self.machines[node.index()];
        if machine.life != life || machine.syncing.front().is_none_or(|first| first.seq > persist.seq) {
            return;
        }
        // Batches reach the disk in order, so a later one takes the earlier ones along.
        let seq = persist.seq;
        while let Some(first) = machine.syncing.pop_front_if(|first| first.seq <= seq) {
            write(&mut machine.disk, first);
        }
        self.handle(node, Input::Persisted(seq));
    }

    fn fault(&mut self) {
        if self.now >= self.stop_at {
            return;
        }
        let node = Node(self.dice.below(u64::from(self.nodes())) as u16);
        let leader = Node::first(self.nodes()).find(|node| {
            self.machines[node.index()].replica.as_ref().is_some_and(|replica| replica.leading.is_some())
        });
        let aimed = if self.dice.chance(1, 2) { leader.unwrap_or(node) } else { node };
        match self.dice.below(7) {
            0 if self.weather.crashes => {
                self.crash(aimed);
                let delay = self.dice.between(10_000, 1_200_000);
                self.after(delay, Event::Restart { node: aimed });
            }
            5 if self.weather.crashes => {
                for node in Node::first(self.nodes()) {
                    self.crash(node);
                    let delay = self.dice.between(1_000, 400_000);
                    self.after(delay, Event::Restart { node });
                }
            }
            1 | 2 if self.weather.cuts => self.isolate(aimed),
            3 | 4 if self.weather.cuts => {
                let other = Node(self.dice.below(u64::from(self.nodes())) as u16);
                self.cut.insert((aimed, other));
            }
            _ => self.cut.clear(),
        }
        let delay = self.dice.between(20_000, 700_000);
        self.after(delay, Event::Fault);
    }

    fn isolate(&mut self, node: Node) {
        for other in Node::first(self.nodes()).filter(|other| *other != node) {
            self.cut.insert((node, other));
            self.cut.insert((other, node));
        }
    }

    fn issue(&mut self, client: usize) {
        if self.quiet {
            return;
        }
        let node = match self.routing {
            Routing::Sticky => Node((client % self.machines.len()) as u16),
            Routing::Roam => Node(self.dice.below(u64::from(self.nodes())) as u16),
        };
        let request = self.request(client);
        self.next_id += 1;
        let id = self.next_id;
        self.judge.invoked(id, client, self.clients[client].watermark, &request.command);
        self.clients[client].open = Some((id, node, request));
        let delay = self.dice.between(50, 500);
        self.after(delay, Event::Arrive { client, id });
        self.after(600_000, Event::GiveUp { client, id });
    }

    fn request(&mut self, client: usize) -> Request {
        let key = Key::from(format!("k{}", self.dice.below(3)));
        let list = Key::from(format!("list{}", self.dice.below(2)));
        self.next_value += 1;
        let value = Value::Int(self.next_value);
        let command = match self.dice.below(10) {
            0..=3 => Command::Read { key },
            4..=6 => Command::Write { key, value },
            7 => Command::Cas { from: self.judge.guess(&key), key, to: value },
            8 => Command::Append { key: list, value },
            _ => Command::Read { key: list },
        };
        let after = (self.options.read == Read::Session).then_some(self.clients[client].watermark);
        Request { command, level: None, after, context: None }
    }

    fn answer(&mut self, id: u64, response: Response) {
        let Some(client) =
            (0..CLIENTS).find(|client| self.clients[*client].open.as_ref().is_some_and(|open| open.0 == id))
        else {
            // The client gave up; what a refusal says holds all the same.
            return self.judge.answered_late(id, &response);
        };
        self.clients[client].open = None;
        if let Response::Done { version, .. } | Response::Refused { version, seen: Some(_), .. } = response {
            let watermark = &mut self.clients[client].watermark;
            *watermark = version.max(*watermark);
        }
        self.judge.completed(id, &response);
        let delay = self.dice.between(500, 8_000);
        self.after(delay, Event::Issue { client });
    }

    pub(super) fn replicas(&self) -> impl Iterator<Item = &Replica> {
        self.machines.iter().filter_map(|machine| machine.replica.as_ref())
    }
}

fn write(disk: &mut Vec<Record>, persist: Persist<Record>) {
    if persist.compact {
        disk.clear();
    }
    disk.extend(persist.records);
}
