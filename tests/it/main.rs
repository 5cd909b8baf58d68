//! One integration-test binary over the whole workspace.

mod browser;
mod bugs;
mod calibrate;
mod command;
mod conformance;
mod databases;
mod delivery;
mod docs;
mod endpoints;
mod extending;
mod faults;
mod golden;
mod hostile;
mod live;
mod own;
mod page;
mod probe;
mod refusals;
mod replay;
mod schemas;
mod screens;
mod serve;
mod shrink;
mod tidy;
mod tls;
