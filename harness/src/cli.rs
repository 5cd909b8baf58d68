//! The command line, as data.
//!
//! Does nothing: [`crate::dispatch`] gives commands their meaning. Only what works is declared.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::convert::ConvertArgs;
use crate::commands::hunt::HuntArgs;
use crate::commands::replay::ReplayArgs;
use crate::commands::selftest::SelftestArgs;
use crate::commands::shrink::ShrinkArgs;
use crate::commands::stats::StatsArgs;
use crate::commands::synth::SynthArgs;
use crate::options::Options;
use crate::paint::ColorChoice;
use crate::quantity::{BudgetLimits, List};
use crate::reading::{ReadingArgs, ViewArgs};

const EXIT_CODES: &str = "\
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

/// What every command takes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// No progress and no summaries of runs that passed.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Every phase, fault and anomaly.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// When to colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", env = "PARTITA_COLOR")]
    pub(crate) color: ColorChoice,

    /// How progress is shown: a bar on a terminal and lines elsewhere, unless told.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "HOW", env = "PARTITA_PROGRESS")]
    pub(crate) progress: ProgressChoice,

    /// The configuration [default: partita.toml, where there is one].
    #[arg(long, global = true, value_name = "FILE", env = "PARTITA_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    /// A profile of the configuration.
    #[arg(long, global = true, value_name = "NAME", env = "PARTITA_PROFILE")]
    pub(crate) profile: Option<String>,
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressChoice {
    #[default]
    Auto,
    Bar,
    Lines,
    None,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run suites: workloads on modes under faults, then check what clients saw.
    Run(RunArgs),
    /// Check stored histories.
    Check(CheckArgs),
    /// Replication modes side by side, each against what it promises and what it gives up.
    Compare(CompareArgs),
    /// Seeds in simulation, each with its own mix of faults and load, until one fails.
    Hunt(HuntArgs),
    /// Planted bugs against the runs that should find them, in simulation.
    Selftest(SelftestArgs),
    /// The same run again: exactly in simulation, with the same schedule of faults live.
    Replay(ReplayArgs),
    /// The smallest run, or history, that still fails the same check.
    Shrink(ShrinkArgs),
    /// A history from one format to another.
    Convert(ConvertArgs),
    /// What is in a history, and what can be checked.
    Stats(StatsArgs),
    /// A synthetic history, valid but for the anomalies that are planted, on standard output.
    Synth(SynthArgs),
    /// What there is to choose from.
    List(ListArgs),
    /// Shell completions.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// The manual page, in roff.
    Man,
    /// One member of the reference store, as the harness starts it.
    #[command(hide = true, disable_help_flag = true)]
    Node {
        #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
        arguments: Vec<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// Built-in suites (see `partita list suites`) or files [default: quick].
    #[arg(value_name = "SUITE")]
    pub(crate) suites: Vec<String>,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// The trade-offs of replication, measured: consistency, availability, scaling, recovery and conflicts of a mode of
    /// each type, in simulation unless --stage says otherwise.
    #[arg(long)]
    pub(crate) tradeoffs: bool,

    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// History files, folders of them, or patterns such as `'runs/*/*'`; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// Demand these models, and check no other [default: what the file's header promises is demanded, every model
    /// is checked].
    #[arg(long, value_name = "MODEL,…")]
    pub(crate) model: Option<List>,

    /// For a person, or one JSON object a file.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: CheckFormat,

    /// What each file's check may use: `60s,4GiB`. Past the time a verdict is unknown, and so is one that needs more
    /// memory; a file whose operations take more is refused.
    #[arg(long, value_name = "TIME,SIZE", env = "PARTITA_BUDGET")]
    pub(crate) budget: Option<BudgetLimits>,

    /// Show every anomaly, not only the first of each model, and of what is linearizable an order that explains it.
    #[arg(long)]
    pub(crate) witness: bool,

    /// Say what each model means, and which do not apply.
    #[arg(long)]
    pub(crate) explain: bool,

    /// Draw each proof that is a graph into this folder, as SVG and as DOT.
    #[arg(long, value_name = "DIR")]
    pub(crate) graph: Option<PathBuf>,

    #[command(flatten, next_help_heading = "How a file is read")]
    pub(crate) reading: ReadingArgs,

    #[command(flatten, next_help_heading = "What is looked at")]
    pub(crate) view: ViewArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    #[default]
    Text,
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// What to list.
    #[arg(value_enum)]
    pub(crate) what: Listed,

    /// Of which system, where that matters.
    #[arg(long, value_name = "NAME", env = "PARTITA_SYSTEM")]
    pub(crate) system: Option<String>,

    /// Where runs are looked for.
    #[arg(long, value_name = "DIR", env = "PARTITA_OUT", default_value = "runs")]
    pub(crate) out: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listed {
    Systems,
    Modes,
    Suites,
    Workloads,
    Faults,
    Models,
    Bugs,
    Formats,
    Runs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

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
        assert_eq!(args.suites, ["quick"]);
        assert_eq!(args.options.mode.unwrap().0, ["single/quorum[read=lease,sync=never]", "single/*"]);
        assert_eq!(args.options.keep, Some(true));
        assert_eq!(args.options.report.unwrap(), ["json", "csv=a.csv", "junit=a.xml"]);
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
        let cli = parse("partita node --node n1 --mode single/quorum --seed 7 --parent 12").unwrap();
        let Command::Node { arguments } = cli.command else { panic!("not node") };
        assert_eq!(arguments.join(" "), "--node n1 --mode single/quorum --seed 7 --parent 12");
        assert!(!Cli::command().render_help().to_string().contains("node "), "it is hidden");
    }
}
