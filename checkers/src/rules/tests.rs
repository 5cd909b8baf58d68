//! Each rule against its definition tried out on every possibility, and what anomalies say.

mod fuzz;
mod oracle;
mod planted;

use histories::{Accounts, History, ModelName};

use super::Rules;
use crate::testing::confirm;
use crate::{Budget, Checker, Finding, Verdict, testing};

/// What a rule says of a history, every proof re-checked.
fn finding(history: &History, model: ModelName) -> Finding {
    let findings = Rules.check(history, &Budget::unlimited());
    let finding = findings.into_iter().find(|finding| finding.model == model).unwrap();
    for anomaly in finding.verdict.anomalies() {
        assert_eq!(confirm(history, anomaly), Ok(()), "{anomaly:#?}");
        assert!(!anomaly.steps.is_empty() && !anomaly.facts.is_empty());
    }
    finding
}

fn verdict(text: &str, model: ModelName) -> &'static str {
    finding(&testing::history(text), model).verdict.name()
}

/// The only anomaly of a history.
fn told(text: &str, model: ModelName) -> String {
    let history = testing::history(text);
    let finding = finding(&history, model);
    let [anomaly] = finding.verdict.anomalies() else { panic!("{:#?}", finding.verdict) };
    testing::told(&history, anomaly)
}

#[test]
fn a_rule_says_nothing_of_other_data_types() {
    for finding in Rules.check(&testing::history("c1 write x 1 [0,1]"), &Budget::unlimited()) {
        assert!(matches!(finding.verdict, Verdict::NotApplicable(_)), "{finding:#?}");
    }
}

#[test]
fn a_set_keeps_what_is_known_and_shows_nothing_else() {
    let set = |text: &str| verdict(text, ModelName::Set);
    let added = "c1 add s 1 [0,1]\nc2 add s 2 [2,3]\n";
    assert_eq!(set(&format!("{added}c3 read-all s [1;2] [4,5]")), "valid");
    // Late, not lost.
    assert_eq!(set(&format!("{added}c3 read-all s [2] [4,5]\nc3 read-all s [1;2] [6,7]")), "valid");
    assert_eq!(set(&format!("{added}c3 read-all s [2] [4,5]")), "invalid");
    assert_eq!(set(&format!("{added}c3 read-all s [2] [4,5]\nc1 add s 3 [6,7]")), "invalid");
    let shown = format!("{added}c3 read-all s [1;2] [4,5]\n");
    assert_eq!(set(&format!("{shown}c3 read-all s [2] [6,7]")), "invalid", "gone after it was there");
    assert_eq!(set(&format!("{shown}c4 read-all s [2] [5,6]")), "valid", "one of the two was the last");
    // Element 2 is lost whether or not a final read tells of element 1.
    let other = "c1 add z 9 [8,9]\nc4 read-all z [9] [10,11]";
    assert_eq!(set(&format!("{added}c3 read-all s [1] [4,5]\n{other}")), "invalid", "2 is gone");
    let cut = "nodes n1 n2\nc1 add s 1 [0,1] at n1\nc3 read-all s [] [2,3] at n2";
    assert_eq!(set(cut), "unknown", "the run may have ended before its last reads");
    assert_eq!(
        set("c1 add s 1 [0,1]\nc1 remove s 1 [2,3]\nc3 read-all s [] [4,5]"),
        "unknown",
        "nothing due"
    );
    assert_eq!(set("c1 add - 1 [0,1]\nc3 read-all - [1] [4,5]"), "valid", "the one set, without a name");
    assert_eq!(set("c1 add - 1 [0,1]\nc3 read-all - [] [4,5]"), "invalid");
    assert_eq!(set("c1 increment s 1 [0,1]\nc1 read s 1 [2,3]"), "not-applicable");
    insta::assert_snapshot!(told(&format!("{added}c3 read-all s [2] [4,5]"), ModelName::Set));
    insta::assert_snapshot!(told("c1 add s 1 [0,1]\nc3 read-all s [1;1] [4,5]", ModelName::Set));
    insta::assert_snapshot!(told("c1 add s 1 [0,1]\nc3 read-all s [1;7] [4,5]", ModelName::Set));
}

#[test]
fn how_late_a_set_was_seen_is_measured() {
    let text = "c1 add s 1 [0,1000000]\nc2 add s 2 [0,2000000]\nc3 read-all s [] [5000000,5000001]
                c3 read-all s [2] [6000000,6000001]\nc3 read-all s [1;2] [7000000,7000001]";
    let staleness = finding(&testing::history(text), ModelName::Set).figures.staleness.unwrap();
    assert_eq!((staleness.stale_reads, staleness.reads, staleness.max_versions), (2, 3, 2));
    assert_eq!((staleness.p50_ms, staleness.max_ms), (4.0, 5.0));
}

#[test]
fn a_counter_is_some_sum() {
    let counter = |text: &str| verdict(text, ModelName::Counter);
    let two = "c1 increment c 5 [0,1]\nc2 increment c 3 [2,9]\n";
    for (shown, expected) in [(5, "valid"), (8, "valid"), (3, "invalid"), (6, "invalid"), (0, "invalid")] {
        assert_eq!(counter(&format!("{two}c3 read c {shown} [4,5]")), expected, "{shown}");
    }
    assert_eq!(counter("c1 decrement c 2 [0,1] info\nc2 read c -2 [4,5]\nc2 read c 0 [6,7]"), "valid");
    assert_eq!(counter("c1 add c 2 [0,1]\nc2 read c 2 [4,5]"), "valid");
    let cart = "c1 increment cart [apple;2] [0,1]\nc1 increment cart [pear;1] [2,3]\n";
    assert_eq!(counter(&format!("{cart}c2 read-all cart {{apple=2,pear=1}} [4,5]")), "valid");
    assert_eq!(counter(&format!("{cart}c2 read-all cart {{apple=2}} [4,5]")), "invalid");
    assert_eq!(counter(&format!("{cart}c2 read-all cart {{apple=2,pear=1,fig=1}} [4,5]")), "invalid");
    insta::assert_snapshot!(told(&format!("{two}c3 read c 6 [4,5]"), ModelName::Counter));
    insta::assert_snapshot!(told(&format!("{cart}c2 read-all cart {{apple=2}} [4,5]"), ModelName::Counter));
}

#[test]
fn a_bank_makes_no_money() {
    let bank = |text: &str| verdict(text, ModelName::Bank);
    let moved = "c1 transfer bank [a;b;5] [0,1]\n";
    let read = "c2 read-all bank a=5,b=15 [2,3]\n";
    assert_eq!(bank(&format!("{moved}{read}c3 read-all bank a=10,b=10 [2,3]")), "valid");
    assert_eq!(bank(&format!("{moved}{read}c3 read-all bank a=10,b=15 [2,3]")), "invalid");
    assert_eq!(bank(&format!("{moved}c3 read-all bank a=-5,b=25 [2,3]")), "invalid");
    assert_eq!(bank(moved), "unknown");
    assert_eq!(bank("c1 read - a=5,b=15 [0,1]\nc2 read - a=10,b=10 [2,3]"), "valid", "before any transfer");
    assert_eq!(bank("c1 read - a=5,b=15 [0,1]\nc2 read - a=21,b=-1 [2,3]"), "invalid");
    let known = |accounts: Accounts, text: &str| {
        let mut history = testing::history(text);
        history.header.bank = Some(accounts);
        let finding = finding(&history, ModelName::Bank);
        let told: Vec<String> =
            finding.verdict.anomalies().iter().map(|anomaly| testing::told(&history, anomaly)).collect();
        (finding.verdict.name(), told.join(""))
    };
    let negative = || Accounts { negative_balances: true, ..Accounts::default() };
    let below = format!("{moved}c3 read-all bank a=-5,b=25 [2,3]");
    assert_eq!(known(negative(), &below).0, "valid");
    let total = |total| Accounts { total_amount: Some(total), ..Accounts::default() };
    assert_eq!(known(total(20), &format!("{moved}{read}")).0, "valid");
    let wrong = known(total(30), &format!("{moved}{read}c3 read-all bank a=5,b=15 [4,5]"));
    let listed = |names: &[&str]| Accounts {
        accounts: names.iter().map(ToString::to_string).collect(),
        ..Accounts::default()
    };
    assert_eq!(known(listed(&["a", "b", "c"]), &format!("{moved}{read}")).0, "valid");
    let other = known(listed(&["a"]), &format!("{moved}{read}"));
    assert_eq!((wrong.0, other.0), ("invalid", "invalid"));
    insta::assert_snapshot!(told(&format!("{moved}{read}c3 read-all bank a=10,b=15 [4,5]"), ModelName::Bank));
    let before = "c2 read-all bank a=10,b=10 [0,1]\nc1 transfer bank [a;b;5] [2,3]\n";
    let after = "c2 read-all bank a=5,b=18 [4,5]\nc3 read-all bank a=5,b=18 [6,7]\n";
    insta::assert_snapshot!(told(&format!("{before}{after}"), ModelName::Bank));
    insta::assert_snapshot!(told(&format!("{before}c2 read-all bank a=nil,b=20 [4,5]"), ModelName::Bank));
    insta::assert_snapshot!(told(&format!("{before}c2 read-all bank a=5,b=10,d=5 [4,5]"), ModelName::Bank));
    let named = "c2 read-all bank a=10,b=10 [0,1]\nc1 transfer bank [a;d;5] [2,3]\nc2 read-all bank a=5,b=10,d=5 [4,5]";
    assert_eq!(bank(named), "valid", "a transfer names the account");
    let late = format!("{moved}{read}c3 read-all bank {{}} [4,5]");
    assert_eq!(
        bank(&format!("c9 txn - [[w;a;10];[w;b;10]] [0,1]\n{late}")),
        "valid",
        "a snapshot of the time before"
    );
    assert_eq!(bank(&format!("c9 txn - [[w;a;10];[w;b;10]] [0,1] fail\n{late}")), "invalid");
    assert_eq!(bank(&late), "invalid", "the accounts were there from the beginning");
    insta::assert_snapshot!(wrong.1 + &other.1);
}

#[test]
fn a_bank_holds_what_it_was_opened_with_though_most_reads_show_something_else() {
    let told = |opening: &str| {
        let moved = "c1 transfer - [a;b;5] [2,5]\nc2 read - a=5,b=15 [3,4]\n";
        let late = "c3 read - a=5,b=18 [6,7]\nc4 read - a=5,b=18 [8,9]";
        told(&format!("c9 txn - {opening}\n{moved}{late}"), ModelName::Bank)
    };
    insta::assert_snapshot!(told("[[w;a;10];[w;b;10]] [0,1]"));
    // What was not acknowledged may not have opened it, and what reads as well opens nothing.
    assert!(told("[[w;a;10];[w;b;10]] [0,1] info").contains("which held 23"));
    assert!(told("[[w;a;10];[r;b;nil]] [0,1]").contains("which held 23"));
}

#[test]
fn what_is_enqueued_comes_out_once() {
    let queue = |text: &str| verdict(text, ModelName::Queue);
    let put = "c1 enqueue q 1 [0,1]\nc1 enqueue q 2 [2,3]\n";
    assert_eq!(queue(&format!("{put}c2 dequeue q 2 [4,5]\nc2 dequeue q 1 [6,7]")), "valid");
    assert_eq!(queue(&format!("{put}c2 dequeue q 2 [4,5]")), "unknown", "1 may be there still");
    assert_eq!(queue(&format!("{put}c2 dequeue q 2 [4,5]\nc2 dequeue q nil [6,7]")), "invalid");
    assert_eq!(queue(&format!("{put}c2 drain q [2] [4,5]")), "invalid");
    assert_eq!(queue(&format!("{put}c3 dequeue q nil [4,5] info\nc2 drain q [2] [4,5]")), "valid");
    assert_eq!(queue(&format!("{put}c2 drain q [2;1] [4,5]\nc2 dequeue q 1 [6,7]")), "invalid");
    let twice = format!(
        "{put}c2 dequeue q 1 [4,5]\nc2 dequeue q 1 [6,7]\nc1 enqueue q 1 [8,9]\nc2 drain q [2] [10,11]"
    );
    assert_eq!(queue(&twice), "invalid", "as often as it was put in, but too early");
    let indefinite = format!("{put}c2 drain q [] [4,5] info\nc3 dequeue q nil [6,7]");
    assert_eq!(queue(&indefinite), "valid", "it may have taken both");
    assert_eq!(queue("c1 enqueue q 1 [0,1] fail\nc2 dequeue q 1 [4,5]"), "invalid");
    let exhausted = "c3 drain q exhausted [8,9]";
    assert_eq!(queue(&format!("{put}c2 dequeue q 1 [4,5]\n{exhausted}")), "unknown", "it may have taken 2");
    assert_eq!(queue(&format!("{put}c2 dequeue q 1 [4,5]\nc2 dequeue q 1 [6,7]\n{exhausted}")), "invalid");
    assert_eq!(
        queue(&format!("{put}c2 dequeue q 2 [4,5]\nc2 dequeue q nil [6,7]\n{exhausted}")),
        "unknown",
        "what the drain took is not known"
    );
    insta::assert_snapshot!(told(&format!("{put}c2 drain q [2] [4,5]"), ModelName::Queue));
    insta::assert_snapshot!(told(
        &format!("{put}c2 drain q [2;1] [4,5]\nc2 dequeue q 1 [6,7]"),
        ModelName::Queue
    ));
    insta::assert_snapshot!(told(&twice, ModelName::Queue));
}

#[test]
fn an_identifier_is_given_out_once() {
    let ids = |text: &str| verdict(text, ModelName::UniqueIds);
    assert_eq!(ids("c1 generate id 1 [0,1]\nc2 generate id 2 [0,1]"), "valid");
    assert_eq!(ids("c1 generate id 1 [0,1]\nc2 generate id 1 [0,1] info"), "valid");
    let twice = "c1 generate id 1 [0,1]\nc2 generate id 1 [2,3]";
    insta::assert_snapshot!(told(twice, ModelName::UniqueIds));
}

#[test]
fn a_lock_has_one_holder() {
    let mutex = |text: &str| verdict(text, ModelName::Mutex);
    assert_eq!(mutex("c1 acquire m nil [0,1]\nc1 release m nil [2,5]\nc2 acquire m nil [3,4]"), "valid");
    assert_eq!(
        mutex("c1 acquire m nil [0,1]\nc1 release m nil [2,5] fail\nc2 acquire m nil [3,4]"),
        "invalid"
    );
    assert_eq!(mutex("c1 acquire m nil [0,1]\nc2 release m nil [2,3]\nc3 acquire m nil [4,5]"), "unknown");
    assert_eq!(mutex("c1 acquire m nil [0,1] info\nc3 acquire m nil [4,5]"), "valid");
    let fenced = |first: u32, second: u32, from: u32| {
        format!(
            "c1 acquire m nil [0,1] told {{fence={first}}}\nc1 release m nil [2,3]
             c2 acquire m nil [{from},9] told {{fence={second}}}"
        )
    };
    assert_eq!(mutex(&fenced(1, 2, 4)), "valid");
    assert_eq!(mutex(&fenced(2, 1, 4)), "invalid");
    assert_eq!(mutex(&fenced(2, 1, 1)), "valid", "they touch");
    assert_eq!(mutex(&fenced(2, 2, 1)), "invalid", "a token is given once");
    assert_eq!(mutex(&fenced(2, 0, 4)), "valid", "0 is none");
    let both = "c1 acquire m nil [0,1]\nc2 acquire m nil [3,4]\nc1 release m nil [6,7]";
    insta::assert_snapshot!(told(both, ModelName::Mutex));
    insta::assert_snapshot!(told(&fenced(2, 1, 4), ModelName::Mutex));
}
