//! What clients saw: events, operations, and the files that hold them.
//!
//! This crate never judges a history and knows nothing of how it came about.
//!
//! An [`Event`] is one line of a file. An [`Operation`] is an invocation paired with its completion, if it
//! ever had one. A [`History`] is a whole file, paired and interned, ready for a checker.

mod answers;
mod compact;
mod diagnostic;
pub mod dumps;
mod event;
mod header;
mod held;
mod history;
mod micros;
mod model;
mod name;
mod nearest;
mod nemesis_event;
mod node;
mod numbers;
mod op;
mod operation;
mod order;
mod packed;
mod pairing;
mod printable;
mod raw;
pub mod read;
mod record;
mod sequence;
pub mod stats;
pub mod synth;
mod tape;
mod time;
mod typed_in;
mod value;
pub mod view;
pub mod write;

pub use diagnostic::Diagnostic;
pub use event::{Event, Hints, Kind, Process};
pub use header::{Accounts, Conflict, Header};
pub use history::{History, KeyId, LineMap, OperationId, Spot};
pub use micros::{Micro, Micros};
pub use model::{AnomalyKind, ModelName, UnknownModel};
pub use name::{Name, TooManyNames};
pub use nearest::nearest;
pub use nemesis_event::{Applied, FaultStep, FaultWindow, NemesisEvent};
pub use node::Node;
pub use op::{Function, Key, Op};
pub use operation::{Operation, Outcome};
pub use pairing::Pairing;
pub use printable::{brief_name, printable, printable_lines};
pub use record::{Clock, Draft, RecordError, Recorder};
pub use sequence::{Order, Timing};
pub use tape::Tape;
pub use time::Nanos;
pub use typed_in::duration;
pub use value::{NoMicro, Value};
