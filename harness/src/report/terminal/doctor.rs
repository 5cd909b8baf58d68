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
    let only = format!("in simulation alone (--stage sim): {}", only.join(", "));
    let Leftovers { removed, processes, folders } = &diagnosis.leftovers;
    let left = match (removed, processes.len(), folders.len()) {
        (false, 0, _) => "no process is left of a harness that was killed".to_owned(),
        (false, count, _) => {
            format!("processes left of harnesses that were killed: {count}; end them: partita doctor --clean")
        }
        (true, processes, folders) => format!("removed: {processes} processes, {folders} folders"),
    };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n{}\n{}", width.wrap(&only, 2), width.wrap(&left, 2));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::layout::Width;
    use crate::report::doctor::LeftProcess;

    #[test]
    fn what_is_missing_fits_the_page() {
        let means = |name, faults: &[&'static str]| Means {
            name,
            simulated: name == "sim",
            here: true,
            faults: faults.to_vec(),
            why: None,
            remedy: None,
        };
        let netns = Means {
            here: false,
            why: Some("user namespaces are switched off".to_owned()),
            remedy: Some("sysctl kernel.unprivileged_userns_clone=1".to_owned()),
            ..means("netns", &["partition", "loss", "throttle", "reset", "refuse", "hang", "half-open"])
        };
        let left = LeftProcess { process: 4711, command: "partita node".to_owned() };
        let diagnosis = Diagnosis {
            means: vec![
                means("proxy", &["partition", "slow", "jitter", "throttle", "reset", "refuse", "hang"]),
                netns,
                means("sim", &["partition", "reorder", "duplicate", "torn-writes", "clock:drift", "power"]),
            ],
            leftovers: Leftovers { removed: false, processes: vec![left], folders: Vec::new() },
        };
        for columns in [80, 200] {
            let screen = Screen { width: Width::columns(columns), ..Screen::PLAIN };
            insta::assert_snapshot!(format!("doctor-{columns}"), render(&diagnosis, screen));
        }
    }
}
