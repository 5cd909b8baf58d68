//! Values as dense integers.

use histories::Value;
use rustc_hash::FxHashMap;

use crate::graph::NONE;

/// The id of the value of an absent key.
pub(crate) const INITIAL: u32 = 0;

/// Values to dense ids, in the order in which they first occur.
pub(crate) struct Interner {
    /// Small integers, the common case.
    small: Vec<u32>,
    small_max: usize,
    others: FxHashMap<Value, u32>,
    next: u32,
}

impl Interner {
    pub(crate) fn new(count: usize) -> Self {
        Self { small: Vec::new(), small_max: 2 * count + 64, others: FxHashMap::default(), next: 1 }
    }

    /// The id of a value that is like no other.
    pub(crate) fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    pub(crate) fn id(&mut self, value: &Value) -> u32 {
        match value {
            Value::Null => return INITIAL,
            Value::Int(int) if (0..self.small_max as i64).contains(int) => {
                let index = *int as usize;
                if index >= self.small.len() {
                    let len = (index + 1).next_power_of_two().min(self.small_max);
                    self.small.resize(len, NONE);
                }
                if self.small[index] != NONE {
                    return self.small[index];
                }
                self.small[index] = self.next;
            }
            other => match self.others.get(other) {
                Some(id) => return *id,
                None => drop(self.others.insert(other.clone(), self.next)),
            },
        }
        self.fresh()
    }
}
