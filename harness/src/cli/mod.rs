//! What a command line says: arguments, configuration, quantities, colours and exit codes.
//!
//! Gives no default to a run and starts nothing.

pub(crate) mod bounds;
pub(crate) mod config;
pub(crate) mod exit;
pub(crate) mod failure;
pub(crate) mod flags;
pub(crate) mod layout;
pub(crate) mod names;
pub(crate) mod net;
pub(crate) mod options;
pub(crate) mod output;
pub(crate) mod paint;
pub(crate) mod quantity;
pub(crate) mod reading;
pub(crate) mod stage;
