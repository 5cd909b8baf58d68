//! What clients do: generators of operations, workloads made of them, and operations at fixed times.

pub mod generator;
pub mod script;
pub mod workloads;
