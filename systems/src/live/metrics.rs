//! A member's status in Prometheus' text format (version 0.0.4). Pure; it counts nothing of its own.

use std::fmt::{Display, Write as _};

use crate::store::{ReplicaStatus, Role};
use crate::{Behind, Lag};

pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One gauge after the other, each with what it means.
pub(crate) fn text(status: &ReplicaStatus) -> String {
    let mut page = Page { text: String::new(), node: status.node.to_string() };
    page.gauge("ready", "Serves reads and writes: 1 or 0.", u8::from(status.ready));
    page.gauge("leads", "Takes itself for a leader: 1 or 0.", u8::from(status.role == Role::Leader));
    page.gauge("term", "The term that it is in.", status.term);
    page.gauge("log_last_index", "Index of the last entry of its log.", status.last_index);
    page.gauge(
        "log_commit_index",
        "Index up to which it knows entries to be committed.",
        status.commit_index,
    );
    page.gauge("log_applied_index", "Index up to which it has applied entries.", status.applied_index);
    page.describe(
        "lag_entries",
        "Entries that a follower lies behind, or that it has yet to get from elsewhere.",
    );
    for Lag { of, entries } in &status.lag {
        let (kind, which) = match of {
            Behind::Follower(follower) => ("follower", follower.to_string()),
            Behind::Origin(datacentre) => ("datacentre", (datacentre + 1).to_string()),
        };
        page.sample("lag_entries", &format!(",{kind}=\"{which}\""), entries);
    }
    page.text
}

struct Page {
    text: String,
    node: String,
}

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.describe(name, help);
        self.sample(name, "", value);
    }

    // Writing to a string cannot fail.
    fn describe(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP partita_{name} {help}\n# TYPE partita_{name} gauge");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.text, "partita_{name}{{node=\"{}\"{labels}}} {value}", self.node);
    }
}

#[cfg(test)]
mod tests {
    use histories::Node;

    use super::*;

    #[test]
    fn a_page_is_what_prometheus_reads() {
        let lag = vec![
            Lag { of: Behind::Follower(Node(1)), entries: 4 },
            Lag { of: Behind::Origin(2), entries: 0 },
        ];
        let status = ReplicaStatus {
            node: Node(0),
            role: Role::Leader,
            term: 3,
            leader: Some(Node(0)),
            last_index: 9,
            commit_index: 7,
            applied_index: 6,
            lag,
            ready: true,
        };
        insta::assert_snapshot!(text(&status));
    }
}
