//! A certificate that was held against its history, as a person reads it: a row a claim.

use checkers::certificate::{Claim, Decision, Outcome};
use histories::printable;

use crate::cli::layout::Width;
use crate::report::Verified;
use crate::report::grid::Grid;

pub(super) fn render(verified: &Verified<'_>, width: Width) -> String {
    let Verified::Claims(claims) = verified else {
        return "refused: the certificate is about another file\n".to_owned();
    };
    let mut grid = Grid::new(&["certificate", "verdict", "model", "why not"]);
    for (claim, outcome) in *claims {
        grid.push(row(claim, outcome));
    }
    format!("{}\n", grid.terminal(0, width))
}

fn row(claim: &Claim, outcome: &Outcome) -> Vec<String> {
    let verdict = match claim.verdict {
        Decision::Held => "held",
        Decision::Violated => "violated",
    };
    let (word, why) = match outcome {
        Outcome::Confirmed => ("confirmed", None),
        Outcome::Refused(why) => ("refused", Some(why)),
        Outcome::Undecided(why) => ("undecided", Some(why)),
        Outcome::NotCertified(why) => ("not certified", Some(why)),
    };
    let why = why.map_or_else(String::new, |why| printable(why).into_owned());
    vec![word.to_owned(), verdict.to_owned(), claim.model.to_string(), why]
}
