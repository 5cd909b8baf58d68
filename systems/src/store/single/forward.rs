//! A follower hands a request on to the leader: one hop, once.
//!
//! Never executes the same forwarded write twice, and never denies one that may have been executed.

use std::collections::{BTreeMap, VecDeque};

use histories::{Nanos, Node};

use super::Replica;
use super::machine::Machine;
use super::message::{Body, ForwardId, Message};
use crate::store::Bug;
use crate::store::replica::{Request, RequestId, Response};

/// Numbers that a leader remembers of each process that forwards to it.
const SEEN_MAX: usize = 16_384;

/// Who waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    Client(RequestId),
    /// A client of another member.
    Member(Node, ForwardId),
}

impl Asker {
    pub(super) fn answer<M: Machine>(
        self,
        term: u64,
        response: Response,
        replies: &mut Vec<(RequestId, Response)>,
        sends: &mut Vec<(Node, Message<M>)>,
    ) {
        match self {
            Self::Client(id) => replies.push((id, response)),
            Self::Member(node, id) => {
                sends.push((node, Message { term, body: Body::Answer { id, response } }));
            }
        }
    }
}

/// Requests that were handed on and not answered.
#[derive(Debug, Default)]
pub(super) struct Forwards {
    last: u64,
    open: BTreeMap<u64, Forwarded>,
}

#[derive(Debug)]
struct Forwarded {
    id: RequestId,
    is_read: bool,
    /// The leader that was asked, and its term.
    to: Node,
    term: u64,
    expires: Nanos,
}

impl Forwards {
    /// All wait equally long, so that the oldest expires first.
    pub(super) fn expires(&self) -> Option<Nanos> {
        self.open.first_key_value().map(|(_, forwarded)| forwarded.expires)
    }
}

/// The forwarded writes that this process has seen while it led `term`.
///
/// A follower addresses a write to the leader of a term, and that is one process: a leader that came back leads another
/// term. So what this process remembers of the term is all there is to remember.
#[derive(Debug, Default)]
pub(super) struct Seen {
    term: Option<u64>,
    numbers: BTreeMap<(Node, u64), Window>,
}

#[derive(Debug, Default)]
struct Window {
    /// Everything below counts as seen.
    floor: u64,
    /// By rising number, as they mostly come.
    numbers: VecDeque<u64>,
}

impl Window {
    /// Whether it is the first time.
    fn insert(&mut self, number: u64) -> bool {
        if number < self.floor {
            return false;
        }
        let place = match self.numbers.back() {
            Some(last) if *last >= number => match self.numbers.binary_search(&number) {
                Ok(_) => return false,
                Err(place) => place,
            },
            _ => self.numbers.len(),
        };
        self.numbers.insert(place, number);
        if self.numbers.len() > SEEN_MAX
            && let Some(lowest) = self.numbers.pop_front()
        {
            self.floor = lowest + 1;
        }
        true
    }
}

impl Seen {
    pub(super) fn begin(&mut self, term: u64) {
        self.term = Some(term);
        self.numbers.clear();
    }

    /// Whether it is the first time.
    fn insert(&mut self, from: Node, id: ForwardId) -> bool {
        self.numbers.entry((from, id.life)).or_default().insert(id.number)
    }
}

impl<M: Machine> Message<M> {
    /// A request that is handed on, or its answer: what may come from outside the group.
    pub(in crate::store) fn is_forwarding(&self) -> bool {
        matches!(self.body, Body::Forward { .. } | Body::Answer { .. })
    }
}

impl<M: Machine> Replica<M> {
    pub(super) fn forward(&mut self, id: RequestId, request: Request) {
        match self.leader.filter(|leader| *leader != self.me) {
            Some(leader) => self.forward_to(leader, self.leader_term, id, request),
            None => self.refuse(Asker::Client(id), "no leader is known", true),
        }
    }

    pub(in crate::store) fn forward_to(&mut self, to: Node, term: u64, id: RequestId, request: Request) {
        self.forwards.last += 1;
        let number = self.forwards.last;
        let expires = self.now + self.options.timing.wait;
        let is_read = request.command.is_read();
        self.forwards.open.insert(number, Forwarded { id, is_read, to, term, expires });
        let id = ForwardId { life: self.life, number };
        self.sends.push((to, Message { term, body: Body::Forward { id, request } }));
    }

    pub(super) fn on_forward(&mut self, from: Node, term: u64, id: ForwardId, request: Request) {
        let asker = Asker::Member(from, id);
        let leads = self.leading.is_some() && self.term == term;
        if request.command.is_read() {
            return if self.chained() {
                self.read_as_tail(asker, request);
            } else if leads {
                self.execute(asker, request);
            } else {
                self.refuse(asker, "the node that was asked does not lead", true);
            };
        }
        if self.seen.term != Some(term) {
            // A process before this one may have led that term, and taken the write.
            return self.refuse(asker, "the node that was asked does not lead", false);
        }
        if !self.seen.insert(from, id) && !self.options.has(Bug::DoubleApply) {
            return;
        }
        if leads {
            self.execute(asker, request);
        } else {
            self.refuse(asker, "the node that was asked does not lead any more", true);
        }
    }

    pub(super) fn on_answer(&mut self, id: ForwardId, response: Response) {
        if id.life == self.life
            && let Some(forwarded) = self.forwards.open.remove(&id.number)
        {
            self.replies.push((forwarded.id, response));
        }
    }

    pub(super) fn expire_forwards(&mut self) {
        let now = self.now;
        if self.forwards.expires().is_none_or(|expires| expires > now) {
            return;
        }
        self.give_up_forwards("the leader did not answer", |forwarded| forwarded.expires <= now);
    }

    /// There is a leader of `term`: those of earlier terms, dead or deposed, are not waited for. What became of a write
    /// that one of them was handed nobody knows. Without fencing they may lead on, and answer. Another group counts terms of
    /// its own.
    pub(super) fn outlive_forwards(&mut self, term: u64) {
        let group = self.group;
        if !self.unfenced() && !self.forwards.open.is_empty() {
            self.give_up_forwards("the leader was replaced before it answered", |forwarded| {
                forwarded.term < term && group.contains(forwarded.to)
            });
        }
    }

    fn give_up_forwards(&mut self, why: &str, given_up: impl Fn(&Forwarded) -> bool) {
        let gone: Vec<Forwarded> = self
            .forwards
            .open
            .extract_if(.., |_, forwarded| given_up(forwarded))
            .map(|(_, gone)| gone)
            .collect();
        for forwarded in gone {
            let definite = forwarded.is_read || self.options.has(Bug::DenyTheUnknown);
            self.refuse(Asker::Client(forwarded.id), why, definite);
        }
    }
}
