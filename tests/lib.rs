//! One integration-test binary over the whole workspace, in `it/`.
