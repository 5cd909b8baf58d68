//! What deeds do to *cells*: an object each, or one register of the many that transactions share.
//!
//! It knows nothing of order. That a transaction is told apart by its registers keeps states small: what a deed leaves
//! alone is not copied.

use std::borrow::Cow;
use std::rc::Rc;

use histories::Value;
use rustc_hash::FxHashMap;

use super::accesses::Objects;
use super::objects::{Access, State};
use crate::models::MicroOperation;

/// What one deed does to one cell.
struct Touch<'o> {
    cell: u32,
    access: Cow<'o, Access>,
}

/// All cells of a problem, with their states by number and what follows from them.
pub(super) struct Cells<'o> {
    touches: Vec<Touch<'o>>,
    /// By deed, where its touches begin; one more at the end.
    starts: Vec<u32>,
    /// By cell, the number of its state at first.
    pub(super) initial: Vec<u32>,
    states: Vec<Rc<State>>,
    numbers: FxHashMap<Rc<State>, u32>,
    steps: FxHashMap<(u32, u32), Option<u32>>,
    /// What the tables of states and steps take.
    pub(super) bytes: usize,
}

/// A row of the table of states, with its place among the numbers; one of the table of steps. Tables are up to half
/// empty.
const STATE_BYTES: usize = 96;
const STEP_BYTES: usize = 40;

impl<'o> Cells<'o> {
    pub(super) fn of(objects: &'o Objects) -> Self {
        let mut cells = Self {
            touches: Vec::with_capacity(objects.deeds.len()),
            starts: vec![0],
            initial: Vec::new(),
            states: Vec::new(),
            numbers: FxHashMap::default(),
            steps: FxHashMap::default(),
            bytes: 0,
        };
        let mut places: FxHashMap<(u32, Option<&Value>), u32> = FxHashMap::default();
        for deed in &objects.deeds {
            let initial = &objects.initial[deed.object as usize];
            if let Access::Registers(calls, seen) = &deed.access {
                for (register, access) in by_register(calls, seen.as_deref()) {
                    let cell = cells.cell(&mut places, (deed.object, Some(register)), initial);
                    cells.touches.push(Touch { cell, access: Cow::Owned(access) });
                }
            } else {
                let cell = cells.cell(&mut places, (deed.object, None), initial);
                cells.touches.push(Touch { cell, access: Cow::Borrowed(&deed.access) });
            }
            cells.starts.push(cells.touches.len() as u32);
        }
        cells
    }

    fn cell<'k>(
        &mut self,
        places: &mut FxHashMap<(u32, Option<&'k Value>), u32>,
        name: (u32, Option<&'k Value>),
        initial: &State,
    ) -> u32 {
        *places.entry(name).or_insert_with(|| {
            let state = self.number(initial.clone());
            self.initial.push(state);
            self.initial.len() as u32 - 1
        })
    }

    /// The cells that a deed touches, each with its state after it; `false` where the deed is not possible.
    pub(super) fn after(&mut self, deed: u32, states: &[u32], changes: &mut Vec<(u32, u32)>) -> bool {
        changes.clear();
        for touch in self.starts[deed as usize]..self.starts[deed as usize + 1] {
            let cell = self.touches[touch as usize].cell;
            let Some(after) = self.step(states[cell as usize], touch) else { return false };
            changes.push((cell, after));
        }
        true
    }

    fn step(&mut self, state: u32, touch: u32) -> Option<u32> {
        if let Some(&after) = self.steps.get(&(state, touch)) {
            return after;
        }
        let after = self.states[state as usize].step(&self.touches[touch as usize].access);
        let after = after.map(|after| self.number(after));
        self.bytes += STEP_BYTES;
        self.steps.insert((state, touch), after);
        after
    }

    fn number(&mut self, state: State) -> u32 {
        if let Some(&number) = self.numbers.get(&state) {
            return number;
        }
        let number = self.states.len() as u32;
        self.bytes += state.bytes() + STATE_BYTES;
        let state = Rc::new(state);
        self.states.push(Rc::clone(&state));
        self.numbers.insert(state, number);
        number
    }
}

/// A transaction register by register: what it does to one does not depend on another.
fn by_register<'o>(calls: &'o [MicroOperation], seen: Option<&[Value]>) -> Vec<(&'o Value, Access)> {
    let mut registers: Vec<(&Value, Vec<MicroOperation>, Vec<Value>)> = Vec::new();
    let mut replies = seen.unwrap_or_default().iter();
    for call in calls {
        let (MicroOperation::Read(register) | MicroOperation::Write(register, _)) = call;
        let at = registers.iter().position(|(other, ..)| *other == register);
        let at = at.unwrap_or_else(|| {
            registers.push((register, Vec::new(), Vec::new()));
            registers.len() - 1
        });
        registers[at].1.push(call.clone());
        if matches!(call, MicroOperation::Read(_)) {
            registers[at].2.extend(replies.next().cloned());
        }
    }
    let access =
        |(register, calls, replies)| (register, Access::Registers(calls, seen.is_some().then_some(replies)));
    registers.into_iter().map(access).collect()
}
