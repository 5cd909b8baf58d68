//! The first line of a history: where it comes from and what is demanded of it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ModelName, Node};

/// The first line of a history file. Every field but the format's version may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format, 1.
    pub partita: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suite: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub system: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mode: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workload: String,
    /// Names by which events call the nodes, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub started: String,
    /// How the system settles concurrent writes, where it accepts them in several places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<Conflict>,
    /// On how many nodes each key is kept; on all where it is not said. Then a dump that lacks a key says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<u16>,
    /// How many nodes lead at a time where that is not one: neighbours of equal number share a leader. 0 where nobody leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaders: Option<u16>,
    /// What is known of the accounts between which money is moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<Accounts>,
    /// Models that the system promised to keep in this run: what `check` demands unless told otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demands: Vec<ModelName>,
}

impl Header {
    /// The version of the format that this crate writes.
    pub const VERSION: u32 = 1;

    /// The names of its fields in a file.
    pub(crate) const FIELDS: &[&str] = &[
        "partita", "suite", "system", "mode", "workload", "nodes", "seed", "started", "conflict", "copies",
        "leaders", "bank", "demands",
    ];

    /// Whether these two nodes may never lead at the same time.
    pub fn share_a_leader(&self, one: Node, other: Node) -> bool {
        let leaders = usize::from(self.leaders.unwrap_or(1));
        let group = |node: Node| node.index() * leaders / self.nodes.len().max(1);
        leaders > 0 && (leaders == 1 || group(one) == group(other))
    }
}

/// What is known of a bank beside what is read of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Accounts {
    /// All accounts that there are; those that transfers name and reads show where it is not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// What they hold together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_amount: Option<i64>,
    /// Whether an account may hold less than nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub negative_balances: bool,
}

impl Accounts {
    /// The same, with what else is known of them.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        if !other.accounts.is_empty() {
            self.accounts.clone_from(&other.accounts);
        }
        self.total_amount = other.total_amount.or(self.total_amount);
        self.negative_balances |= other.negative_balances;
        self
    }
}

/// What becomes of concurrent writes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// There are none: each key is written in one place.
    Home,
    /// The largest (wall time, origin, sequence) wins; in hints, the wall time is the `version`, the origin `served_by`.
    Lww,
    /// The same by a hybrid clock, which never contradicts causality.
    LwwHlc,
    /// They are kept side by side until a write quotes them.
    VersionVector,
    /// The application merges them.
    Merge,
    /// The data type merges them.
    Crdt,
}

impl Conflict {
    const NAMES: [(&str, Self); 6] = [
        ("home", Self::Home),
        ("lww", Self::Lww),
        ("lww-hlc", Self::LwwHlc),
        ("version-vector", Self::VersionVector),
        ("merge", Self::Merge),
        ("crdt", Self::Crdt),
    ];
}

impl FromStr for Conflict {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::NAMES.iter().find(|(name, _)| *name == text);
        found.map(|(_, conflict)| *conflict).ok_or_else(|| {
            let known: Vec<&str> = Self::NAMES.iter().map(|(name, _)| *name).collect();
            format!("no conflict policy is called {text:?}; they are {}", known.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_has_one_name() {
        for (name, conflict) in Conflict::NAMES {
            assert_eq!(serde_json::to_value(conflict).unwrap(), name);
            assert_eq!(name.parse(), Ok(conflict));
        }
        assert!("last".parse::<Conflict>().is_err());
    }

    #[test]
    fn every_field_is_listed() {
        let header = Header {
            partita: 1,
            suite: "s".to_owned(),
            system: "s".to_owned(),
            mode: "m".to_owned(),
            workload: "w".to_owned(),
            nodes: vec!["n1".to_owned()],
            seed: Some(1),
            started: "2026-01-01T00:00:00Z".to_owned(),
            conflict: Some(Conflict::Lww),
            copies: Some(1),
            leaders: Some(1),
            bank: Some(Accounts::default()),
            demands: vec![ModelName::Linearizable],
        };
        let text = serde_json::to_string(&header).unwrap();
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(fields.len(), Header::FIELDS.len());
        assert!(fields.keys().all(|field| Header::FIELDS.contains(&&**field)));
    }

    #[test]
    fn neighbours_share_a_leader() {
        let nodes: Vec<String> = (1..=6).map(|number| format!("n{number}")).collect();
        let share = |leaders, one, other| {
            Header { nodes: nodes.clone(), leaders, ..Header::default() }
                .share_a_leader(Node(one), Node(other))
        };
        assert!(share(None, 0, 5) && share(Some(1), 0, 5));
        assert!(share(Some(2), 0, 2) && share(Some(2), 3, 5) && !share(Some(2), 2, 3));
        assert!(!share(Some(0), 0, 1), "nobody leads");
    }
}
