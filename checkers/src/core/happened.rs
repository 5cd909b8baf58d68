//! Which values of a register were certainly in force, and what shows it.
//!
//! What shows it are answers alone, whenever they came: real time plays no part.

use super::registers::{INITIAL, NEVER, NONE, Register};
use super::unexplained::{Unexplained, unwritten};

/// Rows that show that operations of unknown outcome happened.
pub(crate) type Proof = Vec<u32>;

/// Which values were certainly in force at some time: acknowledged, read, or replaced by one that was.
#[derive(Debug)]
pub(crate) struct Happened {
    pub(crate) known: Vec<bool>,
    /// By value id, the row that replaced it, where nothing else shows that it was in force.
    replaced_by: Vec<u32>,
}

impl Happened {
    pub(crate) fn of(register: &Register) -> Result<Self, (Unexplained, Proof)> {
        let mut known: Vec<bool> = register.zones.iter().map(|zone| zone.first_return < NEVER).collect();
        known[INITIAL as usize] = true;
        let mut work: Vec<u32> = (0..known.len() as u32).filter(|&value| known[value as usize]).collect();
        let mut happened = Self { replaced_by: vec![NONE; known.len()], known };
        while let Some(value) = work.pop() {
            let writer = register.writers[value as usize];
            let Some(row) = register.rows.get(writer as usize).filter(|row| row.from != NONE) else {
                continue;
            };
            if row.from != INITIAL && register.writers[row.from as usize] == NONE {
                let unexplained = Unexplained { row: writer, kind: unwritten(register, row.from) };
                return Err((unexplained, happened.proof(register, value)));
            }
            if !std::mem::replace(&mut happened.known[row.from as usize], true) {
                happened.replaced_by[row.from as usize] = writer;
                work.push(row.from);
            }
        }
        Ok(happened)
    }

    pub(crate) fn count(&self) -> usize {
        self.known.iter().filter(|&&known| known).count()
    }

    /// Rows that show that `value` was written: one that returned, after those that lead to it.
    pub(crate) fn proof(&self, register: &Register, mut value: u32) -> Proof {
        let mut rows = Vec::new();
        while value != INITIAL && register.zones[value as usize].first_return >= NEVER {
            let Some(row) = register.rows.get(self.replaced_by[value as usize] as usize) else { break };
            rows.push(self.replaced_by[value as usize]);
            value = row.value;
        }
        rows.push(register.zones[value as usize].first_row);
        rows.retain(|&row| row != NONE);
        rows
    }
}
