//! Which model implies which, and what that adds to the findings of checkers.
//!
//! No arrow is drawn that is not proved; of a history it looks only at whether time keeps each session's order.

use std::fmt::Write;
use std::time::Duration;

use histories::ModelName::{
    self, Causal, CausalConvergence, CausalMemory, Linearizable, MonotonicAtomicView, MonotonicReads,
    MonotonicWrites, ParallelSnapshotIsolation, Pram, Prefix, ReadAtomic, ReadCommitted, ReadCommittedBe,
    ReadUncommitted, ReadYourWrites, RealTimeCausal, RepeatableRead, Sequential, Serializable,
    SnapshotIsolation, StrictSerializable, StrongSessionParallelSnapshotIsolation, StrongSessionPrefix,
    StrongSessionSerializable, StrongSessionSnapshotIsolation, StrongSnapshotIsolation, WritesFollowReads,
};
use histories::{History, Nanos, Outcome};
use petgraph::Direction;
use petgraph::graphmap::DiGraphMap;
use petgraph::visit::Bfs;
use rustc_hash::FxHashMap;

use crate::{Anomaly, Figures, Finding, IMPLIED, Verdict};

/// An arrow from each model to what it implies at once. Two that imply each other are one model under two names, where
/// both apply: isolation levels apply to transactions alone.
const IMPLICATIONS: [(ModelName, ModelName); 41] = [
    (Linearizable, StrictSerializable),
    (StrictSerializable, Linearizable),
    (Linearizable, Sequential),
    (Linearizable, RealTimeCausal),
    (RealTimeCausal, CausalConvergence),
    (Sequential, StrongSessionSerializable),
    (StrongSessionSerializable, Sequential),
    (Sequential, CausalMemory),
    (Sequential, CausalConvergence),
    (CausalMemory, Causal),
    (CausalMemory, Pram),
    (CausalConvergence, Causal),
    (CausalConvergence, ReadYourWrites),
    (CausalConvergence, MonotonicReads),
    (CausalConvergence, MonotonicWrites),
    (CausalConvergence, WritesFollowReads),
    (CausalConvergence, ReadAtomic),
    (ReadAtomic, ReadCommittedBe),
    (StrictSerializable, StrongSessionSerializable),
    (StrictSerializable, StrongSnapshotIsolation),
    (StrictSerializable, Serializable),
    (StrongSnapshotIsolation, StrongSessionSnapshotIsolation),
    (StrongSnapshotIsolation, SnapshotIsolation),
    (StrongSessionSerializable, StrongSessionSnapshotIsolation),
    (StrongSessionSerializable, Serializable),
    (StrongSessionSnapshotIsolation, StrongSessionParallelSnapshotIsolation),
    (StrongSessionSnapshotIsolation, StrongSessionPrefix),
    (StrongSessionSnapshotIsolation, SnapshotIsolation),
    (StrongSessionParallelSnapshotIsolation, CausalConvergence),
    (StrongSessionParallelSnapshotIsolation, ParallelSnapshotIsolation),
    (StrongSessionPrefix, CausalConvergence),
    (StrongSessionPrefix, Prefix),
    (Serializable, RepeatableRead),
    (RepeatableRead, Serializable),
    (RepeatableRead, SnapshotIsolation),
    (SnapshotIsolation, ParallelSnapshotIsolation),
    (SnapshotIsolation, Prefix),
    (ParallelSnapshotIsolation, MonotonicAtomicView),
    (Prefix, ReadCommitted),
    (MonotonicAtomicView, ReadCommitted),
    (ReadCommitted, ReadUncommitted),
];

/// The arrows from real time to the order of sessions.
const FROM_TIME_TO_SESSIONS: [(ModelName, ModelName); 4] = [
    (Linearizable, Sequential),
    (Linearizable, RealTimeCausal),
    (StrictSerializable, StrongSessionSerializable),
    (StrongSnapshotIsolation, StrongSessionSnapshotIsolation),
];

/// The ladder of models, as it always is or as it is for one history.
#[derive(Debug)]
pub struct Hierarchy(DiGraphMap<ModelName, ()>);

impl Default for Hierarchy {
    fn default() -> Self {
        Self(DiGraphMap::from_edges(IMPLICATIONS))
    }
}

impl Hierarchy {
    /// The arrows that hold for a history. What keeps the order of real time implies what keeps the order of each session
    /// only where real time has that order, too.
    pub fn of(history: &History) -> Self {
        let has_all = time_orders_sessions(history);
        let arrows =
            IMPLICATIONS.into_iter().filter(|arrow| has_all || !FROM_TIME_TO_SESSIONS.contains(arrow));
        Self(DiGraphMap::from_edges(arrows))
    }

    pub fn implies(&self, stronger: ModelName, weaker: ModelName) -> bool {
        stronger == weaker || self.reach(stronger, Direction::Outgoing).contains(&weaker)
    }

    /// Whether one implies the other and does not follow from it.
    fn is_stronger(&self, one: ModelName, other: ModelName) -> bool {
        self.implies(one, other) && !self.implies(other, one)
    }

    /// Every other model that follows from this one.
    pub fn implied_by(&self, model: ModelName) -> Vec<ModelName> {
        self.reach(model, Direction::Outgoing)
    }

    /// Every other model that this one follows from.
    pub fn implying(&self, model: ModelName) -> Vec<ModelName> {
        self.reach(model, Direction::Incoming)
    }

    fn reach(&self, from: ModelName, direction: Direction) -> Vec<ModelName> {
        if !self.0.contains_node(from) {
            return Vec::new();
        }
        let mut reached = Vec::new();
        match direction {
            Direction::Outgoing => {
                let mut walk = Bfs::new(&self.0, from);
                while let Some(model) = walk.next(&self.0) {
                    reached.push(model);
                }
            }
            Direction::Incoming => {
                let reversed = petgraph::visit::Reversed(&self.0);
                let mut walk = Bfs::new(reversed, from);
                while let Some(model) = walk.next(reversed) {
                    reached.push(model);
                }
            }
        }
        reached.retain(|&model| model != from);
        reached.sort_unstable();
        reached
    }

    /// What the findings say of a model, by a finding of its own or by implication; `None` where they say nothing.
    pub fn deduce(&self, findings: &[Finding], model: ModelName) -> Option<Finding> {
        let own = findings.iter().find(|finding| finding.model == model);
        let decided = own.filter(|finding| matches!(finding.verdict, Verdict::Valid | Verdict::Invalid(_)));
        if let Some(decided) = decided {
            return Some(decided.clone());
        }
        let says_nothing = own.is_none_or(|finding| matches!(finding.verdict, Verdict::NotApplicable(_)));
        if model.is_isolation_level() && says_nothing {
            return own.cloned();
        }
        let held = findings
            .iter()
            .find(|finding| finding.verdict == Verdict::Valid && self.implies(finding.model, model))
            .map(|_| Verdict::Valid);
        let violated =
            findings
                .iter()
                .filter(|finding| self.implies(model, finding.model))
                .find_map(|finding| {
                    if let Verdict::Invalid(anomalies) = &finding.verdict { Some(anomalies) } else { None }
                })
                .map(|anomalies: &Vec<Anomaly>| Verdict::Invalid(anomalies.clone()));
        let deduced = violated.or(held).map(|verdict| Finding {
            model,
            verdict,
            method: IMPLIED,
            figures: own.map_or_else(Figures::default, |finding| finding.figures.clone()),
            elapsed: own.map_or(Duration::ZERO, |finding| finding.elapsed),
        });
        deduced.or_else(|| own.cloned())
    }

    /// Each model with one that it implies at once.
    pub fn implications(&self) -> Vec<(ModelName, ModelName)> {
        self.0.all_edges().map(|(stronger, weaker, ())| (stronger, weaker)).collect()
    }

    /// The ladder as a Mermaid graph, the strongest models on top.
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart TD\n");
        for (stronger, weaker) in self.implications() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    {stronger} --> {weaker}");
        }
        text
    }

    /// The models that held and follow from no other that held.
    pub fn strongest(&self, findings: &[Finding]) -> Vec<ModelName> {
        let held = with(findings, |verdict| *verdict == Verdict::Valid);
        let implied = |&model: &ModelName| held.iter().any(|&other| self.is_stronger(other, model));
        held.iter().copied().filter(|model| !implied(model)).collect()
    }

    /// The models that were violated and imply no other that was.
    pub fn weakest_violated(&self, findings: &[Finding]) -> Vec<ModelName> {
        let violated = with(findings, |verdict| matches!(verdict, Verdict::Invalid(_)));
        let implies = |&model: &ModelName| violated.iter().any(|&other| self.is_stronger(model, other));
        violated.iter().copied().filter(|model| !implies(model)).collect()
    }
}

/// Whether each operation began after all that its session knew to have ended. Intervals are closed: where an operation
/// begins in the nanosecond in which the one before it ends, real time does not order the two.
fn time_orders_sessions(history: &History) -> bool {
    let mut ended: FxHashMap<u32, Nanos> = FxHashMap::default();
    let counts = history.operations().iter().filter(|op| op.outcome != Outcome::Fail || op.seen().is_some());
    for op in counts {
        let last = ended.get(&op.process);
        if last.is_some_and(|&last| op.invoked <= last) {
            return false;
        }
        // An operation of unknown outcome may take effect after what its session does next.
        if op.outcome != Outcome::Info {
            ended.insert(op.process, op.completed);
        }
    }
    true
}

/// The models about which nothing is known.
pub fn undecided(findings: &[Finding]) -> Vec<ModelName> {
    with(findings, |verdict| matches!(verdict, Verdict::Unknown(_) | Verdict::Refuted(_)))
}

/// The models that say nothing about such a history.
pub fn not_applicable(findings: &[Finding]) -> Vec<ModelName> {
    with(findings, |verdict| matches!(verdict, Verdict::NotApplicable(_)))
}

fn with(findings: &[Finding], test: impl Fn(&Verdict) -> bool) -> Vec<ModelName> {
    let mut models: Vec<ModelName> =
        findings.iter().filter(|finding| test(&finding.verdict)).map(|finding| finding.model).collect();
    models.sort_unstable();
    models.dedup();
    models
}

#[cfg(test)]
mod tests {
    use histories::{Event, Function, Kind, Op, Process, Value};

    use super::*;
    use crate::testing;

    fn finding(model: ModelName, verdict: Verdict) -> Finding {
        Finding { model, verdict, method: "test", figures: Figures::default(), elapsed: Duration::ZERO }
    }

    #[test]
    fn linearizable_implies_every_model_on_the_ladder_and_none_beside_it() {
        let ladder = Hierarchy::default();
        for &model in ModelName::ALL {
            assert_eq!(ladder.implies(Linearizable, model), model < ModelName::Durability, "{model}");
        }
        assert!(!ladder.implies(CausalMemory, ReadYourWrites), "the guarantees presuppose one arbitration");
        assert!(!ladder.implies(CausalConvergence, Pram));
        assert_eq!(
            ladder.implying(Pram),
            [Linearizable, Sequential, CausalMemory, StrictSerializable, StrongSessionSerializable]
        );
        assert_eq!(ladder.implied_by(CausalMemory), [Causal, Pram]);
    }

    #[test]
    fn the_document_draws_the_ladder_and_explains_every_model() {
        let document = include_str!("../../docs/models.md");
        let ladder = Hierarchy::default().mermaid();
        assert!(
            document.contains(&format!("```mermaid\n{ladder}```")),
            "docs/models.md should hold\n{ladder}"
        );
        for model in ModelName::ALL {
            let line = format!("| `{model}` | {} |", model.about());
            assert!(document.contains(&line), "docs/models.md should hold\n{line}");
        }
    }

    #[test]
    fn what_holds_is_passed_down_and_what_is_violated_up() {
        let ladder = Hierarchy::default();
        let held = [finding(Linearizable, Verdict::Valid)];
        assert_eq!(ladder.deduce(&held, Pram).unwrap().verdict, Verdict::Valid);
        assert_eq!(ladder.deduce(&held, ModelName::Durability), None);
        let violated = [
            finding(MonotonicReads, Verdict::Invalid(Vec::new())),
            finding(Linearizable, Verdict::Unknown(String::new())),
        ];
        assert_eq!(ladder.deduce(&violated, Linearizable).unwrap().verdict, Verdict::Invalid(Vec::new()));
        assert_eq!(ladder.deduce(&violated, Sequential).unwrap().method, IMPLIED);
        assert_eq!(ladder.deduce(&violated, Causal), None, "a guarantee is not causal consistency");
    }

    #[test]
    fn linearizable_implies_nothing_where_time_does_not_keep_a_sessions_order() {
        // Client 1 writes x between 0 and 1, and reads it from `from` on.
        let ladder = |kind: Kind, op: Op, from: u64| {
            let event = |time, kind, op: &Op| testing::event(time, Process::Client(1), kind, op.clone());
            let seen = (kind == Kind::Fail && op.function == Function::Cas).then_some(Value::Int(3));
            let ended = Event { seen, ..event(1, kind, &op) };
            let read = Op { value: 1.into(), ..Op::read("x") };
            let events = vec![
                event(0, Kind::Invoke, &op),
                ended,
                event(from, Kind::Invoke, &Op::read("x")),
                event(from + 1, Kind::Ok, &read),
            ];
            Hierarchy::of(&testing::build(Vec::new(), events))
        };
        let implies = |kind, op, from| ladder(kind, op, from).implies(Linearizable, Pram);
        let write = || Op::write("x", 1);
        assert!(implies(Kind::Ok, write(), 2));
        assert!(!implies(Kind::Ok, write(), 1), "they touch");
        assert!(implies(Kind::Info, write(), 1), "the write may come later all the same");
        assert!(implies(Kind::Fail, write(), 1), "what failed has no order");
        assert!(!implies(Kind::Fail, Op::cas("x", 2, 1), 1), "but for what it saw");
        let two = testing::history("c1 write x 1 [0,1]\nc2 read x 1 [1,2]");
        assert!(Hierarchy::of(&two).implies(Linearizable, Pram), "they are of two sessions");
        let ladder = ladder(Kind::Ok, write(), 1);
        assert!(ladder.implies(Sequential, Pram) && !ladder.implies(Linearizable, RealTimeCausal));
        let findings = [finding(Linearizable, Verdict::Valid), finding(Sequential, Verdict::Valid)];
        assert_eq!(ladder.strongest(&findings), [Linearizable, Sequential]);
    }

    #[test]
    fn only_the_maximal_and_the_minimal_are_named() {
        let ladder = Hierarchy::default();
        let findings = [
            finding(Linearizable, Verdict::Invalid(Vec::new())),
            finding(Sequential, Verdict::Invalid(Vec::new())),
            finding(CausalConvergence, Verdict::Valid),
            finding(MonotonicReads, Verdict::Valid),
            finding(ModelName::Durability, Verdict::Valid),
            finding(Pram, Verdict::Unknown(String::new())),
        ];
        assert_eq!(ladder.strongest(&findings), [CausalConvergence, ModelName::Durability]);
        assert_eq!(ladder.weakest_violated(&findings), [Sequential]);
        assert_eq!(undecided(&findings), [Pram]);
    }
}
