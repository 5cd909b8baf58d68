//! Who belongs to a group. Never says who leads it.

use histories::Node;
use nemesis::Layout;

/// Neighbours that share a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    first: u16,
    size: u16,
}

impl Group {
    /// All nodes, wherever they stand.
    pub const fn everyone(layout: Layout) -> Self {
        Self { first: 0, size: layout.total() }
    }

    pub const fn datacentre(layout: Layout, datacentre: u16) -> Self {
        Self { first: datacentre * layout.nodes_each, size: layout.nodes_each }
    }

    pub fn size(self) -> usize {
        usize::from(self.size)
    }

    pub fn majority(self) -> usize {
        self.size() / 2 + 1
    }

    pub fn members(self) -> impl Iterator<Item = Node> {
        (self.first..self.first + self.size).map(Node)
    }

    pub const fn contains(self, node: Node) -> bool {
        self.first <= node.0 && node.0 < self.first + self.size
    }

    /// Counted from 0; of a member only.
    pub(super) fn place(self, node: Node) -> usize {
        usize::from(node.0 - self.first)
    }
}
