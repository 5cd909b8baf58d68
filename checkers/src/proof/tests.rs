//! Every proof of every model, on random histories of every object: what it lists violates the model by itself.

use std::collections::BTreeMap;

use histories::synth::{self, Object, Shape};
use histories::{Event, Function, History, Kind, ModelName, Value};

use super::{Alone, Proofs, listed};
use crate::testing::Dice;
use crate::{Anomaly, Budget, Unconfirmed, Verdict, confirm, roster, testing};

/// A synthetic history whose values repeat now and then, with a few answers or outcomes that are wrong.
fn recorded(object: Object, seed: u64) -> History {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let shape = Shape {
        object,
        operations: 4 + dice.below(if seed.is_multiple_of(8) { 50 } else { 14 }),
        keys: 1 + dice.below(2) as u32,
        clients: 2 + dice.below(3) as u32,
        crashes: 0.08,
        failures: 0.08,
        seed,
        ..Shape::default()
    };
    let mut events: Vec<Event> = synth::events(&shape).collect();
    if dice.one_in(3) {
        let few = 2 + dice.below(4) as i64;
        for event in &mut events {
            repeat(&mut event.op.value, few);
        }
    }
    for _ in 0..=dice.below(2) {
        spoil(&mut events, &mut dice);
    }
    History::try_from(events).unwrap()
}

/// Makes one of a few numbers of each.
fn repeat(value: &mut Value, few: i64) {
    match value {
        Value::Int(number) => *number = number.rem_euclid(few),
        Value::List(items) => {
            let items = items.iter().map(|item| {
                let mut item = item.clone();
                repeat(&mut item, few);
                item
            });
            *value = Value::list(items);
        }
        _ => {}
    }
}

/// Exchanges two answers of one key, or has it that what happened failed, or the reverse.
fn spoil(events: &mut [Event], dice: &mut Dice) {
    let tells = |event: &Event| {
        event.kind == Kind::Ok
            && (matches!(
                event.op.function,
                Function::Read | Function::ReadAll | Function::Dequeue | Function::Txn
            ) || event.op.function.name() == "pop")
    };
    let answers: Vec<usize> = (0..events.len()).filter(|&i| tells(&events[i])).collect();
    let balances = answers.iter().copied().find(|&i| events[i].op.value.as_map().is_some() && dice.one_in(2));
    if let Some(i) = balances {
        miscount(&mut events[i].op.value, dice);
        return;
    }
    if !answers.is_empty() && !dice.one_in(3) {
        let one = answers[dice.below(answers.len() as u64) as usize];
        let same = |&i: &usize| i > one && events[i].op.key == events[one].op.key;
        let other = answers.iter().copied().filter(same).take(1 + dice.below(4) as usize).last();
        if let Some(other) = other {
            let value = events[one].op.value.clone();
            if events[one].op.function == Function::Txn {
                exchange_reads(events, one, other);
            } else {
                events[one].op.value = std::mem::replace(&mut events[other].op.value, value);
            }
            return;
        }
    }
    let ended: Vec<usize> = (0..events.len()).filter(|&i| events[i].kind != Kind::Invoke).collect();
    if let Some(&i) = ended.get(dice.below(ended.len().max(1) as u64) as usize)
        && !tells(&events[i])
    {
        events[i].kind = if events[i].kind == Kind::Ok { Kind::Fail } else { Kind::Ok };
    }
}

/// Gives an account more, or less than nothing, or no balance, or adds an account.
fn miscount(value: &mut Value, dice: &mut Dice) {
    let mut accounts = value.as_map().cloned().unwrap_or_default();
    let name =
        accounts.keys().nth(dice.below(accounts.len().max(1) as u64) as usize).cloned().unwrap_or_default();
    let balance = accounts.get(&name).and_then(Value::as_int).unwrap_or_default();
    match dice.below(4) {
        0 => accounts.insert(name, Value::Int(balance + 1)),
        1 => accounts.insert(name, Value::Int(-1)),
        2 => accounts.insert(name, Value::Null),
        _ => accounts.insert("another".to_owned(), Value::Int(0)),
    };
    *value = Value::map(accounts);
}

/// Exchanges what two transactions read of a key.
fn exchange_reads(events: &mut [Event], one: usize, other: usize) {
    let reads = |event: &Event| -> Vec<(usize, Value, Value)> {
        let items = event.op.value.as_list().unwrap_or_default();
        let parts = items.iter().enumerate().filter_map(|(at, item)| match item.as_list() {
            Some([function, key, value]) if function.as_text() == Some("r") => {
                Some((at, key.clone(), value.clone()))
            }
            _ => None,
        });
        parts.collect()
    };
    let set = |event: &mut Event, at: usize, key: Value, value: Value| {
        let mut items = event.op.value.as_list().unwrap_or_default().to_vec();
        items[at] = Value::list([Value::text("r"), key, value]);
        event.op.value = Value::list(items);
    };
    let (first, second) = (reads(&events[one]), reads(&events[other]));
    let pair = first.iter().find_map(|a| Some((a, second.iter().find(|b| a.1 == b.1 && a.2 != b.2)?)));
    if let Some((a, b)) = pair {
        set(&mut events[one], a.0, a.1.clone(), b.2.clone());
        set(&mut events[other], b.0, b.1.clone(), a.2.clone());
    }
}

#[derive(Debug, Default)]
struct Tally {
    proofs: u64,
    completed: u64,
    not_asked: u64,
    not_rechecked: u64,
    most: usize,
}

fn proofs(history: &History) -> Vec<(ModelName, Anomaly)> {
    let budget = Budget::unlimited();
    let findings = roster::all().into_iter().flat_map(|checker| checker.check(history, &budget));
    let proofs = findings.filter_map(|finding| match finding.verdict {
        Verdict::Invalid(anomalies) => {
            Some(anomalies.into_iter().map(move |anomaly| (finding.model, anomaly)))
        }
        _ => None,
    });
    proofs.flatten().collect()
}

/// `CASES=300000 cargo test --release -p checkers --lib -- --nocapture proof::` tries more, and prints how many.
#[test]
#[expect(clippy::print_stderr, reason = "counts are what a long run by hand is for")]
fn what_a_proof_lists_violates_its_model_by_itself() {
    let cases = testing::cases(2_000) / Object::ALL.len() as u64;
    for &object in Object::ALL {
        let mut tally: BTreeMap<ModelName, Tally> = BTreeMap::new();
        let mut violated = 0;
        for seed in 0..cases {
            let history = recorded(object, seed);
            let proofs = proofs(&history);
            violated += u64::from(!proofs.is_empty());
            let asked = Proofs::of(&history);
            for (model, mut anomaly) in proofs {
                let told = listed(&anomaly).len();
                let alone = asked.complete(&mut anomaly);
                let lines = || format!("{object} {seed}: {anomaly:#?}\n{}", testing::lines(&history));
                if std::env::var("SHOW").is_ok()
                    && (alone == Alone::NotAsked || listed(&anomaly).len() > told || told > 8)
                {
                    eprintln!("SHOW {alone:?} {told} {}", lines());
                }
                let confirmed = confirm(&history, &anomaly);
                let is_too_large = matches!(confirmed, Err(Unconfirmed::TooLarge { .. }));
                assert!(confirmed.is_ok() || is_too_large, "{confirmed:?} {}", lines());
                assert_ne!(alone, Alone::Allowed, "{}", lines());
                assert_eq!(asked.stand_alone(&anomaly), alone, "{}", lines());
                let of_model = tally.entry(model).or_default();
                of_model.proofs += 1;
                of_model.not_rechecked += u64::from(is_too_large);
                of_model.completed += u64::from(listed(&anomaly).len() > told);
                of_model.not_asked += u64::from(alone == Alone::NotAsked);
                of_model.most = of_model.most.max(anomaly.steps.len());
            }
        }
        for (model, Tally { proofs, completed, not_asked, not_rechecked, most }) in tally {
            eprintln!(
                "{object}: {model}: {proofs} proofs, {completed} completed, {not_asked} not asked, {not_rechecked} not \
                 re-checked, at most {most}"
            );
            assert!(
                not_rechecked <= 1 + proofs / 100,
                "{object}: {model}: too many proofs are not re-checked"
            );
        }
        assert!(violated > cases / 10 || object == Object::ListAppend, "{object}: {violated} of {cases}");
    }
}
