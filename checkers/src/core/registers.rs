//! A history's registers as dense integers: one table of accesses for each key.
//!
//! It never decides anything; it only says where a key's operations are not those of a register.

use histories::{Function, History, KeyId, Operation, OperationId, Outcome, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use super::interner::Interner;
use crate::{Budget, Exhausted};

pub(crate) use super::interner::INITIAL;
/// No row, no value.
pub(crate) use crate::graph::NONE;

/// When the initial value was written.
pub(crate) const BEFORE_ALL: i64 = i64::MIN / 4;
/// When an operation of unknown outcome returns.
pub(crate) const NEVER: i64 = i64::MAX / 4;

/// What an access does to its register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    Cas,
}

/// An operation that happened, or may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) call: i64,
    /// [`NEVER`] where the outcome is unknown.
    pub(crate) ret: i64,
    pub(crate) operation: OperationId,
    /// What was read or written.
    pub(crate) value: u32,
    /// What a compare-and-set replaced, [`NONE`] elsewhere.
    pub(crate) from: u32,
    pub(crate) access: Access,
}

/// When a value was in force: the first completion and the last invocation among its write and its reads, with
/// the rows that attain them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zone {
    pub(crate) first_return: i64,
    pub(crate) last_call: i64,
    pub(crate) first_row: u32,
    pub(crate) last_row: u32,
}

impl Zone {
    pub(crate) const EMPTY: Self =
        Self { first_return: NEVER, last_call: BEFORE_ALL, first_row: NONE, last_row: NONE };
    const INITIAL: Self =
        Self { first_return: BEFORE_ALL, last_call: BEFORE_ALL, first_row: NONE, last_row: NONE };

    fn absorb(&mut self, row: &Row, index: u32) {
        if row.ret < self.first_return {
            (self.first_return, self.first_row) = (row.ret, index);
        }
        if row.call > self.last_call || self.last_row == NONE {
            (self.last_call, self.last_row) = (row.call, index);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if other.first_return < self.first_return {
            (self.first_return, self.first_row) = (other.first_return, other.first_row);
        }
        if other.last_call > self.last_call {
            (self.last_call, self.last_row) = (other.last_call, other.last_row);
        }
    }
}

/// The accesses of one key in the order of their invocations.
#[derive(Debug)]
pub(crate) struct Register {
    pub(crate) key: Option<KeyId>,
    pub(crate) rows: Vec<Row>,
    /// By value id, the row that wrote it.
    pub(crate) writers: Vec<u32>,
    /// By value id.
    pub(crate) zones: Vec<Zone>,
    /// Writes that certainly did not happen, by value id.
    pub(crate) failed: FxHashMap<u32, OperationId>,
    pub(crate) reads: u64,
    pub(crate) has_cas: bool,
    pub(crate) has_ok: bool,
    /// Whether what stands for compare-and-sets are appends, which keep what was there.
    pub(crate) grows: bool,
    /// Operations that saw a value which more than one write may have left.
    pub(crate) uncertain: Option<Uncertain>,
}

/// Operations of which it is not certain whose write they saw: a read among them says nothing, a compare-and-set is a
/// write. That takes constraints away and adds none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uncertain {
    pub(crate) operations: u64,
    pub(crate) first: OperationId,
}

impl Register {
    /// Without accesses; only the initial value is known.
    pub(crate) fn new(key: Option<KeyId>, count: usize) -> Self {
        Self {
            key,
            rows: Vec::with_capacity(count),
            writers: vec![NONE],
            zones: vec![Zone::INITIAL],
            failed: FxHashMap::default(),
            reads: 0,
            has_cas: false,
            has_ok: false,
            grows: false,
            uncertain: None,
        }
    }

    /// Of operations that are all a register's. Errs where a value is written more than once.
    pub(crate) fn compile(
        history: &History,
        key: Option<KeyId>,
        operations: &[OperationId],
        budget: &Budget,
    ) -> Result<Self, Beyond> {
        Table::new(key, operations.len()).fill(history, operations, budget).map(|table| table.register)
    }

    /// The same with what is certain alone, where a value is written more than once.
    pub(crate) fn compile_certain(
        history: &History,
        key: Option<KeyId>,
        operations: &[OperationId],
        budget: &Budget,
    ) -> Result<Self, Beyond> {
        let table = Table { repeated: Some(FxHashSet::default()), ..Table::new(key, operations.len()) };
        table.fill(history, operations, budget).map(Table::certain)
    }

    /// Makes room for the values up to this one.
    pub(crate) fn know(&mut self, value: u32) {
        if value as usize >= self.writers.len() {
            self.writers.resize(value as usize + 1, NONE);
            self.zones.resize(value as usize + 1, Zone::EMPTY);
        }
    }

    /// Adds an access to a value that is known.
    pub(crate) fn push(&mut self, row: Row) {
        let index = self.rows.len() as u32;
        self.zones[row.value as usize].absorb(&row, index);
        match row.access {
            Access::Read => self.reads += 1,
            Access::Write | Access::Cas => self.writers[row.value as usize] = index,
        }
        self.has_cas |= row.access == Access::Cas;
        self.rows.push(row);
    }
}

/// Why a key is beyond the rules for registers with unique values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Beyond {
    Repeats(Value),
    Malformed(OperationId),
    Mixed(String),
    Exhausted,
}

/// The operations of one key, still as they stand in the history.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) key: Option<KeyId>,
    operations: Vec<OperationId>,
    writes: bool,
    /// Another data type's operation on the same key.
    foreign: Option<String>,
}

/// All registers of a history.
#[derive(Debug)]
pub(crate) struct Registers {
    pub(crate) groups: Vec<Group>,
}

impl Registers {
    pub(crate) fn of(history: &History) -> Self {
        let mut groups: Vec<Group> = history.keys().map(|(key, _)| Group::of(Some(key))).collect();
        groups.push(Group::default());
        let keyless = groups.len() - 1;
        let mut anywhere: Option<String> = None;
        for (id, op) in history.iter() {
            let group = &mut groups[op.key.map_or(keyless, KeyId::index)];
            match &op.function {
                Function::Read => group.operations.push(id),
                Function::Write | Function::Cas => {
                    group.writes = true;
                    group.operations.push(id);
                }
                Function::Dump | Function::ReadAll => {}
                other => {
                    group.foreign = Some(other.name().to_owned());
                    if op.key.is_none() {
                        anywhere.clone_from(&group.foreign);
                    }
                }
            }
        }
        groups.retain(|group| !group.operations.is_empty() && (group.writes || group.foreign.is_none()));
        for group in &mut groups {
            group.foreign = group.foreign.take().or_else(|| anywhere.clone());
        }
        Self { groups }
    }
}

impl Group {
    fn of(key: Option<KeyId>) -> Self {
        Self { key, ..Self::default() }
    }

    pub(crate) fn compile(&self, history: &History, budget: &Budget) -> Result<Register, Beyond> {
        self.fits()?;
        Register::compile(history, self.key, &self.operations, budget)
    }

    /// See [`Register::compile_certain`].
    pub(crate) fn compile_certain(&self, history: &History, budget: &Budget) -> Result<Register, Beyond> {
        self.fits()?;
        Register::compile_certain(history, self.key, &self.operations, budget)
    }

    fn fits(&self) -> Result<(), Beyond> {
        self.foreign.as_ref().map_or(Ok(()), |other| Err(Beyond::Mixed(other.clone())))
    }
}

struct Table {
    register: Register,
    interner: Interner,
    /// Values that are written more than once, where that is to be tolerated.
    repeated: Option<FxHashSet<u32>>,
}

impl Table {
    fn new(key: Option<KeyId>, count: usize) -> Self {
        Self { register: Register::new(key, count), interner: Interner::new(count), repeated: None }
    }

    fn fill(
        mut self,
        history: &History,
        operations: &[OperationId],
        budget: &Budget,
    ) -> Result<Self, Beyond> {
        for (i, &id) in operations.iter().enumerate() {
            if i % 65_536 == 0 {
                budget.check().map_err(|Exhausted| Beyond::Exhausted)?;
            }
            self.add(id, history.operation(id))?;
        }
        Ok(self)
    }

    /// Without what saw a value that is written more than once.
    fn certain(self) -> Register {
        let Self { register: all, repeated, .. } = self;
        let repeated = repeated.unwrap_or_default();
        if repeated.is_empty() {
            return all;
        }
        let mut register = Register {
            failed: all.failed,
            has_ok: all.has_ok,
            writers: vec![NONE; all.writers.len()],
            zones: vec![Zone::EMPTY; all.zones.len()],
            ..Register::new(all.key, all.rows.len())
        };
        register.zones[INITIAL as usize] = Zone::INITIAL;
        for mut row in all.rows {
            let seen = if row.access == Access::Read { row.value } else { row.from };
            if repeated.contains(&seen) {
                let new = Uncertain { operations: 0, first: row.operation };
                register.uncertain.get_or_insert(new).operations += 1;
                if row.access == Access::Read {
                    continue;
                }
                (row.access, row.from) = (Access::Write, NONE);
            }
            register.push(row);
        }
        register
    }

    fn add(&mut self, id: OperationId, op: &Operation) -> Result<(), Beyond> {
        self.register.has_ok |= op.is_ok();
        match op.function {
            Function::Read if op.is_ok() => self.read(id, op),
            Function::Write => self.write(id, op, op.call(), NONE, Access::Write)?,
            Function::Cas => {
                let (from, to) = op.call().as_pair().ok_or(Beyond::Malformed(id))?;
                if op.seen().is_some() {
                    self.read(id, op);
                }
                let from = self.value(from);
                self.write(id, op, to, from, Access::Cas)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn read(&mut self, id: OperationId, op: &Operation) {
        let value = self.value(op.reply());
        self.register.push(Row { access: Access::Read, ..row(id, op, value) });
    }

    fn write(
        &mut self,
        id: OperationId,
        op: &Operation,
        to: &Value,
        from: u32,
        access: Access,
    ) -> Result<(), Beyond> {
        let mut value = self.value(to);
        if op.outcome == Outcome::Fail {
            self.register.failed.entry(value).or_insert(id);
            return Ok(());
        }
        if value == INITIAL || self.register.writers[value as usize] != NONE {
            let repeated = self.repeated.as_mut().ok_or_else(|| Beyond::Repeats(to.clone()))?;
            repeated.insert(value);
            value = self.interner.fresh();
            self.register.know(value);
        }
        self.register.push(Row { from, access, ..row(id, op, value) });
        Ok(())
    }

    fn value(&mut self, value: &Value) -> u32 {
        let id = self.interner.id(value);
        self.register.know(id);
        id
    }
}

fn row(operation: OperationId, op: &Operation, value: u32) -> Row {
    let ret = if op.outcome == Outcome::Info { NEVER } else { time(op.completed.0) };
    Row { call: time(op.invoked.0), ret, operation, value, from: NONE, access: Access::Write }
}

pub(crate) fn time(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(NEVER).min(NEVER)
}
