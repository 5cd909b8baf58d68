//! The models straight from their definitions: every choice of what happened and of who wrote what was read, every order.
//!
//! It shares nothing with the checker, not even the decoding of operations.

use histories::ModelName;

/// A transaction of a small history; 0 is the initial value.
#[derive(Clone, Debug)]
pub(crate) struct Txn {
    pub(crate) process: u32,
    /// Its outcome is unknown: it may have happened or not.
    pub(crate) unknown: bool,
    pub(crate) call: u64,
    /// None where it never returned.
    pub(crate) ret: Option<u64>,
    /// Whether it is a write, the key, the value.
    pub(crate) accesses: Vec<(bool, usize, i64)>,
}

const KEYS: usize = 3;
type State = [i64; KEYS];

/// Whether some choice of what happened among the unknown makes the model hold. Transactions are in the order of
/// their invocations.
pub(crate) fn holds(model: ModelName, transactions: &[Txn]) -> bool {
    let unknown: Vec<usize> = (0..transactions.len()).filter(|&t| transactions[t].unknown).collect();
    (0..1_u32 << unknown.len()).any(|choice| {
        let happened =
            |t: usize| unknown.iter().position(|&other| other == t).is_none_or(|at| choice >> at & 1 == 1);
        let chosen: Vec<&Txn> =
            (0..transactions.len()).filter(|&t| happened(t)).map(|t| &transactions[t]).collect();
        Case::of(chosen).holds_somehow(model, 0)
    })
}

struct Case<'t> {
    transactions: Vec<&'t Txn>,
    /// By transaction, the set of those that its session ran before.
    session: Vec<u32>,
    /// Those that it reads from.
    sources: Vec<u32>,
    /// Reads of what others left: transaction, and which of its accesses.
    reads: Vec<(usize, usize)>,
    /// By read, who wrote what was read, none for the initial value; as many as are chosen.
    writers: Vec<Option<usize>>,
}

impl<'t> Case<'t> {
    fn of(transactions: Vec<&'t Txn>) -> Self {
        let count = transactions.len();
        let mut reads = Vec::new();
        for (t, transaction) in transactions.iter().enumerate() {
            for (at, &(write, key, _)) in transaction.accesses.iter().enumerate() {
                let own = |access: &(bool, usize, i64)| access.0 && access.1 == key;
                if !write && !transaction.accesses[..at].iter().any(own) {
                    reads.push((t, at));
                }
            }
        }
        let before = |a: usize, b: usize| {
            let (a, b): (&Txn, &Txn) = (transactions[a], transactions[b]);
            a.process == b.process && a.call < b.call && !a.unknown
        };
        let session = (0..count).map(|b| set((0..count).filter(|&a| before(a, b)))).collect();
        Self { transactions, session, sources: vec![0; count], reads, writers: Vec::new() }
    }

    /// Whether the model holds with some choice of who wrote what was read, of reads from this one on.
    fn holds_somehow(&mut self, model: ModelName, read: usize) -> bool {
        let Some(&(t, at)) = self.reads.get(read) else { return self.holds(model) };
        let (_, key, value) = self.transactions[t].accesses[at];
        let others =
            (0..self.transactions.len()).filter(|&other| other != t && self.leaves(other, key, value));
        let writers: Vec<Option<usize>> = others.map(Some).chain(Some(None).filter(|_| value == 0)).collect();
        let before = self.sources[t];
        writers.into_iter().any(|writer| {
            self.sources[t] |= writer.map_or(0, |writer| 1 << writer);
            self.writers.push(writer);
            let holds = self.holds_somehow(model, read + 1);
            self.writers.pop();
            self.sources[t] = before;
            holds
        })
    }

    /// Whether a transaction leaves a value in place.
    fn leaves(&self, t: usize, key: usize, value: i64) -> bool {
        let last = self.transactions[t].accesses.iter().rfind(|access| access.0 && access.1 == key);
        last.is_some_and(|access| access.2 == value)
    }

    fn holds(&self, model: ModelName) -> bool {
        let count = self.transactions.len();
        let direct: Vec<u32> = (0..count).map(|t| self.session[t] | self.sources[t]).collect();
        if model == ModelName::Pram {
            let all = set(0..count);
            return (0..count).all(|t| self.explained(&self.session, all, self.session[t] | 1 << t));
        }
        let Some(causes) = past(&direct) else { return false };
        match model {
            ModelName::Causal => (0..count).all(|t| self.explained(&causes, causes[t] | 1 << t, 1 << t)),
            ModelName::CausalMemory => {
                (0..count).all(|t| self.explained(&causes, causes[t] | 1 << t, self.session[t] | 1 << t))
            }
            ModelName::CausalConvergence => self.arbitrated(&causes, &causes),
            ModelName::RealTimeCausal => {
                let earlier = |a: usize, b: usize| {
                    let a = self.transactions[a];
                    !a.unknown && a.ret.is_some_and(|ret| ret < self.transactions[b].call)
                };
                let real_time = |b: usize| set((0..count).filter(|&a| earlier(a, b)));
                let before: Vec<u32> = (0..count).map(|b| causes[b] | real_time(b)).collect();
                self.arbitrated(&causes, &before)
            }
            ModelName::ReadAtomic => self.committed(&causes, |t, _| direct[t], true),
            ModelName::ReadCommittedBe => self.committed(&causes, |_, earlier| earlier, false),
            other => panic!("no definition of {other} here"),
        }
    }

    /// Whether some order of `members` that respects `before` explains what those in `visible` read.
    fn explained(&self, before: &[u32], members: u32, visible: u32) -> bool {
        self.order(before, members, 0, [0; KEYS], visible)
    }

    fn order(&self, before: &[u32], members: u32, done: u32, state: State, visible: u32) -> bool {
        if done == members {
            return true;
        }
        (0..before.len()).any(|t| {
            let open = members & !done & 1 << t != 0 && before[t] & members & !done == 0;
            if !open {
                return false;
            }
            let Some(after) = self.run(t, state, visible & 1 << t != 0) else { return false };
            self.order(before, members, done | 1 << t, after, visible)
        })
    }

    /// The state after a transaction, if the one before explains what it read.
    fn run(&self, t: usize, mut state: State, visible: bool) -> Option<State> {
        for &(write, key, value) in &self.transactions[t].accesses {
            if write {
                state[key] = value;
            } else if visible && state[key] != value {
                return None;
            }
        }
        Some(state)
    }

    /// Whether some arbitration of all that respects `before` explains each from what it has seen.
    fn arbitrated(&self, seen: &[u32], before: &[u32]) -> bool {
        self.arbitrate(seen, before, &mut Vec::new(), 0)
    }

    fn arbitrate(&self, seen: &[u32], before: &[u32], order: &mut Vec<usize>, done: u32) -> bool {
        if order.len() == before.len() {
            return true;
        }
        for t in 0..before.len() {
            if done & 1 << t != 0 || before[t] & !done != 0 {
                continue;
            }
            let mut state = [0; KEYS];
            for &other in order.iter().filter(|&&other| seen[t] & 1 << other != 0) {
                for &(_, key, value) in self.transactions[other].accesses.iter().filter(|access| access.0) {
                    state[key] = value;
                }
            }
            if self.run(t, state, true).is_some() {
                order.push(t);
                if self.arbitrate(seen, before, order, done | 1 << t) {
                    return true;
                }
                order.pop();
            }
        }
        false
    }

    /// Read atomic and read committed after Biswas and Enea: whether some order of commits that respects causality
    /// has, for each read, everybody in `obliging` that wrote its key no later than whom it read from.
    fn committed(&self, causes: &[u32], obliging: impl Fn(usize, u32) -> u32, repeatable: bool) -> bool {
        let mut before = causes.to_vec();
        for (t, transaction) in self.transactions.iter().enumerate() {
            let mut earlier = 0;
            let mut known: [Option<(bool, i64)>; KEYS] = [None; KEYS];
            for (at, &(write, key, value)) in transaction.accesses.iter().enumerate() {
                match known[key] {
                    _ if write => {}
                    Some((own, last)) if own || repeatable => {
                        if last != value {
                            return false;
                        }
                        continue;
                    }
                    _ => {
                        let read = self.reads.iter().position(|&read| read == (t, at));
                        let writer = read.and_then(|read| self.writers[read]);
                        for other in 0..self.transactions.len() {
                            let obliges = obliging(t, earlier) & 1 << other != 0 && Some(other) != writer;
                            if !obliges
                                || !self.transactions[other].accesses.iter().any(|a| a.0 && a.1 == key)
                            {
                                continue;
                            }
                            let Some(writer) = writer else { return false };
                            before[writer] |= 1 << other;
                        }
                        earlier |= writer.map_or(0, |writer| 1 << writer);
                    }
                }
                known[key] = Some((write, value));
            }
        }
        past(&before).is_some()
    }
}

fn set(members: impl Iterator<Item = usize>) -> u32 {
    members.fold(0, |set, member| set | 1 << member)
}

/// The transitive closure of a relation, none where it has a cycle.
fn past(before: &[u32]) -> Option<Vec<u32>> {
    let mut past = before.to_vec();
    loop {
        let next: Vec<u32> = (0..past.len())
            .map(|t| (0..past.len()).filter(|&s| past[t] >> s & 1 == 1).fold(past[t], |all, s| all | past[s]))
            .collect();
        if next == past {
            break;
        }
        past = next;
    }
    (0..past.len()).all(|t| past[t] >> t & 1 == 0).then_some(past)
}
