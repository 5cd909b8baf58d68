//! A run that was done again, as a person reads it.

use std::fmt::Write as _;

use crate::cli::layout::Screen;
use crate::report::replayed::{Compared, Difference, Replayed};

pub(super) fn render(replayed: &Replayed<'_>, screen: Screen) -> String {
    let outcome = super::run(replayed.outcome, screen, &[]);
    let mut text = format!("{outcome}\nhistory.jsonl {}\n", replayed.history_sha256);
    // Writing to a string cannot fail.
    if let Some(compared) = &replayed.compared {
        let _ = writeln!(text, "{}", self::compared(compared));
    }
    if let Some(trace) = &replayed.trace {
        let _ = writeln!(text, "trace: {}, {}", trace.log.display(), trace.drawing.display());
    }
    text
}

fn compared(compared: &Compared) -> String {
    match compared {
        Compared::Same => "the same history, to the byte".to_owned(),
        Compared::Another { line, why } => {
            format!("ANOTHER history than before, from line {line} on: {}", difference(why))
        }
        Compared::Nothing(why) => format!("there is no earlier history to compare it with: {why}"),
    }
}

/// Why the history is another one.
pub(crate) fn difference(why: &Difference) -> String {
    match why {
        Difference::Configuration => "its env.json was changed after that run".to_owned(),
        Difference::Version(version) => {
            format!("that run was of partita {version}, this one is of {}", env!("CARGO_PKG_VERSION"))
        }
        Difference::Build => "that run was of another build of partita".to_owned(),
        Difference::Unexplained => {
            "the build and the configuration are the same, so that this is a bug of partita".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_and_so_is_a_history_that_is_missing() {
        let differences = [
            Difference::Configuration,
            Difference::Version("0.0.1".to_owned()),
            Difference::Build,
            Difference::Unexplained,
        ];
        let another = differences.map(|why| Compared::Another { line: 3, why });
        let told: Vec<String> = another.iter().map(compared).collect();
        insta::assert_snapshot!(told.join("\n").replace(env!("CARGO_PKG_VERSION"), "VERSION"));
        assert!(compared(&Compared::Nothing("it is gone".to_owned())).contains("no earlier history"));
        assert_eq!(compared(&Compared::Same), "the same history, to the byte");
    }
}
