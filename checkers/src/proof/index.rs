//! The operations of a history by key: looked up once for all of its proofs.

use histories::{Function, History, KeyId, OperationId};

/// What a key holds, as far as it matters where its contents come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds {
    /// Elements that are added one by one, and read together.
    pub(super) elements: bool,
    /// Pieces that are appended to what is there.
    pub(super) appended: bool,
    /// A number that changes by amounts: no operation puts it there.
    pub(super) counted: bool,
}

#[derive(Debug)]
pub(super) struct Index {
    /// By key, and last those of no key; each in the order of their invocations.
    by_key: Vec<Vec<OperationId>>,
}

impl Index {
    pub(super) fn of(history: &History) -> Self {
        let mut by_key = vec![Vec::new(); history.keys().len() + 1];
        let keyless = by_key.len() - 1;
        for (id, op) in history.iter() {
            by_key[op.key.map_or(keyless, KeyId::index)].push(id);
        }
        Self { by_key }
    }

    pub(super) fn on(&self, key: Option<KeyId>) -> &[OperationId] {
        &self.by_key[key.map_or(self.by_key.len() - 1, KeyId::index)]
    }

    pub(super) fn holds(&self, history: &History, key: Option<KeyId>) -> Holds {
        let mut holds = Holds::default();
        for &id in self.on(key) {
            let op = history.operation(id);
            match op.function {
                Function::Add | Function::Remove => holds.elements = true,
                Function::Append => holds.appended = true,
                Function::Increment | Function::Decrement => holds.counted = true,
                Function::Read => holds.counted |= holds.elements && op.reply().as_int().is_some(),
                _ => {}
            }
        }
        holds
    }
}
