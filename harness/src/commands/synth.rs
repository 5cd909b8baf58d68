//! `partita synth`: a valid history of any shape, with anomalies planted where they are asked for.
//!
//! Events are written as they are made, so that a history may be larger than memory.

use std::io::Write;

use clap::Args;
use histories::synth::{self, Object, Plant, Planted, Shape};
use histories::write::jsonl;

use super::Session;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::report::Report;
use crate::report::listing::{Listing, Named};

#[derive(Args, Debug)]
pub(crate) struct SynthArgs {
    /// What clients act on: register, set, list, counter, queue, stack, kv, mutex,
    /// bank, list-append or rw-register.
    #[arg(long, default_value_t = Object::Register, value_name = "OBJECT")]
    object: Object,

    #[arg(long, short = 'n', default_value_t = 1_000, value_name = "N")]
    operations: u64,

    /// Keys in use at a time.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=KEYS_MAX))]
    keys: u32,

    /// Clients that act at the same time.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=CLIENTS_MAX))]
    clients: u32,

    /// Share of operations that read, 0 to 1.
    #[arg(long, default_value_t = 0.5, value_name = "SHARE", value_parser = share)]
    reads: f64,

    /// Share of operations whose outcome nobody learns, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    crashes: f64,

    /// Share of operations that certainly did not happen, 0 to 1.
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
    failures: f64,

    /// How unevenly keys are chosen; 0 is evenly.
    #[arg(long, default_value_t = 0.0, value_name = "EXPONENT", value_parser = exponent)]
    skew: f64,

    /// The same seed gives the same history.
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,

    /// An anomaly, and before which operation: `stale-read@500`. May be given more than once.
    #[arg(long, value_name = "NAME[@OPERATION]")]
    plant: Vec<Plant>,

    /// What can be planted, instead of a history.
    #[arg(long)]
    anomalies: bool,
}

/// Every key and client is held in memory, a hundred bytes or so each.
const KEYS_MAX: i64 = 10_000_000;
const CLIENTS_MAX: i64 = 1_000_000;

fn exponent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(exponent) if (0.0..=EXPONENT_MAX).contains(&exponent) => Ok(exponent),
        _ => Err(format!("expected an exponent from 0 to {EXPONENT_MAX}, not {text:?}")),
    }
}

/// The second key has a millionth of the first one's share at 20: all is one key.
const EXPONENT_MAX: f64 = 20.0;

fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("expected a share from 0 to 1, not {text:?}")),
    }
}

pub(crate) fn synth(args: &SynthArgs, session: &Session, out: &mut dyn Write) -> Result<Exit, Failure> {
    if args.anomalies {
        session.print(&Report::Listing(&anomalies(args.object)), false, out)?;
        return Ok(Exit::Success);
    }
    let shape = Shape {
        object: args.object,
        operations: args.operations,
        keys: args.keys,
        clients: args.clients,
        reads: args.reads,
        crashes: args.crashes,
        failures: args.failures,
        skew: args.skew,
        seed: args.seed,
        plants: args.plant.clone(),
        ..Shape::default()
    };
    shape.check().map_err(|error| Failure::usage(error.to_string()))?;
    let mut text = Vec::with_capacity(BLOCK_BYTES + 1024);
    jsonl::header(&synth::header(&shape), &mut text);
    for event in synth::events(&shape) {
        jsonl::event(&event, &mut text);
        if text.len() >= BLOCK_BYTES {
            out.write_all(&text)?;
            text.clear();
        }
    }
    out.write_all(&text)?;
    Ok(Exit::Success)
}

/// What can be planted into a history of this object.
fn anomalies(object: Object) -> Listing {
    let named = |name: &str| Named {
        name: name.to_owned(),
        about: Planted::about(object, name).unwrap_or_default().to_owned(),
    };
    Listing::Anomalies(Planted::names(object).into_iter().map(named).collect())
}

const BLOCK_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        synth: SynthArgs,
    }

    fn written(line: &str) -> Result<Vec<u8>, Failure> {
        let line = Line::parse_from(std::iter::once("synth").chain(line.split_whitespace()));
        let mut out = Vec::new();
        synth(&line.synth, &Session::silent(), &mut out).map(|_| out)
    }

    #[test]
    fn what_is_made_is_a_history_with_its_plant() {
        let text = written("-n 200 --object queue --crashes 0.1 --plant duplicate-element@50").unwrap();
        let history = histories::read::read(&*text, "synth").unwrap();
        assert_eq!(history.operations().len(), 203);
        assert_eq!(
            text,
            written("-n 200 --object queue --crashes 0.1 --plant duplicate-element@50").unwrap()
        );
    }

    #[test]
    fn what_no_memory_holds_and_what_is_no_number_is_refused() {
        for line in ["--keys 0", "--keys 4000000000", "--clients 0", "--clients 4000000000"] {
            let refused = Line::try_parse_from(std::iter::once("synth").chain(line.split_whitespace()));
            assert!(refused.unwrap_err().to_string().contains(" is not in 1..="), "{line}");
        }
        for skew in ["-1", "NaN", "inf", "21"] {
            let refused = Line::try_parse_from(["synth".to_owned(), format!("--skew={skew}")]);
            assert!(refused.unwrap_err().to_string().contains("an exponent from 0 to 20"), "{skew}");
        }
    }

    #[test]
    fn an_anomaly_that_is_not_known_is_answered_with_those_that_are() {
        let error = written("--object counter --plant stale-read").unwrap_err();
        assert!(error.to_string().ends_with("there are lost-update, phantom-read"), "{error}");
        assert!(
            String::from_utf8(written("--object counter --anomalies").unwrap())
                .unwrap()
                .contains("lost-update")
        );
    }
}
