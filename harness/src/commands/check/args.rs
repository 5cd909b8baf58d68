//! The arguments of `partita check`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::output::OutputFormat;
use crate::cli::quantity::{BudgetLimits, List};
use crate::cli::reading::{ReadingArgs, ViewArgs};

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
    pub(crate) format: OutputFormat,

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

    /// Write what convinces a sceptic of each verdict into this file, for `partita verify`; of one history of JSON Lines.
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,

    #[command(flatten, next_help_heading = "How a file is read")]
    pub(crate) reading: ReadingArgs,

    #[command(flatten, next_help_heading = "What is looked at")]
    pub(crate) view: ViewArgs,
}
