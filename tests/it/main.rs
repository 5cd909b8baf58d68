//! One integration-test binary over the whole workspace.

mod bugs;
mod command;
mod conformance;
mod databases;
mod delivery;
mod docs;
mod extending;
mod golden;
mod hostile;
mod live;
mod own;
mod probe;
mod replay;
mod shrink;
mod tidy;
