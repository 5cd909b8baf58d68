//! Modes as users write them, and what each preset says of itself.

use histories::ModelName;

use super::mode;
use crate::store::Sync;
use crate::store::single::{Ack, Options, Read};
use crate::{Purpose, Routing};

fn modes() -> Vec<crate::Mode> {
    crate::store::modes().into_iter().filter(|mode| mode.name.starts_with("single/")).collect()
}

fn error(text: &str) -> String {
    mode(text).and_then(|(mode, options)| options.validate(mode.layout.total())).unwrap_err()
}

#[test]
fn every_preset_promises_what_the_design_says() {
    use ModelName::{
        Convergence, Durability, Linearizable, MonotonicWrites, Sequential, StrictSerializable,
        WritesFollowReads,
    };
    let strong = vec![Linearizable, StrictSerializable, Durability, Convergence];
    let prefix = vec![MonotonicWrites, WritesFollowReads, StrictSerializable, Durability, Convergence];
    let expected = [
        ("single/quorum", strong.clone(), true),
        ("single/sync", strong.clone(), false),
        ("single/chain", strong.clone(), false),
        ("single/lease", strong.clone(), true),
        ("single/leader-read", prefix.clone(), true),
        ("single/semi-sync", vec![Convergence], true),
        ("single/async", vec![Convergence], true),
        ("single/follower-read", prefix.clone(), true),
        ("single/session-read", vec![Sequential, StrictSerializable, Durability, Convergence], true),
        ("single/recent-read", prefix, true),
        ("single/unfenced", vec![], true),
        ("single/no-sync", strong, true),
    ];
    let modes = modes();
    assert_eq!(modes.len(), expected.len());
    for (mode, (name, promise, available)) in modes.iter().zip(expected) {
        assert_eq!((mode.name.as_str(), &mode.promise), (name, &promise));
        assert_eq!(mode.available_with_majority, available, "{name}");
        assert_eq!(mode.layout.total(), if name == "single/semi-sync" { 5 } else { 3 }, "{name}");
        // What it does not survive may show anything.
        let survived = |fault: &String| {
            ["clock", "power"].iter().all(|kind| !fault.starts_with(kind) || mode.survives.contains(kind))
        };
        for show in mode.shows.iter().filter(|show| show.live && show.under.iter().all(survived)) {
            assert!(!mode.promise.contains(&show.model), "{name} promises and breaks {}", show.model);
        }
    }
}

#[test]
fn every_preset_of_transactions_promises_its_level() {
    let expected = [
        ("txn/serializable", ModelName::StrictSerializable),
        ("txn/snapshot", ModelName::StrongSnapshotIsolation),
        ("txn/follower-snapshot", ModelName::SnapshotIsolation),
        ("txn/parallel-apply", ModelName::ParallelSnapshotIsolation),
        ("txn/read-committed", ModelName::ReadCommitted),
        ("txn/read-uncommitted", ModelName::ReadUncommitted),
    ];
    let levels: Vec<_> = crate::store::modes()
        .into_iter()
        .filter(|mode| mode.purpose != Purpose::Objects)
        .map(|mode| {
            let levels: Vec<_> =
                mode.promise.iter().copied().filter(|model| model.is_isolation_level()).collect();
            assert!(levels.len() == 1 && mode.promise.contains(&ModelName::Convergence), "{}", mode.name);
            assert!(mode.shows.iter().all(|show| !levels.contains(&show.model)), "{}", mode.name);
            (mode.name, levels[0])
        })
        .collect();
    assert_eq!(levels, expected.map(|(name, level)| (name.to_owned(), level)));
    let session = mode("txn/snapshot[read=session]").unwrap().0;
    assert!(session.promise.contains(&ModelName::StrongSessionSnapshotIsolation));
    assert_eq!(mode("single/async[isolation=snapshot]").unwrap().0.promise, [ModelName::Convergence]);
}

#[test]
fn a_preset_parses_to_itself() {
    for preset in modes() {
        let (parsed, options) = mode(&preset.name).unwrap();
        assert_eq!(parsed, preset);
        assert_eq!(options.validate(preset.layout.total()), Ok(()));
    }
}

#[test]
fn only_followers_session_and_recent_reads_roam() {
    let roaming: Vec<_> =
        modes().into_iter().filter(|mode| mode.routing == Routing::Roam).map(|mode| mode.name).collect();
    assert_eq!(roaming, ["single/follower-read", "single/session-read", "single/recent-read"]);
}

#[test]
fn options_in_brackets_change_the_preset_and_its_promise() {
    let (changed, options) = mode("single/quorum[read=lease, sync=never]").unwrap();
    assert_eq!((options.ack, options.read, options.sync), (Ack::Majority, Read::Lease, Sync::Never));
    assert_eq!(changed.name, "single/quorum[read=lease, sync=never]");
    assert_eq!(changed.preset, "single/quorum");
    assert!(changed.promise.contains(&ModelName::Linearizable));
    let (weaker, _) = mode("single/quorum[read=follower]").unwrap();
    assert!(!weaker.promise.contains(&ModelName::Linearizable));
    assert_eq!(weaker.routing, Routing::Roam);
    let (lossy, _) = mode("single/quorum[promotion=any]").unwrap();
    assert_eq!(lossy.promise, [ModelName::Convergence]);
}

#[test]
fn resolved_options_set_again_give_the_same_options() {
    for preset in modes() {
        let (_, options) = mode(&preset.name).unwrap();
        let mut again = Options::default();
        for (name, value) in options.resolved() {
            again.set(&name, &value).unwrap();
        }
        assert_eq!(again, options, "{}", preset.name);
    }
}

#[test]
fn an_unknown_word_suggests_the_nearest() {
    assert!(error("single/quorom").contains(r#"did you mean "single/quorum"?"#));
    assert!(error("single/quorum[raed=lease]").contains(r#"did you mean "read"?"#));
    assert!(error("single/quorum[read=leese]").contains(r#"did you mean "lease"?"#));
    assert!(error("single/quorum[ack=majorty]").contains(r#"did you mean "majority"?"#));
    assert!(error("single/quorum[read=lease").contains("never closes"));
    assert!(error("single/quorum[lease]").contains("name=value"));
    assert!(
        error("single/quorum[read=lease, read=index]")
            .contains(r#"gives read twice, as "lease" and as "index""#)
    );
    assert!(error("single/quorum[heartbeat=fast]").contains("20ms or 1s"));
}

#[test]
fn impossible_combinations_are_refused_with_the_reason() {
    for (text, reason) in [
        ("single/quorum[ack=any 5]", "3 nodes leave 2"),
        ("single/quorum[read=tail]", "needs a chain"),
        ("single/chain[read=index]", "at its tail"),
        ("single/chain[promotion=any]", "newest epoch"),
        ("single/chain[fencing=none]", "fenced by its epoch"),
        ("single/quorum[fencing=none]", "without fencing"),
        ("single/quorum[ship-interval=5ms]", "ships at once"),
        ("single/quorum[lease=500ms]", "times have to rise"),
        ("single/quorum[ack=any 0]", "from 1"),
        ("txn/serializable[apply=parallel]", "isolation=snapshot"),
        ("txn/parallel-apply[format=stream]", "format=log"),
        ("txn/parallel-apply[ack=none]", "loses no entries"),
    ] {
        let error = error(text);
        assert!(error.contains(reason), "{text}: {error}");
    }
    let (_, options) = mode("single/quorum[ack=any 3]").unwrap();
    assert_eq!(options.validate(5), Ok(()), "what three nodes cannot do five can");
}
