//! Less of a history is never found invalid where the whole is valid: every model, every object, every view.
//!
//! It cuts histories whose replicas lag behind each other.

use histories::synth::{self, Object, Shape};
use histories::view::View;
use histories::{History, ModelName, Nanos};

use crate::testing::{self, Dice, lagging, lagging::Kind};
use crate::{Budget, Finding, Verdict, check_all};

/// A valid history of an object that is not made here.
fn synthetic(object: Object, seed: u64) -> History {
    let (crashes, failures) = (0.1, 0.1);
    let shape = Shape { object, operations: 24, keys: 2, crashes, failures, seed, ..Shape::default() };
    History::try_from(synth::events(&shape).collect::<Vec<_>>()).unwrap()
}

/// A part of a history, by chance.
fn some_view(history: &History, dice: &mut Dice) -> View {
    let end = history.end().0 + 2;
    let mut time = || Some(Nanos(dice.below(end)));
    let (one, other) = (time(), time());
    let (from, to) = match (history.has_real_time(), dice.below(4)) {
        (false, _) => (None, None),
        (true, 0) => (one, None),
        (true, 1) => (None, one),
        (true, 2) => (one.min(other), one.max(other)),
        (true, _) => (one.filter(|_| dice.one_in(4)), None),
    };
    let key = history.keys().next().filter(|_| from.or(to).is_none() || dice.one_in(3));
    View { key: key.map(|(_, key)| key.as_str().to_owned()), from, to, ..View::default() }
}

fn held(findings: &[Finding], model: ModelName) -> bool {
    findings.iter().any(|finding| finding.model == model && finding.verdict == Verdict::Valid)
}

#[test]
#[expect(clippy::print_stderr, reason = "figures for who fuzzes by hand")]
fn less_of_a_valid_history_is_not_invalid() {
    // What cannot be decided soon is not what is asked here.
    let budget = Budget::new(std::time::Duration::from_hours(1), 1 << 22);
    let (mut parts, mut violated) = (0_u64, 0_u64);
    for seed in 0..testing::cases(2_000) {
        let mut dice = Dice(seed);
        let kind = Kind::ALL[(seed % 6) as usize];
        let history = match seed % 8 {
            7 => synthetic(Object::ALL[(seed / 8 % Object::ALL.len() as u64) as usize], seed),
            _ => lagging::history(kind, seed),
        };
        let whole = check_all(&history, None, &budget);
        let view = some_view(&history, &mut dice);
        let part = view.of(history.clone()).unwrap();
        for finding in check_all(&part, None, &budget) {
            if !matches!(finding.verdict, Verdict::Invalid(_)) {
                continue;
            }
            violated += 1;
            assert!(
                !held(&whole, finding.model),
                "seed {seed}, {kind:?}, {view:?}: {finding:#?}\n{}\n--\n{}",
                testing::lines(&history),
                testing::lines(&part)
            );
        }
        parts += 1;
    }
    eprintln!("fuzz narrowing: {parts} parts, {violated} violations, none of which the whole lacks");
    assert!(violated > parts / 4);
}

#[test]
fn a_key_is_not_final_while_replicas_differ_on_another() {
    let text = "nodes n1 n2\nc1 add x 1 [0,1] at n1\nc1 add y 2 [2,3] at n1\nc2 read-all x [] [0,1] at n2
                c3 dump n1 y=[2] [10,11]\nc3 dump n2 y=[] [12,13]";
    let history = testing::history(text);
    let part = View { key: Some("x".to_owned()), ..View::default() }.of(history.clone()).unwrap();
    let set = |history: &History| {
        let findings = check_all(history, Some(&[ModelName::Set]), &Budget::unlimited());
        findings[0].verdict.name()
    };
    assert_eq!((set(&history), set(&part)), ("unknown", "unknown"), "1 may be on its way to n2");
    let agreed = testing::history(&text.replace("n2 y=[]", "n2 y=[2]"));
    assert_eq!(set(&agreed), "invalid", "x lacks 1 where nothing is on its way any more");
}
