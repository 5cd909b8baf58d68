//! What processes have been shown of keys that keep concurrent versions: a write quotes it. It dies with the process.

use std::collections::BTreeMap;

use histories::{Event, Function, Key, Kind, Process, Value};

/// By thread and key, what the thread's process has read last.
#[derive(Debug, Default)]
pub struct Shown {
    threads: u32,
    last: BTreeMap<(u32, Key), Value>,
}

impl Shown {
    pub fn new(threads: u32) -> Self {
        Self { threads: threads.max(1), last: BTreeMap::new() }
    }

    /// What a write by this thread replaces; nothing where its process has not read the key.
    pub fn quote(&self, thread: u32, key: &Key) -> Value {
        self.last.get(&(thread, key.clone())).cloned().unwrap_or_else(|| Value::list([]))
    }

    pub fn observe(&mut self, completion: &Event) {
        let Process::Client(process) = completion.process else { return };
        let thread = process % self.threads;
        match (completion.kind, &completion.op.function, &completion.op.key) {
            // The process is retired, and its contexts with it.
            (Kind::Info, _, _) => self.last.retain(|(of, _), _| *of != thread),
            (Kind::Ok, Function::ReadAll, Some(key)) => {
                self.last.insert((thread, key.clone()), completion.op.value.clone());
            }
            _ => {}
        }
    }
}
