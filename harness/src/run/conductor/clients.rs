//! Which client threads are free, and under which process numbers the history knows them.

use histories::{Kind, Process};
use nemesis::Dice;

/// Threads, and the processes that they stand for in the history.
pub(super) struct Clients {
    pub(super) free: Vec<u32>,
    pub(super) processes: Vec<u32>,
    pub(super) routing: Dice,
}

impl Clients {
    pub(super) fn take(&mut self, wanted: Option<u32>) -> Option<u32> {
        let place = match wanted {
            Some(thread) => self.free.binary_search(&thread).ok()?,
            None => self.routing.below(self.free.len() as u64) as usize,
        };
        Some(self.free.remove(place))
    }

    /// An operation with no known outcome retires its process; the thread goes on as another.
    pub(super) fn give_back(&mut self, thread: u32, outcome: Kind) {
        if let Err(place) = self.free.binary_search(&thread) {
            self.free.insert(place, thread);
        }
        let threads = self.processes.len() as u32;
        if let Some(process) = self.processes.get_mut(thread as usize)
            && outcome == Kind::Info
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
