//! Faults as pure, seeded schedules of actions, and the means to carry them out.
//!
//! No fault names a database: a fault sees a [`View`] and asks for [`Effect`]s; whoever is tested is a [`Target`].

mod action;
pub mod backends;
mod dice;
mod fault;
mod faults;
mod layout;
mod powers;
mod schedule;
mod target;
mod view;

pub use action::{Action, ClockChange, DiskChange, Effect, FaultId, LinkChange};
pub use dice::Dice;
pub use fault::{Fault, Plan, Step};
pub use faults::{FaultKind, FaultSpec, FaultSyntaxError, ScriptedFault};
pub use layout::Layout;
pub use powers::{Power, Powers};
pub use schedule::Schedule;
pub use target::{BoxFuture, ControlError, Target};
pub use view::View;
