//! How a run goes on, on standard error: a bar where somebody watches, lines where a file does.
//!
//! Draws nothing on standard output.

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::run::progress::{Phase, Progress};

/// A bar of the run's time: below its title the phase, the faults in force, and the time that is left.
pub(crate) struct Bar {
    shown: ProgressBar,
    time: Duration,
    state: Mutex<State>,
    /// Faults and notes as lines above the bar.
    verbose: bool,
}

/// What the bar tells.
#[derive(Default)]
struct State {
    phase: Option<Phase>,
    faults: Vec<String>,
    elapsed: Duration,
    operations: u64,
}

impl State {
    /// `running · partition:leader · 1204 operations · 12 s left`.
    fn words(&self, time: Duration) -> String {
        let phase = self.phase.unwrap_or(Phase::Starting);
        let mut parts = vec![phase.name().to_owned()];
        if !self.faults.is_empty() {
            parts.push(self.faults.join(", "));
        }
        if phase == Phase::Running {
            parts.push(format!("{} operations", self.operations));
            parts.push(format!("{:.0} s left", time.saturating_sub(self.elapsed).as_secs_f64()));
        }
        parts.join(" · ")
    }
}

impl Bar {
    pub(crate) fn new(title: &str, time: Duration, verbose: bool) -> Self {
        let bar = ProgressBar::new(time.as_millis() as u64);
        // Two lines: titles are long, and a narrow terminal cuts what does not fit.
        let template = "{prefix}\n  {bar:20} {wide_msg}";
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_prefix(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { shown: bar, time, state: Mutex::default(), verbose }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let Ok(mut state) = self.state.lock() else { return };
        change(&mut state);
        self.shown.set_position(state.elapsed.as_millis() as u64);
        self.shown.set_message(state.words(self.time));
    }
}

impl Progress for Bar {
    fn phase(&self, phase: Phase) {
        self.change(|state| state.phase = Some(phase));
    }

    fn tick(&self, elapsed: Duration, operations: u64) {
        self.change(|state| {
            state.phase = Some(Phase::Running);
            (state.elapsed, state.operations) = (elapsed, operations);
        });
    }

    fn fault(&self, elapsed: Duration, text: &str) {
        if self.verbose {
            self.shown.println(format!("  {:.1} s  {text}", elapsed.as_secs_f64()));
        }
    }

    fn in_force(&self, faults: &[String]) {
        self.change(|state| state.faults = faults.to_vec());
    }

    fn note(&self, text: &str) {
        self.shown.println(format!("  {text}"));
    }
}

/// Whatever happened is told elsewhere; the bar leaves no trace.
impl Drop for Bar {
    fn drop(&mut self) {
        self.shown.finish_and_clear();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_names_the_phase_the_faults_and_the_time_that_is_left() {
        let mut state = State {
            phase: Some(Phase::Running),
            faults: vec!["partition:leader".to_owned()],
            elapsed: Duration::from_secs(8),
            operations: 1204,
        };
        let time = Duration::from_secs(20);
        assert_eq!(state.words(time), "running · partition:leader · 1204 operations · 12 s left");
        state.faults.clear();
        state.phase = Some(Phase::Checking);
        assert_eq!(state.words(time), "checking");
        state.elapsed = Duration::from_secs(30);
        state.phase = Some(Phase::Running);
        assert!(state.words(time).ends_with(" 0 s left"), "a run that takes longer than it should");
    }
}
