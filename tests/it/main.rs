//! One integration-test binary over the whole workspace.

mod bugs;
mod command;
mod docs;
mod hostile;
mod live;
mod tidy;
