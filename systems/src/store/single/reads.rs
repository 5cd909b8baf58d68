//! Reads: by the leader with a majority's word, by its lease, on its own belief, or by any replica.
//!
//! Never shows an entry that is not applied.

use histories::{Key, Nanos};

use super::Replica;
use super::forward::Asker;
use super::machine::{Machine, Sight};
use crate::store::Bug;
use crate::store::replica::{Request, RequestId, Response};
use crate::store::single::options::Read;

/// A read that a leader may answer once this round is confirmed.
#[derive(Debug)]
pub(super) struct LeaderRead {
    pub(super) asker: Asker,
    key: Key,
    round: u64,
}

/// A read that waits for a client's watermark.
#[derive(Debug)]
pub(super) struct LocalRead {
    id: RequestId,
    key: Key,
    after: u64,
    pub(super) expires: Nanos,
}

impl<M: Machine> Replica<M> {
    pub(super) fn answer_read(&mut self, asker: Asker, key: &Key) {
        let Sight { value, context } = self.state.read(key);
        let response =
            Response::Done { value, version: self.applied, term: self.term, served_by: self.me, context };
        asker.answer(self.term, response, &mut self.replies, &mut self.sends);
    }

    pub(super) fn read_as_leader(&mut self, asker: Asker, request: Request) {
        let Some(leading) = self.leading.as_mut() else { return };
        let Some(key) = request.command.key().cloned() else { return };
        let settled = self.commit >= leading.first;
        let at_once = match self.options.read {
            _ if self.options.has(Bug::StaleLeaderRead) => true,
            _ if request.level.is_some() => false,
            Read::Leader => true,
            Read::Lease => settled && self.now < leading.lease_until,
            Read::Index | Read::Follower | Read::Session | Read::Recent | Read::Tail => false,
        };
        if at_once {
            return self.answer_read(asker, &key);
        }
        // Only what is sent from now on proves that nobody else led when the read began.
        leading.reads.push_back(LeaderRead { asker, key, round: leading.round + 1 });
        self.serve_leader_reads();
    }

    /// Counts answers to rounds; whoever waited for one is served.
    pub(super) fn confirm_round(&mut self) {
        let (me, majority, lease) = (self.me, self.group.majority(), self.options.timing.leader_lease());
        let lease = if self.options.has(Bug::LeaseTooLong) { Nanos(lease.0 * 10) } else { lease };
        let Some(leading) = self.leading.as_mut() else { return };
        let own = leading.round;
        let confirmed = leading.reached_by(majority, me, own, |progress| progress.round);
        if confirmed <= leading.confirmed {
            return;
        }
        leading.confirmed = confirmed;
        while let Some((_, sent)) = leading.sent.pop_front_if(|(round, _)| *round <= confirmed) {
            leading.quorum_at = sent;
            leading.lease_until = sent + lease;
        }
        self.serve_leader_reads();
    }

    pub(super) fn serve_leader_reads(&mut self) {
        while let Some(leading) = self.leading.as_mut() {
            if self.commit < leading.first {
                return;
            }
            let confirmed = leading.confirmed;
            let Some(read) = leading.reads.pop_front_if(|read| read.round <= confirmed) else { break };
            self.answer_read(read.asker, &read.key);
        }
        // One round at a time: whoever comes while it is under way shares the next.
        let idle = |leading: &super::Leading<M>| {
            leading.confirmed == leading.round
                && leading.reads.back().is_some_and(|read| read.round > leading.round)
        };
        if self.leading.as_deref().is_some_and(idle) {
            self.begin_round();
        }
    }

    pub(super) fn read_locally(&mut self, id: RequestId, request: Request) {
        let Some(key) = request.command.key() else { return };
        let heeded = !self.options.has(Bug::IgnoreWatermark);
        match request.after.filter(|after| heeded && *after > self.applied) {
            None => self.answer_read(Asker::Client(id), key),
            Some(after) => {
                let expires = self.now + self.options.timing.wait;
                self.local_reads.push(LocalRead { id, key: key.clone(), after, expires });
            }
        }
    }

    pub(super) fn serve_local_reads(&mut self) {
        if self.local_reads.is_empty() {
            return;
        }
        let applied = self.applied;
        for read in self.local_reads.extract_if(.., |read| read.after <= applied).collect::<Vec<_>>() {
            self.answer_read(Asker::Client(read.id), &read.key);
        }
    }

    pub(super) fn expire_reads(&mut self) {
        let now = self.now;
        // All wait equally long: the first expires first.
        if self.local_reads.first().is_none_or(|read| read.expires > now) {
            return;
        }
        for read in self.local_reads.extract_if(.., |read| read.expires <= now).collect::<Vec<_>>() {
            let error = format!("this replica did not reach index {} in time", read.after);
            self.refuse(Asker::Client(read.id), &error, true);
        }
    }
}
