//! A proof cut down to what it needs, by asking again about less and less.

use histories::{History, ModelName};

use super::analysis::Analysis;
use super::columns::Columns;
use super::proof::Proof;
use crate::Budget;

/// Beyond this a proof is told as it was found.
const CUT_MAX: usize = 200;

/// The least part of the columns that still contradicts the model, with the proof that it does.
pub(super) fn cut(proof: Proof, history: &History, columns: &Columns, model: ModelName) -> (Columns, Proof) {
    let judge = |columns: &Columns| {
        let budget = Budget::unlimited();
        let analysis = Analysis::new(history, columns, &budget).ok()?;
        analysis.decide(model, &budget).ok()?
    };
    let transactions = proof.transactions();
    let part = columns.restrict(&transactions);
    let Some(found) = judge(&part).filter(|_| transactions.len() <= CUT_MAX) else {
        return (columns.clone(), proof);
    };
    let (mut part, mut proof) = (part, found);
    let mut at = part.len();
    while at > 0 {
        at -= 1;
        let kept: Vec<u32> = part.ids().filter(|&t| t as usize != at).collect();
        let smaller = part.restrict(&kept);
        if let Some(found) = judge(&smaller) {
            (part, proof) = (smaller, found);
        }
    }
    (part, proof)
}
