//! Chains: what compare-and-sets that replaced each other's values force.
//!
//! It never decides between chains: each becomes one zone, and the rules of [`super::zones`] do that.
//!
//! A compare-and-set from u to v reads u and writes v with nothing in between, so the values that they link stand
//! together in any linearization, and the order inside is given: write, reads, compare-and-set, reads, and so on.

use crate::core::happened::{Happened, Proof};
use crate::core::registers::{Access, INITIAL, NONE, Register, Zone};
use crate::core::unexplained::Unexplained;
use crate::{Budget, Exhausted};

/// A chain that cannot be. Rows.
#[derive(Clone, Debug)]
pub(crate) enum Broken {
    /// A compare-and-set replaced a value that nobody wrote.
    FromNowhere(Unexplained, Proof),
    LostUpdate(u32, u32, Proof),
    Loop(Vec<u32>, Proof),
    /// `late` stands before `early` in its chain, and yet began after `early` had returned.
    Order {
        late: u32,
        early: u32,
    },
}

#[derive(Debug)]
pub(crate) struct Chains {
    pub(crate) zones: Vec<Zone>,
    /// By value id: the value that replaced it.
    successors: Vec<u32>,
    predecessors: Vec<u32>,
    happened: Happened,
    /// The earliest pair of rows whose given order real time forbids.
    pub(crate) disorder: Option<Broken>,
    /// By how much operations have to be widened for each chain to fit its order.
    pub(crate) slack: i64,
}

impl Chains {
    pub(crate) fn link(register: &Register, budget: &Budget) -> Result<Result<Self, Broken>, Exhausted> {
        let happened = match Happened::of(register) {
            Ok(happened) => happened,
            Err((unexplained, proof)) => return Ok(Err(Broken::FromNowhere(unexplained, proof))),
        };
        budget.check()?;
        let (successors, predecessors) = match links(register, &happened) {
            Ok(links) => links,
            Err(broken) => return Ok(Err(broken)),
        };
        let mut chains =
            Self { zones: Vec::new(), successors, predecessors, happened, disorder: None, slack: 0 };
        let reads = reads_only(register);
        let mut linked = 0;
        for head in 0..register.zones.len() as u32 {
            if head % 4096 == 0 {
                budget.check()?;
            }
            if chains.is_head(head) {
                linked += chains.merge(register, &reads, head);
            }
        }
        if linked < chains.happened.count() {
            return Ok(Err(chains.find_loop(register)));
        }
        Ok(Ok(chains))
    }

    /// The first value of each chain, in the order of [`Chains::zones`].
    pub(crate) fn heads(&self) -> impl Iterator<Item = u32> {
        (0..self.happened.known.len() as u32).filter(|&value| self.is_head(value))
    }

    fn is_head(&self, value: u32) -> bool {
        self.happened.known[value as usize] && self.predecessors[value as usize] == NONE
    }

    /// Rows that show that a value was written.
    pub(crate) fn proof(&self, register: &Register, value: u32) -> Proof {
        self.happened.proof(register, value)
    }

    /// Makes one zone of the chain that starts with `head`; returns how many values it links.
    fn merge(&mut self, register: &Register, reads: &[Zone], head: u32) -> usize {
        let values = self.from(head);
        let mut merged = register.zones[head as usize];
        for &value in &values[1..] {
            merged.merge(&register.zones[value as usize]);
        }
        self.zones.push(merged);
        if values.len() > 1 {
            self.check_order(register, reads, &values);
        }
        values.len()
    }

    /// The values from `head` to the end of its chain.
    pub(crate) fn from(&self, head: u32) -> Vec<u32> {
        let next = |&value: &u32| Some(self.successors[value as usize]).filter(|&next| next != NONE);
        std::iter::successors(Some(head), next).collect()
    }

    fn check_order(&mut self, register: &Register, reads: &[Zone], values: &[u32]) {
        let mut groups: Vec<Zone> = Vec::with_capacity(2 * values.len());
        for &value in values {
            groups.extend(written(register, value));
            groups.push(reads[value as usize]);
        }
        let mut soonest = groups.clone();
        for i in (1..soonest.len()).rev() {
            let later = soonest[i];
            soonest[i - 1].merge(&later);
        }
        let mut latest = Zone::EMPTY;
        for (group, soonest) in groups.iter().zip(&soonest) {
            if soonest.first_return < latest.last_call {
                self.slack = self.slack.max(latest.last_call - soonest.first_return);
                let (late, early) = (latest.last_row, soonest.first_row);
                let sooner = match self.disorder {
                    Some(Broken::Order { late: old, .. }) => {
                        latest.last_call < register.rows[old as usize].call
                    }
                    _ => true,
                };
                if sooner {
                    self.disorder = Some(Broken::Order { late, early });
                }
            }
            latest.merge(group);
        }
    }

    /// The rows that wrote the values from `a` to `b`, which stand in one chain, in the order of the chain.
    pub(crate) fn segment(&self, register: &Register, a: u32, b: u32) -> Vec<u32> {
        let reaches = |from: u32, to: u32| self.from(from).contains(&to);
        let (first, last) = if reaches(a, b) { (a, b) } else { (b, a) };
        let mut segment = Vec::new();
        for value in self.from(first) {
            if value != INITIAL {
                segment.push(register.writers[value as usize]);
            }
            if value == last {
                break;
            }
        }
        segment
    }

    fn find_loop(&self, register: &Register) -> Broken {
        let values = 0..register.zones.len() as u32;
        let mut headed = vec![false; values.len()];
        for head in values.clone().filter(|&value| self.is_head(value)) {
            self.from(head).into_iter().for_each(|value| headed[value as usize] = true);
        }
        let mut inside =
            values.filter(|&value| self.happened.known[value as usize] && !headed[value as usize]);
        let start = inside.next().unwrap_or(INITIAL);
        let mut rows = vec![register.writers[start as usize]];
        let mut value = self.successors[start as usize];
        while value != start && value != NONE {
            rows.push(register.writers[value as usize]);
            value = self.successors[value as usize];
        }
        Broken::Loop(rows, self.happened.proof(register, start))
    }
}

/// The write of a value as a zone of its own, none for the initial value.
fn written(register: &Register, value: u32) -> Option<Zone> {
    let writer = register.writers[value as usize];
    (writer != NONE).then(|| {
        let row = register.rows[writer as usize];
        Zone { first_return: row.ret, last_call: row.call, first_row: writer, last_row: writer }
    })
}

fn reads_only(register: &Register) -> Vec<Zone> {
    let mut zones = vec![Zone::EMPTY; register.zones.len()];
    for (index, row) in (0..).zip(&register.rows) {
        if row.access == Access::Read {
            zones[row.value as usize].merge(&Zone {
                first_return: row.ret,
                last_call: row.call,
                first_row: index,
                last_row: index,
            });
        }
    }
    zones
}

type Links = (Vec<u32>, Vec<u32>);

fn links(register: &Register, happened: &Happened) -> Result<Links, Broken> {
    let count = happened.known.len();
    let mut successors = vec![NONE; count];
    let mut predecessors = vec![NONE; count];
    for value in (1..count).filter(|&value| happened.known[value]) {
        let writer = register.writers[value];
        let from = register.rows[writer as usize].from;
        if from == NONE {
            continue;
        }
        let first = std::mem::replace(&mut successors[from as usize], value as u32);
        if first != NONE {
            let mut proof = happened.proof(register, first);
            proof.extend(happened.proof(register, value as u32));
            return Err(Broken::LostUpdate(register.writers[first as usize], writer, proof));
        }
        predecessors[value] = from;
    }
    Ok((successors, predecessors))
}
