//! Queues, stacks and locks against every interleaving.

use super::*;

/// A queue, a stack, a lock, or two of them, simulated; some answers are wrong.
fn elements(dice: &mut Dice) -> History {
    let (count, clients) = (3 + dice.below(7), 1 + dice.below(3));
    let kinds: Vec<u64> = (0..=dice.below(2)).map(|_| dice.below(3)).collect();
    let mut sessions: Vec<Vec<String>> = vec![Vec::new(); clients as usize];
    let mut held: Vec<Vec<i64>> = vec![Vec::new(); kinds.len()];
    let (spoil, few) = (3 + dice.below(8), if dice.one_in(3) { 2 } else { 100 });
    for number in 0..count {
        let (client, key) = (dice.below(clients) as usize, dice.below(kinds.len() as u64) as usize);
        let outcome = ["ok", "ok", "ok", "ok", "info", "fail"][dice.below(6) as usize];
        let happens = outcome == "ok" || (outcome == "info" && dice.one_in(2));
        let (state, element) = (&mut held[key], number as i64 % few);
        let puts = dice.one_in(2);
        let mut after = state.clone();
        let line = match (kinds[key], puts) {
            (2, _) => {
                let is_free = after.is_empty() != dice.one_in(spoil);
                after = if is_free { vec![0] } else { Vec::new() };
                format!("{} k{key} nil @ {outcome}", if is_free { "acquire" } else { "release" })
            }
            (kind, true) => {
                after.push(element);
                format!("{} k{key} {element} @ {outcome}", if kind == 0 { "enqueue" } else { "push" })
            }
            (0, false) if dice.one_in(5) => {
                let taken: Vec<String> = after.drain(..).map(|element| element.to_string()).collect();
                let outcome = if outcome == "info" { "ok" } else { outcome };
                format!("drain k{key} [{}] @ {outcome}", taken.join(";"))
            }
            (kind, false) => {
                let taken = if kind == 0 && !after.is_empty() { Some(after.remove(0)) } else { after.pop() };
                let taken = if dice.one_in(spoil) { Some(element) } else { taken };
                let taken = taken.map_or_else(|| "nil".to_owned(), |taken| taken.to_string());
                format!("{} k{key} {taken} @ {outcome}", if kind == 0 { "dequeue" } else { "pop" })
            }
        };
        if happens || line.starts_with("drain") && outcome == "info" {
            *state = after;
        }
        sessions[client].push(format!("c{client} {line}"));
    }
    testing::history(&merged(dice, sessions).join("\n"))
}

#[test]
fn queues_stacks_and_locks_agree_with_every_interleaving() {
    let cases = cases(2_000);
    let counts = compare(17, cases, elements);
    tell(&format!("elements: {counts:?}"));
    assert!(counts.valid > cases / 5 && counts.invalid > cases / 8, "{counts:?}");
}

#[test]
fn a_session_that_takes_what_it_puts_in_later_has_no_order() {
    assert_eq!(verdict("c1 dequeue x 3 [1,2]\nc1 enqueue x 3 [3,4]").name(), "invalid");
    assert_eq!(verdict("c1 pop x 3 [1,2]\nc1 push x 3 [3,4]").name(), "invalid");
    assert_eq!(verdict("c1 release x nil [1,2]\nc1 acquire x nil [3,4]").name(), "invalid");
    assert_eq!(verdict("c1 dequeue x 3 [1,2]\nc2 enqueue x 3 [7,8]").name(), "valid");
}

#[test]
fn of_many_elements_a_proof_names_those_that_contradict_each_other() {
    let mut lines: Vec<String> =
        (0..100).map(|i| format!("c1 enqueue q {i} [{},{}]", 2 * i, 2 * i + 1)).collect();
    let turned = |place| if place == 40 || place == 41 { 81 - place } else { place };
    let times = |place| (1_000 + 2 * place, 1_001 + 2 * place);
    lines.extend(
        (0..100)
            .map(|place| format!("c2 dequeue q {} [{},{}]", turned(place), times(place).0, times(place).1)),
    );
    let verdict = verdict(&lines.join("\n"));
    let [anomaly] = verdict.anomalies() else { panic!("{verdict:?}") };
    assert_eq!(anomaly.steps.len(), 4, "{anomaly:?}");
}
