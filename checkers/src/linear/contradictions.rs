//! Reads of lists and strings that contradict each other or the appends, in words.
//!
//! It never looks at time.

use histories::{AnomalyKind, Function, History, OperationId, Outcome, Value};

use crate::core::anomaly::anomaly;
use crate::core::object::Part;
use crate::{Anomaly, Step, words};

use super::fragments::Contradiction;

pub(crate) fn explain(history: &History, part: &Part, contradiction: Contradiction) -> Anomaly {
    let telling = Telling { history, part };
    match contradiction {
        Contradiction::Unwritten { read, explained } => telling.unwritten(read, explained),
        Contradiction::Twice { append, first, second } => telling.twice(append, first, second),
        Contradiction::Apart { first, second, shared } => telling.apart(first, second, shared),
    }
}

struct Telling<'h> {
    history: &'h History,
    part: &'h Part,
}

impl Telling<'_> {
    fn saw(&self, read: OperationId) -> Step {
        let value = words::told(self.history.operation(read));
        words::completed(self.history, read, format!("saw {value}"))
    }

    fn unwritten(&self, read: OperationId, explained: usize) -> Anomaly {
        let (known, rest) = split(self.history.operation(read).reply(), explained);
        let (known, rest) = (words::brief(&known), words::brief(&rest));
        let key = words::key(self.history, self.part.key);
        let told = words::clause(self.history, read);
        let after = if explained == 0 { String::new() } else { format!(" after {known}") };
        let failed = self.failed(read, explained);
        let mut steps: Vec<Step> = failed
            .iter()
            .map(|&id| words::completed(self.history, id, "failed: it never happened"))
            .collect();
        steps.push(self.saw(read));
        let (kind, summary) = match failed {
            Some(failed) => {
                let noun = words::noun(self.history, failed);
                (AnomalyKind::AbortedRead, format!("{told}, though {noun} failed"))
            }
            None => (AnomalyKind::PhantomRead, format!("{told}, which nobody wrote")),
        };
        let fact = format!("nothing that was written or appended to {key} makes {rest}{after}");
        let mut anomaly = anomaly(kind, summary, self.part.key, steps, vec![fact], &[]);
        // A failed append is told, but what did not happen proves nothing.
        anomaly.witness.operations.retain(|&id| id == read);
        anomaly
    }

    /// What failed and would have explained what a read saw next.
    fn failed(&self, read: OperationId, explained: usize) -> Option<OperationId> {
        let (_, rest) = split(self.history.operation(read).reply(), explained);
        self.part.operations.iter().copied().find(|&id| {
            let op = self.history.operation(id);
            op.outcome == Outcome::Fail
                && match op.function {
                    Function::Append => begins(&rest, op.call(), true),
                    Function::Write => explained == 0 && begins(&rest, op.call(), false),
                    _ => false,
                }
        })
    }

    fn twice(&self, append: OperationId, first: OperationId, second: OperationId) -> Anomaly {
        let history = self.history;
        let element = words::told(history.operation(append));
        let mut steps = vec![words::completed(history, append, format!("appended {element}"))];
        steps.push(self.saw(first));
        let told = words::clause(history, second);
        let summary = if first == second {
            format!("{told}, in which {element} stands twice")
        } else {
            steps.push(self.saw(second));
            let before = words::clause(history, first);
            format!("{told}, where {element} stands elsewhere than where {before}")
        };
        let facts = vec![format!("{element} was appended once, so it can stand in one place only")];
        anomaly(AnomalyKind::DuplicateElements, summary, self.part.key, steps, facts, &[])
    }

    fn apart(&self, first: OperationId, second: OperationId, shared: usize) -> Anomaly {
        let told = words::clause(self.history, second);
        let before = words::clause(self.history, first);
        let summary = format!("{told} where {before}: neither is a beginning of the other");
        let rest = |read: OperationId| words::brief(&split(self.history.operation(read).reply(), shared).1);
        let facts = vec![format!(
            "appends only make it longer; after what they share the one goes on with {}, the other with {}",
            rest(first),
            rest(second)
        )];
        let steps = vec![self.saw(first), self.saw(second)];
        anomaly(AnomalyKind::IncompatibleOrder, summary, self.part.key, steps, facts, &[])
    }
}

/// A list or a string in two.
fn split(value: &Value, at: usize) -> (Value, Value) {
    match value {
        Value::List(items) => {
            let (head, tail) = items.split_at(at.min(items.len()));
            (Value::list(head.iter().cloned()), Value::list(tail.iter().cloned()))
        }
        Value::Text(text) => {
            let at = (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
            let (head, tail) = text.split_at(at);
            (Value::text(head), Value::text(tail))
        }
        other => (Value::Null, other.clone()),
    }
}

fn begins(whole: &Value, piece: &Value, is_element: bool) -> bool {
    match (whole, piece) {
        (Value::List(items), element) if is_element => items.first() == Some(element),
        (Value::List(items), Value::List(piece)) => !piece.is_empty() && items.starts_with(piece),
        (Value::Text(text), Value::Text(piece)) => !piece.is_empty() && text.starts_with(piece.as_str()),
        _ => false,
    }
}
