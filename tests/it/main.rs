//! One integration-test binary over the whole workspace.

mod command;
mod docs;
mod hostile;
mod live;
mod tidy;
