//! Workloads: what clients do in a run, and which models its history can decide.

mod bank;
mod conflicts;
mod epilogue;
mod lock;
mod log;
mod micros;
mod pool;
mod register;
mod set;
mod siblings;
#[cfg(test)]
mod testing;
mod tuning;
mod txn;
mod typed;
mod unique_ids;

use std::collections::BTreeSet;
use std::sync::OnceLock;

pub use epilogue::final_reads;
use histories::{Function, ModelName};
use systems::Steps;
pub use tuning::Tuning;

use crate::load::generator::Generator;

/// What a workload needs to know of the run.
#[derive(Clone, Debug)]
pub struct Shape {
    pub threads: u32,
    pub nodes: u16,
    /// Operations a second that the run is going to issue, to size keys by.
    pub rate: Option<f64>,
    /// On how many nodes each key is kept; on all where it is not said.
    pub copies: Option<u16>,
    /// Keys in use at a time; as many as the workload likes where `None`.
    pub keys: Option<u16>,
    /// There is one object: one key is in use, as long as the run lasts.
    pub one_object: bool,
    /// Values are counted from here, so that no two generators of a run write the same.
    pub first_value: i64,
    /// What else the run says of its workload.
    pub tuning: Tuning,
    /// Operations of the mix that the system does not support in this mode; the workload leaves them out.
    pub unsupported: BTreeSet<Function>,
}

impl Shape {
    pub fn supports(&self, function: &Function) -> bool {
        !self.unsupported.contains(function)
    }

    /// Keys in use at a time, where a workload likes so many.
    pub fn keys_or(&self, liked: usize) -> usize {
        if self.one_object { 1 } else { self.keys.map_or(liked, usize::from) }
    }

    /// Operations after which another key takes a key's place, where a workload likes so many.
    pub fn operations_or(&self, liked: u64) -> u64 {
        if self.one_object { u64::MAX } else { liked }
    }
}

/// A kind of test.
pub trait Workload: Send + Sync {
    fn name(&self) -> &'static str;
    /// One line for a person.
    fn about(&self) -> &'static str;
    /// The operations that it issues while faults are in force, where the system supports them.
    fn mix(&self) -> Vec<Function>;
    /// Never ends by itself.
    fn generator(&self, shape: &Shape) -> Box<dyn Generator>;
    /// What is read back once the faults are healed: dumps of every node until they agree, and every key from every
    /// node.
    fn epilogue(&self, shape: &Shape, keys: Vec<histories::Key>) -> Box<dyn Generator>;
    /// Part of a comparison that names no workloads.
    fn by_default(&self) -> bool {
        true
    }
    /// What the steps of its transactions do, where its operations are transactions: then it is run with the modes that
    /// are made for them.
    fn transactions(&self) -> Option<Steps> {
        None
    }
    /// What its histories decide.
    fn models(&self) -> &'static [ModelName];
}

const ALL: &[&dyn Workload] = &[
    &register::Register,
    &set::Set,
    &typed::COUNTER,
    &typed::OR_SET,
    &typed::CART,
    &typed::LIST,
    &siblings::Siblings,
    &lock::Lock,
    &log::Log,
    &unique_ids::UniqueIds,
    &txn::LISTS,
    &txn::REGISTERS,
    &bank::Bank,
    &conflicts::WRITE_SKEW,
    &conflicts::LOST_UPDATE,
    &conflicts::LONG_FORK,
];

/// Those that this program brings along beside ours, told once when it starts.
static OWN: OnceLock<Vec<Box<dyn Workload>>> = OnceLock::new();

/// To be called once, before anything is planned.
pub(crate) fn add(own: Vec<Box<dyn Workload>>) {
    OWN.get_or_init(|| own);
}

pub fn all() -> impl Iterator<Item = &'static dyn Workload> {
    ALL.iter().copied().chain(OWN.get().into_iter().flatten().map(Box::as_ref))
}

pub fn names() -> Vec<&'static str> {
    all().map(Workload::name).collect()
}

pub fn by_name(name: &str) -> Option<&'static dyn Workload> {
    all().find(|workload| workload.name() == name)
}
