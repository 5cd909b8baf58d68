//! Pictures of a run as SVG files, for its folder: latency and rate over time, lag and staleness over time, and the proofs on a
//! timeline, each with the faults as bands.

mod chart;
mod proof;
mod series;

use histories::{FaultWindow, History};

use self::chart::{Band, Chart, Line, Scale};
use crate::judge::outcome::RunOutcome;
use crate::report::lag::Lag;
use crate::report::series::Series;

/// So many proofs are drawn.
const PROOFS_MAX: usize = 5;

/// The files of a run's folder, by name. What was not measured is not drawn.
pub(crate) fn draw(
    run: &RunOutcome,
    history: &History,
    series: &Series,
    lag: &[Lag],
) -> Vec<(String, String)> {
    let bands = bands(history);
    let chart = |title: &str, unit: &'static str, scale, lines: Vec<Line>| Chart {
        title: format!("{title}: {} × {}, seed {}", run.workload, run.mode, run.seed),
        unit,
        scale,
        end_s: history.end().as_secs_f64(),
        bands: &bands,
        lines,
    };
    let charts = [
        ("latency.svg", chart("latency", "ms", Scale::Logarithmic, series::latency(series))),
        ("rate.svg", chart("operations a second", "1/s", Scale::Linear, series::rate(series))),
        ("lag.svg", chart("replication lag", "entries", Scale::Linear, series::lag(lag))),
        (
            "staleness.svg",
            chart("staleness of reads", "ms behind", Scale::Logarithmic, series::staleness(series)),
        ),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::explain::tests::stale_history;
    use crate::report::lag;
    use crate::report::tests::violated_example;

    const LAG: &str = "time_ms,node,of,which,entries\n13900.0,n1,follower,3,2\n14200.0,n1,follower,3,9\n14200.0,n1,follower,2,0\n";

    #[test]
    fn every_picture_of_a_run_with_a_stale_read() {
        let history = stale_history();
        let files = draw(&violated_example(7), &history, &Series::of(&history, true), &lag::parsed(LAG));
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
        let files = draw(&RunOutcome::complete_example(), &History::default(), &Series::default(), &[]);
        assert!(files.is_empty(), "{files:?}");
    }
}
