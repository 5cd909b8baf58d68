//! Histories of a system that never was: valid by construction, of any size and shape, with anomalies planted where
//! they are asked for.
//!
//! It never judges: operations take effect one at a time on a state, at a moment between their invocation and their
//! completion, so that the history is linearizable because of how it was made. The same [`Shape`] gives the same
//! history, to the byte.

mod dice;
mod object;
mod plant;

use std::collections::VecDeque;

pub use object::Object;
pub use plant::{Plant, Planted, UnknownAnomaly};

use crate::{Event, Hints, Kind, Nanos, Node, Op, Process};
use dice::Dice;
use object::{Answer, State};

/// What a synthetic history looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    pub object: Object,
    /// Operations, those of planted anomalies not counted.
    pub operations: u64,
    /// Keys in use at a time. Sets, lists, queues, stacks and strings are closed at [`ELEMENTS_MAX`]
    /// elements, and a lock whose holder is gone; a fresh key follows.
    pub keys: u32,
    /// Clients that act at the same time.
    pub clients: u32,
    pub nodes: u16,
    /// Share of operations that read, 0 to 1.
    pub reads: f64,
    /// Share of operations whose outcome nobody learns, 0 to 1. Half of them take effect.
    pub crashes: f64,
    /// Share of operations that certainly did not happen, 0 to 1.
    pub failures: f64,
    /// How unevenly keys are chosen: 0 is evenly, 1 gives the second key half of the first one's share, and so on.
    pub skew: f64,
    /// Mean time between two events.
    pub pace: Nanos,
    pub seed: u64,
    pub plants: Vec<Plant>,
}

/// Elements after which a set, list, queue, stack or string is closed.
pub const ELEMENTS_MAX: usize = 32;

impl Default for Shape {
    fn default() -> Self {
        Self {
            object: Object::Register,
            operations: 1_000,
            keys: 5,
            clients: 5,
            nodes: 3,
            reads: 0.5,
            crashes: 0.0,
            failures: 0.0,
            skew: 0.0,
            pace: Nanos(100_000),
            seed: 0,
            plants: Vec::new(),
        }
    }
}

/// The events of a history of this shape, without end of memory: each is made when it is asked for.
pub fn events(shape: &Shape) -> Events {
    Events::new(shape)
}

/// An iterator over the events of a synthetic history.
#[derive(Debug)]
pub struct Events {
    shape: Shape,
    dice: Dice,
    state: State,
    clients: Vec<Client>,
    /// Operations invoked.
    invoked: u64,
    index: u64,
    time: Nanos,
    /// Events that are made and not yet given.
    ready: VecDeque<Event>,
    /// Plants that are still to come, the next one last.
    plants: Vec<Planted>,
    /// Clients with an operation open, all others after them: `order[..busy]`.
    order: Vec<u32>,
    busy: usize,
}

#[derive(Debug)]
struct Client {
    process: u32,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Idle,
    /// Asked, without effect yet, with the place of its key.
    Asked(Op, usize),
    /// Had its effect.
    Done(Answer, Op),
}

impl Events {
    fn new(shape: &Shape) -> Self {
        let shape = Shape {
            keys: shape.keys.max(1),
            clients: shape.clients.max(1),
            nodes: shape.nodes.max(1),
            ..shape.clone()
        };
        let clients = (0..shape.clients).map(|process| Client { process, phase: Phase::Idle }).collect();
        let mut plants = plant::schedule(&shape);
        plants.reverse();
        Self {
            dice: Dice::new(shape.seed),
            state: State::new(&shape),
            clients,
            invoked: 0,
            index: 0,
            time: Nanos::ZERO,
            ready: VecDeque::new(),
            plants,
            order: (0..shape.clients).collect(),
            busy: 0,
            shape,
        }
    }

    /// Makes events until one is ready, or the history ends.
    fn make(&mut self) {
        while self.ready.is_empty() {
            if self.plants.last().is_some_and(|plant| plant.at() <= self.invoked) {
                self.plant();
                return;
            }
            if self.invoked == self.shape.operations {
                match self.busy {
                    0 => return,
                    busy => self.step_of_busy(busy),
                }
                continue;
            }
            let slot = self.dice.below(self.clients.len() as u64) as usize;
            if slot < self.busy { self.step(slot) } else { self.invoke(slot) }
        }
    }

    fn step_of_busy(&mut self, busy: usize) {
        let slot = self.dice.below(busy as u64) as usize;
        self.step(slot);
    }

    fn invoke(&mut self, slot: usize) {
        let client = self.order[slot] as usize;
        let process = self.clients[client].process;
        let (op, place) = self.state.ask(process, &mut self.dice);
        self.invoked += 1;
        self.emit(process, Kind::Invoke, op.clone(), None, None);
        self.clients[client].phase = Phase::Asked(op, place);
        self.order.swap(slot, self.busy);
        self.busy += 1;
    }

    /// The effect of an operation, or its completion.
    fn step(&mut self, slot: usize) {
        let client = self.order[slot] as usize;
        match std::mem::replace(&mut self.clients[client].phase, Phase::Idle) {
            Phase::Idle => {}
            Phase::Asked(op, place) => {
                let answer = self.answer(self.clients[client].process, &op, place);
                self.clients[client].phase = Phase::Done(answer, op);
            }
            Phase::Done(answer, mut op) => {
                let process = self.clients[client].process;
                self.busy -= 1;
                self.order.swap(slot, self.busy);
                match answer {
                    Answer::Ok(value) => {
                        op.value = value;
                        self.emit(process, Kind::Ok, op, None, None);
                    }
                    Answer::Fail(seen) => self.emit(process, Kind::Fail, op, Some("refused"), seen),
                    Answer::Lost => {
                        self.emit(process, Kind::Info, op, Some("timed out"), None);
                        self.clients[client].process += self.shape.clients + plant::sessions(&self.shape);
                    }
                }
            }
        }
    }

    fn answer(&mut self, process: u32, op: &Op, place: usize) -> Answer {
        if self.dice.chance(self.shape.crashes) {
            if self.dice.chance(0.5) {
                self.state.apply(process, op, place);
            }
            self.state.gone(process, place);
            return Answer::Lost;
        }
        if self.dice.chance(self.shape.failures) {
            return Answer::Fail(None);
        }
        self.state.apply(process, op, place)
    }

    fn plant(&mut self) {
        let Some(plant) = self.plants.pop() else { return };
        for step in plant.steps(self.shape.clients) {
            self.emit(step.process, step.kind, step.op, None, None);
        }
    }

    fn emit(&mut self, process: u32, kind: Kind, op: Op, error: Option<&str>, seen: Option<crate::Value>) {
        self.time = self.time + Nanos(1 + self.dice.below(2 * self.shape.pace.0.max(1)));
        self.ready.push_back(Event {
            index: self.index,
            time: self.time,
            process: Process::Client(process),
            kind,
            op,
            node: Some(Node((process % u32::from(self.shape.nodes)) as u16)),
            error: error.map(str::to_owned),
            seen,
            hints: Hints::NONE,
        });
        self.index += 1;
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.ready.is_empty() {
            self.make();
        }
        self.ready.pop_front()
    }
}

/// The header of such a history.
pub fn header(shape: &Shape) -> crate::Header {
    crate::Header {
        partita: crate::Header::VERSION,
        system: "synthetic".into(),
        workload: shape.object.name().into(),
        nodes: Node::first(shape.nodes.max(1)).map(|node| node.to_string()).collect(),
        seed: Some(shape.seed),
        ..crate::Header::default()
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
