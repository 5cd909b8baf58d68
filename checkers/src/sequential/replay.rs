//! Whether an order of all operations is legal and keeps each session's order: what every "held" rests on.
//!
//! It never trusts a search: neither its graph nor its slots.

use rustc_hash::FxHashMap;

use super::accesses::Objects;
use crate::core::sessions::{Act, ReadFrom};

/// Of registers: `order` holds each place of `acts`, which are in the order of their sessions, once.
pub(super) fn explains(acts: &[Act], order: &[u32]) -> bool {
    let mut done = vec![false; acts.len()];
    let mut registers: FxHashMap<u32, ReadFrom> = FxHashMap::default();
    for &place in order {
        let act = &acts[place as usize];
        let current = registers.entry(act.key).or_insert(ReadFrom::Initial);
        let fits = act.seen == ReadFrom::Nothing || act.seen == *current;
        let earlier = acts[..place as usize].iter().zip(&done).rev();
        let waits = earlier
            .take_while(|(other, _)| other.process == act.process)
            .find(|(other, _)| other.acknowledged)
            .is_some_and(|(_, &done)| !done);
        if !fits || waits || std::mem::replace(&mut done[place as usize], true) {
            return false;
        }
        if let Some(write) = act.wrote {
            *current = ReadFrom::Written(write);
        }
    }
    done.iter().all(|&done| done)
}

/// Of objects of any kind: `order` leaves out only what may never have happened.
pub(super) fn explains_objects(objects: &Objects, order: &[u32]) -> bool {
    let mut done = vec![false; objects.deeds.len()];
    let mut states = objects.initial.clone();
    for &place in order {
        let deed = &objects.deeds[place as usize];
        let earlier = objects.deeds[..place as usize].iter().zip(&done).rev();
        let waits = earlier
            .take_while(|(other, _)| other.process == deed.process)
            .find(|(other, _)| other.acknowledged)
            .is_some_and(|(_, &done)| !done);
        let fits = states[deed.object as usize].apply(&deed.access);
        if !fits || waits || std::mem::replace(&mut done[place as usize], true) {
            return false;
        }
    }
    objects.deeds.iter().zip(&done).all(|(deed, &done)| done || !deed.acknowledged)
}
