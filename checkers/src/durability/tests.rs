//! What is lost and what only seems so.

mod fuzz;
mod oracle;
mod replicas;

use histories::{AnomalyKind, History};

use crate::testing::confirm;
use crate::testing::{self, told};
use crate::{Budget, Checker, Convergent, Durability, Durable, Finding, Verdict};

fn check(checker: &dyn Checker, history: &History) -> Finding {
    let finding = checker.check(history, &Budget::unlimited()).remove(0);
    for anomaly in finding.verdict.anomalies() {
        assert_eq!(confirm(history, anomaly), Ok(()), "{anomaly:#?}");
    }
    finding
}

fn lost(text: &str) -> String {
    let history = testing::history(text);
    let verdict = check(&Durable, &history).verdict;
    let [anomaly] = verdict.anomalies() else { panic!("{verdict:?}") };
    told(&history, anomaly)
}

fn counts(text: &str) -> (&'static str, u64, u64, u64, u64) {
    let finding = check(&Durable, &testing::history(text));
    let Durability { acknowledged, lost, superseded, discarded } = finding.figures.durability.unwrap();
    (finding.verdict.name(), acknowledged, lost, superseded, discarded)
}

#[test]
fn what_was_appended_may_be_replaced_as_a_whole() {
    let history = testing::history(
        "c1 append x \"a\" [0,1]
         c1 write x \"b\" [2,3]
         c2 read x \"b\" [4,5]",
    );
    let finding = Durable.check(&history, &Budget::unlimited()).remove(0);
    assert!(!matches!(finding.verdict, Verdict::Invalid(_)), "{:?}", finding.verdict);
}

#[test]
fn a_write_that_an_older_value_stands_for_is_lost() {
    insta::assert_snapshot!(lost(
        "nodes n1 n2
         c1 write x 1 [0,1]
         c1 write x 2 [2,3]
         c2 write x 3 [4,5]
         nemesis heal [6,7]
         c9 dump n1 x=1 [10,11]
         c9 dump n2 x=1 [12,13]"
    ));
    insta::assert_snapshot!(lost("c1 write x 1 [0,1]\nc2 read x nil [10,11]"));
}

#[test]
fn two_leaders_around_a_loss_are_named() {
    insta::assert_snapshot!(lost(
        "nodes n1 n2
         c1 write x 1 [0,1] served n2
         c1 write x 2 [2,3] served n1
         c2 write y 3 [4,5] served n2
         c3 read x 1 [10,11]
         c3 read y 3 [12,13]"
    ));
    insta::assert_snapshot!(lost(
        "nodes n1 n2
         c1 write x 1 [0,1] served n2
         c1 write x 2 [2,3] served n1
         c3 read x 1 [10,11]"
    ));
}

#[test]
fn those_who_may_all_acknowledge_are_no_two_leaders() {
    let kind = |leaders| {
        let mut history = testing::history(
            "nodes n1 n2
             c1 write x 1 [0,1] served n2
             c1 write x 2 [2,3] served n1
             c2 write y 3 [4,5] served n2
             c3 read x 1 [10,11]
             c3 read y 3 [12,13]",
        );
        history.header.leaders = leaders;
        check(&Durable, &history).verdict.anomalies()[0].kind
    };
    assert_eq!(kind(None), AnomalyKind::SplitBrain);
    assert_eq!(kind(Some(2)), AnomalyKind::LostWrite, "each leads its datacentre: the last write won");
    assert_eq!(kind(Some(0)), AnomalyKind::LostWrite, "nobody leads");
}

#[test]
fn elements_that_are_gone_are_lost() {
    insta::assert_snapshot!(lost("c1 add s 1 [0,1]\nc1 add s 2 [2,3]\nc2 read-all s [1] [10,11]"));
    insta::assert_snapshot!(lost(
        "c1 add s 1 [0,1]\nc1 add s 2 [2,4] info\nc2 read-all s [1;2] [3,4]\nc2 read-all s [1] [10,11]"
    ));
    insta::assert_snapshot!(lost("c1 append s 1 [0,1] fail\nc1 append s 2 [2,3]\nc2 read s [1;2] [10,11]"));
    insta::assert_snapshot!(lost("c1 add s 1 [0,1]\nc1 remove s 1 [2,3]\nc2 read-all s [1] [10,11]"));
}

#[test]
fn the_one_object_without_a_name_is_judged_like_others() {
    assert_eq!(
        counts("c1 add - 1 [0,1]\nc1 add - 2 [2,3]\nc2 read-all - [2] [4,5]"),
        ("invalid", 2, 1, 0, 0)
    );
    assert_eq!(counts("c1 add - 1 [0,1]\nc2 read-all - [1] [4,5]"), ("valid", 1, 0, 0, 0));
    assert_eq!(counts("c1 write - 1 [0,1]\nc1 write - 2 [2,3]\nc2 read - 1 [4,5]"), ("invalid", 2, 1, 0, 0));
    assert_eq!(counts("c1 write - 1 [0,1]\nc1 write - 2 [2,3]\nc2 read - 2 [4,5]"), ("valid", 2, 0, 1, 0));
}

#[test]
fn an_element_from_nowhere_is_told() {
    let text = "nodes n1 n2
         c1 add s 1 [0,1] at n1
         c2 dump n1 s=[1] [10,11]
         c3 dump n2 s=[1;7] [10,11]
         c4 read-all s [1;7] [20,21] at n2";
    insta::assert_snapshot!(lost(text));
    let added = |how: &str| counts(&format!("{text}\n{how}")).0;
    assert_eq!(added("c5 add s 7 [0,] at n1"), "valid", "it may have been added");
    assert_eq!(added("c5 write s 7 [0,1] at n1"), "unknown", "who knows what else adds");
    let seen = "c1 add s 1 [0,1]\nc2 read-all s [1;7] [2,3]\nc2 read-all s [1;7] [10,11]";
    assert_eq!(counts(seen).0, "invalid", "that it was seen before makes it no better");
}

#[test]
fn a_leader_that_decides_by_itself_is_a_leader_too() {
    insta::assert_snapshot!(lost(
        "nodes n1 n2
         c1 write x 1 [0,1] at n2 version 1
         c1 write x 2 [2,3] at n1 version 2
         c2 write y 3 [4,5] served n2
         c3 read x 1 [10,11] at n1
         c3 read y 3 [12,13] at n1
         c3 read x 1 [14,15] at n2
         c3 read y 3 [16,17] at n2"
    ));
}

#[test]
fn what_comes_back_is_told() {
    insta::assert_snapshot!(lost(
        "c1 write x 1 [0,1]
         c2 write x 2 [2,4] info
         c3 read x 2 [3,5]
         c3 read x 1 [10,11]"
    ));
    insta::assert_snapshot!(lost("c1 write x 1 [0,1]\nc2 write x 2 [2,3] fail\nc3 read x 2 [10,11]"));
}

#[test]
fn what_may_have_been_replaced_is_not_lost() {
    let superseded = "c1 write x 1 [0,1]\nc1 write x 2 [2,3]\nc3 read x 2 [10,11]";
    assert_eq!(counts(superseded), ("valid", 2, 0, 1, 0));
    let concurrent = "c1 write x 1 [0,5]\nc2 write x 2 [2,7]\nc3 read x 1 [10,11]";
    assert_eq!(counts(concurrent), ("valid", 2, 0, 0, 1));
    let late = "c1 write x 1 [0,5] info\nc2 write x 2 [6,7]\nc3 read x 1 [10,11]";
    assert_eq!(counts(late), ("valid", 1, 0, 0, 1), "the indefinite write may have taken effect late");
    let one_replica = "nodes n1 n2\nc1 write x 1 [0,1]\nc9 dump n1 {} [10,11]\nc8 dump n2 x=1 [10,12]
                       c7 read z nil [20,21]";
    assert_eq!(counts(one_replica), ("valid", 1, 0, 0, 0), "it is still somewhere");
    let unseen = "c1 write x 1 [0,1] info\nc1 write x 2 [2,3]\nc3 read x 2 [10,11]";
    assert_eq!(counts(unseen).0, "valid");
    assert_eq!(counts("c1 add s 1 [0,1]\nc1 remove s 1 [2,3] info\nc2 read-all s [] [10,11]").0, "valid");
    assert_eq!(counts("c1 cas x nil 1 [0,1]\nc2 cas x 1 2 [0,9]\nc2 read x 2 [10,11]").0, "valid");
}

#[test]
fn the_figures_count_all_losses_and_the_list_is_capped() {
    let mut lines: Vec<String> = (0..30).map(|i| format!("c1 add s {i} [{},{}]", 2 * i, 2 * i + 1)).collect();
    lines.push("c1 read-all s [0] [100,101]".into());
    let finding = check(&Durable, &testing::history(&lines.join("\n")));
    assert_eq!(finding.figures.durability.unwrap().lost, 29);
    assert_eq!(finding.verdict.anomalies().len(), 10);
    assert!(finding.verdict.anomalies().iter().all(|anomaly| anomaly.kind == AnomalyKind::LostWrite));
}

#[test]
fn without_a_final_state_nothing_is_decided() {
    let why = |text: &str| check(&Durable, &testing::history(text)).verdict.why().unwrap().to_owned();
    insta::assert_snapshot!(why("c1 write x 1 [0,1]\nc2 read x nil [1,2]"));
    insta::assert_snapshot!(why("nodes n1 n2\nc1 write x 1 [0,1]\nc2 dump n1 {} [2,3]"));
    insta::assert_snapshot!(why("nemesis begin cut [0,1]\nc1 write x 1 [0,1]\nc2 read x nil [3,4]"));
    insta::assert_snapshot!(why("c1 write x 1 [0,1]\nc1 write y 1 [2,3]\nc2 read y 1 [6,7]"));
    insta::assert_snapshot!(why("c1 read x nil [0,1]"));
    insta::assert_snapshot!(why("c1 enqueue q 1 [0,1]"));
}

#[test]
fn replicas_that_agree_have_converged_since_the_first_round_that_did() {
    let history = testing::history(
        "nodes n1 n2
         c1 write x 1 [0,1]
         nemesis heal [2000000,3000000]
         c9 dump n1 x=1,s=[1;2] [4000000,4000001]
         c8 dump n2 {} [4000000,4000001]
         c9 dump n1 x=1,s=[1;2] [5000000,6000000]
         c8 dump n2 x=1,s=[1;2] [5000000,8000000]
         c9 dump n1 x=1,s=[1;2] [9000000,9000001]
         c8 dump n2 x=1,s=[1;2] [9000000,9000001]",
    );
    let finding = check(&Convergent, &history);
    assert_eq!(finding.verdict, Verdict::Valid);
    assert_eq!(finding.figures.convergence.unwrap().after_ms, Some(5.0));
}

#[test]
fn replicas_that_two_leaders_drove_apart_are_a_split_brain() {
    let history = testing::history(
        "nodes n1 n2
         c1 write x 1 [0,1] served n1
         c2 write x 2 [2,3] served n2
         c1 write x 3 [4,9] served n1
         c2 write y 4 [5,8] served n2
         nemesis heal [10,11]
         c9 dump n1 x=3,y=4 [20,21]
         c8 dump n2 x=2,y=4 [22,23]
         c7 read z nil [30,31]",
    );
    let verdict = check(&Convergent, &history).verdict;
    let [split, diverged] = verdict.anomalies() else { panic!("{verdict:?}") };
    assert_eq!((split.kind, diverged.kind), (AnomalyKind::SplitBrain, AnomalyKind::Diverged));
    insta::assert_snapshot!(told(&history, split));
}

#[test]
fn replicas_that_differ_or_are_silent_have_not_converged() {
    let told_of = |text: &str| {
        let history = testing::history(text);
        let verdict = check(&Convergent, &history).verdict;
        verdict.anomalies().iter().map(|anomaly| told(&history, anomaly)).collect::<String>()
    };
    insta::assert_snapshot!(told_of(
        "nodes n1 n2 n3
         c1 write x 1 [0,1]
         c9 dump n1 x=1,y=2 [4,5]
         c9 dump n2 x=1,y=3 [6,7]
         c9 dump n3 x=1 [8,9]
         c8 read z nil [10,11]"
    ));
    insta::assert_snapshot!(told_of(
        "nodes n1 n2
         c1 write x 1 [0,1]
         c9 dump n1 x=1 [4,5]
         c9 dump n2 x=1 [6,7] info
         c8 read z nil [8,9]"
    ));
    let order =
        testing::history("nodes n1 n2\nc1 add s 1 [0,1]\nc9 dump n1 s=[1;2] [4,5]\nc9 dump n2 s=[2;1] [6,7]");
    assert_eq!(check(&Convergent, &order).verdict, Verdict::Valid, "a set has no order");
    let none = testing::history("c1 write x 1 [0,1]\nc1 read x 1 [2,3]");
    assert_eq!(check(&Convergent, &none).verdict.name(), "unknown");
}

/// What each checker says of a history, as far as it decides.
fn both(text: &str) -> (String, String) {
    let history = testing::history(text);
    let said = |checker: &dyn Checker| {
        let verdict = check(checker, &history).verdict;
        verdict.why().map_or_else(|| verdict.name().to_owned(), str::to_owned)
    };
    (said(&Durable), said(&Convergent))
}

#[test]
fn reads_of_a_run_that_was_cut_off_are_no_final_state() {
    let one_node = "nodes n1 n2\nc1 write x 1 [0,1] at n1\nc2 read x nil [2,3] at n2";
    let why = "no final state: no key was read from every node after the last update and the heal";
    assert_eq!(both(one_node).0, why);
    let unanswered = format!("{one_node}\nc3 read x nil [4,5] at n1 info");
    assert_eq!(both(&unanswered).0, why);
    let all_nodes = format!("{one_node}\nc3 read x nil [4,5] at n1");
    assert_eq!(both(&all_nodes).0, "invalid");
    let open = format!("{all_nodes}\nc4 write y 2 [1,] at n1");
    assert_eq!(both(&open).0, "no final state: the run ended before its final reads");
    assert_eq!(both("c1 write x 1 [0,1]\nc2 read x nil [2,3]").0, "invalid", "it names no nodes");
}

#[test]
fn replicas_that_are_still_asked_are_not_judged() {
    let update = "nodes n1 n2\nc1 write x 1 [0,1] at n1\n";
    let asked = "the history ends while replicas were still being asked";
    let not_final = format!("no final state: {asked}");
    let unequal = format!("{update}c2 dump n1 {{}} [10,11]\nc3 dump n2 x=2 [10,11]");
    assert_eq!(both(&unequal), (not_final.clone(), asked.to_owned()));
    let half = format!("{unequal}\nc2 dump n1 x=1 [20,21]\nc3 dump n2 x=1 [20,]");
    assert_eq!(both(&half), (not_final, asked.to_owned()), "the last round was cut");
    let first_half = format!("{update}c2 dump n1 x=1 [10,11]\nc3 dump n2 x=1 [10,]");
    assert_eq!(both(&first_half).1, "the last round of dumps was not completed");
    let silent = format!("{update}c2 dump n1 x=1 [10,11]\nc3 dump n2 x=1 [10,11] info");
    assert_eq!(both(&silent).1, asked);
    let given_up = |text: &str| both(&format!("{text}\nc4 read y nil [30,31] at n1")).1;
    assert_eq!((given_up(&unequal), given_up(&silent)), ("invalid".into(), "invalid".into()));
    let late = "\nc2 dump n1 {} [6000000000,6000000001]\nc3 dump n2 x=2 [6000000000,6000000001]";
    assert_eq!(both(&format!("{unequal}{late}")).1, "invalid", "six seconds are enough");
    let cut = "\nc2 dump n1 {} [6100000000,6100000001]\nc3 dump n2 x=2 [6100000000,]";
    assert_eq!(both(&format!("{unequal}{late}{cut}")).1, "invalid");
}

#[test]
fn an_empty_witness_proves_nothing() {
    let history =
        testing::history("nodes n1 n2\nc2 dump n1 {} [10,11]\nc3 dump n2 x=2 [10,11]\nc4 read y nil [30,31]");
    let mut anomaly = check(&Convergent, &history).verdict.anomalies()[0].clone();
    anomaly.witness.operations.clear();
    anomaly.kind = AnomalyKind::MissingReplica;
    assert!(confirm(&history, &anomaly).is_err());
}

#[test]
fn where_a_key_is_kept_on_some_nodes_only_the_others_say_nothing_of_it() {
    let judged = |copies, dumps: &str| {
        let text = format!(
            "nodes n1 n2 n3\nc1 write x 1 [0,1]\nc1 write x 2 [2,3]\nnemesis heal [6,7]\n{dumps}\nc1 read y nil [40,41]"
        );
        let mut history = testing::history(&text);
        history.header.copies = copies;
        let of = |checker: &dyn Checker| check(checker, &history).verdict.name();
        (of(&Convergent), of(&Durable))
    };
    let elsewhere = "c7 dump n1 x=2 [20,21]\nc8 dump n2 x=2 [22,23]\nc9 dump n3 {} [24,25]";
    assert_eq!(judged(Some(2), elsewhere), ("valid", "valid"));
    assert_eq!(judged(None, elsewhere), ("invalid", "valid"), "where all should hold it one lacks it");
    assert_eq!(judged(Some(3), elsewhere), ("invalid", "valid"));
    let older = "c7 dump n1 x=2 [20,21]\nc8 dump n2 x=1 [22,23]\nc9 dump n3 {} [24,25]";
    assert_eq!(judged(Some(2), older), ("invalid", "valid"));
    let nowhere = "c7 dump n1 {} [20,21]\nc8 dump n2 {} [22,23]\nc9 dump n3 {} [24,25]";
    assert_eq!(judged(Some(2), nowhere), ("valid", "invalid"));
    let lost = "c7 dump n1 x=1 [20,21]\nc8 dump n2 x=1 [22,23]\nc9 dump n3 {} [24,25]";
    assert_eq!(judged(Some(2), lost), ("valid", "invalid"));
}

#[test]
fn what_nodes_hold_is_not_all_where_nobody_answers() {
    let unanswered = "nodes n1 n2
         c1 write x 1 [0,1]
         c1 write x 2 [2,3]
         c1 add s 5 [4,5]
         nemesis heal [6,7]
         c9 dump n1 x=1 [10,11]
         c9 dump n2 x=1 [12,13]
         c9 read x nil [14,15] fail
         c9 read s nil [16,17] fail";
    assert_eq!(counts(unanswered), ("unknown", 3, 0, 0, 0));
    let answered = format!("{unanswered}\nc9 read x 1 [18,19]\nc9 read s nil [20,21]");
    assert_eq!(counts(&answered), ("invalid", 3, 2, 0, 0));
}
