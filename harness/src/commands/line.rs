//! The command line, as data.
//!
//! Does nothing: [`super::dispatch`] gives commands their meaning. Only what works is declared.

use clap::{Parser, Subcommand};

use super::calibrate::CalibrateArgs;
use super::check::CheckArgs;
use super::compare::CompareArgs;
use super::convert::ConvertArgs;
use super::doctor::DoctorArgs;
use super::explain::ExplainArgs;
use super::hunt::HuntArgs;
use super::list::ListArgs;
use super::probe::ProbeArgs;
use super::replay::ReplayArgs;
use super::report::ReportArgs;
use super::run::RunArgs;
use super::schema::SchemaArgs;
use super::selftest::SelftestArgs;
use super::serve::ServeArgs;
use super::session::Global;
use super::shrink::ShrinkArgs;
use super::stats::StatsArgs;
use super::synth::SynthArgs;
use super::verify::VerifyArgs;

pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 everything as expected; 1 a violation, or a verdict other than the expected one; 2 unknown or \
inconclusive; 3 harness failure, or a file that cannot be read; 4 nothing ran; 64 usage or configuration; 70 a bug in \
the harness; 130 interrupted.";

/// Tests replicated stores: operations and faults in, histories and verdicts with the smallest proof out.
#[derive(Debug, Parser)]
#[command(name = "partita", version, after_help = EXIT_CODES, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run suites: workloads on modes under faults, then check what clients saw.
    Run(RunArgs),
    /// Check stored histories.
    Check(CheckArgs),
    /// A certificate that `check` wrote, against its history.
    Verify(VerifyArgs),
    /// Replication modes side by side, each against what it promises and what it gives up.
    Compare(CompareArgs),
    /// Seeds in simulation, each with its own mix of faults and load, until one fails.
    Hunt(HuntArgs),
    /// Planted bugs against the runs that should find them, in simulation.
    Selftest(SelftestArgs),
    /// Would the suite notice? Its runs with clients that lie, one lie at a time.
    Calibrate(CalibrateArgs),
    /// The same run again: exactly in simulation, with the same schedule of faults live.
    Replay(ReplayArgs),
    /// The smallest run, or history, that still fails the same check.
    Shrink(ShrinkArgs),
    /// Runs and stored histories as one page that needs no network.
    Report(ReportArgs),
    /// The runs of a folder in a browser, also while they go on.
    Serve(ServeArgs),
    /// A history from one format to another.
    Convert(ConvertArgs),
    /// What is in a history, and what can be checked.
    Stats(StatsArgs),
    /// A synthetic history, valid but for the anomalies that are planted, on standard output.
    Synth(SynthArgs),
    /// What there is to choose from.
    List(ListArgs),
    /// What a model or an anomaly means, by small histories that show it.
    Explain(ExplainArgs),
    /// JSON Schemas of everything that is printed or written as JSON.
    Schema(SchemaArgs),
    /// Does the client of a system tell the truth, and send each request once?
    Probe(ProbeArgs),
    /// Which faults this machine can have, and why not the rest.
    Doctor(DoctorArgs),
    /// Shell completions.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// The manual page, in roff: of the program, or of one of its commands.
    Man {
        /// `check`, `run`, …
        #[arg(value_name = "COMMAND")]
        command: Option<String>,
    },
    /// A process of a system under test, as the harness starts it.
    #[command(hide = true, disable_help_flag = true)]
    Child {
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        arguments: Vec<String>,
    },
    /// What ends the processes of a harness that was killed.
    #[command(hide = true, disable_help_flag = true)]
    Watchdog { harness: String },
    /// One member of the reference store, as the harness starts it.
    #[command(hide = true, disable_help_flag = true)]
    Node {
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        arguments: Vec<String>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;
    use crate::cli::paint::ColorChoice;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn lists_respect_brackets_and_flags_may_stand_anywhere() {
        let cli = parse(
            "partita run -v quick --mode single/quorum[read=lease,sync=never],single/* --faults kill:leader,none \
             --time 5s --seeds 1..3 --keep --report json,csv=a.csv --report junit=a.xml --color never",
        )
        .unwrap();
        let Command::Run(args) = cli.command else { panic!("not run") };
        assert_eq!(args.meant.suites, ["quick"]);
        assert_eq!(args.meant.options.mode.unwrap().0, ["single/quorum[read=lease,sync=never]", "single/*"]);
        assert_eq!(args.meant.options.keep, Some(true));
        assert_eq!(args.meant.options.report.unwrap(), ["json", "csv=a.csv", "junit=a.xml"]);
        assert!(cli.global.verbose);
        assert_eq!(cli.global.color, ColorChoice::Never);
    }

    #[test]
    fn what_does_not_exist_is_refused_with_the_nearest() {
        let error = parse("partita run --tim 5s").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownArgument);
        assert!(error.to_string().contains("--time"));
        assert_eq!(parse("partita chek a").unwrap_err().kind(), ErrorKind::InvalidSubcommand);
        assert_eq!(parse("partita run --stage simm").unwrap_err().kind(), ErrorKind::ValueValidation);
        assert_eq!(parse("partita run -q -v").unwrap_err().kind(), ErrorKind::ArgumentConflict);
        assert_eq!(parse("partita run --nodes 0").unwrap_err().kind(), ErrorKind::ValueValidation);
        assert_eq!(parse("partita hunt --jobs 0").unwrap_err().kind(), ErrorKind::ValueValidation);
    }

    #[test]
    fn the_time_of_a_hunt_is_said_to_bound_the_hunt() {
        let help = |command: &str| {
            let mut cli = Cli::command();
            cli.find_subcommand_mut(command).unwrap().render_help().to_string()
        };
        assert!(help("hunt").contains("How long to hunt"), "{}", help("hunt"));
        assert!(!help("hunt").contains("How long each run issues operations"));
        assert!(help("run").contains("How long each run issues operations"));
    }

    #[test]
    fn an_empty_command_line_shows_the_help() {
        let kind = parse("partita").unwrap_err().kind();
        assert_eq!(kind, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    }

    #[test]
    fn what_a_node_is_told_is_passed_on_as_it_is() {
        let cli = parse("partita node --node n1 --mode single/quorum --seed 7").unwrap();
        let Command::Node { arguments } = cli.command else { panic!("not node") };
        assert_eq!(arguments.join(" "), "--node n1 --mode single/quorum --seed 7");
        assert!(!Cli::command().render_help().to_string().contains("node "), "it is hidden");
    }
}
