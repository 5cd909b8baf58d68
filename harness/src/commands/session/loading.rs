//! How far the reading of files has come, on standard error: bytes, and the time that is left.
//!
//! Draws nothing on standard output, and nothing at all for what is read in a moment.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use histories::read::Meter;
use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};

/// Reading that somebody may wait for.
pub(crate) struct Loading {
    shown: Shown,
}

#[derive(Clone)]
enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines(Arc<Lines>),
}

impl Loading {
    pub(crate) fn silent() -> Self {
        Self { shown: Shown::Nothing }
    }

    pub(crate) fn bar(files: &[PathBuf]) -> Self {
        // Without a total (standard input) the bar only counts.
        let (bar, template) = match total(files) {
            Some(bytes) => (ProgressBar::new(bytes), "{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left"),
            None => (ProgressBar::no_length(), "{msg} {spinner} {bytes} in {elapsed}, {bytes_per_sec}"),
        };
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { shown: Shown::Bar(bar) }
    }

    pub(crate) fn lines(files: &[PathBuf]) -> Self {
        let lines = Lines {
            total: total(files),
            started: Instant::now(),
            read: AtomicU64::new(0),
            told: Mutex::new(Duration::ZERO),
        };
        Self { shown: Shown::Lines(Arc::new(lines)) }
    }

    /// For the reader to tell its bytes to.
    pub(crate) fn meter(&self) -> Meter {
        match self.shown.clone() {
            Shown::Nothing => Meter::default(),
            Shown::Bar(bar) => Meter::new(move |bytes| bar.inc(bytes)),
            Shown::Lines(lines) => Meter::new(move |bytes| lines.add(bytes)),
        }
    }

    /// What is being done, in a word or two.
    pub(crate) fn say(&self, what: String) {
        if let Shown::Bar(bar) = &self.shown {
            bar.set_message(what);
        }
    }
}

/// What was found is told elsewhere; the bar leaves no trace.
impl Drop for Loading {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// Bytes of all files, `None` where one of them does not say.
fn total(files: &[PathBuf]) -> Option<u64> {
    files.iter().map(|file| size(file)).sum()
}

fn size(file: &Path) -> Option<u64> {
    let about = std::fs::metadata(file).ok()?;
    if about.is_dir() {
        let entries = std::fs::read_dir(file).ok()?;
        return entries.map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum();
    }
    about.is_file().then_some(about.len())
}

/// A line every few seconds.
struct Lines {
    total: Option<u64>,
    started: Instant,
    read: AtomicU64,
    told: Mutex<Duration>,
}

impl Lines {
    const EVERY: Duration = Duration::from_secs(10);

    fn add(&self, bytes: u64) {
        let read = self.read.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let elapsed = self.started.elapsed();
        let Ok(mut told) = self.told.lock() else { return };
        if elapsed >= *told + Self::EVERY {
            *told = elapsed;
            // Nobody is left to hear that standard error is closed.
            let _ = writeln!(std::io::stderr().lock(), "{}", progress(read, self.total, elapsed));
        }
    }
}

/// `1.00 GiB of 4.00 GiB read, 30 seconds left`.
fn progress(read: u64, total: Option<u64>, elapsed: Duration) -> String {
    let Some(total) = total.filter(|total| *total >= read && read > 0) else {
        return format!("{} read in {}", HumanBytes(read), HumanDuration(elapsed));
    };
    let left = elapsed.mul_f64((total - read) as f64 / read as f64);
    format!("{} of {} read, {} left", HumanBytes(read), HumanBytes(total), HumanDuration(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_left_follows_from_the_bytes() {
        let (gib, ten) = (1 << 30, Duration::from_secs(10));
        assert_eq!(progress(gib, Some(4 * gib), ten), "1.00 GiB of 4.00 GiB read, 30 seconds left");
        assert_eq!(progress(gib, None, ten), "1.00 GiB read in 10 seconds");
    }

    #[test]
    fn a_total_is_known_only_where_every_file_says_its_size() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "123").unwrap();
        let file = folder.path().join("a");
        assert_eq!(total(&[file.clone(), folder.path().to_owned()]), Some(6));
        assert_eq!(total(&[file, PathBuf::from("-")]), None);
    }
}
