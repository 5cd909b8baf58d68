//! Keys as dense integers, and what they are called.
//!
//! It never looks at an order; it decodes again only to quote a value.

use std::borrow::Cow;

use histories::{History, Key, KeyId, OperationId, Value, brief_name};

use super::accesses::{self, Access, Target};
use super::interner::Interner;
use crate::graph::NONE;

/// What the keys of columns are called.
#[derive(Debug)]
pub(crate) struct Names<'h> {
    pub(crate) history: &'h History,
    /// Those that only transactions name.
    named: Vec<Cow<'h, Value>>,
}

impl<'h> Names<'h> {
    pub(crate) fn key_id(&self, key: u32) -> Option<KeyId> {
        ((key as usize) < self.history.keys().len()).then_some(KeyId::new(key))
    }

    pub(crate) fn key(&self, key: u32) -> String {
        let own = self.history.keys().len();
        let target = match (key as usize).checked_sub(own + 1) {
            Some(named) => Target::Named(Cow::Borrowed(&*self.named[named])),
            None => Target::Own(self.key_id(key)),
        };
        target.text(self.history)
    }

    /// The same for people: of a long one the beginning and the end.
    pub(crate) fn name(&self, key: u32) -> String {
        brief_name(&self.key(key))
    }

    /// What an operation wrote to a key last, or read of it first.
    pub(crate) fn value(&self, operation: OperationId, key: u32, access: Access) -> Option<Cow<'h, Value>> {
        let key = self.key(key);
        let mut found = None;
        accesses::each(self.history.operation(operation), |kind, target, value| {
            let fits = kind == access && (access == Access::Write || found.is_none());
            if fits && target.text(self.history) == key {
                found = Some(value);
            }
        })
        .ok()?;
        found
    }
}

/// Whether a key's whole collection was read, or written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) read: bool,
    pub(crate) written: bool,
}

/// Keys to dense ids: the history's own first, then that of a system without keys, then others that
/// transactions name.
pub(crate) struct Keys<'h> {
    history: &'h History,
    names: Interner,
    by_name: Vec<u32>,
    named: Vec<Cow<'h, Value>>,
    /// By key, whether whole collections were read or written.
    pub(crate) shapes: Vec<Shape>,
    /// Which are of other data types.
    pub(crate) foreign: Vec<bool>,
}

impl<'h> Keys<'h> {
    pub(crate) fn new(history: &'h History, count: usize) -> Self {
        let own = history.keys().len();
        Self {
            history,
            names: Interner::new(count),
            by_name: Vec::new(),
            named: Vec::new(),
            shapes: vec![Shape::default(); own + 1],
            foreign: vec![false; own + 1],
        }
    }

    pub(crate) fn id(&mut self, target: Target<'h>) -> u32 {
        match target {
            Target::Own(Some(key)) => key.place(),
            Target::Own(None) => self.history.keys().len() as u32,
            Target::Named(name) => {
                let index = self.names.id(&name) as usize;
                if index >= self.by_name.len() {
                    self.by_name.resize(index + 1, NONE);
                }
                if self.by_name[index] == NONE {
                    self.by_name[index] = self.add(name);
                }
                self.by_name[index]
            }
        }
    }

    fn add(&mut self, name: Cow<'h, Value>) -> u32 {
        let target = Target::Named(name);
        if let Some(key) = self.history.key_id(&Key::from(target.text(self.history))) {
            return key.place();
        }
        if let Target::Named(name) = target {
            self.named.push(name);
        }
        self.shapes.push(Shape::default());
        self.foreign.push(false);
        self.foreign.len() as u32 - 1
    }

    pub(crate) fn into_names(self) -> Names<'h> {
        Names { history: self.history, named: self.named }
    }
}
