//! Random rounds of dumps: convergence against its definition, pair of replicas by pair.

use histories::{Function, History, Nanos, Operation, Value};

use super::{check, testing};
use crate::testing::Dice;
use crate::{Convergent, Verdict};

const SECOND: u64 = 1_000_000_000;

/// Updates, a heal, and rounds of dumps of which some are cut short or not answered.
fn history(dice: &mut Dice) -> History {
    let nodes = 2 + dice.below(2);
    let mut lines = vec![["nodes n1 n2", "nodes n1 n2 n3"][nodes as usize - 2].to_owned()];
    lines.push("c1 write x 1 [0,1]".into());
    lines.push(format!("c2 add s 1 [2,3]{}", ["", " info"][dice.below(2) as usize]));
    if dice.one_in(2) {
        lines.push("nemesis begin cut [4,5]\nnemesis heal [6,7]".into());
    }
    let (mut now, mut asked) = (10, 10);
    let spoil = 2 + dice.below(16);
    for _ in 0..=dice.below(3) {
        if dice.one_in(6) {
            lines.push(format!("c3 write x 2 [{now},{}]", now + 1));
            now += 2;
        }
        if dice.one_in(8) {
            now += 6 * SECOND;
        }
        for node in (1..=nodes).filter(|_| !dice.one_in(3 * spoil)).collect::<Vec<_>>() {
            let x = if dice.one_in(spoil) { "" } else { ["x=1,", "x=2,"][usize::from(dice.one_in(spoil))] };
            let s = ["s=[1;2]", "s=[2;1]", "s=[1]"][(dice.below(2) + u64::from(dice.one_in(spoil))) as usize];
            let end = if dice.one_in(3 * spoil) { "] info" } else { "]" };
            let to = if dice.one_in(4 * spoil) { String::new() } else { (now + 1).to_string() };
            // Each dump has a client of its own: it may stay open.
            lines.push(format!("c{asked} dump n{node} {x}{s} [{now},{to}{end}"));
            (now, asked) = (now + 2, asked + 1);
        }
    }
    if dice.one_in(2) {
        lines.push(format!("c4 read x 1 [{now},{}]", now + 1));
    }
    let mut history = testing::history(&lines.join("\n"));
    history.header.copies = dice.one_in(4).then_some(2);
    history
}

/// Whether all replicas held the same; `None` where they were not given the time to, or nobody asked.
fn converged(history: &History) -> Option<bool> {
    let updates = |op: &&Operation| matches!(op.function, Function::Write | Function::Add);
    let last_update = history.operations().iter().filter(updates).map(|op| op.completed).max()?;
    let healed = history.nemesis().last().map_or(Nanos::ZERO, |event| event.time);
    let is_final = |op: &&Operation| op.invoked > last_update && op.invoked > healed;
    let dumps = history.operations().iter().filter(|op| op.function == Function::Dump).filter(is_final);
    // A round ends before the first node that is asked again.
    let mut rounds: Vec<Vec<&Operation>> = Vec::new();
    for dump in dumps {
        match rounds.last_mut().filter(|round| round.iter().all(|other| other.node != dump.node)) {
            Some(round) => round.push(dump),
            None => rounds.push(vec![dump]),
        }
    }
    let asked = rounds.first()?[0].invoked;
    let nodes = history.header.nodes.len();
    let is_complete =
        |round: &[&Operation]| round.len() == nodes && round.iter().all(|op| op.has_completion());
    let unfinished = rounds.pop_if(|round| !is_complete(round)).unwrap_or_default();
    let last = rounds.last().filter(|round| is_complete(round))?;
    let end = last.iter().map(|op| op.completed).max()?;
    let mut reads = history.operations().iter().filter(|op| op.function == Function::Read);
    let given_up = reads.any(|op| op.invoked > end) || end.since(asked).0 >= 5 * SECOND;
    let silent: Vec<&Operation> = last.iter().copied().filter(|op| !op.is_ok()).collect();
    if !silent.is_empty() {
        let late = |op: &&Operation| unfinished.iter().any(|other| other.node == op.node && other.is_ok());
        return (given_up && !silent.iter().all(late)).then_some(false);
    }
    let equal = last.iter().all(|a| last.iter().all(|b| agree(history, last, a, b)));
    if equal { Some(true) } else { given_up.then_some(false) }
}

/// Whether two replicas hold the same under every key, as far as both have to hold it.
fn agree(history: &History, round: &[&Operation], a: &Operation, b: &Operation) -> bool {
    ["x", "s"].iter().all(|&key| {
        let held = |op: &Operation| op.reply().as_map().unwrap().get(key).map(sorted);
        let holders = round.iter().filter(|op| held(op).is_some()).count();
        let elsewhere = history.header.copies.is_some_and(|copies| holders >= usize::from(copies));
        let (a, b) = (held(a), held(b));
        a == b || (elsewhere && (a.is_none() || b.is_none()))
    })
}

fn sorted(value: &Value) -> Value {
    let Some(items) = value.as_list() else { return value.clone() };
    let mut items = items.to_vec();
    items.sort_unstable();
    Value::list(items)
}

#[test]
#[expect(clippy::print_stderr, reason = "figures for whoever fuzzes by hand")]
fn replicas_have_converged_where_the_definition_says_so() {
    let (mut dice, mut tally) = (Dice(21), [0_u64; 3]);
    let cases = testing::cases(20_000);
    for case in 0..cases {
        let history = history(&mut dice);
        let verdict = check(&Convergent, &history).verdict;
        let (place, found) = match &verdict {
            Verdict::Valid => (0, Some(true)),
            Verdict::Invalid(_) => (1, Some(false)),
            Verdict::Unknown(_) | Verdict::Refuted(_) | Verdict::NotApplicable(_) => (2, None),
        };
        tally[place] += 1;
        assert_eq!(found, converged(&history), "case {case}: {verdict:#?}\n{}", testing::lines(&history));
    }
    let [held, violated, undecided] = tally;
    eprintln!("fuzz convergence: {held} held, {violated} violated, {undecided} undecided");
    assert!(held > cases / 10 && violated > cases / 10 && undecided > cases / 10, "{tally:?}");
}
