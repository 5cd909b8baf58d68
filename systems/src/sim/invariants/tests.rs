//! Members of paper: what is told of them, and what is left alone.

use std::collections::BTreeMap;

use histories::Key;

use super::*;
use crate::store::{DumpEntry, EntryMark, Input, LogView, Now, Outbox, RegisterStep, ReplicaStatus, Version};

/// Terms of entries, from index 1 on.
struct Fake {
    term: u64,
    leads: bool,
    log: Vec<u64>,
    commit: u64,
    group: u16,
    /// In the last step.
    steps: Vec<RegisterStep>,
    /// On its disk.
    versions: BTreeMap<Key, Version>,
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
        Some(LogView { term: self.term, leads: self.leads, last, commit: self.commit, group: self.group })
    }

    fn entry_mark(&self, index: u64) -> Option<EntryMark> {
        let term = *self.log.get(usize::try_from(index).ok()?.checked_sub(1)?)?;
        Some(EntryMark::of(term, &term))
    }

    fn versions(&self) -> BTreeMap<Key, Version> {
        self.versions.clone()
    }

    fn register_steps(&self) -> &[RegisterStep] {
        &self.steps
    }

    fn dump(&self) -> BTreeMap<Key, DumpEntry> {
        BTreeMap::new()
    }
}

fn watcher() -> Watcher {
    let all = Invariants {
        one_leader_a_term: true,
        logs_match: true,
        commits_stay: true,
        versions_rise: true,
        acknowledged_on: Some(2),
    };
    Watcher::new(all, 3)
}

fn fake(term: u64, leads: bool, log: &[u64], commit: u64) -> Fake {
    let log = log.to_vec();
    Fake { term, leads, log, commit, group: 0, steps: Vec::new(), versions: BTreeMap::new() }
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

#[test]
fn groups_have_logs_of_their_own() {
    let mut watcher = watcher();
    watcher.look(Node(0), &fake(2, true, &[1, 1], 2));
    let other = Fake { group: 1, ..fake(2, true, &[2, 2], 2) };
    assert_eq!(watcher.look(Node(1), &other), None);
    let told = watcher.look(Node(2), &Fake { group: 1, ..fake(2, true, &[2, 2], 2) }).unwrap();
    assert_eq!(told, "two leaders in term 2: n2 and n3");
}

const fn version(counter: u64) -> Version {
    Version([counter, 0, 1, 7])
}

fn holds(counter: u64) -> RegisterStep {
    RegisterStep::Holds { key: "x".into(), version: version(counter) }
}

fn does(steps: &[RegisterStep]) -> Fake {
    Fake { steps: steps.to_vec(), ..fake(0, false, &[], 0) }
}

#[test]
fn what_is_acknowledged_is_on_enough_disks() {
    let acknowledged = RegisterStep::Acknowledged { key: "x".into(), version: version(2) };
    let mut watcher = watcher();
    assert_eq!(watcher.look(Node(0), &does(&[holds(2)])), None);
    assert_eq!(watcher.look(Node(1), &does(&[holds(3)])), None);
    assert_eq!(watcher.look(Node(0), &does(std::slice::from_ref(&acknowledged))), None);
    let mut early = self::watcher();
    early.look(Node(0), &does(&[holds(2)]));
    early.look(Node(1), &does(&[holds(1)]));
    let told = early.look(Node(0), &does(&[acknowledged])).unwrap();
    assert_eq!(told, "n1 acknowledged version 2.0.1.7 of x, which is on 1 disks, not 2");
}

#[test]
fn a_version_goes_back_neither_in_a_life_nor_between_two() {
    let mut back = watcher();
    back.look(Node(0), &does(&[holds(2)]));
    let told = back.look(Node(0), &does(&[holds(1)])).unwrap();
    assert_eq!(told, "n1 went back to version 1.0.1.7 of x from 2.0.1.7");
    let mut forgot = watcher();
    forgot.look(Node(0), &does(&[holds(2)]));
    assert_eq!(forgot.started(Node(1), &does(&[])), None, "it held nothing");
    let told = forgot.started(Node(0), &does(&[])).unwrap();
    assert_eq!(told, "n1 came back without version 2.0.1.7 of x");
    let mut whole = watcher();
    whole.look(Node(0), &does(&[holds(2)]));
    let restarted = Fake { versions: [("x".into(), version(2))].into(), ..does(&[]) };
    assert_eq!(whole.started(Node(0), &restarted), None);
}
