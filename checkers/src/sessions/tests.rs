//! The guarantees in words, and against every arbitration.

use std::collections::BTreeSet;

use histories::{Function, History, KeyId, ModelName, Outcome, Value};

use crate::testing::{self, Dice, confirm, told};
use crate::{Budget, Checker, Sessions, Verdict};

fn verdict(history: &History, model: ModelName) -> Verdict {
    let findings = Sessions.check(history, &Budget::unlimited());
    findings.into_iter().find(|finding| finding.model == model).unwrap().verdict
}

fn violation(model: ModelName, text: &str) -> String {
    let history = testing::history(text);
    let verdict = verdict(&history, model);
    let [anomaly] = verdict.anomalies() else { panic!("{verdict:?}") };
    assert_eq!(confirm(&history, anomaly), Ok(()));
    told(&history, anomaly)
}

#[test]
fn a_session_that_misses_its_own_write() {
    insta::assert_snapshot!(violation(
        ModelName::ReadYourWrites,
        "c1 write x 1 [0,1]
         c1 read x nil [2,3]"
    ));
    insta::assert_snapshot!(violation(
        ModelName::ReadYourWrites,
        "c1 write x 1 [0,1]
         c2 write x 2 [0,1]
         c1 read x 2 [2,3]
         c2 read x 1 [4,5]"
    ));
}

#[test]
fn a_session_that_goes_back() {
    insta::assert_snapshot!(violation(
        ModelName::MonotonicReads,
        "c1 write x 1 [0,1]
         c1 write x 2 [2,3]
         c2 read x 1 [4,5]
         c2 read x 2 [6,7]
         c2 read x 1 [8,9]"
    ));
    insta::assert_snapshot!(violation(
        ModelName::MonotonicReads,
        "c1 write x 1 [0,1]
         c2 read x 1 [4,5]
         c2 read x nil [6,7]"
    ));
}

#[test]
fn writes_that_each_follow_the_other() {
    insta::assert_snapshot!(violation(
        ModelName::WritesFollowReads,
        "c1 read x 2 [0,1]
         c1 write y 1 [2,3]
         c2 read y 1 [4,5]
         c2 write x 2 [6,7]"
    ));
}

#[test]
fn a_read_of_either_of_two_writes_is_left_out_and_nothing_else() {
    let judged = |more: &str| {
        let history = testing::history(&format!("c1 write x 1 [0,1]\nc2 write x 1 [2,3]\n{more}"));
        verdict(&history, ModelName::ReadYourWrites)
    };
    assert_eq!(judged("c1 write x 2 [4,5]"), Verdict::Valid, "nobody read it");
    let why = "what is certain shows no violation of read-your-writes, but 1 read has more than one possible writer, \
               such as that of x = 1";
    assert_eq!(judged("c1 read x 1 [4,5]").why(), Some(why));
    let missed = judged("c1 read x 1 [4,5]\nc1 write x 2 [6,7]\nc1 read x nil [8,9]");
    assert!(matches!(missed, Verdict::Invalid(_)), "{missed:?}");
}

/// Read of an absent key, and of a value that nobody wrote.
const ABSENT: usize = usize::MAX;
const UNWRITTEN: usize = usize::MAX - 1;

/// One operation as the definition sees it; writes are numbered.
#[derive(Clone, Debug)]
struct Act {
    process: u32,
    key: Option<KeyId>,
    read: Option<usize>,
    write: Option<usize>,
    acknowledged: bool,
}

impl Act {
    /// The write whose value was read.
    fn source(&self) -> Option<usize> {
        self.read.filter(|&write| write != ABSENT)
    }
}

/// The acts of a small history, `None` where a read has no write.
fn acts(history: &History) -> Option<(Vec<Act>, Vec<Option<KeyId>>)> {
    let written = |value: &Value, key| {
        history.operations().iter().position(|op| {
            let to = op.call().as_pair().map_or(op.call(), |(_, to)| to);
            op.outcome != Outcome::Fail && op.key == key && op.function != Function::Read && to == value
        })
    };
    let mut acts = Vec::new();
    for (index, op) in history.operations().iter().enumerate() {
        let source = match (&op.function, op.outcome) {
            (Function::Read, Outcome::Ok) => Some(op.reply()),
            (Function::Cas, Outcome::Fail) if op.seen().is_some() => Some(op.reply()),
            (Function::Cas, Outcome::Ok | Outcome::Info) => op.call().as_pair().map(|(from, _)| from),
            _ => None,
        };
        let write = op.function != Function::Read && op.outcome != Outcome::Fail;
        acts.push(Act {
            process: op.process,
            key: op.key,
            read: source.map(|value| match value {
                Value::Null => ABSENT,
                value => written(value, op.key).unwrap_or(UNWRITTEN),
            }),
            write: write.then_some(index),
            acknowledged: op.outcome != Outcome::Info,
        });
    }
    let mut kept: BTreeSet<usize> = (0..acts.len()).filter(|&i| acts[i].acknowledged).collect();
    loop {
        let seen: BTreeSet<usize> = kept.iter().filter_map(|&i| acts[i].source()).collect();
        if seen.contains(&UNWRITTEN) {
            return None;
        }
        let more: BTreeSet<usize> = seen.difference(&kept).copied().collect();
        if more.is_empty() {
            break;
        }
        kept.extend(more);
    }
    let keys = acts.iter().map(|act| act.key).collect();
    for (_, act) in acts.iter_mut().enumerate().filter(|(i, _)| !kept.contains(i)) {
        (act.read, act.write) = (None, None);
    }
    Some((acts, keys))
}

/// Whether some order of all writes satisfies the definition of one guarantee.
fn by_definition(acts: &[Act], keys: &[Option<KeyId>], model: ModelName) -> bool {
    let mut before: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (i, later) in acts.iter().enumerate() {
        for (j, earlier) in acts[..=i]
            .iter()
            .enumerate()
            .filter(|&(j, act)| act.process == later.process && (j == i || act.acknowledged))
        {
            if model == ModelName::MonotonicWrites && j < i {
                before.extend(earlier.write.zip(later.write));
            }
            if model == ModelName::WritesFollowReads {
                before.extend(earlier.source().zip(later.write));
            }
        }
        let Some(read) = later.read else { continue };
        let mut held: BTreeSet<usize> = later.source().into_iter().collect();
        for earlier in acts[..i].iter().filter(|act| act.process == later.process && act.acknowledged) {
            match model {
                ModelName::ReadYourWrites => held.extend(earlier.write),
                ModelName::MonotonicReads => held.extend(earlier.source()),
                _ => {}
            }
        }
        let mut work: Vec<usize> = held.iter().copied().collect();
        while let Some(write) = work.pop() {
            let session = |&(j, act): &(usize, &Act)| {
                act.process == acts[write].process && (j == write || act.acknowledged)
            };
            for (_, earlier) in acts[..=write].iter().enumerate().filter(session) {
                let more = match model {
                    ModelName::MonotonicWrites => earlier.write,
                    ModelName::WritesFollowReads => earlier.source(),
                    _ => None,
                };
                work.extend(more.filter(|&more| held.insert(more)));
            }
        }
        for other in held.into_iter().filter(|&other| keys[other] == later.key && other != read) {
            if read == ABSENT {
                return false;
            }
            before.insert((other, read));
        }
    }
    let writes: Vec<usize> = acts.iter().filter_map(|act| act.write).collect();
    order_exists(&mut Vec::new(), &writes, &before)
}

fn order_exists(placed: &mut Vec<usize>, writes: &[usize], before: &BTreeSet<(usize, usize)>) -> bool {
    if placed.len() == writes.len() {
        return true;
    }
    let open: Vec<usize> = writes.iter().copied().filter(|write| !placed.contains(write)).collect();
    for next in open {
        let fits = before.iter().all(|&(from, to)| to != next || (from != next && placed.contains(&from)));
        if fits {
            placed.push(next);
            if order_exists(placed, writes, before) {
                return true;
            }
            placed.pop();
        }
    }
    false
}

fn random(dice: &mut Dice) -> History {
    let mut lines = Vec::new();
    let count = 3 + dice.below(6);
    let keys = if dice.one_in(2) { ["x", "y"] } else { ["x", "x"] };
    for at in 0..count {
        let (client, key) = (dice.below(3), keys[dice.below(2) as usize]);
        let seen = match dice.below(count + 1) {
            0 => "nil".to_owned(),
            value => value.to_string(),
        };
        let value = at + 1;
        let time = format!("[{},{}]", 2 * at, 2 * at + 1);
        let outcome = ["ok", "ok", "ok", "info", "fail"][dice.below(5) as usize];
        lines.push(match dice.below(8) {
            0..4 => format!("c{client} write {key} {value} {time} {outcome}"),
            4 => format!("c{client} cas {key} {seen} {value} {time} {outcome}"),
            _ => format!("c{client} read {key} {seen} {time}"),
        });
    }
    testing::history(&lines.join("\n"))
}

#[test]
fn each_guarantee_agrees_with_every_arbitration() {
    let mut dice = Dice(3);
    let models = [
        ModelName::ReadYourWrites,
        ModelName::MonotonicReads,
        ModelName::MonotonicWrites,
        ModelName::WritesFollowReads,
    ];
    let mut invalid = [0; 4];
    for case in 0..testing::cases(20_000) {
        let history = random(&mut dice);
        let Some((acts, keys)) = acts(&history) else { continue };
        for (model, count) in models.iter().zip(&mut invalid) {
            let expected = by_definition(&acts, &keys, *model);
            match verdict(&history, *model) {
                Verdict::Valid => {
                    assert!(expected, "case {case}: {model} missed in {:#?}", history.operations());
                }
                Verdict::Invalid(anomalies) => {
                    assert!(
                        !expected,
                        "case {case}: {model} false {anomalies:#?} in {:#?}",
                        history.operations()
                    );
                    assert_eq!(confirm(&history, &anomalies[0]), Ok(()), "case {case}: {anomalies:#?}");
                    *count += 1;
                }
                _ => {}
            }
        }
    }
    assert!(invalid[0] > 100 && invalid[1] > 100 && invalid[3] > 100, "{invalid:?}");
    assert_eq!(invalid[2], 0, "alone, it demands nothing that single reads can contradict");
}
