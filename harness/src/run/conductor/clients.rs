//! Which client threads are free, and under which process numbers the history knows them.

use std::collections::BTreeMap;

use histories::{Event, Function, Kind, Process};
use nemesis::Dice;

/// Threads, and the processes that they stand for in the history.
pub(super) struct Clients {
    pub(super) free: Vec<u32>,
    pub(super) processes: Vec<u32>,
    pub(super) routing: Dice,
    /// What each thread has under way.
    open: BTreeMap<u32, Function>,
    /// Updates that have been acknowledged.
    pub(super) acks: u64,
}

impl Clients {
    pub(super) fn new(threads: u32, routing: Dice) -> Self {
        let all: Vec<u32> = (0..threads).collect();
        Self { free: all.clone(), processes: all, routing, open: BTreeMap::new(), acks: 0 }
    }

    /// A thread that was taken has this under way.
    pub(super) fn begin(&mut self, thread: u32, function: &Function) {
        self.open.insert(thread, function.clone());
    }

    /// The kinds of what is under way, each once.
    pub(super) fn in_flight(&self) -> Vec<Function> {
        let mut kinds: Vec<Function> = Vec::new();
        for function in self.open.values() {
            if !kinds.contains(function) {
                kinds.push(function.clone());
            }
        }
        kinds
    }

    pub(super) fn take(&mut self, wanted: Option<u32>) -> Option<u32> {
        let place = match wanted {
            Some(thread) => self.free.binary_search(&thread).ok()?,
            None => self.routing.below(self.free.len() as u64) as usize,
        };
        Some(self.free.remove(place))
    }

    /// An operation with no known outcome retires its process; the thread goes on as another.
    pub(super) fn give_back(&mut self, thread: u32, event: &Event) {
        self.open.remove(&thread);
        self.acks += u64::from(event.kind == Kind::Ok && !event.op.function.only_looks());
        if let Err(place) = self.free.binary_search(&thread) {
            self.free.insert(place, thread);
        }
        let threads = self.processes.len() as u32;
        if let Some(process) = self.processes.get_mut(thread as usize)
            && event.kind == Kind::Info
        {
            *process += threads;
        }
    }

    /// Every thread goes on as another process, without a session.
    pub(super) fn renew(&mut self) {
        let threads = self.processes.len() as u32;
        self.processes.iter_mut().for_each(|process| *process += threads);
    }

    /// Whether a thread stands for this process still.
    pub(super) fn is(&self, thread: u32, process: Process) -> bool {
        let now = self.processes.get(thread as usize).copied().map(Process::Client);
        now == Some(process)
    }

    pub(super) fn all_free(&self) -> bool {
        self.free.len() == self.processes.len()
    }
}
