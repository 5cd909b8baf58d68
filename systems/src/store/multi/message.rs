//! What members say to each other. Only shapes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::state::State;
use super::transfer::Holding;
use crate::store::{VersionVector, single};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// Within a group; between datacentres only a request that is handed on to a key's home, and its answer.
    Group(single::Message<State>),
    /// A datacentre's leader, to everyone elsewhere.
    Hello(Hello),
    /// From leader to leader.
    Ship(Vec<Arc<Change>>),
    /// The same where changes that the receiver lacks are not kept any more.
    Holding(Box<Holding>),
    /// The sender has this: what does it lack?
    Ask(VersionVector),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub term: u64,
    /// What the datacentre has applied: from here on it is to be sent more.
    pub has: VersionVector,
    /// The datacentres that its leader hears.
    pub hears: Vec<u16>,
}
