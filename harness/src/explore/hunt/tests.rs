use std::path::PathBuf;

use super::*;
use crate::cli::options::Options;
use crate::plan::catalogue::Catalogue;

fn swarm() -> Swarm {
    let options = Options { time: Some("2s".parse().unwrap()), ..Options::default() };
    let catalogue = Catalogue::with(PathBuf::from("partita"), &[]);
    crate::commands::hunt::swarm(None, &Options::default(), options, &catalogue).unwrap().0
}

fn hunt_on(tally: Tally, seeds: u64, threads: usize, stops: bool) -> (Tally, End) {
    let range = Range { first: 1, seeds_max: Some(seeds), time_max: None, shard: (0, 1), threads };
    let interrupt = Interrupt::default();
    let told = |_: &Tally| {
        if stops {
            interrupt.set();
        }
    };
    hunt(&swarm(), range, tally, &interrupt, &told)
}

#[test]
fn an_interrupted_run_is_not_booked_and_who_resumes_runs_it() {
    let (whole, end) = hunt_on(Tally::default(), 8, 1, false);
    assert!(matches!(end, End::Spent));
    let (part, end) = hunt_on(Tally::default(), 8, 4, true);
    assert!(matches!(end, End::Interrupted));
    assert!(part.runs < 8, "{part:?}");
    let (resumed, end) = hunt_on(part, 8, 2, false);
    assert!(matches!(end, End::Spent));
    let json = |tally: &Tally| serde_json::to_value(tally).unwrap();
    assert_eq!(json(&resumed), json(&whole));
}

#[test]
fn a_run_that_is_broken_off_is_no_trial() {
    let interrupt = Interrupt::default();
    interrupt.set();
    assert!(matches!(trial(&swarm().draw(1), &interrupt), Err(RunError::Interrupted)));
}
