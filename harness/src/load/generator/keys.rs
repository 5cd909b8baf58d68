//! Many keys, each with a generator and a life of its own.

use std::collections::BTreeMap;

use histories::{Event, Key};
use nemesis::Dice;

use super::{Context, Generator, Next, Waiting};

/// Keeps `active` keys in use; when a key's generator is done, a new key takes its place.
///
/// Short histories per key keep checking cheap, and fresh keys show what a replica has not heard of at all.
pub struct PerKey<G, F> {
    active: Vec<(Key, G)>,
    by_key: BTreeMap<Key, usize>,
    next_key: u64,
    make: F,
}

impl<G: Generator, F: FnMut(u64) -> (Key, G)> PerKey<G, F> {
    /// `make` makes the generator of the n-th key, and names the key.
    pub fn new(active: usize, mut make: F) -> Self {
        let active: Vec<_> = (0..active as u64).map(&mut make).collect();
        let by_key = active.iter().enumerate().map(|(slot, (key, _))| (key.clone(), slot)).collect();
        Self { next_key: active.len() as u64, active, by_key, make }
    }

    fn replace(&mut self, slot: usize) {
        let fresh = (self.make)(self.next_key);
        self.next_key += 1;
        self.by_key.insert(fresh.0.clone(), slot);
        let (old, _) = std::mem::replace(&mut self.active[slot], fresh);
        self.by_key.remove(&old);
    }
}

impl<G: Generator, F: FnMut(u64) -> (Key, G) + Send> Generator for PerKey<G, F> {
    fn next(&mut self, context: &Context<'_>, dice: &mut Dice) -> Next {
        let mut waiting = Waiting::default();
        let first = dice.below(self.active.len() as u64) as usize;
        for offset in 0..self.active.len() {
            let slot = (first + offset) % self.active.len();
            let mut next = self.active[slot].1.next(context, dice);
            if next == Next::Done {
                self.replace(slot);
                next = self.active[slot].1.next(context, dice);
            }
            match next {
                Next::Op(_) => return next,
                other => waiting.add(&other),
            }
        }
        waiting.next()
    }

    fn observe(&mut self, completion: &Event) {
        let slot = completion.op.key.as_ref().and_then(|key| self.by_key.get(key));
        if let Some(&slot) = slot {
            self.active[slot].1.observe(completion);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use histories::{Nanos, Op};

    use super::super::Limit;
    use super::*;

    #[test]
    fn a_spent_key_is_replaced_by_a_fresh_one() {
        let mut keys = PerKey::new(2, |n| {
            let key = Key::from(format!("k{n}"));
            let name = key.clone();
            (key, Limit::new(3, move |_: &Context<'_>, _: &mut Dice| Op::read(name.clone())))
        });
        let mut dice = Dice::new(3);
        let mut uses: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..12 {
            let context = Context { now: Nanos(0), free: &[0], threads: 1, nodes: 1 };
            let Next::Op(invocation) = keys.next(&context, &mut dice) else { panic!("keys never run out") };
            *uses.entry(invocation.op.key.unwrap().to_string()).or_default() += 1;
        }
        assert!(uses.values().all(|count| *count <= 3), "{uses:?}");
        assert!(uses.len() >= 4, "{uses:?}");
        assert_eq!(keys.by_key.len(), 2);
    }
}
