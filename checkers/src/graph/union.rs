//! Sets that are merged: union-find, with halved paths.

/// A partition of dense nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnionFind {
    parents: Vec<u32>,
}

impl UnionFind {
    /// Adds a node in a set of its own.
    pub(crate) fn push(&mut self) -> u32 {
        let node = self.parents.len() as u32;
        self.parents.push(node);
        node
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.parents.len()
    }

    /// The node that stands for a set: its smallest.
    pub(crate) fn root(&mut self, mut node: u32) -> u32 {
        while self.parents[node as usize] != node {
            self.parents[node as usize] = self.parents[self.parents[node as usize] as usize];
            node = self.parents[node as usize];
        }
        node
    }

    pub(crate) fn union(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_node_stands_for_its_set() {
        let mut sets = UnionFind::default();
        for _ in 0..5 {
            sets.push();
        }
        sets.union(4, 2);
        sets.union(3, 4);
        let roots: Vec<u32> = (0..5).map(|node| sets.root(node)).collect();
        assert_eq!((roots, sets.len()), (vec![0, 1, 2, 2, 2], 5));
    }
}
