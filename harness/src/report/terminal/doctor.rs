//! What this machine can do, and what earlier harnesses left behind, as a person reads it.

use std::fmt::Write as _;

use crate::cli::layout::Screen;
use crate::report::doctor::{Diagnosis, Leftovers, Means};
use crate::report::grid::Grid;

pub(super) fn render(diagnosis: &Diagnosis, screen: Screen) -> String {
    let Screen { paint, width, .. } = screen;
    let mut grid = Grid::new(&["means", "here", "faults of real processes", "what to do"]);
    let (real, simulated): (Vec<&Means>, Vec<&Means>) =
        diagnosis.means.iter().partition(|means| !means.simulated);
    for means in &real {
        let here = if means.here { paint.good("yes") } else { paint.bad("no") };
        let todo = match (&means.why, &means.remedy) {
            (Some(why), Some(remedy)) => format!("{why}; {remedy}"),
            _ => String::new(),
        };
        grid.push(vec![means.name.to_owned(), here, means.faults.join(", "), todo]);
    }
    let mut text = format!("{}\n", grid.terminal(0, width));
    let live: Vec<&str> = real.iter().flat_map(|means| means.faults.iter().copied()).collect();
    let only = simulated.iter().flat_map(|means| means.faults.iter().copied());
    let only: Vec<&str> = only.filter(|fault| !live.contains(fault)).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\nin simulation alone (--stage sim): {}", only.join(", "));
    let Leftovers { removed, processes, folders } = &diagnosis.leftovers;
    let _ = match (removed, processes.len(), folders.len()) {
        (false, 0, _) => writeln!(text, "no process is left of a harness that was killed"),
        (false, count, _) => writeln!(
            text,
            "{count} processes are left of harnesses that were killed; end them: partita doctor --clean"
        ),
        (true, processes, folders) => writeln!(text, "removed: {processes} processes, {folders} folders"),
    };
    text
}
