//! The orders of transactions against the oracle: one is found iff there is one.

use histories::Value;

use super::{Dice, METHOD_CASES, Tally, cases_or, history, multi_register_reply, small};
use crate::Budget;
use crate::linear::search::{Meter, serial};
use crate::models::{MicroOperation, MultiRegister};
use crate::testing::oracle;

#[test]
fn transactions_with_unique_values() {
    let (mut next, model, budget) = (0, MultiRegister::default(), Budget::unlimited());
    let mut call = |dice: &mut Dice| {
        let count = 1 + dice.below(4);
        let micro = |_| {
            next += 1;
            match dice.below(2) {
                0 => MicroOperation::Read(small(dice)),
                _ => MicroOperation::Write(small(dice), Value::Int(next)),
            }
        };
        (0..count).map(micro).collect()
    };
    let mut tally = Tally::default();
    for seed in 0..cases_or(METHOD_CASES) {
        let entries = history(&model, &mut Dice::new(seed ^ 0x7A5), &mut call, &mut |state, call, _| {
            Some(multi_register_reply(state, call))
        });
        let expected = oracle::is_linearizable(&model, &entries);
        tally.count(expected);
        let found = serial::order(&entries, &mut Meter::new(&budget)).unwrap();
        assert_eq!(found.is_some(), expected, "{seed}: {entries:#?}");
        if let Some(order) = found {
            assert!(oracle::replays(&model, &entries, &order), "{seed}: {order:?} of {entries:#?}");
        }
    }
    tally.assert_balanced("transactions with unique values, by looking ahead");
}
