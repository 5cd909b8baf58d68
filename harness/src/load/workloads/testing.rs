//! What the tests of workloads share.

use std::collections::BTreeSet;

use histories::{Nanos, Op};
use nemesis::Dice;

use super::{Shape, Tuning, Workload};
use crate::load::generator::{Context, Next};

/// A run of one client on three nodes.
pub(super) fn shape() -> Shape {
    Shape {
        threads: 1,
        nodes: 3,
        rate: None,
        copies: None,
        keys: None,
        one_object: false,
        first_value: 1,
        tuning: Tuning::default(),
        unsupported: BTreeSet::new(),
    }
}

/// The operations among the first thousand answers of a workload's generator.
pub(super) fn issue(workload: &dyn Workload, shape: &Shape) -> Vec<Op> {
    let mut generator = workload.generator(shape);
    let mut dice = Dice::new(3);
    let context = Context { now: Nanos(0), free: &[0], threads: 1, nodes: 3 };
    (0..1000)
        .filter_map(|_| match generator.next(&context, &mut dice) {
            Next::Op(invocation) => Some(invocation.op),
            _ => None,
        })
        .collect()
}
