//! The transactions that this member runs: one step after the other, with pauses in which others take theirs, and then an
//! entry of the log.
//!
//! Never answers before the entry is applied, and never enters one for a transaction that a leader of another term began.

use histories::{Key, Nanos};
use nemesis::Dice;

use super::Replica;
use super::forward::Asker;
use super::machine::{Machine, Progress, Rules, Transaction};
use super::options::{Isolation, Read};
use crate::store::Bug;
use crate::store::replica::{Command, Commit, Request, Step};

/// Transactions that a member runs at a time.
const OPEN_MAX: usize = 4096;

#[derive(Debug)]
pub(super) struct Transactions<M: Machine> {
    open: Vec<Open<M>>,
    /// Of pauses, apart from all other dice of the replica.
    dice: Dice,
}

#[derive(Debug)]
struct Open<M: Machine> {
    asker: Asker,
    /// When it goes on.
    at: Nanos,
    stage: Stage<M>,
}

#[derive(Debug)]
enum Stage<M: Machine> {
    /// It begins once this member has applied what it has to: as a leader all that was committed before it led, else up to
    /// the client's watermark.
    Waiting {
        steps: Vec<Step>,
        after: u64,
        expires: Nanos,
    },
    Running(M::Transaction),
    /// Its entry is in the log, and the keys that it wrote are still its own.
    Committing(M::Transaction),
    /// Of a planted bug: writes that are still to be put into the log.
    Torn(Commit),
}

impl<M: Machine> Transactions<M> {
    pub(super) fn new(dice: Dice) -> Self {
        Self { open: Vec::new(), dice }
    }

    pub(super) fn wakes_at(&self) -> Option<Nanos> {
        let goes_on = |open: &&Open<M>| !matches!(open.stage, Stage::Committing(_));
        self.open.iter().filter(goes_on).map(|open| open.at).min()
    }

    fn take_due(&mut self, now: Nanos) -> Option<Open<M>> {
        let goes_on = |open: &Open<M>| open.at <= now && !matches!(open.stage, Stage::Committing(_));
        let due = self.open.iter().enumerate().filter(|(_, open)| goes_on(open));
        let (place, _) = due.min_by_key(|(_, open)| open.at)?;
        Some(self.open.remove(place))
    }

    fn others(&self) -> impl Iterator<Item = &M::Transaction> + Clone {
        self.open.iter().filter_map(|open| match &open.stage {
            Stage::Running(transaction) | Stage::Committing(transaction) => Some(transaction),
            Stage::Waiting { .. } | Stage::Torn(_) => None,
        })
    }

    /// `work` is about to change `machine`: who reads a snapshot keeps what was there.
    pub(super) fn keep(&mut self, machine: &M, work: &M::Work) {
        for open in &mut self.open {
            if let Stage::Running(transaction) | Stage::Committing(transaction) = &mut open.stage {
                transaction.keep(machine, work);
            }
        }
    }

    /// Whoever asked for it has been answered.
    pub(super) fn close(&mut self, asker: Asker) {
        self.open.retain(|open| open.asker != asker);
    }

    pub(super) fn locks(&self, key: &Key) -> bool {
        self.others().any(|transaction| transaction.locks(key))
    }
}

impl<M: Machine> Replica<M> {
    /// Whether transactions run where they arrive, on what that member has applied.
    pub(super) fn runs_locally(&self) -> bool {
        self.options.isolation == Isolation::Snapshot
            && matches!(self.options.read, Read::Follower | Read::Session | Read::Recent)
    }

    pub(super) fn begin_transaction(&mut self, asker: Asker, steps: Vec<Step>, after: Option<u64>) {
        if self.transactions.open.len() >= OPEN_MAX {
            return self.refuse(asker, "too many transactions are under way", true);
        }
        let expires = self.now + self.options.timing.wait;
        let stage = Stage::Waiting { steps, after: after.unwrap_or(0), expires };
        self.transactions.open.push(Open { asker, at: self.now, stage });
        self.run_transactions();
    }

    /// Every transaction whose pause is over takes its next step.
    pub(super) fn run_transactions(&mut self) {
        while let Some(open) = self.transactions.take_due(self.now) {
            self.run_transaction(open);
        }
    }

    fn run_transaction(&mut self, Open { asker, stage, .. }: Open<M>) {
        match stage {
            Stage::Waiting { steps, after, expires } if !self.may_begin(after) => {
                if self.now >= expires {
                    let error = "this replica had not applied what the transaction has to see in time";
                    return self.refuse(asker, error, true);
                }
                self.pause(asker, Stage::Waiting { steps, after, expires });
            }
            Stage::Waiting { steps, .. } => {
                let rules = Rules { isolation: self.options.isolation, bug: self.options.bug };
                match M::Transaction::begin(rules, steps, self.applied) {
                    Some(transaction) => self.advance_transaction(asker, transaction),
                    None => self.refuse(asker, "this mode runs no transactions", true),
                }
            }
            Stage::Running(transaction) => self.advance_transaction(asker, transaction),
            Stage::Torn(rest) => self.log_transaction(asker, rest),
            Stage::Committing(_) => {}
        }
    }

    fn may_begin(&self, after: u64) -> bool {
        if self.runs_locally() { self.applied >= after } else { self.is_settled() }
    }

    fn advance_transaction(&mut self, asker: Asker, mut transaction: M::Transaction) {
        match transaction.advance(&self.state, self.transactions.others()) {
            Progress::More => self.pause(asker, Stage::Running(transaction)),
            Progress::Refused(why) => self.refuse(asker, &why, true),
            Progress::Done(mut commit) => {
                if self.options.has(Bug::WritesInTwoEntries) && commit.writes.len() > 1 {
                    let rest = Commit {
                        writes: commit.writes.split_off(1),
                        seen: std::mem::take(&mut commit.seen),
                        ..Commit::default()
                    };
                    self.enter_command(Command::Commit(Box::new(commit)));
                    return self.pause(asker, Stage::Torn(rest));
                }
                if !self.options.isolation.reads_snapshot() {
                    let stage = Stage::Committing(transaction);
                    self.transactions.open.push(Open { asker, at: Nanos::MAX, stage });
                }
                self.log_transaction(asker, commit);
            }
        }
    }

    /// Puts what a transaction comes to into the log, or has the leader do so.
    fn log_transaction(&mut self, asker: Asker, commit: Commit) {
        let command = Command::Commit(Box::new(commit));
        let request = Request { command, level: None, after: None, context: None };
        match asker {
            _ if self.leading.is_some() => self.write(asker, request),
            Asker::Client(id) if self.runs_locally() => self.forward(id, request),
            Asker::Client(_) | Asker::Member(..) => {
                self.refuse(asker, "the leader was deposed before the transaction had ended", true);
            }
        }
    }

    fn pause(&mut self, asker: Asker, stage: Stage<M>) {
        let mean = self.options.timing.pause.0;
        let pause = Nanos(self.transactions.dice.between(mean / 2, mean + mean / 2).max(1));
        self.transactions.open.push(Open { asker, at: self.now + pause, stage });
    }

    /// Ends those that this member ran as a leader, which it is no more. What is in the log is told as a write of it is.
    pub(super) fn abandon_transactions(&mut self) {
        if !self.runs_locally() {
            self.break_off_transactions("the leader was deposed before the transaction had ended");
        }
    }

    /// Ends all of them: what they have read is not what the log says any more.
    pub(super) fn break_off_transactions(&mut self, why: &str) {
        for open in std::mem::take(&mut self.transactions.open) {
            if !matches!(open.stage, Stage::Committing(_)) {
                let definite = !matches!(open.stage, Stage::Torn(_));
                self.refuse(open.asker, why, definite);
            }
        }
    }
}
