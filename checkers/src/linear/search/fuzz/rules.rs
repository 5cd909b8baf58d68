//! The rules of sets and queues against the oracle.
//!
//! What they blame must be wrong by itself.

use std::collections::BTreeSet;

use histories::Value;

use super::{Dice, METHOD_CASES, Tally, cases_or, history, queue_call, queue_reply};
use crate::Budget;
use crate::linear::search::sets::Ruled;
use crate::linear::search::{Meter, Stop, queues, sets};
use crate::models::{EntryOf, FifoQueue, Model, QueueCall, Set, SetCall};
use crate::testing::oracle;

type Rules<M> = fn(&[EntryOf<M>], &mut Meter<'_>) -> Result<Option<Ruled>, Stop>;
type Projected<M> = fn(&[EntryOf<M>], &[u32]) -> Vec<EntryOf<M>>;

/// As [`super::agrees`], for rules; what they blame must be wrong by itself.
fn rules_agree<M: Model>(
    name: &str,
    model: &M,
    mut call: impl FnMut(&mut Dice) -> M::Call,
    mut reply: impl FnMut(&M::State, &M::Call, &mut Dice) -> Option<M::Reply>,
    rules: Rules<M>,
    projected: Projected<M>,
) where
    M::Call: std::fmt::Debug,
    M::Reply: std::fmt::Debug,
{
    let budget = Budget::unlimited();
    let mut tally = Tally::default();
    let cases = cases_or(METHOD_CASES);
    for seed in 0..cases {
        let entries = history(model, &mut Dice::new(seed ^ 0x5EED), &mut call, &mut reply);
        let Some(ruled) = rules(&entries, &mut Meter::new(&budget)).unwrap() else { continue };
        let expected = oracle::is_linearizable(model, &entries);
        tally.count(expected);
        match ruled {
            Ruled::Holds => assert!(expected, "{name} {seed}: a false pass: {entries:#?}"),
            Ruled::Violated(witness) => {
                assert!(!expected, "{name} {seed}: a false alarm {witness:?}: {entries:#?}");
                let alone = projected(&entries, &witness);
                assert!(
                    !oracle::is_linearizable(model, &alone),
                    "{name} {seed}: no proof {witness:?}: {entries:#?}"
                );
            }
        }
    }
    assert!(tally.valid + tally.invalid > cases / 6, "{name}: {tally:?}");
    tally.assert_balanced(name);
}

fn unique() -> impl FnMut() -> Value {
    let mut next = 0;
    move || {
        next += 1;
        Value::Int(next)
    }
}

#[test]
fn sets_with_unique_adds() {
    let mut element = unique();
    let call = |dice: &mut Dice| if dice.one_in(2) { SetCall::Read } else { SetCall::Add(element()) };
    let reply = |state: &BTreeSet<Value>, call: &SetCall, _: &mut Dice| {
        (*call == SetCall::Read).then(|| state.clone())
    };
    rules_agree("sets by rules", &Set, call, reply, sets::decide, sets::projected);
}

#[test]
fn queues_with_unique_elements() {
    let mut element = unique();
    let call = |dice: &mut Dice| queue_call(dice, element());
    let reply = |state: &Vec<Value>, call: &QueueCall, dice: &mut Dice| {
        queue_reply(state, call, usize::from(dice.one_in(6)))
    };
    rules_agree("queues by rules", &FifoQueue, call, reply, queues::decide, queues::projected);
}
