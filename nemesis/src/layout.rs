//! Where nodes stand: datacentres of equal size. It never says who leads.

use histories::Node;

/// Nodes in datacentres of equal size, neighbours together: `n1,n2,n3 | n4,n5,n6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub datacentres: u16,
    /// In each datacentre.
    pub nodes_each: u16,
}

impl Layout {
    /// One datacentre.
    pub const fn single(nodes: u16) -> Self {
        Self { datacentres: 1, nodes_each: nodes }
    }

    /// Nodes in all.
    pub const fn total(self) -> u16 {
        self.datacentres * self.nodes_each
    }

    pub fn nodes(self) -> impl Iterator<Item = Node> {
        Node::first(self.total())
    }

    /// The datacentres.
    pub fn sites(self) -> impl Iterator<Item = u16> {
        0..self.datacentres
    }

    /// The datacentre that `node` stands in, counted from 0.
    pub const fn datacentre(self, node: Node) -> u16 {
        node.0 / self.nodes_each
    }

    /// The nodes of a datacentre.
    pub fn members(self, datacentre: u16) -> impl Iterator<Item = Node> {
        let first = datacentre * self.nodes_each;
        (first..first + self.nodes_each).map(Node)
    }

    /// Links between the two cross a wide area.
    pub const fn far(self, one: Node, other: Node) -> bool {
        self.datacentre(one) != self.datacentre(other)
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::single(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_stand_together() {
        let layout = Layout { datacentres: 3, nodes_each: 2 };
        assert_eq!(layout.nodes().count(), 6);
        assert_eq!(layout.members(1).collect::<Vec<_>>(), [Node(2), Node(3)]);
        assert!(
            layout.nodes().all(|node| layout.members(layout.datacentre(node)).any(|other| other == node))
        );
        assert!(layout.far(Node(1), Node(2)) && !layout.far(Node(2), Node(3)));
    }
}
