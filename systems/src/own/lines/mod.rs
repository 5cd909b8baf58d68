//! A client in any language: a child process that speaks JSON Lines on its standard streams.

mod child;
mod client;
mod ledger;
mod message;

pub(crate) use child::{Child, Verb, Verbs};
pub(crate) use client::LinesClient;
pub(crate) use ledger::quoted;
pub(crate) use message::{Request, has_answer};
