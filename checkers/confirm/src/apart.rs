//! Transactions that share no register with others, nor by way of a third: as if each group had an object of its own.

use std::collections::BTreeMap;

use histories::Value;

use crate::action::{Action, Step};
use crate::whole::Read;

/// The operations of one object, group by group, each in the order in which they came. What is no transaction is all of one
/// group.
pub(crate) fn groups(operations: Vec<Read>) -> Vec<Vec<Read>> {
    // By place, an earlier one of the same group, or its own where it is the first.
    let mut earlier: Vec<usize> = (0..operations.len()).collect();
    let mut last_with: BTreeMap<&Value, usize> = BTreeMap::new();
    for (place, operation) in operations.iter().enumerate() {
        for register in registers(&operation.action) {
            if let Some(other) = last_with.insert(register, place) {
                let (one, other) = (first(&mut earlier, place), first(&mut earlier, other));
                earlier[one.max(other)] = one.min(other);
            }
        }
    }
    let firsts: Vec<usize> = (0..operations.len()).map(|place| first(&mut earlier, place)).collect();
    let mut groups: BTreeMap<usize, Vec<Read>> = BTreeMap::new();
    for (operation, first) in operations.into_iter().zip(firsts) {
        groups.entry(first).or_default().push(operation);
    }
    groups.into_values().collect()
}

/// The registers that a transaction reads and writes; null, the one object, for what is none.
fn registers(action: &Action) -> Vec<&Value> {
    let Action::Transaction(steps) = action else { return vec![&Value::Null] };
    steps
        .iter()
        .map(|step| match step {
            Step::Read(register, _) | Step::Write(register, _) => register,
        })
        .collect()
}

/// The first operation of a group.
fn first(earlier: &mut [usize], mut place: usize) -> usize {
    while earlier[place] != place {
        earlier[place] = earlier[earlier[place]];
        place = earlier[place];
    }
    place
}
