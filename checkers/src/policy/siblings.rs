//! Registers with siblings: what a write quotes is replaced, and nothing else disappears.
//!
//! It never follows contexts, which are the store's own; it follows the values that were quoted.
//!
//! After DeCandia et al., "Dynamo: Amazon's highly available key-value store", SOSP 2007, section 4.4, and Preguiça et
//! al., "Dotted version vectors", 2010.

use std::collections::BTreeMap;

use histories::{AnomalyKind, Function, History, KeyId, ModelName, Nanos, OperationId, Outcome, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::core::final_state::{FinalState, Seen};
use crate::core::ruling::Ruling;
use crate::{Anomaly, Budget, Exhausted, Step, Witness, words};

pub(super) fn judge(
    ruling: &mut Ruling,
    history: &History,
    finals: &Result<FinalState<'_>, String>,
    budget: &Budget,
) {
    for (key, register) in registers(history) {
        ruling.judged += 1;
        let name = words::key(history, Some(key));
        if let Some(why) = &register.unfit {
            ruling.undecided.push(format!("{name}: {why}"));
            continue;
        }
        let seen = finals.as_ref().map(|finals| finals.last(Some(key))).unwrap_or_default();
        let sight = |seen: &'_ Seen| (seen.operation, seen.value.as_list().unwrap_or_default().to_vec());
        let ends: Vec<(OperationId, Vec<Value>)> = seen.iter().map(sight).collect();
        let ends: Vec<Sight<'_>> =
            ends.iter().map(|(operation, siblings)| Sight { operation: *operation, siblings }).collect();
        let impossible = register.impossible(history, &ends);
        if !impossible.is_empty() {
            ruling.anomalies.extend(impossible);
            continue;
        }
        match register.sessions(history, budget) {
            Ok(found) => ruling.anomalies.extend(found),
            Err(exhausted) => return ruling.undecided.push(exhausted.to_string()),
        }
        match finals {
            Ok(_) if ends.is_empty() => ruling.undecided.push(format!("{name}: nobody read it at the end")),
            Ok(_) => ruling.anomalies.extend(register.end(history, &ends)),
            Err(why) => ruling.undecided.push(why.clone()),
        }
    }
}

/// A write that may have happened. Writes are numbered in the order of their invocations.
#[derive(Debug)]
struct Write<'h> {
    operation: OperationId,
    /// `None` where it only takes away.
    value: Option<&'h Value>,
    quoted: &'h [Value],
    invoked: Nanos,
    acknowledged: bool,
}

/// Siblings as somebody saw them.
#[derive(Clone, Copy, Debug)]
struct Sight<'h> {
    operation: OperationId,
    siblings: &'h [Value],
}

#[derive(Debug, Default)]
struct Register<'h> {
    writes: Vec<Write<'h>>,
    by_value: FxHashMap<&'h Value, u32>,
    failed: FxHashMap<&'h Value, OperationId>,
    /// By invocation.
    reads: Vec<Sight<'h>>,
    unfit: Option<String>,
}

fn registers(history: &History) -> BTreeMap<KeyId, Register<'_>> {
    let mut registers: BTreeMap<KeyId, Register<'_>> = BTreeMap::new();
    for op in history.operations().iter().filter(|op| op.function == Function::Replace) {
        registers.extend(op.key.map(|key| (key, Register::default())));
    }
    for (id, op) in history.iter() {
        let Some(register) = op.key.and_then(|key| registers.get_mut(&key)) else { continue };
        match op.function {
            Function::Replace => register.write(history, id),
            Function::Read | Function::ReadAll if op.is_ok() => match op.reply().as_list() {
                Some(siblings) => register.reads.push(Sight { operation: id, siblings }),
                None if op.reply().is_null() => register.reads.push(Sight { operation: id, siblings: &[] }),
                None => register.unfit = Some(format!("a read shows {}, not a list of siblings", op.reply())),
            },
            Function::Read | Function::ReadAll => {}
            _ if op.outcome == Outcome::Fail => {}
            _ => register.unfit = Some(format!("also changed by {}", op.function)),
        }
    }
    registers
}

impl<'h> Register<'h> {
    fn write(&mut self, history: &'h History, id: OperationId) {
        let op = history.operation(id);
        let Some((Some(quoted), value)) =
            op.call().as_pair().map(|(quoted, value)| (quoted.as_list(), value))
        else {
            self.unfit = Some(format!("a replace has {}, not [siblings, value]", op.call()));
            return;
        };
        if op.outcome == Outcome::Fail {
            self.failed.insert(value, id);
            return;
        }
        let number = self.writes.len() as u32;
        if !value.is_null() && self.by_value.insert(value, number).is_some() {
            self.unfit = Some(format!("values repeat: {value} is written more than once"));
        }
        self.writes.push(Write {
            operation: id,
            value: Some(value).filter(|value| !value.is_null()),
            quoted,
            invoked: op.invoked,
            acknowledged: op.is_ok(),
        });
    }

    fn number(&self, value: &Value) -> Option<u32> {
        self.by_value.get(value).copied()
    }

    fn numbers(&self, values: &[Value]) -> Vec<u32> {
        values.iter().filter_map(|value| self.number(value)).collect()
    }

    /// Siblings that nobody wrote, or not yet; each told once.
    fn impossible(&self, history: &History, ends: &[Sight<'_>]) -> Vec<Anomaly> {
        let mut told = FxHashSet::default();
        let mut found = Vec::new();
        for sight in self.reads.iter().chain(ends) {
            let op = history.operation(sight.operation);
            for value in sight.siblings {
                let (kind, summary, other) = match (self.number(value), self.failed.get(value)) {
                    (Some(writer), _) if op.completed < self.writes[writer as usize].invoked => (
                        AnomalyKind::FutureRead,
                        "before anybody wrote it",
                        Some((self.writes[writer as usize].operation, "began after the read had ended")),
                    ),
                    (Some(_), _) => continue,
                    (None, Some(&failed)) => (
                        AnomalyKind::AbortedRead,
                        "whose write had failed",
                        Some((failed, "failed: it never happened")),
                    ),
                    (None, None) => (AnomalyKind::PhantomRead, "which nobody wrote", None),
                };
                if told.insert(value) {
                    let clause = format!("client {} saw {value}, {summary}", op.process);
                    let shows = words::completed(history, sight.operation, format!("shows {value}"));
                    let other = other.map(|(id, note)| words::invoked(id, note));
                    found.push(anomaly(history, kind, clause, [shows].into_iter().chain(other).collect()));
                }
            }
        }
        found
    }

    /// Of some writes, those that others replaced: quoted by them, or by what they quoted. None that began before all of
    /// the wanted can have.
    fn replaced(&self, by: &[u32], wanted: &[u32]) -> FxHashSet<u32> {
        let earliest = wanted.iter().map(|&number| self.writes[number as usize].invoked).min();
        let mut replaced = FxHashSet::default();
        let mut open: Vec<u32> = by.to_vec();
        while let Some(number) = open.pop() {
            for quoted in self.numbers(self.writes[number as usize].quoted) {
                let early = earliest.is_none_or(|earliest| self.writes[quoted as usize].invoked < earliest);
                if !early && replaced.insert(quoted) {
                    open.push(quoted);
                }
            }
        }
        replaced
    }

    /// Of some writes, those that are neither among the siblings of a sight nor replaced by these, nor by a write that
    /// leaves no value behind and had begun by then.
    fn dropped(&self, siblings: &[u32], wanted: &[u32], until: Nanos) -> Vec<u32> {
        let mut left: Vec<u32> = wanted.iter().copied().filter(|number| !siblings.contains(number)).collect();
        if left.is_empty() {
            return left;
        }
        let replaced = self.replaced(siblings, &left);
        left.retain(|number| !replaced.contains(number));
        if left.is_empty() {
            return left;
        }
        // One that replaced what is there had not come to pass here.
        let removals =
            (0..).zip(&self.writes).filter(|(_, write)| write.value.is_none() && write.invoked <= until);
        let removals = removals.map(|(number, _)| number).filter(|&number| {
            let replaced = self.replaced(&[number], siblings);
            !siblings.iter().any(|sibling| replaced.contains(sibling))
        });
        let removed = self.replaced(&removals.collect::<Vec<u32>>(), &left);
        left.retain(|number| !removed.contains(number));
        left
    }

    /// What sessions saw, sight by sight.
    fn sessions(&self, history: &History, budget: &Budget) -> Result<Vec<Anomaly>, Exhausted> {
        let mut found = Vec::new();
        let mut told = FxHashSet::default();
        // By process, what it had seen or written when it saw the key last, and has written since.
        let mut known: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut written = self.writes.iter().enumerate().filter(|(_, write)| write.acknowledged).peekable();
        for (i, sight) in self.reads.iter().enumerate() {
            if i % 256 == 0 {
                budget.check()?;
            }
            while let Some((number, write)) = written.next_if(|(_, write)| write.operation < sight.operation)
            {
                let process = history.operation(write.operation).process;
                known.entry(process).or_default().push(number as u32);
            }
            let op = history.operation(sight.operation);
            let siblings = self.numbers(sight.siblings);
            if let Some((old, by)) = self.stale(&siblings).filter(|(old, _)| told.insert(*old)) {
                found.push(self.beside(history, sight.operation, old, by));
            }
            let session = known.entry(op.process).or_default();
            let wanted: Vec<u32> = session
                .iter()
                .copied()
                .filter(|&number| self.writes[number as usize].value.is_some())
                .collect();
            for number in self.dropped(&siblings, &wanted, op.completed) {
                if told.insert(number) {
                    found.push(self.gone(history, sight.operation, number));
                }
            }
            *session = siblings;
        }
        Ok(found)
    }

    /// A sibling that another of the same sight had replaced, with that other.
    fn stale(&self, siblings: &[u32]) -> Option<(u32, u32)> {
        if siblings.len() < 2 {
            return None;
        }
        siblings.iter().find_map(|&by| {
            let replaced = self.replaced(&[by], siblings);
            siblings.iter().find(|old| replaced.contains(old)).map(|&old| (old, by))
        })
    }

    /// At the end every replica shows what nothing replaced. What one alone shows wrong is convergence's concern.
    fn end(&self, history: &History, sights: &[Sight<'_>]) -> Vec<Anomaly> {
        let mut first = None;
        for sight in sights {
            let found = self.end_of(history, sight);
            if found.is_empty() {
                return found;
            }
            first.get_or_insert(found);
        }
        first.unwrap_or_default()
    }

    fn end_of(&self, history: &History, sight: &Sight<'_>) -> Vec<Anomaly> {
        let siblings = self.numbers(sight.siblings);
        let seen = self.reads.iter().chain([sight]).flat_map(|sight| self.numbers(sight.siblings));
        let mut happened: Vec<u32> = (0..)
            .zip(&self.writes)
            .filter(|(_, write)| write.acknowledged && write.value.is_some())
            .map(|(number, _)| number)
            .chain(seen)
            .collect();
        happened.sort_unstable();
        happened.dedup();
        let until = history.operation(sight.operation).completed;
        let mut found: Vec<Anomaly> = self
            .dropped(&siblings, &happened, until)
            .into_iter()
            .map(|number| self.gone(history, sight.operation, number))
            .collect();
        // Whatever is known to have happened has replaced what it quoted.
        let acknowledged = (0..).zip(&self.writes).filter(|(_, write)| write.acknowledged);
        let by: Vec<u32> = acknowledged.map(|(number, _)| number).chain(happened).collect();
        let replaced = self.replaced(&by, &siblings);
        let back = siblings.iter().filter(|number| replaced.contains(number)).filter_map(|&old| {
            let by = by.iter().find(|&&by| self.replaced(&[by], &[old]).contains(&old))?;
            Some(self.beside(history, sight.operation, old, *by))
        });
        found.extend(back);
        found
    }

    fn gone(&self, history: &History, sight: OperationId, number: u32) -> Anomaly {
        let write = &self.writes[number as usize];
        let noun = words::noun(history, write.operation);
        let steps = vec![
            words::completed(history, write.operation, "was known"),
            words::completed(history, sight, "shows neither it nor a version that had replaced it"),
        ];
        let summary = format!("{noun} is gone, and nobody had replaced it");
        anomaly(history, AnomalyKind::DroppedSibling, summary, steps)
    }

    fn beside(&self, history: &History, sight: OperationId, old: u32, by: u32) -> Anomaly {
        let [old, by] = [old, by].map(|number| self.writes[number as usize].operation);
        let noun = words::noun(history, by);
        let steps = vec![
            words::completed(history, old, "was replaced"),
            words::completed(history, by, "replaced it"),
            words::completed(history, sight, "shows it all the same"),
        ];
        let summary = format!("{} is there although {noun} had replaced it", words::noun(history, old));
        anomaly(history, AnomalyKind::ReplacedSibling, summary, steps)
    }
}

fn anomaly(history: &History, kind: AnomalyKind, summary: String, steps: Vec<Step>) -> Anomaly {
    let operations: Vec<OperationId> = steps.iter().map(|step| step.operation).collect();
    Anomaly {
        kind,
        edges: Vec::new(),
        not_rechecked: None,
        summary,
        key: operations.iter().find_map(|&id| history.operation(id).key),
        steps,
        facts: vec!["a version is replaced by the write that quotes it, and by nothing else".into()],
        witness: Witness { model: ModelName::ConflictPolicy, operations },
    }
}
