//! How a run goes on, on standard error: a bar where somebody watches, lines where a file does.
//!
//! Draws nothing on standard output.

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::run::progress::{Phase, Progress};

/// A bar of the run's time, with its phase and operations.
pub(crate) struct Bar {
    bar: ProgressBar,
    /// Faults and notes as lines above the bar.
    verbose: bool,
}

impl Bar {
    pub(crate) fn new(title: &str, time: Duration, verbose: bool) -> Self {
        let bar = ProgressBar::new(time.as_millis() as u64);
        let template = "{prefix}  {wide_bar} {elapsed} {msg}";
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_prefix(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, verbose }
    }
}

impl Progress for Bar {
    fn phase(&self, phase: Phase) {
        self.bar.set_message(phase.name());
    }

    fn tick(&self, elapsed: Duration, operations: u64) {
        self.bar.set_position(elapsed.as_millis() as u64);
        self.bar.set_message(format!("{operations} operations"));
    }

    fn fault(&self, elapsed: Duration, text: &str) {
        if self.verbose {
            self.bar.println(format!("  {:.1} s  {text}", elapsed.as_secs_f64()));
        }
    }

    fn note(&self, text: &str) {
        self.bar.println(format!("  {text}"));
    }
}

/// Whatever happened is told elsewhere; the bar leaves no trace.
impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A line for each phase and fault, and one every few seconds.
pub(crate) struct Lines {
    title: String,
    time: Duration,
    ticked: Mutex<Duration>,
}

impl Lines {
    const EVERY: Duration = Duration::from_secs(10);

    pub(crate) fn new(title: &str, time: Duration) -> Self {
        Self { title: title.to_owned(), time, ticked: Mutex::new(Duration::ZERO) }
    }

    fn line(&self, text: &str) {
        // Nobody is left to hear that standard error is closed.
        let _ = writeln!(std::io::stderr().lock(), "{}: {text}", self.title);
    }
}

impl Progress for Lines {
    fn phase(&self, phase: Phase) {
        self.line(phase.name());
    }

    fn tick(&self, elapsed: Duration, operations: u64) {
        let Ok(mut ticked) = self.ticked.lock() else { return };
        if elapsed >= *ticked + Self::EVERY {
            *ticked = elapsed;
            self.line(&format!(
                "{:.0} of {:.0} s, {operations} operations",
                elapsed.as_secs_f64(),
                self.time.as_secs_f64()
            ));
        }
    }

    fn fault(&self, elapsed: Duration, text: &str) {
        self.line(&format!("{:.1} s  {text}", elapsed.as_secs_f64()));
    }

    fn note(&self, text: &str) {
        self.line(text);
    }
}
