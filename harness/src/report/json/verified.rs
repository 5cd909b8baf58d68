//! The JSON of `verify` and of `probe`: what became of each claim, and of each trial.

use checkers::certificate::{Claim, Decision, Outcome};
use schemars::JsonSchema;
use serde::Serialize;
use systems::probe::Tried;

use super::VERSION;
use crate::report::{Certificate, Client, Verified};

/// Of `verify`.
#[derive(JsonSchema, Serialize)]
pub(crate) struct CertificateReport<'a> {
    /// The version of the program.
    partita: &'static str,
    /// The exit code.
    exit: u8,
    /// Whether the certificate is about this history. Where it is not, none of its claims was looked at.
    about_this_history: bool,
    claims: Vec<ClaimReport<'a>>,
}

#[derive(JsonSchema, Serialize)]
struct ClaimReport<'a> {
    model: &'static str,
    /// What is claimed: `held` or `violated`.
    #[schemars(extend("enum" = ["held", "violated"]))]
    verdict: &'static str,
    /// What became of it: `confirmed`, `refused`, `undecided` or `not-certified`.
    #[schemars(extend("enum" = ["confirmed", "refused", "undecided", "not-certified"]))]
    outcome: &'static str,
    /// Why, where it was not confirmed.
    why: Option<&'a str>,
}

/// Of `probe`.
#[derive(JsonSchema, Serialize)]
pub(crate) struct ClientReport<'a> {
    /// The version of the program.
    partita: &'static str,
    /// The exit code.
    exit: u8,
    trials: Vec<TrialReport<'a>>,
}

#[derive(JsonSchema, Serialize)]
struct TrialReport<'a> {
    /// What was tried.
    when: &'static str,
    /// What the client said, in a word; why it was not tried, where it was skipped.
    said: &'a str,
    skipped: bool,
    /// What the client has to mend, a sentence each.
    faults: Vec<String>,
}

impl<'a> From<&Certificate<'a>> for CertificateReport<'a> {
    fn from(certificate: &Certificate<'a>) -> Self {
        let claims = match certificate.verified {
            Verified::AboutAnotherFile => None,
            Verified::Claims(claims) => Some(claims),
        };
        Self {
            partita: VERSION,
            exit: certificate.exit.code(),
            about_this_history: claims.is_some(),
            claims: claims
                .unwrap_or_default()
                .iter()
                .map(|(claim, outcome)| claimed(claim, outcome))
                .collect(),
        }
    }
}

fn claimed<'a>(claim: &Claim, outcome: &'a Outcome) -> ClaimReport<'a> {
    let (outcome, why) = match outcome {
        Outcome::Confirmed => ("confirmed", None),
        Outcome::Refused(why) => ("refused", Some(why.as_str())),
        Outcome::Undecided(why) => ("undecided", Some(why.as_str())),
        Outcome::NotCertified(why) => ("not-certified", Some(why.as_str())),
    };
    let verdict = match claim.verdict {
        Decision::Held => "held",
        Decision::Violated => "violated",
    };
    ClaimReport { model: claim.model.name(), verdict, outcome, why }
}

impl<'a> From<&Client<'a>> for ClientReport<'a> {
    fn from(client: &Client<'a>) -> Self {
        let trial = |tried: &'a Tried| TrialReport {
            when: tried.trial.name(),
            said: &tried.said,
            skipped: tried.skipped,
            faults: tried.faults.iter().map(ToString::to_string).collect(),
        };
        Self { partita: VERSION, exit: client.exit.code(), trials: client.tried.iter().map(trial).collect() }
    }
}
