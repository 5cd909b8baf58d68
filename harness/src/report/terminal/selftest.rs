//! A self-test as a person reads it: a row for each bug and for each thing that a mode gives up, and the sum of it.

use std::fmt::Write as _;

use crate::cli::layout::Screen;
use crate::report::Selftest;
use crate::report::grid::Grid;
use crate::report::selftest::Caught;
use crate::report::spent::Spent;

pub(super) fn render(selftest: &Selftest<'_>, screen: Screen) -> String {
    let results = || selftest.bugs.iter().chain(selftest.shows);
    let mut text = format!("{}\n\n", table(results()).terminal(0, screen.width));
    // Writing to a string cannot fail.
    for alarm in results().flat_map(|caught| &caught.false_alarms) {
        let _ = writeln!(text, "{}", screen.width.wrap(&format!("false alarm: {alarm}"), 2));
    }
    let found = results().filter(|caught| caught.found > 0).count();
    let alarms = match results().map(|caught| caught.false_alarms.len()).sum() {
        0 => "without a false alarm".to_owned(),
        1 => "with a false alarm".to_owned(),
        alarms => format!("with {alarms} false alarms"),
    };
    let all = results().count();
    let told = format!("{found} of {all} found, {alarms}; seeds, operations and seconds are medians");
    let _ = writeln!(text, "{}", screen.width.wrap(&told, 2));
    text
}

fn table<'a>(results: impl Iterator<Item = &'a Caught>) -> Grid {
    let mut grid = Grid::new(&[
        "bug",
        "mode",
        "workload",
        "faults",
        "found",
        "seeds",
        "operations",
        "seconds",
        "by",
        "control",
    ]);
    for caught in results {
        let dash = || "-".to_owned();
        let median = |figure: fn(&Spent) -> String| caught.median.as_ref().map_or_else(dash, figure);
        grid.push(vec![
            caught.bug.clone(),
            caught.mode.clone(),
            caught.workload.clone(),
            caught.faults.clone(),
            if caught.found > 0 { format!("{}/{}", caught.found, caught.seeds) } else { "NEVER".to_owned() },
            median(|spent| spent.seeds.to_string()),
            median(|spent| spent.operations.to_string()),
            median(|spent| format!("{:.1}", spent.seconds)),
            if caught.by.is_empty() { dash() } else { caught.by.join(", ") },
            if caught.false_alarms.is_empty() { "quiet".to_owned() } else { "ALARM".to_owned() },
        ]);
    }
    grid
}
