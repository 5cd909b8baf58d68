//! How a replica comes to life: new, or from the records that it left on disk.
//!
//! Never trusts that what was on its way to disk arrived: only the records given exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use histories::Nanos;
use nemesis::Dice;

use super::chain::Chain;
use super::forward::{Forwards, Seen};
use super::journal::Journal;
use super::log::Log;
use super::message::{Record, Snapshot};
use super::options::Options;
use super::state::State;
use super::{Part, Replica};
use crate::store::Bug;
use crate::store::protocol::Member;
use crate::store::replica::Now;

impl Replica {
    /// A member from the records that it persisted, in order; none where it is new. Give each start a seed of its own:
    /// it also tells one life's forwarded requests from the next one's.
    pub fn new(options: Options, member: Member, seed: u64, records: Vec<Record>, now: Now) -> Self {
        let mut dice = Dice::new(seed).split(&format!("single/{}", member.node));
        let born = Dice::new(now.monotonic.0 ^ now.wall.0.rotate_left(32)).below(u64::MAX);
        // 53 bits: whole in every JSON reader.
        let life = (dice.below(u64::MAX) ^ born ^ records.len() as u64) >> 11;
        let monotonic = now.monotonic;
        let fresh = records.is_empty();
        let refuse_until = if fresh { monotonic } else { monotonic + options.timing.lease };
        let mut replica = Self {
            me: member.node,
            nodes: member.layout.total(),
            life,
            now: monotonic,
            term: 0,
            vote: None,
            log: Log::default(),
            base: Arc::default(),
            journal: Journal::default(),
            state: State::default(),
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
            chain: Chain::of_everyone(member.layout.total()),
            local_reads: Vec::new(),
            forwards: Forwards::default(),
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

    fn replay(&mut self, mut records: Vec<Record>) {
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
        self.held = self.commit;
        if self.unfenced() {
            self.unapplied = (self.commit + 1..=self.log.last_index()).collect();
        }
        self.chain = Chain::restored(Arc::clone(&self.chain.accepted), self.log.last_index(), self.life);
        self.journal = Journal::restored(self.log.last_index());
    }

    fn replay_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        self.log = Log::starting_at(snapshot.at);
        self.base = snapshot;
    }
}
