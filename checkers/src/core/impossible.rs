//! An element that a read of a set cannot have shown: no addition of it had begun by then, or it is there twice.

use histories::{AnomalyKind, History, KeyId, ModelName, OperationId, Value};

use crate::{Anomaly, Witness, words};

/// What a read shows, and why it cannot.
pub(crate) struct Impossible<'h> {
    pub(crate) kind: AnomalyKind,
    /// A read of the set, or a dump of all that a node holds.
    pub(crate) read: OperationId,
    pub(crate) key: Option<KeyId>,
    pub(crate) value: &'h Value,
    /// The addition that failed, came too late, or happened once.
    pub(crate) other: Option<OperationId>,
}

impl Impossible<'_> {
    pub(crate) fn anomaly(self, history: &History, model: ModelName) -> Anomaly {
        let Self { kind, read, key, value, other } = self;
        let op = history.operation(read);
        let name = words::key(history, key);
        let clause = format!("client {} saw {value} in {name}", op.process);
        let (summary, fact, note) = match kind {
            AnomalyKind::AbortedRead => (
                format!("{clause}, whose addition had failed"),
                "what fails must never happen".to_owned(),
                "failed: it never happened",
            ),
            AnomalyKind::FutureRead => (
                format!("{clause} before anybody added it"),
                "the read ended before the first addition began".to_owned(),
                "began after the read had ended",
            ),
            AnomalyKind::DuplicateElement => {
                (format!("{clause} more than once"), "a set holds an element once".to_owned(), "added it")
            }
            _ => (
                format!("{clause}, and nobody ever added it"),
                format!("no operation of the history adds {value} to {name}"),
                "",
            ),
        };
        let steps: Vec<_> = std::iter::once(words::completed(history, read, format!("shows {value}")))
            .chain(other.map(|id| words::invoked(id, note)))
            .collect();
        let operations = steps.iter().map(|step| step.operation).collect();
        Anomaly {
            kind,
            summary,
            key,
            steps,
            facts: vec![fact],
            edges: Vec::new(),
            not_rechecked: None,
            witness: Witness { model, operations },
        }
    }
}
