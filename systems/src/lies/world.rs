//! Liars among the clients of a simulated world.

use std::collections::BTreeMap;

use histories::{Applied, Nanos};
use nemesis::Action;

use super::{SharedLiar, Step};
use crate::sim::{Figures, Happened, Request, Simulation, Traced};
use crate::{Completion, Status};

/// The same world, whose clients are liars.
pub fn in_world(world: Box<dyn Simulation>, liar: SharedLiar) -> Box<dyn Simulation> {
    Box::new(LyingWorld { world, liar, calls: BTreeMap::new(), made_up: BTreeMap::new() })
}

/// How long an answer takes for which nothing was sent, so that time passes.
const MADE_UP_AFTER: Nanos = Nanos::from_millis(1);

struct LyingWorld {
    world: Box<dyn Simulation>,
    liar: SharedLiar,
    /// By client thread, what it was last asked.
    calls: BTreeMap<u32, Request>,
    /// Answers for which nothing was sent, by when they are due and to which thread.
    made_up: BTreeMap<(Nanos, u32), Completion>,
}

impl LyingWorld {
    /// The answer, where the client has one now.
    fn take(&mut self, thread: u32, step: Step) -> Option<Completion> {
        match step {
            Step::Answer(completion) => Some(completion),
            Step::Send(op) => {
                if let Some(call) = self.calls.get(&thread) {
                    self.world.submit(Request { op, ..call.clone() });
                }
                None
            }
        }
    }

    fn due(&mut self) -> Option<Happened> {
        let entry = self.made_up.first_entry()?;
        let (at, thread) = *entry.key();
        (at <= self.world.now()).then(|| Happened::Completed { thread, completion: entry.remove() })
    }
}

impl Simulation for LyingWorld {
    fn now(&self) -> Nanos {
        self.world.now()
    }

    fn submit(&mut self, request: Request) {
        let thread = request.thread;
        let is_new = self.calls.get(&thread).is_none_or(|call| call.process != request.process);
        if is_new {
            self.liar.get().replace(thread);
        }
        let step = self.liar.get().ask(thread, &request.op);
        self.calls.insert(thread, request);
        if let Some(completion) = self.take(thread, step) {
            self.made_up.insert((self.world.now() + MADE_UP_AFTER, thread), completion);
        }
    }

    fn apply(&mut self, action: &Action) -> Applied {
        self.world.apply(action)
    }

    fn advance(&mut self, until: Nanos) -> Happened {
        loop {
            if let Some(happened) = self.due() {
                return happened;
            }
            let until = self.made_up.keys().next().map_or(until, |(at, _)| until.min(*at));
            match self.world.advance(until) {
                Happened::Completed { thread, completion } => {
                    let step = self.liar.get().answer(thread, completion);
                    if let Some(completion) = self.take(thread, step) {
                        return Happened::Completed { thread, completion };
                    }
                }
                Happened::Nothing => return self.due().unwrap_or(Happened::Nothing),
            }
        }
    }

    fn status(&self) -> Status {
        self.world.status()
    }

    fn figures(&self) -> Figures {
        self.world.figures()
    }

    fn broken(&self) -> Option<&str> {
        self.world.broken()
    }

    fn trace(&self) -> &[Traced] {
        self.world.trace()
    }
}
