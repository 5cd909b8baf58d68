//! The commands: each one function from its arguments to an exit.
//!
//! Results go to standard output, everything else to standard error.

mod apart;
pub(crate) mod calibrate;
pub(crate) mod check;
pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod dispatch;
mod doctor;
pub(crate) mod explain;
mod files;
pub(crate) mod hunt;
mod keys;
mod line;
pub(crate) mod list;
mod pictures;
mod place;
pub(crate) mod probe;
mod refusal;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod selftest;
pub(crate) mod serve;
mod session;
pub(crate) mod shrink;
pub(crate) mod stats;
pub(crate) mod synth;
pub(crate) mod tradeoffs;
pub(crate) mod verify;

pub(crate) use session::Session;
