//! What only a leader keeps: its followers' progress, the writes and reads that wait, its rounds and its lease.
//!
//! Never outlives the lead: it is dropped whole when the replica stands down.

use std::collections::VecDeque;

use histories::{Nanos, Node, Value};

use super::chain::Head;
use super::forward::Asker;
use super::group::Group;
use super::machine::{Machine, Outcome};
use super::reads::LeaderRead;
use crate::store::replica::{Command, Response};

/// Unanswered messages with entries to one follower. What comes while so many are under way goes together in the next, so
/// that under load a follower is sent few large messages and not many small ones.
const IN_FLIGHT_MAX: usize = 8;

/// A follower, as the leader knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// The next entry to send.
    pub(super) next: u64,
    /// On the follower's disk up to here.
    pub(super) matched: u64,
    /// The last round that the follower answered.
    pub(super) round: u64,
    pub(super) heard_at: Nanos,
    /// When `matched` last rose, or sending last began anew.
    pub(super) moved_at: Nanos,
    /// Where the follower's log agrees with ours is not known yet: one message at a time.
    pub(super) probing: bool,
    /// The last index of each message in flight.
    pub(super) in_flight: VecDeque<u64>,
    /// When a snapshot was sent that was not answered yet.
    pub(super) snapshot_sent: Option<Nanos>,
}

impl Progress {
    pub(super) fn probe(next: u64, now: Nanos) -> Self {
        Self { next, probing: true, moved_at: now, heard_at: now, ..Self::default() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.snapshot_sent.is_some() || self.in_flight.len() >= if self.probing { 1 } else { IN_FLIGHT_MAX }
    }

    /// The follower has everything up to `matched`.
    pub(super) fn advance(&mut self, matched: u64, now: Nanos) {
        if matched > self.matched || self.probing {
            self.moved_at = now;
        }
        self.matched = self.matched.max(matched);
        self.next = self.next.max(self.matched + 1);
        while self.in_flight.pop_front_if(|last| *last <= self.matched).is_some() {}
        self.probing = false;
        self.snapshot_sent = None;
    }

    /// Sends again from `next`, one message at a time until one is answered.
    pub(super) fn retry(&mut self, next: u64, now: Nanos) {
        self.next = next;
        self.probing = true;
        self.moved_at = now;
        self.in_flight.clear();
    }
}

/// A write that waits for its entry to be committed.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) index: u64,
    pub(super) asker: Asker,
    /// Decided when it was appended, or else when it is applied.
    pub(super) outcome: Option<Outcome>,
    /// What the steps of a transaction saw.
    pub(super) seen: Value,
    /// Of a planted bug: takes place even where the rest is refused.
    pub(super) leaks: Option<Command>,
}

impl Pending {
    pub(super) fn done(&self, version: u64, term: u64, served_by: Node) -> Response {
        Response::Done { value: self.seen.clone(), version, term, served_by, context: None }
    }
}

#[derive(Debug)]
pub(super) struct Leading<M: Machine> {
    group: Group,
    progress: Vec<Progress>,
    /// The empty entry that began this lead.
    pub(super) first: u64,
    pub(super) pending: VecDeque<Pending>,
    /// What entries that are not applied will do.
    pub(super) foresight: M::Foresight,
    /// Entries up to here may be sent.
    pub(super) shipped: u64,
    pub(super) ship_at: Nanos,
    pub(super) heartbeat_at: Nanos,
    /// Every message to followers carries the number of the latest round, and they echo it.
    pub(super) round: u64,
    /// A majority answered this round.
    pub(super) confirmed: u64,
    /// When each round that is not confirmed was sent.
    pub(super) sent: VecDeque<(u64, Nanos)>,
    /// When the last confirmed round was sent.
    pub(super) quorum_at: Nanos,
    /// Reads may be served without asking until then.
    pub(super) lease_until: Nanos,
    pub(super) reads: VecDeque<LeaderRead>,
    /// Of a chain.
    pub(super) head: Head,
    /// For counting, kept to spare its allocation.
    pub(super) scratch: Vec<u64>,
}

impl<M: Machine> Leading<M> {
    pub(super) fn new(group: Group, first: u64, now: Nanos) -> Self {
        Self {
            group,
            progress: vec![Progress::probe(first, now); group.size()],
            first,
            pending: VecDeque::new(),
            foresight: M::Foresight::default(),
            shipped: first,
            ship_at: now,
            heartbeat_at: now,
            round: 0,
            confirmed: 0,
            sent: VecDeque::new(),
            quorum_at: now,
            lease_until: Nanos::ZERO,
            reads: VecDeque::new(),
            head: Head::new(now),
            scratch: Vec::with_capacity(group.size()),
        }
    }

    pub(super) fn progress(&mut self, node: Node) -> &mut Progress {
        &mut self.progress[self.group.place(node)]
    }

    pub(super) fn matched(&self, node: Node) -> u64 {
        self.progress[self.group.place(node)].matched
    }

    /// Who waits for this entry, or, where entries are applied in order, for one before it.
    pub(super) fn take_pending(&mut self, index: u64, in_order: bool) -> Option<Pending> {
        if in_order {
            return self.pending.pop_front_if(|pending| pending.index <= index);
        }
        let place = self.pending.binary_search_by_key(&index, |pending| pending.index).ok()?;
        self.pending.remove(place)
    }

    pub(super) fn is_probing(&self, node: Node) -> bool {
        self.progress[self.group.place(node)].probing
    }

    /// Sends to everyone from what is known to be there.
    pub(super) fn resume_all(&mut self, now: Nanos) {
        for progress in &mut self.progress {
            if !progress.probing {
                progress.in_flight.clear();
                progress.next = progress.matched + 1;
                progress.moved_at = now;
            }
        }
    }

    pub(super) fn heard_at(&self, node: Node) -> Nanos {
        self.progress[self.group.place(node)].heard_at
    }

    /// The highest value that `count` members have reached; `own` stands for `me`.
    pub(super) fn reached_by(&mut self, count: usize, me: Node, own: u64, of: fn(&Progress) -> u64) -> u64 {
        self.scratch.clear();
        for (node, progress) in self.progress.iter().enumerate() {
            self.scratch.push(if node == self.group.place(me) { own } else { of(progress) });
        }
        self.scratch.sort_unstable_by(|a, b| b.cmp(a));
        count.checked_sub(1).and_then(|rank| self.scratch.get(rank)).copied().unwrap_or(own)
    }

    pub(super) fn wakes_at(&self) -> Nanos {
        self.heartbeat_at.min(self.ship_at)
    }
}
