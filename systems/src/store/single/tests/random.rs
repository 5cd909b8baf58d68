//! Every mode through hundreds of random worlds. `PARTITA_SEEDS=5000` widens the search by hand.

use histories::Nanos;

use super::mode;
use super::world::{Weather, World};

const STORM: Weather = Weather { loss_percent: 3, duplicate_percent: 3, cuts: true, crashes: true };
const CALM: Weather = Weather { loss_percent: 0, duplicate_percent: 0, cuts: false, crashes: false };

struct Report {
    acknowledged: usize,
    reads: u64,
    lost: usize,
    stale: u64,
    converged: bool,
}

fn run(text: &str, weather: Weather, seed: u64) -> Report {
    let (mode, options) = mode(text).unwrap();
    let mut world = World::new(options, mode.routing, mode.layout.total(), weather, seed);
    world.run(Nanos::from_millis(4000), Nanos::from_millis(1500));
    let leader = world
        .replicas()
        .filter(|replica| replica.leading.is_some())
        .max_by_key(|replica| replica.term)
        .unwrap_or_else(|| panic!("{text}, seed {seed}: nobody leads at the end"));
    let (acknowledged, reads) = world.judge.conclude();
    let dump = crate::store::Replica::dump(leader);
    let converged = world.replicas().all(|replica| crate::store::Replica::dump(replica) == dump);
    Report { acknowledged, reads, lost: world.judge.lost(leader), stale: world.judge.stale(), converged }
}

fn seeds(default: u64) -> std::ops::Range<u64> {
    let count = std::env::var("PARTITA_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(default);
    let from = std::env::var("PARTITA_FROM").ok().and_then(|from| from.parse().ok()).unwrap_or(0);
    from..from + count
}

/// A seed that fails names itself.
fn each(text: &str, weather: Weather, worlds: u64, mut check: impl FnMut(u64, Report)) {
    for seed in seeds(worlds) {
        let report = std::panic::catch_unwind(|| run(text, weather, seed));
        check(seed, report.unwrap_or_else(|_| panic!("{text}, seed {seed}")));
    }
}

/// Invariants hold, acknowledged writes stay, replicas converge.
fn keeps_its_promise(text: &str) {
    let mut acknowledged = 0;
    each(text, STORM, 40, |seed, report| {
        assert!(report.converged, "{text}, seed {seed}: replicas differ at the end");
        assert_eq!(report.lost, 0, "{text}, seed {seed}: acknowledged writes are gone");
        acknowledged += report.acknowledged;
    });
    assert!(acknowledged > 1000, "{text}: only {acknowledged} writes were acknowledged");
}

macro_rules! promises {
    ($($name:ident: $text:literal;)*) => { $(#[test] fn $name() { keeps_its_promise($text); })* };
}

promises! {
    quorum: "single/quorum";
    quorum_as_stream: "single/quorum[format=stream]";
    quorum_as_data: "single/quorum[format=data,snapshot=40]";
    quorum_with_snapshots: "single/quorum[snapshot=20]";
    sync: "single/sync";
    chain: "single/chain";
    chain_with_snapshots: "single/chain[snapshot=30,format=data]";
    lease: "single/lease";
    lease_fencing: "single/lease[fencing=lease]";
    leader_read: "single/leader-read";
    follower_read: "single/follower-read";
    session_read: "single/session-read[snapshot=50]";
    recent_read: "single/recent-read";
}

fn shows(text: &str, weather: Weather, mut gap: impl FnMut(&Report) -> bool) {
    let mut shown = 0;
    each(text, weather, 80, |seed, report| {
        assert!(
            report.converged || text.contains("unfenced"),
            "{text}, seed {seed}: replicas differ at the end"
        );
        shown += u64::from(gap(&report));
    });
    assert!(shown >= 3, "{text} showed its gap in {shown} worlds only");
}

#[test]
fn async_loses_acknowledged_writes() {
    shows("single/async[snapshot=40]", STORM, |report| report.lost > 0);
}

#[test]
fn semi_sync_loses_acknowledged_writes() {
    shows("single/semi-sync[snapshot=40]", STORM, |report| report.lost > 0);
}

#[test]
fn unfenced_splits_its_brain() {
    shows("single/unfenced", STORM, |report| report.lost > 0);
}

#[test]
fn unfenced_diverges() {
    shows("single/unfenced", STORM, |report| !report.converged);
}

#[test]
fn leader_reads_are_stale_when_the_leader_is_cut_off() {
    shows("single/leader-read", STORM, |report| report.stale > 0);
}

#[test]
fn follower_reads_are_stale_without_any_fault() {
    shows("single/follower-read", CALM, |report| report.stale > 0 && report.reads > 0);
}

#[test]
fn session_reads_are_stale_across_sessions_without_any_fault() {
    shows("single/session-read", CALM, |report| report.stale > 0);
}
