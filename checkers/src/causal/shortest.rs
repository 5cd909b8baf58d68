//! Shortest explanations: 0-1 breadth-first search in which a run of session order, or of
//! real time, costs one step in all.
//!
//! It never decides whether a cycle exists; whoever asks knows already.

use std::collections::VecDeque;

use super::columns::{Columns, NONE, sort_by};
use super::order::Edge;

/// How many closing edges a search for the shortest cycle tries before it takes what it has.
const CLOSING_MAX: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Session,
    ReadsFrom {
        key: u32,
    },
    /// By its index among the edges.
    Inferred(u32),
    RealTime,
}

/// `from` comes before `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) reason: Reason,
}

/// Inferred edges by the transaction that they lead to.
#[derive(Debug, Default)]
pub(crate) struct Into {
    /// By transaction, where its edges begin; empty where there are no edges at all.
    start: Vec<u32>,
    sorted: Vec<u32>,
}

impl Into {
    pub(crate) fn of(columns: &Columns, edges: &[Edge]) -> Self {
        let to = |index: u32| edges[index as usize].to;
        let (start, sorted) = sort_by(0..edges.len() as u32, columns.len() as u32, to);
        Self { start, sorted }
    }

    pub(crate) fn leading_to(&self, to: u32) -> &[u32] {
        let Some(&end) = self.start.get(to as usize + 1) else { return &[] };
        &self.sorted[self.start[to as usize] as usize..end as usize]
    }
}

/// Which edges a path may take.
#[derive(Clone, Copy)]
pub(crate) struct Roads<'r> {
    pub(crate) columns: &'r Columns,
    pub(crate) edges: &'r [Edge],
    pub(crate) into: &'r Into,
    /// Only inferred edges with a lower index.
    pub(crate) edges_before: u32,
    /// Only reads-from edges into these, where given.
    pub(crate) readers: Option<&'r [bool]>,
    /// Pairs in real-time order, sorted by the second.
    pub(crate) real_time: &'r [(u32, u32)],
}

impl<'r> Roads<'r> {
    /// Session order and reads-from.
    pub(crate) fn plain(columns: &'r Columns, none: &'r Into) -> Self {
        Self { columns, edges: &[], into: none, edges_before: 0, readers: None, real_time: &[] }
    }

    /// Whether a transaction's reads make an order.
    fn reads_count(&self, t: u32) -> bool {
        self.readers.is_none_or(|readers| readers[t as usize])
    }

    fn each_leading_to(&self, to: u32, mut visit: impl FnMut(u32, Reason)) {
        if let Some(previous) = self.columns.previous(to) {
            visit(previous, Reason::Session);
        }
        if self.reads_count(to) {
            for read in self.columns.reads(to).iter().filter(|read| read.writer != NONE) {
                visit(read.writer, Reason::ReadsFrom { key: read.key });
            }
        }
        for &index in self.into.leading_to(to).iter().take_while(|&&index| index < self.edges_before) {
            visit(self.edges[index as usize].from, Reason::Inferred(index));
        }
        let first = self.real_time.partition_point(|&(_, second)| second < to);
        for &(from, _) in self.real_time[first..].iter().take_while(|&&(_, second)| second == to) {
            visit(from, Reason::RealTime);
        }
    }
}

/// Ways of leaving a transaction that cost once for a whole run of them.
const RUNS: u32 = 3;

fn run(reason: Reason) -> u32 {
    match reason {
        Reason::ReadsFrom { .. } | Reason::Inferred(_) => 0,
        Reason::Session => 1,
        Reason::RealTime => 2,
    }
}

/// Where a search has been: each transaction by how it was left.
pub(crate) struct Search {
    /// By state, one more than its place among the visits; nought where the search has not been. Memory that comes
    /// zeroed costs nothing before it is used, and most searches see little.
    visit: Vec<u32>,
    visits: Vec<Visit>,
}

/// How a state was reached: the cost so far, and the step that leads on.
struct Visit {
    state: u32,
    distance: u32,
    toward: (u32, Reason),
}

impl Search {
    pub(crate) fn new(columns: &Columns) -> Self {
        Self { visit: vec![0; RUNS as usize * columns.len()], visits: Vec::new() }
    }

    /// The cheapest way from one transaction to another through the allowed ones that costs less than `below`.
    pub(crate) fn path(
        &mut self,
        roads: &Roads<'_>,
        (from, to): (u32, u32),
        below: u32,
        allowed: impl Fn(u32) -> bool,
    ) -> Option<(u32, Vec<Step>)> {
        let mut queue = VecDeque::new();
        self.reach(RUNS * to, 0, (NONE, Reason::Session));
        queue.push_back((RUNS * to, 0));
        let mut found = None;
        while let Some((state, distance)) = queue.pop_front() {
            if self.distance(state) < distance {
                continue;
            }
            if state / RUNS == from {
                found = Some((distance, self.unwind(state)));
                break;
            }
            roads.each_leading_to(state / RUNS, |cause, reason| {
                let run = run(reason);
                let next = RUNS * cause + run;
                let cost = distance + u32::from(run == 0 || state % RUNS != run);
                if cost < below && allowed(cause) && cost < self.distance(next) {
                    self.reach(next, cost, (state, reason));
                    if cost == distance {
                        queue.push_front((next, cost));
                    } else {
                        queue.push_back((next, cost));
                    }
                }
            });
        }
        for visit in self.visits.drain(..) {
            self.visit[visit.state as usize] = 0;
        }
        found
    }

    fn of_state(&self, state: u32) -> Option<&Visit> {
        let place = self.visit[state as usize].checked_sub(1)?;
        Some(&self.visits[place as usize])
    }

    fn distance(&self, state: u32) -> u32 {
        self.of_state(state).map_or(NONE, |visit| visit.distance)
    }

    fn reach(&mut self, state: u32, distance: u32, toward: (u32, Reason)) {
        let visit = Visit { state, distance, toward };
        if let Some(place) = self.visit[state as usize].checked_sub(1) {
            self.visits[place as usize] = visit;
        } else {
            self.visits.push(visit);
            self.visit[state as usize] = self.visits.len() as u32;
        }
    }

    /// The steps from a state to where the search began, runs of session order as one.
    fn unwind(&self, mut state: u32) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        while let Some(&Visit { toward: (next, reason), .. }) =
            self.of_state(state).filter(|visit| visit.toward.0 != NONE)
        {
            match steps.last_mut() {
                Some(last) if last.reason == reason && run(reason) > 0 => last.to = next / RUNS,
                _ => steps.push(Step { from: state / RUNS, to: next / RUNS, reason }),
            }
            state = next;
        }
        steps
    }
}

/// The shortest cycle among the transactions that are left, its closing edge last; of equals, that of the fewest
/// sessions.
pub(crate) fn cycle(roads: &Roads<'_>, left: &[bool]) -> Option<Vec<Step>> {
    let columns = roads.columns;
    let is_left = |t: u32| left[t as usize];
    // Session order and real time go with the columns' own order, so a cycle holds an edge of another kind that
    // goes back in it.
    let back = |step: &Step| step.from >= step.to && is_left(step.from) && is_left(step.to);
    let inferred = (0..).zip(roads.edges).map(|(index, edge)| Step {
        from: edge.from,
        to: edge.to,
        reason: Reason::Inferred(index),
    });
    let mut closing: Vec<Step> = inferred.filter(back).collect();
    for t in columns.ids().filter(|&t| is_left(t) && roads.reads_count(t)) {
        let reads = columns.reads(t).iter().filter(|read| read.writer != NONE);
        let steps =
            reads.map(|read| Step { from: read.writer, to: t, reason: Reason::ReadsFrom { key: read.key } });
        closing.extend(steps.filter(back));
    }
    closing.sort_by_key(|step| step.from - step.to);
    let mut search = Search::new(columns);
    let mut best: Option<(u32, usize, Vec<Step>)> = None;
    for (tried, step) in closing.into_iter().enumerate() {
        // Not every one is on a cycle: it may lead from one to another.
        if tried >= CLOSING_MAX && best.is_some() {
            break;
        }
        let below = best.as_ref().map_or(NONE, |&(cost, ..)| cost + 1);
        let Some((cost, mut steps)) = search.path(roads, (step.to, step.from), below, is_left) else {
            continue;
        };
        steps.push(step);
        let sessions = sessions(columns, &steps);
        if best.as_ref().is_none_or(|&(least, fewest, _)| (cost, sessions) < (least, fewest)) {
            best = Some((cost, sessions, steps));
        }
    }
    best.map(|(_, _, steps)| steps)
}

fn sessions(columns: &Columns, steps: &[Step]) -> usize {
    let mut chains: Vec<u32> = steps.iter().map(|step| columns.chain[step.from as usize]).collect();
    chains.sort_unstable();
    chains.dedup();
    chains.len()
}
