//! Searches for choices that close no cycle: conflict-driven clause learning whose theory is the order that is kept.
//!
//! A variable is a choice between two directions, each of which draws edges. One is decided only while neither direction
//! leads forward in the kept order; where no such variable is left, that order is a witness and nothing else needs a
//! decision. After Marques-Silva and Sakallah, "GRASP", IEEE ToC 1999; Bayless et al., "SAT modulo monotonic theories",
//! AAAI 2015.

use std::collections::BinaryHeap;

use super::kept_order::KeptOrder;
use crate::graph::{NONE, Rows};
use crate::{Budget, Exhausted};

/// How many conflicts pass before the first restart; later ones follow the Luby sequence.
const RESTART_CONFLICTS: u64 = 100;
/// How much is added to a variable's activity grows by this factor with each conflict.
const ACTIVITY_GROWTH: f64 = 1.0 / 0.95;
const ACTIVITY_MAX: f64 = 1e100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    Open,
    False,
    True,
}

/// Literal `2 v` is the first direction of variable `v`, `2 v + 1` the second.
pub(super) struct Solver<'a> {
    order: KeptOrder<'a>,
    /// By literal, the edges that it draws, as places in `edges`.
    drawn_by: Rows,
    edges: Vec<(u32, u32)>,
    /// By node, the variables whose edges touch it.
    variables_at: Rows,
    /// By variable: 0 open, 1 its first direction, -1 its second.
    value: Vec<i8>,
    level: Vec<u32>,
    /// By variable, the clause that forced it, [`NONE`] for a decision.
    reason: Vec<u32>,
    trail: Vec<u32>,
    /// By decision level, where it begins in the trail.
    levels: Vec<usize>,
    /// How far along the trail clauses have been looked at, and edges been drawn.
    clauses_done: usize,
    drawn_done: usize,
    /// By literal of the trail that has been drawn, how many edges there were before.
    drawn_before: Vec<usize>,
    clauses: Vec<Vec<u32>>,
    /// By literal, the clauses that watch it.
    watches: Vec<Vec<u32>>,
    activity: Vec<f64>,
    increment: f64,
    candidates: BinaryHeap<(u64, u32)>,
    is_candidate: Vec<bool>,
    seen: Vec<bool>,
}

impl<'a> Solver<'a> {
    /// `choices` gives each edge with the literal that draws it; `order` is one of the fixed graph's.
    pub(super) fn new(
        successors: &'a Rows,
        predecessors: &'a Rows,
        order: &[u32],
        variables: usize,
        choices: &[(u32, (u32, u32))],
    ) -> Self {
        let indices = 0..choices.len() as u32;
        let touched =
            choices.iter().flat_map(|&(literal, (from, to))| [(from, literal / 2), (to, literal / 2)]);
        let mut touched: Vec<(u32, u32)> = touched.collect();
        touched.sort_unstable();
        touched.dedup();
        let mut solver = Self {
            order: KeptOrder::new(successors, predecessors, order),
            drawn_by: Rows::of(2 * variables, indices.map(|edge| (choices[edge as usize].0, edge))),
            edges: choices.iter().map(|choice| choice.1).collect(),
            variables_at: Rows::of(order.len(), touched.into_iter()),
            value: vec![0; variables],
            level: vec![0; variables],
            reason: vec![NONE; variables],
            trail: Vec::new(),
            levels: Vec::new(),
            clauses_done: 0,
            drawn_done: 0,
            drawn_before: Vec::new(),
            clauses: Vec::new(),
            watches: vec![Vec::new(); 2 * variables],
            activity: vec![0.0; variables],
            increment: 1.0,
            candidates: BinaryHeap::new(),
            is_candidate: vec![false; variables],
            seen: vec![false; variables],
        };
        for variable in 0..variables as u32 {
            solver.offer(variable);
        }
        solver
    }

    /// An order of the nodes in which the edges of one direction of every choice lead forward; `None` where there is none.
    pub(super) fn solve(mut self, budget: &Budget) -> Result<Option<Vec<u32>>, Exhausted> {
        let (mut restarts, mut left) = (1, RESTART_CONFLICTS);
        let mut rounds: u32 = 0;
        loop {
            rounds = rounds.wrapping_add(1);
            if rounds.is_multiple_of(64) {
                budget.check()?;
            }
            if let Some(conflict) = self.propagate() {
                if !self.learn(conflict) {
                    return Ok(None);
                }
                left = left.saturating_sub(1);
            } else if left == 0 {
                restarts += 1;
                left = RESTART_CONFLICTS * luby(restarts);
                self.back_to(0);
            } else if let Some(literal) = self.decide() {
                self.levels.push(self.trail.len());
                self.assign(literal, NONE);
            } else {
                return Ok(Some(self.order.order()));
            }
        }
    }

    fn truth(&self, literal: u32) -> Truth {
        match (self.value[literal as usize / 2], literal & 1) {
            (0, _) => Truth::Open,
            (1, 0) | (-1, 1) => Truth::True,
            _ => Truth::False,
        }
    }

    fn assign(&mut self, literal: u32, reason: u32) {
        let variable = literal as usize / 2;
        self.value[variable] = if literal & 1 == 0 { 1 } else { -1 };
        self.level[variable] = self.levels.len() as u32;
        self.reason[variable] = reason;
        self.trail.push(literal);
    }

    fn offer(&mut self, variable: u32) {
        let at = variable as usize;
        if !self.is_candidate[at] && self.value[at] == 0 {
            self.is_candidate[at] = true;
            // The bits of floats that are not negative are ordered as the floats.
            self.candidates.push((self.activity[at].to_bits(), variable));
        }
    }

    /// Follows clauses and draws edges until nothing new comes of it; a conflict is a list of literals that are all
    /// false.
    fn propagate(&mut self) -> Option<Vec<u32>> {
        loop {
            while self.clauses_done < self.trail.len() {
                let falsified = self.trail[self.clauses_done] ^ 1;
                self.clauses_done += 1;
                if let Some(conflict) = self.visit_watches(falsified) {
                    return Some(conflict);
                }
            }
            if self.drawn_done == self.trail.len() {
                return None;
            }
            let literal = self.trail[self.drawn_done];
            self.drawn_before.push(self.order.drawn());
            self.drawn_done += 1;
            for at in 0..self.drawn_by.len(literal) {
                let (from, to) = self.edges[self.drawn_by.row(literal)[at] as usize];
                let drawn = self.order.draw(from, to, literal);
                for node in self.order.take_moved() {
                    for at in 0..self.variables_at.len(node) {
                        self.offer(self.variables_at.row(node)[at]);
                    }
                }
                if let Err(others) = drawn {
                    return Some(others.into_iter().chain([literal]).map(|literal| literal ^ 1).collect());
                }
            }
        }
    }

    /// Clauses that watch a literal which has become false.
    fn visit_watches(&mut self, falsified: u32) -> Option<Vec<u32>> {
        let mut watching = std::mem::take(&mut self.watches[falsified as usize]);
        let mut at = 0;
        let mut conflict = None;
        while at < watching.len() && conflict.is_none() {
            let clause = watching[at];
            let mut literals = std::mem::take(&mut self.clauses[clause as usize]);
            if literals[0] == falsified {
                literals.swap(0, 1);
            }
            let other = (2..literals.len()).find(|&place| self.truth(literals[place]) != Truth::False);
            match (self.truth(literals[0]), other) {
                (Truth::True, _) => at += 1,
                (_, Some(place)) => {
                    literals.swap(1, place);
                    self.watches[literals[1] as usize].push(clause);
                    watching.swap_remove(at);
                }
                (Truth::False, None) => conflict = Some(literals.clone()),
                (Truth::Open, None) => {
                    self.assign(literals[0], clause);
                    at += 1;
                }
            }
            self.clauses[clause as usize] = literals;
        }
        self.watches[falsified as usize].append(&mut watching);
        conflict
    }

    /// Learns the first unique implication point's clause and goes back to where it says something new; false where the
    /// conflict needs no decision.
    fn learn(&mut self, mut conflict: Vec<u32>) -> bool {
        let highest = conflict.iter().map(|&literal| self.level[literal as usize / 2]).max().unwrap_or(0);
        if highest == 0 {
            return false;
        }
        self.back_to(highest as usize);
        let mut learnt = vec![NONE];
        let (mut open, mut at) = (0, self.trail.len());
        let mut touched = Vec::new();
        loop {
            for &literal in &conflict {
                let variable = literal as usize / 2;
                if self.seen[variable] || self.level[variable] == 0 {
                    continue;
                }
                self.seen[variable] = true;
                touched.push(variable);
                self.bump(variable);
                if self.level[variable] as usize == self.levels.len() {
                    open += 1;
                } else {
                    learnt.push(literal);
                }
            }
            loop {
                at -= 1;
                if self.seen[self.trail[at] as usize / 2] {
                    break;
                }
            }
            let literal = self.trail[at];
            open -= 1;
            if open == 0 {
                learnt[0] = literal ^ 1;
                break;
            }
            let reason = self.reason[literal as usize / 2];
            conflict =
                self.clauses[reason as usize].iter().copied().filter(|&other| other != literal).collect();
        }
        for variable in touched {
            self.seen[variable] = false;
        }
        self.increment *= ACTIVITY_GROWTH;
        self.take_on(learnt);
        true
    }

    /// Goes back to the level at which a learnt clause forces its first literal.
    fn take_on(&mut self, mut learnt: Vec<u32>) {
        let level_of = |literal: u32| self.level[literal as usize / 2];
        let second = (1..learnt.len()).max_by_key(|&at| level_of(learnt[at]));
        let Some(second) = second else {
            self.back_to(0);
            self.assign(learnt[0], NONE);
            return;
        };
        let level = level_of(learnt[second]) as usize;
        learnt.swap(1, second);
        self.back_to(level);
        let clause = self.clauses.len() as u32;
        self.watches[learnt[0] as usize].push(clause);
        self.watches[learnt[1] as usize].push(clause);
        let forced = learnt[0];
        self.clauses.push(learnt);
        self.assign(forced, clause);
    }

    fn bump(&mut self, variable: usize) {
        self.activity[variable] += self.increment;
        if self.activity[variable] > ACTIVITY_MAX {
            for activity in &mut self.activity {
                *activity /= ACTIVITY_MAX;
            }
            self.increment /= ACTIVITY_MAX;
        }
    }

    fn back_to(&mut self, level: usize) {
        let Some(&kept) = self.levels.get(level) else { return };
        self.levels.truncate(level);
        if self.drawn_done > kept {
            self.order.undo_to(self.drawn_before[kept]);
            self.drawn_before.truncate(kept);
            self.drawn_done = kept;
        }
        while self.trail.len() > kept {
            if let Some(literal) = self.trail.pop() {
                self.value[literal as usize / 2] = 0;
                self.offer(literal / 2);
            }
        }
        self.clauses_done = self.clauses_done.min(kept);
    }

    /// A choice neither of whose directions leads forward, in the direction that is nearer to it.
    fn decide(&mut self) -> Option<u32> {
        while let Some((_, variable)) = self.candidates.pop() {
            self.is_candidate[variable as usize] = false;
            if self.value[variable as usize] != 0 {
                continue;
            }
            let (first, second) = (self.backward(2 * variable), self.backward(2 * variable + 1));
            if first > 0 && second > 0 {
                return Some(2 * variable + u32::from(second < first));
            }
        }
        None
    }

    /// How far a literal's edges lead backward in the kept order, all together.
    fn backward(&self, literal: u32) -> u64 {
        let back = |&edge: &u32| {
            let (from, to) = self.edges[edge as usize];
            u64::from(self.order.place(from).saturating_sub(self.order.place(to)))
        };
        self.drawn_by.row(literal).iter().map(back).sum()
    }
}

/// The sequence 1 1 2 1 1 2 4 …, from 1 (Luby, Sinclair and Zuckerman, "Optimal speedup of Las Vegas algorithms", 1993).
fn luby(at: u64) -> u64 {
    if (at + 1).is_power_of_two() {
        return at.div_ceil(2);
    }
    let below = (at + 1).next_power_of_two() / 2;
    luby(at - (below - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_follow_the_sequence_of_luby() {
        let sequence: Vec<u64> = (1..=15).map(luby).collect();
        assert_eq!(sequence, [1, 1, 2, 1, 1, 2, 4, 1, 1, 2, 1, 1, 2, 4, 8]);
    }
}
