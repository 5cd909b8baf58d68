//! A certificate that was held against its history, as a person reads it: a line a claim.

use checkers::certificate::{Claim, Decision, Outcome};
use histories::printable;

use crate::report::Verified;

pub(super) fn render(verified: &Verified<'_>) -> String {
    match verified {
        Verified::AboutAnotherFile => "refused: the certificate is about another file\n".to_owned(),
        Verified::Claims(claims) => claims.iter().map(|(claim, outcome)| line(claim, outcome)).collect(),
    }
}

fn line(claim: &Claim, outcome: &Outcome) -> String {
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
    let why = why.map_or_else(String::new, |why| format!(": {}", printable(why)));
    format!("{word:13} {verdict:8} {}{why}\n", claim.model)
}
