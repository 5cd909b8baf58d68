//! Transactions as nodes.
//!
//! For serializability a transaction is one node. For snapshot isolation it is two, its start and its commit: session,
//! real-time, write-read and write-write dependencies lead from a commit to a start, read-write dependencies from a start
//! to a commit. The cycles of that graph are exactly those of (SO ∪ RT ∪ WR ∪ WW) ; RW?.

use super::super::dependencies::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Whether transactions have a start and a commit.
    pub(super) split: bool,
    pub(super) transactions: u32,
}

/// Which moments of a transaction a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Start,
    Commit,
    Both,
}

impl Layout {
    pub(super) fn start(self, transaction: u32) -> u32 {
        transaction << u32::from(self.split)
    }

    pub(super) fn commit(self, transaction: u32) -> u32 {
        (transaction << u32::from(self.split)) + u32::from(self.split)
    }

    /// The nodes of transactions; helpers come behind them.
    pub(super) fn own_nodes(self) -> u32 {
        self.transactions << u32::from(self.split)
    }

    /// The transaction and moment of a node, `None` for a helper's.
    pub(super) fn transaction(self, node: u32) -> Option<(u32, Moment)> {
        if node >= self.own_nodes() {
            return None;
        }
        let moment = match (self.split, node & 1) {
            (false, _) => Moment::Both,
            (true, 0) => Moment::Start,
            (true, _) => Moment::Commit,
        };
        Some((node >> u32::from(self.split), moment))
    }

    fn helper(self, node: u32) -> u32 {
        node - self.transactions + self.own_nodes()
    }

    /// The node from which a dependency leads, where nodes are transactions and helpers behind them.
    pub(super) fn from(self, node: u32, kind: Kind) -> u32 {
        match kind {
            _ if node >= self.transactions => self.helper(node),
            Kind::ReadWrite => self.start(node),
            _ => self.commit(node),
        }
    }

    /// The node to which a dependency leads.
    pub(super) fn to(self, node: u32, kind: Kind) -> u32 {
        match kind {
            _ if node >= self.transactions => self.helper(node),
            Kind::ReadWrite => self.commit(node),
            _ => self.start(node),
        }
    }
}
