//! Random clients for fuzzers: each has one operation at a time, and those of different clients overlap.

use histories::History;

use super::Dice;

/// Clients that take turns, each with one operation at a time, and what they do.
pub(crate) struct Clients {
    pub(crate) dice: Dice,
    pub(crate) free: [u64; 3],
    names: [u64; 3],
    pub(crate) lines: Vec<String>,
}

impl Clients {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice(seed), free: [0; 3], names: [0, 1, 2], lines: Vec::new() }
    }

    /// `text` by some client; info, fail or ok.
    pub(crate) fn act(&mut self, text: &str) -> &'static str {
        let outcome = match self.dice.below(8) {
            0 => "info",
            1 => "fail",
            _ => "ok",
        };
        self.end(text, outcome);
        outcome
    }

    pub(crate) fn end(&mut self, text: &str, outcome: &str) {
        let turn = (0..3).min_by_key(|&client| self.free[client] + self.dice.below(3)).unwrap();
        let from = self.free[turn] + self.dice.below(3);
        let to = from + self.dice.below(9);
        self.free[turn] = to + 1;
        self.line(turn, text, (from, to), outcome);
    }

    /// Once everything has ended.
    pub(crate) fn last(&mut self, text: &str) {
        let now = self.free.into_iter().max().unwrap() + 20;
        self.line(0, text, (now, now + 1), "ok");
        self.free[0] = now + 2;
    }

    pub(crate) fn line(&mut self, turn: usize, text: &str, (from, to): (u64, u64), outcome: &str) {
        let open = outcome == "info" && self.dice.one_in(6);
        let time = if open { format!("[{from},]") } else { format!("[{from},{to}]") };
        self.lines.push(format!("c{} {text} {time} {outcome}", self.names[turn]));
        if outcome == "info" {
            self.names[turn] += 3;
        }
    }

    pub(crate) fn history(&self) -> History {
        super::history(&self.lines.join("\n"))
    }
}
