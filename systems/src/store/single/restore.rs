//! How a replica comes to life: new, or from the records that it left on disk.
//!
//! Never trusts that what was on its way to disk arrived: only the records given exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use histories::{Nanos, Node};
use nemesis::Dice;

use super::chain::Chain;
use super::forward::{Forwards, Seen};
use super::group::Group;
use super::journal::Journal;
use super::log::Log;
use super::machine::Machine;
use super::message::{Position, Record, Snapshot};
use super::options::Options;
use super::parallel::Turns;
use super::transactions::Transactions;
use super::{Part, Replica};
use crate::store::Bug;
use crate::store::replica::Now;

impl<M: Machine> Replica<M> {
    /// A member from the records that it persisted, in order; none where it is new. Give each start a seed of its own:
    /// it also tells one life's forwarded requests from the next one's.
    pub(in crate::store) fn new(
        options: Options,
        (me, group): (Node, Group),
        machine: M,
        seed: u64,
        records: Vec<Record<M>>,
        now: Now,
    ) -> Self {
        let mut dice = Dice::new(seed).split(&format!("single/{me}"));
        let born = Dice::new(now.monotonic.0 ^ now.wall.0.rotate_left(32)).below(u64::MAX);
        // 53 bits: whole in every JSON reader.
        let life = (dice.below(u64::MAX) ^ born ^ records.len() as u64) >> 11;
        let monotonic = now.monotonic;
        let fresh = records.is_empty();
        let refuse_until = if fresh { monotonic } else { monotonic + options.timing.lease };
        let mut replica = Self {
            me,
            group,
            life,
            now: monotonic,
            wall: now.wall,
            term: 0,
            vote: None,
            log: Log::starting_at(Position::default()),
            base: Arc::new(Snapshot { at: Position::default(), state: machine.clone() }),
            journal: Journal::restored(0),
            state: machine,
            commit: 0,
            applied: 0,
            held: 0,
            unapplied: BTreeSet::new(),
            part: Part::Follower,
            leader: None,
            leader_term: 0,
            leader_commit: 0,
            heard_at: Nanos::ZERO,
            refuse_until,
            election_at: monotonic,
            votes: BTreeSet::new(),
            campaign_barrier: 0,
            leading: None,
            chain: Chain::of_everyone(group),
            local_reads: Vec::new(),
            forwards: Forwards::default(),
            transactions: Transactions::new(dice.split("transactions")),
            turns: Turns::new(dice.split("turns")),
            seen: Seen::default(),
            sends: Vec::new(),
            replies: Vec::new(),
            dice,
            options,
        };
        replica.replay(records);
        replica.rest();
        replica
    }

    fn replay(&mut self, mut records: Vec<Record<M>>) {
        if self.options.has(Bug::RecoveryDropsTail) {
            records.truncate(records.len().saturating_sub(Bug::TAIL));
        }
        for record in records {
            match record {
                Record::Term { term, vote } => (self.term, self.vote) = (term, vote),
                Record::Snapshot(snapshot) => self.replay_snapshot(snapshot),
                Record::Epoch(epoch) => self.chain.accepted = epoch,
                Record::Entry { index, entry } => {
                    if self.unfenced() && index <= self.log.last_index() {
                        self.log.replace(index, entry);
                    } else if index > self.log.base().index {
                        self.log.truncate(index - 1);
                        self.log.push(entry);
                    }
                }
            }
        }
        self.state = self.base.state.clone();
        self.commit = self.base.at.index;
        self.applied = self.commit;
        self.turns.restart(self.applied);
        self.held = self.commit;
        if self.unfenced() {
            self.unapplied = (self.commit + 1..=self.log.last_index()).collect();
        }
        self.chain = Chain::restored(Arc::clone(&self.chain.accepted), self.log.last_index(), self.life);
        self.journal = Journal::restored(self.log.last_index());
    }

    fn replay_snapshot(&mut self, snapshot: Arc<Snapshot<M>>) {
        self.log = Log::starting_at(snapshot.at);
        self.base = snapshot;
    }
}
