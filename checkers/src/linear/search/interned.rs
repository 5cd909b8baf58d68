//! Any [`Model`] as a machine: each distinct state and each distinct operation has a number, each step is made once.
//!
//! It never keeps a state that no configuration is in for long: [`Machine::sweep`] drops what is not used.

use std::rc::Rc;

use finding::{Meter, Stop};
use rustc_hash::{FxHashMap, FxHashSet};

use super::machine::{IMPOSSIBLE, Machine};
use super::timeline::Operation;
use crate::models::{Effect, EntryOf, Model};

/// What a state or a step costs in the tables, apart from the state itself.
const ROW_BYTES: usize = 64;
const SWEEP_AT_BYTES_MIN: usize = 1 << 20;

/// A model's steps between numbered states. The model is behind a pointer, so that the searches are compiled once.
pub(super) struct Interned<'m> {
    steps: FxHashMap<(u32, u32), u32>,
    effects: Vec<Effect>,
    states: Box<dyn States + 'm>,
    sweep_at_bytes: usize,
}

trait States {
    fn step(&mut self, state: u32, label: u32, meter: &mut Meter<'_>) -> Result<u32, Stop>;
    fn bytes(&self) -> usize;
    fn keep(&mut self, live: &FxHashSet<u32>);
}

impl<'m> Interned<'m> {
    /// The machine, its operations, and which entry each operation is.
    pub(super) fn new<M: Model>(model: &'m M, entries: &'m [EntryOf<M>]) -> (Self, Vec<Operation>, Vec<u32>) {
        let mut known: FxHashMap<(&M::Call, Option<&M::Reply>), u64> = FxHashMap::default();
        let (mut operations, mut source) =
            (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
        let (mut labels, mut effects) = (Vec::new(), Vec::new());
        for (i, entry) in (0..).zip(entries) {
            let word = (&entry.call, entry.reply.as_ref());
            let effect = model.effect(word.0, word.1);
            if entry.returned.is_none() && effect == Effect::Reads {
                continue; // It may not have happened, and changed nothing if it did.
            }
            let label = *known.entry(word).or_insert_with(|| {
                labels.push(word);
                effects.push(effect);
                labels.len() as u64 - 1
            });
            let (invoked, returned) = (entry.invoked, entry.returned);
            operations.push(Operation { invoked, returned, label, required: returned.is_some() });
            source.push(i);
        }
        let states: Box<dyn States + 'm> = Box::new(StatesOf::new(model, labels));
        let steps = FxHashMap::default();
        (Self { steps, effects, states, sweep_at_bytes: SWEEP_AT_BYTES_MIN }, operations, source)
    }

    #[cold]
    fn first_step(&mut self, state: u32, label: u32, meter: &mut Meter<'_>) -> Result<u32, Stop> {
        meter.tick()?;
        let after = self.states.step(state, label, meter)?;
        meter.hold(ROW_BYTES)?;
        self.steps.insert((state, label), after);
        Ok(after)
    }

    fn bytes(&self) -> usize {
        self.states.bytes() + self.steps.len() * ROW_BYTES
    }
}

impl Machine for Interned<'_> {
    fn initial(&self) -> u32 {
        0
    }

    fn effect(&self, label: u64) -> Effect {
        self.effects[label as usize]
    }

    #[inline]
    fn step(&mut self, state: u32, label: u64, meter: &mut Meter<'_>) -> Result<u32, Stop> {
        match self.steps.get(&(state, label as u32)) {
            Some(&after) => Ok(after),
            None => self.first_step(state, label as u32, meter),
        }
    }

    fn needs_sweep(&self) -> bool {
        self.bytes() > self.sweep_at_bytes
    }

    fn sweep(&mut self, live: &mut dyn Iterator<Item = u32>, meter: &mut Meter<'_>) {
        let live: FxHashSet<u32> = live.chain([0]).collect();
        let before = self.bytes();
        self.states.keep(&live);
        let is_live = |after: u32| after == IMPOSSIBLE || live.contains(&after);
        self.steps.retain(|&(from, _), after| live.contains(&from) && is_live(*after));
        meter.release(before.saturating_sub(self.bytes()));
        self.sweep_at_bytes = (2 * self.bytes()).max(SWEEP_AT_BYTES_MIN);
    }
}

struct StatesOf<'m, M: Model> {
    model: &'m M,
    labels: Vec<(&'m M::Call, Option<&'m M::Reply>)>,
    ids: FxHashMap<Rc<M::State>, u32>,
    states: Vec<Option<Rc<M::State>>>,
    free: Vec<u32>,
    bytes: usize,
}

impl<'m, M: Model> StatesOf<'m, M> {
    fn new(model: &'m M, labels: Vec<(&'m M::Call, Option<&'m M::Reply>)>) -> Self {
        let initial = Rc::new(model.initial());
        let bytes = model.state_bytes(&initial) + ROW_BYTES;
        let ids = FxHashMap::from_iter([(Rc::clone(&initial), 0)]);
        Self { model, labels, ids, states: vec![Some(initial)], free: Vec::new(), bytes }
    }

    fn intern(&mut self, state: M::State, meter: &mut Meter<'_>) -> Result<u32, Stop> {
        if let Some(&id) = self.ids.get(&state) {
            return Ok(id);
        }
        let bytes = self.model.state_bytes(&state) + ROW_BYTES;
        meter.hold(bytes)?;
        self.bytes += bytes;
        let state = Rc::new(state);
        let id = self.free.pop().unwrap_or(self.states.len() as u32);
        if id as usize == self.states.len() {
            self.states.push(None);
        }
        self.states[id as usize] = Some(Rc::clone(&state));
        self.ids.insert(state, id);
        Ok(id)
    }
}

impl<M: Model> States for StatesOf<'_, M> {
    fn step(&mut self, state: u32, label: u32, meter: &mut Meter<'_>) -> Result<u32, Stop> {
        let Some(from) = self.states[state as usize].clone() else {
            return Ok(IMPOSSIBLE); // No configuration is in a state that was dropped.
        };
        let (call, reply) = self.labels[label as usize];
        match self.model.step_within(&from, call, reply, meter)? {
            Some(after) => self.intern(after, meter),
            None => Ok(IMPOSSIBLE),
        }
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn keep(&mut self, live: &FxHashSet<u32>) {
        for (id, slot) in (0..).zip(&mut self.states) {
            if !live.contains(&id)
                && let Some(state) = slot.take()
            {
                self.bytes -= self.model.state_bytes(&state) + ROW_BYTES;
                self.ids.remove(&state);
                self.free.push(id);
            }
        }
    }
}
