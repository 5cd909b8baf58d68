//! The histories that the literature argues with, and what is said of them.

use histories::ModelName::{
    self, Causal, CausalConvergence, CausalMemory, Pram, ReadAtomic, ReadCommittedBe, RealTimeCausal,
};

use super::{held, sessions};
use crate::testing::confirm;
use crate::{Budget, Causal as Checked, Checker, Verdict, dot, testing};

/// Single operations: every causal model.
const ALL: &[ModelName] = &[CausalConvergence, CausalMemory, Causal, Pram];
const ALL_OF_TRANSACTIONS: &[ModelName] =
    &[CausalConvergence, CausalMemory, Causal, Pram, ReadAtomic, ReadCommittedBe];

#[test]
fn what_no_causal_model_forbids() {
    assert_eq!(held(&sessions("w x 1; r y nil\nw y 1; r x nil")), ALL, "store buffer");
    assert_eq!(held(&sessions("w x 1\nw y 1\nr x 1; r y nil\nr y 1; r x nil")), ALL, "IRIW");
    let long_fork = "[w x 1]\n[w y 1]\n[r x 1, r y nil]\n[r y 1, r x nil]";
    assert_eq!(held(&sessions(long_fork)), ALL_OF_TRANSACTIONS, "long fork");
    let lost_update = "[r x nil, w x 1]\n[r x nil, w x 2]";
    assert_eq!(held(&sessions(lost_update)), ALL_OF_TRANSACTIONS, "lost update");
    let write_skew = "[r x nil, r y nil, w x 1]\n[r x nil, r y nil, w y 1]";
    assert_eq!(held(&sessions(write_skew)), ALL_OF_TRANSACTIONS, "write skew");
}

#[test]
fn message_passing() {
    assert_eq!(held(&sessions("w x 1; w y 1\nr y 1; r x nil")), []);
    assert_eq!(held(&sessions("w x 1; w y 1\nr y 1; r x 1")), ALL);
    // By way of a third session PRAM says nothing.
    assert_eq!(held(&sessions("w x 1\nr x 1; w y 1\nr y 1; r x nil")), [Pram]);
    assert_eq!(held(&sessions("r y 1; w x 1\nr x 1; w y 1")), [Pram], "load buffering");
}

/// Bouajjani, Enea, Guerraoui and Hamza, figure 3.
#[test]
fn the_five_that_tell_the_causal_models_apart() {
    assert_eq!(held(&sessions("w x 1; r x 2\nw x 2; r x 1")), [CausalMemory, Causal, Pram], "3a");
    let b = "w z 1; w x 1; w y 1\nw x 2; r z nil; r y 1; r x 2";
    assert_eq!(held(&sessions(b)), [CausalConvergence, Causal], "3b");
    assert_eq!(held(&sessions("w x 1\nw x 2; r x 1; r x 2")), [Causal], "3c");
    let d = "w x 1; r y nil; w y 1; r x 1\nw x 2; r y nil; w y 2; r x 2";
    assert_eq!(held(&sessions(d)), ALL, "3d");
    assert_eq!(held(&sessions("w x 1; w y 1\nr y 1; w x 2\nr x 2; r x 1")), [Pram], "3e");
}

#[test]
fn session_guarantees_with_and_without_initial_reads() {
    // What AWDIT lets pass.
    assert_eq!(held(&sessions("w x 1; r x nil")), [], "read your writes");
    assert_eq!(held(&sessions("w x 1; w x 2; r x 1")), [], "read your writes");
    assert_eq!(held(&sessions("w x 1\nr x 1; r x nil")), [], "monotonic reads");
    assert_eq!(held(&sessions("w x 1; w x 2\nr x 2; r x 1")), [], "monotonic reads");
    assert_eq!(held(&sessions("w x 1; w x 2; w y 1\nr y 1; r x 1")), [], "monotonic writes");
    assert_eq!(held(&sessions("w x 1; w x 2\nr x 2; w y 1\nr y 1; r x 1")), [Pram], "writes follow reads");
}

#[test]
fn fractured_reads() {
    // What Plume lets pass: the one read is initial.
    assert_eq!(held(&sessions("[w x 1, w y 1]\n[r y nil, r x 1]")), [ReadCommittedBe]);
    assert_eq!(held(&sessions("[w x 1, w y 1]\n[r x 1, r y nil]")), []);
    let neither = "[w x 1, w y 1]\n[w x 2, w y 2]\n[r x 1, r y 2]";
    assert_eq!(held(&sessions(neither)), [ReadCommittedBe], "half of each");
    assert_eq!(held(&sessions("[w x 1, w y 1]; [w x 2, w y 2]\n[r y 1, r x 2]")), [ReadCommittedBe]);
}

#[test]
fn reads_that_no_order_explains() {
    assert_eq!(held(&sessions("r x 7")), [], "thin air");
    assert_eq!(held(&sessions("w x 7 fail\nr x 7")), [], "aborted");
    assert_eq!(held(&sessions("[w x 7, w x 8]\n[r x 7]")), [], "intermediate");
    assert_eq!(held(&sessions("[w x 7, r x nil]")), [], "internal");
    assert_eq!(held(&sessions("[r x 7, w x 7]")), [], "its own, before it is written");
    assert_eq!(held(&sessions("[w x 7]\n[r x nil, r x 7]")), [ReadCommittedBe], "not repeatable");
}

#[test]
fn what_may_have_happened_did_only_where_it_was_seen() {
    assert_eq!(held(&sessions("w x 1; w x 2 info\nr x 1")), ALL);
    assert_eq!(held(&sessions("w x 1; w x 2 info\nr x 2; r x 1")), []);
    // It may happen late: what its session does afterwards does not follow from it.
    assert_eq!(held(&sessions("w x 1 info; r x nil\nr x 1")), ALL);
    assert_eq!(held(&sessions("w x 1; w y 1 info; w x 2\nr y 1; r x nil")), []);
}

#[test]
fn what_is_not_decided_is_not_valid() {
    let verdict = |text: &str| {
        let findings = Checked.check(&testing::history(text), &Budget::unlimited());
        findings.into_iter().find(|finding| finding.model == Causal).map(|finding| finding.verdict)
    };
    let names = |text: &str| verdict(text).map(|verdict| verdict.name());
    assert_eq!(names("c1 write x 1 [0,1]\nc2 write x 1 [0,1]"), Some("valid"), "nobody read either");
    assert_eq!(names("c1 write x 1 [0,1]\nc2 write x 1 [0,1]\nc3 read x 1 [2,3]"), Some("unknown"));
    assert_eq!(names("c1 add s 1 [0,1]"), Some("not-applicable"));
    assert_eq!(names("c1 add s 1 [0,1]\nc1 write x 1 [2,3]\nc1 read x 1 [4,5]"), Some("unknown"));
    assert_eq!(names("c1 add s 1 [0,1]\nc1 write x 1 [2,3]\nc1 read x nil [4,5]"), Some("invalid"));
    assert_eq!(
        names("c1 write x 1 [0,1]\nc1 read s [] [2,3]"),
        Some("unknown"),
        "of a list, not from thin air"
    );
    assert_eq!(names("c1 write x 1 [0,] info"), Some("unknown"));
    assert!(matches!(verdict("c1 write x 1 [0,1]"), Some(Verdict::Valid)));
}

#[test]
fn real_time_only_forbids_what_contradicts_it() {
    let model = |text: &str| {
        let findings = Checked.check(&testing::history(text), &Budget::unlimited());
        findings.into_iter().find(|finding| finding.model == RealTimeCausal).unwrap().verdict.name()
    };
    // Stale, but nothing is turned round.
    assert_eq!(model("c1 write x 1 [0,1]\nc2 read x nil [2,3]"), "valid");
    assert_eq!(model("c2 read x 1 [0,1]\nc1 write x 1 [2,3]"), "invalid");
    // Both writes were seen by one who took the earlier for the later.
    let turned = "c1 write x 1 [0,1]\nc2 write x 2 [2,3]\nc3 read x 2 [4,5]\nc3 read x 1 [6,7]";
    assert_eq!(model(turned), "invalid");
    assert_eq!(model(&turned.replace("[2,3]", "[1,3]")), "valid");
}

/// The first anomaly of a model, in words and as a graph.
fn told(text: &str, model: ModelName) -> String {
    let history = sessions(text);
    let findings = Checked.check(&history, &Budget::unlimited());
    let finding = findings.iter().find(|finding| finding.model == model).unwrap();
    let anomaly = &finding.verdict.anomalies()[0];
    assert_eq!(confirm(&history, anomaly), Ok(()));
    format!("{}\n{}", testing::told(&history, anomaly), dot(&history, anomaly).unwrap_or_default())
}

#[test]
fn anomalies_are_told_with_the_reason_of_each_edge() {
    insta::assert_snapshot!(told("w x 1; r x nil", Causal));
    insta::assert_snapshot!(told("w x 1; w x 2\nr x 2; r x 1", Causal));
    insta::assert_snapshot!(told("w x 1\nr x 1; w y 1\nr y 1; r x nil", Causal));
    insta::assert_snapshot!(told("w x 1; w y 1\nr y 1; w x 2\nr x 2; w z 1; r x 2; r x 1", Causal));
    insta::assert_snapshot!(told("r y 1; w x 1\nr x 1; w y 1", Causal));
    insta::assert_snapshot!(told("w x 1; r x 2\nw x 2; r x 1", CausalConvergence));
    insta::assert_snapshot!(told("w z 1; w x 1; w y 1\nw x 2; r z nil; r y 1; r x 2", CausalMemory));
    insta::assert_snapshot!(told("[w x 1, w y 1]\n[r y nil, r x 1]", ReadAtomic));
    insta::assert_snapshot!(told("w x 7 fail\nr x 7", Causal));
}
