//! A database that is spoken to over HTTP, as a file says.

pub(crate) mod answer;
mod client;
pub(crate) mod exchange;
pub(crate) mod path;

use std::collections::BTreeMap;

use histories::Function;

pub(crate) use client::{Asker, HttpClient, Identity, Login, Tls};
use exchange::Exchange;
pub(crate) use exchange::undecided;

/// How each operation is carried out, and as whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Operations {
    pub(crate) identity: Identity,
    pub(crate) exchanges: BTreeMap<Function, Exchange>,
}

impl Operations {
    fn get(&self, function: &Function) -> Option<&Exchange> {
        self.exchanges.get(function)
    }

    pub(crate) fn supports(&self, function: &Function) -> bool {
        self.exchanges.contains_key(function)
    }
}
