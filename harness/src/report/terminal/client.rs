//! How the client of a system kept its contract, as a person reads it.

use std::fmt::Write as _;

use systems::probe::Tried;

use crate::cli::layout::Screen;
use crate::report::grid::Grid;

pub(super) fn render(tried: &[Tried], screen: Screen) -> String {
    let mut grid = Grid::new(&["", "when", "the client says"]);
    for Tried { trial, said, faults, skipped } in tried {
        let mark = match (skipped, faults.is_empty()) {
            (true, _) => screen.paint.doubtful("-"),
            (false, true) => screen.paint.good("ok"),
            (false, false) => screen.paint.bad("mend"),
        };
        grid.push(vec![mark, trial.name().to_owned(), said.clone()]);
    }
    let mut text = format!("{}\n", grid.terminal(0, screen.width));
    for tried in tried {
        for fault in &tried.faults {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\nmend: when {}, {fault}", tried.trial.name());
        }
    }
    if tried.iter().all(|tried| tried.faults.is_empty()) {
        text.push_str("\nthe client keeps its contract\n");
    }
    text
}
