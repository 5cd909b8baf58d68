//! A command line that is refused: what clap says of it, and what it leaves unsaid.
//!
//! Decides nothing about a run.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Error, FromArgMatches};

use super::line::Cli;
use crate::cli::names::nearest;

/// Reads the process's arguments. A value may begin with a minus sign: then it is the value that is wrong, not the flag.
pub(super) fn parse(arguments: &[OsString]) -> Result<Cli, Error> {
    let negative = |argument: clap::Arg| {
        if argument.get_action().takes_values() && argument.get_long().is_some() {
            argument.allow_negative_numbers(true)
        } else {
            argument
        }
    };
    let mut command = Cli::command().mut_subcommands(|command| command.mut_args(negative));
    let matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Without suggestions that nobody can have meant.
pub(super) fn without_wild_guesses(mut error: Error) -> Error {
    for (typed, suggested) in [
        (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand),
        (ContextKind::InvalidArg, ContextKind::SuggestedArg),
        (ContextKind::InvalidValue, ContextKind::SuggestedValue),
    ] {
        let Some(ContextValue::String(typed)) = error.get(typed) else { continue };
        let is_like = |suggestion: &String| nearest(typed, [suggestion.as_str()]).is_some();
        let kept = match error.get(suggested) {
            Some(ContextValue::String(suggestion)) => is_like(suggestion),
            Some(ContextValue::Strings(suggestions)) => suggestions.iter().any(is_like),
            _ => true,
        };
        if !kept {
            error.remove(suggested);
        }
    }
    error
}

/// What the environment says where a flag of the same meaning was not given: one of it may be what is wrong. `of` is the
/// argument in question, as clap shows it, `--seed <N|SHA>`; without it, every one.
pub(super) fn said_by_environment(arguments: &[OsString], of: Option<&str>) -> Vec<String> {
    let mut whole = Cli::command();
    // Only what has been built can be shown as clap shows it.
    whole.build();
    let typed: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let all = whole.get_subcommands().flat_map(clap::Command::get_arguments).chain(whole.get_arguments());
    let mut said = Vec::new();
    for argument in all.filter(|argument| of.is_none_or(|of| argument.to_string() == of)) {
        let (Some(flag), Some(variable)) = (argument.get_long(), argument.get_env()) else { continue };
        let given = |typed: &str| {
            typed
                .strip_prefix("--")
                .and_then(|typed| typed.strip_prefix(flag))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        let Some(value) = std::env::var_os(variable).filter(|_| !typed.iter().any(|typed| given(typed)))
        else {
            continue;
        };
        let told = format!("{}={}", variable.to_string_lossy(), value.to_string_lossy());
        if !said.contains(&told) {
            said.push(told);
        }
    }
    said
}

/// The argument whose value is wrong, as clap shows it.
pub(super) fn wrong_argument(error: &Error) -> Option<&str> {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => Some(argument),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        without_wild_guesses(parse(&words).unwrap_err()).to_string()
    }

    #[test]
    fn a_number_below_zero_is_a_wrong_value_and_no_unknown_flag() {
        assert!(refused("partita run --seed -1").starts_with("error: invalid value '-1' for '--seed"));
        assert!(refused("partita run --clients -2").contains("'--clients"));
    }

    #[test]
    fn what_is_unlike_everything_gets_no_suggestion() {
        assert!(!refused("partita synapse x").contains("synth"), "{}", refused("partita synapse x"));
        assert!(refused("partita chek x").contains("check"));
        assert!(refused("partita run --tim 5s").contains("--time"));
    }
}
