//! One integration-test binary over the whole workspace.

mod tidy;
