//! Which of the operations that a proof lists come before which: session order, real time, what reads saw, and what
//! follows from these of registers.
//!
//! Proofs that are cycles bring their own edges. This module derives edges for the other proofs, so that reports can draw the
//! order of their operations too. No verdict rests on these edges.

use histories::{Function, History, ModelName, Operation, OperationId, Outcome, Value};

use crate::{Anomaly, EdgeReason, ProofEdge, words};

/// Of more operations no picture can be read.
const OPERATIONS_MAX: usize = 48;

/// The edges among the operations of a proof, in the order in which they were found; at most one of them closes a cycle,
/// and then it is the last.
pub(crate) fn among(history: &History, anomaly: &Anomaly) -> Vec<ProofEdge> {
    let mut operations: Vec<OperationId> = anomaly.steps.iter().map(|step| step.operation).collect();
    operations.sort_unstable();
    operations.dedup();
    if operations.len() > OPERATIONS_MAX {
        return Vec::new();
    }
    let mut graph = Graph::of(history, operations);
    graph.add_sessions();
    if history.has_real_time() && counts_real_time(anomaly.witness.model) {
        graph.add_real_time();
    }
    graph.add_reads();
    graph.follow();
    graph.edges
}

/// Models that a session's order and reads alone violate say nothing of real time.
fn counts_real_time(model: ModelName) -> bool {
    match model {
        ModelName::Sequential
        | ModelName::CausalConvergence
        | ModelName::CausalMemory
        | ModelName::Causal
        | ModelName::Pram
        | ModelName::ReadYourWrites
        | ModelName::MonotonicReads
        | ModelName::MonotonicWrites
        | ModelName::WritesFollowReads
        | ModelName::ReadAtomic
        | ModelName::ReadCommittedBe => false,
        ModelName::StrictSerializable | ModelName::StrongSnapshotIsolation => true,
        model => !model.is_isolation_level(),
    }
}

/// Operations by their place in ascending order, and what comes before what.
struct Graph<'h> {
    history: &'h History,
    operations: Vec<OperationId>,
    edges: Vec<ProofEdge>,
    /// Whether the first comes before the second, by any way.
    before: Vec<Vec<bool>>,
    /// For each read, where its value is known to come from.
    sources: Vec<Source>,
}

/// A read of a register, by the places of operations.
#[derive(Clone, Copy)]
struct Source {
    reader: usize,
    /// `None` is the initial value.
    writer: Option<usize>,
}

impl<'h> Graph<'h> {
    fn of(history: &'h History, operations: Vec<OperationId>) -> Self {
        let before = vec![vec![false; operations.len()]; operations.len()];
        Self { history, operations, edges: Vec::new(), before, sources: Vec::new() }
    }

    fn operation(&self, place: usize) -> &'h Operation {
        self.history.operation(self.operations[place])
    }

    fn places(&self) -> std::ops::Range<usize> {
        0..self.operations.len()
    }

    fn add(&mut self, from: usize, to: usize, reason: EdgeReason) {
        self.edges.push(ProofEdge { from: self.operations[from], to: self.operations[to], reason });
        let ends: Vec<usize> = self.places().filter(|&end| end == to || self.before[to][end]).collect();
        for start in
            self.places().filter(|&start| start == from || self.before[start][from]).collect::<Vec<_>>()
        {
            for &end in &ends {
                self.before[start][end] = true;
            }
        }
    }

    fn add_sessions(&mut self) {
        for to in self.places() {
            let process = self.operation(to).process;
            let last = (0..to).rev().find(|&from| self.operation(from).process == process);
            if let Some(from) = last {
                self.add(from, to, EdgeReason::Session);
            }
        }
    }

    /// Only between neighbours: what follows from two edges is no third.
    fn add_real_time(&mut self) {
        let precedes = |from: usize, to: usize| self.operation(from).precedes(self.operation(to));
        let pairs = self.places().flat_map(|from| self.places().map(move |to| (from, to)));
        let direct = |&(from, to): &(usize, usize)| {
            precedes(from, to)
                && !self.places().any(|between| precedes(from, between) && precedes(between, to))
        };
        let direct: Vec<(usize, usize)> = pairs.filter(direct).collect();
        for (from, to) in direct {
            if !self.before[from][to] {
                self.add(from, to, EdgeReason::RealTime);
            }
        }
    }

    /// What a read saw comes from the one write of it that is listed.
    fn add_reads(&mut self) {
        for reader in self.places() {
            let Some(seen) = seen(self.operation(reader)) else { continue };
            let writers: Vec<usize> =
                self.writers(reader).filter(|&(_, value)| value == seen).map(|(place, _)| place).collect();
            match (writers.as_slice(), seen.is_null()) {
                ([], true) => self.sources.push(Source { reader, writer: None }),
                (&[writer], _) => {
                    self.sources.push(Source { reader, writer: Some(writer) });
                    let (key, value) = (self.key(reader), self.history.value_as_recorded(seen));
                    if !self.before[writer][reader]
                        || self.operation(writer).process != self.operation(reader).process
                    {
                        self.add(writer, reader, EdgeReason::WriteRead { key, value });
                    }
                }
                _ => {}
            }
        }
    }

    /// The other operations that may have written the register of this one, with what they wrote.
    fn writers(&self, reader: usize) -> impl Iterator<Item = (usize, &'h Value)> + '_ {
        let key = self.operation(reader).key;
        let others = self.places().filter(move |&place| place != reader && self.operation(place).key == key);
        others.filter_map(|place| Some((place, written(self.operation(place))?)))
    }

    fn key(&self, place: usize) -> String {
        words::key(self.history, self.operation(place).key)
    }

    /// What follows of registers, until nothing new does or a cycle is closed. A read comes before every write that comes
    /// after what it saw; and what it saw comes after every other write that comes before the read.
    fn follow(&mut self) {
        while let Some((from, to, reason)) = self.next() {
            let closes = self.before[to][from];
            self.add(from, to, reason);
            if closes {
                return;
            }
        }
    }

    fn next(&self) -> Option<(usize, usize, EdgeReason)> {
        self.sources.iter().find_map(|&Source { reader, writer }| {
            let seen =
                || self.history.value_as_recorded(seen(self.operation(reader)).unwrap_or(&Value::Null));
            self.writers(reader).filter(|&(other, _)| Some(other) != writer).find_map(|(other, value)| {
                let (key, value) = (self.key(reader), self.history.value_as_recorded(value));
                match writer {
                    Some(writer) if self.before[writer][other] && !self.before[reader][other] => {
                        Some((reader, other, EdgeReason::ReadWrite { key, seen: seen(), newer: value }))
                    }
                    Some(writer) if self.before[other][reader] && !self.before[other][writer] => {
                        let shown_by = Some(self.operations[reader]);
                        Some((
                            other,
                            writer,
                            EdgeReason::WriteWrite { key, older: value, newer: seen(), shown_by },
                        ))
                    }
                    None if self.before[other][reader] && !self.before[reader][other] => {
                        Some((reader, other, EdgeReason::ReadWrite { key, seen: seen(), newer: value }))
                    }
                    _ => None,
                }
            })
        })
    }
}

/// What an operation saw in a register.
fn seen(op: &Operation) -> Option<&Value> {
    match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => Some(op.reply()),
        (Function::Cas, Outcome::Ok) => op.call().as_pair().map(|(from, _)| from),
        (Function::Cas, Outcome::Fail) => op.seen(),
        _ => None,
    }
}

/// What an operation put into a register, or may have.
fn written(op: &Operation) -> Option<&Value> {
    match (&op.function, op.outcome) {
        (_, Outcome::Fail) => None,
        (Function::Write, _) => Some(op.call()),
        (Function::Cas, _) => op.call().as_pair().map(|(_, to)| to),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use histories::{History, ModelName};

    use crate::testing::{Dice, random};
    use crate::{Anomaly, Budget, ProofEdge, check_all, testing};

    /// The first proof against a model, its edges as `1 -real-time-> 2`, by the places of operations from 0.
    fn edges(text: &str, model: ModelName) -> Vec<String> {
        edges_of(&testing::history(text), model)
    }

    fn edges_of(history: &History, model: ModelName) -> Vec<String> {
        let finding = check_all(history, Some(&[model]), &Budget::unlimited()).remove(0);
        let told = |edge: &ProofEdge| format!("{} -{}-> {}", edge.from.0, edge.reason.name(), edge.to.0);
        finding.verdict.anomalies()[0].edges.iter().map(told).collect()
    }

    #[test]
    fn a_stale_read_is_a_cycle_of_two() {
        let stale = "c1 write x 3 [0,1]\nc1 write x 5 [2,3]\nc2 read x 3 [4,5]";
        assert_eq!(
            edges(stale, ModelName::Linearizable),
            ["0 -session-> 1", "1 -real-time-> 2", "0 -write-read-> 2", "2 -read-write-> 1"]
        );
    }

    #[test]
    fn a_read_of_the_initial_value_comes_before_every_write() {
        let stale = "c1 write x 3 [0,1]\nc2 read x nil [4,5]";
        assert_eq!(edges(stale, ModelName::Linearizable), ["0 -real-time-> 1", "1 -read-write-> 0"]);
    }

    #[test]
    fn what_has_no_real_time_in_it_shows_none() {
        let back = "c1 write x 1 [0,1]\nc2 read x 1 [2,3]\nc2 read x nil [4,5]";
        let found = edges(back, ModelName::Sequential);
        assert!(found.iter().all(|edge| !edge.contains("real-time")), "{found:?}");
    }

    #[test]
    fn transactions_and_sessions_bring_their_own() {
        let skew = r#"{"index":0,"time":0,"process":1,"type":"invoke","f":"txn","value":[["r","x",null],["w","y",1]]}
{"index":1,"time":0,"process":2,"type":"invoke","f":"txn","value":[["r","y",null],["w","x",1]]}
{"index":2,"time":5,"process":1,"type":"ok","f":"txn","value":[["r","x",null],["w","y",1]]}
{"index":3,"time":5,"process":2,"type":"ok","f":"txn","value":[["r","y",null],["w","x",1]]}
"#;
        let skew = histories::read::read(skew.as_bytes(), "skew.jsonl").unwrap();
        assert_eq!(edges_of(&skew, ModelName::Serializable), ["0 -read-write-> 1", "1 -read-write-> 0"]);
        let crossed = "c1 write x 1 [0,1]\nc2 write x 2 [0,1]\nc3 read x 1 [2,3]\nc3 read x 2 [4,5]
                       c4 read x 2 [2,3]\nc4 read x 1 [4,5]";
        let found = edges(crossed, ModelName::MonotonicReads);
        assert_eq!(found.iter().filter(|edge| edge.contains("same-value")).count(), 2, "{found:?}");
    }

    /// Whether the edges hold a cycle.
    fn is_cyclic(edges: &[ProofEdge]) -> bool {
        let mut left: Vec<&ProofEdge> = edges.iter().collect();
        loop {
            let reached: BTreeSet<_> = left.iter().map(|edge| edge.to).collect();
            let before = left.len();
            left.retain(|edge| reached.contains(&edge.from));
            if left.len() == before {
                return !left.is_empty();
            }
        }
    }

    #[test]
    fn a_causal_proof_with_an_order_of_writes_is_a_cycle() {
        let mut dice = Dice(3);
        let models = [ModelName::CausalConvergence, ModelName::MonotonicReads, ModelName::Linearizable];
        let mut cycles = [0; 3];
        for case in 0..2_000 {
            let history = random(&mut dice, 8, case % 2 == 0);
            let findings = check_all(&history, Some(&models), &Budget::unlimited());
            for (count, finding) in cycles.iter_mut().zip(&findings) {
                let whole = |anomaly: &&Anomaly| is_cyclic(&anomaly.edges);
                *count += finding.verdict.anomalies().iter().filter(whole).count();
                for anomaly in finding.verdict.anomalies() {
                    let known = |edge: &ProofEdge| {
                        [edge.from, edge.to].iter().all(|id| id.index() < history.operations().len())
                    };
                    assert!(anomaly.edges.iter().all(known), "{anomaly:?}");
                }
            }
        }
        assert!(cycles.iter().all(|&count| count > 50), "{cycles:?}");
    }
}
