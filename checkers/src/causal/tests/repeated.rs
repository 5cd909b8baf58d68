//! Values that are written more than once: against the definitions, against every way to tell the writes apart, and beside
//! keys whose values are unique.

use std::collections::BTreeMap;

use histories::{Event, Function, History, Kind, ModelName, Op, OperationId, Outcome, Process, Value};

use super::fuzz::{Sample, Shape, sample};
use super::{held, sessions};
use crate::causal::oracle;
use crate::dispatch::check_all;
use crate::testing::{Dice, is_decided};
use crate::{Budget, Causal, Checker, Sessions, Verdict, testing};

const SINGLE: Shape = Shape { transactions: 6, processes: 3, keys: 2, accesses: 1, values: 3 };
const TRANSACTIONS: Shape = Shape { transactions: 5, processes: 3, keys: 2, accesses: 2, values: 3 };

/// By model how often it was violated, held, and was undecided though it held or was violated.
type Tally = BTreeMap<ModelName, [u32; 4]>;

#[expect(clippy::print_stderr, reason = "shown by --nocapture only")]
fn tell(name: &str, tally: &Tally) {
    for (model, [violated, held, missed, open]) in tally {
        eprintln!("{name} {model}: {held} held, {violated} violated; undecided {open} and {missed}");
    }
}

/// Every verdict on causal models, whether decided or implied, is that of the definitions.
fn fuzz(shape: Shape, cases: u64) -> Tally {
    let mut tally = Tally::new();
    for seed in 0..cases {
        let sample = sample(seed ^ 0x5E_0000, shape);
        testing::coherent_findings(&sample.history);
        let findings = check_all(&sample.history, None, &Budget::unlimited());
        for finding in findings.iter().filter(|finding| Causal.models().contains(&finding.model)) {
            if let Verdict::NotApplicable(_) = finding.verdict {
                continue;
            }
            let holds = oracle::holds(finding.model, &sample.transactions);
            let place = match &finding.verdict {
                Verdict::Valid | Verdict::Invalid(_) => {
                    let (model, method) = (finding.model, finding.method);
                    let lines = testing::lines(&sample.history);
                    assert_eq!(holds, finding.verdict == Verdict::Valid, "{model} {method} {seed}:\n{lines}");
                    usize::from(holds)
                }
                _ => 2 + usize::from(holds),
            };
            tally.entry(finding.model).or_default()[place] += 1;
        }
    }
    tally
}

#[test]
fn single_operations_agree_with_the_definitions() {
    let tally = fuzz(SINGLE, testing::cases(2_000));
    tell("repeated", &tally);
    let transactional = [ModelName::ReadAtomic, ModelName::ReadCommittedBe];
    for (model, [violated, held, ..]) in &tally {
        assert!((*violated > 50 || transactional.contains(model)) && *held > 50, "{model}");
    }
    assert_eq!(tally.len(), 7);
}

#[test]
fn transactions_agree_with_the_definitions() {
    let tally = fuzz(TRANSACTIONS, testing::cases(2_000));
    tell("repeated", &tally);
    for (model, [violated, held, ..]) in &tally {
        assert!(*violated > 50 && *held > 50, "{model}");
    }
    assert_eq!(tally.len(), 7);
}

/// Whose write each operation may have seen: none where it saw none. `None` for what saw nothing.
fn sources(history: &History) -> Vec<Option<Vec<Option<OperationId>>>> {
    let seen = |op: &histories::Operation| match (&op.function, op.outcome) {
        (Function::Read, Outcome::Ok) => Some(op.reply().clone()),
        (Function::Cas, Outcome::Fail) => op.seen().cloned(),
        (Function::Cas, _) => op.call().as_pair().map(|(from, _)| from.clone()),
        _ => None,
    };
    let written = |op: &histories::Operation| match (&op.function, op.outcome) {
        (_, Outcome::Fail) => None,
        (Function::Write, _) => Some(op.call().clone()),
        (Function::Cas, _) => op.call().as_pair().map(|(_, to)| to.clone()),
        _ => None,
    };
    let of = |(id, op): (OperationId, &histories::Operation)| {
        let value = seen(op)?;
        let wrote_it = |(other, made): &(OperationId, &histories::Operation)| {
            *other != id && made.key == op.key && written(made).as_ref() == Some(&value)
        };
        let mut writers: Vec<_> = history.iter().filter(wrote_it).map(|(writer, _)| Some(writer)).collect();
        if value.is_null() {
            writers.push(None);
        } else if writers.is_empty() && written(op).as_ref() == Some(&value) {
            writers.push(Some(id));
        }
        Some(writers)
    };
    history.iter().map(of).collect()
}

/// The history with a value of its own for each write, and these writes seen. What no write explains sees one of nobody.
fn told_apart(sample: &Sample, seen: &[Option<OperationId>]) -> History {
    let mut open: BTreeMap<Process, u32> = BTreeMap::new();
    let mut next = 0;
    let rename = |event: &Event| {
        if event.kind == Kind::Invoke {
            open.insert(event.process, next);
            next += 1;
        }
        let at = open[&event.process];
        let own = Value::Int(1_000 + i64::from(at));
        let saw = match seen[at as usize] {
            Some(OperationId(u32::MAX)) => Value::Int(999),
            Some(writer) => Value::Int(1_000 + i64::from(writer.0)),
            None => Value::Null,
        };
        let value = match event.op.function {
            Function::Write => own,
            Function::Cas => Value::list([saw.clone(), own]),
            _ if event.kind == Kind::Ok => saw.clone(),
            _ => Value::Null,
        };
        Event {
            op: Op { value, ..event.op.clone() },
            seen: event.seen.as_ref().map(|_| saw),
            ..event.clone()
        }
    };
    testing::build(Vec::new(), sample.events.iter().map(rename).collect())
}

/// What repeats could be told apart in some way: a guarantee is violated if it is in every way, and held if in none.
#[test]
fn session_guarantees_are_violated_however_writes_are_told_apart() {
    let mut tally = Tally::new();
    for seed in 0..testing::cases(2_000) {
        let sample = sample(seed ^ 0x5E_1000, Shape { transactions: 7, ..SINGLE });
        let sources = sources(&sample.history);
        let mut ways: Vec<Vec<Option<OperationId>>> = vec![Vec::new()];
        for of_one in sources {
            let choices = match of_one {
                None => vec![None],
                Some(writers) if writers.is_empty() => vec![Some(OperationId(u32::MAX))],
                Some(writers) => writers,
            };
            let with = |way: &Vec<_>| {
                choices
                    .iter()
                    .map(|&choice| way.iter().copied().chain([choice]).collect())
                    .collect::<Vec<_>>()
            };
            ways = ways.iter().flat_map(with).collect();
        }
        let findings = Sessions.check(&sample.history, &Budget::unlimited());
        let told: Vec<_> = ways
            .iter()
            .take(64)
            .map(|way| Sessions.check(&told_apart(&sample, way), &Budget::unlimited()))
            .collect();
        for (place, finding) in findings.iter().enumerate() {
            let violated = |way: &Vec<crate::Finding>| matches!(way[place].verdict, Verdict::Invalid(_));
            let in_all = told.iter().all(violated);
            let slot = match &finding.verdict {
                Verdict::Valid => {
                    assert!(!told.iter().any(violated), "{seed}:\n{}", testing::lines(&sample.history));
                    1
                }
                Verdict::Invalid(_) => {
                    assert!(in_all, "{} {seed}:\n{}", finding.model, testing::lines(&sample.history));
                    0
                }
                Verdict::Unknown(_) => 2 + usize::from(!in_all),
                other => panic!("{other:?}"),
            };
            tally.entry(finding.model).or_default()[slot] += 1;
        }
    }
    tell("repeated", &tally);
    let [violated, held, ..] = tally[&ModelName::ReadYourWrites];
    assert!(violated > 50 && held > 50, "{tally:?}");
}

/// Sessions of their own that write a value of a key of their own twice, and read it.
fn noise(sample: &Sample, dice: &mut Dice) -> History {
    let is_txn = sample.events.iter().any(|event| event.op.function == Function::Txn);
    let mut events = sample.events.clone();
    let micro = |name: &str, value: Value| Value::list([Value::list([name.into(), "w".into(), value])]);
    let write = if is_txn { Op::global(Function::Txn, micro("w", 7.into())) } else { Op::write("w", 7) };
    let (ask, answer) = if is_txn {
        let txn = |value| Op::global(Function::Txn, micro("r", value));
        (txn(Value::Null), txn(7.into()))
    } else {
        (Op::read("w"), Op { value: 7.into(), ..Op::read("w") })
    };
    let mut at = 0;
    for (process, call, reply) in
        [(90, write.clone(), write.clone()), (91, write.clone(), write), (90, ask, answer)]
    {
        for (kind, op) in [(Kind::Invoke, call), (Kind::Ok, reply)] {
            at += dice.below((events.len() - at) as u64 + 1) as usize;
            let time = events.get(at.saturating_sub(1)).map_or(0, |event| event.time.0);
            events.insert(at, testing::event(time, Process::Client(process), kind, op));
            at += 1;
        }
    }
    testing::build(Vec::new(), events)
}

/// What is decided of unique values is decided beside values that repeat, too.
#[test]
fn one_repeated_value_switches_off_nothing_that_does_not_depend_on_it() {
    let unique = |shape: Shape| Shape { values: 0, ..shape };
    let (mut violated, mut undecided) = (0, 0);
    for seed in 0..testing::cases(2_000) {
        let shape = unique(if seed % 2 == 0 { SINGLE } else { TRANSACTIONS });
        let sample = sample(seed ^ 0x5E_2000, shape);
        let noisy = noise(&sample, &mut Dice(seed));
        let alone = check_all(&sample.history, None, &Budget::unlimited());
        let beside = check_all(&noisy, None, &Budget::unlimited());
        for finding in alone.iter().filter(|finding| finding.model <= ModelName::ReadCommittedBe) {
            let other = beside.iter().find(|other| other.model == finding.model).unwrap();
            let told = || format!("{} {seed}: {other:?}\n{}", finding.model, testing::lines(&noisy));
            if let Verdict::Invalid(_) = finding.verdict {
                assert!(matches!(other.verdict, Verdict::Invalid(_)), "{}", told());
                violated += 1;
            }
            let joins = finding.model != ModelName::RealTimeCausal;
            if finding.verdict == Verdict::Valid && joins {
                assert!(!matches!(other.verdict, Verdict::Invalid(_)), "{}", told());
                undecided += u32::from(!is_decided(other));
            }
        }
    }
    assert!(violated > 1_000 && undecided > 0, "{violated} {undecided}");
}

#[test]
fn what_is_certain_beside_a_value_that_repeats_is_judged() {
    let aborted = sessions("[w x 1]\n[w x 1]\n[w y 9] fail\n[r y 9]");
    for finding in Causal.check(&aborted, &Budget::unlimited()) {
        let invalid = matches!(finding.verdict, Verdict::Invalid(_));
        assert_eq!(invalid, finding.model != ModelName::RealTimeCausal, "{finding:?}");
    }
    let all = held(&sessions("[w x 1]\n[w x 1]\n[w y 9]\n[r y 9]"));
    assert!(all.contains(&ModelName::CausalConvergence), "a value that nobody reads may repeat: {all:?}");
    let either = sessions("[w x 1]\n[w x 1]\n[r x 1]");
    for finding in Causal.check(&either, &Budget::unlimited()) {
        let why = finding.verdict.why().unwrap_or_default();
        assert!(
            why.contains("1 read has more than one possible writer, such as that of x = 1")
                || !is_decided(&finding)
        );
    }
    let one = held(&sessions("[w x 1, w x 2]\n[w x 1]\n[r x 1]"));
    assert!(one.contains(&ModelName::Causal), "only one of them leaves it in place: {one:?}");
    let none = sessions("[w x 1, w x 2]\n[w x 1, w x 3]\n[r x 1]");
    assert!(held(&none).is_empty(), "each of them overwrote it");
}
