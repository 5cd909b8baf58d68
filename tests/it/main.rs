//! One integration-test binary over the whole workspace.

mod command;
mod live;
mod tidy;
