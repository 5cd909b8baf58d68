//! Another datacentre as a member knows it: who leads it, what it has, what is on its way there.
//!
//! Never trusted for what is acknowledged here.

use histories::{Nanos, Node};

use super::message::Hello;
use crate::store::VersionVector;

#[derive(Debug)]
pub(super) struct Far {
    /// Its name: its first node.
    pub(super) name: Node,
    /// By rising term.
    pub(super) leader: Option<(u64, Node)>,
    heard_at: Option<Nanos>,
    hears: Vec<u16>,
    pub(super) has: VersionVector,
    /// Shipped up to here.
    pub(super) sent: VersionVector,
    /// When `has` last rose, or shipping last began.
    pub(super) moved_at: Nanos,
}

impl Far {
    pub(super) fn new(name: Node) -> Self {
        Self {
            name,
            leader: None,
            heard_at: None,
            hears: Vec::new(),
            has: VersionVector::default(),
            sent: VersionVector::default(),
            moved_at: Nanos::ZERO,
        }
    }

    /// A leader of an earlier term is not listened to.
    pub(super) fn hear(&mut self, now: Nanos, from: Node, hello: Hello) {
        let known = self.leader.map_or(0, |(term, _)| term);
        if hello.term < known {
            return;
        }
        if hello.term > known || !hello.has.covers(&self.has) {
            // Another leader: from what it has, whatever was on its way to the one before.
            self.sent = hello.has.clone();
        }
        if hello.has != self.has {
            self.moved_at = now;
        }
        self.leader = Some((hello.term, from));
        self.heard_at = Some(now);
        self.hears = hello.hears;
        self.has = hello.has;
        self.sent.merge(&self.has);
    }

    pub(super) fn is_heard(&self, now: Nanos, patience: Nanos) -> bool {
        self.heard_at.is_some_and(|at| now < at + patience)
    }

    /// Heard, and hears datacentre `me`.
    pub(super) fn is_linked(&self, now: Nanos, patience: Nanos, me: u16) -> bool {
        self.is_heard(now, patience) && self.hears.contains(&me)
    }
}
