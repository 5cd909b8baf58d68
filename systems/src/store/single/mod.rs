//! The single-leader replica: elections by term, a replicated log, and every way to commit and to read.
//!
//! Never does anything but answer an input: no clock, no socket, no disk.
//!
//! Follow a write: `requests` takes it (or hands it to the leader), `replication` appends and ships it, followers
//! answer once `journal` says it is on disk, `commit` counts the answers and applies it, and the client is told.

mod chain;
mod commit;
mod election;
mod follow;
mod foresight;
mod forward;
mod group;
mod isolation;
mod journal;
mod leading;
mod log;
mod machine;
mod message;
mod options;
mod parallel;
mod presets;
mod reads;
mod replication;
mod requests;
mod restore;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;
mod transactions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use histories::{Function, Key, Nanos, Node};
use nemesis::{Dice, Layout};

use self::chain::Chain;
use self::forward::{Forwards, Seen};
use self::journal::Journal;
use self::leading::Leading;
use self::log::Log;
use self::message::{Body, Snapshot};
use self::parallel::Turns;
use self::reads::LocalRead;
use self::transactions::Transactions;
use super::bugs::Bug;
use super::codec::Session;
use super::protocol::{Invariants, Leadership, Member, Memory, Protocol, Sync};
use super::replica::{
    DumpEntry, EntryMark, Input, LogView, Now, Outbox, Replica as ReplicaTrait, ReplicaStatus, RequestId,
    Response, Role,
};
use crate::{Behind, Lag};

pub use group::Group;
pub use machine::{Machine, NoTransactions, Outcome, Place, Prepared, Progress, Rules, Sight, Transaction};
pub use message::{Change, Message, Record};
pub use options::{Ack, Apply, Fencing, Format, Isolation, Options, Promotion, Read, Timing};
pub(super) use state::{Data, State, cart_value, changed, decide};

/// A member's part in elections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Follower,
    /// Asks whether it could win before it disturbs anyone with a new term.
    PreCandidate,
    Candidate,
    Leader,
}

/// A single-leader replica of the reference store.
#[derive(Debug)]
pub struct Replica<M: Machine = State> {
    options: Options,
    me: Node,
    group: Group,
    dice: Dice,
    /// Tells this process's forwarded requests from those of the process before it.
    life: u64,
    now: Nanos,
    wall: Nanos,

    term: u64,
    vote: Option<Node>,
    log: Log<M>,
    /// The state at the log's base.
    base: Arc<Snapshot<M>>,
    journal: Journal<M>,

    state: M,
    commit: u64,
    applied: u64,
    /// Up to here a majority holds the log: snapshots stop at it.
    held: u64,
    /// Without fencing: entries of the log that wait to be applied, since any may be replaced at any time.
    unapplied: BTreeSet<u64>,

    part: Part,
    leader: Option<Node>,
    /// The leader's term; without fencing it may be behind ours.
    leader_term: u64,
    /// What the leader last said to be committed, and when it was last heard.
    leader_commit: u64,
    heard_at: Nanos,
    /// No vote for anyone before this.
    refuse_until: Nanos,
    election_at: Nanos,
    votes: BTreeSet<Node>,
    /// The own vote counts once this batch is on disk.
    campaign_barrier: u64,
    leading: Option<Box<Leading<M>>>,
    chain: Chain,

    local_reads: Vec<LocalRead>,
    forwards: Forwards,
    seen: Seen,
    transactions: Transactions<M>,
    turns: Turns,

    sends: Vec<(Node, Message<M>)>,
    replies: Vec<(RequestId, Response)>,
}

impl<M: Machine> Replica<M> {
    fn peers(&self) -> impl Iterator<Item = Node> + use<M> {
        let me = self.me;
        self.group.members().filter(move |node| *node != me)
    }

    fn send(&mut self, to: Node, body: Body<M>) {
        self.sends.push((to, Message { term: self.term, body }));
    }

    /// Sends once everything that was decided so far is on disk.
    fn send_durable(&mut self, to: Node, body: Body<M>) {
        self.send_durable_in(self.term, to, body);
    }

    fn send_durable_in(&mut self, term: u64, to: Node, body: Body<M>) {
        if self.options.has(Bug::AckBeforeSync) {
            return self.sends.push((to, Message { term, body }));
        }
        let ready = self.journal.defer(to, Message { term, body });
        self.sends.extend(ready);
    }

    fn unfenced(&self) -> bool {
        self.options.fencing == Fencing::None
    }

    fn on_message(&mut self, from: Node, message: Message<M>) {
        if from == self.me {
            return;
        }
        let Message { term, body } = message;
        match body {
            Body::PreVote(candidacy) => self.on_pre_vote(from, term, candidacy),
            Body::PreVoted(granted) => self.on_pre_voted(from, term, granted),
            Body::Vote(candidacy) => self.on_vote(from, term, candidacy),
            Body::Forward { id, request } => self.on_forward(from, term, id, request),
            Body::Answer { id, response } => self.on_answer(id, response),
            Body::Append(append) if self.heeds_leader(from, term) => self.on_append(from, term, append),
            Body::Snapshot(snapshot) if self.heeds_leader(from, term) => {
                self.on_snapshot(from, term, snapshot);
            }
            Body::Voted(granted) if self.in_term(term) => self.on_voted(from, granted),
            Body::Appended(appended) if self.in_term(term) => self.on_appended(from, appended),
            Body::Rejected(rejected) if self.in_term(term) => self.on_rejected(from, rejected),
            Body::Propose(epoch) if self.heeds_leader(from, term) => self.on_propose(from, term, epoch),
            Body::Accepted(epoch) if self.in_term(term) => self.on_accepted(from, epoch),
            Body::Relay { epoch, append } if self.in_term(term) => self.on_relay(from, epoch, append),
            Body::Relayed(relayed) if self.in_term(term) => self.on_relayed(from, relayed),
            Body::Confirm { epoch, round } => self.on_confirm(from, epoch, round),
            Body::Confirmed { epoch, round } => self.on_confirmed(from, epoch, round),
            Body::Append(_)
            | Body::Snapshot(_)
            | Body::Voted(_)
            | Body::Appended(_)
            | Body::Rejected(_)
            | Body::Propose(_)
            | Body::Accepted(_)
            | Body::Relay { .. }
            | Body::Relayed(_) => {}
        }
    }

    fn on_time(&mut self) {
        if self.leading.is_some() {
            self.lead_on();
        } else if self.now >= self.election_at {
            self.stand_for_election();
        }
        if self.chained() {
            self.keep_chain();
            self.keep_tail();
        }
        self.expire_reads();
        self.expire_forwards();
        self.apply_in_turn();
        self.run_transactions();
    }

    fn on_persisted(&mut self, seq: u64) {
        let ready = self.journal.persisted(seq);
        self.sends.extend(ready);
        if self.part == Part::Candidate && self.journal.is_durable(self.campaign_barrier) {
            self.on_voted(self.me, true);
        }
        self.advance_commit();
    }

    /// The next moment at which something has to be done without an input.
    fn timer(&self) -> Nanos {
        let duty = self.leading.as_ref().map_or(self.election_at, |leading| leading.wakes_at());
        let read = self.local_reads.first().map(|read| read.expires);
        let steps = [self.transactions.wakes_at(), self.turns.wakes_at(self.now)];
        let waits = [read, self.forwards.expires()].into_iter().chain(steps);
        let waits = waits.flatten().min();
        duty.min(self.chain.wakes_at()).min(waits.unwrap_or(Nanos::MAX))
    }
}

impl Protocol for Options {
    type Replica = Replica;

    fn recover(&self, member: Member, seed: u64, records: Vec<Record>, now: Now) -> Replica {
        let group = Group::everyone(member.layout);
        Replica::new(self.clone(), (member.node, group), State::default(), seed, records, now)
    }

    fn sync(&self) -> Sync {
        self.sync
    }

    fn supports(&self, function: &Function) -> bool {
        Session::supports(function)
    }

    fn invariants(&self, _layout: Layout) -> Invariants {
        let fenced = self.fencing != Fencing::None;
        let commits_stay = self.keeps_commits();
        Invariants { one_leader_a_term: fenced, logs_match: fenced, commits_stay, ..Invariants::default() }
    }

    fn memory(&self) -> Memory {
        match self.read {
            Read::Session => Memory::Watermark,
            Read::Recent => Memory::RecentWrites { window: self.timing.recent_window },
            Read::Index | Read::Lease | Read::Leader | Read::Follower | Read::Tail => Memory::Nothing,
        }
    }

    fn leadership(&self) -> Leadership {
        if self.fencing == Fencing::None { Leadership::Any } else { Leadership::One }
    }
}

impl<M: Machine> ReplicaTrait for Replica<M> {
    type Message = Message<M>;
    type Record = Record<M>;

    fn handle(&mut self, now: Now, input: Input<Message<M>>, out: &mut Outbox<Message<M>, Record<M>>) {
        self.take(now, input);
        self.flush(out);
    }

    fn status(&self) -> ReplicaStatus {
        let last = self.log.last_index();
        let lag = self.leading.as_ref().map_or_else(Vec::new, |leading| {
            let behind = |peer| last.saturating_sub(leading.matched(peer));
            self.peers().map(|peer| Lag { of: Behind::Follower(peer), entries: behind(peer) }).collect()
        });
        ReplicaStatus {
            node: self.me,
            role: match self.part {
                Part::Follower => Role::Follower,
                Part::PreCandidate | Part::Candidate => Role::Candidate,
                Part::Leader => Role::Leader,
            },
            term: self.term,
            leader: self.leader,
            last_index: last,
            commit_index: self.commit,
            applied_index: self.applied,
            lag,
            ready: self.ready(),
        }
    }

    fn log_view(&self) -> Option<LogView> {
        let last = self.log.last();
        let (term, leads) = (self.term, self.leading.is_some());
        Some(LogView { group: 0, term, leads, last: (last.term, last.index), commit: self.commit })
    }

    fn entry_mark(&self, index: u64) -> Option<EntryMark> {
        self.log.get(index).map(|entry| entry.mark())
    }

    fn dump(&self) -> BTreeMap<Key, DumpEntry> {
        self.state.dump()
    }
}

impl<M: Machine> Replica<M> {
    /// Answers an input; what goes out waits for [`Self::flush`].
    pub(in crate::store) fn take(&mut self, now: Now, input: Input<Message<M>>) {
        self.now = self.now.max(now.monotonic);
        self.wall = now.wall;
        self.on_time();
        match input {
            Input::Message { from, message } => self.on_message(from, message),
            Input::Request { id, request } => self.on_request(id, request),
            Input::Persisted(seq) => self.on_persisted(seq),
            Input::Tick => {}
        }
    }

    pub(in crate::store) fn flush(&mut self, out: &mut Outbox<Message<M>, Record<M>>) {
        out.persists.extend(self.journal.flush(self.log.last_index()));
        out.sends.append(&mut self.sends);
        out.replies.append(&mut self.replies);
        out.timer = Some(self.timer());
    }

    pub(in crate::store) fn state(&self) -> &M {
        &self.state
    }

    #[cfg(test)]
    pub(in crate::store) fn stand_at(&mut self, time: Nanos) {
        self.election_at = time;
    }

    pub(in crate::store) fn term(&self) -> u64 {
        self.term
    }

    /// Leads, and has applied all that was committed before.
    pub(in crate::store) fn is_settled(&self) -> bool {
        self.leading.as_ref().is_some_and(|leading| self.applied >= leading.first)
    }

    /// Puts work into the log that no client asked for.
    pub(in crate::store) fn enter(&mut self, work: M::Work) {
        if self.leading.is_some() {
            self.append(message::Payload::Work(work));
            self.replicate_all();
        }
    }

    pub(in crate::store) fn refuse_client(&mut self, id: RequestId, error: &str) {
        self.refuse(forward::Asker::Client(id), error, true);
    }

    fn ready(&self) -> bool {
        let Some(leading) = &self.leading else {
            let heard = self.now < self.heard_at + self.options.timing.election_min;
            return self.leader.is_some() && heard && self.applied >= self.leader_commit;
        };
        let recent = self.now.since(self.options.timing.election_min);
        let followers = self.peers().filter(|peer| leading.heard_at(*peer) >= recent).count();
        let needed = match self.options.ack {
            Ack::All => self.group.size() - 1,
            Ack::Any(count) => usize::from(count).max(self.group.majority() - 1),
            Ack::Majority | Ack::Chain => self.group.majority() - 1,
            Ack::None => 0,
        };
        self.commit >= leading.first && followers >= needed
    }
}
