//! Pictures of a run as SVG files, for its folder: latency and rate over time, lag and staleness over time, and the proofs on a
//! timeline, each with the faults as bands.

mod chart;
mod proof;
mod series;

use std::time::Duration;

use checkers::Budget;
use histories::{FaultWindow, History, Nanos};

use self::chart::{Band, Chart, Line, Scale};
use self::series::{Latencies, Rates};
use crate::judge::outcome::RunOutcome;

/// So many proofs are drawn.
const PROOFS_MAX: usize = 5;
/// What is not measured in this time is not drawn.
const STALENESS_TIME: Duration = Duration::from_secs(10);

/// The files of a run's folder, by name. `lag` is the content of its `lag.csv`. What was not measured is not drawn.
pub(crate) fn draw(run: &RunOutcome, history: &History, lag: &str) -> Vec<(String, String)> {
    let bands = bands(history);
    let end = history.end();
    let chart = |title: &str, unit: &'static str, scale, lines: Vec<Line>| Chart {
        title: format!("{title}: {} × {}, seed {}", run.workload, run.mode, run.seed),
        unit,
        scale,
        end_s: end.as_secs_f64(),
        bands: &bands,
        lines,
    };
    let charts = [
        ("latency.svg", chart("latency", "ms", Scale::Logarithmic, Latencies::of(history).lines())),
        ("rate.svg", chart("operations a second", "1/s", Scale::Linear, Rates::of(history).lines())),
        ("lag.svg", chart("replication lag", "entries", Scale::Linear, series::lag(lag))),
        ("staleness.svg", chart("staleness of reads", "ms behind", Scale::Logarithmic, staleness(history))),
    ];
    let drawn = charts.into_iter().filter(|(_, chart)| chart.has_points());
    let mut files: Vec<(String, String)> =
        drawn.map(|(name, chart)| (name.to_owned(), chart.svg())).collect();
    files.extend(proof::all(run, &bands, PROOFS_MAX));
    files
}

fn bands(history: &History) -> Vec<Band> {
    let end = history.end();
    let band = |window: FaultWindow| Band {
        name: window.name,
        what: window.what,
        from_s: window.from.as_secs_f64(),
        to_s: window.to.min(end).as_secs_f64(),
    };
    history.fault_windows().into_iter().map(band).collect()
}

/// A point for each stale read.
fn staleness(history: &History) -> Vec<Line> {
    let budget = Budget::new(STALENESS_TIME, Budget::MEMORY_BYTES_DEFAULT);
    let stale = checkers::stale_reads(history, &budget);
    let point = |(at, behind): (Nanos, Nanos)| (at.as_secs_f64(), behind.as_millis_f64());
    vec![Line::points("stale reads", stale.into_iter().map(point).collect())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::explain::tests::stale_history;
    use crate::report::tests::violated_example;

    const LAG: &str = "time_ms,node,of,which,entries\n13900.0,n1,follower,3,2\n14200.0,n1,follower,3,9\n14200.0,n1,follower,2,0\n";

    #[test]
    fn every_picture_of_a_run_with_a_stale_read() {
        let history = stale_history();
        let files = draw(&violated_example(7), &history, LAG);
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["latency.svg", "rate.svg", "lag.svg", "staleness.svg", "proof-1.svg"]);
        for (name, text) in &files {
            assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"), "{name}");
            assert!(text.contains("partition:halves"), "{name} shows the fault");
            assert!(!text.contains("NaN") && !text.contains("inf\""), "{name}: {text}");
        }
        let of = |name: &str| &files.iter().find(|(of, _)| of == name).unwrap().1;
        assert!(of("proof-1.svg").contains("read x -&gt; 3") && of("lag.svg").contains("follower 3 of n1"));
        assert!(!of("lag.svg").contains("follower 2"), "what never lay behind is no line");
    }

    #[test]
    fn what_was_not_measured_is_not_drawn() {
        let files = draw(&RunOutcome::complete_example(), &History::default(), "");
        assert!(files.is_empty(), "{files:?}");
    }
}
