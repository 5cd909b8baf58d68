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
            let mend = format!("mend: when {}, {fault}", tried.trial.name());
            let _ = writeln!(text, "\n{}", screen.width.wrap(&mend, 2));
        }
    }
    if tried.iter().all(|tried| tried.faults.is_empty()) {
        text.push_str("\nthe client keeps its contract\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use systems::probe::{Fault, Trial};

    use super::*;
    use crate::cli::layout::Width;

    #[test]
    fn what_a_client_does_wrong_fits_the_page() {
        let said = "info: error sending request for url (http://127.0.0.1:44969/kv/probe1): client error \
                    (SendRequest): connection closed before message completed";
        let tried = |trial, said: &str, faults: Vec<Fault>| Tried {
            trial,
            said: said.to_owned(),
            skipped: false,
            faults,
        };
        let all = [
            tried(Trial::Healthy, "ok", Vec::new()),
            tried(Trial::AnswerLost, said, vec![Fault::SentAgain { connections: 2 }]),
            tried(Trial::HangUp, "fail: connection reset", vec![Fault::FailWithEffect]),
        ];
        for columns in [80, 200] {
            let screen = Screen { width: Width::columns(columns), ..Screen::PLAIN };
            insta::assert_snapshot!(format!("probe-{columns}"), render(&all, screen));
        }
    }
}
