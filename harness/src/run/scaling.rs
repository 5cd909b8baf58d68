//! How many reads a second a cluster answers where each message and request keeps a node busy for a while.
//!
//! Always in virtual time: on one machine all nodes share its cores, and more of them only get in each other's way. It
//! checks nothing.

use histories::{Function, Nanos, Node, Op, Value};
use nemesis::{Dice, Layout};
use systems::sim::{Happened, Request, Setup};
use systems::{Completion, Routing};

use super::RunError;
use crate::plan::spec::RunSpec;

/// What each message and each request costs the node that it comes to.
const SERVICE: Nanos = Nanos(200_000);
/// Enough to keep every node busy, and few enough for answers to come before anybody asks again.
const CLIENTS_PER_NODE: u32 = 20;
const TIME: Nanos = Nanos::from_secs(2);
const KEYS: u64 = 100;
/// One operation of so many changes something.
const UPDATE_ODDS: u64 = 20;

/// Reads answered a second, by all of a cluster of this layout.
pub(crate) fn reads_per_second(spec: &RunSpec, layout: Layout) -> Result<f64, RunError> {
    let simulator = spec.system.simulator().ok_or_else(|| RunError::harness("it cannot be simulated"))?;
    let clients = u32::from(layout.total()) * CLIENTS_PER_NODE;
    let setup = Setup { layout, clients, seed: spec.seed, service: SERVICE, trace: false };
    let mut world = simulator.simulate(&spec.mode, &setup).map_err(RunError::harness)?;
    let mut crowd = Crowd::new(spec, layout)?;
    let end = world.now() + TIME;
    for thread in 0..clients {
        world.submit(crowd.next(thread));
    }
    let mut reads = 0_u64;
    loop {
        match world.advance(end) {
            Happened::Completed { thread, completion } => {
                let answered = crowd.reads[thread as usize] && matches!(completion, Completion::Ok(_));
                reads += u64::from(answered);
                world.submit(crowd.next(thread));
            }
            Happened::Nothing => return Ok(reads as f64 / TIME.as_secs_f64()),
        }
    }
}

/// How values are read and changed.
#[derive(Clone, Copy)]
enum Access {
    /// By reads and writes.
    Register,
    /// By reads of all versions, and writes that quote none of them.
    Siblings,
}

/// Clients that ask again as soon as they are answered.
struct Crowd<'s> {
    spec: &'s RunSpec,
    nodes: u16,
    access: Access,
    dice: Dice,
    /// Whether each thread's open operation is a read.
    reads: Vec<bool>,
    written: i64,
}

impl<'s> Crowd<'s> {
    fn new(spec: &'s RunSpec, layout: Layout) -> Result<Self, RunError> {
        let supports = |function| spec.system.supports(&spec.mode, &function);
        let access = match (supports(Function::Write), supports(Function::Replace)) {
            (true, _) => Access::Register,
            (false, true) => Access::Siblings,
            (false, false) => return Err(RunError::harness("it neither writes nor replaces values")),
        };
        Ok(Self {
            spec,
            nodes: layout.total(),
            access,
            dice: Dice::new(spec.seed).split("crowd"),
            reads: vec![false; usize::from(layout.total()) * CLIENTS_PER_NODE as usize],
            written: 0,
        })
    }

    fn next(&mut self, thread: u32) -> Request {
        let node = match self.spec.routing {
            Routing::Sticky => Node((thread % u32::from(self.nodes)) as u16),
            Routing::Roam => Node(self.dice.below(self.nodes.into()) as u16),
        };
        let key = format!("k{}", self.dice.below(KEYS));
        let updates = self.dice.chance(1, UPDATE_ODDS);
        self.reads[thread as usize] = !updates;
        self.written += 1;
        let value = Value::Int(self.written);
        let key = key.as_str();
        let op = match (updates, self.access) {
            (false, Access::Register) => Op::new(Function::Read, key, Value::Null),
            (false, Access::Siblings) => Op::new(Function::ReadAll, key, Value::Null),
            (true, Access::Register) => Op::write(key, value),
            (true, Access::Siblings) => {
                Op::new(Function::Replace, key, Value::list([Value::list([]), value]))
            }
        };
        Request { thread, process: thread, node, op, deadline: self.spec.deadline.into() }
    }
}
