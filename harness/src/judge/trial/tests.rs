//! Runs in worlds: the same seed is the same history, and modes keep what they promise.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use histories::ModelName;
use sha2::{Digest, Sha256};
use systems::System;
use systems::live::StoreSystem;
use systems::store::Store;

use super::*;
use crate::judge::outcome::{Outcome, RunOutcome, VerdictReport};
use crate::judge::verdict::{AppliedKind, Expected, Subject, VerdictKind, Violation};
use crate::load::workloads::Tuning;
use crate::plan::faults::FaultName;
use crate::plan::spec::{OnViolation, StageName, Violations};

fn spec(mode: &str, workload: &str, faults: &[&str], seed: u64) -> RunSpec {
    let system = StoreSystem::new(PathBuf::from("never started"));
    let mode = system.mode(mode).unwrap();
    RunSpec {
        options: systems::SystemOptions::default(),
        suite: "test".to_owned(),
        workload: workload.to_owned(),
        faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
        layout: mode.layout,
        clients: 10,
        rate: Some(100.0),
        time: Duration::from_secs(20),
        operations_max: None,
        routing: mode.routing,
        deadline: Duration::from_secs(1),
        seed,
        stage: StageName::Sim,
        out: PathBuf::from("nowhere"),
        keep: false,
        keys: None,
        tuning: Tuning::default(),
        script: None,
        liveness: true,
        telling: None,
        violations: Violations::Any,
        on_violation: OnViolation::GoOn,
        trace: false,
        check_time: Duration::from_mins(1),
        check_memory_bytes: 1 << 30,
        mode,
        system: Arc::new(system),
    }
}

fn run(spec: &RunSpec) -> Simulated {
    let prepared = Prepared::new(spec).unwrap();
    simulate(spec, &prepared, Watch::default(), &Silent, &Interrupt::default()).unwrap()
}

fn outcome(spec: &RunSpec) -> RunOutcome {
    trial(spec, &Interrupt::default()).unwrap().outcome
}

fn digest(spec: &RunSpec) -> String {
    let prepared = Prepared::new(spec).unwrap();
    let bytes = run(spec).tape.to_bytes(&prepared.header(spec, ""));
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

const FAULTS: &[&str] = &["partition:leader", "kill:leader", "pause:one"];

/// Changes only when what a seed means has changed on purpose, and then the changelog says so.
#[test]
fn a_seed_is_the_same_history_to_the_byte_everywhere() {
    let spec = spec("single/quorum", "register", FAULTS, 7);
    let first = digest(&spec);
    assert_eq!(first, digest(&spec));
    assert_ne!(first, digest(&RunSpec { seed: 8, ..spec }));
    insta::assert_snapshot!(first);
}

/// Promises that were not seen to be kept.
fn unkept(outcome: &RunOutcome) -> Vec<&VerdictReport> {
    outcome.verdicts.iter().filter(|given| given.is_promised() && !given.is(VerdictKind::Valid)).collect()
}

#[test]
fn modes_keep_what_they_promise_under_faults() {
    for mode in ["single/quorum", "single/sync", "single/chain", "single/session-read"] {
        for (workload, seed) in [("register", 1), ("set", 2), ("register", 3)] {
            let outcome = outcome(&spec(mode, workload, FAULTS, seed));
            let broken = unkept(&outcome);
            assert!(broken.is_empty(), "{mode}, {workload}, seed {seed}: {broken:?}");
            assert!(outcome.operations.ok > 500, "{mode}: {:?}", outcome.operations);
            assert!(outcome.fault_windows.iter().all(|window| window.applied == AppliedKind::Installed));
        }
    }
}

/// The store's modes that are made for transactions.
fn of_transactions() -> Vec<systems::Mode> {
    let modes = StoreSystem::new(PathBuf::from("never started")).modes();
    modes.into_iter().filter(|mode| mode.purpose != systems::Purpose::Objects).collect()
}

#[test]
fn modes_of_transactions_keep_their_level_under_faults() {
    for mode in of_transactions() {
        let workloads = ["txn-list", "txn-register", "txn-list", "long-fork"];
        for (workload, seed) in workloads.into_iter().cycle().zip(1..=20) {
            let spec = RunSpec { time: Duration::from_secs(10), ..spec(&mode.name, workload, FAULTS, seed) };
            let outcome = outcome(&spec);
            let broken = unkept(&outcome);
            assert!(broken.is_empty(), "{}, {workload}, seed {seed}: {broken:?}", mode.name);
            assert!(outcome.operations.ok > 100, "{}: {:?}", mode.name, outcome.operations);
        }
    }
}

#[test]
fn modes_of_transactions_show_what_they_give_up_within_twenty_seeds() {
    for mode in of_transactions() {
        for show in &mode.shows {
            for workload in &show.with {
                let shows = |seed| {
                    let spec =
                        RunSpec { time: Duration::from_secs(10), ..spec(&mode.name, workload, &[], seed) };
                    let is_told = |kind: Violation| matches!(kind, Violation::Anomaly(kind) if show.kinds.is_empty() || show.kinds.contains(&kind));
                    let violated = |verdict: &VerdictReport| {
                        verdict.is(VerdictKind::Invalid)
                            && verdict.anomalies.iter().any(|anomaly| is_told(anomaly.kind))
                    };
                    outcome(&spec).verdict_on(show.model).is_some_and(violated)
                };
                let (model, kinds) = (show.model, &show.kinds);
                assert!((1..=20).any(shows), "{} with {workload}: {model} by {kinds:?}", mode.name);
            }
        }
    }
}

#[test]
fn accounts_that_may_be_overdrawn_are_no_corruption_of_a_bank() {
    let overdrawn = |allowed: bool| {
        let tuning = Tuning {
            accounts: Some(4),
            total_amount: Some(8),
            negative_balances: allowed,
            ..Tuning::default()
        };
        let spec = RunSpec { tuning, ..spec("txn/serializable", "bank", &[], 1) };
        let bytes = run(&spec).tape.to_bytes(&Prepared::new(&spec).unwrap().header(&spec, ""));
        let outcome = outcome(&spec);
        let bank = outcome.verdict_on(ModelName::Bank).expect("a bank is demanded");
        assert!(bank.is(VerdictKind::Valid) && bank.expected == Some(Expected::Valid), "{bank:?}");
        String::from_utf8(bytes).unwrap().contains(":-")
    };
    assert!(overdrawn(true), "no account was ever overdrawn");
    assert!(!overdrawn(false));
}

/// A beginning that was told to be violated for good belongs to a whole that is violated.
#[test]
fn what_a_beginning_violates_the_whole_violates() {
    let cases = [
        ("single/follower-read", "register", &["partition:one"][..]),
        ("single/leader-read", "register", FAULTS),
        ("single/quorum", "txn-register", FAULTS),
        ("txn/read-committed", "bank", &[]),
        ("leaderless/quorum", "unique-ids", FAULTS),
    ];
    let models = &crate::judge::early::CLOSED;
    let budget = checkers::Budget::new(Duration::from_mins(1), 1 << 30);
    let mut told = 0;
    for (case, seed) in
        cases.into_iter().zip(1..).flat_map(|(case, seed)| (0..4).map(move |n| (case, seed + n)))
    {
        let (mode, workload, faults) = case;
        let spec = RunSpec { time: Duration::from_secs(8), ..spec(mode, workload, faults, seed) };
        let header = Prepared::new(&spec).unwrap().header(&spec, "");
        let events = run(&spec).tape.events().to_vec();
        let violated = |length: usize| -> Vec<ModelName> {
            let mut tape = histories::Tape::default();
            events[..length].iter().cloned().for_each(|event| tape.append(event));
            let history = tape.into_history(header.clone()).unwrap();
            let found = crate::judge::checking::check(&history, Some(models), &budget);
            let invalid = found.iter().filter(|one| matches!(one.verdict, checkers::Verdict::Invalid(_)));
            invalid.map(|finding| finding.model).collect()
        };
        let whole = violated(events.len());
        for part in 1..8 {
            let early = violated(events.len() * part / 8);
            assert!(early.iter().all(|model| whole.contains(model)), "{case:?}, seed {seed}, {part}/8");
            told += early.len();
        }
    }
    assert!(told > 20, "{told}");
}

#[test]
fn datacentres_keep_what_they_promise_under_faults() {
    let cases = [
        ("multi/home", "register"),
        ("multi/home-star", "list"),
        ("multi/lww-hlc", "register"),
        ("multi/lww-hlc-ring[reroute=on]", "register"),
        ("multi/lww[delivery=none]", "register"),
        ("multi/version-vector", "siblings"),
        ("multi/crdt", "or-set"),
        ("multi/crdt-ring", "counter"),
        ("multi/merge", "cart"),
    ];
    for (seed, (mode, workload)) in (1..).zip(cases) {
        let outcome = outcome(&spec(mode, workload, &["partition:datacentres", "kill:leader"], seed));
        let broken = unkept(&outcome);
        assert!(broken.is_empty(), "{mode}, {workload}, seed {seed}: {broken:?}");
        assert!(outcome.operations.ok > 500, "{mode}: {:?}", outcome.operations);
    }
}

/// What sets make plain: the whole of a key is the last writer's.
#[test]
fn concurrent_writes_that_are_not_merged_are_lost() {
    let violated = |mode, workload, model| {
        (1..6).any(|seed| {
            let outcome = outcome(&spec(mode, workload, &["partition:datacentres"], seed));
            outcome.verdict_on(model).is_some_and(|verdict| verdict.is(VerdictKind::Invalid))
        })
    };
    assert!(violated("multi/lww", "set", ModelName::Durability));
    assert!(!violated("multi/crdt", "set", ModelName::Durability));
    assert!(!violated("multi/crdt", "or-set", ModelName::ConflictPolicy));
}

fn progress(outcome: &RunOutcome) -> Option<VerdictKind> {
    outcome.verdict_on(Subject::Progress).map(|found| found.verdict)
}

#[test]
fn modes_that_go_on_without_a_minority_do_so_once_faults_are_healed() {
    let cases = [
        ("single/quorum", "register", VerdictKind::Valid),
        ("single/async", "set", VerdictKind::Valid),
        ("single/session-read", "register", VerdictKind::Valid),
        ("multi/home", "register", VerdictKind::Valid),
        ("multi/crdt-ring", "counter", VerdictKind::Valid),
        ("leaderless/abd", "register", VerdictKind::Valid),
        ("leaderless/sloppy", "register", VerdictKind::Valid),
        ("single/sync", "register", VerdictKind::NotApplicable),
        ("single/chain", "register", VerdictKind::NotApplicable),
    ];
    for (seed, (mode, workload, expected)) in (1..).zip(cases) {
        let spec = spec(mode, workload, &["kill:one", "pause:one"], seed);
        let outcome = outcome(&spec);
        assert_eq!(progress(&outcome), Some(expected), "{mode}");
        let frozen = outcome.fault_windows.iter().filter(|window| window.fault == FaultName::Freeze).count();
        assert_eq!(frozen, usize::from(expected == VerdictKind::Valid), "{mode}");
    }
    let unasked = RunSpec { liveness: false, ..spec("single/quorum", "register", &["kill:one"], 1) };
    assert_eq!(progress(&outcome(&unasked)), None);
    assert_eq!(
        progress(&outcome(&spec("single/quorum", "register", &[], 1))),
        None,
        "no faults, and none at the end"
    );
}

#[test]
fn a_leader_without_a_successor_is_found_replayed_and_shrunk() {
    let spec = |seed| spec("single/quorum[bug=no-successor]", "register", &["kill:one"], seed);
    let stuck: Vec<u64> =
        (1..10).filter(|&seed| progress(&outcome(&spec(seed))) == Some(VerdictKind::Invalid)).collect();
    assert!((3..9).contains(&stuck.len()), "{stuck:?}");
    // What a cluster that never recovers shows at the end may look like a loss, too.
    let only_stuck = |found: &RunOutcome| {
        found
            .verdicts
            .iter()
            .all(|verdict| verdict.is(VerdictKind::Invalid) == (verdict.subject == Subject::Progress))
    };
    let (failing, found) = stuck
        .iter()
        .map(|&seed| (spec(seed), outcome(&spec(seed))))
        .find(|(_, found)| only_stuck(found))
        .unwrap();
    assert_eq!(found.outcome, Outcome::Violation);
    let anomaly = &found.verdict_on(Subject::Progress).unwrap().anomalies[0];
    assert!(anomaly.summary.contains("no update was answered within 10 s"), "{}", anomaly.summary);
    assert_eq!(digest(&failing), digest(&failing));
    let interrupt = Interrupt::default();
    let started =
        crate::explore::shrink::Shrinking::start(&failing, &interrupt, Duration::from_mins(1)).unwrap();
    let mut shrinking = started.unwrap();
    assert_eq!(shrinking.target().subject, Subject::Progress);
    shrinking.run();
    let after = shrinking.size();
    assert!(after.faults == 0 && after.operations <= 1, "{after:?}");
    assert_eq!(progress(&trial(&shrinking.spec(), &interrupt).unwrap().outcome), Some(VerdictKind::Invalid));
}

/// Whether or not a client has seen anything.
#[test]
fn bugs_of_stores_without_a_leader_are_caught_where_they_happen() {
    let cases = [
        ("ack-before-sync", "power:all"),
        ("quorum-one-short", "partition:one"),
        ("last-arrival-wins", "slow:by=20ms..80ms:all"),
        ("recovery-drops-tail", "kill:all"),
        ("compaction-drops-pending", "kill:all"),
    ];
    for (bug, fault) in cases {
        let mode = format!("leaderless/abd[snapshot=4,bug={bug}]");
        let caught = (1..20).find_map(|seed| {
            let outcome = outcome(&spec(&mode, "register", &[fault], seed));
            outcome.verdicts.into_iter().find(|verdict| verdict.subject == Subject::Replicas)
        });
        let caught = caught.unwrap_or_else(|| panic!("{bug} contradicts nothing"));
        assert_eq!(caught.anomalies[0].kind, Violation::BrokenInvariant);
    }
}

#[test]
fn a_mode_that_gives_something_up_is_caught() {
    let lossy = (1..6).filter(|&seed| {
        let outcome = outcome(&spec("single/async", "set", &["partition:leader"], seed));
        outcome.outcome == Outcome::Violation
            && outcome.durability.is_some_and(|durability| durability.lost > 0)
    });
    assert!(lossy.count() >= 3);
}

#[path = "../../../examples/naive/register.rs"]
mod naive;

/// The example of the documentation: a protocol of one's own, with a bug that is found.
#[test]
fn a_protocol_of_ones_own_is_caught_as_well() {
    let system = naive::system();
    let mode = system.modes().remove(0);
    let base = spec("single/quorum", "register", &["none"], 1);
    let spec = RunSpec { system: Arc::new(system), routing: mode.routing, mode, faults: Vec::new(), ..base };
    let caught = (1..8).filter(|&seed| {
        let outcome = trial(&RunSpec { seed, ..spec.clone() }, &Interrupt::default()).unwrap().outcome;
        outcome.outcome == Outcome::Violation
    });
    assert!(caught.count() > 0);
}

/// A run whose smaller ones fail with other latencies only.
#[test]
fn a_run_shrinks_in_other_weather_where_its_own_holds_it_up() {
    let interrupt = Interrupt::default();
    let spec = |seed| RunSpec {
        time: Duration::from_secs(6),
        ..spec("single/quorum[bug=double-apply]", "register", &["duplicate"], seed)
    };
    let linear = |outcome: &RunOutcome| {
        outcome.verdict_on(ModelName::Linearizable).is_some_and(|verdict| verdict.is(VerdictKind::Invalid))
    };
    let failing = (1..60).map(spec).filter(|spec| linear(&outcome(spec)));
    let small = failing.take(4).filter(|failing| {
        let started =
            crate::explore::shrink::Shrinking::start(failing, &interrupt, Duration::from_mins(2)).unwrap();
        let mut shrinking = started.unwrap();
        shrinking.run();
        assert!(shrinking.target().is_hit(&trial(&shrinking.spec(), &interrupt).unwrap().outcome));
        let after = shrinking.size();
        after.faults <= 5 && after.operations <= 20
    });
    assert!(small.count() > 0);
}

#[test]
fn a_run_shrinks_to_few_faults_and_operations_and_fails_again() {
    let failing = (1..10)
        .map(|seed| RunSpec {
            time: Duration::from_secs(6),
            ..spec("single/async", "set", &["partition:leader@2s:for=1s"], seed)
        })
        .find(|spec| trial(spec, &Interrupt::default()).unwrap().outcome.outcome == Outcome::Violation)
        .unwrap();
    let interrupt = Interrupt::default();
    let started =
        crate::explore::shrink::Shrinking::start(&failing, &interrupt, Duration::from_mins(1)).unwrap();
    let mut shrinking = started.unwrap();
    let before = shrinking.size();
    shrinking.run();
    let after = shrinking.size();
    assert!(after.faults <= 5 && after.operations <= 20, "{before:?} {after:?}");
    assert!(shrinking.target().is_hit(&trial(&shrinking.spec(), &interrupt).unwrap().outcome));
}

/// Found by a hunt: who led a new term passed entries on as a member of the epoch before, of which it was not the head, and
/// the tail committed what others lacked.
#[test]
fn a_new_leader_is_no_head_of_the_epoch_before() {
    let faults =
        ["clock:step:any", "reorder:any", "clock:strobe:any", "pause:any@1400ms:for=1200ms:first=200ms"];
    let spec = RunSpec {
        layout: nemesis::Layout::single(5),
        clients: 20,
        keys: Some(10),
        time: Duration::from_secs(30),
        ..spec("single/chain", "siblings", &faults, 3235)
    };
    // The protocol itself takes a replace for a write; no mode offers that.
    let Store::Single(protocol) = systems::store::mode("single/chain").unwrap().1 else { unreachable!() };
    let system = systems::sim::Simulated::new("store", spec.mode.clone(), protocol);
    let spec = RunSpec { system: Arc::new(system), ..spec };
    let found = outcome(&spec);
    let broken: Vec<_> = found.verdicts.iter().filter(|verdict| verdict.is(VerdictKind::Invalid)).collect();
    assert!(broken.is_empty(), "{broken:?}");
}
