//! What must hold between replicas at every step, seen by somebody who looks into all of them at once. It never changes
//! one, and what clients see is not its business.

use std::collections::BTreeMap;

use histories::Node;
use rustc_hash::FxHashMap;

use crate::store::{EntryMark, Invariants, LogView, Replica};

/// Compares members with each other, and with what was committed before: the reference is the log of everything that any
/// of them ever called committed.
#[derive(Debug)]
pub(super) struct Watcher {
    holds: Invariants,
    leaders: BTreeMap<u64, Node>,
    /// Each entry with the term before it, by index and term.
    entries: FxHashMap<(u64, u64), (u64, Option<u64>)>,
    /// By index, from 1.
    committed: Vec<EntryMark>,
    seen: Vec<Seen>,
    pub(super) broken: Option<String>,
}

/// What was looked at last of a member.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    last: (u64, u64),
    commit: u64,
}

impl Watcher {
    pub(super) fn new(holds: Invariants, nodes: usize) -> Self {
        Self {
            holds,
            leaders: BTreeMap::new(),
            entries: FxHashMap::default(),
            committed: Vec::new(),
            seen: vec![Seen::default(); nodes],
            broken: None,
        }
    }

    /// Disks have lost what was promised to be safe: nothing is owed any more.
    pub(super) fn excuse(&mut self) {
        self.holds = Invariants::default();
    }

    /// A member after a step; says what is broken, the first time.
    pub(super) fn look(&mut self, node: Node, replica: &impl Replica) -> Option<&str> {
        if self.broken.is_some() || self.holds == Invariants::default() {
            return None;
        }
        let view = replica.log_view()?;
        self.broken = self.contradiction(node, replica, view);
        self.broken.as_deref()
    }

    fn contradiction(&mut self, node: Node, replica: &impl Replica, view: LogView) -> Option<String> {
        if self.holds.one_leader_a_term && view.leads {
            let leader = *self.leaders.entry(view.term).or_insert(node);
            if leader != node {
                return Some(format!("two leaders in term {}: {leader} and {node}", view.term));
            }
        }
        let seen = self.seen[node.index()];
        self.seen[node.index()] = Seen { last: view.last, commit: view.commit };
        if self.holds.logs_match && view.last != seen.last {
            let parted = self.match_logs(replica, view);
            if parted.is_some() {
                return parted;
            }
        }
        if self.holds.commits_stay && view.commit != seen.commit {
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
            // What a snapshot covers was looked at when it was committed.
            let Some(mark) = replica.entry_mark(index) else { continue };
            match self.committed.get(index as usize - 1) {
                Some(known) if *known != mark => {
                    let (was, is) = (known.term, mark.term);
                    return Some(format!(
                        "{node} committed another entry at {index}: of term {is}, not {was}"
                    ));
                }
                Some(_) => {}
                None if self.committed.len() as u64 + 1 == index => self.committed.push(mark),
                None => return Some(format!("{node} committed entry {index} and nobody the one before it")),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use histories::Key;

    use super::*;
    use crate::store::{DumpEntry, Input, Now, Outbox, ReplicaStatus};

    /// Terms of entries, from index 1 on.
    struct Fake {
        term: u64,
        leads: bool,
        log: Vec<u64>,
        commit: u64,
    }

    impl Replica for Fake {
        type Message = ();
        type Record = ();

        fn handle(&mut self, _: Now, _: Input<()>, _: &mut Outbox<(), ()>) {}

        fn status(&self) -> ReplicaStatus {
            panic!("nobody asks")
        }

        fn log_view(&self) -> Option<LogView> {
            let last = (self.log.last().copied().unwrap_or(0), self.log.len() as u64);
            Some(LogView { term: self.term, leads: self.leads, last, commit: self.commit })
        }

        fn entry_mark(&self, index: u64) -> Option<EntryMark> {
            let term = *self.log.get(usize::try_from(index).ok()?.checked_sub(1)?)?;
            Some(EntryMark::of(term, &term))
        }

        fn dump(&self) -> BTreeMap<Key, DumpEntry> {
            BTreeMap::new()
        }
    }

    fn watcher() -> Watcher {
        let all = Invariants { one_leader_a_term: true, logs_match: true, commits_stay: true };
        Watcher::new(all, 3)
    }

    fn fake(term: u64, leads: bool, log: &[u64], commit: u64) -> Fake {
        Fake { term, leads, log: log.to_vec(), commit }
    }

    #[test]
    fn replicas_that_agree_are_left_alone() {
        let mut watcher = watcher();
        for commit in 0..=3 {
            assert_eq!(watcher.look(Node(0), &fake(2, true, &[1, 1, 2], commit)), None);
            assert_eq!(watcher.look(Node(1), &fake(2, false, &[1, 1], commit.min(2))), None);
        }
    }

    #[test]
    fn each_contradiction_is_told() {
        let mut two_leaders = watcher();
        two_leaders.look(Node(0), &fake(2, true, &[], 0));
        let told = two_leaders.look(Node(1), &fake(2, true, &[], 0)).unwrap().to_owned();
        assert_eq!(told, "two leaders in term 2: n1 and n2");
        let mut parted = watcher();
        parted.look(Node(0), &fake(2, false, &[1, 2], 0));
        let told = parted.look(Node(1), &fake(2, false, &[2, 2], 0)).unwrap().to_owned();
        assert_eq!(told, "logs part before entry 2 of term 2");
        let mut replaced = watcher();
        replaced.look(Node(0), &fake(2, false, &[1, 1], 2));
        let told = replaced.look(Node(1), &fake(3, false, &[1, 3], 2)).unwrap().to_owned();
        assert_eq!(told, "n2 committed another entry at 2: of term 3, not 1");
        let mut excused = watcher();
        excused.look(Node(0), &fake(2, false, &[1, 1], 2));
        excused.excuse();
        assert_eq!(excused.look(Node(1), &fake(3, false, &[1, 3], 2)), None);
    }
}
