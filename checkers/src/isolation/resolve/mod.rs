//! From a draft to columns: which transactions count, who wrote what was read, and what is wrong whatever the order is.

mod lists;

use histories::{History, OperationId};
use rustc_hash::{FxHashMap, FxHashSet};

use super::columns::Columns;
use super::draft::{Draft, KeyKind, Step, Untold};
use super::flaws::{Flaw, FlawKind};
use crate::graph::NONE;

/// A read of a value that several transactions wrote to the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ambiguous {
    pub(super) transaction: u32,
    pub(super) key: u32,
    pub(super) value: u32,
}

/// Everything that the levels are decided from.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) columns: Columns,
    pub(super) flaws: Vec<Flaw>,
    /// Reads whose writer is not known. They are not among the columns' reads.
    pub(super) ambiguous: Vec<Ambiguous>,
    /// Lists to which an element was appended twice: nothing is said of them.
    pub(super) left_out: Vec<u32>,
    /// The same, and the values of the ambiguous reads, to look them up.
    pub(super) untold: Untold,
    /// By version, the value that it left: a register's, or the last element of a list's.
    pub(super) values: Vec<u32>,
}

/// A write of a value, by the first transaction that made it.
#[derive(Clone, Copy, Debug)]
struct Source {
    transaction: u32,
    /// Whether the transaction wrote nothing else to the key afterwards.
    last: bool,
    /// Whether another transaction wrote the value, too.
    repeated: bool,
}

impl Source {
    const NONE: Self = Self { transaction: NONE, last: false, repeated: false };
}

pub(super) fn resolve(history: &History, draft: &Draft<'_>) -> Resolved {
    let mut resolver = Resolver::new(draft);
    resolver.find_sources();
    resolver.keep_observed();
    resolver.install(history);
    resolver.order_lists();
    for t in 0..draft.count() {
        if resolver.number[t as usize] != NONE && !draft.indefinite[t as usize] {
            resolver.read(t);
        }
    }
    resolver.finish()
}

struct Resolver<'d, 'h> {
    draft: &'d Draft<'h>,
    /// By value.
    sources: Vec<Source>,
    left_out: FxHashSet<u32>,
    kept: Vec<bool>,
    /// By the draft's transaction, the columns'; [`NONE`] for what did not happen.
    number: Vec<u32>,
    /// By value of a list, its place in the longest.
    places: Vec<u32>,
    /// By key and length of a list, the version that it shows: that of its last element whose writer committed.
    shown: Vec<Vec<u32>>,
    /// By version, whether another is known to come right before it.
    preceded: Vec<bool>,
    /// By key, where its list first shows an element that no transaction appended; `u32::MAX` if it never does.
    first_garbage: Vec<u32>,
    /// By key, where its list first shows an element once more; `u32::MAX` if it never does.
    first_twice: Vec<u32>,
    resolved: Resolved,
    reads: Vec<(u32, u32)>,
}

impl<'d, 'h> Resolver<'d, 'h> {
    fn new(draft: &'d Draft<'h>) -> Self {
        let (keys, values) = (draft.names.len(), draft.values.count());
        Self {
            draft,
            sources: vec![Source::NONE; values],
            left_out: draft.dirty_lists(),
            kept: Vec::new(),
            number: Vec::new(),
            places: vec![NONE; values],
            shown: vec![Vec::new(); keys],
            preceded: Vec::new(),
            first_garbage: vec![u32::MAX; keys],
            first_twice: vec![u32::MAX; keys],
            resolved: Resolved::default(),
            reads: Vec::new(),
        }
    }

    /// Who wrote each value.
    fn find_sources(&mut self) {
        for t in 0..self.draft.count() {
            let steps = self.draft.steps(t);
            for (place, &step) in steps.iter().enumerate() {
                let (Step::Write { key, value } | Step::Append { key, value }) = step else { continue };
                let overwrites = |later: &Step| match *later {
                    Step::Write { key: other, value: new } | Step::Append { key: other, value: new } => {
                        other == key && new != value
                    }
                    _ => false,
                };
                let source = &mut self.sources[value as usize];
                let again = source.transaction != NONE;
                if again && matches!(step, Step::Append { .. }) {
                    self.left_out.insert(key);
                }
                source.repeated |= again && source.transaction != t;
                source.last |= !steps[place + 1..].iter().any(overwrites);
                if !again {
                    source.transaction = t;
                }
            }
        }
    }

    /// Transactions whose clients never learned the outcome count where a read shows what they wrote. What no read
    /// shows can be placed behind everything else, so that leaving it out changes nothing.
    fn keep_observed(&mut self) {
        self.kept = self.draft.indefinite.iter().map(|&indefinite| !indefinite).collect();
        let observe = |kept: &mut Vec<bool>, source: Source| {
            if source.transaction != NONE {
                kept[source.transaction as usize] = true;
            }
        };
        let definite = |t: &u32| !self.draft.indefinite[*t as usize];
        for t in (0..self.draft.count()).filter(definite) {
            for &step in self.draft.steps(t) {
                if let Step::Read { value, .. } | Step::ReadOther { value, .. } = step
                    && value != NONE
                {
                    observe(&mut self.kept, self.sources[value as usize]);
                }
            }
        }
        for &element in self.draft.longest.iter().flatten() {
            observe(&mut self.kept, self.sources[element as usize]);
        }
        // Any of the writers of a repeated value may be the one that was read.
        for t in 0..self.draft.count() {
            let repeats = |step: &Step| match *step {
                Step::Write { value, .. } => self.sources[value as usize].repeated,
                _ => false,
            };
            self.kept[t as usize] |= self.draft.steps(t).iter().any(repeats);
        }
    }

    /// Numbers the transactions that count and the versions that they installed.
    fn install(&mut self, history: &History) {
        let draft = self.draft;
        let columns = &mut self.resolved.columns;
        columns.keys = draft.names.len() as u32;
        columns.key = (0..columns.keys).collect();
        columns.writer = vec![NONE; columns.keys as usize];
        self.resolved.values = vec![NONE; columns.keys as usize];
        self.number = vec![NONE; draft.operations.len()];
        let mut sessions: FxHashMap<u32, (u32, u32)> = FxHashMap::default();
        let mut last = vec![NONE; columns.keys as usize];
        for t in (0..draft.count()).filter(|&t| self.kept[t as usize]) {
            let number = columns.count();
            self.number[t as usize] = number;
            let (id, indefinite) = (draft.operations[t as usize], draft.indefinite[t as usize]);
            let fresh = sessions.len() as u32;
            let session = sessions.entry(history.operation(id).process).or_insert((fresh, NONE));
            columns.push(history, id, indefinite, session.0, session.1);
            if !indefinite {
                session.1 = number;
            }
            columns.installs.push(columns.key.len() as u32);
            for &step in draft.steps(t) {
                let (Step::Write { key, value } | Step::Append { key, value }) = step else { continue };
                if self.left_out.contains(&key) {
                    continue;
                }
                if last[key as usize] == NONE || last[key as usize] < columns.installs[number as usize] {
                    last[key as usize] = columns.key.len() as u32;
                    columns.key.push(key);
                    columns.writer.push(number);
                    self.resolved.values.push(value);
                } else {
                    self.resolved.values[last[key as usize] as usize] = value;
                }
            }
        }
        columns.installs.push(columns.key.len() as u32);
        columns.next = vec![NONE; columns.key.len()];
        columns.replaced = columns.next.clone();
        self.preceded = vec![false; columns.key.len()];
    }

    fn flaw(
        &mut self,
        kind: FlawKind,
        key: u32,
        value: u32,
        operation: OperationId,
        other: Option<OperationId>,
    ) {
        let other = other.filter(|&other| other != operation);
        self.resolved.flaws.push(Flaw { kind, key, value, operation, other });
    }

    /// What a transaction read, step by step.
    fn read(&mut self, t: u32) {
        let mut own: Vec<(u32, u32)> = Vec::new();
        let mut seen: Vec<(u32, u32)> = Vec::new();
        for &step in self.draft.steps(t) {
            match step {
                Step::Write { key, value } | Step::Append { key, value } => own.push((key, value)),
                _ if self.left_out.contains(&step.key()) => {}
                Step::Read { key, value } => match own.iter().rev().find(|write| write.0 == key) {
                    Some(write) if write.1 == value => {}
                    Some(_) => self.flaw_of(FlawKind::Internal, key, value, t, None),
                    None => self.read_register(t, key, value, &mut seen),
                },
                Step::ReadOther { key, value } => self.read_other(t, key, value),
                Step::ReadAborted { key, value, behind } => self.read_aborted(t, key, value, behind),
                Step::ReadList { key, length } => {
                    let appended: Vec<u32> =
                        own.iter().filter(|write| write.0 == key).map(|write| write.1).collect();
                    if appended.is_empty() {
                        self.read_list(t, key, length, &mut seen);
                    } else {
                        self.read_own_list(t, key, length, &appended, &seen);
                    }
                    self.look_into_list(t, key, length);
                }
            }
        }
        self.note_replaced(t, &own, &seen);
    }

    fn flaw_of(&mut self, kind: FlawKind, key: u32, value: u32, t: u32, other: Option<u32>) {
        let operation = self.draft.operations[t as usize];
        let other = other.map(|other| self.draft.operations[other as usize]);
        self.flaw(kind, key, value, operation, other);
    }

    fn read_register(&mut self, t: u32, key: u32, value: u32, seen: &mut Vec<(u32, u32)>) {
        if value == NONE {
            self.external(t, key, key, value, seen);
            return;
        }
        let source = self.sources[value as usize];
        if source.transaction == NONE {
            let by = self.draft.aborted.get(&value).copied();
            let kind = if by.is_some() { FlawKind::Aborted } else { FlawKind::Garbage };
            self.flaw(kind, key, value, self.draft.operations[t as usize], by);
        } else if source.repeated {
            let transaction = self.number[t as usize];
            self.resolved.ambiguous.push(Ambiguous { transaction, key, value });
        } else if source.transaction == t {
            self.flaw_of(FlawKind::Future, key, value, t, None);
        } else {
            if !source.last {
                self.flaw_of(FlawKind::Intermediate, key, value, t, Some(source.transaction));
            }
            let writer = self.number[source.transaction as usize];
            if let Some(version) = self.resolved.columns.version_of(writer, key) {
                self.external(t, key, version, value, seen);
            }
        }
    }

    /// A read of a version before the transaction wrote the key itself.
    fn external(&mut self, t: u32, key: u32, version: u32, value: u32, seen: &mut Vec<(u32, u32)>) {
        match seen.iter().find(|read| read.0 == key) {
            Some(&(_, before)) if before == version => {}
            Some(_) => self.flaw_of(FlawKind::NonRepeatable, key, value, t, None),
            None => {}
        }
        seen.push((key, version));
        self.reads.push((self.number[t as usize], version));
    }

    /// A list that no order of the appends explains beside the longest one.
    fn read_other(&mut self, t: u32, key: u32, value: u32) {
        let appended = self.sources[value as usize].transaction != NONE;
        let kind = if appended { FlawKind::IncompatibleOrder } else { FlawKind::Garbage };
        self.flaw_of(kind, key, value, t, None);
    }

    /// An element of a transaction that failed, and what stands right behind it.
    fn read_aborted(&mut self, t: u32, key: u32, value: u32, behind: u32) {
        let by = self.draft.aborted.get(&value).copied();
        self.flaw(FlawKind::Aborted, key, value, self.draft.operations[t as usize], by);
        let next = if behind == NONE { NONE } else { self.sources[behind as usize].transaction };
        if next != NONE && self.number[next as usize] != NONE {
            self.flaw(FlawKind::DirtyUpdate, key, value, self.draft.operations[next as usize], by);
        }
    }

    fn read_list(&mut self, t: u32, key: u32, length: u32, seen: &mut Vec<(u32, u32)>) {
        let version = self.shown[key as usize][length as usize];
        let number = self.number[t as usize];
        let own = self.draft.steps(t).iter().any(|&step| match step {
            Step::Append { key: other, value } => other == key && self.places[value as usize] < length,
            _ => false,
        });
        let value = self.last_element(key, length);
        if own {
            self.flaw_of(FlawKind::Future, key, value, t, None);
            return;
        }
        if value != NONE {
            let source = self.sources[value as usize];
            if source.transaction != NONE
                && !source.last
                && self.number[source.transaction as usize] != number
            {
                self.flaw_of(FlawKind::Intermediate, key, value, t, Some(source.transaction));
            }
        }
        self.external(t, key, version, value, seen);
    }

    /// A read after an append of the same transaction ends with what was appended.
    fn read_own_list(&mut self, t: u32, key: u32, length: u32, appended: &[u32], seen: &[(u32, u32)]) {
        let list = &self.draft.longest[key as usize][..length as usize];
        let value = self.last_element(key, length);
        let ends_so = list.ends_with(appended);
        let base = length as usize - appended.len().min(length as usize);
        let version = self.shown[key as usize][base];
        let before = seen.iter().rev().find(|read| read.0 == key);
        if !ends_so {
            self.flaw_of(FlawKind::Internal, key, value, t, None);
        } else if before.is_some_and(|&(_, before)| before != version)
            && self.first_twice[key as usize] >= length
        {
            // It shows its own appends, behind more than there was when it read the list before.
            self.flaw_of(FlawKind::NonRepeatable, key, value, t, None);
        }
    }

    fn last_element(&self, key: u32, length: u32) -> u32 {
        length.checked_sub(1).map_or(NONE, |last| self.draft.longest[key as usize][last as usize])
    }

    /// Elements of a list that were never appended, or stand there twice.
    fn look_into_list(&mut self, t: u32, key: u32, length: u32) {
        let operation = self.draft.operations[t as usize];
        if self.first_garbage[key as usize] < length {
            let value = self.draft.longest[key as usize][self.first_garbage[key as usize] as usize];
            self.flaw(FlawKind::Garbage, key, value, operation, None);
        }
        if self.first_twice[key as usize] < length {
            let value = self.draft.longest[key as usize][self.first_twice[key as usize] as usize];
            self.flaw(FlawKind::Duplicate, key, value, operation, None);
        }
    }

    /// Which versions a transaction read and then replaced. Of lists the order of the appends tells more.
    fn note_replaced(&mut self, t: u32, own: &[(u32, u32)], seen: &[(u32, u32)]) {
        for &(key, version) in seen.iter().filter(|&&(key, _)| own.iter().any(|write| write.0 == key)) {
            let columns = &mut self.resolved.columns;
            let Some(installed) = columns.version_of(self.number[t as usize], key) else { continue };
            let known = columns.replaced[version as usize];
            if known == NONE {
                columns.replaced[version as usize] = installed;
            } else if known != installed && self.draft.kinds[key as usize] == KeyKind::Register {
                let other = columns.operation[columns.writer[known as usize] as usize];
                let value = self.value_of(t, key, version);
                self.flaw(FlawKind::LostUpdate, key, value, self.draft.operations[t as usize], Some(other));
            }
        }
    }

    /// By which value a transaction read a register's version.
    fn value_of(&self, t: u32, key: u32, version: u32) -> u32 {
        let steps = self.draft.steps(t).iter().filter(|step| step.key() == key);
        let shows = |value: u32| {
            let source = self.sources[value as usize];
            let writer = self.number.get(source.transaction as usize).copied().unwrap_or(NONE);
            writer != NONE && self.resolved.columns.version_of(writer, key) == Some(version)
        };
        let mut read = steps.filter_map(|step| match *step {
            Step::Read { value, .. } if value != NONE && shows(value) => Some(value),
            _ => None,
        });
        read.next().unwrap_or(NONE)
    }

    fn finish(mut self) -> Resolved {
        self.resolved.columns.set_reads(&self.reads);
        // order never shows: it is sorted.
        self.resolved.left_out = self.left_out.iter().copied().collect();
        self.resolved.left_out.sort_unstable();
        let values = self.resolved.ambiguous.iter().map(|read| read.value).collect();
        self.resolved.untold = Untold { lists: self.left_out, values };
        self.resolved
    }
}
