//! What each checker takes for a history file, to hold against another program on the same file.
//!
//! `cargo bench -p checkers --bench causal_file -- FILE [CHECKER | MODEL | sets]...`, without names the causal checker;
//! it prints processor time and the peak of memory as well. A causal model is decided alone.

#![expect(clippy::print_stdout, reason = "it is run by hand")]

use std::path::Path;
use std::time::{Duration, Instant};

use checkers::{Budget, Causal, Checker, Finding, all, causal_models};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(file) = arguments.next() else { return };
    let names: Vec<String> = arguments.collect();
    let names = if names.is_empty() { vec!["causal".to_owned()] } else { names };
    let began = Moment::now();
    let history = histories::read::file(Path::new(&file)).unwrap_or_else(|error| panic!("{error}"));
    println!("{} operations are read: {}", history.operations().len(), began.elapsed());
    if names.iter().any(|name| name == "sets") {
        // Where causal convergence holds this is all that they cost.
        let began = Moment::now();
        let sets = checkers::session_sets(&history, &Budget::unlimited());
        println!("the sets of session guarantees: {}", began.elapsed());
        println!("    {sets:?}");
    }
    for model in Causal
        .models()
        .iter()
        .filter(|model| names.iter().any(|name| name != "causal" && name == model.name()))
    {
        timed(model.name(), || causal_models(&history, &[*model], &Budget::unlimited()));
    }
    for checker in all().into_iter().filter(|checker| names.iter().any(|name| name == checker.name())) {
        timed(checker.name(), || checker.check(&history, &Budget::unlimited()));
    }
}

fn timed(name: &str, check: impl FnOnce() -> Vec<Finding>) {
    let began = Moment::now();
    let findings = check();
    println!("{name}: {}", began.elapsed());
    for finding in findings {
        let (model, verdict) = (finding.model.name(), finding.verdict.name());
        println!("    {model:22} {verdict:15} {:.3?}", finding.elapsed);
    }
}

/// A moment by the clock on the wall and by that of the process.
struct Moment {
    wall: Instant,
    processor: Duration,
}

impl Moment {
    fn now() -> Self {
        Self { wall: Instant::now(), processor: processor() }
    }

    fn elapsed(&self) -> String {
        let (wall, processor) = (self.wall.elapsed(), processor().saturating_sub(self.processor));
        format!("{wall:.3?}, {processor:.3?} of the processor, {}", peak())
    }
}

/// What all threads of this process have had of the processor, as Linux tells it.
fn processor() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of_task = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(tasks.filter_map(|task| of_task(task.path())).sum())
}

/// The most memory that this process has had, as Linux tells it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    line.replace('\t', " ")
}
