//! Few operations of a history as a history of their own: are they enough to show what the whole shows?
//!
//! It keeps no hints, errors, lines or faults, on which no verdict rests.

use super::whole::Whole;
use crate::compact::HintTable;
use crate::{Hints, History, KeyId, Operation};

/// Makes histories of some operations of one history.
#[derive(Debug)]
pub struct Excerpts<'h> {
    history: &'h History,
    /// What every excerpt has in common with the whole: a history without operations.
    frame: History,
}

impl History {
    /// Looks at the whole once, so that each excerpt costs only what it holds.
    pub fn excerpts(&self) -> Excerpts<'_> {
        let frame = Self {
            header: self.header.clone(),
            nodes: self.nodes.clone(),
            events: self.events,
            format: self.format,
            beginning: self.beginning.clone(),
            told: self.told.clone(),
            whole: Some(self.whole.clone().unwrap_or_else(|| Box::new(Whole::of(self)))),
            timing: self.timing,
            ..Self::default()
        };
        Excerpts { history: self, frame }
    }
}

impl Excerpts<'_> {
    /// A history of these operations alone, which come in the order of their invocations, each as it is in the whole or
    /// saying something else. Operations and keys are numbered anew.
    pub fn of(&self, operations: impl IntoIterator<Item = Operation>) -> History {
        let mut excerpt = self.frame.clone();
        let no_hints = HintTable::default().encode(0, Hints::NONE);
        for mut operation in operations {
            if let Some(key) = operation.key {
                let key = self.history.key(key).clone();
                operation.key = Some(KeyId::new(excerpt.keys.insert_full(key).0 as u32));
            }
            (operation.hint_version, operation.hint_source) = (no_hints.version, no_hints.source);
            excerpt.operations.push(operation);
        }
        excerpt
    }
}
