//! What cut links hold until they flow again, as the buffers of a connection do. It never says when anything arrives.

use std::collections::VecDeque;

use histories::{Nanos, Node};

/// As many messages as a live node queues for a peer; what comes after that is lost.
const LINK_MAX: usize = 1024;

/// By directed link, in the order in which it was sent.
#[derive(Debug)]
pub(super) struct Backlog<M> {
    nodes: usize,
    links: Vec<VecDeque<(Nanos, M)>>,
    count: usize,
}

/// A message that was held.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Late<M> {
    pub(super) from: Node,
    pub(super) to: Node,
    pub(super) sent: Nanos,
    pub(super) message: M,
}

impl<M> Backlog<M> {
    pub(super) fn new(nodes: usize) -> Self {
        Self { nodes, links: (0..nodes * nodes).map(|_| VecDeque::new()).collect(), count: 0 }
    }

    /// Keeps a message; gives it back where the link holds all it can.
    pub(super) fn hold(&mut self, from: Node, to: Node, sent: Nanos, message: M) -> Option<M> {
        let link = &mut self.links[from.index() * self.nodes + to.index()];
        if link.len() >= LINK_MAX {
            return Some(message);
        }
        link.push_back((sent, message));
        self.count += 1;
        None
    }

    /// Lets go of everything on the links that flow.
    pub(super) fn release(&mut self, flows: impl Fn(Node, Node) -> bool) -> Vec<Late<M>> {
        let mut released = Vec::new();
        if self.count == 0 {
            return released;
        }
        let nodes = self.nodes;
        let node = |place: usize| Node(place as u16);
        for (place, link) in self.links.iter_mut().enumerate() {
            let (from, to) = (node(place / nodes), node(place % nodes));
            if flows(from, to) {
                released.extend(link.drain(..).map(|(sent, message)| Late { from, to, sent, message }));
            }
        }
        self.count -= released.len();
        released
    }

    /// A node has died, and its connections with it.
    pub(super) fn forget(&mut self, node: Node) {
        if self.count == 0 {
            return;
        }
        for place in 0..self.links.len() {
            if place / self.nodes == node.index() || place % self.nodes == node.index() {
                self.count -= self.links[place].len();
                self.links[place].clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Node = Node(0);
    const B: Node = Node(1);
    const C: Node = Node(2);
    const T: Nanos = Nanos(7);

    #[test]
    fn a_link_that_flows_again_lets_go_in_order_and_others_hold_on() {
        let mut backlog = Backlog::new(3);
        for (from, to, message) in [(A, B, 1), (A, B, 2), (B, A, 3)] {
            assert_eq!(backlog.hold(from, to, T, message), None);
        }
        let late = |message| Late { from: A, to: B, sent: T, message };
        assert_eq!(backlog.release(|from, _| from == A), [late(1), late(2)]);
        assert_eq!(backlog.release(|from, _| from == A), []);
        assert_eq!(backlog.release(|_, _| true).len(), 1);
    }

    #[test]
    fn the_dead_take_what_was_on_its_way_with_them() {
        let mut backlog = Backlog::new(3);
        for (from, to) in [(A, B), (B, C), (C, A)] {
            backlog.hold(from, to, T, ());
        }
        backlog.forget(B);
        let left = backlog.release(|_, _| true);
        assert_eq!(left, [Late { from: C, to: A, sent: T, message: () }]);
    }

    #[test]
    fn a_link_holds_so_much_and_no_more() {
        let mut backlog = Backlog::new(2);
        let back: Vec<usize> = (0..=LINK_MAX).filter_map(|number| backlog.hold(A, B, T, number)).collect();
        assert_eq!(back, [LINK_MAX]);
    }
}
