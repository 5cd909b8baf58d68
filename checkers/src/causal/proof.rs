//! A contradiction as edges: a cycle, or an initial read with a write before, and why each inferred edge is there.
//!
//! Whether there is a contradiction was decided before; a proof only says which edges it stands on.

use super::columns::NONE;
use super::order::Edge;
use super::shortest::{Reason, Step};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Core {
    Cycle(Vec<Step>),
    /// The first of the reasons is a read of the initial value.
    Initial,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) core: Core,
    /// Inferred edges, to which [`Reason::Inferred`] points, with the way from the edge's `from` to its reader.
    pub(crate) because: Vec<(Edge, Vec<Step>)>,
}

impl Proof {
    /// From a cycle among edges; `path_of` tells why an edge is there, by edges with lower indices.
    pub(crate) fn of(steps: Vec<Step>, edges: &[Edge], path_of: impl FnMut(u32) -> Vec<Step>) -> Self {
        let mut gathering = Gathering { edges, path_of, indices: Vec::new(), because: Vec::new() };
        let steps = gathering.gather(steps);
        gathering.complete();
        Self { core: Core::Cycle(steps), because: gathering.because }
    }

    pub(crate) fn of_initial(
        edge: Edge,
        path: Vec<Step>,
        edges: &[Edge],
        path_of: impl FnMut(u32) -> Vec<Step>,
    ) -> Self {
        let mut gathering =
            Gathering { edges, path_of, indices: vec![NONE], because: vec![(edge, Vec::new())] };
        gathering.because[0].1 = gathering.gather(path);
        gathering.complete();
        Self { core: Core::Initial, because: gathering.because }
    }

    /// All transactions that the proof names, in ascending order.
    pub(crate) fn transactions(&self) -> Vec<u32> {
        let cycle: &[Step] = if let Core::Cycle(steps) = &self.core { steps } else { &[] };
        let steps = cycle.iter().chain(self.because.iter().flat_map(|(_, path)| path));
        let ends = steps.flat_map(|step| [step.from, step.to]);
        let edges = self.because.iter().flat_map(|(edge, _)| [edge.from, edge.to, edge.reader]);
        let mut named: Vec<u32> = ends.chain(edges).filter(|&t| t != NONE).collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    /// Whether some edge of it was inferred.
    pub(crate) fn inferred(&self) -> usize {
        let Core::Cycle(steps) = &self.core else { return 0 };
        steps.iter().filter(|step| matches!(step.reason, Reason::Inferred(_))).count()
    }
}

/// Collects the inferred edges that steps use, and those that their reasons use in turn.
struct Gathering<'e, F> {
    edges: &'e [Edge],
    path_of: F,
    /// By place among the reasons, the index of the edge.
    indices: Vec<u32>,
    because: Vec<(Edge, Vec<Step>)>,
}

impl<F: FnMut(u32) -> Vec<Step>> Gathering<'_, F> {
    /// Points inferred steps to reasons, which are added where they are new.
    fn gather(&mut self, mut steps: Vec<Step>) -> Vec<Step> {
        for step in &mut steps {
            let Reason::Inferred(index) = step.reason else { continue };
            let known = self.indices.iter().position(|&other| other == index);
            let place = known.unwrap_or_else(|| {
                self.indices.push(index);
                self.because.push((self.edges[index as usize], Vec::new()));
                self.indices.len() - 1
            });
            step.reason = Reason::Inferred(place as u32);
        }
        steps
    }

    fn complete(&mut self) {
        let mut at = 0;
        while at < self.indices.len() {
            if self.indices[at] != NONE {
                let path = (self.path_of)(self.indices[at]);
                self.because[at].1 = self.gather(path);
            }
            at += 1;
        }
    }
}
