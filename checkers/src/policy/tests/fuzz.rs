//! Random small histories of stores that settle conflicts, most of them as they should.

use std::collections::BTreeSet;

use histories::{Conflict, History};

use super::{finding, oracle};
use crate::testing::Dice;
use crate::{Verdict, testing};

/// Operations one after another, with times that overlap a little.
struct Lines {
    dice: Dice,
    now: u64,
    text: Vec<String>,
    /// Of each client, until when it is busy, and its name.
    clients: [(u64, u64); 3],
}

impl Lines {
    fn new(seed: u64) -> Self {
        Self { dice: Dice(seed), now: 0, text: Vec::new(), clients: [(0, 0), (0, 1), (0, 2)] }
    }

    fn act(&mut self, client: usize, text: &str, outcome: &str) {
        self.now += self.dice.below(3);
        let from = self.now.max(self.clients[client].0);
        let to = from + self.dice.below(5);
        self.clients[client].0 = to + 1;
        self.text.push(format!("c{} {text} [{from},{to}] {outcome}", self.clients[client].1));
        if outcome == "info" {
            self.clients[client].1 += 3;
        }
    }

    fn outcome(&mut self) -> &'static str {
        ["ok", "ok", "ok", "ok", "ok", "info", "fail"][self.dice.below(7) as usize]
    }

    fn end(&mut self, texts: &[String]) {
        for text in texts {
            self.now += 50;
            let now = self.now;
            self.text.push(format!("c9 {text} [{now},{}]", now + 1));
            self.text.push(format!("c8 {text} [{now},{}]", now + 1));
        }
    }

    fn history(&self) -> History {
        testing::history(&self.text.join("\n"))
    }
}

fn fuzz(name: &str, in_suite: u64, make: impl Fn(u64) -> History, oracle: impl Fn(&History) -> bool) {
    let (cases, mut tally) = (testing::cases(in_suite), [0_u64; 3]);
    for seed in 0..cases {
        let history = make(seed);
        let verdict = finding(&history).verdict;
        let place = match &verdict {
            Verdict::Invalid(_) => 0,
            Verdict::Valid => 1,
            _ => 2,
        };
        tally[place] += 1;
        assert_eq!(place == 0, !oracle(&history), "seed {seed}: {verdict:#?}\n{}", testing::lines(&history));
    }
    let [invalid, valid, other] = tally;
    assert!(invalid > cases / 30 && valid > cases / 30, "{name}: {invalid} {valid} {other}");
    tell(name, tally);
}

/// Figures for whoever fuzzes by hand.
#[expect(clippy::print_stderr, reason = "shown by --nocapture only")]
fn tell(name: &str, [invalid, valid, other]: [u64; 3]) {
    eprintln!("fuzz {name}: {valid} valid, {invalid} invalid, {other} undecided");
}

fn shown(values: &BTreeSet<u64>) -> String {
    let list: Vec<String> = values.iter().map(u64::to_string).collect();
    format!("[{}]", list.join(";"))
}

#[test]
fn fuzz_siblings() {
    let make = |seed| {
        let mut lines = Lines::new(seed);
        // Each client's own replica: what it shows, and what was replaced there.
        let mut replicas: Vec<(BTreeSet<u64>, BTreeSet<u64>)> = vec![Default::default(); 3];
        let mut quotes: [BTreeSet<u64>; 3] = Default::default();
        let spoil = 3 + lines.dice.below(40);
        for value in 1..4 + lines.dice.below(4) {
            let client = lines.dice.below(3) as usize;
            if lines.dice.one_in(2) {
                let mut there = replicas[client].0.clone();
                if lines.dice.one_in(spoil) {
                    there.retain(|_| lines.dice.one_in(2));
                }
                if lines.dice.one_in(spoil) {
                    there.insert(lines.dice.below(value + 1).max(1));
                }
                lines.act(client, &format!("read-all x {}", shown(&there)), "ok");
                quotes[client] = there;
            } else {
                let (quoted, outcome) = (shown(&quotes[client]), lines.outcome());
                let removes = lines.dice.one_in(6);
                let new = if removes { "nil".to_owned() } else { value.to_string() };
                lines.act(client, &format!("replace x {quoted} {new}"), outcome);
                if outcome == "ok" || (outcome == "info" && lines.dice.one_in(2)) {
                    let (there, replaced) = &mut replicas[client];
                    replaced.extend(quotes[client].iter().copied());
                    there.retain(|value| !replaced.contains(value));
                    there.extend(Some(value).filter(|_| !removes));
                }
                if outcome == "info" {
                    quotes[client].clear();
                }
            }
            let (from, to) = (lines.dice.below(3) as usize, lines.dice.below(3) as usize);
            merge(&mut replicas, from, to);
        }
        (0..9).for_each(|i| merge(&mut replicas, i % 3, (i / 3 + 1 + i) % 3));
        (0..9).for_each(|i| merge(&mut replicas, i / 3, i % 3));
        let mut last = replicas[2].0.clone();
        if lines.dice.one_in(spoil) {
            last.pop_first();
        }
        let first = if lines.dice.one_in(3) { &replicas[1].0 } else { &last };
        lines.end(&[format!("read-all x {}", shown(first)), format!("read-all x {}", shown(&last))]);
        lines.history()
    };
    fuzz("siblings", 2_000, make, oracle::siblings);
}

fn merge(replicas: &mut [(BTreeSet<u64>, BTreeSet<u64>)], from: usize, to: usize) {
    let (there, replaced) = replicas[from].clone();
    let own = &mut replicas[to];
    own.0.extend(there);
    own.1.extend(replaced);
    let gone = own.1.clone();
    own.0.retain(|value| !gone.contains(value));
}

#[test]
fn fuzz_observed_removes() {
    let make = |seed| {
        let mut lines = Lines::new(seed);
        let mut there: BTreeSet<u64> = BTreeSet::new();
        for _ in 0..3 + lines.dice.below(5) {
            let (client, element) = (lines.dice.below(3) as usize, 1 + lines.dice.below(2));
            match lines.dice.below(5) {
                0 | 1 => {
                    let outcome = lines.outcome();
                    lines.act(client, &format!("add s {element}"), outcome);
                    if outcome != "fail" || lines.dice.one_in(8) {
                        there.insert(element);
                    }
                }
                2 | 3 => {
                    let outcome = lines.outcome();
                    lines.act(client, &format!("remove s {element}"), outcome);
                    there.remove(&element);
                }
                _ => {
                    let mut seen = there.clone();
                    if lines.dice.one_in(12) {
                        seen.insert(1 + lines.dice.below(3));
                    }
                    lines.act(client, &format!("read-all s {}", shown(&seen)), "ok");
                }
            }
        }
        lines.act(0, "remove s 7", "ok");
        if lines.dice.one_in(3) && !there.remove(&1) {
            there.insert(1);
        }
        let first = if lines.dice.one_in(3) { BTreeSet::new() } else { there.clone() };
        lines.end(&[format!("read-all s {}", shown(&first)), format!("read-all s {}", shown(&there))]);
        lines.history()
    };
    fuzz("observed removes", 2_000, make, oracle::observed_removes);
}

#[test]
fn fuzz_counters() {
    let make = |seed| {
        let mut lines = Lines::new(seed);
        let mut sum = 0_i64;
        let spoil = 2 + lines.dice.below(12);
        for _ in 0..2 + lines.dice.below(6) {
            let (client, by) = (lines.dice.below(3) as usize, [1, 2, 5][lines.dice.below(3) as usize]);
            match lines.dice.below(4) {
                0 => lines.act(client, &format!("read c {}", sum - by), "ok"),
                kind => {
                    let (outcome, minus) = (lines.outcome(), kind == 1);
                    let function = if minus { "decrement" } else { "increment" };
                    lines.act(client, &format!("{function} c {by}"), outcome);
                    if outcome == "ok" || outcome == "info" && lines.dice.one_in(2) {
                        sum += if minus { -by } else { by };
                    }
                }
            }
        }
        lines.act(0, "increment c 1", "ok");
        let shown = |lines: &mut Lines| sum + 1 + i64::from(lines.dice.one_in(spoil)) * 3;
        let texts = [shown(&mut lines), shown(&mut lines)].map(|sum| format!("read c {sum}"));
        lines.end(&texts);
        lines.history()
    };
    fuzz("counters at the end", 2_000, make, oracle::counters);
}

#[test]
fn fuzz_last_writes() {
    let make = |seed| {
        let mut lines = Lines::new(seed);
        let (mut last, mut written) = ([0_u64; 2], [vec![0_u64], vec![0]]);
        for value in 1..4 + lines.dice.below(6) {
            let (client, key) = (lines.dice.below(3) as usize, lines.dice.below(2) as usize);
            let name = ["x", "y"][key];
            if lines.dice.one_in(2) {
                let outcome = lines.outcome();
                lines.act(client, &format!("write {name} {value}"), outcome);
                if outcome != "fail" {
                    written[key].push(value);
                    last[key] = if lines.dice.one_in(2) { last[key] } else { value };
                }
            } else {
                let seen = written[key][lines.dice.below(written[key].len() as u64) as usize];
                let seen = if seen == 0 { "nil".to_owned() } else { seen.to_string() };
                lines.act(client, &format!("read {name} {seen}"), "ok");
            }
        }
        lines.act(0, "write z 1", "ok");
        let text = |value: u64| if value == 0 { "nil".to_owned() } else { value.to_string() };
        lines.end(&[
            format!("read x {}", text(last[0])),
            format!("read y {}", text(last[1])),
            "read z 1".into(),
        ]);
        let mut history = lines.history();
        history.header.conflict = Some(Conflict::LwwHlc);
        history
    };
    fuzz("last writes", 3_000, make, oracle::hybrid_clock);
}
