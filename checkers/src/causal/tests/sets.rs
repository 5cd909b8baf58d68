//! Sets of session guarantees: against every arbitration, against causal convergence, and the textbook's.

use histories::ModelName::{
    self, CausalConvergence, MonotonicReads, MonotonicWrites, ReadYourWrites, WritesFollowReads,
};

use super::fuzz::{Shape, sample};
use super::{held, sessions};
use crate::causal::columns::{Columns, NONE};
use crate::causal::compile::compile;
use crate::causal::sets::violated;
use crate::{Budget, Checker, SessionSets, Sessions, Verdict, session_sets, testing};

/// The definition of V(r), by recursion, with whatever is being asked for taken as held.
fn holds_of_read(columns: &Columns, set: u8, read: u32, open: &mut Vec<u32>, held: &mut Vec<u32>) {
    if open.contains(&read) {
        return;
    }
    open.push(read);
    for source in columns.reads(read).iter().map(|read| read.writer).filter(|&writer| writer != NONE) {
        holds_of_write(columns, set, source, open, held);
    }
    for before in std::iter::successors(columns.previous(read), |&t| columns.previous(t)) {
        if set & 1 != 0 && !columns.writes(before).is_empty() {
            holds_of_write(columns, set, before, open, held);
        }
        if set & 2 != 0 && !columns.reads(before).is_empty() {
            holds_of_read(columns, set, before, open, held);
        }
    }
}

fn holds_of_write(columns: &Columns, set: u8, write: u32, open: &mut Vec<u32>, held: &mut Vec<u32>) {
    if held.contains(&write) {
        return;
    }
    held.push(write);
    for before in std::iter::successors(columns.previous(write), |&t| columns.previous(t)) {
        if set & 4 != 0 && !columns.writes(before).is_empty() {
            holds_of_write(columns, set, before, open, held);
        }
        if set & 8 != 0 && !columns.reads(before).is_empty() {
            holds_of_read(columns, set, before, open, held);
        }
    }
    if set & 8 != 0 && !columns.reads(write).is_empty() {
        holds_of_read(columns, set, write, open, held);
    }
}

/// Whether some arbitration of the writes explains each read from what was held, by trying all.
fn arbitrated(columns: &Columns, set: u8, order: &mut Vec<u32>) -> bool {
    let writes: Vec<u32> = columns.ids().filter(|&t| !columns.writes(t).is_empty()).collect();
    if order.len() == writes.len() {
        return explains(columns, set, order);
    }
    writes.iter().any(|&t| {
        if order.contains(&t) {
            return false;
        }
        order.push(t);
        let found = arbitrated(columns, set, order);
        order.pop();
        found
    })
}

fn explains(columns: &Columns, set: u8, order: &[u32]) -> bool {
    let rank = |t: u32| order.iter().position(|&other| other == t);
    let reads = columns.ids().all(|t| {
        columns.reads(t).iter().all(|read| {
            let mut held = Vec::new();
            holds_of_read(columns, set, t, &mut Vec::new(), &mut held);
            let last =
                held.into_iter().filter(|&w| columns.writes(w).contains(&read.key)).max_by_key(|&w| rank(w));
            last.unwrap_or(NONE) == read.writer
        })
    });
    let sessions = columns.ids().filter(|&t| !columns.writes(t).is_empty()).all(|t| {
        let mut before: Vec<u32> =
            std::iter::successors(columns.previous(t), |&t| columns.previous(t)).collect();
        let writes = before.iter().all(|&w| columns.writes(w).is_empty() || rank(w) < rank(t));
        before.push(t);
        let sources = before.iter().flat_map(|&r| columns.reads(r)).map(|read| read.writer);
        let reads = sources.filter(|&writer| writer != NONE).all(|writer| rank(writer) < rank(t));
        (set & 4 == 0 || writes) && (set & 8 == 0 || reads)
    });
    reads && sessions
}

#[test]
fn every_set_agrees_with_all_arbitrations() {
    let shape = Shape { transactions: 8, processes: 3, keys: 2, accesses: 1, values: 0 };
    let mut tally = [[0_u32; 2]; 16];
    let mut together_only = 0;
    for seed in 0..testing::cases(20_000) {
        let sample = sample(7_000_000 + seed, shape);
        let Ok(compiled) = compile(&sample.history, &Budget::unlimited()) else { continue };
        let columns = &compiled.columns;
        let writes = columns.ids().filter(|&t| !columns.writes(t).is_empty()).count();
        if !columns.flaws.is_empty() || writes > 4 {
            continue;
        }
        let violated: Vec<bool> = (0..16).map(|set| set > 0 && violated(columns, set)).collect();
        for set in 1..16_u8 {
            let expected = !arbitrated(columns, set, &mut Vec::new());
            assert_eq!(
                violated[usize::from(set)],
                expected,
                "set {set:b}, seed {seed}: {:?}",
                sample.transactions
            );
            tally[usize::from(set)][usize::from(expected)] += 1;
        }
        assert_eq!(violated[15], !held(&sample.history).contains(&CausalConvergence), "seed {seed}");
        together_only += u32::from(violated[15] && ![1, 2, 4, 8].into_iter().any(|set| violated[set]));
        let singles = Sessions.check(&sample.history, &Budget::unlimited());
        for (bit, model) in
            [ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads].into_iter().enumerate()
        {
            let finding = singles.iter().find(|finding| finding.model == model).unwrap();
            let invalid = matches!(finding.verdict, Verdict::Invalid(_));
            assert_eq!(invalid, violated[1 << bit], "{model}, seed {seed}: {:?}", sample.transactions);
        }
    }
    tell(&tally);
    assert!(tally[15].iter().all(|&count| count > 300), "{tally:?}");
    assert!(together_only > 30, "{together_only}");
}

#[expect(clippy::print_stderr, reason = "shown by --nocapture only")]
fn tell(tally: &[[u32; 2]; 16]) {
    for (set, [held, violated]) in tally.iter().enumerate().skip(1) {
        eprintln!("fuzz set {set:04b}: {held} held, {violated} violated");
    }
}

fn least(text: &str) -> Vec<Vec<ModelName>> {
    match session_sets(&sessions(text), &Budget::unlimited()) {
        SessionSets::Minimal(sets) => sets,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_least_violated_sets_name_what_is_missing() {
    assert_eq!(least("w x 1; r x 1"), Vec::<Vec<ModelName>>::new());
    assert_eq!(least("w x 1; r x nil"), [[ReadYourWrites]]);
    assert_eq!(least("w x 1\nr x 1; r x nil"), [[MonotonicReads]]);
    // Two writes of one session, the later one seen first: alone neither guarantee is broken.
    assert_eq!(least("w x 1; w x 2\nr x 2; r x 1"), [[MonotonicReads, MonotonicWrites]]);
    assert_eq!(least("w x 1; w y 1\nr y 1; r x nil"), [[MonotonicReads, MonotonicWrites]]);
    let relayed = "w x 1\nr x 1; w y 1\nr y 1; r x nil";
    assert_eq!(least(relayed), [[MonotonicReads, WritesFollowReads]]);
    assert_eq!(session_sets(&sessions("r x 7"), &Budget::unlimited()), SessionSets::Unexplained);
    let transactions = session_sets(&sessions("[w x 1]"), &Budget::unlimited());
    assert!(matches!(transactions, SessionSets::Undecided(_)));
}
