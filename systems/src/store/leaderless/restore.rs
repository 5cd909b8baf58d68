//! How a replica comes to life, from the records that it left on disk, and how these stay few.
//!
//! Never trusts that what was on its way to disk arrived: only the records given exist.

use histories::{Nanos, Node};

use super::Replica;
use super::hints::Hints;
use super::journal::{Journal, Then};
use super::message::Record;
use super::options::Options;
use super::ring::Ring;
use super::state::State;
use super::version::Stamp;
use crate::store::Bug;
use crate::store::protocol::Member;
use crate::store::replica::{Now, RegisterStep};

impl Replica {
    /// A member from the records that it persisted, in order; none where it is new.
    pub fn new(options: Options, member: Member, mut records: Vec<Record>, now: Now) -> Self {
        if options.has(Bug::RecoveryDropsTail) {
            records.truncate(records.len().saturating_sub(Bug::TAIL));
        }
        let nodes = member.layout.total();
        let homes = options.homes(nodes);
        let length = records.len();
        let mut replica = Self {
            me: member.node,
            nodes,
            quorum_read: usize::from(options.r.of(homes)) - usize::from(options.has(Bug::ReadOneShort)),
            quorum_write: usize::from(options.w.of(homes)) - usize::from(options.has(Bug::QuorumOneShort)),
            ring: Ring::new(nodes, homes),
            now,
            life: 0,
            born: false,
            last_number: 0,
            state: State::new(member.node, options.has(Bug::LastArrivalWins)),
            hints: Hints::default(),
            journal: Journal::restored(length),
            operations: std::collections::BTreeMap::new(),
            minting: std::collections::BTreeMap::new(),
            waiting: Vec::new(),
            look_at: now.monotonic,
            offer_at: now.monotonic,
            compare_at: now.monotonic,
            compared: member.node,
            sends: Vec::new(),
            replies: Vec::new(),
            steps: Vec::new(),
            options,
        };
        for record in &records {
            replica.apply(record);
        }
        replica.life += 1;
        replica.journal.push(Record::Life(replica.life), Then::Nothing);
        replica.stagger();
        replica
    }

    /// Members that start together do not all compare at the same time.
    fn stagger(&mut self) {
        let interval = self.options.timing.anti_entropy.unwrap_or(Nanos::ZERO);
        let place = u64::from(self.me.0) + 1;
        self.compare_at = self.now.monotonic + Nanos(interval.0 * place / u64::from(self.nodes.max(1)));
    }

    /// What a record does once it is on disk.
    pub(super) fn apply(&mut self, record: &Record) {
        match record {
            Record::Life(life) => self.life = self.life.max(*life),
            Record::Cell { key, cell } => {
                let held = self.state.merge(&self.ring, key, cell);
                let holds = |stamp: Stamp| RegisterStep::Holds { key: key.clone(), version: stamp.into() };
                self.steps.extend(held.map(holds));
            }
            Record::Hint { node, key, cell } => self.hints.keep(*node, key, cell),
            Record::Handed { node, key, hash } => self.hints.handed(*node, key, *hash),
        }
    }

    pub(super) fn on_persisted(&mut self, seq: u64) {
        while let Some((record, then)) = self.journal.next_durable(seq) {
            self.apply(&record);
            self.born |= matches!(record, Record::Life(_));
            match then {
                Then::Nothing => {}
                Then::Minted { number } => {
                    if let Record::Cell { key, cell } = &record {
                        self.on_minted(number, key, cell);
                    }
                }
                Then::Count { number } => self.count_stored(number, self.me),
                Then::Tell { node, id } => self.send(node, super::message::Message::Stored { id }),
                Then::TellTaken { node, id } => self.send(node, super::message::Message::TakenOver { id }),
            }
        }
        if self.born {
            for (id, request) in std::mem::take(&mut self.waiting) {
                self.on_request(id, request);
            }
        }
    }

    /// The log is never longer than twice what is stored and some: rewriting it costs each record a constant.
    pub(super) fn compact_when_long(&mut self) {
        let stored = self.state.len() + self.hints.len();
        if !self.journal.is_longer_than(2 * stored + self.options.snapshot_records) {
            return;
        }
        let mut records = Vec::with_capacity(stored + 1);
        records.push(Record::Life(self.life));
        let cells = self.state.iter().map(|(key, cell)| (key.clone(), cell.clone()));
        records.extend(cells.map(|(key, cell)| Record::Cell { key, cell }));
        let hints = self.hints.iter().map(|(node, key, cell)| (node, key.clone(), cell.clone()));
        records.extend(hints.map(|(node, key, cell): (Node, _, _)| Record::Hint { node, key, cell }));
        if self.options.has(Bug::CompactionDropsPending) {
            return self.journal.rewrite(records);
        }
        self.journal.compact(records);
    }
}
