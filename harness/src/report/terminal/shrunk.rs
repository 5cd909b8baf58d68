//! What shrinking came to, as a person reads it.

use crate::cli::layout::Screen;
use crate::cli::names::counted;
use crate::judge::verdict::Violation;
use crate::report::shrunk::{Shrunk, Size, SmallerHistory, SmallerRun};

pub(super) fn render(shrunk: &Shrunk<'_>, screen: Screen) -> String {
    match shrunk {
        Shrunk::RunHolds(run) => format!("{}: the run violates nothing\n", run.display()),
        Shrunk::HistoryHolds(file) => format!("{}: nothing is violated\n", file.display()),
        Shrunk::Undecided { history, why } => {
            format!("{}: nothing is known to be violated; {why}\n", history.display())
        }
        Shrunk::Run(smaller) => run(smaller, screen),
        Shrunk::History(smaller) => history(smaller),
    }
}

fn run(smaller: &SmallerRun<'_>, screen: Screen) -> String {
    let SmallerRun { outcome, subject, violation, before, after, trials, command } = smaller;
    let outcome = super::run(outcome, screen, &[]);
    let violation = violation.map_or("", Violation::name);
    let (before, after) = (size(*before), size(*after));
    format!(
        "{outcome}\nstill violated: {subject} ({violation})\nbefore: {before}\nafter:  {after}, in {trials} trials\n\
         see it: {command}\n"
    )
}

fn size(size: Size) -> String {
    let Size { faults, operations, nodes, clients, keys, seconds } = size;
    let counts = [
        (faults as u64, "fault"),
        (operations as u64, "operation"),
        (nodes.into(), "node"),
        (clients as u64, "client"),
        (keys as u64, "key"),
    ];
    let counts: Vec<String> = counts.iter().map(|&(count, what)| counted(count, what)).collect();
    format!("{}, {seconds} s", counts.join(", "))
}

fn history(smaller: &SmallerHistory<'_>) -> String {
    let SmallerHistory { model, anomaly, before, after, .. } = smaller;
    let command = smaller.command();
    format!(
        "still violated: {model} ({})\nbefore: {before} operations; after: {after}\nsee it: {command}\n",
        anomaly.name()
    )
}
