//! Random small logs: made by a log that keeps its promises, then spoilt now and then.

use histories::{History, Kind, Value};

use super::{Act, finding, history, micro, oracle, row};
use crate::testing::Dice;
use crate::{Verdict, testing};

/// A log of one partition, and the clients that are made to use it.
struct Maker {
    dice: Dice,
    /// Value by offset.
    log: Vec<Option<i64>>,
    free: [u64; 3],
    position: [Option<usize>; 3],
    now: u64,
    next: i64,
    acts: Vec<Act>,
    /// How seldom something is wrong.
    spoil: u64,
}

impl Maker {
    fn act(
        &mut self,
        client: usize,
        kind: Kind,
        function: &'static str,
        call: Vec<Value>,
        reply: Vec<Value>,
    ) {
        self.now += 2;
        let from = self.free[client].max(self.now.saturating_sub(self.dice.below(6)));
        let to = from + self.dice.below(6);
        self.free[client] = to + 1;
        let (call, reply) = (Value::list(call), Value::list(reply));
        self.acts.push(Act { client: client as u32, from, to, kind, function, call, reply });
    }

    fn send(&mut self, client: usize) {
        let value = self.next;
        self.next += 1;
        let call = micro("send", ["p".into(), value.into()]);
        let kind = [Kind::Ok, Kind::Ok, Kind::Ok, Kind::Info, Kind::Fail][self.dice.below(5) as usize];
        let happens = match kind {
            Kind::Fail => self.dice.one_in(self.spoil),
            Kind::Info => self.dice.one_in(2),
            _ => true,
        };
        if happens && self.dice.one_in(6) {
            // What is no record of a client's takes an offset, too.
            self.log.push(None);
        }
        let mut at = self.log.len() as i64;
        if happens && !(kind == Kind::Ok && self.dice.one_in(2 * self.spoil)) {
            self.log.push(Some(value));
        }
        if self.dice.one_in(2 * self.spoil) {
            at = self.dice.below(oracle::OFFSETS as u64) as i64;
        }
        let at = at.min(oracle::OFFSETS - 1);
        let reply = micro("send", ["p".into(), row(at, value)]);
        self.act(client, kind, "send", vec![call], vec![reply]);
    }

    fn poll(&mut self, client: usize) {
        let from =
            self.position[client].unwrap_or_else(|| self.dice.below(self.log.len() as u64 + 1) as usize);
        let until = (from + self.dice.below(4) as usize).min(self.log.len());
        let mut rows: Vec<(i64, i64)> = (from..until)
            .filter_map(|at| Some((at as i64, self.log[at]?)))
            .filter(|(at, _)| *at < oracle::OFFSETS)
            .collect();
        if self.dice.one_in(self.spoil) && !rows.is_empty() {
            let place = self.dice.below(rows.len() as u64) as usize;
            match self.dice.below(4) {
                0 => drop(rows.remove(place)),
                1 => rows[place].0 = self.dice.below(oracle::OFFSETS as u64) as i64,
                2 => rows[place].1 = self.dice.below(self.next.max(1) as u64) as i64,
                _ => rows.reverse(),
            }
        }
        let kind = if self.dice.one_in(10) {
            [Kind::Fail, Kind::Info][self.dice.below(2) as usize]
        } else {
            Kind::Ok
        };
        let shown = Value::list(rows.iter().map(|&(offset, value)| row(offset, value)));
        let reply = micro("poll", [Value::map([("p".to_owned(), shown)])]);
        self.act(client, kind, "poll", vec![micro("poll", [])], vec![reply]);
        self.position[client] =
            (kind == Kind::Ok).then_some(until).filter(|_| self.position[client].is_some());
    }

    fn moves(&mut self, client: usize) {
        let assign = self.dice.one_in(2);
        let kind = if self.dice.one_in(8) { Kind::Info } else { Kind::Ok };
        self.act(
            client,
            kind,
            if assign { "assign" } else { "subscribe" },
            vec!["p".into()],
            vec!["p".into()],
        );
        let start = self.dice.below(self.log.len() as u64 + 1) as usize;
        self.position[client] =
            (assign && kind == Kind::Ok).then_some(if self.dice.one_in(3) { start } else { 0 });
    }
}

fn made(seed: u64) -> History {
    let mut dice = Dice(seed ^ 0x10C);
    let spoil = 3 + dice.below(30);
    let mut maker = Maker {
        dice,
        log: Vec::new(),
        free: [0; 3],
        position: [None; 3],
        now: 10,
        next: 0,
        acts: Vec::new(),
        spoil,
    };
    for _ in 0..3 + maker.dice.below(8) {
        let client = maker.dice.below(3) as usize;
        match maker.dice.below(9) {
            0..4 if maker.next < 5 && maker.log.len() < oracle::OFFSETS as usize - 1 => maker.send(client),
            8 => maker.moves(client),
            _ => maker.poll(client),
        }
    }
    history(maker.acts)
}

#[test]
#[expect(clippy::print_stderr, reason = "the tally is for whoever fuzzes by hand")]
fn fuzz_logs() {
    let cases = testing::cases(20_000);
    let mut tally = [0_u64; 3];
    for seed in 0..cases {
        let history = made(seed);
        let verdict = finding(&history).verdict;
        if history.operations().iter().all(|op| !matches!(op.function.name(), "send" | "poll")) {
            continue;
        }
        let holds = oracle::holds(&history);
        let place = match &verdict {
            Verdict::Invalid(_) => 0,
            Verdict::Valid => 1,
            _ => 2,
        };
        tally[place] += 1;
        assert_eq!(place == 0, !holds, "seed {seed}: {verdict:#?}\n{}", testing::lines(&history));
    }
    let [invalid, valid, undecided] = tally;
    eprintln!("fuzz log: {valid} valid, {invalid} invalid, {undecided} undecided");
    assert!(invalid > cases / 10 && valid > cases / 10, "{tally:?}");
}
