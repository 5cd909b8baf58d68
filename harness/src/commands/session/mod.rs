//! What every command has: where to complain, how loud, in which colours, and who can stop it.

mod loading;
mod terminal;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use histories::printable_lines;

pub(crate) use self::loading::Loading;
use self::terminal::{Bar, Lines};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::layout::{Screen, Width};
use crate::cli::paint::{ColorChoice, Paint};
use crate::report::{self, Report, RunsReport, Targets};
use crate::run::progress::{Interrupt, Progress, Silent};

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

/// One command's surroundings.
pub(crate) struct Session {
    /// For standard output.
    pub(crate) paint: Paint,
    /// Of standard output.
    pub(crate) width: Width,
    paint_stderr: Paint,
    width_stderr: Width,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
    progress: ProgressChoice,
    pub(crate) interrupt: Interrupt,
    complains: bool,
}

impl Session {
    pub(crate) fn new(global: &Global, interrupt: Interrupt) -> Self {
        Self {
            paint: Paint::new(global.color, &std::io::stdout()),
            width: Width::of(&std::io::stdout()),
            paint_stderr: Paint::new(global.color, &std::io::stderr()),
            width_stderr: Width::of(&std::io::stderr()),
            quiet: global.quiet,
            verbose: global.verbose,
            progress: global.progress,
            interrupt,
            complains: true,
        }
    }

    /// For tests: says nothing.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self {
            paint: Paint::PLAIN,
            width: Width::UNLIMITED,
            paint_stderr: Paint::PLAIN,
            width_stderr: Width::UNLIMITED,
            quiet: true,
            verbose: false,
            progress: ProgressChoice::None,
            interrupt: Interrupt::default(),
            complains: false,
        }
    }

    /// Standard output, as a person reads it.
    pub(crate) fn screen(&self) -> Screen {
        Screen { paint: self.paint, width: self.width, verbose: self.verbose }
    }

    pub(crate) fn error(&self, message: &str) {
        self.complain(&format!("{}: {}", self.paint_stderr.bad("error"), printable_lines(message)));
    }

    pub(crate) fn warn(&self, message: &str) {
        self.complain(&format!("{}: {}", self.paint_stderr.doubtful("warning"), printable_lines(message)));
    }

    /// What a person may have forgotten to say.
    pub(crate) fn hint(&self, message: &str) {
        self.complain(&format!("{}: {}", self.paint_stderr.doubtful("hint"), printable_lines(message)));
    }

    /// What a command came to, as JSON or for a person.
    pub(crate) fn print(&self, told: &Report<'_>, as_json: bool, out: &mut dyn Write) -> Result<(), Failure> {
        let screen = self.screen();
        let text = if as_json { report::json::render(told) } else { report::terminal::render(told, screen) };
        Ok(out.write_all(text.as_bytes())?)
    }

    /// What runs came to, for a person, and in the formats that were asked for.
    pub(crate) fn tell(
        &self,
        runs: RunsReport<'_>,
        targets: &Targets,
        out: &mut dyn Write,
    ) -> Result<Exit, Failure> {
        let report = Report::Runs(&runs);
        if targets.take_stdout() {
            self.print(&report, false, &mut std::io::stderr())?;
        } else {
            self.print(&report, false, out)?;
        }
        targets.write(&runs, out)?;
        Ok(runs.exit)
    }

    /// On standard error, unless it is to be quiet.
    pub(crate) fn say(&self, message: &str) {
        if !self.quiet {
            self.complain(&printable_lines(message));
        }
    }

    fn complain(&self, message: &str) {
        if self.complains {
            let lines: Vec<String> = message.lines().map(|line| self.width_stderr.wrap(line, 4)).collect();
            // Nobody is left to hear that standard error is closed.
            let _ = writeln!(std::io::stderr().lock(), "{}", lines.join("\n"));
        }
    }

    /// Who is told how a run goes on.
    pub(crate) fn progress(&self, title: &str, time: std::time::Duration) -> Box<dyn Progress> {
        match self.bar() {
            None => Box::new(Silent),
            Some(true) => Box::new(Bar::new(title, time, self.verbose)),
            Some(false) => Box::new(Lines::new(title, time)),
        }
    }

    /// Who is told how far the reading of files has come.
    pub(crate) fn loading(&self, files: &[PathBuf]) -> Loading {
        match self.bar() {
            None => Loading::silent(),
            Some(true) => Loading::bar(files),
            Some(false) => Loading::lines(files),
        }
    }

    /// A bar or lines; `None` where nothing is to be shown.
    fn bar(&self) -> Option<bool> {
        match self.progress {
            _ if self.quiet => None,
            ProgressChoice::None => None,
            ProgressChoice::Bar => Some(true),
            ProgressChoice::Lines => Some(false),
            ProgressChoice::Auto => Some(std::io::stderr().is_terminal()),
        }
    }
}
