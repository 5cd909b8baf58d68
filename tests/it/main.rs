//! One integration-test binary over the whole workspace.

mod command;
mod docs;
mod live;
mod tidy;
