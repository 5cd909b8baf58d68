//! Replicated logs: one leader a term, logs that match, commits that stay.

use std::collections::BTreeMap;

use histories::Node;
use rustc_hash::FxHashMap;

use crate::store::{EntryMark, Invariants, LogView, Replica};

/// The logs of a group's members. The reference is the log of everything that any of them ever called committed.
#[derive(Debug)]
pub(super) struct Logs {
    leaders: BTreeMap<u64, Node>,
    /// Each entry with the term before it, by index and term.
    entries: FxHashMap<(u64, u64), (u64, Option<u64>)>,
    /// By index, from 1; none where nobody had it any more when it was first seen to be committed.
    committed: Vec<Option<EntryMark>>,
    seen: Vec<Seen>,
}

/// What was looked at last of a member.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    last: (u64, u64),
    commit: u64,
}

impl Logs {
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            leaders: BTreeMap::new(),
            entries: FxHashMap::default(),
            committed: Vec::new(),
            seen: vec![Seen::default(); nodes],
        }
    }

    /// A member after a step.
    pub(super) fn contradiction(
        &mut self,
        holds: Invariants,
        node: Node,
        replica: &impl Replica,
        view: LogView,
    ) -> Option<String> {
        if holds.one_leader_a_term && view.leads {
            let leader = *self.leaders.entry(view.term).or_insert(node);
            if leader != node {
                return Some(format!("two leaders in term {}: {leader} and {node}", view.term));
            }
        }
        let seen = self.seen[node.index()];
        self.seen[node.index()] = Seen { last: view.last, commit: view.commit };
        if holds.logs_match && view.last != seen.last {
            let parted = self.match_logs(replica, view);
            if parted.is_some() {
                return parted;
            }
        }
        if holds.commits_stay && view.commit != seen.commit {
            return self.keep_commits(node, replica, seen.commit.min(view.commit), view.commit);
        }
        None
    }

    /// Two logs with an entry of the same index and term hold the same up to there (Ongaro and Ousterhout, "In search of an
    /// understandable consensus algorithm", 2014, section 5.3).
    fn match_logs(&mut self, replica: &impl Replica, view: LogView) -> Option<String> {
        let (term, index) = view.last;
        let mark = replica.entry_mark(index)?;
        let before = index.checked_sub(1).and_then(|before| replica.entry_mark(before)).map(|mark| mark.term);
        let (digest, known) = *self.entries.entry((index, term)).or_insert((mark.digest, before));
        let parted = digest != mark.digest || (known.is_some() && before.is_some() && known != before);
        parted.then(|| format!("logs part before entry {index} of term {term}"))
    }

    fn keep_commits(&mut self, node: Node, replica: &impl Replica, from: u64, to: u64) -> Option<String> {
        for index in from + 1..=to {
            // What a snapshot covers was looked at when it was committed, or was covered in the same step.
            let Some(mark) = replica.entry_mark(index) else { continue };
            let place = index as usize - 1;
            if place >= self.committed.len() {
                self.committed.resize(place + 1, None);
            }
            let known = *self.committed[place].get_or_insert(mark);
            if known != mark {
                let (was, is) = (known.term, mark.term);
                return Some(format!("{node} committed another entry at {index}: of term {is}, not {was}"));
            }
        }
        None
    }
}
