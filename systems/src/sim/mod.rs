//! Clusters in virtual time: the same replicas, clients and faults as live ones, on one thread, a seed a world.
//!
//! Nothing here reads a clock, opens a socket or touches a disk, and nothing knows a protocol by name.

mod backlog;
mod calls;
mod clients;
mod clock;
mod conditions;
mod disk;
mod faults;
mod forces;
mod invariants;
mod member;
mod network;
mod queue;
mod system;
#[cfg(test)]
mod tests;
mod trace;
mod world;

use histories::{Applied, Nanos};
use nemesis::{Action, Layout, Power, Powers};

pub use clients::Request;
pub use conditions::{Conditions, Latency};
pub use system::Simulated;
pub use trace::{Happening, Traced};
pub use world::World;

use crate::store::Protocol;
use crate::{Completion, Status};

/// How a world is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub layout: Layout,
    /// Client threads, 0 to `clients - 1`.
    pub clients: u32,
    pub seed: u64,
    /// For how long each message and each request keeps a node busy; others wait for their turn.
    pub service: Nanos,
    /// Keep a log of everything that happens, for [`Simulation::trace`].
    pub trace: bool,
}

/// What a world has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A client's operation came to this.
    Completed { thread: u32, completion: Completion },
    /// The time that was waited for has come.
    Nothing,
}

/// What a world went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub events: u64,
    /// Messages that arrived at a node.
    pub messages: u64,
}

/// A world of any protocol. All times are of the run: since the cluster was ready.
pub trait Simulation {
    fn now(&self) -> Nanos;
    /// A client sends a request.
    fn submit(&mut self, request: Request);
    /// Carries an action out, at once, and says what shows it.
    fn apply(&mut self, action: &Action) -> Applied;
    /// Goes on until something is to be told, at `until` at the latest.
    fn advance(&mut self, until: Nanos) -> Happened;
    /// The cluster seen from outside.
    fn status(&self) -> Status;
    fn figures(&self) -> Figures;
    /// How replicas contradicted each other first, if they did.
    fn broken(&self) -> Option<&str>;
    /// What happened so far, where the setup asked for it.
    fn trace(&self) -> &[Traced];
}

/// A world can have everything done to it that can be done to messages: it has no connections and no bandwidth.
pub const POWERS: Powers = Powers::of(&[
    Power::Cut,
    Power::CutClients,
    Power::Kill,
    Power::Pause,
    Power::Slow,
    Power::Lose,
    Power::Unreliable,
    Power::Step,
    Power::Drift,
    Power::PowerLoss,
    Power::Disk,
]);

impl<P: Protocol> Simulation for World<P> {
    fn now(&self) -> Nanos {
        self.time()
    }

    fn submit(&mut self, request: Request) {
        World::submit(self, request);
    }

    fn apply(&mut self, action: &Action) -> Applied {
        self.carry_out(action)
    }

    fn advance(&mut self, until: Nanos) -> Happened {
        World::advance(self, until)
    }

    fn status(&self) -> Status {
        World::status(self)
    }

    fn figures(&self) -> Figures {
        World::figures(self)
    }

    fn broken(&self) -> Option<&str> {
        self.watcher.broken.as_deref()
    }

    fn trace(&self) -> &[Traced] {
        &self.trace.kept
    }
}
