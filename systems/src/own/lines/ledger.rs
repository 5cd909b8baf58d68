//! Which requests the child still owes an answer to. It knows what a breach of the protocol is, and nothing of pipes.

use std::collections::{BTreeMap, BTreeSet};

use super::message::Answer;

/// So much of a line is quoted.
const QUOTED_CHARS_MAX: usize = 300;

/// How a child broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Breach {
    #[error("it answered request {id}, which was never sent: {line}")]
    NeverSent { id: u64, line: String },
    #[error("it answered request {id} a second time: {line}")]
    Second { id: u64, line: String },
    #[error("a line is no answer ({why}): {line}")]
    Malformed { why: String, line: String },
}

/// The requests of one child. `W` is what waits for an answer.
#[derive(Debug)]
pub(crate) struct Ledger<W> {
    /// The identifier of the latest request; they are counted from 1.
    issued: u64,
    open: BTreeMap<u64, W>,
    /// Not answered by their deadline. An answer yet to come is late, and one after it would be a second one.
    overdue: BTreeSet<u64>,
    /// Answers that came after the deadline.
    late: u64,
}

impl<W> Default for Ledger<W> {
    fn default() -> Self {
        Self { issued: 0, open: BTreeMap::new(), overdue: BTreeSet::new(), late: 0 }
    }
}

impl<W> Ledger<W> {
    /// A new request, with what waits for its answer.
    pub(crate) fn issue(&mut self, waiting: W) -> u64 {
        self.issued += 1;
        self.open.insert(self.issued, waiting);
        self.issued
    }

    /// The deadline of a request has passed: nothing waits for its answer any more.
    pub(crate) fn expire(&mut self, id: u64) {
        if self.open.remove(&id).is_some() {
            self.overdue.insert(id);
        }
    }

    /// A line came from the child: what waited for it, `None` where it is late.
    pub(crate) fn answered(&mut self, line: &str) -> Result<Option<(W, Answer)>, Breach> {
        let (id, answer) =
            Answer::parse(line).map_err(|why| Breach::Malformed { why, line: quoted(line) })?;
        if let Some(waiting) = self.open.remove(&id) {
            return Ok(Some((waiting, answer)));
        }
        if self.overdue.remove(&id) {
            self.late += 1;
            return Ok(None);
        }
        let line = quoted(line);
        Err(if (1..=self.issued).contains(&id) {
            Breach::Second { id, line }
        } else {
            Breach::NeverSent { id, line }
        })
    }

    pub(crate) fn late(&self) -> u64 {
        self.late
    }

    /// Nothing is going to be answered any more.
    pub(crate) fn close(&mut self) {
        self.open.clear();
    }
}

/// The beginning of a line, as it may be shown.
pub(crate) fn quoted(line: &str) -> String {
    let mut shown: String = line.chars().take(QUOTED_CHARS_MAX).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each step is a request, a deadline that passes, or a line of the child.
    #[test]
    fn every_answer_is_matched_with_its_request_or_named_as_a_breach() {
        let script = [
            "send",
            "send",
            "send",
            r#"{"id":2,"ok":{}}"#,
            r#"{"id":1,"fail":"no"}"#,
            "expire 3",
            r#"{"id":3,"ok":{}}"#,
            r#"{"id":3,"ok":{}}"#,
            r#"{"id":2,"info":"again"}"#,
            r#"{"id":4,"ok":{}}"#,
            r#"{"id":0,"ok":{}}"#,
            r#"{"id":1,"#,
            "hello",
        ];
        let mut ledger = Ledger::default();
        let mut told = Vec::new();
        for step in script {
            let outcome = match step.split_once(' ') {
                None if step == "send" => format!("request {}", ledger.issue(step)),
                Some(("expire", id)) => {
                    ledger.expire(id.parse().unwrap());
                    "nothing waits".to_owned()
                }
                _ => match ledger.answered(step) {
                    Ok(Some((_, answer))) => format!("{answer:?}"),
                    Ok(None) => format!("late, {} so far", ledger.late()),
                    Err(breach) => format!("breach: {breach}"),
                },
            };
            told.push(format!("{step} -> {outcome}"));
        }
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_long_line_is_quoted_in_part() {
        assert_eq!(quoted(&"ü".repeat(301)).chars().count(), 301);
        assert_eq!(quoted("short"), "short");
    }
}
