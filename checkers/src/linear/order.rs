//! An order that explains everything, where there is one: a linearization of one key.
//!
//! It never decides whether there is one, and whoever shows it has it replayed first.
//!
//! Values whose zones do not conflict stand in the order of the moments that the rules compare: a forward zone where it
//! returned first, a backward one where it was called last. Let A have to stand before B, so that `first_return(A) <
//! last_call(B)`. Of two forward zones the first to return stands first; a forward A before a backward B, as compared;
//! a backward A before a forward B, because `last_call(A) <= first_return(A) < last_call(B)` and, without a conflict,
//! `last_call(A) <= first_return(B)`; of two backward ones `last_call(A) <= first_return(A) < last_call(B)`.

use histories::{History, OperationId};

use crate::core::calls::says_something;
use crate::core::object::{Object, Part};
use crate::core::registers::{Access, INITIAL, Register, Zone};
use crate::core::unexplained;
use crate::{Budget, Exhausted, Linear};

use super::chains::Chains;
use super::fragments::{self, Assembled};
use super::search;

impl Linear {
    /// The operations of a part in an order that explains them all, without those that took no effect. `None` where
    /// there is none, or none was found within the budget, or, where it has to be searched for, in so many steps.
    pub(crate) fn order(
        self,
        history: &History,
        part: &Part,
        budget: &Budget,
        steps_max: u64,
    ) -> Option<Vec<OperationId>> {
        let register = match part.object {
            Ok(Object::Register) => Register::compile(history, part.key, &part.operations, budget).ok(),
            Ok(Object::List | Object::Text) => match fragments::assemble(history, part, budget).ok()? {
                Assembled::Register(register, _) => {
                    Some(register).filter(|register| is_whole(history, part, register))
                }
                Assembled::Contradiction(_) => return None,
                Assembled::Unfit => None,
            },
            _ => None,
        };
        match register {
            Some(register) => of_register(&register, budget).ok()?,
            None => search::order_of_part(history, part, self.queues, budget, steps_max),
        }
    }
}

/// Whether nothing that says something was left out of a register.
fn is_whole(history: &History, part: &Part, register: &Register) -> bool {
    let says = part.operations.iter().filter(|&&id| says_something(history.operation(id)));
    register.rows.len() == says.count()
}

/// Of a register. Where its zones conflict it is an order all the same, which does not replay.
fn of_register(register: &Register, budget: &Budget) -> Result<Option<Vec<OperationId>>, Exhausted> {
    if unexplained::unexplained(register, unexplained::Order::RealTime).is_some() {
        return Ok(None);
    }
    let Ok(chains) = Chains::link(register, budget)? else { return Ok(None) };
    let reads = Reads::of(register);
    let mut heads: Vec<((bool, i64, u8), u32)> =
        chains.zones.iter().zip(chains.heads()).map(|(zone, head)| (moment(head, zone), head)).collect();
    heads.sort_unstable();
    budget.check()?;
    let mut order = Vec::with_capacity(register.rows.len());
    for (_, head) in heads {
        for value in chains.from(head) {
            let writer = register.writers[value as usize];
            order.extend(register.rows.get(writer as usize).map(|row| row.operation));
            order.extend(reads.of_value(value).iter().map(|&row| register.rows[row as usize].operation));
        }
    }
    Ok(Some(order))
}

/// Where a zone stands among the others; the initial value's is the first.
fn moment(head: u32, zone: &Zone) -> (bool, i64, u8) {
    if zone.first_return < zone.last_call {
        (head != INITIAL, zone.first_return, 1)
    } else {
        (head != INITIAL, zone.last_call, 0)
    }
}

/// The reads of each value, in the order of their invocations.
struct Reads {
    rows: Vec<u32>,
    starts: Vec<u32>,
}

impl Reads {
    fn of(register: &Register) -> Self {
        let is_read = |row: &u32| register.rows[*row as usize].access == Access::Read;
        let value = |row: &u32| register.rows[*row as usize].value;
        let mut rows: Vec<u32> = (0..register.rows.len() as u32).filter(is_read).collect();
        rows.sort_by_key(value);
        let starts = (0..=register.zones.len() as u32)
            .map(|wanted| rows.partition_point(|row| value(row) < wanted) as u32)
            .collect();
        Self { rows, starts }
    }

    fn of_value(&self, value: u32) -> &[u32] {
        &self.rows[self.starts[value as usize] as usize..self.starts[value as usize + 1] as usize]
    }
}
