//! The recorder: stamps each event and appends it to the file under one lock.
//!
//! Because the clock is read under the lock, time never goes back in the file, and any prefix of the file is a
//! sound history: an operation whose completion is missing is indefinite.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::write::jsonl;
use crate::{Event, Header, Hints, Kind, Nanos, Node, Op, Process, Value};

/// Where the recorder reads the time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's monotonic clock, counted from a moment.
    Monotonic(Instant),
    /// A simulated clock, in nanoseconds, set by whoever holds the other end.
    Virtual(Arc<AtomicU64>),
}

impl Clock {
    pub fn monotonic() -> Self {
        Self::Monotonic(Instant::now())
    }

    pub fn now(&self) -> Nanos {
        match self {
            Self::Monotonic(start) => start.elapsed().into(),
            Self::Virtual(time) => Nanos(time.load(Ordering::Relaxed)),
        }
    }
}

/// An event before it has an index and a time.
#[derive(Clone, Debug)]
pub struct Draft {
    pub process: Process,
    pub kind: Kind,
    pub op: Op,
    pub node: Option<Node>,
    pub error: Option<String>,
    pub seen: Option<Value>,
    pub hints: Hints,
}

impl Draft {
    pub fn new(process: Process, kind: Kind, op: Op) -> Self {
        Self { process, kind, op, node: None, error: None, seen: None, hints: Hints::NONE }
    }

    pub(crate) fn stamp(self, index: u64, time: Nanos) -> Event {
        let Self { process, kind, op, node, error, seen, hints } = self;
        Event { index, time, process, kind, op, node, error, seen, hints }
    }
}

/// The history could not be written; the run cannot go on.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the history {}: {error}", path.display())]
pub struct RecordError {
    path: PathBuf,
    error: io::Error,
}

/// Appends events to a history file as they happen. Shared by everyone who acts in a run.
///
/// What was recorded reaches the operating system, and so survives the death of this process, within
/// [`Recorder::FLUSH_INTERVAL`] as long as somebody records or calls [`Recorder::flush_if_due`].
#[derive(Debug)]
pub struct Recorder {
    clock: Clock,
    path: PathBuf,
    tail: Mutex<Tail>,
}

#[derive(Debug)]
struct Tail {
    file: File,
    buffer: Vec<u8>,
    /// Bytes of the file that hold whole events.
    whole: u64,
    next_index: u64,
    flushed: Nanos,
}

impl Recorder {
    pub const FLUSH_INTERVAL: Nanos = Nanos::from_millis(10);
    const BUFFER_BYTES_MAX: usize = 64 * 1024;

    /// Creates the file and writes its header.
    pub fn create(path: &Path, header: &Header, clock: Clock) -> Result<Self, RecordError> {
        let wrap = |error| RecordError { path: path.to_owned(), error };
        let mut file = File::create(path).map_err(wrap)?;
        let mut buffer = Vec::with_capacity(2 * Self::BUFFER_BYTES_MAX);
        jsonl::header(header, &mut buffer);
        file.write_all(&buffer).map_err(wrap)?;
        let whole = buffer.len() as u64;
        buffer.clear();
        let flushed = clock.now();
        Ok(Self {
            clock,
            path: path.to_owned(),
            tail: Mutex::new(Tail { file, buffer, whole, next_index: 0, flushed }),
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// Stamps an event and appends it.
    pub fn record(&self, draft: Draft) -> Result<Event, RecordError> {
        let mut tail = self.lock();
        let now = self.clock.now();
        let event = draft.stamp(tail.next_index, now);
        tail.next_index += 1;
        jsonl::event(&event, &mut tail.buffer);
        if tail.buffer.len() >= Self::BUFFER_BYTES_MAX || now.since(tail.flushed) >= Self::FLUSH_INTERVAL {
            self.write_out(&mut tail, now)?;
        }
        Ok(event)
    }

    /// Hands what is buffered to the operating system.
    pub fn flush(&self) -> Result<(), RecordError> {
        let mut tail = self.lock();
        let now = self.clock.now();
        self.write_out(&mut tail, now)
    }

    /// [`Recorder::flush`], where something has waited for [`Recorder::FLUSH_INTERVAL`].
    pub fn flush_if_due(&self) -> Result<(), RecordError> {
        let mut tail = self.lock();
        let now = self.clock.now();
        if tail.buffer.is_empty() || now.since(tail.flushed) < Self::FLUSH_INTERVAL {
            return Ok(());
        }
        self.write_out(&mut tail, now)
    }

    fn write_out(&self, tail: &mut Tail, now: Nanos) -> Result<(), RecordError> {
        let Tail { file, buffer, whole, flushed, .. } = tail;
        if let Err(error) = file.write_all(buffer) {
            // A full disk takes part of what is written: the file ends with its last whole event.
            let _ = file.set_len(*whole).and_then(|()| file.seek(SeekFrom::Start(*whole)));
            return Err(RecordError { path: self.path.clone(), error });
        }
        *whole += buffer.len() as u64;
        buffer.clear();
        *flushed = now;
        Ok(())
    }

    /// A panic elsewhere must not cost what was recorded: each append leaves the tail whole.
    fn lock(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Nobody is left to tell; whoever cares for the error calls `flush` first.
        let _ = self.flush();
    }
}
