//! Serializability and snapshot isolation where the order of a key's versions is not known: a polygraph (Papadimitriou,
//! "The serializability of concurrent database updates", JACM 1979).
//!
//! Both questions are NP-complete. In the order of their cost: what is known is tested for a cycle; an order is guessed
//! and replayed; edges that every version order has are drawn to a fixed point, after each pass of which the guess
//! is repeated; the choices that are left are searched. What holds does so by an order that has been replayed.

mod choices;
mod clocks;
mod constraints;
mod kept_order;
mod layout;
mod replay;
mod saturate;
mod schedule;
mod solver;

use super::columns::Columns;
use super::dependencies::{Chains, Dependencies};
use super::level::Order;
use crate::graph::NONE;
use crate::{Budget, Exhausted};
use clocks::{Clocks, Lines};
use constraints::Constraints;
use layout::Layout;
use saturate::{Outcome, Saturated, Saturation, Writers};

/// How often session order is loosened before sessions are given up as a guide.
const CUTS_MAX: usize = 200;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Holds,
    /// By these transactions among others, in ascending order: every cycle that was found lies among them, and what it
    /// rests on.
    Violated(Vec<u32>),
    Unknown(String),
}

/// A history under one level.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// With what was replaced linked to what replaced it.
    pub(super) columns: &'a Columns,
    /// Snapshot isolation rather than serializability.
    pub(super) snapshot: bool,
    pub(super) order: Order,
    pub(super) budget: &'a Budget,
}

/// `violates_alone` says whether some transactions violate the level without the others.
pub(super) fn decide(
    question: Question<'_>,
    violates_alone: impl Fn(&[u32]) -> bool,
) -> Result<Decision, Exhausted> {
    let chains = Chains::of(question.columns);
    let none = vec![false; question.columns.operation.len()];
    let attempt = Attempt { question, chains: &chains, cut: &none };
    if question.order != Order::None {
        return attempt.run();
    }
    let known = attempt.graph();
    if known.topological().is_none() {
        return Ok(Decision::Violated(known.cycle()));
    }
    match in_sessions(question, &chains, violates_alone)? {
        Some(decision) => Ok(decision),
        None => attempt.run(),
    }
}

/// Looks for an order that keeps the sessions' order, too, but where that is on a cycle: sessions are the best guide to an
/// order even where it need not keep them. What violates the level in sessions often does so without them, by the few
/// transactions of its cycle.
fn in_sessions(
    question: Question<'_>,
    chains: &Chains,
    violates_alone: impl Fn(&[u32]) -> bool,
) -> Result<Option<Decision>, Exhausted> {
    let columns = question.columns;
    let mut cut = vec![false; columns.operation.len()];
    let mut next = vec![NONE; cut.len()];
    for t in 0..columns.count() {
        if columns.previous[t as usize] != NONE {
            next[columns.previous[t as usize] as usize] = t;
        }
    }
    for _ in 0..CUTS_MAX {
        let guided = Question { order: Order::Session, ..question };
        let cycle = match (Attempt { question: guided, chains, cut: &cut }).run()? {
            Decision::Holds => return Ok(Some(Decision::Holds)),
            Decision::Violated(cycle) if violates_alone(&cycle) => {
                return Ok(Some(Decision::Violated(cycle)));
            }
            Decision::Violated(cycle) => cycle,
            Decision::Unknown(_) => return Ok(None),
        };
        let mut loosened = false;
        for t in cycle.iter().flat_map(|&t| [t, next[t as usize]]).filter(|&t| t != NONE) {
            if columns.previous[t as usize] != NONE && !cut[t as usize] {
                cut[t as usize] = true;
                loosened = true;
            }
        }
        if !loosened {
            return Ok(None);
        }
    }
    Ok(None)
}

struct Attempt<'a> {
    question: Question<'a>,
    chains: &'a Chains,
    /// By transaction, whether session order from its predecessor is left out.
    cut: &'a [bool],
}

impl Attempt<'_> {
    fn layout(&self) -> Layout {
        Layout { split: self.question.snapshot, transactions: self.question.columns.count() }
    }

    fn graph(&self) -> Constraints {
        let Question { columns, order, .. } = self.question;
        let dependencies = if order == Order::Session {
            let mut dependencies = Dependencies::of(columns, self.chains, Order::None);
            dependencies.sessions(columns, |t| !self.cut[t as usize]);
            dependencies
        } else {
            Dependencies::of(columns, self.chains, order)
        };
        Constraints::of(&dependencies, self.layout())
    }

    fn run(&self) -> Result<Decision, Exhausted> {
        let Question { columns, order, budget, .. } = self.question;
        let mut graph = self.graph();
        let Some(known) = graph.topological() else { return Ok(Decision::Violated(graph.cycle())) };
        let rank = self.ranks();
        if self.guess(&graph, &rank) {
            return Ok(Decision::Holds);
        }
        budget.check()?;
        let lines = Lines::of(columns, &graph, order, |t| self.follows_in_session(t));
        if Clocks::size(&graph, &lines) > budget.memory_bytes_max {
            let (nodes, lines) = (graph.nodes, lines.count);
            return Ok(Decision::Unknown(format!(
                "the clocks of {nodes} nodes on {lines} lines would take more memory than the budget allows"
            )));
        }
        let writers = Writers::of(columns, self.chains, &lines);
        let mut saturated = Saturated { clocks: Clocks::new(&graph, &lines), lines, writers };
        let saturation = Saturation { columns, chains: self.chains, budget };
        let mut held = false;
        let outcome = saturation.run(&mut graph, &mut saturated, known, |graph| {
            held = self.guess(graph, &rank);
            held
        })?;
        match outcome {
            Outcome::Cyclic => Ok(Decision::Violated(graph.cycle())),
            Outcome::Open if held => Ok(Decision::Holds),
            Outcome::Open => self.search(&graph, &saturated, &rank),
        }
    }

    /// Whether the order that is guessed explains every read.
    fn guess(&self, graph: &Constraints, rank: &[u64]) -> bool {
        let columns = self.question.columns;
        let schedule = schedule::schedule(columns, self.chains, graph, rank);
        schedule.forced == 0 && replay::replays(columns, graph.layout, &schedule.order)
    }

    fn search(
        &self,
        graph: &Constraints,
        saturated: &Saturated,
        rank: &[u64],
    ) -> Result<Decision, Exhausted> {
        let columns = self.question.columns;
        let choices = choices::open_choices(columns, self.chains, graph, saturated);
        let guess = schedule::schedule(columns, self.chains, graph, rank).order;
        let solver = solver::Solver::new(
            &graph.successors,
            &graph.predecessors,
            &guess,
            choices.variables,
            &choices.edges,
        );
        let Some(order) = solver.solve(self.question.budget)? else {
            return Ok(Decision::Violated(choices.transactions));
        };
        if replay::replays(columns, graph.layout, &order) {
            Ok(Decision::Holds)
        } else {
            Ok(Decision::Unknown("a bug of the checker: the order that it found does not replay".into()))
        }
    }

    fn follows_in_session(&self, t: u32) -> bool {
        let Question { columns, order, .. } = self.question;
        let previous = columns.previous[t as usize];
        match order {
            _ if previous == NONE => false,
            Order::None => false,
            Order::Session => !self.cut[t as usize],
            Order::RealTime => columns.returned[previous as usize] < columns.invoked[t as usize],
        }
    }

    /// Which transactions a guess takes first: by the time of their completion, or where there are no times by how far
    /// along their sessions they are.
    fn ranks(&self) -> Vec<u64> {
        let columns = self.question.columns;
        let is_timed = columns.invoked.iter().any(|&invoked| invoked > 0);
        if is_timed {
            return columns.returned.iter().map(|&returned| returned.min(u64::MAX >> 1)).collect();
        }
        let mut length = vec![0u64; columns.operation.len()];
        let mut place = Vec::with_capacity(length.len());
        for &session in &columns.session {
            place.push(length[session as usize]);
            length[session as usize] += 1;
        }
        let rank = |(&session, place): (&u32, u64)| (place << 32) / length[session as usize].max(1);
        columns.session.iter().zip(place).map(rank).collect()
    }
}
