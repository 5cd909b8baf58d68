//! The log on disk: one thread that writes everything that waits at once and syncs once for all of it. It never decides
//! what is to be written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::wal::{self, CorruptLog, Recovered};
use crate::store::{Persist, Sync};

/// For `sync=interval`.
const SYNC_INTERVAL: Duration = Duration::from_millis(50);
const FILE: &str = "log";
const NEW_FILE: &str = "log.new";

/// The log cannot be opened or written: the node must stop.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{}: {error}. The node does not start from it; restore the file, or replace the member", path.display())]
    Corrupt { path: PathBuf, error: CorruptLog },
    #[error("{}: a record cannot be written: {error}", path.display())]
    Record { path: PathBuf, error: serde_json::Error },
}

/// The log of one node, open for appending.
#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens or creates the log in `folder`, and reads it. A torn tail is cut off for good.
    pub(crate) fn open<R: DeserializeOwned>(folder: &Path) -> Result<(Self, Recovered<R>), DiskError> {
        let path = folder.join(FILE);
        let wrap = |error| DiskError::Io { path: path.clone(), error };
        std::fs::create_dir_all(folder).map_err(wrap)?;
        // A compaction that was cut short before its rename left this behind; the log is still the old one.
        match std::fs::remove_file(folder.join(NEW_FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(wrap(error)),
            _ => {}
        }
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(wrap)?;
        let bytes = std::fs::read(&path).map_err(wrap)?;
        let recovered =
            wal::decode(&bytes).map_err(|error| DiskError::Corrupt { path: path.clone(), error })?;
        if recovered.torn {
            file.set_len(recovered.valid_len as u64).map_err(wrap)?;
        }
        file.sync_all().and_then(|()| sync_folder(folder)).map_err(wrap)?;
        Ok((Self { folder: folder.to_owned(), path, file }, recovered))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        self.file.write_all(bytes).map_err(|error| self.io(error))
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(|error| self.io(error))
    }

    /// Puts a new log in the old one's place, whole or not at all.
    fn replace(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let new = self.folder.join(NEW_FILE);
        let replaced = File::create(&new)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&new, &self.path))
            .and_then(|()| sync_folder(&self.folder))
            .and_then(|()| OpenOptions::new().append(true).open(&self.path));
        self.file = replaced.map_err(|error| self.io(error))?;
        Ok(())
    }

    fn io(&self, error: io::Error) -> DiskError {
        DiskError::Io { path: self.path.clone(), error }
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The disk's thread. Dropping it lets the thread finish what was handed to it.
#[derive(Debug)]
pub(crate) struct Disk<R> {
    queue: Option<Sender<Persist<R>>>,
    thread: Option<JoinHandle<()>>,
}

impl<R: Serialize + Send + 'static> Disk<R> {
    /// `report` hears of each number up to which everything is written (and synced, as `sync` says), or of the error
    /// that ended the thread.
    pub(crate) fn start(
        log: Log,
        sync: Sync,
        report: impl Fn(Result<u64, DiskError>) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, queued) = channel();
        let thread = std::thread::Builder::new().name("disk".to_owned()).spawn(move || {
            if let Err(error) = write_all(log, sync, &queued, &report) {
                report(Err(error));
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Queues a write. It is lost where the thread has ended, which the thread has reported.
    pub(crate) fn persist(&self, persist: Persist<R>) {
        if let Some(queue) = &self.queue {
            let _ = queue.send(persist);
        }
    }
}

impl<R> Drop for Disk<R> {
    fn drop(&mut self) {
        self.queue.take();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed; there is nothing to add.
            let _ = thread.join();
        }
    }
}

fn write_all<R: Serialize>(
    mut log: Log,
    sync: Sync,
    queued: &Receiver<Persist<R>>,
    report: &impl Fn(Result<u64, DiskError>),
) -> Result<(), DiskError> {
    let mut bytes = Vec::new();
    // When the oldest bytes that are written but not synced were written.
    let mut unsynced: Option<Instant> = None;
    loop {
        let wait = unsynced.map_or(Duration::MAX, |since| SYNC_INTERVAL.saturating_sub(since.elapsed()));
        let first = match queued.recv_timeout(wait) {
            Ok(first) => Some(first),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return log.sync(),
        };
        if let Some(last) = write_group(&mut log, first, queued, &mut bytes)? {
            match sync {
                Sync::Always => log.sync()?,
                Sync::Interval => unsynced = unsynced.or_else(|| Some(Instant::now())),
                Sync::Never => {}
            }
            report(Ok(last));
        }
        if unsynced.is_some_and(|since| since.elapsed() >= SYNC_INTERVAL) {
            log.sync()?;
            unsynced = None;
        }
    }
}

/// Writes `first` and everything else that is queued; says the last number.
fn write_group<R: Serialize>(
    log: &mut Log,
    first: Option<Persist<R>>,
    queued: &Receiver<Persist<R>>,
    bytes: &mut Vec<u8>,
) -> Result<Option<u64>, DiskError> {
    let mut last = None;
    let mut replace = false;
    bytes.clear();
    for persist in first.into_iter().chain(queued.try_iter()) {
        if persist.compact {
            // It replaces what is written before, and so also what waits to be written.
            bytes.clear();
            replace = true;
        }
        for record in &persist.records {
            wal::encode(record, bytes)
                .map_err(|error| DiskError::Record { path: log.path.clone(), error })?;
        }
        last = Some(persist.seq);
    }
    if replace {
        log.replace(bytes)?;
    } else if !bytes.is_empty() {
        log.append(bytes)?;
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persist(seq: u64, records: &[&str], compact: bool) -> Persist<String> {
        Persist { seq, records: records.iter().map(|&record| record.to_owned()).collect(), compact }
    }

    fn run(folder: &Path, sync: Sync, persists: Vec<Persist<String>>) -> Vec<u64> {
        let (log, _) = Log::open::<String>(folder).unwrap();
        let (tell, told) = channel();
        let last = persists.last().unwrap().seq;
        let disk = Disk::start(log, sync, move |result| tell.send(result.unwrap()).unwrap()).unwrap();
        for persist in persists {
            disk.persist(persist);
        }
        let mut reported = Vec::new();
        while reported.last() != Some(&last) {
            reported.push(told.recv_timeout(Duration::from_secs(10)).unwrap());
        }
        reported
    }

    fn contents(folder: &Path) -> Vec<String> {
        Log::open(folder).unwrap().1.records
    }

    #[test]
    fn what_is_persisted_is_there_again_whatever_the_sync() {
        for sync in [Sync::Always, Sync::Interval, Sync::Never] {
            let folder = tempfile::tempdir().unwrap();
            let reported =
                run(folder.path(), sync, vec![persist(1, &["a"], false), persist(2, &["b", "c"], false)]);
            assert!(reported.is_sorted());
            run(folder.path(), sync, vec![persist(1, &["d"], false)]);
            assert_eq!(contents(folder.path()), ["a", "b", "c", "d"]);
        }
    }

    #[test]
    fn a_compaction_replaces_what_was_before_and_what_follows_is_appended() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), Sync::Always, vec![persist(1, &["a", "b"], false)]);
        let more =
            vec![persist(1, &["c"], false), persist(2, &["snapshot"], true), persist(3, &["d"], false)];
        run(folder.path(), Sync::Always, more);
        assert_eq!(contents(folder.path()), ["snapshot", "d"]);
        assert!(!folder.path().join(NEW_FILE).exists());
    }

    #[test]
    fn a_torn_tail_is_cut_off_and_the_log_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), Sync::Always, vec![persist(1, &["a", "b"], false)]);
        let path = folder.path().join(FILE);
        let length = std::fs::metadata(&path).unwrap().len();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
        let (_, recovered) = Log::open::<String>(folder.path()).unwrap();
        assert!(recovered.torn);
        run(folder.path(), Sync::Always, vec![persist(1, &["c"], false)]);
        assert_eq!(contents(folder.path()), ["a", "c"]);
    }

    #[test]
    fn a_corrupt_log_is_refused_with_file_and_offset() {
        let folder = tempfile::tempdir().unwrap();
        run(folder.path(), Sync::Always, vec![persist(1, &["a", "b"], false)]);
        let path = folder.path().join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[13] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let error = Log::open::<String>(folder.path()).unwrap_err().to_string();
        assert!(error.contains("log: the log is corrupt at byte 0"), "{error}");
    }
}
