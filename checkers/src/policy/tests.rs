//! Each policy against its definition tried out on every possibility, and what anomalies say.

mod fuzz;
mod oracle;

use histories::{Conflict, History};

use super::Policy;
use crate::testing::confirm;
use crate::{Budget, Checker, Finding, testing};

/// What the policy says of a history, every proof re-checked.
fn finding(history: &History) -> Finding {
    let finding = Policy.check(history, &Budget::unlimited()).remove(0);
    for anomaly in finding.verdict.anomalies() {
        assert_eq!(confirm(history, anomaly), Ok(()), "{anomaly:#?}\n{}", testing::lines(history));
        assert!(!anomaly.steps.is_empty() && !anomaly.facts.is_empty());
    }
    finding
}

fn verdict(text: &str) -> &'static str {
    finding(&testing::history(text)).verdict.name()
}

/// The only anomaly of a history.
fn told(history: &History) -> String {
    let finding = finding(history);
    let [anomaly] = finding.verdict.anomalies() else { panic!("{:#?}", finding.verdict) };
    testing::told(history, anomaly)
}

fn by(clock: Conflict, text: &str) -> History {
    let mut history = testing::history(text);
    history.header.conflict = Some(clock);
    history
}

const CONCURRENT: &str = "c1 replace x [] 1 [0,1]\nc2 replace x [] 2 [0,1]\n";

#[test]
fn updates_siblings_and_what_reappeared_are_counted() {
    let counts = |text: &str| finding(&testing::history(text)).figures.conflicts.unwrap();
    let siblings = counts(&format!(
        "{CONCURRENT}c3 read-all x [1;2] [2,3]\nc3 replace x [1;2] 3 [4,5]\nc4 read-all x [3] [6,7]"
    ));
    assert_eq!(
        (siblings.updates, siblings.reads, siblings.sibling_reads, siblings.siblings_max),
        (3, 2, 1, 2)
    );
    let back = counts("c1 add s 1 [0,1]\nc1 remove s 1 [2,3]\nc2 read-all s [1] [10,11]");
    assert_eq!((back.updates, back.reappeared, back.lost), (2, 1, 0));
}

#[test]
fn what_nobody_quoted_stays_beside() {
    let end = |shown: &str| verdict(&format!("{CONCURRENT}c3 read-all x {shown} [9,10]"));
    assert_eq!(end("[1;2]"), "valid");
    assert_eq!(end("[1]"), "invalid");
    assert_eq!(end("[1;2;3]"), "invalid", "from nowhere");
    let quoted = |shown: &str| {
        let merge = "c3 read-all x [1;2] [2,3]\nc3 replace x [1;2] 3 [4,5]\n";
        verdict(&format!("{CONCURRENT}{merge}c4 read-all x {shown} [9,10]"))
    };
    assert_eq!(quoted("[3]"), "valid");
    assert_eq!(quoted("[1;3]"), "invalid", "replaced");
    assert_eq!(quoted("[1;2]"), "invalid", "the merge is gone");
    let removed = |shown: &str| {
        verdict(&format!("{CONCURRENT}c3 replace x [1] nil [4,5]\nc4 read-all x {shown} [9,10]"))
    };
    assert_eq!(removed("[2]"), "valid");
    assert_eq!(removed("[1;2]"), "invalid");
    assert_eq!(verdict(CONCURRENT), "unknown", "nobody looked");
    insta::assert_snapshot!(told(&testing::history(&format!("{CONCURRENT}c3 read-all x [1] [9,10]"))));
}

#[test]
fn a_session_sees_what_it_saw_or_what_replaced_it() {
    let second = |shown: &str| {
        verdict(&format!(
            "{CONCURRENT}c3 read-all x [1] [2,3]\nc2 replace x [1;2] 3 [4,5]\nc3 read-all x {shown} [6,7]
             c9 replace x [3] 4 [10,11]\nc9 read-all x [4] [12,13]"
        ))
    };
    assert_eq!(second("[1;2]"), "valid", "late");
    assert_eq!(second("[3]"), "valid");
    assert_eq!(second("[2]"), "invalid", "1 is gone");
    assert_eq!(second("[1;3]"), "invalid", "3 has replaced 1");
    insta::assert_snapshot!(told(&testing::history(
        "c1 replace x [] 1 [0,1]\nc1 replace x [1] 2 [2,3]\nc2 read-all x [1;2] [4,5]\nc3 read-all x [2] [6,7]"
    )));
}

#[test]
fn additions_win() {
    let set = |text: &str, shown: &str| verdict(&format!("{text}\nc9 read-all s {shown} [90,91]"));
    let beside = "c1 add s 1 [0,9]\nc2 remove s 1 [0,9]";
    assert_eq!((set(beside, "[1]"), set(beside, "[]")), ("valid", "valid"));
    let after = "c2 remove s 1 [0,1]\nc1 add s 1 [2,3]";
    assert_eq!((set(after, "[1]"), set(after, "[]")), ("valid", "invalid"));
    let own = "c1 add s 1 [0,1]\nc1 remove s 1 [2,3]";
    assert_eq!((set(own, "[1]"), set(own, "[]")), ("invalid", "valid"));
    let read = "c1 add s 1 [0,1]\nc2 read-all s [1] [2,3]\nc2 remove s 1 [4,5]";
    assert_eq!((set(read, "[1]"), set(read, "[]")), ("invalid", "valid"));
    let unread = "c1 add s 1 [0,1]\nc2 remove s 1 [4,5]";
    assert_eq!((set(unread, "[1]"), set(unread, "[]")), ("valid", "valid"), "it may not have arrived");
    let again = "c1 add s 1 [0,1]\nc1 remove s 1 [2,3]\nc2 add s 1 [2,3]";
    assert_eq!((set(again, "[1]"), set(again, "[]")), ("valid", "valid"));
    let end = "c9 read-all s [1] [90,91]";
    insta::assert_snapshot!(told(&testing::history(&format!("{own}\n{end}"))));
}

#[test]
fn what_a_set_shows_was_added() {
    let other = "c1 add s 1 [0,1]\nc1 remove s 2 [2,3]\n";
    let read = |line: &str| verdict(&format!("{other}{line}\nc9 read-all s [1] [90,91]"));
    assert_eq!(read("c2 read-all s [1;2] [4,5]"), "invalid", "nobody added 2");
    assert_eq!(
        read("c2 read-all s [1;2] [4,5]\nc3 add s 2 [5,6] info\nc3 remove s 2 [7,8]"),
        "valid",
        "it may be early"
    );
    assert_eq!(
        read("c2 read-all s [1;2] [4,5]\nc3 add s 2 [6,7]\nc3 remove s 2 [8,9]"),
        "invalid",
        "from the future"
    );
    assert_eq!(read("c2 add s 2 [2,3] fail\nc2 read-all s [1;2] [4,5]"), "invalid", "the addition failed");
    assert_eq!(read("c2 add t 3 [2,3]\nc2 read-all t [3;4] [4,5]"), "invalid", "nothing is removed from t");
    let dumped =
        |state: &str| verdict(&format!("{other}c8 dump n1 s={state} [90,91]\nc9 dump n2 s={state} [90,91]"));
    assert_eq!((dumped("[1]"), dumped("[1;4]")), ("valid", "invalid"));
    let unread = testing::history(&format!("{other}c2 read-all s [1;2] [4,5]"));
    insta::assert_snapshot!(told(&unread));
}

#[test]
fn counters_and_carts_add_up_at_the_end() {
    let counter = "c1 increment c 5 [0,1]\nc2 decrement c 2 [0,1]\nc2 increment c 4 [2,3] info\n";
    let end = |shown: i64| verdict(&format!("{counter}c3 read c 9 [1,2]\nc4 read c {shown} [9,10]"));
    assert_eq!((end(3), end(7), end(5)), ("valid", "valid", "invalid"), "reads on the way do not matter");
    let cart = |shown: &str| {
        verdict(&format!(
            "c1 increment k [apple;2] [0,1]\nc2 increment k [fig;1] [0,1]\nc4 read-all k {shown} [9,10]"
        ))
    };
    assert_eq!(cart("apple=2,fig=1"), "valid");
    assert_eq!(cart("apple=2,fig=2"), "invalid");
    insta::assert_snapshot!(told(&testing::history("c1 increment c 5 [0,1]\nc4 read c 4 [9,10]")));
}

#[test]
fn the_last_write_wins_by_the_clock_that_the_header_names() {
    let seen = "c1 write x 1 [0,1]\nc2 read x 1 [2,3]\nc2 write x 2 [4,5]\n";
    let end = "c9 read x 1 [90,91]";
    assert_eq!(verdict(&format!("{seen}{end}")), "not-applicable");
    let hybrid = by(Conflict::LwwHlc, &format!("{seen}{end}"));
    insta::assert_snapshot!(told(&hybrid));
    let beside = "c1 write x 1 [0,1]\nc2 write x 2 [4,5]\n";
    let verdict = |history: &History| finding(history).verdict.name();
    assert_eq!(verdict(&by(Conflict::LwwHlc, &format!("{beside}{end}"))), "valid");
    let stamped = |one: u64, two: u64| {
        let text = format!(
            "c1 write x 1 [0,1] served n1 version {one}\nc2 write x 2 [4,5] served n2 version {two}\n{end}"
        );
        by(Conflict::Lww, &text)
    };
    assert_eq!(verdict(&stamped(70, 60)), "valid", "the clock of n2 is behind");
    insta::assert_snapshot!(told(&stamped(60, 60)));
}
