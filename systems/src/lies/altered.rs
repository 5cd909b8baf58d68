//! Answers that are altered: the lies about what was seen.

use histories::{Function, Key, Op, Value};

use super::liar::Liar;
use super::transactions::{Access, accesses, outer_reads, transaction};
use super::{Lie, LieKind};

impl Liar {
    /// What is answered in place of the truth; `None` where that is told.
    pub(super) fn lied_about(&mut self, asked: &Op, truth: &Value) -> Option<Value> {
        let lie = self.lie.filter(|lie| lie.kind.is_of_answers())?;
        if !lie.kind.functions().contains(&asked.function) {
            return None;
        }
        // What was refused is shown as soon as its key is read.
        if lie.kind != LieKind::UncommittedRead && !self.tempted(lie.rate) {
            return None;
        }
        match (&asked.function, &asked.key) {
            (Function::Txn, _) => self.about_transaction(lie, asked, truth),
            (Function::Generate, _) => self.memory.identifier(truth),
            (_, Some(key)) => self.about_key(lie, key, truth),
            (_, None) if lie.kind == LieKind::OffByOne => self.off_by_one(truth),
            (_, None) => None,
        }
    }

    fn about_key(&mut self, lie: Lie, key: &Key, truth: &Value) -> Option<Value> {
        match lie.kind {
            LieKind::StaleRead => self.memory.older(key, truth, lie.versions, &mut self.dice),
            LieKind::SwappedValue => self.memory.of_another(key, truth),
            LieKind::DroppedElement => self.without_an_element(truth),
            LieKind::OffByOne if self.memory.is_counter(key) => self.off_by_one(truth),
            _ => None,
        }
    }

    fn about_transaction(&mut self, lie: Lie, asked: &Op, truth: &Value) -> Option<Value> {
        let mut answered = accesses(&Op { value: truth.clone(), ..asked.clone() });
        let mut reads = outer_reads(&answered);
        if lie.kind != LieKind::StaleRead {
            self.dice.shuffle(&mut reads);
        }
        let mut changed = false;
        for place in reads {
            let Access { key, value, .. } = answered[place].clone();
            let lied = match lie.kind {
                LieKind::UncommittedRead => self.show_refused(&key, &value),
                _ => self.about_key(lie, &key, &value),
            };
            if let Some(lied) = lied {
                answered[place].value = lied;
                changed = true;
                // A stale transaction is stale as a whole; other lies are told of one read.
                if lie.kind != LieKind::StaleRead {
                    break;
                }
            }
        }
        changed.then(|| transaction(&answered).value)
    }

    fn show_refused(&mut self, key: &Key, truth: &Value) -> Option<Value> {
        let place = self.memory.refused.iter().position(|access| access.key == *key)?;
        let access = self.memory.refused.remove(place)?;
        if access.is_append() {
            let items = truth.as_list().unwrap_or_default().iter().cloned();
            return Some(Value::list(items.chain([access.value])));
        }
        Some(access.value)
    }

    fn without_an_element(&mut self, truth: &Value) -> Option<Value> {
        if let Some(items) = truth.as_list().filter(|items| !items.is_empty()) {
            let left_out = self.dice.below(items.len() as u64) as usize;
            let rest = items.iter().enumerate().filter(|(place, _)| *place != left_out);
            return Some(Value::list(rest.map(|(_, item)| item.clone())));
        }
        let entries = truth.as_map().filter(|entries| !entries.is_empty())?;
        let left_out = self.dice.below(entries.len() as u64) as usize;
        let rest = entries.iter().enumerate().filter(|(place, _)| *place != left_out);
        Some(Value::map(rest.map(|(_, (name, value))| (name.clone(), value.clone()))))
    }

    /// One more or one less, of a number or of one entry.
    fn off_by_one(&mut self, truth: &Value) -> Option<Value> {
        let by = if self.dice.chance(1, 2) { 1 } else { -1 };
        if let Some(number) = truth.as_int() {
            return Some(Value::Int(number.saturating_add(by)));
        }
        let entries = truth.as_map().filter(|entries| !entries.is_empty())?;
        let chosen = self.dice.below(entries.len() as u64) as usize;
        let entries = entries.iter().enumerate().map(|(place, (name, value))| {
            let number = value.as_int().filter(|_| place == chosen);
            let value = number.map_or_else(|| value.clone(), |number| Value::Int(number.saturating_add(by)));
            (name.clone(), value)
        });
        Some(Value::map(entries))
    }
}
